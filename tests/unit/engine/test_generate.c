/* test_generate.c - the generation loop over a model that is a script: what it says, token for token, is written in the
 * test. The functions below stand in for the context, the model and the decoder when the test is linked. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "engine/context.h"
#include "engine/sumi_model.h"
#include "test_support.h"
#include "text/detok.h"

/* The vocabulary: token 0 ends; 7 and 8 are the two halves of U+00E9, told by the decoder when it is whole. */
enum { END, HELLO, SPACE, WORLD, STOP_1, STOP_2, SILENT, HALF_1, HALF_2, N_VOCAB };
static const char *const texts[N_VOCAB] = { "", "Hello", " ", "world", "<st", "op>", "", "", "\xc3\xa9" };

struct sumi_context {
    sumi_context_info info;
    int32_t held[64], n_held; /* the one sequence */
    const int32_t *script;    /* script[i]: what the model says after i answers */
    int32_t n_prompt;
    int32_t capacity; /* blocks are gone above this length */
    float logits[N_VOCAB];
    int32_t nan_at;             /* length at which the logits are bad; 0: never */
    int32_t steps[32], n_steps; /* tokens of each step */
    sumi_want wants[32];
};

const sumi_model *context_model(const sumi_context *ctx)
{
    return (const sumi_model *)ctx;
}

void sumi_context_get_info_sized(const sumi_context *ctx, sumi_context_info *info, size_t size)
{
    assert_int_equal(size, sizeof *info);
    *info = ctx->info;
}

void sumi_model_get_info_sized(const sumi_model *m, sumi_model_info *info, size_t size)
{
    (void)m;
    assert_int_equal(size, sizeof *info);
    *info = (sumi_model_info){ .n_vocab = N_VOCAB };
}

const tokenizer *model_tokenizer(const sumi_model *m)
{
    (void)m;
    return NULL;
}

bool sumi_token_is_end(const sumi_model *m, int32_t id)
{
    (void)m;
    return id == END;
}

void detok_init(detok *d, const tokenizer *t, bool special)
{
    (void)t;
    assert_false(special);
    *d = (detok){ 0 };
}

void detok_continue(detok *d)
{
    (void)d;
}

void detok_push(detok *d, int32_t id, buf *out)
{
    if (d->n_held && id != HALF_2) buf_append_char(out, '?'); /* a half that stays alone */
    d->n_held = id == HALF_1;
    buf_append_str(out, texts[id]);
}

void detok_flush(detok *d, buf *out)
{
    if (d->n_held) buf_append_char(out, '?');
    d->n_held = 0;
}

int32_t sumi_seq_len(const sumi_context *ctx, int32_t seq)
{
    (void)seq;
    return ctx->n_held;
}

void sumi_seq_truncate(sumi_context *ctx, int32_t seq, int32_t n_tokens)
{
    (void)seq;
    ctx->n_held = n_tokens;
}

sumi_status sumi_step(sumi_context *ctx, const sumi_span *spans, int32_t n_spans, sumi_error *err)
{
    assert_int_equal(n_spans, 1);
    assert_true(spans->n_ids >= 1 && spans->n_ids <= ctx->info.max_batch_tokens);
    assert_true(ctx->n_held + spans->n_ids <= ctx->info.n_ctx); /* never asked for what cannot be */
    if (ctx->n_held + spans->n_ids > ctx->capacity) return sumi_fail(err, SUMI_ELIMIT, "no blocks");
    for (int32_t i = 0; i < spans->n_ids; i++) ctx->held[ctx->n_held++] = spans->ids[i];
    ctx->wants[ctx->n_steps] = spans->want;
    ctx->steps[ctx->n_steps++] = spans->n_ids;
    for (int i = 0; i < N_VOCAB; i++) ctx->logits[i] = (float)-i;
    if (ctx->n_held >= ctx->n_prompt) ctx->logits[ctx->script[ctx->n_held - ctx->n_prompt]] = 20;
    if (ctx->n_held == ctx->nan_at) ctx->logits[3] = NAN;
    return SUMI_OK;
}

const float *sumi_logits(const sumi_context *ctx, int32_t row)
{
    assert_int_equal(row, 0);
    return ctx->logits;
}

