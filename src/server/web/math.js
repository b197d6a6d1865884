/* math.js - formulas in TeX as MathML Core, which browsers draw themselves: what models write in answers, no more.
 *
 *   list  = { atom [ ("^" | "_") argument ]* }        argument = "{" list "}" | one atom
 *   atom  = letter | number | sign | "{" list "}" | \name arguments | \left sign list \right sign | \begin{...} rows \end{...}
 *
 * math() gives null for a formula with anything that is not known here: then the reader sees its source. Letters, signs and
 * names become text nodes of elements that this file names, never markup. */
import { mathml } from './dom.js';

export const MAX_FORMULA = 1000; /* characters */
const MAX_DEPTH = 20;

const pairs = (text) => Object.fromEntries(text.trim().split(/\s+/).map((p) => p.split('=')));

const letters = pairs(`alpha=α beta=β gamma=γ delta=δ epsilon=ϵ varepsilon=ε zeta=ζ eta=η theta=θ vartheta=ϑ iota=ι kappa=κ
    lambda=λ mu=μ nu=ν xi=ξ pi=π varpi=ϖ rho=ρ varrho=ϱ sigma=σ varsigma=ς tau=τ upsilon=υ phi=ϕ varphi=φ chi=χ psi=ψ omega=ω
    Gamma=Γ Delta=Δ Theta=Θ Lambda=Λ Xi=Ξ Pi=Π Sigma=Σ Upsilon=Υ Phi=Φ Psi=Ψ Omega=Ω infty=∞ partial=∂ nabla=∇ hbar=ℏ ell=ℓ
    emptyset=∅ varnothing=∅ Re=ℜ Im=ℑ aleph=ℵ degree=° circ=∘ ldots=… dots=… cdots=⋯ vdots=⋮ ddots=⋱ prime=′ top=⊤ bot=⊥`);
const signs = pairs(`times=× cdot=⋅ div=÷ pm=± mp=∓ ast=∗ star=⋆ le=≤ leq=≤ ge=≥ geq=≥ ne=≠ neq=≠ ll=≪ gg=≫ approx=≈ sim=∼
    simeq=≃ cong=≅ equiv=≡ propto=∝ in=∈ notin=∉ ni=∋ subset=⊂ subseteq=⊆ supset=⊃ supseteq=⊇ cup=∪ cap=∩ setminus=∖ land=∧
    wedge=∧ lor=∨ vee=∨ lnot=¬ neg=¬ oplus=⊕ otimes=⊗ odot=⊙ forall=∀ exists=∃ nexists=∄ to=→ rightarrow=→ leftarrow=← mapsto=↦
    leftrightarrow=↔ Rightarrow=⇒ implies=⟹ Leftarrow=⇐ Leftrightarrow=⇔ iff=⟺ longrightarrow=⟶ uparrow=↑ downarrow=↓ mid=∣
    parallel=∥ perp=⊥ angle=∠ triangle=△ therefore=∴ because=∵ colon=: lbrace={ rbrace=} langle=⟨ rangle=⟩ lfloor=⌊ rfloor=⌋
    lceil=⌈ rceil=⌉ vert=| lvert=| rvert=| Vert=‖ lVert=‖ rVert=‖ backslash=\\ prec=≺ succ=≻ models=⊨ vdash=⊢`);
const large = pairs('sum=∑ prod=∏ coprod=∐ bigcup=⋃ bigcap=⋂ bigoplus=⨁ bigotimes=⨂ int=∫ iint=∬ iiint=∭ oint=∮');
const besides = new Set(['int', 'iint', 'iiint', 'oint']); /* their limits stand beside them */
const functions = new Set(('sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh exp log ln lg det dim ker deg gcd hom arg ' +
                           'max min sup inf lim limsup liminf Pr').split(' '));
const below = new Set('max min sup inf lim limsup liminf Pr det gcd'.split(' ')); /* their limits stand below them */
const accents = pairs('hat=^ widehat=^ bar=¯ vec=→ tilde=~ widetilde=~ dot=˙ ddot=¨ overline=¯ overrightarrow=→ overbrace=⏞');
const under = pairs('underline=_ underbrace=⏟');
const variants = { mathbf: 'bold', boldsymbol: 'bold', bm: 'bold', mathit: 'italic', mathbb: 'double-struck', mathcal: 'script',
                   mathscr: 'script', mathfrak: 'fraktur', mathsf: 'sans-serif', mathtt: 'monospace' };
