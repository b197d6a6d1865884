/* test_cost.c - what a step costs: worked by hand for a tiny gemma3, counted from the file for the others. */
#include "bench/cost.h"

#include <stdio.h>
#include <string.h>

#include "format/gguf.h"
#include "test_support.h"

typedef struct loaded {
    model_source *file;
    backend *be;
    model *m;
} loaded;

static loaded load(const char *name, const char *isa, sumi_activations activations)
{
    char path[96];
    sumi_error err;
    loaded l;
    snprintf(path, sizeof path, "tests/golden/tiny/%s.gguf", name);
    if (gguf_open(&l.file, test_source_path(path), &err) || backend_cpu_create(&l.be, isa, activations, &err) ||
        model_create(&l.m, l.file, l.be, NULL, &err))
        fail_msg("%s", err.message);
    return l;
}

static void unload(loaded *l)
{
    model_destroy(l->m);
    l->be->destroy(l->be);
    model_source_close(l->file);
}

/* Packed matrices may take 15 % more than those of the file. */
static void assert_bytes(uint64_t bytes, uint64_t in_file)
{
    assert_in_range(bytes, in_file, in_file + in_file * 15 / 100);
}

static void a_tiny_gemma3_costs_what_paper_and_pencil_say(void **state)
{
    (void)state;
    loaded l = load("gemma3", NULL, SUMI_ACTIVATIONS_AUTO);
    model_cost c = model_cost_of(l.m);
    /* 7 layers, n_embd 32, q 64, k and v 32, n_ff 64: 2048 + 1024 + 1024 + 2048 + 3 * 2048; f16. 288 tokens, tied. */
    assert_int_equal(c.layers.n_f32 + c.layers.n_int8, 7 * 12288);
    assert_int_equal(c.output.n_f32 + c.output.n_int8, 288 * 32);
    assert_bytes(c.layers.bytes, 2 * 7 * 12288);
    assert_bytes(c.output.bytes, 2 * 288 * 32);
    /* One KV head of 32: 128 bytes of f16 for a token of a layer. Six of seven layers see 8 tokens at most. */
    assert_int_equal(model_kv_bytes(l.m, 1), 7 * 128);
    assert_int_equal(model_kv_bytes(l.m, 8), 7 * 8 * 128);
    assert_int_equal(model_kv_bytes(l.m, 20), (6 * 8 + 20) * 128);
    unload(&l);
}

static void float_activations_double_the_cache_and_the_products_in_float32(void **state)
{
    (void)state;
    loaded l = load("gemma3", NULL, SUMI_ACTIVATIONS_F32);
    assert_int_equal(model_kv_bytes(l.m, 20), (6 * 8 + 20) * 256);
    model_cost c = model_cost_of(l.m);
    assert_int_equal(c.layers.n_int8 + c.output.n_int8, 0);
    unload(&l);
}

/* Elements and bytes of the file's matrices: of the layers, or of the one that makes logits. */
static void count_matrices(const model_source *src, bool of_layers, uint64_t *n_elems, uint64_t *n_bytes)
{
    const char *output = model_source_find_tensor(src, "output.weight") ? "output.weight" : "token_embd.weight";
    *n_elems = *n_bytes = 0;
    for (int64_t i = 0; i < model_source_n_tensors(src); i++) {
        const source_tensor *t = model_source_tensor_at(src, i);
        bool is_layer = t->name.n > 4 && !memcmp(t->name.data, "blk.", 4) && t->n_dims == 2;
        bool is_output = t->name.n == strlen(output) && !memcmp(t->name.data, output, t->name.n);
        if (of_layers ? !is_layer : !is_output) continue;
        *n_elems += (uint64_t)t->n_elems;
        *n_bytes += t->n_bytes;
    }
}

static void every_matrix_of_a_file_is_counted_once(void **state)
{
    static const char *const names[] = { "gemma3",       "llama-linear", "llama-rope3", "qwen2-tied",
                                         "qwen2-untied", "phi3",         "gpt2" };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        loaded l = load(names[i], "ref", SUMI_ACTIVATIONS_AUTO);
        model_cost c = model_cost_of(l.m);
        uint64_t n_elems, n_bytes;
        count_matrices(l.file, true, &n_elems, &n_bytes);
        assert_int_equal(c.layers.n_f32 + c.layers.n_int8, n_elems);
        assert_bytes(c.layers.bytes, n_bytes);
        count_matrices(l.file, false, &n_elems, &n_bytes);
        assert_int_equal(c.output.n_f32 + c.output.n_int8, n_elems);
        assert_bytes(c.output.bytes, n_bytes);
        unload(&l);
    }
}

/* Q8_0 experts of a tiny mixtral, of 64 x 32: two of four in each of two layers, 34 bytes for 32 values. */
static void a_token_costs_the_experts_that_it_chooses(void **state)
{
    (void)state;
    loaded l = load("mixtral", NULL, SUMI_ACTIVATIONS_AUTO);
    model_cost c = model_cost_of(l.m);
    assert_int_equal(c.experts.n_int8 + c.experts.n_f32, 2 * 2 * 3 * 64 * 32);
    assert_bytes(c.experts.bytes, 2 * 2 * 3 * 64 * 34);
    /* q and o 32 x 32, k and v 16 x 32, all F16, and the router 4 x 32. */
    assert_int_equal(c.layers.n_f32 + c.layers.n_int8, 2 * (2 * 1024 + 2 * 512 + 128));
    unload(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tiny_gemma3_costs_what_paper_and_pencil_say),
        cmocka_unit_test(float_activations_double_the_cache_and_the_products_in_float32),
        cmocka_unit_test(a_token_costs_the_experts_that_it_chooses),
        cmocka_unit_test(every_matrix_of_a_file_is_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
