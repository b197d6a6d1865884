/* test_pretok.c - cuts and ids of every name of tokenizer.ggml.pre, equal to those of `tokenizers`: for each text, a
 * hash over the lengths of the pieces and the ids that one vocabulary gives. The vocabulary has merges over every
 * kind of cut, so that a wrong cut gives other ids. The goldens are made by make_pretok.py. */
#include "test_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden_hash.h"
#include "text/pretok.h"
#include "tiny_vocab.h"

static tiny_tokenizer open_vocab(const json_t *vocab, const char *pre)
{
    tiny_vocab v;
    json_t *item;
    size_t i;
    tiny_init(&v, "gpt2");
    gb_str(&v.file, "tokenizer.ggml.pre", pre);
    json_array_foreach(json_object_get(vocab, "tokens"), i, item) tiny_token(&v, json_string_value(item), 1, 0);
    json_array_foreach(json_object_get(vocab, "merges"), i, item)
        v.merges[v.n_merges++] = strdup(json_string_value(item));
    return tiny_open(&v);
}

/* ---- Pieces ------------------------------------------------------------------------------------------------- */

typedef struct numbers {
    uint32_t *data;
    size_t n, cap;
} numbers;

static void add(numbers *a, uint32_t value)
{
    if (a->n == a->cap) a->data = realloc(a->data, (a->cap = 2 * a->cap + 64) * sizeof *a->data);
    a->data[a->n++] = value;
}

static bool add_piece(void *user, const char *piece, size_t n)
{
    (void)piece;
    add(user, (uint32_t)n);
    return true;
}

/* A rule as machine code and for PCRE2's interpreter. */
typedef struct cutter {
    const pretok_rule *rule;
    pretok *p[2];
    pretok_work *w[2];
    numbers pieces[2]; /* their lengths */
} cutter;

static void open_cutter(cutter *c, const char *pre)
{
    sumi_error err;
    *c = (cutter){ .rule = pretok_find_rule(pre, strlen(pre)) };
    if (!c->rule) fail_msg("no rule is named '%s'", pre);
    for (int jit = 0; jit < 2; jit++) {
        if (pretok_create(&c->p[jit], c->rule, jit, &err)) fail_msg("%s", err.message);
        assert_non_null(c->w[jit] = pretok_work_create(c->p[jit]));
    }
}

static void close_cutter(cutter *c)
{
    for (int jit = 0; jit < 2; jit++) {
        pretok_work_destroy(c->w[jit]);
        pretok_destroy(c->p[jit]);
        free(c->pieces[jit].data);
    }
}

/* The pieces of text in its normal form, on which machine code and interpreter must agree. */
static const numbers *cut(cutter *c, const char *text, size_t n)
{
    char *normal = NULL;
    if (c->rule->normalizes) {
        size_t n_normal;
        assert_int_equal(normalize_form(c->rule->form, text, n, &normal, &n_normal), SUMI_OK);
        if (normal) text = normal, n = n_normal;
    }
    for (int jit = 0; jit < 2; jit++) {
        c->pieces[jit].n = 0;
        assert_int_equal(pretok_split(c->p[jit], c->w[jit], text, n, add_piece, &c->pieces[jit]), SUMI_OK);
    }
    free(normal);
    const numbers *a = &c->pieces[0], *b = &c->pieces[1];
    assert_int_equal(a->n, b->n);
    if (a->n) assert_memory_equal(a->data, b->data, a->n * sizeof *a->data);
    return a;
}

/* ---- Comparing ---------------------------------------------------------------------------------------------- */

static void print(const char *pre, const json_t *text, const numbers *pieces, const int32_t *ids, int32_t n_ids)
{
    char *escaped = json_dumps(text, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    fprintf(stderr, "%s: %s\n  pieces", pre, escaped);
    for (size_t i = 0; i < pieces->n; i++) fprintf(stderr, " %u", pieces->data[i]);
    fprintf(stderr, "\n  ids");
    for (int32_t i = 0; i < n_ids; i++) fprintf(stderr, " %d", ids[i]);
    fputc('\n', stderr);
    free(escaped);
}

/* The number of texts that differ from the hashes, which are four characters each. */
static int check_name(const char *pre, const char *hashes, const json_t *texts, const json_t *vocab)
{
    cutter c;
    open_cutter(&c, pre);
    tiny_tokenizer t = open_vocab(vocab, pre);
    if (!t.tokenizer) fail_msg("%s: %s", pre, t.err.message);
    json_t *text;
    size_t i;
    int n_wrong = 0;
    assert_int_equal(strlen(hashes), 4 * json_array_size(texts));
    json_array_foreach(texts, i, text)
    {
        int32_t *ids, n_ids;
        const char *s = json_string_value(text);
        size_t n = json_string_length(text);
        const numbers *pieces = cut(&c, s, n);
        assert_int_equal(tokenizer_encode(t.tokenizer, s, n, 0, &ids, &n_ids, NULL), SUMI_OK);
        uint32_t value = golden_hash(pieces->data, pieces->n, GOLDEN_HASH_START);
        value = golden_hash((const uint32_t *)ids, (size_t)n_ids, value);
        if (!golden_hash_equals(hashes, i, value)) {
            print(pre, text, pieces, ids, n_ids);
            n_wrong++;
        }
        free(ids);
    }
    close_cutter(&c);
    tiny_close(&t);
    return n_wrong;
}

static void every_pre_tokenizer_gives_the_pieces_and_ids_of_tokenizers(void **state)
{
    json_t *all = golden_load("tokenizer/texts"), *vocab = golden_load("pretok/vocab"),
           *golden = golden_load("pretok/golden");
    const json_t *texts = json_object_get(all, "texts");
    json_t *chain, *name;
    size_t c, i;
    int n_wrong = 0;
    (void)state;
    assert_true(json_array_size(texts) >= 300);
    json_array_foreach(golden, c, chain) json_array_foreach(json_object_get(chain, "names"), i, name)
        n_wrong += check_name(json_string_value(name), json_string_value(json_object_get(chain, "hashes")), texts,
                              vocab);
    json_decref(all);
    json_decref(vocab);
    json_decref(golden);
    assert_int_equal(n_wrong, 0);
}

static bool is_golden(const json_t *golden, const char *name)
{
    json_t *chain, *item;
    size_t c, i;
    json_array_foreach(golden, c, chain)
        json_array_foreach(json_object_get(chain, "names"), i,
                           item) if (!strcmp(json_string_value(item), name)) return true;
    return false;
}

static void no_rule_is_without_a_golden(void **state)
{
    json_t *golden = golden_load("pretok/golden");
    const pretok_rule *rule;
    (void)state;
    for (size_t i = 0; (rule = pretok_rule_at(i)); i++)
        for (int k = 0; k < PRETOK_MAX_NAMES && rule->names[k]; k++)
            if (strcmp(rule->names[k], "default") != 0 && !is_golden(golden, rule->names[k]))
                fail_msg("the golden file does not have '%s'", rule->names[k]);
    json_decref(golden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pre_tokenizer_gives_the_pieces_and_ids_of_tokenizers),
        cmocka_unit_test(no_rule_is_without_a_golden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
