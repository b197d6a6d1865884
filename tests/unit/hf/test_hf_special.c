/* test_hf_special.c - what the companions of tokenizer.json and its post-processor say about single tokens: what stands
 * around a text, and what ends an answer. Expected ids are those of `tokenizers` for the same post-processors. */
#include <stdlib.h>
#include <string.h>

#include "format/gguf.h"
#include "hf/tokenizer/hf_tokenizer.h"
#include "test_support.h"
#include "text/tokenizer.h"

enum { A, B, EOT, BOS, EOS, MASK, SOP };

#define NAMED(id, text) "{\"id\": " #id ", \"content\": \"" text "\", \"special\": true}"

typedef struct opened {
    hf_folder folder;
    uint8_t *head;
    model_source *file;
    tokenizer *t;
    sumi_error err;
    sumi_status status;
} opened;

static const char *const no_config = "{}";

static json_t *parse(const char *json)
{
    json_error_t why;
    json_t *value = json_loads(json, 0, &why);
    if (!value) fail_msg("%s: %s", json, why.text);
    return value;
}

/* A byte-level vocabulary of two letters, and these parts of a folder; generation may be NULL. */
static opened open_folder(const char *post, const char *tokenizer_config, const char *config, const char *generation)
{
    size_t n;
    gguf_head head;
    opened o = { .folder = { .path = (char *)(uintptr_t) "folder" } };
    o.folder.tokenizer = parse(
        "{\"added_tokens\": [" NAMED(2, "<turn_end>") ", " NAMED(3, "<s>") ", " NAMED(4, "</s>") ", " NAMED(
            5,
            "[gMask]") ", " NAMED(6,
                                  "<sop>") "], \"normalizer\": null, \"pre_tokenizer\": {\"type\": "
                                           "\"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": true}, \"model\": {\"type\": \"BPE\", "
                                           "\"vocab\": {\"a\": 0, \"b\": 1}, \"merges\": []}}");
    if (strcmp(post, "null")) json_object_set_new(o.folder.tokenizer, "post_processor", parse(post));
    o.folder.tokenizer_config = parse(tokenizer_config);
    o.folder.config = parse(config);
    if (generation) o.folder.generation = parse(generation);
    gguf_head_init(&head, 32);
    o.status = hf_tokenizer_write(&o.folder, 0, &head, &o.err);
    o.head = gguf_head_take(&head, &n);
    assert_non_null(o.head);
    assert_int_equal(gguf_open_memory(&o.file, o.head, n, "head", NULL), SUMI_OK);
    if (o.status == SUMI_OK) o.status = tokenizer_create(&o.t, o.file, &o.err);
    return o;
}

static void close_folder(opened *o)
{
    tokenizer_destroy(o->t);
    model_source_close(o->file);
    free(o->head);
    json_decref(o->folder.tokenizer);
    json_decref(o->folder.tokenizer_config);
    json_decref(o->folder.config);
    json_decref(o->folder.generation);
}

/* want ends with -1. */
static void expect_around(const char *post, const char *tokenizer_config, const int32_t *want)
{
    opened o = open_folder(post, tokenizer_config, no_config, NULL);
    int32_t *ids, n = 0, first, n_text;
    if (o.status != SUMI_OK) fail_msg("%s: %s", post, o.err.message);
    assert_int_equal(tokenizer_encode(o.t, "ab", 2, SUMI_TOKENIZE_BOS_EOS, &ids, &n, NULL), SUMI_OK);
    for (int32_t i = 0; i < n; i++) {
        if (ids[i] != want[i]) fail_msg("%s: id %d is %d, not %d", post, i, ids[i], want[i]);
    }
    if (want[n] != -1) fail_msg("%s: %d ids are too few", post, n);
    tokenizer_find_text(o.t, ids, n, &first, &n_text);
    assert_int_equal(n_text, 2);
    assert_int_equal(ids[first], A);
    free(ids);
    close_folder(&o);
}

#define TOKEN(text) "{\"SpecialToken\": {\"id\": \"" text "\", \"type_id\": 0}}"
#define TEXT        "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}"
#define TEMPLATE(entries) \
    "{\"type\": \"TemplateProcessing\", \"single\": [" entries "], \"pair\": [], \"special_tokens\": {}}"
#define BYTES          "{\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": false, \"use_regex\": true}"
#define SEQUENCE(list) "{\"type\": \"Sequence\", \"processors\": [" list "]}"
#define IDS(...)       ((const int32_t[]){ __VA_ARGS__, -1 })