/* What the callback saw. */
typedef struct seen {
    char text[256];
    int32_t ids[64], n_ids, n_pieces;
    int32_t stop_after; /* pieces; 0: never */
    sumi_choice last_top;
} seen;

static bool on_piece(void *user, const sumi_piece *piece)
{
    seen *s = user;
    strncat(s->text, piece->text, piece->n_bytes);
    strcat(s->text, "|");
    for (int32_t i = 0; i < piece->n_choices; i++) s->ids[s->n_ids++] = piece->choices[i].id;
    if (piece->top) s->last_top = piece->top[0];
    return ++s->n_pieces != s->stop_after;
}

static sumi_context context(const int32_t *script)
{
    return (sumi_context){
        .info = { .n_ctx = 40, .max_batch_tokens = 4 }, .script = script, .n_prompt = 3, .capacity = 64
    };
}

static sumi_generation generate(sumi_context *ctx, sumi_generate_opts *o, seen *s)
{
    sumi_generation g;
    sumi_error err;
    o->on_piece = on_piece;
    o->user = s;
    o->sampling.temperature = 0;
    if (sumi_generate(ctx, 0, (int32_t[]){ 1, 2, 3 }, 3, o, &g, &err) != SUMI_OK) fail_msg("%s", err.message);
    assert_int_equal(g.n_prompt, 3);
    assert_int_equal(g.n_generated, s->n_ids);
    assert_int_equal(ctx->n_held, 3 + (g.n_generated ? g.n_generated - 1 : 0)); /* all but the last */
    assert_memory_equal(ctx->held + 3, s->ids, (size_t)(ctx->n_held - 3) * sizeof *s->ids);
    return g;
}

static void an_end_token_ends_the_text_and_is_reported(void **state)
{
    (void)state;
    sumi_context ctx = context((int32_t[]){ HELLO, SPACE, WORLD, END });
    sumi_generate_opts o = sumi_generate_opts_default();
    seen s = { 0 };
    sumi_generation g = generate(&ctx, &o, &s);
    assert_string_equal(s.text, "Hello| |world||");
    assert_int_equal(g.finish, SUMI_FINISH_STOP);
    assert_int_equal(s.ids[3], END);
}

static void ignored_end_tokens_go_on(void **state)
{
    (void)state;
    sumi_context ctx = context((int32_t[]){ HELLO, END, WORLD, END, HELLO });
    sumi_generate_opts o = sumi_generate_opts_default();
    seen s = { 0 };
    o.ignore_eos = true;
    o.max_tokens = 3;
    sumi_generation g = generate(&ctx, &o, &s);
    assert_string_equal(s.text, "Hello||world|");
    assert_int_equal(g.finish, SUMI_FINISH_LENGTH);
}

static void a_stop_string_that_crosses_tokens_is_cut_out(void **state)
{
    (void)state;
    sumi_context ctx = context((int32_t[]){ HELLO, STOP_1, WORLD, STOP_1, STOP_2, HELLO });
    sumi_generate_opts o = sumi_generate_opts_default();
    seen s = { 0 };
    o.stop = (const char *[]){ "<stop>" };
    o.n_stop = 1;
    sumi_generation g = generate(&ctx, &o, &s);
    assert_string_equal(s.text, "Hello||<stworld|||");
    assert_int_equal(g.finish, SUMI_FINISH_STOP);
    assert_int_equal(g.n_generated, 5);
}

static void what_was_held_back_comes_at_the_end(void **state)
{
    (void)state;
    const char *stop[] = { "<stop>" };
    sumi_generate_opts o = sumi_generate_opts_default();
    o.stop = stop;
    o.n_stop = 1;
    seen s = { 0 };
    sumi_context ctx = context((int32_t[]){ HELLO, STOP_1, END });
    assert_int_equal(generate(&ctx, &o, &s).finish, SUMI_FINISH_STOP);
    assert_string_equal(s.text, "Hello|||<st|");

    s = (seen){ 0 };
    ctx = context((int32_t[]){ HELLO, HALF_1, HALF_2, HALF_1, WORLD });
    o.max_tokens = 4;
    assert_int_equal(generate(&ctx, &o, &s).finish, SUMI_FINISH_LENGTH);
    assert_string_equal(s.text, "Hello||\xc3\xa9||?|");
}

