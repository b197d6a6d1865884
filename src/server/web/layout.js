/* layout.js - what is open: the list of conversations and the panel at the right.
 *
 * On wide screens both stand beside the conversation. On narrow ones each lies over it, one at a time; what is below
 * cannot be reached meanwhile, and Escape or a touch beside it closes it. */
import { $, dress } from './dom.js';
import * as prefs from './prefs.js';

/* panels: name -> { title, button, element, opened(bool) } */
export function createLayout(panels) {
    const sidebar = $('sidebar'), panel = $('panel'), main = $('main'), veil = $('veil'), menu = $('menu');
    const listOver = matchMedia('(max-width: 859px)'), panelOver = matchMedia('(max-width: 1099px)');
    let shown = null;      /* name of the panel */
    let listOpen = false;  /* on narrow screens */

    function arrange() {
        const list = listOpen && listOver.matches, over = list || (shown && panelOver.matches);
        sidebar.classList.toggle('open', list);
        sidebar.inert = (listOver.matches && !list) || (!list && Boolean(over));
        main.inert = Boolean(over);
        panel.inert = list;
        veil.hidden = !over;
        menu.setAttribute('aria-expanded', list);
    }

    function openPanel(name) {
        if (shown) {
            panels[shown].opened(false);
            panels[shown].button.setAttribute('aria-expanded', 'false');
        }
        const before = shown;
        shown = name;
        panel.hidden = !name;
        prefs.set('panel', name);
        if (name) {
            $('panel-title').textContent = panels[name].title;
            $('panel-body').replaceChildren(panels[name].element);
            panels[name].button.setAttribute('aria-expanded', 'true');
            panels[name].opened(true);
        }
        arrange();
        if (name && panelOver.matches) $('panel-close').focus();
        if (!name && before) panels[before].button.focus();
    }

    function openList(open) {
        listOpen = open;
        arrange();
        if (open) sidebar.querySelector('button').focus();
        else if (listOver.matches) menu.focus();
    }

    /* Closes what lies over the conversation. False: nothing does. */
    function closeOver() {
        if (listOpen && listOver.matches) openList(false);
        else if (shown && panelOver.matches) openPanel(null);
        else return false;
        return true;
    }

    for (const [name, p] of Object.entries(panels)) {
        dress(p.button, p.icon, p.title);
        p.button.addEventListener('click', () => openPanel(shown === name ? null : name));
    }
    dress(menu, 'menu', 'Conversations');
    dress($('panel-close'), 'close', 'Close');
    menu.addEventListener('click', () => openList(true));
    $('panel-close').addEventListener('click', () => openPanel(null));
    veil.addEventListener('click', closeOver);
    listOver.addEventListener('change', arrange);
    panelOver.addEventListener('change', arrange);
    const stored = prefs.get('panel');
    if (panels[stored] && !panelOver.matches) openPanel(stored);
    else arrange();

    return { closeOver, closeList() { if (listOpen) openList(false); } };
}
