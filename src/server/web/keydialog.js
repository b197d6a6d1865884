/* keydialog.js - asks for the API key. */
import { $ } from './dom.js';
import { isKept, useKey } from './api.js';

/* Returns ask(message), which tells whether a key was given; all who ask while it is open get the same answer. */
export function createKeyDialog() {
    const dialog = $('key-dialog'), input = $('key');
    let waiting = null;

    $('key-cancel').addEventListener('click', () => dialog.close(''));
    dialog.querySelector('form').addEventListener('submit', (e) => {
        e.preventDefault();
        dialog.close(input.value.trim() ? 'use' : '');
    });

    return function ask(message) {
        waiting ??= new Promise((resolve) => {
            $('key-message').textContent = message;
            input.value = '';
            dialog.returnValue = '';
            dialog.addEventListener('close', () => {
                const given = dialog.returnValue === 'use';
                if (given) useKey(input.value.trim(), $('key-remember').checked);
                input.value = '';
                waiting = null;
                resolve(given);
            }, { once: true });
            $('key-remember').checked = isKept();
            dialog.showModal();
            input.focus();
        });
        return waiting;
    };
}