const texts = new Set(['text', 'textbf', 'textit', 'textrm', 'mathrm', 'operatorname', 'mbox', 'mathop']);
const spaces = { ',': '.17em', ':': '.22em', ';': '.28em', '!': '-.17em', ' ': '.33em', quad: '1em', qquad: '2em' };
const fences = { matrix: '', pmatrix: '()', bmatrix: '[]', Bmatrix: '{}', vmatrix: '||', Vmatrix: '‖‖', cases: '{', aligned: '',
                 align: '', 'align*': '', array: '', gathered: '', split: '', smallmatrix: '' };
const ignored = new Set(['displaystyle', 'textstyle', 'limits', 'nolimits', 'big', 'Big', 'bigg', 'Bigg', 'bigl', 'bigr', 'Bigl',
                         'Bigr', 'biggl', 'biggr', 'nonumber', 'notag']);

class Unknown extends Error {}

/* First code points of alphabets in Mathematical Alphanumeric Symbols (Unicode 15, U+1D400): capital and small A. The few letters
 * that stand elsewhere in Unicode are in `elsewhere`. */
const alphabets = { bold: [0x1d400, 0x1d41a], italic: [0x1d434, 0x1d44e], 'double-struck': [0x1d538, 0x1d552], script: [0x1d49c, 0x1d4b6],
                    fraktur: [0x1d504, 0x1d51e], 'sans-serif': [0x1d5a0, 0x1d5ba], monospace: [0x1d670, 0x1d68a] };
const digits = { bold: 0x1d7ce, 'double-struck': 0x1d7d8, 'sans-serif': 0x1d7e2, monospace: 0x1d7f6 };
const elsewhere = { italic: { h: 'ℎ' }, 'double-struck': { C: 'ℂ', H: 'ℍ', N: 'ℕ', P: 'ℙ', Q: 'ℚ', R: 'ℝ', Z: 'ℤ' },
                    script: { B: 'ℬ', E: 'ℰ', F: 'ℱ', H: 'ℋ', I: 'ℐ', L: 'ℒ', M: 'ℳ', R: 'ℛ', e: 'ℯ', g: 'ℊ', o: 'ℴ' },
                    fraktur: { C: 'ℭ', H: 'ℌ', I: 'ℑ', R: 'ℜ', Z: 'ℨ' } };

function styled(letter, variant) {
    const code = letter.codePointAt(0), [capital, small] = alphabets[variant];
    if (elsewhere[variant]?.[letter]) return elsewhere[variant][letter];
    if (/[A-Z]/.test(letter)) return String.fromCodePoint(capital + code - 65);
    if (/[a-z]/.test(letter)) return String.fromCodePoint(small + code - 97);
    if (/\d/.test(letter) && digits[variant]) return String.fromCodePoint(digits[variant] + code - 48);
    return letter;
}

const row = (list) => (list.length === 1 ? list[0] : mathml('mrow', {}, ...list));
const operator = (sign, attributes = {}) => mathml('mo', attributes, sign);

/* Reads `text`; at is where it stands. Every method throws Unknown for what it does not know. */
class Reader {
    constructor(text, display) {
        Object.assign(this, { text, display, at: 0, depth: 0 });
    }

    space() { while (/\s/.test(this.text[this.at] ?? '')) this.at++; }

    next() {
        this.space();
        return this.text[this.at];
    }

    take(sign) {
        if (this.next() !== sign) return false;
        this.at++;
        return true;
    }

    /* What stands behind a backslash: letters, or one sign. */
    name() {
        const m = /[a-zA-Z]+\*?|[^]/y;
        m.lastIndex = this.at + 1;
        const found = m.exec(this.text)?.[0];
        if (!found) throw new Unknown();
        return found;
    }

    skipName() { this.at += 1 + this.name().length; }

