/* live.js - the server as it works: GET /stats once a second while it is looked at, and never else. */
import { el } from './dom.js';
import { createChart, createCells, SPAN_MS } from './chart.js';

const POLL_MS = 1000;

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = (v) => (v < 100 ? v.toFixed(1).replace(/\.0$/, '') : whole.format(v));
const percent = (part, all) => (all ? `${Math.round(100 * part / all)} %` : '–');
const mebibytes = (n) => `${whole.format(n / 1048576)} MiB`;

function duration(s) {
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min`;
    return s < 172800 ? `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min` : `${Math.floor(s / 86400)} days`;
}

/* What happened between two answers of the server. */
function difference(now, before) {
    const s = (now.time_ms - before.time_ms) / 1000;
    const rate = (a, b) => (s > 0 ? Math.max(0, a - b) / s : 0);
    const steps = now.steps.count - before.steps.count;
    const hit = now.tokens.cached - before.tokens.cached, computed = now.tokens.prompt - before.tokens.prompt;
    return {
        time: now.time_ms,
        generated: rate(now.tokens.generated, before.tokens.generated),
        prompt: rate(now.tokens.prompt, before.tokens.prompt),
        running: now.requests.running,
        waiting: now.requests.waiting + now.requests.swapped,
        batch: steps > 0 ? (now.steps.sequences - before.steps.sequences) / steps : 0,
        hits: hit + computed > 0 ? 100 * hit / (hit + computed) : 0,
        used: now.kv.used,
    };
}

/* A heading, a number, a picture, a line of words. */
function tile(title, picture, ...rest) {
    const value = el('strong', {}, '–');
    const unit = el('span', { class: 'unit' });
    const note = el('p', { class: 'hint' });
    const element = el('section', { class: 'tile' }, el('h3', {}, title), el('p', { class: 'value' }, value, unit), picture.element,
                       ...rest, note);
    return { element, say(v, u, n) { value.textContent = v; unit.textContent = u; note.replaceChildren(...[n].flat()); } };
}

const key = (name, text) => el('span', { class: 'key ' + name }, text);

export function createLive(api) {
    let samples = [], last = null, timer = 0, open = false, asking = false;
    const message = el('p', { class: 'failure', hidden: true });
    const speed = createChart(['generated', 'prompt']), requests = createChart(['running', 'waiting']);
    const batch = createChart(['batch']), hits = createChart(['hits']), cells = createCells();
    const tiles = { speed: tile('Speed', speed), requests: tile('Requests', requests), batch: tile('Batch', batch),
                    kv: tile('Key/value cache', cells), hits: tile('Found in the cache', hits) };
    const totals = el('dl', { class: 'totals' });
    const element = el('div', { class: 'live' }, message, Object.values(tiles).map((t) => t.element), totals);

    function drawTotals(now) {
        const rows = [
            ['Answers', whole.format(now.requests.completed)],
            ['Left or stopped', whole.format(now.requests.cancelled)],
            ['Refused, too late, failed', [now.requests.refused, now.requests.expired, now.requests.failed].map((n) => whole.format(n)).join(', ')],
            ['Tokens generated', whole.format(now.tokens.generated)],
            ['First token, mean', now.first_token.count ? `${whole.format(now.first_token.sum_ms / now.first_token.count)} ms` : '–'],
            ['Between tokens, mean', now.between_tokens.count ? `${(now.between_tokens.sum_ms / now.between_tokens.count).toFixed(1)} ms` : '–'],
            ['Context', `${whole.format(now.tokens.context)} tokens`],
            ['Up for', duration(now.uptime_s)],
            ['Version', now.version],
        ];
        totals.replaceChildren(...rows.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));
    }

    function draw(now) {
        const s = samples.at(-1), kv = now.kv, own = kv.used - kv.shared;
        tiles.speed.say(short(s.generated), 'tokens/s', [key('generated', 'answers'), key('prompt', `prompts ${short(s.prompt)}`)]);
        tiles.requests.say(whole.format(s.running), 'running', [key('running', 'running'), key('waiting', `waiting ${whole.format(s.waiting)}`)]);
        tiles.batch.say(short(s.batch), 'answers in a step', `room for ${now.sequences.max}`);
        tiles.kv.say(percent(kv.used, kv.blocks), `of ${mebibytes(kv.bytes)}`,
                     [key('own', `in use ${own}`), key('shared', `shared ${kv.shared}`), key('cached', `known prefixes ${kv.cached}`),
                      key('free', `free ${Math.max(0, kv.blocks - kv.used - kv.cached)}`)]);
        tiles.hits.say(percent(now.tokens.cached, now.tokens.cached + now.tokens.prompt), 'of prompt tokens',
                       `${whole.format(now.tokens.cached)} were not computed again`);
        speed.draw(samples, [(x) => x.generated, (x) => x.prompt], 10);
        requests.draw(samples, [(x) => x.running, (x) => x.waiting], 4);
        batch.draw(samples, [(x) => x.batch], 4);
        hits.draw(samples, [(x) => x.hits], 100);
        cells.draw([['shared', kv.shared], ['own', own], ['cached', kv.cached]], kv.blocks);
        drawTotals(now);
    }

    function take(now) {
        if (last && now.time_ms < last.time_ms) samples = []; /* another run of the server */
        const s = difference(now, last && last.time_ms <= now.time_ms ? last : now);
        samples = [...samples.filter((x) => x.time > s.time - SPAN_MS), s];
        last = now;
        draw(now);
    }

    async function poll() {
        if (asking) return;
        asking = true;
        try {
            const now = await api.json('stats', { ask: false });
            message.hidden = now.state === 'ready';
            message.textContent = now.state === 'loading' ? 'The model is being loaded' : 'The server is shutting down';
            take(now);
        } catch (e) {
            message.hidden = false;
            message.textContent = e.message;
        }
        asking = false;
        schedule(POLL_MS);
    }

    function schedule(ms) {
        clearTimeout(timer);
        if (open && document.visibilityState === 'visible') timer = setTimeout(poll, ms);
    }
    document.addEventListener('visibilitychange', () => schedule(0));

    return { element, setOpen(now) { open = now; schedule(0); } };
}
