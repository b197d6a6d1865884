/* sampling.c - how long one choice of a token takes.
 *
 *   cc -O2 -Iinclude -Isrc bench/sampling.c -o build/bench-sampling build/release/libsumi.a \
 *      $(pkg-config --libs jansson libpcre2-8 libutf8proc) -lpthread -lm && build/bench-sampling
 *
 * Prints, for two sizes of vocabulary and several settings, the median of 200 calls in microseconds: with all tokens
 * allowed, all but two (min_tokens), and a random tenth (a grammar). The logits have the shape of a language model's: a few
 * large ones on a wide normal background. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sample/sampler.h"

enum { CALLS = 200 };

typedef enum mask_kind { ALL, ALL_BUT_TWO, A_TENTH, N_MASKS } mask_kind;

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static double uniform(uint64_t *state) /* xorshift64*: quality does not matter here */
{
    *state ^= *state >> 12, *state ^= *state << 25, *state ^= *state >> 27;
    return (double)(*state * 0x2545F4914F6CDD1Dull >> 11) * 0x1p-53;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void fill_mask(uint64_t *set, int32_t n_vocab, mask_kind kind)
{
    uint64_t state = 7;
    for (int32_t id = 0; id < n_vocab; id++) {
        bool allowed = kind == A_TENTH ? uniform(&state) < 0.1 : id != 2 && id != n_vocab / 2;
        if (allowed) token_set_add(set, id);
        else token_set_remove(set, id);
    }
}

static double median_us(const float *logits, const uint64_t *allowed, int32_t n_vocab, const sumi_sampling *params)
{
    static double us[CALLS];
    sumi_sampler *s;
    sumi_choice choice;
    sumi_error err;
    if (sumi_sampler_create(&s, n_vocab, params, &err) != SUMI_OK) return -1;
    for (int i = 0; i < CALLS; i++) {
        double start = now_us();
        if (sampler_next(s, logits, allowed, &choice, &err) != SUMI_OK) return -1;
        us[i] = now_us() - start;
    }
    sumi_sampler_destroy(s);
    qsort(us, CALLS, sizeof *us, compare);
    return us[CALLS / 2];
}

int main(void)
{
    const sumi_sampling plain = {
        .temperature = 1, .top_p = 1, .typical_p = 1, .repeat_penalty = 1, .penalty_last_n = 64
    };
    struct {
        const char *name;
        sumi_sampling params;
    } rows[] = {
        { "greedy", plain },
        { "temperature 1", plain },
        { "top_k 40", plain },
        { "top_p 0.95", plain },
        { "min_p 0.05", plain },
        { "typical_p 0.9", plain },
        { "top_k 5000", plain },
        { "the defaults", sumi_sampling_default() },
        { "defaults + repeat_penalty", sumi_sampling_default() },
        { "greedy, skip_logprob", plain },
        { "defaults, skip_logprob", sumi_sampling_default() },
        { "top_p 0.95, temperature 2", plain },
    };
    rows[0].params.temperature = 0;
    rows[2].params.top_k = 40;
    rows[3].params.top_p = 0.95f;
    rows[4].params.min_p = 0.05f;
    rows[5].params.typical_p = 0.9f;
    rows[6].params.top_k = 5000;
    rows[8].params.repeat_penalty = 1.1f;
    rows[9].params.temperature = 0;
    rows[9].params.skip_logprob = rows[10].params.skip_logprob = true;
    rows[11].params.top_p = 0.95f;
    rows[11].params.temperature = 2;
    const int32_t sizes[] = { 49152, 262144 };
    printf("%-28s %32d %32d   us, median of %d\n", "settings \\ vocabulary", sizes[0], sizes[1], CALLS);
    printf("%-28s %10s %10s %10s %10s %10s %10s\n", "", "all", "all but 2", "a tenth", "all", "all but 2", "a tenth");
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        printf("%-28s", rows[r].name);
        for (int k = 0; k < 2; k++) {
            float *logits = malloc((size_t)sizes[k] * sizeof *logits);
            uint64_t *set = calloc(token_set_words(sizes[k]), sizeof *set), state = 42;
            if (!logits || !set) return 1;
            for (int32_t i = 0; i < sizes[k]; i++)
                logits[i] = (float)(2.5 * sqrt(-2 * log(1 - uniform(&state))) * cos(6.2831853 * uniform(&state)));
            for (int i = 0; i < 20; i++) logits[(int32_t)(uniform(&state) * sizes[k])] = (float)(18 - i * 0.4);
            for (int m = 0; m < N_MASKS; m++) {
                if (m != ALL) fill_mask(set, sizes[k], (mask_kind)m);
                printf(" %10.1f", median_us(logits, m == ALL ? NULL : set, sizes[k], &rows[r].params));
            }
            free(set);
            free(logits);
        }
        printf("\n");
    }
    return 0;
}
