/* inline.js - the inside of a paragraph: emphasis, code, links, line breaks; CommonMark 0.31, section 6.
 *
 *   text -> tokens: strings, nodes { tag, children, depth, href? }, formulas { tag: 'math', made, source }, runs of delimiters { mark, length, n, open, close }
 *        -> runs are matched (the algorithm of CommonMark's appendix) -> nodes -> elements
 *
 * Differences: HTML is text; a line break is one; images become links to them, for the page loads nothing from
 * elsewhere; there are no link definitions; bare addresses and ~~deleted~~ text as in GitHub's dialect.
 * Links go to http, https and mailto only. Work grows with the length of the text, whatever the text. */
import { el } from './dom.js';
import { math, MAX_FORMULA } from './math.js';

const MAX_DEPTH = 24; /* elements in each other; what would be deeper becomes plain text */
const MAX_ADDRESS = 4096;

const punctuation = /[\p{P}\p{S}]/u;
const entities = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0', copy: '©', hellip: '…',
                   mdash: '—', ndash: '–', times: '×', rarr: '→', larr: '←', middot: '·', bull: '•', deg: '°' };

/* An address that may be followed, or null. */
export function safeAddress(text) {
    try {
        const url = new URL(text);
        return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : null;
    } catch {
        return null; /* relative, or none */
    }
}

/* ---- Nodes ---- */

/* The text in nodes. */
function flat(nodes) {
    const stack = nodes.toReversed();
    let text = '';
    while (stack.length) {
        const n = stack.pop();
        if (typeof n === 'string') text += n;
        else if (n.tag === 'br') text += ' ';
        else if (n.tag === 'math') text += n.source;
        else for (const c of n.children.toReversed()) stack.push(c);
    }
    return text;
}

function element(tag, children) {
    const depth = 1 + children.reduce((most, c) => Math.max(most, c.depth ?? 0), 0);
    return depth <= MAX_DEPTH ? { tag, children, depth } : { tag, children: [flat(children)], depth: 1 };
}

/* ---- Tokens ---- */

function match(regex, text, at) { /* regex is sticky */
    regex.lastIndex = at;
    return regex.exec(text);
}

/* A run of * _ or ~: may it open, may it close? CommonMark 6.2, left- and right-flanking. */
function delimiterRun(text, at) {
    const mark = text[at];
    let end = at;
    while (text[end] === mark) end++;
    const before = at ? text[at - 1] : ' ', after = text[end] ?? ' ';
    const spaceBefore = /\s/.test(before), spaceAfter = /\s/.test(after);
    const pointBefore = punctuation.test(before), pointAfter = punctuation.test(after);
    const left = !spaceAfter && (!pointAfter || spaceBefore || pointBefore);
    const right = !spaceBefore && (!pointBefore || spaceAfter || pointAfter);
    const length = end - at;
    const inWord = mark === '_';
    return { mark, length, n: length, end,
             open: left && (!inWord || !right || pointBefore) && (mark !== '~' || length <= 2),
             close: right && (!inWord || !left || pointAfter) && (mark !== '~' || length <= 2) };
}

