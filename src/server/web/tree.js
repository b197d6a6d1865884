/* tree.js - a conversation: messages in a tree, and the path through it that is shown.
 *
 *   "Hi" -- "Hello!" -- "Tell me more" -- "..."        editing a message makes a sibling, and so does another
 *                 \---- "Be brief"     -- "..." <leaf  answer: what was said before is never lost
 *
 * A conversation: { id, title, named, updated, settings, nodes, roots?, leaf }. A node: { id, parent, role, text, state,
 * error?, stats? }; its id is its place in nodes, its parent (null: none) has a smaller one. state of an answer:
 * 'running', 'done', 'length' (cut off by the limit), 'stopped' (by the user), 'failed' (error says why). */

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
    return conversation.nodes.filter((n) => n.parent === node.parent && n.role === node.role);
}

/* Shows the path through node, down to its newest descendant. */
export function choose(conversation, node) {
    for (let next = node; next; next = conversation.nodes.findLast((n) => n.parent === conversation.leaf))
        conversation.leaf = next.id;
}

/* What the model is sent for an answer to the leaf. Answers that failed without a word are no part of it. */
export function messages(conversation, leaf) {
    const list = path({ nodes: conversation.nodes, leaf })
        .filter((n) => n.role === 'user' || n.text)
        .map((n) => ({ role: n.role, content: n.text }));
    const system = conversation.settings.system?.trim();
    return system ? [{ role: 'system', content: system }, ...list] : list;
}

/* What is stored may be older than this program, or cut off by the end of the page while an answer ran. */
export function repair(conversation) {
    for (const n of conversation.nodes) if (n.state === 'running') n.state = 'stopped';
    return conversation;
}
