/* token_list.h - the answer of POST /tokenize.
 *
 *   {"tokens": [19556], "count": 1, "max_model_len": 8192}
 *   with pieces (llama.cpp):  "tokens": [{"id": 19556, "piece": "Hello"}]
 *   with strings (vLLM):      "token_strs": ["Hello"] too */
#ifndef SUMI_SERVER_API_TOKENS_TOKEN_LIST_H
#define SUMI_SERVER_API_TOKENS_TOKEN_LIST_H

#include "server/http/pieces.h"

typedef struct token_list {
    pieces base;
    const sumi_model *model;
    int32_t *ids; /* [n]; owned, sumi_free() */
    int32_t n, n_ctx;
    bool pieces, strings;
    /* For token_list.c alone: */
    int part;
    int32_t at;
} token_list;

/* Empty, with n_ctx; the rest is set by the caller. NULL: out of memory. base.destroy() frees it. */
token_list *token_list_create(const sumi_model *model, int32_t n_ctx);

/* Takes l. */
enum MHD_Result token_list_reply(exchange *x, token_list *l);

#endif
