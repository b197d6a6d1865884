/* answer.h - one answer: feeds a prompt, streams the answer, and keeps its tokens and statistics. */
#ifndef SUMI_CLI_CHAT_ANSWER_H
#define SUMI_CLI_CHAT_ANSWER_H

#include <jansson.h>
#include <stdio.h>

#include "base/buf.h"
#include "sumi.h"

typedef struct answer {
    FILE *stream; /* gets the text as it is generated; NULL: nothing is printed */

    buf text;
    int32_t *ids; /* [n_ids] the chosen tokens, an end token too */
    int32_t n_ids, cap_ids;
    json_t *logprobs; /* array, one object for each token; NULL if not requested */
    sumi_generation stats;
    int32_t n_logprobs;
    sumi_status status; /* of keeping and printing: ENOMEM, EIO */
    int write_errno;
    bool is_terminal; /* stream is a terminal: control characters are not written to it */
} answer;

void answer_init(answer *a, FILE *stream);
void answer_deinit(answer *a);

/* Feeds ids[n_held..n_ids) to seq, which holds ids[0..n_held), and generates. opts' callback is set here. Ctrl-C
 * (interrupt.h) ends it with SUMI_FINISH_CANCELLED. a->stats counts the tokens fed. */
SUMI_MUST_USE sumi_status answer_run(answer *a, sumi_context *ctx, int32_t seq, const int32_t *ids, int32_t n_ids,
                                     int32_t n_held, const sumi_generate_opts *opts, sumi_error *err);

/* {"text", "tokens", "finish", "usage", "timings", "logprobs"}; the caller's, NULL: out of memory. */
json_t *answer_json(const answer *a);

/* The limit that cut the answer, "(cut at --max-tokens)", or NULL if the answer was not cut. */
const char *answer_cut(const answer *a, const sumi_generate_opts *opts);

/* One line: "12 prompt tokens in 35 ms (340/s), 64 tokens in 800 ms (80/s)". */
void answer_print_stats(const answer *a, FILE *out);

#endif
