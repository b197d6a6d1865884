/* openai_reply.c - see openai_reply.h. */
#include "server/api/openai/openai_reply.h"

#include <stdlib.h>
#include <string.h>

#include "server/api/json_text.h"
#include "server/api/openai/openai_logprobs.h"

typedef struct reply_choice {
    buf text; /* not sent yet: the whole text, or the text of the present chunk */
    logprob_lists logprobs;
    bool started;
    sumi_finish finish;
} reply_choice;

typedef struct openai_reply {
    text_request request;
    text_ids ids;
    reply_info info;
    reply_choice *choices; /* [n_prompts * n] */
    buf *prompts; /* [n_prompts]: objects of vLLM's prompt_logprobs, a comma before each; empty unless wanted */
    int32_t n_choices, n_open; /* n_open: prompts without their END */
    job_usage used;
    api_error error; /* status != 0: the first request that failed */
} openai_reply;

void *openai_reply_create(text_request *request, text_ids *ids, const reply_info *info)
{
    openai_reply *r = calloc(1, sizeof *r);
    int32_t n_prompts = request->n_prompts, n = n_prompts * request->params.n;
    if (!r) return NULL;
    r->choices = calloc((size_t)n, sizeof *r->choices);
    r->prompts = calloc((size_t)n_prompts, sizeof *r->prompts);
    if (!r->choices || !r->prompts) {
        free(r->choices);
        free(r->prompts);
        free(r);
        return NULL;
    }
    r->info = *info;
    r->n_choices = n;
    r->n_open = n_prompts;
    for (int32_t i = 0; i < n_prompts; i++) buf_init(&r->prompts[i], SIZE_MAX);
    for (int32_t i = 0; i < n; i++) {
        buf_init(&r->choices[i].text, SIZE_MAX);
        logprob_lists_init(&r->choices[i].logprobs);
    }
    r->request = *request;
    r->ids = *ids;
    *request = (text_request){ 0 };
    *ids = (text_ids){ 0 };
    return r;
}

static void destroy(void *reply)
{
    openai_reply *r = reply;
    for (int32_t i = 0; i < r->n_choices; i++) {
        buf_deinit(&r->choices[i].text);
        logprob_lists_deinit(&r->choices[i].logprobs);
    }
    for (int32_t i = 0; i < r->request.n_prompts; i++) buf_deinit(&r->prompts[i]);
    text_ids_deinit(&r->ids);
    free(r->choices);
    free(r->prompts);
    text_request_deinit(&r->request);
    free(r);
}

static bool is_chat(const openai_reply *r)
{
    return r->request.messages != NULL;
}

/* ---- Pieces of JSON ---- */

static void put_head(const openai_reply *r, bool chunk, buf *out)
{
    const char *object = !is_chat(r) ? "text_completion" : chunk ? "chat.completion.chunk" : "chat.completion";
    buf_printf(out, "{\"id\":\"%s-%s\",\"object\":\"%s\",\"created\":%lld,\"model\":", is_chat(r) ? "chatcmpl" : "cmpl",
               r->info.id, object, (long long)r->info.created);
    json_put_string(out, r->info.model_name);
    buf_append_str(out, ",\"choices\":[");
}

static void put_usage(const openai_reply *r, buf *out)
{
    const job_usage *u = &r->used;
    buf_printf(out,
               "\"usage\":{\"prompt_tokens\":%lld,\"completion_tokens\":%lld,\"total_tokens\":%lld,"
               "\"prompt_tokens_details\":{\"cached_tokens\":%lld}}",
               (long long)u->n_prompt, (long long)u->n_generated, (long long)(u->n_prompt + u->n_generated),
               (long long)u->n_cached);
}

static void put_text(const reply_choice *c, buf *out)
{
    json_put_text(out, c->text.data ? c->text.data : "", c->text.n);
}

/* ,"prompt_logprobs":[null,{...},...] if the request asked for them. The first token has no log-probability. */
static void put_prompt_logprobs(const openai_reply *r, int32_t part, buf *out)
{
    const buf *list = &r->prompts[part];
    if (!r->request.prompt_logprobs) return;
    if (list->status != SUMI_OK) out->status = list->status;
    buf_append_str(out, ",\"prompt_logprobs\":[null");
    buf_append(out, list->data ? list->data : "", list->n);
    buf_append_char(out, ']');
}

