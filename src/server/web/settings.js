/* settings.js - the system prompt, and how tokens are chosen. They belong to a conversation; new ones begin with those
 * that were used last. An empty field is left to the server. */
import { el } from './dom.js';
import * as prefs from './prefs.js';

/* value: that of `sumi run`. slider: the range that is worth sliding through. */
const fields = [
    { name: 'temperature', label: 'Temperature', value: 0.8, min: 0, max: 2, step: 0.05, slider: true,
      hint: '0 takes the likeliest token each time, more is more varied' },
    { name: 'top_p', label: 'Top p', value: 0.95, min: 0, max: 1, step: 0.01, slider: true,
      hint: 'only the likeliest tokens that have this much probability together' },
    { name: 'min_p', label: 'Min p', value: 0.05, min: 0, max: 1, step: 0.01, slider: true,
      hint: 'only tokens with this share of the best one’s probability' },
    { name: 'repetition_penalty', label: 'Repetition penalty', value: 1, min: 0.8, max: 1.5, step: 0.01, slider: true,
      hint: 'more than 1 avoids tokens that were there before' },
    { name: 'top_k', label: 'Top k', value: 40, min: 0, max: 100000, step: 1, hint: 'only the k likeliest; 0: all' },
    { name: 'max_tokens', label: 'Longest answer', value: null, min: 1, max: 1000000, step: 1, hint: 'in tokens; empty: until it ends' },
    { name: 'seed', label: 'Seed', value: null, min: 0, max: Number.MAX_SAFE_INTEGER, step: 1,
      hint: 'the same seed, the same answer; empty: another each time' },
];

const defaults = () => ({ system: '', ...Object.fromEntries(fields.map((f) => [f.name, f.value])) });

/* What was stored, by this page or an older one: known fields of the right kind. */
function clean(stored) {
    const values = defaults();
    for (const f of fields) {
        const v = stored?.[f.name];
        if (v === null || (Number.isFinite(v) && v >= f.min && v <= f.max)) values[f.name] = v;
    }
    if (typeof stored?.system === 'string') values.system = stored.system;
    return values;
}

/* onChange(values): the user has changed something. */
export function createSettings(onChange) {
    let values = clean(prefs.getJson('settings'));
    const inputs = new Map(); /* name -> (value) => shows it */

    function change(name, value) {
        values = { ...values, [name]: value };
        prefs.set('settings', JSON.stringify(values));
        onChange(values);
    }

    function field(f) {
        const id = 'set-' + f.name;
        const range = { min: f.min, max: f.max, step: f.step };
        const number = el('input', { type: 'number', id, ...range, step: f.slider ? 'any' : 1, 'aria-describedby': id + '-hint',
                                     inputmode: 'decimal', placeholder: f.name === 'seed' ? 'random' : 'none' });
        const slider = f.slider && el('input', { type: 'range', ...range, 'aria-label': f.label });
        const show = (v) => {
            number.value = v ?? '';
            if (slider) slider.value = v ?? f.value;
        };
        number.addEventListener('input', () => {
            if (!number.checkValidity()) return; /* style.css marks it; the last good value stays */
            const v = number.value === '' ? null : number.valueAsNumber;
            if (slider && v !== null) slider.value = v;
            change(f.name, v);
        });
        slider?.addEventListener('input', () => { number.value = slider.valueAsNumber; change(f.name, slider.valueAsNumber); });
        inputs.set(f.name, show);
        return el('div', { class: 'field' }, el('label', { for: id }, f.label), number, slider,
                  el('p', { id: id + '-hint', class: 'hint' }, f.hint));
    }

    const system = el('textarea', { id: 'set-system', rows: 4, placeholder: 'You are a helpful assistant.' });
    system.addEventListener('input', () => change('system', system.value));
    inputs.set('system', (v) => { system.value = v; });

    function showAll() {
        for (const [name, show] of inputs) show(values[name]);
    }

    const reset = () => {
        values = { ...defaults(), system: values.system };
        change('system', values.system);
        showAll();
    };
    const element = el('div', { class: 'settings' },
        el('div', { class: 'field' }, el('label', { for: 'set-system' }, 'System prompt'), system,
           el('p', { class: 'hint' }, 'what the model is told before the conversation')),
        el('h3', {}, 'Choosing tokens'), fields.map(field),
        el('button', { type: 'button', class: 'quiet', onclick: reset }, 'Back to the usual values'));
    showAll();

    return {
        element,
        clean,
        get: () => ({ ...values }),
        set(next) { values = clean(next); showAll(); },
    };
}
