/* test_experts.c - a step of 32 sequences of a mixture of experts reads each expert once, and its logits are those of the
 * sequences alone, bit for bit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/os/cpu.h"
#include "engine/context.h"
#include "engine/sumi_model.h"
#include "test_support.h"

enum { N_SEQS = 32, N_PROMPT = 3 };

static sumi_context *open_context(sumi_model *m, int32_t n_threads)
{
    sumi_context *ctx;
    sumi_error err;
    sumi_context_opts opts = sumi_context_opts_default();
    opts.n_ctx = 64;
    opts.n_threads = n_threads;
    opts.max_seqs = N_SEQS;
    opts.kv_bytes = (size_t)4 << 20;
    if (sumi_context_create(&ctx, m, &opts, &err) != SUMI_OK) fail_msg("%s", err.message);
    return ctx;
}

/* A sequence for each prompt of random ids; the last of its tokens is left for the step under test. */
static void open_seqs(sumi_context *ctx, int32_t n_vocab, int32_t *seqs, int32_t *last)
{
    test_rng rng = test_rng_init(9);
    for (int32_t i = 0; i < N_SEQS; i++) {
        int32_t ids[N_PROMPT];
        for (int32_t k = 0; k < N_PROMPT; k++) ids[k] = test_rng_range(&rng, 0, n_vocab - 1);
        last[i] = test_rng_range(&rng, 0, n_vocab - 1);
        assert_int_equal(sumi_seq_open(ctx, &seqs[i], NULL), SUMI_OK);
        assert_int_equal(sumi_prefill(ctx, seqs[i], ids, N_PROMPT, NULL), SUMI_OK);
    }
}

/* All experts of all layers. */
static uint64_t bytes_of_experts(const model *m)
{
    uint64_t n = 0;
    for (int32_t i = 0; i < m->h.n_layers; i++) {
        const mixture *x = &m->layers[i].experts;
        for (int32_t e = 0; x->w_router && e < x->router.n_experts; e++)
            n += m->be->weight_bytes(x->w_gate[e]) + m->be->weight_bytes(x->w_up[e]) +
                 m->be->weight_bytes(x->w_down[e]);
    }
    assert_true(n > 0);
    return n;
}

static void check(const char *name, cpu_level level)
{
    char path[96];
    sumi_model *m;
    sumi_model_info info;
    sumi_error err;
    sumi_model_opts opts = sumi_model_opts_default();
    int32_t seqs[N_SEQS], last[N_SEQS];
    sumi_span spans[N_SEQS];
    opts.isa = cpu_level_name(level);
    snprintf(path, sizeof path, "tests/golden/tiny/%s.gguf", name);
    if (sumi_model_open(&m, test_source_path(path), &opts, &err) != SUMI_OK) fail_msg("%s", err.message);
    sumi_model_get_info(m, &info);
    uint64_t all = bytes_of_experts(m->weights);
    sumi_context *together = open_context(m, 3), *alone = open_context(m, 1);

    open_seqs(together, info.n_vocab, seqs, last);
    for (int32_t i = 0; i < N_SEQS; i++) spans[i] = (sumi_span){ seqs[i], 1, &last[i], SUMI_WANT_LAST };
    uint64_t before = context_expert_bytes(together);
    assert_int_equal(sumi_step(together, spans, N_SEQS, NULL), SUMI_OK);
    assert_int_equal(context_expert_bytes(together) - before, all); /* 32 tokens use all of so few */

    open_seqs(alone, info.n_vocab, seqs, last);
    before = context_expert_bytes(alone);
    for (int32_t i = 0; i < N_SEQS; i++) {
        spans[i].seq = seqs[i];
        assert_int_equal(sumi_step(alone, &spans[i], 1, NULL), SUMI_OK);
        if (memcmp(sumi_logits(together, i), sumi_logits(alone, 0), (size_t)info.n_vocab * sizeof(float)) != 0)
            fail_msg("%s at %s: the logits of sequence %d are others alone", name, opts.isa, i);
    }
    const router *r = &m->weights->h.router;
    assert_int_equal((context_expert_bytes(alone) - before) * (uint64_t)r->n_experts,
                     (uint64_t)N_SEQS * (uint64_t)r->n_used * all);
    sumi_context_destroy(together);
    sumi_context_destroy(alone);
    sumi_model_close(m);
}

static void a_batch_of_32_reads_each_expert_once_and_has_the_logits_of_each_sequence_alone(void **state)
{
    static const char *const names[] = { "mixtral", "qwen2moe", "qwen3moe" };
    (void)state;
    for (int level = CPU_REF; level <= (int)cpu_best_level(); level++)
        for (size_t i = 0; i < sizeof names / sizeof *names && cpu_has_level((cpu_level)level); i++)
            check(names[i], (cpu_level)level);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_of_32_reads_each_expert_once_and_has_the_logits_of_each_sequence_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