/* ,"logprobs":...,"finish_reason":... */
static void put_tail(const openai_reply *r, const reply_choice *c, bool finished, buf *out)
{
    buf_append_str(out, ",\"logprobs\":");
    if (!r->request.logprobs || (r->request.stream && c->logprobs.n == 0)) buf_append_str(out, "null");
    else if (is_chat(r)) logprobs_put_chat(&c->logprobs, out);
    else logprobs_put_completion(&c->logprobs, out);
    const char *reason = c->finish == SUMI_FINISH_STOP ? "\"stop\"" : "\"length\"";
    buf_printf(out, ",\"finish_reason\":%s", finished ? reason : "null");
}

/* One event of a stream: the text and log-probabilities that choice c has collected, which are gone then. */
static void put_chunk(openai_reply *r, int32_t index, const char *role, bool finished, buf *out)
{
    reply_choice *c = &r->choices[index];
    if (c->text.status != SUMI_OK) out->status = c->text.status;
    buf_append_str(out, "data: ");
    put_head(r, true, out);
    buf_printf(out, "{\"index\":%d,", index);
    if (!is_chat(r)) {
        buf_append_str(out, "\"text\":");
        put_text(c, out);
    } else {
        buf_append_str(out, "\"delta\":{");
        if (role) buf_printf(out, "\"role\":\"%s\",", role);
        if (role || !finished || c->text.n) {
            buf_append_str(out, "\"content\":");
            put_text(c, out);
        }
        buf_append_char(out, '}');
    }
    put_tail(r, c, finished, out);
    buf_append_str(out, "}]");
    if (r->request.include_usage) buf_append_str(out, ",\"usage\":null");
    buf_append_str(out, "}\n\n");
    c->text.n = 0;
    logprob_lists_clear(&c->logprobs);
}

/* ---- Events ---- */

/* The first token of a prompt that is repeated has no probability. */
static void echo_first(const openai_reply *r, int32_t part, logprob_lists *l)
{
    if (l->n > 0 || r->ids.n_ids[part] == 0) return;
    logprobs_add_completion(l, r->info.model, &(sumi_choice){ .id = r->ids.ids[part][0] }, false, NULL, 0);
}

/* Before the first token of a choice: the role, or the prompt if echo is set. */
static void start_choice(openai_reply *r, int32_t part, int32_t index, buf *out)
{
    reply_choice *c = &r->choices[index];
    if (c->started) return;
    c->started = true;
    if (is_chat(r)) {
        if (r->request.stream) put_chunk(r, index, "assistant", false, out);
        return;
    }
    const text_prompt *p = &r->request.prompts[part];
    char *text = NULL;
    size_t n = 0;
    if (!r->request.echo) return;
    if (r->request.logprobs) echo_first(r, part, &c->logprobs); /* a prompt of one token has no event */
    if (p->text) buf_append(&c->text, p->text, p->n_bytes);
    else if (sumi_detokenize(r->info.model, p->ids, p->n_ids, true, &text, &n, NULL) == SUMI_OK)
        buf_append(&c->text, text, n);
    else c->text.status = SUMI_ENOMEM;
    sumi_free(text);
    if (r->request.stream && !r->request.logprobs) put_chunk(r, index, NULL, false, out);
}

/* Log-probabilities of a prompt that is repeated: the same for each choice. */
static void take_echo(openai_reply *r, const job_event *n)
{
    int32_t n_choices = r->request.params.n, n_logprobs = r->request.params.n_logprobs;
    for (int32_t k = 0; k < n_choices; k++) {
        logprob_lists *l = &r->choices[n->part * n_choices + k].logprobs;
        echo_first(r, n->part, l);
        for (int32_t i = 0; i < n->n_tokens; i++)
            logprobs_add_completion(l, r->info.model, &n->tokens[i], true, n->top + (size_t)i * (size_t)n->n_top,
                                    n->n_top < n_logprobs ? n->n_top : n_logprobs);
    }
}

/* Some tokens of a prompt. Two fields may request alternatives; the event has as many as the larger of the two. */
static void take_prompt(openai_reply *r, const job_event *n)
{
    buf *list = &r->prompts[n->part];
    int32_t n_top = n->n_top < r->request.n_prompt_top ? n->n_top : r->request.n_prompt_top;
    if (r->request.echo && r->request.logprobs) take_echo(r, n);
    for (int32_t i = 0; r->request.prompt_logprobs && i < n->n_tokens; i++) {
        buf_append_char(list, ',');
        logprobs_put_prompt(r->info.model, &n->tokens[i], n->ranks[i], n->top + (size_t)i * (size_t)n->n_top, n_top,
                            list);
    }
}