static void the_callback_may_end_it_even_when_there_is_no_text(void **state)
{
    (void)state;
    sumi_context ctx = context((int32_t[]){ HELLO, SILENT, SILENT, WORLD });
    sumi_generate_opts o = sumi_generate_opts_default();
    seen s = { .stop_after = 2 };
    sumi_generation g = generate(&ctx, &o, &s);
    assert_int_equal(g.finish, SUMI_FINISH_CANCELLED);
    assert_int_equal(g.n_generated, 2);
}

static void at_the_last_token_the_callback_can_only_end_what_goes_on(void **state)
{
    (void)state;
    const char *stop[] = { "<stop>" };
    sumi_generate_opts o = sumi_generate_opts_default();
    o.stop = stop;
    o.n_stop = 1;
    o.max_tokens = 3;
    seen s = { .stop_after = 3 };
    sumi_context ctx = context((int32_t[]){ HELLO, SPACE, STOP_1, WORLD });
    assert_int_equal(generate(&ctx, &o, &s).finish, SUMI_FINISH_CANCELLED);
    assert_string_equal(s.text, "Hello| ||"); /* what was held back does not come */

    s = (seen){ .stop_after = 3 };
    ctx = context((int32_t[]){ HELLO, STOP_1, END });
    assert_int_equal(generate(&ctx, &o, &s).finish, SUMI_FINISH_STOP);
    assert_string_equal(s.text, "Hello|||<st|");

    s = (seen){ .stop_after = 3 };
    ctx = context((int32_t[]){ HELLO, STOP_1, STOP_2 });
    assert_int_equal(generate(&ctx, &o, &s).finish, SUMI_FINISH_STOP);
    assert_string_equal(s.text, "Hello|||");
}

static void a_full_context_or_pool_ends_the_answer_without_an_error(void **state)
{
    (void)state;
    static const int32_t script[64] = { HELLO, HELLO, HELLO, HELLO, HELLO, HELLO, HELLO, HELLO, HELLO, HELLO, HELLO };
    sumi_generate_opts o = sumi_generate_opts_default();
    o.ignore_eos = true;
    seen s = { 0 };
    sumi_context ctx = context(script);
    ctx.info.n_ctx = 8;
    sumi_generation g = generate(&ctx, &o, &s);
    assert_int_equal(g.finish, SUMI_FINISH_LENGTH);
    assert_int_equal(g.n_generated, 6); /* 3 + 5 are held, and one more is known */

    s = (seen){ 0 };
    ctx = context(script);
    ctx.capacity = 5;
    g = generate(&ctx, &o, &s);
    assert_int_equal(g.finish, SUMI_FINISH_LENGTH);
    assert_int_equal(g.n_generated, 3);
}

static void no_tokens_wanted_means_none(void **state)
{
    (void)state;
    sumi_context ctx = context((int32_t[]){ HELLO });
    sumi_generate_opts o = sumi_generate_opts_default();
    seen s = { 0 };
    o.max_tokens = 0;
    assert_int_equal(generate(&ctx, &o, &s).finish, SUMI_FINISH_LENGTH);
    assert_int_equal(s.n_pieces, 0);
}

static void alternatives_come_with_their_token(void **state)
{
    (void)state;
    sumi_context ctx = context((int32_t[]){ HELLO, WORLD, END });
    sumi_generate_opts o = sumi_generate_opts_default();
    seen s = { .stop_after = 2 };
    o.n_logprobs = 3;
    generate(&ctx, &o, &s);
    assert_int_equal(s.last_top.id, WORLD);
    assert_true(s.last_top.logprob <= 0 && s.last_top.logprob > -1e-3f);
}

static void prompts_are_fed_in_steps_and_only_the_last_wants_logits(void **state)
{
    (void)state;
    int32_t ids[10] = { 1, 2, 3, 1, 2, 3, 1, 2, 3, 1 };
    sumi_context ctx = context((int32_t[]){ HELLO });
    ctx.n_prompt = 10;
    assert_int_equal(sumi_prefill(&ctx, 0, ids, 10, NULL), SUMI_OK);
    assert_int_equal(ctx.n_steps, 3);
    assert_int_equal(ctx.steps[0], 4);
    assert_int_equal(ctx.steps[2], 2);
    assert_int_equal(ctx.wants[0], SUMI_WANT_NONE);
    assert_int_equal(ctx.wants[1], SUMI_WANT_NONE);
    assert_int_equal(ctx.wants[2], SUMI_WANT_LAST);
}

