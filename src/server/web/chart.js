/* chart.js - a line over the last two minutes, as SVG whose colours are in panels.css.
 *
 * Samples have a time in ms; where none came for GAP_MS, because the page was hidden, the line has a gap. */
import { svg } from './dom.js';

export const SPAN_MS = 120000;
const GAP_MS = 5000, WIDTH = 240, HEIGHT = 44, TOP = 3;

/* Runs of samples without a gap between them. */
function runs(samples, value) {
    const list = [];
    let last = -Infinity;
    for (const s of samples) {
        if (s.time - last > GAP_MS) list.push([]);
        list.at(-1).push([s.time, value(s)]);
        last = s.time;
    }
    return list;
}

/* classes: one line each, the first with an area below it. draw(samples, [value, ...], top): top, the value at the upper
 * edge, or what the lines need if that is more. */
export function createChart(classes) {
    const lines = classes.map((c) => svg('path', { class: 'line ' + c }));
    const area = svg('path', { class: 'area ' + classes[0] });
    const element = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', class: 'chart', 'aria-hidden': 'true' },
                        svg('path', { class: 'ground', d: `M0 ${HEIGHT - 0.5}H${WIDTH}` }), area, ...lines);

    function draw(samples, values, top) {
        const end = samples.at(-1)?.time ?? 0;
        const most = Math.max(top, ...samples.flatMap((s) => values.map((v) => v(s))));
        const x = (t) => (WIDTH * (1 - (end - t) / SPAN_MS)).toFixed(1);
        const y = (v) => (HEIGHT - 1 - (HEIGHT - 1 - TOP) * (most ? v / most : 0)).toFixed(1);
        const path = (points) => 'M' + points.map(([t, v]) => `${x(t)} ${y(v)}`).join('L');
        lines.forEach((line, i) => line.setAttribute('d', runs(samples, values[i]).map(path).join('') || 'M0 0'));
        area.setAttribute('d', runs(samples, values[0]).map((points) =>
            `${path(points)}L${x(points.at(-1)[0])} ${HEIGHT}L${x(points[0][0])} ${HEIGHT}Z`).join('') || 'M0 0');
    }

    return { element, draw };
}

/* Squares that stand for n things, coloured in the order of parts. Below CELLS things each has its own square. */
const CELLS = 160, COLUMNS = 20;

export function createCells() {
    const cells = Array.from({ length: CELLS }, (_, i) =>
        svg('rect', { x: (i % COLUMNS) * 12 + 1, y: Math.floor(i / COLUMNS) * 12 + 1, width: 10, height: 10, rx: 2 }));
    const element = svg('svg', { class: 'cells', 'aria-hidden': 'true' }, ...cells);

    /* parts: [[class, count], ...] of n in all; the rest is free. What is not zero has one square at least. */
    function draw(parts, n) {
        const shown = Math.min(n, CELLS);
        let at = 0;
        element.setAttribute('viewBox', `0 0 ${COLUMNS * 12} ${Math.max(1, Math.ceil(shown / COLUMNS)) * 12}`);
        for (const [name, count] of parts) {
            const end = Math.min(shown, at + (count ? Math.max(1, Math.round(count / n * shown)) : 0));
            while (at < end) cells[at++].setAttribute('class', name);
        }
        for (let i = at; i < CELLS; i++) cells[i].setAttribute('class', i < shown ? 'free' : 'none');
    }

    return { element, draw };
}