static void the_post_processor_says_what_stands_around_a_text(void **state)
{
    (void)state;
    const char *eos_is_turn_end = "{\"eos_token\": \"<turn_end>\", \"bos_token\": \"<s>\"}";
    expect_around("null", no_config, IDS(A, B));
    expect_around(BYTES, eos_is_turn_end, IDS(A, B));
    expect_around(TEMPLATE(TEXT ", " TOKEN("</s>")), eos_is_turn_end, IDS(A, B, EOS)); /* as Qwen3-Embedding */
    expect_around(SEQUENCE(BYTES ", " TEMPLATE(TEXT ", " TOKEN("</s>"))), eos_is_turn_end, IDS(A, B, EOS));
    expect_around(TEMPLATE(TOKEN("[gMask]") ", " TOKEN("<sop>") ", " TEXT), no_config, IDS(MASK, SOP, A, B));
    expect_around(TEMPLATE(TOKEN("<s>") ", " TEXT ", " TOKEN("</s>") ", " TOKEN("<turn_end>")), no_config,
                  IDS(BOS, A, B, EOS, EOT));
    expect_around(SEQUENCE(TEMPLATE(TOKEN("<sop>") ", " TEXT ", " TOKEN("<turn_end>")) ", " TEMPLATE(
                      TOKEN("<s>") ", " TEXT ", " TOKEN("</s>"))),
                  no_config, IDS(BOS, SOP, A, B, EOT, EOS));
    expect_around("{\"type\": \"BertProcessing\", \"sep\": [\"</s>\", 4], \"cls\": [\"<s>\", 3]}", no_config,
                  IDS(BOS, A, B, EOS));
    expect_around("{\"type\": \"RobertaProcessing\", \"sep\": [\"<turn_end>\", 2], \"cls\": [\"<sop>\", 6], "
                  "\"trim_offsets\": true, \"add_prefix_space\": false}",
                  eos_is_turn_end, IDS(SOP, A, B, EOT));
}

static void a_template_name_may_stand_for_several_ids(void **state)
{
    (void)state;
    expect_around("{\"type\": \"TemplateProcessing\", \"single\": [" TOKEN(
                      "start") ", " TEXT "], \"special_tokens\": "
                               "{\"start\": {\"id\": \"start\", \"ids\": [3, 6], \"tokens\": [\"<s>\", \"<sop>\"]}}}",
                  no_config, IDS(BOS, SOP, A, B));
}

/* As transformers since version 5 with a tokenizer.json. */
static void a_template_goes_before_the_flags_of_the_companion(void **state)
{
    (void)state;
    const char
        *both = "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\", \"add_bos_token\": true, \"add_eos_token\": true}";
    const char *none = "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\", \"add_bos_token\": false}";
    expect_around(TEMPLATE(TOKEN("<s>") ", " TEXT), both, IDS(BOS, A, B));
    expect_around(TEMPLATE(TOKEN("<s>") ", " TEXT), none, IDS(BOS, A, B));
    expect_around(TEMPLATE(TEXT), both, IDS(A, B));
    expect_around(BYTES, both, IDS(BOS, A, B, EOS)); /* nothing else says so: as llama.cpp's converter */
}

static void expect_refused(const char *post, sumi_status status, const char *part)
{
    opened o = open_folder(post, no_config, no_config, NULL);
    test_expect_error(o.status, status, &o.err, part);
    close_folder(&o);
}

static void other_post_processors_are_named(void **state)
{
    (void)state;
    expect_refused("{\"type\": \"Shuffle\"}", SUMI_EUNSUPPORTED, "'Shuffle'");
    expect_refused(TEMPLATE(TEXT ", " TEXT), SUMI_EUNSUPPORTED, "2 texts");
    expect_refused(TEMPLATE(TOKEN("<s>")), SUMI_EUNSUPPORTED, "0 texts");
    expect_refused(TEMPLATE(TOKEN("<nobody>") ", " TEXT), SUMI_EFORMAT, "'<nobody>'");
    expect_refused("{\"type\": \"BertProcessing\"}", SUMI_EFORMAT, "'cls'");
#define FOUR TOKEN("<s>") ", " TOKEN("<s>") ", " TOKEN("<s>") ", " TOKEN("<s>") ", "
    expect_refused(TEMPLATE(FOUR FOUR FOUR FOUR TOKEN("<s>") ", " TEXT), SUMI_ELIMIT, "more than 16");
}

/* A set of bits, one for each id that ends an answer. */
static unsigned ends_of(const char *tokenizer_config, const char *config, const char *generation)
{
    unsigned ends = 0;
    opened o = open_folder("null", tokenizer_config, config, generation);
    if (o.status != SUMI_OK) fail_msg("%s", o.err.message);
    for (int32_t id = A; id <= SOP; id++) ends |= (unsigned)tokenizer_is_end(o.t, id) << id;
    close_folder(&o);
    return ends;
}

static void any_token_of_the_lists_ends_an_answer(void **state)
{
    (void)state;
    const char *eos = "{\"eos_token\": \"</s>\"}";
    const unsigned named = 1u << EOS; /* "</s>" is known by its name, too */
    assert_int_equal(ends_of(eos, no_config, NULL), named);
    assert_int_equal(ends_of(eos, no_config, "{\"eos_token_id\": [4, 2]}"), named | 1u << EOT);
    assert_int_equal(ends_of(eos, no_config, "{\"eos_token_id\": 2}"), named | 1u << EOT);
    assert_int_equal(ends_of(eos, "{\"eos_token_id\": [2, 6]}", NULL), named | 1u << EOT | 1u << SOP);
    assert_int_equal(ends_of(eos, "{\"text_config\": {\"eos_token_id\": [4, 6]}}", "{\"eos_token_id\": [2]}"),
                     named | 1u << EOT | 1u << SOP);
    assert_int_equal(ends_of(eos, no_config, "{\"eos_token_id\": [2, -1, 99, \"6\", null]}"), named | 1u << EOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_post_processor_says_what_stands_around_a_text),
        cmocka_unit_test(a_template_name_may_stand_for_several_ids),
        cmocka_unit_test(a_template_goes_before_the_flags_of_the_companion),
        cmocka_unit_test(other_post_processors_are_named),
        cmocka_unit_test(any_token_of_the_lists_ends_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
