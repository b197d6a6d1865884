/* keydialog.js - asks for the API key, and the button that changes it; who serves without keys sees neither. */
import { $, icon } from './dom.js';
import { currentKey, isKept, useKey } from './api.js';

/* Returns ask(refusal), which tells whether a key was given; all who ask while it is open get the same answer. refusal:
 * what is wrong with the key that was sent, or ''. onKey(): a key was given by way of the button. */
export function createKeyDialog(onKey) {
    const dialog = $('key-dialog'), input = $('key'), message = $('key-message'), button = $('key-button');
    let waiting = null;

    function ask(refusal) {
        waiting ??= new Promise((resolve) => {
            message.textContent = refusal || 'The server asks for a key. It is sent to this server only.';
            message.classList.toggle('wrong', Boolean(refusal));
            $('key-remember').checked = isKept();
            $('key-forget').hidden = currentKey() === null;
            button.hidden = false;
            dialog.returnValue = '';
            dialog.addEventListener('close', () => {
                const given = dialog.returnValue === 'use';
                if (given) useKey(input.value.trim(), $('key-remember').checked);
                if (dialog.returnValue === 'forget') useKey(null);
                input.value = '';
                waiting = null;
                resolve(given);
            }, { once: true });
            dialog.showModal();
            input.focus();
        });
        return waiting;
    }

    button.append(icon('key'), 'Key');
    button.hidden = currentKey() === null;
    button.addEventListener('click', async () => { if (await ask('')) onKey(); });
    $('key-cancel').addEventListener('click', () => dialog.close(''));
    $('key-forget').addEventListener('click', () => dialog.close('forget'));
    dialog.querySelector('form').addEventListener('submit', (e) => {
        e.preventDefault();
        if (input.value.trim()) dialog.close('use');
    });
    return ask;
}
