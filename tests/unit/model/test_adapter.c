/* test_adapter.c - a LoRA adapter in the place of a model: one line says what it is and which model it belongs to, for a folder
 * as PEFT writes it and a GGUF file as llama.cpp's convert_lora_to_gguf.py does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gguf_builder.h"
#include "hf_folder.h"
#include "test_support.h"

#define CONFIG "{\"peft_type\":\"LORA\",\"r\":8,\"lora_alpha\":16,\"base_model_name_or_path\":\"owner/base\"}"

static void expect_adapter(const char *path, const char *base)
{
    char want[128];
    sumi_error err;
    sumi_model *m;
    snprintf(want, sizeof want, "this is a LoRA adapter for %s, not a model", base);
    test_expect_error(sumi_model_open(&m, path, NULL, &err), SUMI_EUNSUPPORTED, &err, want);
    assert_null(m);
    test_expect_error(sumi_convert(path, "/no/such", NULL, &err), SUMI_EUNSUPPORTED, &err, want);
}

static void put(const test_folder *f, const char *name, const char *text)
{
    test_folder_write(f, name, text, strlen(text));
}

static void a_folder_of_peft(void **state)
{
    (void)state;
    test_folder whole = test_hf_folder("qwen3"), f = test_folder_create();
    char path[128];
    put(&f, "adapter_config.json", CONFIG);
    put(&f, "adapter_model.safetensors", "");
    expect_adapter(f.path, "owner/base");
    snprintf(path, sizeof path, "%s/adapter_model.safetensors", f.path);
    expect_adapter(path, "owner/base");
    size_t n;
    snprintf(path, sizeof path, "%s/tokenizer.json", whole.path);
    char *tokenizer = test_read_file(path, &n);
    test_folder_write(&f, "tokenizer.json", tokenizer, n); /* trainers write it beside the adapter */
    expect_adapter(f.path, "owner/base");
    put(&f, "config.json", "{\"architectures\":[\"LlamaForCausalLM\"]}"); /* some, the base model's, too */
    expect_adapter(f.path, "owner/base");
    put(&f, "adapter_config.json", "{\"peft_type\":\"LORA\"}");
    expect_adapter(f.path, "a model that it does not name");
    free(tokenizer);
    test_folder_remove(&f);

    put(&whole, "adapter_config.json", CONFIG); /* the weights of a whole model are there */
    sumi_model *m;
    sumi_error err;
    if (sumi_model_open(&m, whole.path, NULL, &err) != SUMI_OK) fail_msg("%s", err.message);
    sumi_model_close(m);
    test_folder_remove(&whole);
}

static void a_gguf_file(void **state)
{
    (void)state;
    static const float a[32];
    test_folder f = test_folder_create();
    char path[128];
    snprintf(path, sizeof path, "%s/adapter.gguf", f.path);
    for (int named = 0; named < 2; named++) {
        gguf_builder b;
        gb_init(&b);
        gb_str(&b, "general.architecture", "llama");
        gb_str(&b, "general.type", "adapter");
        gb_str(&b, "adapter.type", "lora");
        gb_f32(&b, "adapter.lora.alpha", 16);
        if (named) gb_str(&b, "general.base_model.0.name", "Base 1B");
        gb_tensor(&b, "blk.0.attn_q.weight.lora_a", DTYPE_F32, 2, (uint64_t[]){ 32, 1 }, a, sizeof a);
        gb_write(&b, path);
        expect_adapter(path, named ? "Base 1B" : "a model that it does not name");
    }
    test_folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_of_peft),
        cmocka_unit_test(a_gguf_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
