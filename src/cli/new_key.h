/* new_key.h - makes a line for the file of API keys. */
#ifndef SUMI_CLI_NEW_KEY_H
#define SUMI_CLI_NEW_KEY_H

/* Reads a key from stdin, without showing it on a terminal; an empty one: makes one, and shows it on stderr, once. The
 * line for the file goes to stdout. Returns an exit code. */
int cli_new_key(const char *name);

#endif
