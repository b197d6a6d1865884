/* test_file_type.c - file_type.c: which type each tensor gets. */
#include "compress/file_type.h"

#include <stdio.h>
#include <string.h>

#include "test_support.h"

static dtype type_of(const char *mix, const char *name, dtype from, int32_t n_dims, int64_t n_cols, bool tied)
{
    source_tensor t = { .name = { name, strlen(name) },
                        .type = dtype_find((uint32_t)from),
                        .n_dims = n_dims,
                        .dims = { n_cols, 64, 1, 1 } };
    const file_type *f = mix ? file_type_find(mix) : NULL;
    assert_true(!mix || f);
    dtype want, got = file_type_of(f, &t, 16, tied, &want);
    assert_int_equal(got, file_type_of(f, &t, 16, tied, NULL));
    if (n_cols % 256 == 0) assert_int_equal(got, want); /* every block fits */
    return got;
}

static void assert_type(const char *mix, const char *name, dtype expected)
{
    dtype type = type_of(mix, name, DTYPE_BF16, 2, 512, false);
    if (type != expected)
        fail_msg("%s: %s becomes %s, not %s", mix ? mix : "no mix", name, dtype_find((uint32_t)type)->name,
                 dtype_find((uint32_t)expected)->name);
}

static void what_is_no_matrix_of_a_product_stays_float(void **state)
{
    (void)state;
    static const char *const names[] = { "output_norm.weight",        "blk.3.attn_q_norm.weight",
                                         "blk.0.ffn_gate_inp.weight", "position_embd.weight",
                                         "token_types.weight",        "blk.1.ffn_up_exps.bias" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_type("Q4_K_M", names[i], DTYPE_F32);
        assert_type("BF16", names[i], DTYPE_F32);
        assert_type(NULL, names[i], DTYPE_F32);
    }
    assert_int_equal(type_of("Q8_0", "blk.0.attn_q.bias", DTYPE_BF16, 1, 512, false), DTYPE_F32);
    assert_int_equal(type_of("Q8_0", "rope_freqs.weight", DTYPE_F32, 1, 512, false), DTYPE_F32);
}

static void values_and_down_projections_get_more_bits_in_some_layers(void **state)
{
    (void)state;
    for (int layer = 0; layer < 16; layer++) { /* of 16: eighths are two layers */
        bool more = layer < 2 || layer >= 14 || (layer - 2) % 3 == 2;
        char name[64];
        snprintf(name, sizeof name, "blk.%d.attn_v.weight", layer);
        assert_type("Q4_K_M", name, more ? DTYPE_Q6_K : DTYPE_Q4_K);
        assert_type("Q4_K_S", name, layer < 2 ? DTYPE_Q5_K : DTYPE_Q4_K);
        assert_type("Q2_K", name, DTYPE_Q3_K);
        snprintf(name, sizeof name, "blk.%d.ffn_down_exps.weight", layer);
        assert_type("Q5_K_M", name, more ? DTYPE_Q6_K : DTYPE_Q5_K);
    }
    assert_type("Q4_K_M", "blk.0.attn_q.weight", DTYPE_Q4_K);
    assert_type("Q4_K_M", "blk.0.ffn_up.weight", DTYPE_Q4_K);
    assert_type("Q4_K_M", "blk.5.attn_qkv.weight", DTYPE_Q5_K);
}

static void the_output_matrix_gets_six_bits_whichever_it_is(void **state)
{
    (void)state;
    assert_type("Q4_0", "output.weight", DTYPE_Q6_K);
    assert_type("Q4_0", "token_embd.weight", DTYPE_Q4_0);
    assert_type("Q8_0", "output.weight", DTYPE_Q8_0);
    assert_int_equal(type_of("Q4_0", "token_embd.weight", DTYPE_F16, 2, 512, true), DTYPE_Q6_K);
}

static void rows_that_blocks_do_not_divide_get_a_type_that_fits(void **state)
{
    (void)state;
    assert_int_equal(type_of("Q4_K_M", "blk.8.ffn_up.weight", DTYPE_F16, 2, 576, false), DTYPE_Q5_0);
    assert_int_equal(type_of("Q6_K", "output.weight", DTYPE_F16, 2, 576, false), DTYPE_Q8_0);
    assert_int_equal(type_of("Q2_K", "blk.8.ffn_up.weight", DTYPE_F16, 2, 96, false), DTYPE_IQ4_NL);
    assert_int_equal(type_of("Q8_0", "blk.8.ffn_up.weight", DTYPE_F32, 2, 40, false), DTYPE_F16);
    assert_int_equal(type_of("BF16", "blk.8.ffn_up.weight", DTYPE_F32, 2, 7, false), DTYPE_BF16);
}

static void without_a_type_matrices_keep_theirs(void **state)
{
    (void)state;
    assert_int_equal(type_of(NULL, "blk.8.ffn_up.weight", DTYPE_Q5_K, 2, 512, false), DTYPE_Q5_K);
    assert_int_equal(type_of(NULL, "output.weight", DTYPE_F16, 2, 512, false), DTYPE_F16);
    assert_int_equal(type_of("Q8_0", "blk.8.ffn_up_exps.weight", DTYPE_MXFP4, 3, 512, false), DTYPE_MXFP4);
}

static void names_are_found_in_any_case_and_listed_once(void **state)
{
    (void)state;
    assert_string_equal(file_type_find("q4_k_m")->name, "Q4_K_M");
    assert_null(file_type_find("Q4_K_L"));
    assert_null(file_type_find(""));
    for (int32_t i = 0; file_type_at(i); i++) assert_ptr_equal(file_type_find(file_type_at(i)->name), file_type_at(i));
    assert_null(file_type_at(-1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_matrix_of_a_product_stays_float),
        cmocka_unit_test(values_and_down_projections_get_more_bits_in_some_layers),
        cmocka_unit_test(the_output_matrix_gets_six_bits_whichever_it_is),
        cmocka_unit_test(rows_that_blocks_do_not_divide_get_a_type_that_fits),
        cmocka_unit_test(without_a_type_matrices_keep_theirs),
        cmocka_unit_test(names_are_found_in_any_case_and_listed_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
