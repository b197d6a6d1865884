/* engine.c - two situations that `sumi bench serve` does not show.
 *
 *   cc -O2 -Iinclude bench/engine.c -o build/bench-engine -Lbuild/release -lsumi && \
 *       LD_LIBRARY_PATH=build/release build/bench-engine models/smollm2.gguf
 *
 * choices   blocks in use while n answers to one prompt of 1,024 tokens begin, for n = 1 and n = 8
 * stall     time between the tokens of 8 answers while a prompt of 6,000 tokens is computed, with chunks and without, and
 *           of the same tokens without that prompt: mean, 99th percentile, longest
 *
 * Tokens are pseudo-random; greedy. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sumi.h"

enum { N_ANSWERS = 8, PROMPT = 128, LONG_PROMPT = 6000, CHOICES_PROMPT = 1024, MAX_GAPS = 1 << 16 };

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void check(sumi_status st, const sumi_error *err)
{
    if (st == SUMI_OK) return;
    fprintf(stderr, "bench-engine: %s\n", err->message);
    exit(1);
}

static int32_t *random_ids(int32_t n, uint32_t seed)
{
    int32_t *ids = malloc((size_t)n * sizeof *ids);
    for (int32_t i = 0; i < n; i++) ids[i] = 1000 + (int32_t)((seed = seed * 1664525u + 1013904223u) >> 16) % 30000;
    return ids;
}

static sumi_engine *start(sumi_model *model, bool chunking)
{
    sumi_engine_opts o = sumi_engine_opts_default();
    sumi_engine *e;
    sumi_error err;
    o.n_ctx = 8192;
    o.max_seqs = 16;
    o.kv_bytes = (size_t)512 << 20;
    o.prefix_cache = false;
    o.chunking = chunking;
    check(sumi_engine_create(&e, model, &o, &err), &err);
    return e;
}

static uint64_t submit(sumi_engine *e, const int32_t *ids, int32_t n, int32_t n_choices, int32_t max_tokens)
{
    sumi_request r = sumi_request_default();
    sumi_error err;
    uint64_t id;
    r.ids = ids;
    r.n_ids = n;
    r.n = n_choices;
    r.max_tokens = max_tokens;
    r.ignore_eos = true;
    r.sampling.skip_logprob = true;
    check(sumi_engine_submit(e, &r, &id, &err), &err);
    return id;
}

/* The most blocks in use until every choice has some tokens: its figures follow a step behind its events. */
static int32_t blocks_of(sumi_model *model, int32_t n_choices)
{
    sumi_engine *e = start(model, true);
    int32_t *ids = random_ids(CHOICES_PROMPT, 1), n_tokens = 0;
    sumi_engine_stats s;
    submit(e, ids, CHOICES_PROMPT, n_choices, 8);
    while (n_tokens < 4 * n_choices) {
        sumi_event *event = sumi_engine_poll(e, -1);
        n_tokens += event->type == SUMI_EVENT_PIECE ? event->piece.n_choices : 0;
        sumi_event_free(event);
    }
    sumi_engine_get_stats(e, &s);
    sumi_engine_destroy(e);
    free(ids);
    return s.kv_peak;
}

typedef struct gaps {
    double ms[MAX_GAPS];
    int32_t n;
} gaps;

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_gaps(const char *what, gaps *g)
{
    double sum = 0;
    for (int32_t i = 0; i < g->n; i++) sum += g->ms[i];
    qsort(g->ms, (size_t)g->n, sizeof *g->ms, by_value);
    printf("  %-28s %8.1f %8.1f %8.1f\n", what, sum / g->n, g->ms[(int32_t)(0.99 * (g->n - 1))], g->ms[g->n - 1]);
}

/* Eight answers. After 64 tokens of each, the times between tokens are taken: with a long prompt that arrives then, until
 * its first token; without, until there are as many as n_gaps. */
static void answer(sumi_model *model, bool chunking, bool with_long, int32_t n_gaps, gaps *g)
{
    static double last[1024];
    sumi_engine *e = start(model, chunking);
    int32_t *ids[N_ANSWERS], *long_ids = random_ids(LONG_PROMPT, 99), n_tokens = 0;
    uint64_t long_request = 0;
    bool done = false;
    g->n = 0;
    for (int32_t i = 0; i < N_ANSWERS; i++) submit(e, ids[i] = random_ids(PROMPT, (uint32_t)i), PROMPT, 1, 6000);
    memset(last, 0, sizeof last);
    while (!done) {
        sumi_event *event = sumi_engine_poll(e, -1);
        double now = now_ms(), *before = &last[event->request % 1024];
        bool is_piece = event->type == SUMI_EVENT_PIECE;
        if (is_piece && event->request == long_request) done = true;
        else if (is_piece) {
            if (n_tokens >= 64 * N_ANSWERS && g->n < MAX_GAPS) g->ms[g->n++] = now - *before;
            *before = now;
            if (++n_tokens == 64 * N_ANSWERS && with_long) long_request = submit(e, long_ids, LONG_PROMPT, 1, 1);
            if (!with_long && g->n == n_gaps) done = true;
        }
        sumi_event_free(event);
    }
    sumi_engine_destroy(e);
    for (int32_t i = 0; i < N_ANSWERS; i++) free(ids[i]);
    free(long_ids);
}

static void stall(sumi_model *model, bool chunking)
{
    static gaps alone, beside;
    double from = now_ms();
    answer(model, chunking, true, 0, &beside);
    printf("%s: %.1f s in all\n", chunking ? "with chunks" : "without chunks", (now_ms() - from) * 1e-3);
    answer(model, chunking, false, beside.n, &alone);
    print_gaps("the same tokens alone", &alone);
    print_gaps("beside the long prompt", &beside);
}

int main(int argc, char **argv)
{
    sumi_model *model;
    sumi_error err;
    if (argc != 2) {
        fprintf(stderr, "usage: bench-engine MODEL.gguf\n");
        return 2;
    }
    check(sumi_model_open(&model, argv[1], NULL, &err), &err);
    int32_t one = blocks_of(model, 1), eight = blocks_of(model, 8);
    printf("choices: %d blocks for n = 1, %d for n = 8: %.2f times\n", one, eight, (double)eight / one);
    printf("time between tokens, ms            mean      p99  longest\n");
    stall(model, true);
    stall(model, false);
    sumi_model_close(model);
    return 0;
}