/* Whether a token ended its choice and is not part of the answer. */
static bool is_end(const openai_reply *r, int32_t id)
{
    const sumi_request *p = &r->request.params;
    if (!p->ignore_eos && sumi_token_is_end(r->info.model, id)) return true;
    for (int32_t i = 0; !p->include_stop && i < p->n_stop_ids; i++)
        if (p->stop_ids[i] == id) return true;
    return false;
}

static void take_piece(openai_reply *r, int32_t index, const job_event *n, buf *out)
{
    reply_choice *c = &r->choices[index];
    start_choice(r, n->part, index, out);
    buf_append(&c->text, n->text, n->n_bytes);
    for (int32_t i = 0; r->request.logprobs && i < n->n_tokens; i++) {
        const sumi_choice *token = &n->tokens[i], *top = n->top + (size_t)i * (size_t)n->n_top;
        if (is_end(r, token->id)) continue;
        if (is_chat(r)) logprobs_add_chat(&c->logprobs, r->info.model, token, top, n->n_top);
        else logprobs_add_completion(&c->logprobs, r->info.model, token, true, top, n->n_top);
    }
    if (r->request.stream && (c->text.n || c->logprobs.n)) put_chunk(r, index, NULL, false, out);
}

static void end_choice(openai_reply *r, int32_t part, int32_t index, sumi_finish finish, buf *out)
{
    reply_choice *c = &r->choices[index];
    start_choice(r, part, index, out);
    c->finish = finish;
    if (r->request.stream) put_chunk(r, index, NULL, true, out);
}

static void end_stream(openai_reply *r, buf *out)
{
    if (r->error.status) {
        buf_append_str(out, "data: ");
        api_error_json(&r->error, API_OPENAI, r->info.id, out);
        buf_append_str(out, "\n\n");
    } else if (r->request.include_usage) {
        buf_append_str(out, "data: ");
        put_head(r, true, out);
        buf_append_str(out, "],");
        put_usage(r, out);
        buf_append_str(out, "}\n\n");
    }
    buf_append_str(out, "data: [DONE]\n\n");
}

static void take_end(openai_reply *r, const job_event *n, buf *out)
{
    bool complete = n->finish == SUMI_FINISH_STOP || n->finish == SUMI_FINISH_LENGTH;
    r->used = n->used;
    if (!complete && !r->error.status) api_fail_finish(&r->error, n->finish, n->limit, n->text);
    r->n_open--;
    if (r->n_open == 0 && r->request.stream) end_stream(r, out);
}

static void take(void *reply, const job_event *n, buf *out)
{
    openai_reply *r = reply;
    int32_t index = n->part * r->request.params.n + n->choice;
    switch (n->type) {
    case SUMI_EVENT_PROMPT: take_prompt(r, n); break;
    case SUMI_EVENT_PIECE: take_piece(r, index, n, out); break;
    case SUMI_EVENT_CHOICE: end_choice(r, n->part, index, n->finish, out); break;
    case SUMI_EVENT_END: take_end(r, n, out); break;
    case SUMI_EVENT_EMBEDDING: break; /* never asked for here */
    }
}

static bool write_whole(void *reply, buf *out, api_error *e)
{
    const openai_reply *r = reply;
    if (r->error.status) {
        *e = r->error;
        return false;
    }
    put_head(r, false, out);
    for (int32_t i = 0; i < r->n_choices; i++) {
        const reply_choice *c = &r->choices[i];
        buf_printf(out, "%s{\"index\":%d,", i ? "," : "", i);
        if (!is_chat(r)) {
            buf_append_str(out, "\"text\":");
            put_text(c, out);
        } else {
            buf_append_str(out, "\"message\":{\"role\":\"assistant\",\"content\":");
            put_text(c, out);
            buf_append_str(out, ",\"refusal\":null}");
        }
        put_tail(r, c, true, out);
        if (!is_chat(r)) put_prompt_logprobs(r, i / r->request.params.n, out);
        buf_append_char(out, '}');
    }
    buf_append_str(out, "],");
    put_usage(r, out);
    if (is_chat(r)) put_prompt_logprobs(r, 0, out);
    buf_append_char(out, '}');
    bool whole = out->status == SUMI_OK;
    for (int32_t i = 0; i < r->n_choices; i++) whole &= r->choices[i].text.status == SUMI_OK;
    return whole || api_fail_memory(e);
}

const answer_format openai_format = { .stream_type = "text/event-stream; charset=utf-8",
                                      .heartbeat = ": keep-alive\n\n",
                                      .take = take,
                                      .whole = write_whole,
                                      .destroy = destroy };
