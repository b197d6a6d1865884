/* routing.h - the choice of experts for each token, and the order of tokens by expert.
 *
 * A router chooses n_used experts for each token (routing_choose). To read an expert's weights once, its tokens are
 * gathered: each (token, expert) pair gets a row, and the rows of an expert fill separate tiles (kernels.h).
 *
 *   chosen   token 0: 5 2    token 1: 2 7    token 2: 5 2          n_used 2
 *   rows     |2: tokens 0 1 2 -|5: tokens 0 2|7: token 1|          a group of rows for each expert that is used
 *
 * Threads: routing_choose() runs on any thread, one row per call; the other functions run on the caller's thread. */
#ifndef SUMI_BACKEND_CPU_ROUTING_H
#define SUMI_BACKEND_CPU_ROUTING_H

#include <math.h>

#include "backend/cpu/cpu.h"

/* Rows first .. first + n_rows - 1 belong to one expert. */
typedef struct expert_group {
    int32_t expert, first, n_rows;
} expert_group;

/* A token with one of its experts. */
typedef struct routed_pair {
    int32_t token, group;
    int32_t row; /* of the group */
    float weight;
} routed_pair;

struct routing {
    routing_limits limits;
    int32_t n_tokens;
    int32_t *chosen; /* [n_tokens][n_used] experts, best first */
    float *weights;  /* [n_tokens][n_used] */

    /* Set by routing_group(): */
    routed_pair *pairs;       /* [n_tokens][n_used], as chosen */
    int32_t *group_of;        /* [n_experts] scratch */
    int32_t n_groups, n_rows; /* n_rows: including rows that fill tiles up */
    expert_group *groups;     /* [n_groups] by expert */

    /* Of the rows of all groups. */
    act *in, *ff;
    float *gate, *up, *out; /* [n_rows][n_ff] x2, [n_rows][n_embd] */
    size_t ff_bytes, out_bytes;
    _Atomic int32_t *n_left; /* [n_groups] panels that are not multiplied yet */
};

/* Of a router's logit, or of a token's logit for the shared expert. */
static inline float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

/* Chooses the experts and weights of token t. scratch: 2 n_experts floats. */
void routing_choose(const route_args *a, int32_t t, float *scratch);

/* Gives every pair a row: ordered by expert, then by token. */
void routing_group(routing *r);

#endif
