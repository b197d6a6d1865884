/* ollama_reply.c - see ollama_reply.h. */
#include "server/api/ollama/ollama_reply.h"

#include "server/api/json_text.h"
#include "server/api/solo_reply.h"

/* Chat and generate differ in one field only. */
static const solo_writer chat_writer, generate_writer;

/* An object up to the text, which chat calls message.content and generate response. */
static void put_text(const solo_reply *r, const char *text, size_t n, buf *out)
{
    bool chat = r->writer == &chat_writer;
    buf_append_str(out, "{\"model\":");
    json_put_string(out, r->info.model_name);
    buf_append_str(out, ",\"created_at\":");
    json_put_time(out, r->info.created);
    buf_append_str(out, chat ? ",\"message\":{\"role\":\"assistant\",\"content\":" : ",\"response\":");
    json_put_text(out, text ? text : "", n);
    if (chat) buf_append_char(out, '}');
}

/* ,"logprobs":[{"token":"a","logprob":-0.1,"bytes":[97],"top_logprobs":[...]},...] of the tokens since the last time. */
static void put_logprobs(solo_reply *r, buf *out)
{
    logprob_lists *l = &r->logprobs;
    if (l->n == 0) return;
    buf_append_str(out, ",\"logprobs\":[");
    buf_append(out, l->tokens.data, l->tokens.n);
    buf_append_char(out, ']');
    if (l->tokens.status != SUMI_OK) out->status = l->tokens.status;
    logprob_lists_clear(l);
}

static long long ns(double ms)
{
    return (long long)(ms * 1e6);
}

/* load_duration is the time in the queue, because the model is loaded already. */
static void put_done(const solo_reply *r, buf *out)
{
    const sumi_usage *u = &r->usage;
    if (r->request.n_prompts == 0) {
        buf_append_str(out, ",\"done\":true,\"done_reason\":\"load\"}");
        return;
    }
    buf_printf(out,
               ",\"done\":true,\"done_reason\":\"%s\",\"total_duration\":%lld,\"load_duration\":%lld,"
               "\"prompt_eval_count\":%d,\"prompt_eval_duration\":%lld,\"eval_count\":%d,\"eval_duration\":%lld}",
               r->finish == SUMI_FINISH_STOP ? "stop" : "length", ns(r->time_ms), ns(u->queue_ms), u->n_prompt,
               ns(u->prefill_ms), u->n_generated, ns(u->decode_ms));
}

static void piece(solo_reply *r, const char *text, size_t n, buf *out)
{
    put_text(r, text, n, out);
    put_logprobs(r, out);
    buf_append_str(out, ",\"done\":false}\n");
}

static void end(solo_reply *r, buf *out)
{
    if (r->error.status) {
        api_error_json(&r->error, API_OLLAMA, r->info.id, out);
    } else {
        put_text(r, "", 0, out);
        put_logprobs(r, out);
        put_done(r, out);
    }
    buf_append_char(out, '\n');
}

static void whole(solo_reply *r, buf *out)
{
    put_text(r, r->text.data, r->text.n, out);
    put_logprobs(r, out);
    put_done(r, out);
}

static const solo_writer chat_writer = { NULL, piece, end, whole };
static const solo_writer generate_writer = { NULL, piece, end, whole };

void *ollama_chat_reply_create(text_request *request, text_ids *ids, const reply_info *info)
{
    return solo_reply_create(request, ids, info, &chat_writer);
}

void *ollama_generate_reply_create(text_request *request, text_ids *ids, const reply_info *info)
{
    return solo_reply_create(request, ids, info, &generate_writer);
}

/* Clients parse each line as an object, so a silent stream has no heartbeat. */
const answer_format ollama_format = { .stream_type = "application/x-ndjson",
                                      .begin = solo_reply_begin,
                                      .take = solo_reply_take,
                                      .whole = solo_reply_whole,
                                      .destroy = solo_reply_destroy };
