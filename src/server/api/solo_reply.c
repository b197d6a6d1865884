/* solo_reply.c - see solo_reply.h. */
#include "server/api/solo_reply.h"

#include <stdlib.h>
#include <string.h>

void *solo_reply_create(text_request *request, text_ids *ids, const reply_info *info, const solo_writer *w)
{
    solo_reply *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->request = *request;
    r->ids = *ids;
    r->info = *info;
    r->writer = w;
    buf_init(&r->text, SIZE_MAX);
    logprob_lists_init(&r->logprobs);
    *request = (text_request){ 0 };
    *ids = (text_ids){ 0 };
    return r;
}

void solo_reply_destroy(void *reply)
{
    solo_reply *r = reply;
    text_request_deinit(&r->request);
    text_ids_deinit(&r->ids);
    buf_deinit(&r->text);
    logprob_lists_deinit(&r->logprobs);
    free(r);
}

void solo_reply_begin(void *reply, buf *out)
{
    solo_reply *r = reply;
    if (r->writer->begin) r->writer->begin(r, out);
    if (r->request.n_prompts == 0) r->writer->end(r, out);
}

/* A token that ends the answer has no text, and is not listed. */
static void take_logprobs(solo_reply *r, const job_event *n)
{
    for (int32_t i = 0; i < n->n_tokens; i++) {
        const sumi_choice *token = &n->tokens[i];
        if (r->request.params.ignore_eos || !sumi_token_is_end(r->info.model, token->id))
            logprobs_add_chat(&r->logprobs, r->info.model, token, n->top + (size_t)i * (size_t)n->n_top, n->n_top);
    }
}

static void take_piece(solo_reply *r, const job_event *n, buf *out)
{
    buf_append(&r->text, n->text, n->n_bytes);
    if (r->request.logprobs) take_logprobs(r, n);
    if (r->request.stream && n->n_bytes) r->writer->piece(r, n->text, n->n_bytes, out);
}

/* Its own string lives longer than the event. */
static void take_choice(solo_reply *r, const job_event *n)
{
    r->finish = n->finish;
    for (int32_t i = 0; n->stopped && i < r->request.params.n_stop; i++)
        if (!strcmp(n->text, r->request.stop[i])) r->stop = r->request.stop[i];
}

static void take_end(solo_reply *r, const job_event *n, buf *out)
{
    bool complete = n->finish == SUMI_FINISH_STOP || n->finish == SUMI_FINISH_LENGTH;
    int32_t max = r->request.params.max_tokens;
    if (!complete) api_fail_finish(&r->error, n->finish, n->limit, n->text);
    else if (r->text.status != SUMI_OK) api_fail_memory(&r->error);
    r->usage = n->usage;
    r->time_ms = n->time_ms;
    r->context_full = r->finish == SUMI_FINISH_LENGTH && (max < 0 || n->usage.n_generated < max);
    if (r->request.stream) r->writer->end(r, out);
}

void solo_reply_take(void *reply, const job_event *n, buf *out)
{
    solo_reply *r = reply;
    switch (n->type) {
    case SUMI_EVENT_PROMPT:
    case SUMI_EVENT_EMBEDDING: break;
    case SUMI_EVENT_PIECE: take_piece(r, n, out); break;
    case SUMI_EVENT_CHOICE: take_choice(r, n); break;
    case SUMI_EVENT_END: take_end(r, n, out); break;
    }
}

bool solo_reply_whole(void *reply, buf *out, api_error *e)
{
    solo_reply *r = reply;
    if (r->error.status) {
        *e = r->error;
        return false;
    }
    r->writer->whole(r, out);
    return true;
}
