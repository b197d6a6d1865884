/* test_bpe_forward.c - tokens from left to right, against the definition of BPE, on random lists of merges: learnt
 * ones, ones with several ways to make a token, and ones in no order. */
#include "test_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/bpe/bpe_forward.h"
#include "tiny_vocab.h"

#define MAX_MERGES 64
#define MAX_TOKEN  48 /* bytes */

/* ---- A list of merges --------------------------------------------------------------------------------------- */

typedef struct merge_list {
    tiny_vocab v;
    char left[MAX_MERGES][MAX_TOKEN], right[MAX_MERGES][MAX_TOKEN];
    int n;
} merge_list;

static void add_merge(merge_list *m, const char *left, const char *right)
{
    if (m->n == MAX_MERGES || strlen(left) + strlen(right) >= MAX_TOKEN) return;
    snprintf(m->left[m->n], MAX_TOKEN, "%s", left);
    snprintf(m->right[m->n++], MAX_TOKEN, "%s", right);
}

/* As a trainer does it: some pair of neighbours of a random text becomes a token, all over the text. */
static void learn(merge_list *m, test_rng *r, int n_letters)
{
    static char text[400][MAX_TOKEN];
    int n = 400;
    for (int i = 0; i < n; i++) snprintf(text[i], MAX_TOKEN, "%c", 'a' + test_rng_range(r, 0, n_letters - 1));
    for (int target = test_rng_range(r, 1, 40); m->n < target && n > 1;) {
        int at = test_rng_range(r, 0, n - 2), kept = 0;
        char left[MAX_TOKEN], right[MAX_TOKEN];
        snprintf(left, sizeof left, "%s", text[at]);
        snprintf(right, sizeof right, "%s", text[at + 1]);
        if (strlen(left) + strlen(right) >= MAX_TOKEN) return;
        add_merge(m, left, right);
        for (int i = 0; i < n; i++, kept++) {
            bool joins = i + 1 < n && !strcmp(text[i], left) && !strcmp(text[i + 1], right);
            memmove(text[kept], text[i], MAX_TOKEN);
            if (joins) memcpy(text[kept] + strlen(left), right, strlen(right) + 1);
            i += joins;
        }
        n = kept;
    }
}

/* Any two tokens that are there, a new one each time or a new way to make an old one. */
static void invent(merge_list *m, test_rng *r, int n_letters)
{
    for (int target = test_rng_range(r, 1, 40), tries = 0; m->n < target && tries < 200; tries++) {
        char part[2][MAX_TOKEN];
        for (int k = 0; k < 2; k++) {
            int from = test_rng_range(r, -n_letters, m->n - 1);
            if (from < 0) snprintf(part[k], MAX_TOKEN, "%c", 'a' - from - 1);
            else snprintf(part[k], MAX_TOKEN, "%.20s%.20s", m->left[from], m->right[from]);
        }
        add_merge(m, part[0], part[1]);
    }
}

static void shuffle(merge_list *m, test_rng *r)
{
    for (int i = m->n - 1; i > 0; i--) {
        int k = test_rng_range(r, 0, i);
        char left[MAX_TOKEN], right[MAX_TOKEN];
        memcpy(left, m->left[i], MAX_TOKEN), memcpy(right, m->right[i], MAX_TOKEN);
        memcpy(m->left[i], m->left[k], MAX_TOKEN), memcpy(m->right[i], m->right[k], MAX_TOKEN);
        memcpy(m->left[k], left, MAX_TOKEN), memcpy(m->right[k], right, MAX_TOKEN);
    }
}

/* ---- The same by definition ---------------------------------------------------------------------------------- */

static int rank_by_definition(const merge_list *m, const char *left, const char *right)
{
    for (int i = 0; i < m->n; i++)
        if (!strcmp(m->left[i], left) && !strcmp(m->right[i], right)) return i;
    return m->n;
}

/* The tokens of text: their number. */
static int merge_by_definition(const merge_list *m, const char *text, char tokens[][MAX_TOKEN])
{
    int n = (int)strlen(text);
    for (int i = 0; i < n; i++) snprintf(tokens[i], MAX_TOKEN, "%c", text[i]);
    for (;;) {
        int best = m->n, at = 0;
        for (int i = 0; i + 1 < n; i++) {
            int rank = rank_by_definition(m, tokens[i], tokens[i + 1]);
            if (rank < best) best = rank, at = i;
        }
        if (best == m->n) return n;
        memcpy(tokens[at] + strlen(tokens[at]), tokens[at + 1], strlen(tokens[at + 1]) + 1);
        memmove(tokens[at + 1], tokens[at + 2], (size_t)(n - at - 2) * MAX_TOKEN);
        n--;
    }
}

/* ---- Encoders ------------------------------------------------------------------------------------------------ */

typedef struct forward {
    tiny_tokenizer file;
    vocab v;
    pair_table pairs;
    bpe_forward f;
    bpe_forward_work work;
    id_list out;
} forward;

