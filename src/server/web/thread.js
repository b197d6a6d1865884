/* thread.js - the messages of the shown conversation. It draws and asks; what happens then, chat.js decides. */
import { el, icon, iconButton, copyButton, fitHeight, isSend } from './dom.js';
import { showMarkdown } from './markdown.js';
import { split } from './thoughts.js';
import * as tree from './tree.js';

const examples = ['Explain how a tree drinks, to a child', 'Write a Python function that reverses a list',
                  'Three ideas for a rainy Sunday, as a table', 'What is a paged key/value cache?'];

const seconds = (ms) => (ms < 995 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`);

/* "58 tokens · 71.3 tokens/s · first after 0.1 s" */
function numbers(node) {
    const s = node.stats;
    if (!s?.tokens) return '';
    const all = s.tokens + (s.before ?? 0);
    const parts = [`${all} token${all === 1 ? '' : 's'}`];
    const decode_ms = s.last_ms - s.first_ms;
    if (s.tokens > 1 && decode_ms > 0) parts.push(`${((s.tokens - 1) / decode_ms * 1000).toFixed(1)} tokens/s`);
    parts.push(`first after ${seconds(s.first_ms)}`);
    if (s.prompt) parts.push(`prompt ${s.prompt}` + (s.cached ? `, ${s.cached} cached` : ''));
    return parts.join(' · ');
}

const endings = { stopped: 'stopped', length: 'cut off at the limit of tokens' };

/* The thoughts of an answer, in front of it: closed, until somebody wants to read them. */
function createThoughts(article) {
    const title = el('summary'), text = el('div', { class: 'markdown', dir: 'auto' });
    const element = el('details', { class: 'thoughts' }, title, text);
    let source = '';
    const draw = () => { if (element.open) showMarkdown(text, source); };
    element.addEventListener('toggle', draw);
    return ({ thought, open }, running) => {
        if (thought === null) return element.remove();
        if (!element.parentNode) article.prepend(element);
        source = thought;
        title.textContent = open && running ? 'Thinking' : 'Thoughts';
        draw();
    };
}

/* actions: edit(node, text), again(node), goOn(node), forget(node), remove(node), choose(node), example(text) */
export function createThread(box, toEnd, actions) {
    let conversation = null, name = 'Model';
    let shown = new Map();   /* node id -> { article, refresh } */
    const stale = new Set(); /* answers that are drawn again with the next picture */
    let following = true;    /* the end stays in view while text comes */

    /* ---- Scrolling ---- */

    const atEnd = () => box.scrollHeight - box.scrollTop - box.clientHeight < 48;
    const toBottom = () => { box.scrollTop = box.scrollHeight; };
    box.addEventListener('scroll', () => { following = atEnd(); toEnd.hidden = following; }, { passive: true });
    toEnd.addEventListener('click', () => { following = true; toBottom(); });
    new ResizeObserver(() => { if (following) toBottom(); }).observe(box);

    /* ---- Messages ---- */

    function versions(node) {
        const all = tree.siblings(conversation, node);
        if (all.length < 2) return null;
        const i = all.indexOf(node);
        const to = (step, label, disabled) => iconButton(step < 0 ? 'left' : 'right', label, () => {
            actions.choose(all[i + step]);
            shown.get(all[i + step].id)?.article.querySelector('.versions button:not(:disabled)')?.focus();
        }, { disabled });
        return el('span', { class: 'versions' }, to(-1, 'Earlier version', i === 0),
                  el('span', {}, `${i + 1} / ${all.length}`), to(1, 'Later version', i === all.length - 1));
    }

    function editor(node, article) {
        const area = el('textarea', { rows: 1, 'aria-label': 'Edit the message' });
        const stop = () => { show(conversation); shown.get(node.id)?.article.querySelector('.edit')?.focus(); };
        const send = () => {
            const text = area.value.trim();
            if (text) actions.edit(node, text);
        };
        area.value = node.text;
        area.addEventListener('input', () => fitHeight(area));
        area.addEventListener('keydown', (e) => {
            if (isSend(e)) { e.preventDefault(); send(); }
            if (e.key === 'Escape') { e.stopPropagation(); stop(); }
        });
        article.replaceChildren(el('div', { class: 'editor' }, area, el('div', { class: 'buttons' },
            el('button', { type: 'button', class: 'quiet', onclick: stop }, 'Cancel'),
            el('button', { type: 'button', class: 'accent', onclick: send }, 'Send'))));
        fitHeight(area);
        area.focus();
    }

    function question(node) {
        const article = el('article', { class: 'question', 'aria-label': 'You' });
        article.append(
            el('div', { class: 'bubble', dir: 'auto' }, node.text),
            el('div', { class: 'tools' }, versions(node), copyButton('Copy the message', () => node.text),
               iconButton('edit', 'Edit the message', () => editor(node, article), { class: 'icon edit' }), removeButton(node)));
        return { article, refresh() {} };
    }

    const removeButton = (node) => iconButton('trash', 'Delete the message', () => actions.remove(node), { class: 'icon remove' });

    const wordButton = (name, label, onclick) => el('button', { type: 'button', class: 'word', onclick }, icon(name), label);

    /* "Try again" cannot help where the context is too short: then the oldest messages must go. */
    function failure(node) {
        const does = node.full ? wordButton('forget', 'Forget the oldest messages', () => actions.forget(node))
                               : wordButton('again', node.text ? 'Answer again' : 'Try again', () => actions.again(node));
        return el('p', { class: 'failure', role: 'alert' }, el('span', {}, node.error), does);
    }

    const canGoOn = (node) => ['length', 'stopped'].includes(node.state) && node.text;

    function answer(node) {
        const text = el('div', { class: 'markdown', dir: 'auto' });
        const below = el('div', { class: 'below' });
        const article = el('article', { class: 'answer', 'aria-label': name }, text, below);
        const showThoughts = createThoughts(article);
        let drawn = null;
        function refresh() {
            const running = node.state === 'running';
            article.classList.toggle('running', running);
            article.setAttribute('aria-busy', running);
            const parts = split(node.text);
            showThoughts(parts, running);
            showMarkdown(text, parts.text);
            if (running && !parts.text) text.replaceChildren(el('p', { class: 'wait' }, el('span', { class: 'hidden' }, 'Waiting')));
            const line = el('span', { class: 'numbers' }, [numbers(node), endings[node.state]].filter(Boolean).join(' · '));
            if (running) below.replaceChildren(line);
            else if (drawn !== node.state)
                below.replaceChildren(...[
                    node.state === 'failed' && failure(node),
                    el('div', { class: 'tools' }, versions(node), copyButton('Copy the answer', () => split(node.text).text),
                       iconButton('again', 'Answer again', () => actions.again(node), { class: 'icon again' }), removeButton(node),
                       canGoOn(node) && wordButton('go', 'Continue', () => actions.goOn(node)), line),
                ].filter(Boolean));
            drawn = node.state;
        }
        refresh();
        return { article, refresh };
    }

    function welcome() {
        return el('div', { class: 'welcome' },
            el('img', { src: 'web/icon.svg', alt: '', width: 56, height: 56 }),
            el('h2', {}, 'What would you like to know?'),
            el('div', { class: 'examples' }, examples.map((text) =>
                el('button', { type: 'button', onclick: () => actions.example(text) }, text))));
    }

    /* ---- What chat.js calls ---- */

    function show(next) {
        const other = next !== conversation;
        conversation = next;
        shown = new Map();
        const nodes = tree.path(conversation);
        for (const node of nodes) shown.set(node.id, node.role === 'user' ? question(node) : answer(node));
        box.replaceChildren(...(shown.size ? [...shown.values()].map((s) => s.article) : [welcome()]));
        const first = nodes.find((n) => n.id >= (conversation.from ?? 0));
        if (first && first !== nodes[0]) shown.get(first.id).article.before(
            el('p', { class: 'forgotten' }, 'The model is no longer sent what stands above'));
        if (other) following = true;
        if (following) toBottom();
    }

    function draw() {
        for (const node of stale) shown.get(node.id)?.refresh();
        stale.clear();
        if (following) toBottom();
        else toEnd.hidden = atEnd();
    }

    /* Text has come to a node of `of`. Drawn at most once for each picture of the screen. */
    function update(of, node) {
        if (of !== conversation) return;
        if (!stale.size) requestAnimationFrame(draw);
        stale.add(node);
    }

    return { show, update, follow: () => { following = true; }, setName: (n) => { name = n; } };
}
