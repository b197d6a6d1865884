/* dom.js - elements, icons, and what several parts of the page do with them.
 *
 * Text becomes text nodes, always: nothing on this page is made from markup in strings. */

export const $ = (id) => document.getElementById(id);

/* el('button', { class: 'icon', onclick: f, disabled: true }, 'text', element, [more], ...). An attribute or child that is
 * false, null or undefined is left away. */
export function el(tag, attributes = {}, ...children) {
    const e = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (value === false || value === null || value === undefined) continue;
        if (name.startsWith('on')) e.addEventListener(name.slice(2), value);
        else e.setAttribute(name, value === true ? '' : value);
    }
    for (const c of children.flat()) if (c !== null && c !== undefined && c !== false) e.append(c);
    return e;
}

const inNamespace = (namespace) => (tag, attributes = {}, ...children) => {
    const e = document.createElementNS(namespace, tag);
    for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
    e.append(...children);
    return e;
};
export const svg = inNamespace('http://www.w3.org/2000/svg');
export const mathml = inNamespace('http://www.w3.org/1998/Math/MathML');

/* Strokes on a field of 24 x 24. */
const icons = {
    menu: 'M4 7h16M4 12h16M4 17h16',
    plus: 'M12 5v14M5 12h14',
    send: 'M12 19V5M6 11l6-6 6 6',
    stop: 'M8 8h8v8H8z',
    copy: 'M9 9h10v11H9zM15 9V4H5v11h4',
    check: 'M5 13l4.5 4.5L19 7',
    edit: 'M4 20l1-4L16.5 4.5l3 3L8 19zM14 7l3 3',
    again: 'M20 12a8 8 0 1 1-2.6-5.9M20 3v5h-5',
    trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5',
    sliders: 'M4 8h9M17 8h3M4 16h3M11 16h9M15 6v4M9 14v4',
    pulse: 'M3 13h4l3-8 4 14 3-9 1.5 3H21',
    close: 'M6 6l12 12M18 6L6 18',
    left: 'M14 6l-6 6 6 6',
    right: 'M10 6l6 6-6 6',
    down: 'M12 5v14M6 13l6 6 6-6',
    go: 'M5 5l7 7-7 7M13 5l7 7-7 7',
    forget: 'M4 5h16M4 10h16M9 15l6 6M15 15l-6 6',
    save: 'M12 4v11M7 11l5 5 5-5M5 20h14',
    load: 'M12 16V5M7 9l5-5 5 5M5 20h14',
    key: 'M14.5 9.5m-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0M11 13l-7 7M6.5 17.5l2.5 2.5',
};

export function icon(name) {
    const path = svg('path', { d: icons[name], fill: 'none', stroke: 'currentColor', 'stroke-width': 1.7,
                               'stroke-linecap': 'round', 'stroke-linejoin': 'round' });
    return svg('svg', { viewBox: '0 0 24 24', width: 20, height: 20, 'aria-hidden': 'true', class: 'i-' + name }, path);
}

/* A button that shows an icon; label is what it is called. */
export function iconButton(name, label, onclick, attributes = {}) {
    return el('button', { type: 'button', class: 'icon', title: label, 'aria-label': label, onclick, ...attributes },
              icon(name));
}

/* Gives a button of index.html its icon and its name. */
export function dress(button, name, label) {
    button.replaceChildren(icon(name));
    button.title = label;
    button.setAttribute('aria-label', label);
}

/* A text box as high as its text; style.css sets the most. */
export function fitHeight(area) {
    area.style.height = 'auto';
    area.style.height = area.scrollHeight + area.offsetHeight - area.clientHeight + 'px';
}

/* Enter sends and Shift+Enter makes a new line; not while an input method composes a word, and not on touch screens,
 * whose keyboards have no Shift+Enter. */
export function isSend(event) {
    return event.key === 'Enter' && !event.shiftKey && !event.isComposing && !matchMedia('(pointer: coarse)').matches;
}

/* A button that copies what text() returns, and shows for a moment that it did. */
export function copyButton(label, text) {
    const button = iconButton('copy', label, async () => {
        const done = await copy(text());
        button.replaceChildren(icon(done ? 'check' : 'close'));
        say(done ? 'Copied' : 'It could not be copied');
        setTimeout(() => button.replaceChildren(icon('copy')), 1500);
    });
    return button;
}

/* navigator.clipboard exists on https and localhost only; the older way works everywhere. */
async function copy(text) {
    try {
        await navigator.clipboard.writeText(text);
        return true;
    } catch {
        const area = el('textarea', { class: 'hidden', 'aria-hidden': 'true' });
        const focused = document.activeElement;
        area.value = text;
        document.body.append(area);
        area.select();
        const done = document.execCommand('copy');
        area.remove();
        focused?.focus();
        return done;
    }
}

/* For those who listen instead of look. */
export function say(text) {
    $('spoken').textContent = text;
}

/* A line at the edge that goes away by itself; action: { label, run } is a button in it. */
export function toast(text, action = null) {
    const line = el('div', { class: 'toast' }, el('span', {}, text));
    if (action)
        line.append(el('button', { type: 'button', class: 'quiet', onclick: () => { line.remove(); action.run(); } },
                       action.label));
    $('toasts').append(line);
    setTimeout(() => line.remove(), action ? 8000 : 5000);
}
