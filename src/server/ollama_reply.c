/* ollama_reply.c - see ollama_reply.h. */
#include "server/ollama_reply.h"

#include <string.h>
#include <time.h>

#include "server/json_text.h"
#include "server/solo_reply.h"

void ollama_put_time(int64_t seconds, buf *out)
{
    char text[32];
    time_t t = (time_t)seconds;
    struct tm utc;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &utc));
    buf_printf(out, "\"%s\"", text);
}

/* An object up to the text, which chat calls message.content and generate response. */
static void put_text(const solo_reply *r, bool chat, const char *text, size_t n, buf *out)
{
    buf_append_str(out, "{\"model\":");
    json_put_text(out, r->info.model_name, strlen(r->info.model_name));
    buf_append_str(out, ",\"created_at\":");
    ollama_put_time(r->info.created, out);
    buf_append_str(out, chat ? ",\"message\":{\"role\":\"assistant\",\"content\":" : ",\"response\":");
    json_put_text(out, text ? text : "", n);
    if (chat) buf_append_char(out, '}');
}

static long long ns(double ms)
{
    return (long long)(ms * 1e6);
}

/* load_duration is how long it waited: the model is there already. */
static void put_done(const solo_reply *r, buf *out)
{
    const sumi_usage *u = &r->usage;
    if (r->request.n_prompts == 0) {
        buf_append_str(out, ",\"done\":true,\"done_reason\":\"load\"}");
        return;
    }
    buf_printf(
        out,
        ",\"done\":true,\"done_reason\":\"%s\",\"total_duration\":%lld,\"load_duration\":%lld,"
        "\"prompt_eval_count\":%d,\"prompt_eval_duration\":%lld,\"eval_count\":%d,\"eval_duration\":%lld}",
        r->finish == SUMI_FINISH_STOP ? "stop" : "length", ns(r->time_ms), ns(u->queue_ms), u->n_prompt,
        ns(u->prefill_ms), u->n_generated, ns(u->decode_ms));
}

static void piece_as(solo_reply *r, bool chat, const char *text, size_t n, buf *out)
{
    put_text(r, chat, text, n, out);
    buf_append_str(out, ",\"done\":false}\n");
}

static void end_as(solo_reply *r, bool chat, buf *out)
{
    if (r->error.status) {
        api_error_json(&r->error, API_OLLAMA, r->info.id, out);
    } else {
        put_text(r, chat, "", 0, out);
        put_done(r, out);
    }
    buf_append_char(out, '\n');
}

static void whole_as(solo_reply *r, bool chat, buf *out)
{
    put_text(r, chat, r->text.data, r->text.n, out);
    put_done(r, out);
}

static void chat_piece(solo_reply *r, const char *text, size_t n, buf *out)
{
    piece_as(r, true, text, n, out);
}

static void chat_end(solo_reply *r, buf *out)
{
    end_as(r, true, out);
}

static void chat_whole(solo_reply *r, buf *out)
{
    whole_as(r, true, out);
}

static void generate_piece(solo_reply *r, const char *text, size_t n, buf *out)
{
    piece_as(r, false, text, n, out);
}

static void generate_end(solo_reply *r, buf *out)
{
    end_as(r, false, out);
}

static void generate_whole(solo_reply *r, buf *out)
{
    whole_as(r, false, out);
}

void *ollama_chat_reply_create(text_request *request, text_ids *ids, const reply_info *info)
{
    static const solo_writer writer = { NULL, chat_piece, chat_end, chat_whole };
    return solo_reply_create(request, ids, info, &writer);
}

void *ollama_generate_reply_create(text_request *request, text_ids *ids, const reply_info *info)
{
    static const solo_writer writer = { NULL, generate_piece, generate_end, generate_whole };
    return solo_reply_create(request, ids, info, &writer);
}

/* Clients take each line for an object, so there is nothing that a silent stream could be sent. */
const answer_format ollama_format = { .stream_type = "application/x-ndjson",
                                      .begin = solo_reply_begin,
                                      .take = solo_reply_take,
                                      .whole = solo_reply_whole,
                                      .destroy = solo_reply_destroy };
