/* test_event_copy.c - copies of events: equal to the original, and independent of it. */
#include "engine/requests/event_copy.h"

#include <stdlib.h>
#include <string.h>

#include "test_support.h"

enum { N_MOST = 20, N_LOGPROBS = 3 };

typedef struct original {
    sumi_choice choices[N_MOST], top[N_MOST * N_LOGPROBS];
    int32_t ranks[N_MOST];
    float embedding[N_MOST];
    char text[N_MOST], stop[N_MOST];
} original;

static void fill(original *o, uint8_t byte)
{
    memset(o, byte, sizeof *o);
    o->stop[N_MOST - 1] = '\0';
}

/* Each array is there or not, of a random size. */
static sumi_event random_event(test_rng *r, original *o)
{
    int32_t n = test_rng_range(r, 0, N_MOST);
    sumi_event e = { .type = SUMI_EVENT_PIECE, .time_ms = 5, .request = 7 };
    fill(o, 'a');
    if (test_rng_range(r, 0, 1)) e.piece.choices = o->choices, e.piece.n_choices = n;
    if (e.piece.choices && test_rng_range(r, 0, 1)) e.piece.top = o->top;
    if (e.piece.choices && test_rng_range(r, 0, 1)) e.ranks = o->ranks;
    if (test_rng_range(r, 0, 1)) e.embedding = o->embedding, e.n_embd = test_rng_range(r, 1, N_MOST);
    if (test_rng_range(r, 0, 1)) e.stop = o->stop + test_rng_range(r, 0, N_MOST - 1);
    if (test_rng_range(r, 0, 1)) e.piece.text = o->text, e.piece.n_bytes = (size_t)test_rng_range(r, 0, N_MOST);
    return e;
}

static void assert_copied(const void *copy, const void *from, size_t n_bytes)
{
    if (!from) {
        assert_null(copy);
        return;
    }
    assert_ptr_not_equal(copy, from);
    assert_int_equal((uintptr_t)copy % 8, 0);
    for (size_t i = 0; i < n_bytes; i++) assert_int_equal(((const char *)copy)[i], 'a');
}

static void a_copy_does_not_need_the_original(void **state)
{
    (void)state;
    test_rng r = test_rng_init(1);
    for (int round = 0; round < 500; round++) {
        static original o;
        const sumi_event e = random_event(&r, &o);
        sumi_event c = e;
        size_t head = (size_t)test_rng_range(&r, 0, 40), n = (size_t)e.piece.n_choices;
        size_t n_stop = e.stop ? strlen(e.stop) : 0;
        char *memory = event_copy(&c, N_LOGPROBS, head);
        assert_non_null(memory);
        memset(memory, 'h', head); /* the caller's */
        fill(&o, 'b');
        assert_copied(c.piece.choices, e.piece.choices, n * sizeof *o.choices);
        assert_copied(c.piece.top, e.piece.top, n * N_LOGPROBS * sizeof *o.top);
        assert_copied(c.ranks, e.ranks, n * sizeof *o.ranks);
        assert_copied(c.embedding, e.embedding, (size_t)e.n_embd * sizeof *o.embedding);
        assert_copied(c.stop, e.stop, n_stop);
        if (c.stop) assert_int_equal(strlen(c.stop), n_stop);
        for (size_t i = 0; i < e.piece.n_bytes; i++) assert_int_equal(c.piece.text[i], 'a');
        assert_int_equal(c.piece.text[e.piece.n_bytes], '\0');
        assert_int_equal(c.request, 7);
        assert_true(c.time_ms == 5);
        free(memory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_does_not_need_the_original),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
