/* app.js - the page: makes its parts and ties them together.
 *
 *   composer, sidebar, thread --> chat.js --> api.js --> the server
 *                                   |  '----> store.js (this browser)
 *   layout.js: what is open    <----'   tree.js: a conversation   markdown.js: its text   live.js: the server at work */
import { $, dress, icon, fitHeight, isSend, toast } from './dom.js';
import { createApi } from './api.js';
import { createChat } from './chat.js';
import { createKeyDialog } from './keydialog.js';
import { createLayout } from './layout.js';
import { createLive } from './live.js';
import { createSettings } from './settings.js';
import { createSidebar } from './sidebar.js';
import { createThread } from './thread.js';
import { openStore } from './store.js';
import * as transfer from './transfer.js';
import * as tree from './tree.js';
import * as prefs from './prefs.js';

const askForKey = createKeyDialog(() => showModel());
const api = createApi(askForKey);
const store = await openStore(() => chat.reload());
const settings = createSettings((values) => chat.changeSettings(values));
const thread = createThread($('thread'), $('to-end'), {
    edit: (node, text) => chat.edit(node, text),
    again: (node) => chat.again(node),
    goOn: (node) => chat.goOn(node),
    forget: (node) => chat.forget(node),
    remove: (node) => chat.removeMessage(node),
    choose: (node) => chat.choose(node),
    example: (text) => setText(text),
});
const chat = createChat(api, store, settings, { thread, changed });
const sidebar = createSidebar($('conversations'), $('search'), {
    select: (id) => { layout.closeList(); chat.select(id); },
    rename: chat.rename,
    remove: chat.remove,
    search: chat.search,
});
const live = createLive(api);
const layout = createLayout({
    settings: { title: 'Settings', icon: 'sliders', button: $('settings-button'), element: settings.element, opened() {} },
    live: { title: 'The server at work', icon: 'pulse', button: $('live-button'), element: live.element, opened: live.setOpen },
});

/* ---- The message box ---- */

const text = $('text'), send = $('send');
let contextLength = 0; /* of the model, in tokens; 0: not known */

function setText(value) {
    text.value = value;
    fitHeight(text);
    text.focus();
    showState();
}

function submit() {
    if (chat.isRunning()) return;
    if (chat.send(text.value)) setText('');
}

function showState() {
    const running = chat.isRunning();
    const wanted = running ? 'stop' : 'send';
    if (send.dataset.does !== wanted) dress(send, wanted, running ? 'Stop (Escape)' : 'Send (Enter)');
    send.dataset.does = wanted;
    send.disabled = !running && !text.value.trim();
}

text.addEventListener('input', () => { fitHeight(text); showState(); });
text.addEventListener('keydown', (e) => { if (isSend(e)) { e.preventDefault(); submit(); } });
$('composer').addEventListener('submit', (e) => {
    e.preventDefault();
    if (chat.isRunning()) chat.stop();
    else submit();
});
document.addEventListener('keydown', (e) => {
    if (e.key !== 'Escape' || e.defaultPrevented || $('key-dialog').open) return;
    if (!layout.closeOver()) chat.stop();
});

/* ---- The rest ---- */

/* Anything but the text of an answer is different. */
function changed() {
    const current = chat.current();
    $('title').textContent = current.title;
    document.title = current.nodes.length ? `${current.title} – sumi` : 'sumi';
    prefs.set('conversation', current.nodes.length ? current.id : null, 'sessionStorage');
    $('save-button').disabled = !current.nodes.length;
    showState();
    showContext();
    sidebar.show(store.list(), current.id, chat.isRunning);
}

/* How much of the model's context the last answer left; nothing before there is one. */
function showContext() {
    const s = tree.path(chat.current()).findLast((n) => n.stats?.prompt)?.stats;
    $('context').hidden = !s || !contextLength;
    if ($('context').hidden) return;
    const used = s.prompt + s.tokens;
    Object.assign($('context-meter'), { max: contextLength, high: 0.85 * contextLength, value: used });
    $('context-text').textContent = `${used.toLocaleString('en')} of ${contextLength.toLocaleString('en')} tokens of context`;
}

async function exportAll() {
    const all = await store.all();
    if (!all.length) return toast('There is no conversation to export');
    transfer.download('sumi-conversations.json', 'application/json', transfer.toJson(all));
}

async function importFile(file) {
    try {
        await chat.takeIn(await transfer.fromFile(file, settings.clean));
    } catch (e) {
        toast(e.message);
    }
}

function saveAsMarkdown() {
    const current = chat.current();
    transfer.download(transfer.nameOf(current.title) + '.md', 'text/markdown', transfer.toMarkdown(current));
}

function chooseTheme(theme) {
    prefs.set('theme', theme === 'auto' ? null : theme);
    if (theme === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
}

async function showModel() {
    try {
        const model = (await api.json('v1/models')).data[0];
        contextLength = model.max_model_len ?? 0;
        $('model').textContent = model.id;
        thread.setName(model.id);
        showContext();
    } catch (e) {
        toast(e.message);
    }
}

async function start() {
    $('new').append(icon('plus'), 'New conversation');
    $('new').addEventListener('click', () => { layout.closeList(); chat.fresh(); text.focus(); });
    dress($('to-end'), 'down', 'Go to the end');
    dress($('save-button'), 'save', 'Save the conversation as Markdown');
    $('save-button').addEventListener('click', saveAsMarkdown);
    $('export').append(icon('save'), 'Export');
    $('export').addEventListener('click', exportAll);
    $('import').append(icon('load'), 'Import');
    $('import').addEventListener('click', () => $('import-file').click());
    $('import-file').addEventListener('change', (e) => {
        const [file] = e.target.files;
        if (file) importFile(file);
        e.target.value = ''; /* the same file can be chosen again */
    });
    for (const radio of $('themes').querySelectorAll('input')) {
        radio.checked = radio.value === (document.documentElement.dataset.theme ?? 'auto');
        radio.addEventListener('change', () => chooseTheme(radio.value));
    }
    if (!store.lasting) toast('This browser keeps nothing: conversations end with the page');
    const last = prefs.get('conversation', 'sessionStorage'); /* a page that is loaded again goes on where it was */
    chat.fresh();
    if (last) await chat.select(last);
    text.focus();
    showModel();
}

start();