static void a_prompt_that_does_not_fit_changes_nothing(void **state)
{
    (void)state;
    int32_t ids[50] = { 0 };
    sumi_error err;
    sumi_context ctx = context((int32_t[]){ HELLO });
    assert_int_equal(sumi_prefill(&ctx, 0, ids, 41, &err), SUMI_ELIMIT);
    assert_string_equal(err.message, "the prompt has 41 tokens, but the context holds 40");
    assert_int_equal(sumi_prefill(&ctx, 0, ids, 0, &err), SUMI_EINVAL);
    ctx.capacity = 9;
    ctx.n_prompt = 20;
    assert_int_equal(sumi_prefill(&ctx, 0, ids, 2, &err), SUMI_OK);
    assert_int_equal(sumi_prefill(&ctx, 0, ids, 10, &err), SUMI_ELIMIT); /* at its third step */
    assert_int_equal(ctx.n_held, 2);
}

static void bad_logits_and_bad_options_are_errors(void **state)
{
    (void)state;
    const int32_t prompt[] = { 1, 2, 3 };
    const char *empty[] = { "" };
    sumi_context ctx = context((int32_t[]){ HELLO, HELLO, HELLO });
    sumi_generate_opts o = sumi_generate_opts_default();
    sumi_generation g;
    sumi_error err;
    ctx.nan_at = 5;
    assert_int_equal(sumi_generate(&ctx, 0, prompt, 3, &o, &g, &err), SUMI_ENUMERIC);
    assert_non_null(strstr(err.message, "not a number for token 3"));
    assert_int_equal(ctx.n_held, 5);
    sumi_generate_opts bad[4] = { o, o, o, o };
    bad[0].max_tokens = -2;
    bad[1].n_logprobs = -1;
    bad[2].stop = empty, bad[2].n_stop = 1;
    bad[3].sampling.top_p = 2;
    for (int i = 0; i < 4; i++) {
        ctx = context((int32_t[]){ END });
        assert_int_equal(sumi_generate(&ctx, 0, prompt, 3, &bad[i], &g, &err), SUMI_EINVAL);
        assert_int_equal(ctx.n_held, 0); /* found before the prompt was fed */
    }
}

static void penalties_see_the_tokens_that_the_sequence_held_before(void **state)
{
    (void)state;
    /* HELLO would be chosen with logit 20; it was seen, and WORLD with -3 is the best that was not. */
    const int32_t held[] = { HELLO, END, SPACE };
    sumi_context ctx = context((int32_t[]){ HELLO });
    sumi_generate_opts o = sumi_generate_opts_default();
    seen s = { 0 };
    ctx.n_prompt = 1;
    o.sampling.temperature = 0;
    o.sampling.presence_penalty = 100;
    o.max_tokens = 1;
    o.on_piece = on_piece;
    o.user = &s;
    o.seen = held;
    o.n_seen = 3;
    assert_int_equal(sumi_generate(&ctx, 0, (int32_t[]){ STOP_1 }, 1, &o, NULL, NULL), SUMI_OK);
    assert_int_equal(s.ids[0], WORLD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_end_token_ends_the_text_and_is_reported),
        cmocka_unit_test(ignored_end_tokens_go_on),
        cmocka_unit_test(a_stop_string_that_crosses_tokens_is_cut_out),
        cmocka_unit_test(what_was_held_back_comes_at_the_end),
        cmocka_unit_test(the_callback_may_end_it_even_when_there_is_no_text),
        cmocka_unit_test(at_the_last_token_the_callback_can_only_end_what_goes_on),
        cmocka_unit_test(a_full_context_or_pool_ends_the_answer_without_an_error),
        cmocka_unit_test(no_tokens_wanted_means_none),
        cmocka_unit_test(alternatives_come_with_their_token),
        cmocka_unit_test(prompts_are_fed_in_steps_and_only_the_last_wants_logits),
        cmocka_unit_test(a_prompt_that_does_not_fit_changes_nothing),
        cmocka_unit_test(bad_logits_and_bad_options_are_errors),
        cmocka_unit_test(penalties_see_the_tokens_that_the_sequence_held_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
