/* test_batch.c - what a batch says of its rows, against the picture in batch.h and against the definition, row by row. */
#include "backend/batch.h"
#include "test_support.h"

enum { MAX_ROWS = 64 };

static void rows_follow_from_the_sequences(void **state)
{
    (void)state;
    const int32_t seq[] = { 0, 0, 0, 0, 0, 1, 2, 2 }, slot[] = { 0, 1, 2, 3, 4, 9, 32, 33 };
    const int32_t tables[3] = { 7, 8, 9 };
    batch_arrays a;
    batch b = { 0 };
    assert_true(batch_arrays_init(&a, 8));
    a.seqs[0] = (batch_seq){ .first_row = 0, .n_rows = 5, .len = 5, .tables = &tables[0] };
    a.seqs[1] = (batch_seq){ .first_row = 5, .n_rows = 1, .len = 10, .tables = &tables[1] };
    a.seqs[2] = (batch_seq){ .first_row = 6, .n_rows = 2, .len = 34, .tables = &tables[2] };
    batch_set_rows(&b, &a, 3);
    assert_int_equal(b.n_seqs, 3);
    assert_int_equal(b.n_tokens, 8);
    assert_memory_equal(b.seq, seq, sizeof seq);
    assert_memory_equal(b.slot, slot, sizeof slot);
    assert_memory_equal(b.pos, slot, sizeof slot);
    for (int32_t row = 0; row < 8; row++) assert_ptr_equal(batch_tables(&b, row), &tables[seq[row]]);
    batch_arrays_deinit(&a);
}

static batch random_batch(test_rng *rng, batch_arrays *a, int32_t *kept)
{
    batch b = { .table_stride = 5, .kept_rows = kept };
    int32_t n_seqs = test_rng_range(rng, 1, 6), row = 0, keep = test_rng_range(rng, 0, 3);
    for (int32_t i = 0; i < n_seqs; i++) {
        int32_t n = test_rng_range(rng, 1, 10);
        a->seqs[i] = (batch_seq){ row, n, n + test_rng_range(rng, 0, 50), kept + i,
                                  (uint64_t)test_rng_range(rng, 0, 2) };
        row += n;
    }
    batch_set_rows(&b, a, n_seqs);
    for (int32_t t = 0; t < row; t++)
        if (test_rng_range(rng, 0, 3) < keep) kept[b.n_kept_rows++] = t;
    return b;
}

static void check_kept(const batch *b, const batch *kept)
{
    int32_t n_rows = 0;
    assert_int_equal(kept->n_tokens, b->n_kept_rows);
    assert_int_equal(kept->table_stride, b->table_stride);
    for (int32_t i = 0; i < kept->n_tokens; i++) {
        int32_t row = b->kept_rows[i];
        const batch_seq *s = &kept->seqs[kept->seq[i]], *before = &b->seqs[b->seq[row]];
        assert_int_equal(kept->slot[i], b->slot[row]);
        assert_int_equal(kept->pos[i], b->pos[row]);
        assert_ptr_equal(s->tables, before->tables);
        assert_int_equal(s->len, before->len);
        assert_int_equal(s->adapter, before->adapter);
        assert_in_range(i, s->first_row, s->first_row + s->n_rows - 1);
    }
    for (int32_t i = 0; i < kept->n_seqs; i++) {
        assert_int_equal(kept->seqs[i].first_row, n_rows);
        assert_true(kept->seqs[i].n_rows > 0);
        n_rows += kept->seqs[i].n_rows;
    }
    assert_int_equal(n_rows, kept->n_tokens);
}

static void kept_rows_stay_with_their_sequences(void **state)
{
    (void)state;
    test_rng rng = test_rng_init(11);
    batch_arrays all, some;
    int32_t kept[MAX_ROWS], n_left_out = 0;
    assert_true(batch_arrays_init(&all, MAX_ROWS) && batch_arrays_init(&some, MAX_ROWS));
    for (int round = 0; round < 2000; round++) {
        batch b = random_batch(&rng, &all, kept), k = batch_kept_rows(&b, &some);
        check_kept(&b, &k);
        n_left_out += b.n_seqs - k.n_seqs;
    }
    assert_true(n_left_out > 100);
    batch_arrays_deinit(&all);
    batch_arrays_deinit(&some);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_follow_from_the_sequences),
        cmocka_unit_test(kept_rows_stay_with_their_sequences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
