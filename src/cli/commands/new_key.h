/* new_key.h - makes a line for the file of API keys. */
#ifndef SUMI_CLI_COMMANDS_NEW_KEY_H
#define SUMI_CLI_COMMANDS_NEW_KEY_H

/* Reads a key from stdin, without echo on a terminal. If the key is empty, makes a new key and shows it on stderr, once.
 * The line for the file goes to stdout. Returns an exit code. */
int cli_new_key(const char *name);

#endif
