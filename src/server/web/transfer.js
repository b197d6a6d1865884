/* transfer.js - conversations as files: one as Markdown to be read, all of them as JSON to be taken to another browser.
 *
 * A JSON file comes from anywhere: each field is checked and copied, so that nothing else gets into the store. */
import { split } from './thoughts.js';
import * as tree from './tree.js';

const FORMAT = 'sumi-conversations';
const MAX_BYTES = 64 << 20;
const MAX_CONVERSATIONS = 500; /* as many as the store keeps */
const STATES = ['done', 'length', 'stopped', 'failed'];

export function toMarkdown(conversation) {
    const part = (n) => `## ${n.role === 'user' ? 'You' : 'Answer'}\n\n${(n.role === 'user' ? n.text : split(n.text).text).trim()}\n`;
    return [`# ${conversation.title}\n`, ...tree.path(conversation).map(part)].join('\n');
}

export function toJson(conversations) {
    return JSON.stringify({ format: FORMAT, version: 1, conversations }, null, 1);
}

/* ---- Reading ---- */

const isText = (v) => typeof v === 'string';
const numbersOf = (o) => Object.fromEntries(Object.entries(o ?? {}).filter(([, v]) => Number.isFinite(v)));
const wrong = (what) => new Error(`The file cannot be imported: ${what}`);

function readNode(n, id) {
    const parent = n?.parent ?? null;
    if (!['user', 'assistant'].includes(n?.role) || !isText(n.text) || (parent !== null && !(Number.isInteger(parent) && parent >= 0 && parent < id)))
        throw wrong(`message ${id + 1} of a conversation is malformed`);
    const node = { id, parent, role: n.role, text: n.text, state: STATES.includes(n.state) ? n.state : 'stopped' };
    if (n.gone) node.gone = true;
    if (isText(n.error)) node.error = n.error;
    if (n.stats) node.stats = numbersOf(n.stats);
    return node;
}

function readConversation(c, settings) {
    if (!isText(c?.id) || !c.id || !isText(c.title) || !Array.isArray(c.nodes) || !c.nodes.length) throw wrong('a conversation is malformed');
    const nodes = c.nodes.map(readNode), leaf = c.leaf ?? null;
    if (leaf !== null && !nodes[leaf]) throw wrong('a conversation ends with a message that is not there');
    const now = Date.now();
    return { id: c.id.slice(0, 100), title: c.title.slice(0, 200), named: c.named === true, settings: settings(c.settings), nodes, leaf,
             updated: Number.isFinite(c.updated) ? Math.min(c.updated, now) : now, ...(Number.isInteger(c.from) && { from: c.from }) };
}

/* The conversations of a file; settings(stored) -> valid settings. Throws with one line for the user. */
export async function fromFile(file, settings) {
    let all;
    if (file.size > MAX_BYTES) throw wrong('it is larger than 64 MiB');
    try {
        all = JSON.parse(await file.text());
    } catch {
        throw wrong('it is not JSON');
    }
    if (all?.format !== FORMAT || !Array.isArray(all.conversations)) throw wrong('it is no export of this page');
    if (all.conversations.length > MAX_CONVERSATIONS) throw wrong(`it has more than ${MAX_CONVERSATIONS} conversations`);
    return all.conversations.map((c) => readConversation(c, settings));
}

/* ---- Files ---- */

/* A title as the name of a file. */
export const nameOf = (title) => title.replace(/[^\p{L}\p{N} ._-]+/gu, ' ').trim().slice(0, 60) || 'conversation';

export function download(name, type, text) {
    const a = document.createElement('a');
    a.href = URL.createObjectURL(new Blob([text], { type }));
    a.download = name;
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 60000);
}
