/* tiny_logits.c - see tiny_logits.h. */
#include "tiny_logits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forward.h"

typedef struct expected {
    const float *logits; /* [n_ids][n_vocab] */
    int32_t n_vocab;
    double worst; /* max |difference of log-probability| so far */
    int32_t worst_position;
} expected;

static void compare_row(void *user, int32_t position, const float *logits)
{
    expected *e = user;
    const float *golden = e->logits + (size_t)position * (size_t)e->n_vocab;
    double total = test_log_sum_exp(logits, e->n_vocab), golden_total = test_log_sum_exp(golden, e->n_vocab);
    for (int32_t i = 0; i < e->n_vocab; i++) {
        double difference = fabs((logits[i] - total) - (golden[i] - golden_total));
        if (!(difference <= e->worst)) e->worst = difference, e->worst_position = position; /* a NaN is the worst */
    }
}

double test_tiny_difference(const char *name, const char *path, const char *isa)
{
    char golden[256], model[4096];
    size_t n_bytes;
    snprintf(model, sizeof model, "%s", path); /* test_source_path() below may overwrite it */
    snprintf(golden, sizeof golden, "tests/golden/tiny/%s.bin", name);
    char *data = test_read_file(test_source_path(golden), &n_bytes);
    uint32_t counts[2];
    assert_memory_equal(data, "SUMITINY", 8);
    memcpy(counts, data + 8, sizeof counts);
    int32_t n_ids = (int32_t)counts[0], n_vocab = (int32_t)counts[1], positions[256];
    assert_int_equal(n_bytes, 16 + 4 * (size_t)n_ids * (1 + (size_t)n_vocab));
    assert_in_range(n_ids, 1, 256);
    for (int32_t i = 0; i < n_ids; i++) positions[i] = i;

    test_forward f = test_forward_open(model, isa, SUMI_ACTIVATIONS_F32, 256);
    assert_int_equal(f.info.n_vocab, n_vocab);
    expected e = { (const float *)(data + 16) + n_ids, n_vocab, 0, 0 };
    test_forward_run(&f, (const int32_t *)(data + 16), n_ids, positions, n_ids, compare_row, &e);
    printf("%-15s %-7s max |difference of log-prob| %.1e, at position %d\n", name, f.info.isa, e.worst,
           (int)e.worst_position);
    test_forward_close(&f);
    free(data);
    return e.worst;
}
