/* api.js - what the page asks the server: whole answers as JSON, and chats as streams of server-sent events.
 *
 * A 401 makes askForKey() ask the user, once for all requests that wait; then the request is sent again. */
import * as prefs from './prefs.js';

export class ApiError extends Error {
    constructor(message, status = 0, retryAfter = 0, details = {}) {
        super(message);
        this.status = status; /* 0: there was no answer */
        this.retryAfter = retryAfter; /* seconds */
        this.details = details; /* the error of the API: code, param, ... */
    }
}

/* ---- The key: with the tab it ends, or it is kept ---- */

export const currentKey = () => prefs.get('key', 'sessionStorage') ?? prefs.get('key');

export const isKept = () => prefs.get('key') !== null;

/* key null: forgets it */
export function useKey(key, remember = false) {
    prefs.set('key', remember ? null : key, 'sessionStorage');
    prefs.set('key', remember ? key : null);
}

/* ---- Requests ---- */

async function refusal(response) {
    let error = null;
    try {
        ({ error } = await response.json());
    } catch {
        /* a proxy's page, or none */
    }
    return new ApiError(error?.message || `The server answers with status ${response.status}`, response.status,
                        Number(response.headers.get('Retry-After')) || 0, error ?? {});
}

async function send(path, body, signal) {
    const key = currentKey();
    const headers = key ? { Authorization: 'Bearer ' + key } : {};
    if (body) headers['Content-Type'] = 'application/json';
    try {
        return await fetch(path, { method: body ? 'POST' : 'GET', headers, signal, cache: 'no-store',
                                   body: body ? JSON.stringify(body) : undefined });
    } catch (e) {
        if (signal?.aborted) throw e;
        throw new ApiError('The server does not answer');
    }
}

/* The lines "data: ..." of a stream, as text. Comments, which keep silent connections open, are left away. */
async function* events(response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    try {
        for (;;) {
            const { value, done } = await reader.read();
            if (done) return;
            const lines = (rest + value).split('\n');
            rest = lines.pop();
            for (const line of lines)
                if (line.startsWith('data:')) yield line.slice(5).trim();
        }
    } finally {
        reader.cancel().catch(() => {}); /* who stops reading wants no more */
    }
}

export function createApi(askForKey) {
    async function request(path, { body = null, signal, ask = true } = {}) {
        for (;;) {
            const used = currentKey();
            const response = await send(path, body, signal);
            if (response.ok) return response;
            const error = await refusal(response);
            if (error.status !== 401 || !ask) throw error;
            /* Another request may have got a key meanwhile. */
            if (currentKey() === used && !(await askForKey(used ? error.message : ''))) throw error;
        }
    }

    /* Yields { text }, { finish: 'stop' | 'length' | ... } and { usage } as they come. */
    async function* chat(body, signal) {
        const response = await request('v1/chat/completions', {
            body: { ...body, stream: true, stream_options: { include_usage: true } }, signal });
        const broken = () => new ApiError('The connection ended before the answer did');
        try {
            for await (const data of events(response)) {
                if (data === '[DONE]') return;
                const chunk = JSON.parse(data);
                if (chunk.error) throw new ApiError(chunk.error.message);
                const choice = chunk.choices?.[0];
                if (choice?.delta?.content) yield { text: choice.delta.content };
                if (choice?.finish_reason) yield { finish: choice.finish_reason };
                if (chunk.usage) yield { usage: chunk.usage };
            }
        } catch (e) {
            throw signal.aborted || e instanceof ApiError ? e : broken();
        }
        throw broken();
    }

    return { request, chat, json: async (path, options) => (await request(path, options)).json() };
}
