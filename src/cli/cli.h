/* cli.h - shared by the sub-commands. Each sub-command has its own file cmd_NAME.c and is listed in main.c. */
#ifndef SUMI_CLI_CLI_H
#define SUMI_CLI_CLI_H

#include <jansson.h>

#include "store/store.h"
#include "sumi.h"

/* Exit codes of the program; the last one is 128 + SIGINT, as in shells. */
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
/* From now on cli_fail() prints {"level":"error","message":"..."}, for --log-json. */
void cli_fail_as_json(void);
/* One line: "sumi: message", or as JSON. label: "warning: " or "", for the text form. The message is made printable. */
void cli_print_message(bool json, const char *level, const char *label, const char *message);
/* The same for the message of a failed library call; prints nothing if it is empty. ECANCELLED gives EXIT_INTERRUPTED. */
int cli_fail_error(const sumi_error *err);

/* Flushes standard output. Returns the exit code of the program: `code`, or, if code is EXIT_DONE and output could not be
 * written, EXIT_FAILED after an error line. A closed pipe (`| head`) is no failure. */
int cli_flush(int code);

/* The folders of this user's models (store/store.h), from the environment. */
store_places cli_places(void);

/* Converts MODEL as users write it (a path, a name or a reference to a downloaded model) to a path (store_find()). */
SUMI_MUST_USE sumi_status cli_find_model(const char *model, char *out, size_t n_out, sumi_error *err);

/* Writes all bytes to standard output. SUMI_EIO: a full disk, a closed pipe. */
SUMI_MUST_USE sumi_status cli_write_stdout(const char *data, size_t n_bytes, sumi_error *err);

/* Writes a value and a newline to standard output, in one piece or not at all. Takes the reference; v NULL: it could not be
 * made. ENOMEM also if memory was missing for a part of v (json_lost()). */
SUMI_MUST_USE sumi_status cli_write_json(json_t *v, size_t flags, sumi_error *err);

bool cli_is_stdin(const char *path); /* NULL or "-" */

/* If fd is a terminal: says that the program waits for text, and which key ends the text. */
void cli_say_reading(int fd);

/* Reads all of stdin, or of a file: *data is NUL-terminated; free with free(). At most max_bytes. ECANCELLED with an empty
 * message: Ctrl-C, if interrupt_install() was called. */
SUMI_MUST_USE sumi_status cli_read_file(const char *path, size_t max_bytes, char **data, size_t *n_bytes,
                                        sumi_error *err); /* path NULL or "-": stdin */

#endif
