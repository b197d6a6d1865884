/* anthropic_reply.c - see anthropic_reply.h. */
#include "server/api/anthropic/anthropic_reply.h"

#include "server/api/json_text.h"
#include "server/api/solo_reply.h"

static void begin_event(const char *type, buf *out)
{
    buf_printf(out, "event: %s\ndata: {\"type\":\"%s\"", type, type);
}

static void end_event(buf *out)
{
    buf_append_str(out, "}\n\n");
}

/* input_tokens counts computed tokens; cached tokens have a field of their own. Both are known at the end. */
static void put_usage(const solo_reply *r, buf *out)
{
    int32_t n_prompt = r->ids.n ? r->ids.n_ids[0] : 0;
    buf_printf(out,
               ",\"usage\":{\"input_tokens\":%d,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":%d,"
               "\"output_tokens\":%d}",
               n_prompt - r->usage.n_cached, r->usage.n_cached, r->usage.n_generated);
}

/* "stop_reason":...,"stop_sequence":... */
static void put_stop(const solo_reply *r, buf *out)
{
    const char *reason = r->finish == SUMI_FINISH_STOP ? r->stop ? "stop_sequence" : "end_turn"
                         : r->context_full             ? "model_context_window_exceeded"
                                                       : "max_tokens";
    buf_printf(out, "\"stop_reason\":\"%s\",\"stop_sequence\":", reason);
    json_put_string(out, r->stop);
}

static void put_head(const solo_reply *r, buf *out)
{
    buf_printf(out, "{\"id\":\"msg_%s\",\"type\":\"message\",\"role\":\"assistant\",\"model\":", r->info.id);
    json_put_string(out, r->info.model_name);
    buf_append_str(out, ",\"content\":[");
}

static void begin(solo_reply *r, buf *out)
{
    begin_event("message_start", out);
    buf_append_str(out, ",\"message\":");
    put_head(r, out);
    buf_append_str(out, "],\"stop_reason\":null,\"stop_sequence\":null");
    put_usage(r, out);
    buf_append_char(out, '}');
    end_event(out);
    begin_event("content_block_start", out);
    buf_append_str(out, ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}");
    end_event(out);
    begin_event("ping", out);
    end_event(out);
}

static void piece(solo_reply *r, const char *text, size_t n, buf *out)
{
    (void)r;
    begin_event("content_block_delta", out);
    buf_append_str(out, ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":");
    json_put_text(out, text, n);
    buf_append_char(out, '}');
    end_event(out);
}

static void end(solo_reply *r, buf *out)
{
    if (r->error.status) {
        buf_append_str(out, "event: error\ndata: ");
        api_error_json(&r->error, API_ANTHROPIC, r->info.id, out);
        buf_append_str(out, "\n\n");
        return;
    }
    begin_event("content_block_stop", out);
    buf_append_str(out, ",\"index\":0");
    end_event(out);
    begin_event("message_delta", out);
    buf_append_str(out, ",\"delta\":{");
    put_stop(r, out);
    buf_append_char(out, '}');
    put_usage(r, out);
    end_event(out);
    begin_event("message_stop", out);
    end_event(out);
}

static void whole(solo_reply *r, buf *out)
{
    put_head(r, out);
    buf_append_str(out, "{\"type\":\"text\",\"text\":");
    json_put_text(out, r->text.data ? r->text.data : "", r->text.n);
    buf_append_str(out, "}],");
    put_stop(r, out);
    put_usage(r, out);
    buf_append_char(out, '}');
}

void *anthropic_reply_create(text_request *request, text_ids *ids, const reply_info *info)
{
    static const solo_writer writer = { begin, piece, end, whole };
    return solo_reply_create(request, ids, info, &writer);
}

const answer_format anthropic_format = { .stream_type = "text/event-stream; charset=utf-8",
                                         .heartbeat = "event: ping\ndata: {\"type\":\"ping\"}\n\n",
                                         .begin = solo_reply_begin,
                                         .take = solo_reply_take,
                                         .whole = solo_reply_whole,
                                         .destroy = solo_reply_destroy };
