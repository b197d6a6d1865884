/* chat.js - what happens to conversations: asking, answering, continuing, stopping, editing, choosing, naming, deleting.
 *
 * Answers belong to their conversation and not to the view: they run on while another conversation is shown. A running
 * conversation is the object in `running`; all others are read from the store when they are shown. */
import { toast, say } from './dom.js';
import { contains } from './store.js';
import * as tree from './tree.js';

const SAVE_MS = 1500; /* while an answer streams in, it is stored that often */
const TITLE_LENGTH = 60;
const KEEP_SHARE = 0.6; /* of the context, when the oldest messages are forgotten: room for answers */

const titleOf = (text) => {
    const line = text.trim().split('\n')[0];
    return line.length > TITLE_LENGTH ? line.slice(0, TITLE_LENGTH - 1).trimEnd() + '…' : line;
};

/* What the server is asked beside the messages; settings that are empty are left to it. */
function parameters(settings) {
    const body = {};
    for (const name of ['temperature', 'top_p', 'top_k', 'min_p', 'repetition_penalty', 'max_tokens', 'seed'])
        if (Number.isFinite(settings[name])) body[name] = settings[name];
    return body;
}

/* view: { thread, changed() } - changed() is called when anything but the text of an answer is different. */
export function createChat(api, store, settings, view) {
    let current = tree.create(settings.get());
    const running = new Map(); /* conversation id -> { conversation, controller } */
    const deleted = new Set(); /* ids: the end of an answer must not bring its conversation back */

    async function save(conversation) {
        if (!conversation.nodes.length || deleted.has(conversation.id)) return; /* nobody has written in a new one */
        try {
            await store.save(conversation);
        } catch {
            toast('The browser cannot store this conversation: delete old ones');
        }
        view.changed();
    }

    function show(conversation) {
        current = conversation;
        settings.set(current.settings);
        view.thread.show(current);
        view.changed();
    }

    /* ---- Answers ---- */

    function take(event, node, start_ms) {
        const s = node.stats;
        if (event.text) {
            const now = performance.now() - start_ms;
            if (!s.tokens) s.first_ms = now;
            s.last_ms = now;
            s.tokens++; /* about: a piece is mostly one token; the usage at the end knows */
            node.text += event.text;
        }
        if (event.finish === 'length') node.state = 'length';
        if (event.usage) {
            s.tokens = event.usage.completion_tokens;
            s.prompt = event.usage.prompt_tokens;
            s.cached = event.usage.prompt_tokens_details?.cached_tokens ?? 0;
        }
    }

    async function stream(conversation, node, more, signal) {
        const start_ms = performance.now();
        let saved_ms = start_ms, cut = false;
        for await (const event of api.chat({ ...parameters(conversation.settings), ...more }, signal)) {
            take(event, node, start_ms);
            if (node.state === 'length') { cut = true; node.state = 'running'; } /* its usage is still to come */
            view.thread.update(conversation, node);
            if (performance.now() - saved_ms > SAVE_MS) {
                saved_ms = performance.now();
                conversation.updated = Date.now();
                save(conversation);
            }
        }
        return cut ? 'length' : 'done';
    }

    /* Appends to an answer what the server says to the request `more`. */
    async function fill(conversation, node, more) {
        const controller = new AbortController();
        const before = (node.stats?.before ?? 0) + (node.stats?.tokens ?? 0);
        Object.assign(node, { state: 'running', stats: { tokens: 0, before }, error: undefined, full: undefined });
        running.set(conversation.id, { conversation, controller });
        if (conversation === current) view.thread.follow();
        redraw(conversation);
        save(conversation);
        say('The answer begins');
        try {
            node.state = await stream(conversation, node, more, controller.signal);
        } catch (e) {
            node.state = controller.signal.aborted ? 'stopped' : 'failed';
            node.error = e.message;
            if (e.details?.code === 'context_length_exceeded') node.full = { prompt: e.details.n_prompt_tokens, context: e.details.n_ctx };
        }
        if (running.get(conversation.id)?.controller === controller) running.delete(conversation.id);
        conversation.updated = Date.now();
        view.thread.update(conversation, node);
        if (node.state !== 'failed') say(node.state === 'stopped' ? 'Stopped' : 'The answer is complete');
        await save(conversation);
    }

    /* A new answer to the message `question`, beside those that it has. */
    const answer = (conversation, question) =>
        fill(conversation, tree.add(conversation, question.id, 'assistant', ''), { messages: tree.messages(conversation, question.id) });

    function redraw(conversation) {
        if (conversation === current) view.thread.show(current);
        view.changed();
    }

    /* ---- What the user does ---- */

    function send(text) {
        if (running.has(current.id) || !text.trim()) return false;
        const question = tree.add(current, current.leaf, 'user', text.trim());
        if (!current.named && current.nodes.length === 1) current.title = titleOf(text);
        answer(current, question);
        return true;
    }

    function edit(node, text) {
        stop();
        answer(current, tree.add(current, node.parent, 'user', text));
    }

    function again(node) {
        stop();
        answer(current, current.nodes[node.parent]);
    }

    /* More of an answer that was cut off: the model goes on behind its last word. */
    function goOn(node) {
        stop();
        fill(current, node, { messages: tree.messages(current, node.id), continue_final_message: true, add_generation_prompt: false });
    }

    /* The context is full: the oldest messages are no longer sent, and the model is asked once more. */
    function forget(node) {
        const { prompt, context } = node.full ?? {};
        if (!tree.forget(current, node.id, prompt > context ? KEEP_SHARE * context / prompt : KEEP_SHARE))
            return toast('The last message alone is longer than the context of the model');
        if (node.text) goOn(node);
        else again(node);
    }

    function removeMessage(node) {
        stop();
        const conversation = current, undo = tree.remove(conversation, node);
        redraw(conversation);
        save(conversation);
        toast('The message is deleted', { label: 'Undo', run() { undo(); redraw(conversation); save(conversation); } });
    }

    function stop() {
        running.get(current.id)?.controller.abort();
        running.delete(current.id);
    }

    function choose(node) {
        tree.choose(current, node);
        redraw(current);
        save(current);
    }

    async function select(id) {
        if (id === current.id) return;
        const found = running.get(id)?.conversation ?? await store.load(id);
        if (found) show(running.has(id) ? found : tree.repair(found));
    }

    async function rename(id, title) {
        const c = id === current.id ? current : running.get(id)?.conversation ?? await store.load(id);
        if (!c || !title.trim()) return;
        Object.assign(c, { title: title.trim().slice(0, 200), named: true });
        await save(c);
    }

    async function remove(id) {
        const c = id === current.id ? current : await store.load(id);
        running.get(id)?.controller.abort();
        running.delete(id);
        deleted.add(id);
        await store.remove(id);
        if (id === current.id) show(tree.create(settings.get()));
        else view.changed();
        const undo = async () => {
            deleted.delete(id);
            await save(tree.repair(c));
            await select(id);
        };
        toast('The conversation is deleted', { label: 'Undo', run: undo });
    }

    function changeSettings(values) {
        current.settings = { ...values };
        save(current);
    }

    /* Conversations of a file. One that is here already is replaced only by a newer state of itself. */
    async function takeIn(list) {
        let taken = 0;
        for (const c of list) {
            const here = running.has(c.id) ? c : await store.load(c.id);
            if (here && here.updated >= c.updated) continue;
            deleted.delete(c.id);
            await save(c);
            taken++;
        }
        await reload();
        toast(`${taken} conversation${taken === 1 ? ' is' : 's are'} imported` + (taken < list.length ? `, ${list.length - taken} were here already` : ''));
    }

    /* The ids of those that contain the text. */
    const search = async (text) => (await store.all()).filter((c) => contains(c, text)).map((c) => c.id);

    /* Another page of this browser has changed something. */
    async function reload() {
        const stored = running.has(current.id) ? null : await store.load(current.id);
        if (stored && stored.updated > current.updated) show(tree.repair(stored));
        else view.changed();
    }

    return { send, edit, again, goOn, forget, stop, choose, select, rename, remove, removeMessage, search, takeIn, changeSettings, reload,
             fresh: () => show(tree.create(settings.get())), current: () => current,
             isRunning: (id = current.id) => running.has(id) };
}
