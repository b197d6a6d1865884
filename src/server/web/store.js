/* store.js - conversations in the browser's own database (IndexedDB); nothing of them is kept on the server.
 *
 * At most MAX_CONVERSATIONS: the one that was not touched for longest makes room. Pages of the same browser tell each
 * other about changes. Without a database (private windows of some browsers) conversations last as long as the page. */

const MAX_CONVERSATIONS = 500;

const settled = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
});

function openDatabase() {
    const request = indexedDB.open('sumi', 1);
    request.onupgradeneeded = () => request.result.createObjectStore('conversations', { keyPath: 'id' });
    return settled(request);
}

/* Does the text stand in the title or in a message? Case does not matter. */
export function contains(conversation, text) {
    const wanted = text.toLowerCase();
    return conversation.title.toLowerCase().includes(wanted) || conversation.nodes.some((n) => n.text.toLowerCase().includes(wanted));
}

/* The same calls on a Map. */
function memoryStore() {
    const kept = new Map();
    return {
        lasting: false,
        list: () => [...kept.values()],
        all: async () => [...kept.values()],
        load: async (id) => kept.get(id),
        save: async (c) => void kept.set(c.id, c),
        remove: async (id) => void kept.delete(id),
    };
}

async function databaseStore(db, onChange) {
    const channel = new BroadcastChannel('sumi');
    const table = (mode) => db.transaction('conversations', mode).objectStore('conversations');
    const load = (id) => settled(table('readonly').get(id));
    const all = () => settled(table('readonly').getAll());
    const heads = new Map(); /* id -> what the list shows, so that drawing it reads no messages */
    const note = (c) => heads.set(c.id, { id: c.id, title: c.title, updated: c.updated });

    (await all()).forEach(note);
    channel.onmessage = async ({ data: id }) => {
        const changed = await load(id);
        if (changed) note(changed);
        else heads.delete(id);
        onChange();
    };

    async function remove(id) {
        heads.delete(id);
        await settled(table('readwrite').delete(id));
        channel.postMessage(id);
    }
    async function save(conversation) {
        note(conversation);
        await settled(table('readwrite').put(conversation));
        channel.postMessage(conversation.id);
        while (heads.size > MAX_CONVERSATIONS)
            await remove([...heads.values()].reduce((a, b) => (a.updated < b.updated ? a : b)).id);
    }
    return { lasting: true, list: () => [...heads.values()], all, load, save, remove };
}

/* onChange(): another page has changed something. */
export async function openStore(onChange) {
    try {
        return await databaseStore(await openDatabase(), onChange);
    } catch {
        return memoryStore();
    }
}
