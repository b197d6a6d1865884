/* prefs.js - small choices that outlive the page. Where the browser forbids storage, they last as long as the page. */

const memory = new Map();

function use(area, action) {
    try {
        return action(window[area]);
    } catch {
        return undefined;
    }
}

/* area: 'localStorage' or 'sessionStorage', which ends with the tab. */
export function get(name, area = 'localStorage') {
    return use(area, (s) => s.getItem('sumi.' + name)) ?? memory.get(area + name) ?? null;
}

/* value null: forgets it. */
export function set(name, value, area = 'localStorage') {
    if (value === null) {
        memory.delete(area + name);
        use(area, (s) => s.removeItem('sumi.' + name));
    } else {
        memory.set(area + name, value);
        use(area, (s) => s.setItem('sumi.' + name, value));
    }
}

export function getJson(name) {
    try {
        return JSON.parse(get(name));
    } catch {
        return null; /* written by somebody else */
    }
}
