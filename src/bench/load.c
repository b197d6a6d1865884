/* load.c - see load.h. */
#include "bench/load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"

enum { MAX_LENGTH = 1 << 20, STREAM_PROMPT = 1, STREAM_GEN, STREAM_ARRIVAL, STREAM_IDS, STREAM_SHARED };

/* ---- Lengths ---- */

sumi_status lengths_parse_list(lengths *l, const char *name, char *text, sumi_error *err)
{
    char *save = NULL;
    size_t n_bytes = strlen(text);
    lengths_deinit(l);
    l->kind = LENGTHS_LIST;
    if (!(l->list = calloc(n_bytes / 2 + 1, sizeof *l->list))) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *end;
        long value = strtol(line, &end, 10);
        if (end == line || *end || value < 1 || value > MAX_LENGTH)
            return sumi_fail(err, SUMI_EFORMAT, "%s: line %d: '%.32s' is not a number of tokens", name, l->n_list + 1,
                             line);
        l->list[l->n_list++] = (int32_t)value;
    }
    return l->n_list ? SUMI_OK : sumi_fail(err, SUMI_EFORMAT, "%s: no numbers", name);
}

sumi_status lengths_parse(lengths *l, const char *text, sumi_error *err)
{
    int a, b, used = 0;
    double mean, sigma;
    lengths_deinit(l);
    if (sscanf(text, "uniform:%d..%d%n", &a, &b, &used) == 2 && !text[used] && a >= 1 && b >= a && b <= MAX_LENGTH) {
        *l = (lengths){ .kind = LENGTHS_UNIFORM, .a = a, .b = b };
        return SUMI_OK;
    }
    if (sscanf(text, "lognormal:%lf,%lf%n", &mean, &sigma, &used) == 2 && !text[used] && mean >= 1 &&
        mean <= MAX_LENGTH && sigma >= 0 && sigma <= 5) {
        *l = (lengths){ .kind = LENGTHS_LOGNORMAL, .a = log(mean) - sigma * sigma / 2, .b = sigma };
        return SUMI_OK;
    }
    if (sscanf(text, "%d%n", &a, &used) == 1 && !text[used] && a >= 1 && a <= MAX_LENGTH) {
        *l = (lengths){ .kind = LENGTHS_CONSTANT, .a = a };
        return SUMI_OK;
    }
    return sumi_fail(err, SUMI_EINVAL,
                     "'%s' is not a distribution of lengths: use N, uniform:A..B, lognormal:MEAN,SIGMA, file:PATH",
                     text);
}

void lengths_deinit(lengths *l)
{
    free(l->list);
    *l = (lengths){ .a = 1 };
}

/* Standard normal (Box and Muller 1958). */
static double normal(uint64_t seed, uint64_t stream, uint64_t i)
{
    double u = 1 - rng_uniform(seed, stream, 2 * i), v = rng_uniform(seed, stream, 2 * i + 1);
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

int32_t lengths_draw(const lengths *l, uint64_t seed, uint64_t stream, int32_t i)
{
    double x = l->a;
    if (l->kind == LENGTHS_LIST) return l->list[i % l->n_list];
    if (l->kind == LENGTHS_UNIFORM) x += floor(rng_uniform(seed, stream, (uint64_t)i) * (l->b - l->a + 1));
    if (l->kind == LENGTHS_LOGNORMAL) x = round(exp(l->a + l->b * normal(seed, stream, (uint64_t)i)));
    return x < 1 ? 1 : x > MAX_LENGTH ? MAX_LENGTH : (int32_t)x;
}

/* ---- Requests ---- */

sumi_status load_create(load *l, int32_t n, uint64_t seed, const lengths *prompt, const lengths *gen, int32_t n_shared,
                        double rate, int32_t n_ctx, int32_t n_vocab, sumi_error *err)
{
    double at_ms = 0;
    *l = (load){ .n = n, .seed = seed, .n_shared = n_shared, .n_vocab = n_vocab };
    if (n_shared > n_ctx - 2)
        return sumi_fail(err, SUMI_ELIMIT, "a shared prefix of %d tokens does not fit into a context of %d", n_shared,
                         n_ctx);
    if (!(l->requests = calloc((size_t)n, sizeof *l->requests)))
        return sumi_fail(err, SUMI_ENOMEM, "out of memory for %d requests", n);
    for (int32_t i = 0; i < n; i++) {
        load_request *r = &l->requests[i];
        int64_t n_prompt = (int64_t)n_shared + lengths_draw(prompt, seed, STREAM_PROMPT, i);
        r->n_prompt = n_prompt < n_ctx - 1 ? (int32_t)n_prompt : n_ctx - 1;
        r->n_gen = lengths_draw(gen, seed, STREAM_GEN, i);
        if (r->n_gen > n_ctx - r->n_prompt) r->n_gen = n_ctx - r->n_prompt;
        if (rate > 0) r->arrival_ms = at_ms += -log(1 - rng_uniform(seed, STREAM_ARRIVAL, (uint64_t)i)) * 1000 / rate;
        if (!(r->token_ms = calloc((size_t)r->n_gen, sizeof *r->token_ms)))
            return sumi_fail(err, SUMI_ENOMEM, "out of memory for %d requests", n);
    }
    return SUMI_OK;
}

void load_destroy(load *l)
{
    for (int32_t i = 0; l->requests && i < l->n; i++) free(l->requests[i].token_ms);
    free(l->requests);
}

void load_prompt(const load *l, int32_t i, int32_t *ids)
{
    for (int32_t k = 0; k < l->requests[i].n_prompt; k++) {
        bool shared = k < l->n_shared;
        uint64_t counter = (uint64_t)k + (shared ? 0 : (uint64_t)i << 32);
        ids[k] = (int32_t)(rng_uniform(l->seed, shared ? STREAM_SHARED : STREAM_IDS, counter) * l->n_vocab);
    }
}
