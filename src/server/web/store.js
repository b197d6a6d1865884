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

/* The same four calls on a Map. */
function memoryStore() {
    const kept = new Map();
    return {
        lasting: false,
        all: async () => [...kept.values()],
        load: async (id) => kept.get(id),
        save: async (c) => void kept.set(c.id, c),
        remove: async (id) => void kept.delete(id),
    };
}

function databaseStore(db, onChange) {
    const channel = new BroadcastChannel('sumi');
    const table = (mode) => db.transaction('conversations', mode).objectStore('conversations');
    channel.onmessage = () => onChange();

    async function remove(id) {
        await settled(table('readwrite').delete(id));
        channel.postMessage(id);
    }
    async function makeRoom() {
        const n = await settled(table('readonly').count());
        if (n <= MAX_CONVERSATIONS) return;
        const all = await settled(table('readonly').getAll());
        all.sort((a, b) => a.updated - b.updated);
        for (const c of all.slice(0, n - MAX_CONVERSATIONS)) await remove(c.id);
    }
    return {
        lasting: true,
        all: () => settled(table('readonly').getAll()),
        load: (id) => settled(table('readonly').get(id)),
        async save(conversation) {
            await settled(table('readwrite').put(conversation));
            channel.postMessage(conversation.id);
            await makeRoom();
        },
        remove,
    };
}

/* onChange(): another page has changed something. */
export async function openStore(onChange) {
    try {
        return databaseStore(await openDatabase(), onChange);
    } catch {
        return memoryStore();
    }
}
