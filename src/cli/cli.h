/* cli.h - what the sub-commands share. Each lives in its own file cmd_NAME.c and is listed in main.c. */
#ifndef SUMI_CLI_CLI_H
#define SUMI_CLI_CLI_H

#include "store/store.h"
#include "sumi.h"

/* Exit codes of the program; the last one is 128 + SIGINT, as shells say it. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

/* A sub-command: argv[0] is its name. Returns an exit code. */
int cmd_run(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_tokenize(int argc, char **argv);
int cmd_detokenize(int argc, char **argv);
int cmd_template(int argc, char **argv);
int cmd_logits(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_embed(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_bench_serve(int argc, char **argv); /* `bench serve` */
int cmd_serve(int argc, char **argv);
int cmd_pull(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_rm(int argc, char **argv);
int cmd_ps(int argc, char **argv);

/* Prints "sumi: message" on stderr, one line, and returns EXIT_FAILED. */
int cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* From now on cli_fail() prints {"level":"error","message":"..."}, as --log-json promises. */
void cli_fail_as_json(void);
/* One line: "sumi: message", or as JSON. label: "warning: " or "", for the former. The message is made printable. */
void cli_print_message(bool json, const char *level, const char *label, const char *message);
/* The same for the message of a failed library call; an empty one says nothing. ECANCELLED gives
 * EXIT_INTERRUPTED. */
int cli_fail_error(const sumi_error *err);

/* Writes out what standard output still holds. The exit code that the program ends with: `code`, or, if that is EXIT_DONE
 * and something could not be written, EXIT_FAILED after a line. A reader that has gone (`| head`) is no failure. */
int cli_flush(int code);

/* Where this user's models are (store/store.h), from the environment. */
store_places cli_places(void);

/* MODEL as users write it, a path, a name or a reference to a pulled model, to a path (store_find()). */
SUMI_MUST_USE sumi_status cli_find_model(const char *model, char *out, size_t n_out, sumi_error *err);

bool cli_is_stdin(const char *path); /* NULL or "-" */

/* Tells somebody at a terminal that the program waits for text from it, and what ends it. */
void cli_say_reading(int fd);

/* All of stdin, or of a file: *data is NUL-terminated, freed with free(). At most max_bytes. ECANCELLED with
 * an empty message: Ctrl-C, where interrupt.h counts them. */
SUMI_MUST_USE sumi_status cli_read_file(const char *path, size_t max_bytes, char **data, size_t *n_bytes,
                                        sumi_error *err); /* path NULL or "-": stdin */

#endif
