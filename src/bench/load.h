/* load.h - a load to measure an engine: lengths of prompts and answers, times of arrival, and the result of each request.
 *
 * All random numbers come from one seed, request by request, so two runs with different engines get the same requests. */
#ifndef SUMI_BENCH_LOAD_H
#define SUMI_BENCH_LOAD_H

#include "sumi.h"

/* A distribution of lengths in tokens. As text:
 *   N                      always N
 *   uniform:A..B           each of A to B equally often
 *   lognormal:MEAN,SIGMA   exp(normal) with this mean, and SIGMA the deviation of the normal
 * or a list of whole numbers, used in turn. */
typedef struct lengths {
    enum { LENGTHS_CONSTANT, LENGTHS_UNIFORM, LENGTHS_LOGNORMAL, LENGTHS_LIST } kind;
    double a, b;
    int32_t *list, n_list;
} lengths;

/* EINVAL: not one of the three forms. */
SUMI_MUST_USE sumi_status lengths_parse(lengths *l, const char *text, sumi_error *err);
/* The numbers of text, one on each line; text is changed. Errors name the file `name`: EFORMAT, ENOMEM. */
SUMI_MUST_USE sumi_status lengths_parse_list(lengths *l, const char *name, char *text, sumi_error *err);
void lengths_deinit(lengths *l);
int32_t lengths_draw(const lengths *l, uint64_t seed, uint64_t stream, int32_t i); /* >= 1 */

typedef struct load_request {
    int32_t n_prompt, n_gen; /* what is asked for */
    double arrival_ms;       /* after the start; 0 in a closed loop */
    double submitted_ms;
    double *token_ms; /* [n_tokens] of [n_gen]: the time of each token */
    int32_t n_tokens;
    uint64_t hash; /* of its tokens */
    bool over;
    double end_ms;
    sumi_finish finish;
    sumi_usage usage;
} load_request;

typedef struct load {
    load_request *requests; /* [n] */
    int32_t n;
    uint64_t seed;
    int32_t n_shared, n_vocab; /* all prompts begin with the same n_shared tokens, part of n_prompt */
} load;

/* rate > 0: Poisson arrivals, this many per second; 0: a closed loop. Prompts and answers are cut to fit into n_ctx. */
SUMI_MUST_USE sumi_status load_create(load *l, int32_t n, uint64_t seed, const lengths *prompt, const lengths *gen,
                                      int32_t n_shared, double rate, int32_t n_ctx, int32_t n_vocab, sumi_error *err);
void load_destroy(load *l);
void load_prompt(const load *l, int32_t i, int32_t *ids); /* [n_prompt] */

#endif
