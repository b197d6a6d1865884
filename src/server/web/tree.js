/* tree.js - a conversation: messages in a tree, and the path through it that is shown.
 *
 *   "Hi" -- "Hello!" -- "Tell me more" -- "..."        editing a message makes a sibling, and so does another
 *                 \---- "Be brief"     -- "..." <leaf  answer: what was said before is never lost
 *
 * A conversation: { id, title, named, updated, settings, nodes, leaf, from? }. A node: { id, parent, role, text, state,
 * gone?, error?, full?, stats? }; its id is its index in nodes, its parent (null: none) has a smaller one. State of an
 * answer: 'running', 'done', 'length' (cut off by a limit), 'stopped' (by the user), 'failed' (error says why; full: the
 * context was too short). gone: the user deleted the message; its index stays, its text does not. from: the model is sent
 * only messages with at least this id. */
import { split } from './thoughts.js';

export function create(settings) {
    return { id: crypto.randomUUID?.() ?? String(Date.now() + Math.random()), title: 'New conversation', named: false,
             updated: Date.now(), settings: { ...settings }, nodes: [], leaf: null };
}

/* The new node is the leaf. */
export function add(conversation, parent, role, text) {
    const node = { id: conversation.nodes.length, parent, role, text, state: 'done' };
    conversation.nodes.push(node);
    conversation.leaf = node.id;
    conversation.updated = Date.now();
    return node;
}

/* From the first message to the leaf. */
export function path(conversation) {
    const nodes = [];
    for (let id = conversation.leaf; id !== null; id = conversation.nodes[id].parent) nodes.push(conversation.nodes[id]);
    return nodes.reverse();
}

/* Those that stand in a node's place, itself among them. */
export function siblings(conversation, node) {
    return conversation.nodes.filter((n) => !n.gone && n.parent === node.parent && n.role === node.role);
}

/* Moves the leaf down to its newest descendant. */
function descend(conversation) {
    for (let next; (next = conversation.nodes.findLast((n) => !n.gone && n.parent === conversation.leaf));)
        conversation.leaf = next.id;
}

/* Shows the path through node, down to its newest descendant. */
export function choose(conversation, node) {
    conversation.leaf = node.id;
    descend(conversation);
}

/* Deletes one message; what followed it follows its parent. Returns a function that undoes it. */
export function remove(conversation, node) {
    const children = conversation.nodes.filter((n) => n.parent === node.id && !n.gone);
    const { leaf } = conversation, { text } = node;
    for (const c of children) c.parent = node.parent;
    Object.assign(node, { gone: true, text: '' });
    if (leaf === node.id) {
        conversation.leaf = node.parent;
        descend(conversation);
    }
    conversation.updated = Date.now();
    return () => {
        for (const c of children) c.parent = node.id;
        delete node.gone;
        Object.assign(node, { text });
        Object.assign(conversation, { leaf, updated: Date.now() });
    };
}

/* The messages down to the node `leaf` that the model is sent: no answer without a word, and nothing in front of `from`. A
 * conversation begins with a question. */
export function sent(conversation, leaf) {
    const list = path({ nodes: conversation.nodes, leaf }).filter((n) => n.id >= (conversation.from ?? 0) && (n.role === 'user' || n.text));
    const first = list.findIndex((n) => n.role === 'user');
    return first < 0 ? [] : list.slice(first);
}

/* They in the form of the API. Thoughts of earlier answers are left away, as models are trained; those of the leaf stay. */
export function messages(conversation, leaf) {
    const list = sent(conversation, leaf).map((n) => ({ role: n.role, content: n.role === 'user' || n.id === leaf ? n.text : split(n.text).text }));
    const system = conversation.settings.system?.trim();
    return system ? [{ role: 'system', content: system }, ...list] : list;
}

/* Forgets the oldest messages, so that about `share` (0 to 1) of the text remains, the last question at least.
 * False: there is nothing that could be left away. */
export function forget(conversation, leaf, share) {
    const list = sent(conversation, leaf);
    const last = list.findLastIndex((n) => n.role === 'user');
    if (last < 1) return false;
    let left = share * list.reduce((sum, n) => sum + n.text.length, 0), first = list.length;
    while (first > 1 && left >= list[first - 1].text.length) left -= list[--first].text.length;
    first = Math.min(first, last);
    while (list[first].role !== 'user') first++;
    conversation.from = list[first].id;
    return true;
}

/* What is stored may be older than this program, or cut off by the end of the page while an answer ran. */
export function repair(conversation) {
    for (const n of conversation.nodes) if (n.state === 'running') n.state = 'stopped';
    return conversation;
}
