/* sidebar.js - the list of conversations, newest first. */
import { el, iconButton } from './dom.js';

/* actions: select(id), rename(id, title), remove(id) */
export function createSidebar(list, actions) {
    let renaming = null; /* id; while a title is typed the list stays as it is */

    function startRename(c, item) {
        const input = el('input', { type: 'text', value: c.title, maxlength: 200, 'aria-label': 'Title' });
        const end = (save) => {
            if (renaming === null) return;
            const title = input.value;
            renaming = null;
            item.replaceChildren(...entry(c));
            item.querySelector('button').focus();
            if (save) actions.rename(c.id, title);
        };
        input.addEventListener('keydown', (e) => {
            if (e.key === 'Enter') end(true);
            if (e.key === 'Escape') { e.stopPropagation(); end(false); }
        });
        input.addEventListener('blur', () => end(true));
        renaming = c.id;
        item.replaceChildren(input);
        input.select();
    }

    function entry(c) {
        return [
            el('button', { type: 'button', class: 'name', title: c.title, onclick: () => actions.select(c.id) },
               el('span', {}, c.title)),
            iconButton('edit', 'Rename', (e) => startRename(c, e.currentTarget.closest('li'))),
            iconButton('trash', 'Delete', () => actions.remove(c.id)),
        ];
    }

    /* conversations: { id, title, updated }. current: the id that is shown. isRunning(id) */
    function show(conversations, current, isRunning) {
        if (renaming !== null) return;
        const focused = document.activeElement?.closest?.('#conversations li');
        const place = focused && [focused.dataset.id, [...focused.children].indexOf(document.activeElement)];
        const sorted = [...conversations].sort((a, b) => b.updated - a.updated);
        list.replaceChildren(...sorted.map((c) => {
            const item = el('li', { 'data-id': c.id, class: isRunning(c.id) ? 'running' : null }, entry(c));
            if (c.id === current) item.firstChild.setAttribute('aria-current', 'true');
            if (place && place[0] === c.id) queueMicrotask(() => item.children[place[1]]?.focus());
            return item;
        }));
    }

    return { show };
}
