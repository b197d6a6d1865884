/* test_job.c - the requests of one connection to a real engine with a tiny model: what a job counts. No HTTP: the connection
 * is never suspended, so it is only a pointer. */
#include "server/api/job.h"

#include <stdlib.h>
#include <time.h>

#include "engine_fixture.h"

typedef struct seen {
    int32_t n_tokens, n_ends;
} seen;

static void take(void *reply, const job_event *n, buf *out)
{
    seen *s = reply;
    (void)out;
    if (n->type == SUMI_EVENT_PIECE) s->n_tokens += n->n_tokens;
    s->n_ends += n->type == SUMI_EVENT_END;
}

static void leave(void *reply)
{
    (void)reply;
}

static const answer_format format = { .take = take, .destroy = leave };

static job_usage wait_for_end(job *j)
{
    job_usage usage;
    while (!job_ended(j, &usage)) nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    return usage;
}

/* Two prompts, of each of which best_of choices are computed and n sent. */
static void check_usage(sumi_engine *e, int32_t n, int32_t best_of, bool stream)
{
    metrics m;
    seen s = { 0 };
    text_ids prompts;
    api_error why;
    int32_t n_prompt = 0;
    sumi_request r = engine_request(0);
    r.n = n;
    r.best_of = best_of;
    r.sampling.temperature = 1;
    metrics_init(&m);
    assert_true(text_ids_init(&prompts, 2));
    for (; prompts.n < 2; prompts.n++) {
        prompts.ids[prompts.n] = engine_prompts[prompts.n];
        n_prompt += prompts.n_ids[prompts.n] = engine_prompt_lens[prompts.n];
    }
    job *j = job_create((struct MHD_Connection *)(void *)&s, e, &m, &format, &s, 2, stream);
    assert_non_null(j);
    assert_true(job_start(j, &r, &prompts, 2, &why));
    job_usage usage = wait_for_end(j);
    assert_int_equal(usage.n_prompt, n_prompt);
    assert_int_equal(usage.n_generated, 2 * best_of * ENGINE_OUT); /* those that are not sent cost as much */
    assert_int_equal(usage.finish, SUMI_FINISH_LENGTH);
    assert_int_equal(atomic_load(&m.n_prompt), n_prompt);
    assert_int_equal(atomic_load(&m.n_generated), 2 * best_of * ENGINE_OUT);
    /* Each prompt has one first token, whichever choice it belongs to, and each choice has one gap less than tokens. */
    if (best_of == n) {
        assert_int_equal(histogram_sum(&m.first_token).count, 2);
        assert_int_equal(histogram_sum(&m.between_tokens).count, 2 * n * (ENGINE_OUT - 1));
    }
    assert_int_equal(job_complete(j), JOB_OVER);
    assert_int_equal(s.n_tokens, 2 * n * ENGINE_OUT);
    assert_int_equal(s.n_ends, 2);
    assert_int_equal(job_leave(j).n_generated, usage.n_generated);
    prompts.n = 0; /* the ids are the fixture's */
    text_ids_deinit(&prompts);
}

static void each_token_is_counted_once(void **state)
{
    (void)state;
    sumi_engine_opts o = engine_options();
    sumi_engine *e = engine_start(&o);
    for (int stream = 0; stream < 2; stream++) {
        check_usage(e, 1, 1, stream);
        check_usage(e, 2, 2, stream);
    }
    check_usage(e, 1, 3, false);
    sumi_engine_destroy(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_token_is_counted_once),
    };
    return cmocka_run_group_tests(tests, engine_set_up, engine_tear_down);
}
