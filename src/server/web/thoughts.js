/* thoughts.js - what a model writes for itself in front of its answer, between <think> and </think>.
 *
 * Some chat templates write the opening tag into the prompt, so that the answer begins inside of it: then only the closing
 * tag is there. Names of the tag as DeepSeek, Qwen, Magistral and others use them. */

const opening = /^\s*<(think|thinking|thought|reasoning)>/;
const closing = /<\/(think|thinking|thought|reasoning)>/;

/* -> { thought, text, open }: thought null where there is none; open: it is still being written. */
export function split(all) {
    const begin = opening.exec(all);
    const rest = begin ? all.slice(begin[0].length) : all;
    const end = closing.exec(rest);
    if (!begin && !end) return { thought: null, text: all, open: false };
    if (!end) return { thought: rest.trim(), text: '', open: true };
    return { thought: rest.slice(0, end.index).trim(), text: rest.slice(end.index + end[0].length).trimStart(), open: false };
}
