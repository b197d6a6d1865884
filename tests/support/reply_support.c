/* reply_support.c - see reply_support.h. */
#include "reply_support.h"

#include <stdlib.h>
#include <string.h>

test_reply reply_open(text_parse_fn parse, reply_create_fn create, const answer_format *format, const char *body)
{
    const text_limits limits = text_limits_default();
    const reply_info info = { .model_name = "m", .id = "x", .created = 7 };
    test_reply t = { .format = format };
    text_request r;
    text_ids ids;
    api_error e;
    if (!parse(&r, body, strlen(body), &limits, &e)) fail_msg("%s", e.message);
    assert_true(text_ids_init(&ids, r.n_prompts));
    for (; ids.n < r.n_prompts; ids.n++) {
        ids.ids[ids.n] = calloc(5, sizeof **ids.ids);
        ids.n_ids[ids.n] = 5;
    }
    buf_init(&t.out, SIZE_MAX);
    bool stream = r.stream;
    t.reply = create(&r, &ids, &info);
    assert_non_null(t.reply);
    if (stream && format->begin) format->begin(t.reply, &t.out);
    return t;
}

void reply_piece(test_reply *t, int32_t part, int32_t choice, const char *text)
{
    const job_event n = {
        .part = part, .type = SUMI_EVENT_PIECE, .choice = choice, .text = text, .n_bytes = strlen(text)
    };
    t->format->take(t->reply, &n, &t->out);
}

void reply_choice_ends(test_reply *t, int32_t part, int32_t choice, sumi_finish finish, const char *stop)
{
    const job_event n = { .part = part,
                          .type = SUMI_EVENT_CHOICE,
                          .choice = choice,
                          .finish = finish,
                          .stopped = stop != NULL,
                          .text = stop ? stop : "" };
    t->format->take(t->reply, &n, &t->out);
}

void reply_ends(test_reply *t, int32_t part, sumi_finish finish, const char *why)
{
    t->used.n_prompt += 5; /* as the job does */
    t->used.n_cached += 2;
    t->used.n_generated += 3;
    const job_event n = {
        .part = part,
        .type = SUMI_EVENT_END,
        .used = t->used,
        .finish = finish,
        .text = why,
        .n_bytes = strlen(why),
        .usage = { .n_prompt = 5, .n_cached = 2, .n_generated = 3, .queue_ms = 1, .prefill_ms = 2, .decode_ms = 3 },
        .time_ms = 6
    };
    t->format->take(t->reply, &n, &t->out);
}

static void close_reply(test_reply *t)
{
    buf_deinit(&t->out);
    t->format->destroy(t->reply);
}

void assert_streamed(test_reply *t, const char *want)
{
    assert_string_equal(t->out.data ? t->out.data : "", want);
    close_reply(t);
}

void assert_whole(test_reply *t, const char *want)
{
    api_error e;
    assert_int_equal(t->out.n, 0);
    if (!t->format->whole(t->reply, &t->out, &e)) fail_msg("%s", e.message);
    assert_streamed(t, want);
}

void assert_failed(test_reply *t, int status)
{
    api_error e;
    assert_false(t->format->whole(t->reply, &t->out, &e));
    assert_int_equal(e.status, status);
    assert_streamed(t, "");
}
