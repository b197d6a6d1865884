/* theme.js - the chosen colours, set before the page is drawn for the first time. Not a module: those run too late. */
'use strict';
try {
    const theme = localStorage.getItem('sumi.theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
    /* storage is forbidden: the system's colours it is */
}