static void open_forward(forward *w, merge_list *m)
{
    pair_merge *merges;
    size_t n_merges;
    *w = (forward){ 0 };
    for (int i = 0; i < m->n; i++) {
        char line[2 * MAX_TOKEN];
        snprintf(line, sizeof line, "%s %s", m->left[i], m->right[i]);
        tiny_merge(&m->v, line);
    }
    w->file = tiny_open(&m->v);
    if (!w->file.tokenizer) fail_msg("%s", w->file.err.message);
    assert_int_equal(vocab_init(&w->v, w->file.file, NULL), SUMI_OK);
    assert_int_equal(pair_table_init(&w->pairs, &w->v, w->file.file, &merges, &n_merges, NULL), SUMI_OK);
    assert_int_equal(bpe_forward_init(&w->f, &w->v, &w->pairs, merges, n_merges, NULL), SUMI_OK);
    free(merges);
}

static void close_forward(forward *w)
{
    bpe_forward_deinit(&w->f);
    bpe_forward_work_deinit(&w->work);
    pair_table_deinit(&w->pairs);
    vocab_deinit(&w->v);
    tiny_close(&w->file);
    free(w->out.ids);
}

static bool encode(forward *w, const char *text, size_t n)
{
    w->out.n = 0;
    assert_true(id_list_reserve(&w->out, n));
    return bpe_forward_encode(&w->f, &w->work, text, n, &w->out);
}

/* ---- Tests --------------------------------------------------------------------------------------------------- */

/* Encodes random texts. Returns how many came out; each of these must be right. */
static int check_random_texts(forward *w, const merge_list *m, test_rng *r, int n_letters, int round)
{
    static char want[120][MAX_TOKEN];
    int n_done = 0;
    for (int i = 0; i < 20; i++) {
        char text[121];
        size_t n = (size_t)test_rng_range(r, 1, 120);
        for (size_t k = 0; k < n; k++) text[k] = (char)('a' + test_rng_range(r, 0, n_letters - 1));
        text[n] = '\0';
        if (!encode(w, text, n)) continue;
        n_done++;
        int n_want = merge_by_definition(m, text, want);
        for (int k = 0; k < n_want && k < (int)w->out.n; k++) {
            const vocab_text *got = &w->v.raw[w->out.ids[k]];
            if (got->n != strlen(want[k]) || memcmp(got->data, want[k], got->n) != 0)
                fail_msg("round %d, '%s': token %d is '%.*s', not '%s'", round, text, k, (int)got->n, got->data,
                         want[k]);
        }
        assert_int_equal(w->out.n, n_want);
    }
    return n_done;
}

enum { LEARNT, INVENTED, SHUFFLED, N_KINDS };

static void texts_become_the_tokens_that_merging_gives(void **state)
{
    test_rng r = test_rng_init(8);
    int n_done[N_KINDS] = { 0 };
    (void)state;
    for (int round = 0; round < 900; round++) {
        static merge_list m;
        forward w;
        int kind = round % N_KINDS, n_letters = test_rng_range(&r, 1, 4);
        m.n = 0;
        tiny_init(&m.v, "gpt2");
        tiny_bytes(&m.v);
        if (kind == INVENTED) invent(&m, &r, n_letters);
        else learn(&m, &r, n_letters);
        if (kind == SHUFFLED) shuffle(&m, &r);
        open_forward(&w, &m);
        int n = check_random_texts(&w, &m, &r, n_letters, round);
        if (kind == LEARNT && n < 20) fail_msg("round %d: %d of 20 texts were left to the merge loop", round, 20 - n);
        n_done[kind] += n;
        close_forward(&w);
    }
    assert_true(n_done[INVENTED] > 1000 && n_done[SHUFFLED] > 200); /* of 6000: these were checked, too */
}

/* Merges that double a letter's run: 1, 2, 4 ... 32. */
static void open_runs(forward *w, merge_list *m)
{
    char half[MAX_TOKEN] = "a";
    m->n = 0;
    tiny_init(&m->v, "gpt2");
    tiny_bytes(&m->v);
    for (int n = 1; n < 32; n *= 2) {
        add_merge(m, half, half);
        memset(half, 'a', (size_t)n * 2);
        half[n * 2] = '\0';
    }
    open_forward(w, m);
}

static void work_grows_with_the_length_of_a_piece(void **state)
{
    static merge_list m;
    forward w;
    size_t n = 1000003;
    char *text = malloc(n);
    (void)state;
    open_runs(&w, &m);
    memset(text, 'a', n);
    assert_true(encode(&w, text, n));
    assert_int_equal(w.out.n, n / 32 + 2); /* ... 32 32 2 1 */
    assert_true(w.work.n_steps < 16 * n);
    free(text);
    close_forward(&w);
}

static void a_byte_without_a_token_is_left_to_the_merge_loop(void **state)
{
    static merge_list m;
    forward w;
    m.n = 0;
    tiny_init(&m.v, "gpt2");
    tiny_token(&m.v, "a", 1, 0);
    tiny_token(&m.v, "b", 1, 0);
    add_merge(&m, "a", "b");
    (void)state;
    open_forward(&w, &m);
    assert_true(encode(&w, "abba", 4));
    assert_int_equal(w.out.n, 3);
    assert_false(encode(&w, "ab-ba", 5));
    assert_int_equal(w.out.n, 0);
    close_forward(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_the_tokens_that_merging_gives),
        cmocka_unit_test(work_grows_with_the_length_of_a_piece),
        cmocka_unit_test(a_byte_without_a_token_is_left_to_the_merge_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
