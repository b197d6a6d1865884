/* code.js - colours for code: comments, strings, numbers, words of the language. A reader's help, no parser: one
 * expression finds the pieces of all languages of a family, and what it does not know stays plain. */
import { el } from './dom.js';

const words = {
    c: 'auto break case char const continue default do double else enum extern float for goto if inline int long ' +
       'register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while ' +
       'bool true false NULL nullptr class namespace new delete private protected public template this throw try ' +
       'catch using virtual override async await function let var export import from of in instanceof typeof null ' +
       'undefined interface extends implements package final super yield func fn mut pub impl trait match use mod ' +
       'type go defer chan map range select crate self Self where as string',
    script: 'and as assert async await break class continue def del elif else except False finally for from global ' +
            'if import in is lambda None nonlocal not or pass raise return True try while with yield then fi do done ' +
            'case esac function local export echo end begin module require unless until nil self elsif true false null',
    sql: 'select from where and or not insert into values update set delete create table drop alter index join left ' +
         'right inner outer on group by order having limit offset as distinct union all primary key foreign ' +
         'references null is in between like exists case when then else end with',
};

const C = 'c', SCRIPT = 'script', SQL = 'sql';
const family = { python: SCRIPT, py: SCRIPT, bash: SCRIPT, sh: SCRIPT, shell: SCRIPT, zsh: SCRIPT, ruby: SCRIPT, rb: SCRIPT,
                 yaml: SCRIPT, yml: SCRIPT, toml: SCRIPT, r: SCRIPT, perl: SCRIPT, make: SCRIPT, dockerfile: SCRIPT, sql: SQL,
                 text: null, txt: null, plaintext: null, '': null, markdown: null, md: null, html: null, xml: null };

const comment = { c: '\\/\\/[^\\n]*|\\/\\*[^]*?(?:\\*\\/|$)', script: '#[^\\n]*', sql: '--[^\\n]*|\\/\\*[^]*?(?:\\*\\/|$)' };
const strings = { c: '', script: '"""[^]*?(?:"""|$)|\'\'\'[^]*?(?:\'\'\'|$)|', sql: '' };

function pieces(kind) {
    const list = words[kind].split(' ').join('|');
    return new RegExp('(' + comment[kind] + ')|(' + strings[kind] +
                      '"(?:\\\\.|[^"\\\\\\n])*"?|\'(?:\\\\.|[^\'\\\\\\n])*\'?|`[^`]*`?)|' +
                      '\\b(0x[0-9a-fA-F]+|\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?)\\b|\\b(' + list + ')\\b|' +
                      '\\b([A-Za-z_]\\w*)(?=\\()|[A-Za-z_]\\w*', kind === SQL ? 'gi' : 'g');
}
const regexes = {};
const names = [null, 'comment', 'string', 'number', 'word', 'call'];

/* -> what an element's append() takes */
export function highlight(text, language) {
    const name = language.toLowerCase();
    const kind = name in family ? family[name] : C;
    if (!kind || text.length > 50000) return [text];
    const out = [];
    let at = 0;
    regexes[kind] ??= pieces(kind);
    for (const m of text.matchAll(regexes[kind])) {
        const group = m.findIndex((g, i) => i > 0 && g !== undefined);
        if (group < 1) continue; /* a name */
        if (m.index > at) out.push(text.slice(at, m.index));
        out.push(el('span', { class: 't-' + names[group] }, m[0]));
        at = m.index + m[0].length;
    }
    out.push(text.slice(at));
    return out;
}
