/* markdown.js - a model's text as elements: paragraphs, headings, lists, quotes, tables, code, rules.
 *
 * CommonMark 0.31 with GitHub's tables, as far as models use it; left away: HTML, link definitions, and code by
 * indentation, which is nearly always a slip in a list. A line under a heading has at least three signs: one or two are
 * the beginning of a list that streams in. While text streams in, showMarkdown() is called for each
 * change: blocks whose source is the same keep their elements, so that a long answer costs no more than its last block,
 * and what the reader has selected stays selected. */
import { el, copyButton } from './dom.js';
import { inline } from './inline.js';
import { highlight } from './code.js';
import { math } from './math.js';

const MAX_DEPTH = 12; /* lists and quotes in each other; deeper ones are text */
const MAX_BLOCKS = 3000; /* of a text; what would follow is one paragraph: no answer has so many, and each has elements */

const MAX_MATH_LINES = 60;

const fence = /^ {0,3}(`{3,}(?!.*`)|~{3,})(.*)$/;
const heading = /^ {0,3}(#{1,6})(?:[ \t]|$)/;
const rule = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const quote = /^ {0,3}> ?/;
const item = /^( {0,3})([-*+]|\d{1,9}[.)])(?:( {1,4})(?! )|(?= {5})|\t|$)/;
const underline = /^ {0,3}(={3,}|-{3,})[ \t]*$/;
const blank = (line) => line.trim() === '';

/* ---- Blocks: { type, begin, end (lines), source, ... } ---- */

function parse(lines, depth) {
    const blocks = [];
    for (let i = 0; i < lines.length;) {
        if (blank(lines[i])) { i++; continue; }
        if (blocks.length >= MAX_BLOCKS) {
            blocks.push({ type: 'paragraph', text: lines.slice(i).join('\n'), source: lines.slice(i).join('\n'), begin: i, end: lines.length });
            break;
        }
        const block = (depth < MAX_DEPTH && (codeAt(lines, i) ?? mathAt(lines, i) ?? quoteAt(lines, i, depth) ?? headingAt(lines, i) ??
                       (rule.test(lines[i]) ? { type: 'rule', end: i + 1 } : null) ??
                       listAt(lines, i, depth) ?? tableAt(lines, i))) || paragraphAt(lines, i);
        block.begin = i;
        block.source = lines.slice(i, block.end).join('\n');
        blocks.push(block);
        i = block.end;
    }
    return blocks;
}

function codeAt(lines, i) {
    const open = fence.exec(lines[i]);
    if (!open) return null;
    const close = new RegExp('^ {0,3}' + open[1][0] + '{' + open[1].length + ',}[ \\t]*$');
    const indent = lines[i].search(/\S/);
    let end = i + 1;
    while (end < lines.length && !close.test(lines[end])) end++;
    const code = lines.slice(i + 1, end).map((l) => l.slice(Math.min(indent, l.length - l.trimStart().length)));
    return { type: 'code', language: open[2].trim().split(/\s/)[0], text: code.join('\n'), end: Math.min(end + 1, lines.length) };
}