    /* The raw text in braces. */
    raw() {
        if (!this.take('{')) throw new Unknown();
        const end = this.text.indexOf('}', this.at), inside = this.text.slice(this.at, end);
        if (end < 0 || /[{\\]/.test(inside)) throw new Unknown();
        this.at = end + 1;
        return inside;
    }

    /* Atoms up to one that ends() says yes to, or to the end of the text. */
    list(ends) {
        const out = [];
        if (++this.depth > MAX_DEPTH) throw new Unknown();
        for (let c; (c = this.next()) !== undefined && !ends(c);) out.push(...this.scripted());
        this.depth--;
        return out;
    }

    group() {
        const list = this.list((c) => c === '}');
        if (!this.take('}')) throw new Unknown();
        return row(list);
    }

    argument() {
        if (this.take('{')) return this.group();
        const [atom] = this.atom();
        if (!atom) throw new Unknown();
        return atom;
    }

    /* An atom with what stands above and below it. */
    scripted() {
        const [base, limits] = this.atom();
        let sub = null, sup = null;
        for (;;) {
            if (this.take("'")) sup = sup ? row([sup, operator('′')]) : operator('′');
            else if (!sup && this.take('^')) sup = this.argument();
            else if (!sub && this.take('_')) sub = this.argument();
            else break;
        }
        if (!base && !sub && !sup) return [];
        const on = base ?? mathml('mrow'), over = limits && this.display;
        if (sub && sup) return [mathml(over ? 'munderover' : 'msubsup', {}, on, sub, sup)];
        if (sub) return [mathml(over ? 'munder' : 'msub', {}, on, sub)];
        if (sup) return [mathml(over ? 'mover' : 'msup', {}, on, sup)];
        return [on];
    }

    /* -> [element or null, limits stand above and below] */
    atom() {
        const c = this.next();
        if (c === undefined || '^_\'}&#$%'.includes(c)) {
            if (c === '^' || c === '_' || c === "'") return [null, false]; /* a script without a base */
            throw new Unknown();
        }
        if (c === '\\') return this.command();
        if (this.take('{')) return [this.group(), false];
        const number = /\d+(?:[.,]\d+)*|\.\d+/y;
        number.lastIndex = this.at;
        const digits = number.exec(this.text)?.[0];
        const sign = digits ?? String.fromCodePoint(this.text.codePointAt(this.at));
        this.at += sign.length;
        if (digits) return [mathml('mn', {}, digits), false];
        if (/\p{L}/u.test(sign)) return [mathml('mi', {}, sign), false];
        if (sign === '~') return [mathml('mspace', { width: '.33em' }), false];
        return [operator(sign === '-' ? '−' : sign === '*' ? '∗' : sign, '()[]|/'.includes(sign) ? { stretchy: 'false' } : {}), false];
    }

    command() {
        const name = this.name();
        this.skipName();
        if (Object.hasOwn(letters, name)) return [mathml('mi', {}, letters[name]), false];
        if (Object.hasOwn(signs, name)) return [operator(signs[name]), false];
        if (Object.hasOwn(large, name)) return [operator(large[name]), !besides.has(name)];
        if (functions.has(name)) return [mathml('mi', {}, name), below.has(name)];
        if (Object.hasOwn(spaces, name)) return [mathml('mspace', { width: spaces[name] }), false];
        if ('{}%$&#_|'.includes(name)) return [operator(name === '|' ? '‖' : name, { stretchy: 'false' }), false];
        if (ignored.has(name)) return [mathml('mrow'), false];
        if (texts.has(name)) return [mathml('mtext', {}, this.raw().replaceAll(' ', '\u00a0')), false];
        if (Object.hasOwn(variants, name)) return [this.variant(variants[name]), false];
        if (Object.hasOwn(accents, name))
            return [mathml('mover', { accent: 'true' }, this.argument(), operator(accents[name], { stretchy: String(name.length > 5) })), name === 'overbrace'];
        if (Object.hasOwn(under, name)) return [mathml('munder', {}, this.argument(), operator(under[name])), name === 'underbrace'];
        return [this.construct(name), false];
    }

    construct(name) {
        switch (name) {
        case 'frac': case 'dfrac': case 'tfrac': case 'cfrac':
            return mathml('mfrac', {}, this.argument(), this.argument());
        case 'binom':
            return row([operator('('), mathml('mfrac', { linethickness: '0' }, this.argument(), this.argument()), operator(')')]);
        case 'sqrt': return this.root();
        case 'left': return this.fenced();
        case 'begin': return this.table();
        case 'boxed': return mathml('menclose', { notation: 'box' }, this.argument());
        case 'pmod': return row([operator('('), mathml('mi', {}, 'mod'), mathml('mspace', { width: '.33em' }), this.argument(), operator(')')]);
        case 'bmod': case 'mod': return operator('mod');
        case 'overset': case 'stackrel': {
            const above = this.argument();
            return mathml('mover', {}, this.argument(), above);
        }
        case 'underset': {
            const beneath = this.argument();
            return mathml('munder', {}, this.argument(), beneath);
        }
        case 'not': {
            const [on] = this.atom();
            if (on?.localName !== 'mo') throw new Unknown();
            return operator(on.textContent + '\u0338');
        }
        default: throw new Unknown();
        }
    }

    variant(variant) {
        const inside = this.argument();
        for (const leaf of [inside, ...inside.querySelectorAll('*')])
            if (!leaf.children.length && leaf.textContent) {
                leaf.textContent = [...leaf.textContent].map((c) => styled(c, variant)).join('');
                if (leaf.localName === 'mi') leaf.setAttribute('mathvariant', 'normal'); /* the letters are styled themselves */
            }
        return inside;
    }

    root() {
        if (!this.take('[')) return mathml('msqrt', {}, this.argument());
        const index = row(this.list((c) => c === ']'));
        if (!this.take(']')) throw new Unknown();
        return mathml('mroot', {}, this.argument(), index);
    }

    /* The sign behind \left or \right; "." is none. */
    delimiter() {
        const c = this.next();
        if (c === '\\') {
            const name = this.name();
            this.skipName();
            if (name === '|') return '‖';
            if (name === '{' || name === '}') return name;
            if (Object.hasOwn(signs, name)) return signs[name];
        } else if (c !== undefined && '()[]|/.<>'.includes(c)) {
            this.at++;
            return { '.': '', '<': '⟨', '>': '⟩' }[c] ?? c;
        }
        throw new Unknown();
    }

    ends(name) { return this.text[this.at] === '\\' && this.name() === name; }

    fenced() {
        const open = this.delimiter(), list = this.list(() => this.ends('right'));
        if (!this.ends('right')) throw new Unknown();
        this.skipName();
        const close = this.delimiter();
        return row([open && operator(open, { fence: 'true' }), ...list, close && operator(close, { fence: 'true' })].filter(Boolean));
    }

    table() {
        const kind = this.raw();
        if (!Object.hasOwn(fences, kind)) throw new Unknown();
        if (kind === 'array') this.raw();
        const rows = [[]];
        for (;;) {
            rows.at(-1).push(mathml('mtd', {}, ...this.list((c) => c === '&' || this.ends('\\') || this.ends('end'))));
            if (this.take('&')) continue;
            if (this.ends('end')) break;
            if (!this.ends('\\')) throw new Unknown();
            this.skipName();
            rows.push([]);
        }
        this.skipName();
        if (this.raw() !== kind) throw new Unknown();
        const last = rows.at(-1);
        if (rows.length > 1 && last.length === 1 && !last[0].childNodes.length) rows.pop();
        const made = mathml('mtable', {}, ...rows.map((cells) => mathml('mtr', {}, ...cells)));
        const [open, close] = fences[kind];
        return row([open && operator(open, { fence: 'true' }), made, close && operator(close, { fence: 'true' })].filter(Boolean));
    }
}

/* The formula `text`, without the marks around it, as an element; display: on a line of its own. Null: not all of it is known. */
export function math(text, display) {
    if (!text.trim() || text.length > MAX_FORMULA) return null;
    try {
        const reader = new Reader(text, display);
        const list = reader.list(() => false);
        return mathml('math', display ? { display: 'block' } : {}, ...list);
    } catch (e) {
        if (e instanceof Unknown) return null;
        throw e;
    }
}
