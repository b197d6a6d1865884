/* sidebar.js - the list of conversations, newest first; a search leaves those that contain its text. */
import { el, iconButton } from './dom.js';

const SEARCH_MS = 150; /* so long after the last letter the search begins */

/* actions: select(id), rename(id, title), remove(id), search(text) -> the ids that are found */
export function createSidebar(list, search, actions) {
    let renaming = null; /* id; while a title is typed the list stays as it is */
    let found = null;    /* the ids that the search leaves; null: all */
    let shown = null;    /* the arguments of the last show() */
    let timer = 0;

    async function find() {
        const text = search.value.trim();
        const ids = text ? new Set(await actions.search(text)) : null;
        if (search.value.trim() !== text) return; /* another search has begun meanwhile */
        found = ids;
        if (shown) show(...shown);
    }
    search.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(find, SEARCH_MS); });
    search.addEventListener('keydown', (e) => {
        if (e.key !== 'Escape' || !search.value) return;
        e.stopPropagation();
        search.value = '';
        find();
    });

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
               el('span', { dir: 'auto' }, c.title)),
            iconButton('edit', 'Rename', (e) => startRename(c, e.currentTarget.closest('li'))),
            iconButton('trash', 'Delete', () => actions.remove(c.id)),
        ];
    }

    /* conversations: { id, title, updated }. current: the id that is shown. isRunning(id) */
    function show(conversations, current, isRunning) {
        shown = [conversations, current, isRunning];
        if (renaming !== null) return;
        const focused = document.activeElement?.closest?.('#conversations li');
        const place = focused && [focused.dataset.id, [...focused.children].indexOf(document.activeElement)];
        const wanted = conversations.filter((c) => !found || found.has(c.id)).sort((a, b) => b.updated - a.updated);
        if (found && !wanted.length) return list.replaceChildren(el('li', { class: 'none' }, 'Nothing is found'));
        list.replaceChildren(...wanted.map((c) => {
            const item = el('li', { 'data-id': c.id, class: isRunning(c.id) ? 'running' : null }, entry(c));
            if (c.id === current) item.firstChild.setAttribute('aria-current', 'true');
            if (place && place[0] === c.id) queueMicrotask(() => item.children[place[1]]?.focus());
            return item;
        }));
    }

    return { show };
}