/* $$ ... $$ and \[ ... \], on a line or over several; a formula whose end is not there yet is text. */
function mathAt(lines, i) {
    const open = /^ {0,3}(\$\$|\\\[)/.exec(lines[i]);
    if (!open) return null;
    const close = open[1] === '$$' ? '$$' : '\\]';
    const text = [];
    for (let end = i; end < Math.min(lines.length, i + MAX_MATH_LINES); end++) {
        const line = end === i ? lines[i].slice(open[0].length) : lines[end];
        const at = line.indexOf(close);
        if (at >= 0 && !blank(line.slice(at + 2))) return null;
        text.push(at < 0 ? line : line.slice(0, at));
        if (at >= 0) return { type: 'math', text: text.join('\n'), end: end + 1 };
        if (blank(line) && end > i) return null;
    }
    return null;
}

function headingAt(lines, i) {
    const m = heading.exec(lines[i]);
    if (!m) return null;
    let text = lines[i].slice(m[0].length).trim();
    const closing = text.length - text.replace(/#+$/, '').length;
    if (closing === text.length) text = '';
    else if (closing && /[ \t]/.test(text[text.length - closing - 1])) text = text.slice(0, -closing).trim();
    return { type: 'heading', level: m[1].length, text, end: i + 1 };
}

/* Would this line end a paragraph? */
function interrupts(line) {
    const m = item.exec(line);
    return fence.test(line) || heading.test(line) || quote.test(line) || rule.test(line) ||
           (m !== null && !blank(line.slice(m[0].length)) && (!/\d/.test(m[2]) || parseInt(m[2], 10) === 1));
}

function paragraphAt(lines, i) {
    let end = i + 1;
    for (; end < lines.length && !blank(lines[end]); end++) {
        if (underline.test(lines[end])) {
            const level = lines[end].trim()[0] === '=' ? 1 : 2;
            return { type: 'heading', level, text: lines.slice(i, end).join('\n'), end: end + 1 };
        }
        if (interrupts(lines[end]) || tableAt(lines, end)) break;
    }
    return { type: 'paragraph', text: lines.slice(i, end).map((l) => l.trimStart()).join('\n'), end };
}

function quoteAt(lines, i, depth) {
    const inside = [];
    let end = i;
    if (!quote.test(lines[i])) return null;
    for (; end < lines.length && !blank(lines[end]); end++) {
        if (!quote.test(lines[end]) && interrupts(lines[end])) break;
        inside.push(lines[end].replace(quote, ''));
    }
    return { type: 'quote', blocks: parse(inside, depth + 1), end };
}

/* An item's own lines are those that are indented as far as its text, and those that carry on its paragraph. */
function listAt(lines, i, depth) {
    const first = item.exec(lines[i]);
    if (!first) return null;
    const kind = first[2].at(-1), items = [];
    let loose = false, end = i;
    while (end < lines.length) {
        const m = item.exec(lines[end]);
        if (!m || m[2].at(-1) !== kind || (rule.test(lines[end]) && end > i)) break;
        const width = m[1].length + m[2].length + (m[3]?.length || 1);
        const own = [lines[end].slice(m[0].length)];
        end = takeItem(lines, end + 1, width, own);
        items.push(parse(own, depth + 1));
        loose ||= items.at(-1).some((b, n, all) => n > 0 && b.begin > all[n - 1].end);
        /* A blank line before another item makes the list loose; one after the last does not. */
        let look = end;
        while (look < lines.length && blank(lines[look])) look++;
        if (look === end) continue;
        const another = look < lines.length && item.exec(lines[look]);
        if (!another || another[2].at(-1) !== kind) break;
        loose = true;
        end = look;
    }
    return { type: 'list', ordered: /\d/.test(first[2]), start: parseInt(first[2], 10), items, loose, end };
}

/* Appends the lines from i on that belong to an item whose text begins at column width; returns where it ends. */
function takeItem(lines, i, width, own) {
    let end = i, blanks = 0;
    for (; end < lines.length; end++) {
        const line = lines[end].replace(/^\t+/, (tabs) => '    '.repeat(tabs.length));
        if (blank(line)) { blanks++; own.push(''); continue; }
        const indent = line.search(/\S/);
        if (indent < width && (blanks || item.test(line) || interrupts(line))) break;
        blanks = 0;
        own.push(indent < width ? line.trimStart() : line.slice(width));
    }
    own.length -= blanks;
    return end - blanks;
}

function cells(line) {
    const text = line.trim().replace(/^\|/, '');
    const parts = [''];
    let code = false;
    for (let i = 0; i < text.length; i++) {
        if (text[i] === '\\' && text[i + 1] === '|') { parts[parts.length - 1] += '|'; i++; continue; }
        if (text[i] === '`') code = !code;
        if (text[i] === '|' && !code) parts.push('');
        else parts[parts.length - 1] += text[i];
    }
    if (parts.length > 1 && blank(parts.at(-1))) parts.pop();
    return parts.map((p) => p.trim());
}

function tableAt(lines, i) {
    if (!lines[i].includes('|') || !/^[-:| \t]+$/.test(lines[i + 1] ?? '')) return null;
    const head = cells(lines[i]), rules = cells(lines[i + 1]);
    if (head.length !== rules.length || !rules.every((r) => /^:?-+:?$/.test(r))) return null;
    const align = rules.map((r) => (r.endsWith(':') ? (r.startsWith(':') ? 'center' : 'right') : 'left'));
    let end = i + 2;
    const rows = [];
    for (; end < lines.length && !blank(lines[end]) && !interrupts(lines[end]); end++) rows.push(cells(lines[end]));
    return { type: 'table', head, align, rows, end };
}

/* ---- Elements ---- */

/* "[ ] " and "[x] " in front of an item's text: a task, as in GitHub's dialect (5.3). */
function listItem(blocks, loose) {
    const task = blocks[0]?.type === 'paragraph' && /^\[([ xX])\][ \t\n]+(?=\S)/.exec(blocks[0].text);
    const li = el('li', { class: task && 'task' });
    if (task) {
        const done = task[1] !== ' ';
        li.append(el('input', { type: 'checkbox', disabled: true, checked: done, 'aria-label': done ? 'done' : 'to be done' }));
        blocks = [{ ...blocks[0], text: blocks[0].text.slice(task[0].length) }, ...blocks.slice(1)];
    }
    for (const b of blocks)
        if (b.type === 'paragraph' && !loose) for (const c of inline(b.text)) li.append(c);
        else li.append(build(b));
    return li;
}

function table(b) {
    const row = (tag, texts) => el('tr', {}, b.head.map((_, i) =>
        el(tag, { class: b.align[i], scope: tag === 'th' ? 'col' : null }, inline(texts[i] ?? ''))));
    return el('div', { class: 'table', tabindex: 0, role: 'group', 'aria-label': 'Table' },
              el('table', {}, el('thead', {}, row('th', b.head)), el('tbody', {}, b.rows.map((r) => row('td', r)))));
}

function code(b) {
    const language = b.language.replace(/[{}.]/g, '').slice(0, 24);
    return el('figure', { class: 'code' },
              el('figcaption', {}, el('span', {}, language || 'text'), copyButton('Copy the code', () => b.text)),
              el('pre', { tabindex: 0 }, el('code', {}, highlight(b.text, language))));
}

function build(b) {
    switch (b.type) {
    case 'code': return code(b);
    case 'math': return el('div', { class: 'math', tabindex: 0, role: 'group', 'aria-label': 'Formula' }, math(b.text, true) ?? b.source);
    case 'rule': return el('hr');
    case 'table': return table(b);
    case 'quote': return el('blockquote', {}, b.blocks.map(build));
    case 'heading': return el('h' + Math.min(b.level + 2, 6), { class: 'h' + b.level }, inline(b.text));
    case 'list': return el(b.ordered ? 'ol' : 'ul', { start: b.ordered && b.start !== 1 ? b.start : null },
                           b.items.map((i) => listItem(i, b.loose)));
    default: return el('p', {}, inline(b.text));
    }
}

/* Makes the children of container show text. */
export function showMarkdown(container, text) {
    const blocks = parse(text.replace(/\r\n?/g, '\n').split('\n'), 0);
    blocks.forEach((b, i) => {
        const old = container.children[i];
        if (old && old.source === b.source) return;
        const made = build(b);
        made.source = b.source;
        if (old) old.replaceWith(made);
        else container.append(made);
    });
    while (container.children.length > blocks.length) container.lastElementChild.remove();
}
