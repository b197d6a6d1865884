/* responses_reply.c - see responses_reply.h. */
#include "server/api/openai/responses_reply.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"
#include "server/api/json_fields.h"
#include "server/api/json_text.h"
#include "server/api/solo_reply.h"

/* ---- The objects ---- */

/* The only part of the only item. text false: the part is empty, because the stream has not sent its text yet. */
static void put_part(const solo_reply *r, bool text, buf *out)
{
    buf_append_str(out, "{\"type\":\"output_text\",\"text\":");
    json_put_text(out, text && r->text.data ? r->text.data : "", text ? r->text.n : 0);
    buf_append_str(out, ",\"annotations\":[],\"logprobs\":[]}");
}

/* The only item. status: "in_progress", "completed" or "incomplete"; begun: it has its part. */
static void put_item(const solo_reply *r, const char *status, bool begun, buf *out)
{
    buf_printf(out, "{\"id\":\"msg_%s\",\"type\":\"message\",\"status\":\"%s\",\"role\":\"assistant\",\"content\":[",
               r->info.id, status);
    if (begun) put_part(r, true, out);
    buf_append_str(out, "]}");
}

/* Repeats the settings of the request. */
static void put_settings(const solo_reply *r, buf *out)
{
    const sumi_request *p = &r->request.params;
    const json_t *root = r->request.root, *given = field_get(root, "metadata");
    char *metadata = given ? json_write(given, JSON_COMPACT) : NULL;
    if (given && !metadata) out->status = SUMI_ENOMEM;
    buf_append_str(out, ",\"instructions\":");
    const json_t *instructions = field_get(root, "instructions");
    if (instructions) json_put_text(out, json_string_value(instructions), json_string_length(instructions));
    else buf_append_str(out, "null");
    buf_append_str(out, ",\"max_output_tokens\":");
    if (p->max_tokens >= 0) buf_printf(out, "%d", p->max_tokens);
    else buf_append_str(out, "null");
    buf_append_str(out, ",\"temperature\":");
    json_put_number(out, (double)p->sampling.temperature);
    buf_append_str(out, ",\"top_p\":");
    json_put_number(out, (double)p->sampling.top_p);
    buf_printf(out, ",\"metadata\":%s,\"user\":", metadata ? metadata : "{}");
    json_put_string(out, json_string_value(field_get(root, "user")));
    buf_append_str(out, ",\"parallel_tool_calls\":true,\"previous_response_id\":null,\"store\":false,"
                        "\"background\":false,\"reasoning\":{\"effort\":null,\"summary\":null},"
                        "\"text\":{\"format\":{\"type\":\"text\"}},\"tool_choice\":\"auto\",\"tools\":[],"
                        "\"truncation\":\"disabled\"");
    free(metadata);
}

static void put_usage(const solo_reply *r, buf *out)
{
    const sumi_usage *u = &r->usage;
    buf_printf(out,
               ",\"usage\":{\"input_tokens\":%d,\"input_tokens_details\":{\"cached_tokens\":%d,"
               "\"cache_write_tokens\":0},\"output_tokens\":%d,\"output_tokens_details\":{"
               "\"reasoning_tokens\":0},\"total_tokens\":%lld}",
               u->n_prompt, u->n_cached, u->n_generated, (long long)u->n_prompt + u->n_generated);
}

/* How an answer that has ended is called. */
static const char *end_status(const solo_reply *r)
{
    return r->error.status ? "failed" : r->finish == SUMI_FINISH_LENGTH ? "incomplete" : "completed";
}

static void put_response(const solo_reply *r, const char *status, buf *out)
{
    bool running = !strcmp(status, "in_progress"), failed = r->error.status != 0;
    buf_printf(out, "{\"id\":\"resp_%s\",\"object\":\"response\",\"created_at\":%lld,\"status\":\"%s\",\"model\":",
               r->info.id, (long long)r->info.created, status);
    json_put_string(out, r->info.model_name);
    buf_append_str(out, ",\"error\":");
    if (failed) {
        buf_append_str(out, "{\"code\":\"server_error\",\"message\":");
        json_put_string(out, r->error.message);
        buf_append_char(out, '}');
    } else {
        buf_append_str(out, "null");
    }
    buf_printf(out, ",\"incomplete_details\":%s",
               strcmp(status, "incomplete") ? "null" : "{\"reason\":\"max_output_tokens\"}");
    buf_append_str(out, ",\"output\":[");
    if (!running) put_item(r, failed ? "incomplete" : status, true, out);
    buf_append_char(out, ']');
    put_settings(r, out);
    if (running || failed) buf_append_str(out, ",\"usage\":null");
    else put_usage(r, out);
    buf_append_char(out, '}');
}

/* ---- The events ---- */

static void begin_event(solo_reply *r, const char *type, buf *out)
{
    buf_printf(out, "event: response.%s\ndata: {\"type\":\"response.%s\",\"sequence_number\":%d", type, type,
               r->n_events++);
}

static void end_event(buf *out)
{
    buf_append_str(out, "}\n\n");
}

static void put_response_event(solo_reply *r, const char *type, const char *status, buf *out)
{
    begin_event(r, type, out);
    buf_append_str(out, ",\"response\":");
    put_response(r, status, out);
    end_event(out);
}

static void put_item_event(solo_reply *r, const char *type, const char *status, bool begun, buf *out)
{
    begin_event(r, type, out);
    buf_append_str(out, ",\"output_index\":0,\"item\":");
    put_item(r, status, begun, out);
    end_event(out);
}

/* Begins an event of the part: further fields are the part's. */
static void begin_part_event(solo_reply *r, const char *type, buf *out)
{
    begin_event(r, type, out);
    buf_printf(out, ",\"item_id\":\"msg_%s\",\"output_index\":0,\"content_index\":0", r->info.id);
}

static void begin(solo_reply *r, buf *out)
{
    put_response_event(r, "created", "in_progress", out);
    put_response_event(r, "in_progress", "in_progress", out);
    put_item_event(r, "output_item.added", "in_progress", false, out);
    begin_part_event(r, "content_part.added", out);
    buf_append_str(out, ",\"part\":");
    put_part(r, false, out);
    end_event(out);
}

static void piece(solo_reply *r, const char *text, size_t n, buf *out)
{
    begin_part_event(r, "output_text.delta", out);
    buf_append_str(out, ",\"logprobs\":[],\"delta\":");
    json_put_text(out, text, n);
    end_event(out);
}

static void end(solo_reply *r, buf *out)
{
    const char *status = end_status(r);
    if (!r->error.status) {
        begin_part_event(r, "output_text.done", out);
        buf_append_str(out, ",\"logprobs\":[],\"text\":");
        json_put_text(out, r->text.data ? r->text.data : "", r->text.n);
        end_event(out);
        begin_part_event(r, "content_part.done", out);
        buf_append_str(out, ",\"part\":");
        put_part(r, true, out);
        end_event(out);
        put_item_event(r, "output_item.done", status, true, out);
    }
    put_response_event(r, status, status, out);
}

static void whole(solo_reply *r, buf *out)
{
    put_response(r, end_status(r), out);
}

void *responses_reply_create(text_request *request, text_ids *ids, const reply_info *info)
{
    static const solo_writer writer = { begin, piece, end, whole };
    return solo_reply_create(request, ids, info, &writer);
}

const answer_format responses_format = { .stream_type = "text/event-stream; charset=utf-8",
                                         .heartbeat = ": keep-alive\n\n",
                                         .begin = solo_reply_begin,
                                         .take = solo_reply_take,
                                         .whole = solo_reply_whole,
                                         .destroy = solo_reply_destroy };