/* Where each length of backtick runs occurs, last first, so that looking for the end of code never reads text twice. */
function backtickRuns(text) {
    const runs = new Map();
    for (const m of text.matchAll(/`+/g)) {
        if (!runs.has(m[0].length)) runs.set(m[0].length, []);
        runs.get(m[0].length).push(m.index);
    }
    for (const places of runs.values()) places.reverse();
    return runs;
}

function codeSpan(text, at, runs) {
    let n = 0;
    while (text[at + n] === '`') n++;
    const places = runs.get(n) ?? [];
    while (places.length && places.at(-1) <= at) places.pop();
    if (!places.length) return { node: '`'.repeat(n), end: at + n };
    let code = text.slice(at + n, places.at(-1)).replaceAll('\n', ' ');
    if (code.startsWith(' ') && code.endsWith(' ') && code.trim()) code = code.slice(1, -1);
    return { node: element('code', [code]), end: places.at(-1) + n };
}

const escapable = /[!-/:-@[-`{-~]/;
const unescaped = (text) => text.replace(/\\([!-/:-@[-`{-~])/g, '$1');

const marks = [['\\(', '\\)', false], ['\\[', '\\]', true], ['$$', '$$', true], ['$', '$', false]];

/* \( \), \[ \], $$ $$ and $ $ around a formula. For a single $ the rules of Pandoc: no space inside of the marks and no
 * digit behind them, so that prices stay prices. Null: it is none, or one that math.js does not know. */
function formulaAt(text, at) {
    const mark = marks.find(([open]) => text.startsWith(open, at));
    if (!mark) return null;
    const [open, close, display] = mark;
    const begin = at + open.length, end = text.slice(begin, begin + MAX_FORMULA + close.length).indexOf(close) + begin;
    if (end <= begin) return null;
    const inside = text.slice(begin, end), single = open === '$';
    if (single && (/^\s|\s$|\n/.test(inside) || /\d/.test(text[end + 1] ?? '') || text[end - 1] === '\\')) return null;
    const made = math(inside, display);
    return made && { node: { tag: 'math', made, source: text.slice(at, end + close.length) }, end: end + close.length };
}

/* (address "title") at `at`. Brackets in an address come in pairs. Null: it is no target. */
function linkTarget(text, at) {
    const limit = Math.min(text.length, at + MAX_ADDRESS);
    const space = (i) => { while (i < limit && /\s/.test(text[i])) i++; return i; };
    let i = space(at + 1), start = i, address;
    if (text[i] === '<') {
        while (i < limit && text[i] !== '>' && text[i] !== '\n') i++;
        if (text[i] !== '>') return null;
        address = text.slice(start + 1, i++);
    } else {
        for (let depth = 0; i < limit && !/\s/.test(text[i]); i++) {
            if (text[i] === '\\' && escapable.test(text[i + 1] ?? '')) i++;
            else if (text[i] === '(') depth++;
            else if (text[i] === ')' && depth-- === 0) break;
        }
        address = text.slice(start, i);
    }
    i = space(i);
    if (text[i] === '"' || text[i] === "'") {
        const quote = text[i++];
        while (i < limit && text[i] !== quote) i++;
        i = space(i + 1);
    }
    return i < limit && text[i] === ')' ? { address: unescaped(address), end: i + 1 } : null;
}

/* http://... in running text; the points after it belong to the sentence. */
function bareAddress(text, at) {
    const m = match(/https?:\/\/[^\s<>"`[\]]+/y, text, at);
    if (!m) return null;
    const open = m[0].split('(').length;
    let close = m[0].split(')').length, n = m[0].length;
    for (;; n--) {
        const last = m[0][n - 1];
        if (last === ')' && close > open) close--;
        else if (!"?!.,:;*_~'".includes(last)) break;
    }
    const address = m[0].slice(0, n);
    return safeAddress(address) ? address : null;
}

function entity(text, at) {
    const m = match(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z]{2,8}));/y, text, at);
    if (!m) return null;
    const code = m[1] ? Number(m[1]) : parseInt(m[2], 16);
    const chars = m[3] ? entities[m[3]] : code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
    return chars && { chars, end: at + m[0].length };
}

/* What stands in a link is no link. */
const unlinked = (node) => (node.children
    ? element(node.tag === 'a' ? 'span' : node.tag, node.children.map(unlinked)) : node);

const link = (address, children) => {
    const href = safeAddress(address);
    return { ...element(href ? 'a' : 'span', children), href };
};

/* "]" was read: the tokens since its "[" become a link if an address follows. */
function closeBracket(text, at, list, brackets) {
    const open = brackets.pop();
    if (open === undefined) return null;
    const target = text[at + 1] === '(' ? linkTarget(text, at + 1) : null;
    if (!target || list[open].dead) return null;
    const image = list[open].image;
    const children = matchRuns(list.splice(open + 1)).map(unlinked);
    list.pop();
    list.push(link(target.address, children.length ? children : [target.address]));
    if (!image) for (const b of brackets) list[b].dead = !list[b].image; /* no links in links */
    return target.end;
}

function tokenize(text) {
    const list = [], brackets = [], runs = backtickRuns(text);
    const special = /[\\`*_~[\]!<&\nh$]/g;
    let at = 0;
    const plain = (end) => { if (end > at) list.push(text.slice(at, end)); at = end; };
    while (at < text.length) {
        special.lastIndex = at;
        const found = special.exec(text);
        plain(found ? found.index : text.length);
        if (!found) break;
        at = one(text, at, list, brackets, runs);
    }
    return list;
}

/* One special character at `at`: pushes what it means and returns where to go on. */
function one(text, at, list, brackets, runs) {
    const push = (node, end) => { list.push(node); return end; };
    const c = text[at];
    let found;
    switch (c) {
    case '\\':
        if (text[at + 1] === '\n') return push({ tag: 'br' }, at + 2);
        found = formulaAt(text, at);
        if (found) return push(found.node, found.end);
        if (escapable.test(text[at + 1] ?? '')) return push(text[at + 1], at + 2);
        break;
    case '$':
        found = formulaAt(text, at);
        if (found) return push(found.node, found.end);
        break;
    case '`':
        found = codeSpan(text, at, runs);
        return push(found.node, found.end);
    case '*': case '_': case '~':
        found = delimiterRun(text, at);
        return push(found, found.end);
    case '!':
        if (text[at + 1] !== '[') break;
        brackets.push(list.length);
        return push({ bracket: '![', image: true }, at + 2);
    case '[':
        brackets.push(list.length);
        return push({ bracket: '[' }, at + 1);
    case ']':
        return closeBracket(text, at, list, brackets) ?? push(']', at + 1);
    case '<':
        found = match(/<([a-zA-Z][a-zA-Z0-9+.-]{1,31}:[^\s<>]{1,2048})>/y, text, at);
        if (found && safeAddress(found[1])) return push(link(found[1], [found[1]]), at + found[0].length);
        break;
    case '&':
        found = entity(text, at);
        if (found) return push(found.chars, found.end);
        break;
    case 'h':
        found = !/\w/.test(text[at - 1] ?? '') && bareAddress(text, at);
        if (found) return push(link(found, [found]), at + found.length);
        break;
    case '\n':
        return push({ tag: 'br' }, at + 1);
    }
    return push(c, at + 1);
}

/* ---- Emphasis ---- */

const tags = { '*1': 'em', _1: 'em', '*2': 'strong', _2: 'strong', '~1': 'del', '~2': 'del' };

function fits(opener, closer) {
    if (opener.mark !== closer.mark || !opener.open || !opener.n) return false;
    if (closer.mark === '~') return opener.n === closer.n;
    /* "If one of the delimiters can both open and close", rule 9 of CommonMark 6.2. */
    const both = opener.close || closer.open;
    return !both || (opener.length + closer.length) % 3 !== 0 || (opener.length % 3 === 0 && closer.length % 3 === 0);
}

/* Tokens with runs -> strings and nodes. `floor` remembers for each kind of closer below what there is no opener. */
function matchRuns(list) {
    const out = [], floor = new Map();
    for (const t of list) {
        if (t.bracket) { out.push(t.bracket); continue; }
        if (!t.mark) { out.push(t); continue; }
        const kind = t.mark + t.open + (t.mark === '~' ? t.n : t.length % 3);
        while (t.close && t.n > 0) {
            const low = Math.min(floor.get(kind) ?? 0, out.length);
            let i = out.length - 1;
            while (i >= low && !(out[i].mark && fits(out[i], t))) i--;
            if (i < low) { floor.set(kind, out.length); break; }
            const n = t.mark === '~' ? t.n : Math.min(t.n, out[i].n, 2);
            const children = out.splice(i + 1).map(asText);
            out[i].n -= n;
            t.n -= n;
            if (out[i].n === 0) out.pop();
            for (const [k, v] of floor) floor.set(k, Math.min(v, out.length));
            out.push(element(tags[t.mark + n], children));
        }
        if (t.n > 0) out.push(t);
    }
    return out.map(asText);
}

const asText = (t) => (t.mark ? t.mark.repeat(t.n) : t);

/* ---- Elements ---- */

function build(node) {
    if (typeof node === 'string') return node;
    if (node.tag === 'br') return el('br');
    if (node.tag === 'math') return node.made;
    const attributes = node.href
        ? { href: node.href, target: '_blank', rel: 'noopener noreferrer', title: node.href } : {};
    return el(node.tag, attributes, node.children.map(build));
}

/* text -> what an element's append() takes. */
export function inline(text) {
    return matchRuns(tokenize(text.trim())).map(build);
}
