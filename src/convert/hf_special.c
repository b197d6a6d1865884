/* hf_special.c - which tokens begin and end a text, who adds them, and the chat template.
 *
 * tokenizer_config.json names them; special_tokens_map.json does in older folders; config.json and generation_config.json
 * have their ids. Where several say something, the order is that of the Python package gguf. */
#include <stdio.h>
#include <string.h>

#include "convert/hf_tokenizer.h"

/* A token is a text, or an object with it. */
static const char *token_text(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return json_string_value(json_is_object(v) ? json_object_get(v, "content") : v);
}

static int32_t id_in(const hf_vocab *v, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_array(value)) value = json_array_get(value, 0);
    json_int_t id = json_integer_value(value);
    return json_is_integer(value) && id >= 0 && id < v->n ? (int32_t)id : -1;
}

/* kind: "bos", ... */
static int32_t find_token(const hf_vocab *v, const char *kind)
{
    char name[32], id_name[32];
    const hf_folder *f = v->folder;
    snprintf(name, sizeof name, "%s_token", kind);
    snprintf(id_name, sizeof id_name, "%s_token_id", kind);
    const char *text = token_text(f->tokenizer_config, name);
    if (!text) text = token_text(f->specials, name);
    int32_t id = text ? hf_vocab_find(v, text) : -1;
    if (id < 0) id = id_in(v, f->config, id_name);
    if (id < 0) id = id_in(v, json_object_get(f->config, "text_config"), id_name);
    if (id < 0) id = id_in(v, f->generation, id_name);
    return id;
}

/* The template of the post-processor for one text: [BOS] text [EOS]. */
static const json_t *find_template(const json_t *tokenizer)
{
    const json_t *p = json_object_get(tokenizer, "post_processor"), *list = json_object_get(p, "processors");
    for (size_t i = 0; i <= json_array_size(list); i++) {
        const json_t *one = i < json_array_size(list) ? json_array_get(list, i) : p;
        const char *type = json_string_value(json_object_get(one, "type"));
        if (type && !strcmp(type, "TemplateProcessing")) return json_object_get(one, "single");
    }
    return NULL;
}

static int32_t template_token(const hf_vocab *v, size_t i)
{
    const json_t *entry = json_array_get(find_template(v->folder->tokenizer), i);
    const char *text = json_string_value(json_object_get(json_object_get(entry, "SpecialToken"), "id"));
    return text ? hf_vocab_find(v, text) : -1;
}

/* The processors of BERT and RoBERTa have no template: a text is always [CLS] text [SEP]. kind: "cls", "sep". */
static int32_t wrapping_token(const hf_vocab *v, const char *kind)
{
    const json_t *p = json_object_get(v->folder->tokenizer, "post_processor");
    const char *text = json_string_value(json_array_get(json_object_get(p, kind), 0));
    return text ? hf_vocab_find(v, text) : -1;
}

static bool adds(const hf_vocab *v, const char *kind, int32_t id, int32_t in_template)
{
    char name[32];
    snprintf(name, sizeof name, "add_%s_token", kind);
    const json_t *told = json_object_get(v->folder->tokenizer_config, name);
    if (json_is_boolean(told)) return json_is_true(told);
    return id >= 0 && id == in_template;
}

/* A list has several templates by name; "default" is the one. */
static void write_templates(const hf_folder *f, gguf_head *head)
{
    char key[128];
    const json_t *t = json_object_get(f->tokenizer_config, "chat_template");
    if (f->chat_template)
        gguf_put_strn(head, "tokenizer.chat_template", f->chat_template, f->n_chat_template);
    else if (json_is_string(t)) gguf_put_str(head, "tokenizer.chat_template", json_string_value(t));
    bool has_default = f->chat_template;
    for (size_t i = 0; i < json_array_size(t); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(t, i), "name"));
        const char *text = json_string_value(json_object_get(json_array_get(t, i), "template"));
        if (!name || !text || strlen(name) > 64 || (has_default && !strcmp(name, "default"))) continue;
        bool is_default = !strcmp(name, "default");
        has_default = has_default || is_default;
        snprintf(key, sizeof key, is_default ? "tokenizer.chat_template" : "tokenizer.chat_template.%s",
                 name);
        gguf_put_str(head, key, text);
    }
}

void hf_special_write(const hf_vocab *v, gguf_head *head)
{
    static const struct {
        const char *kind, *key;
    } kinds[] = {
        { "bos", "tokenizer.ggml.bos_token_id" },     { "eos", "tokenizer.ggml.eos_token_id" },
        { "unk", "tokenizer.ggml.unknown_token_id" }, { "sep", "tokenizer.ggml.seperator_token_id" },
        { "pad", "tokenizer.ggml.padding_token_id" }, { "cls", "tokenizer.ggml.cls_token_id" },
        { "mask", "tokenizer.ggml.mask_token_id" },
    };
    int32_t ids[sizeof kinds / sizeof *kinds];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) ids[i] = find_token(v, kinds[i].kind);
    if (v->unknown >= 0) ids[2] = v->unknown;
    size_t n = json_array_size(find_template(v->folder->tokenizer));
    int32_t first = n > 1 ? template_token(v, 0) : wrapping_token(v, "cls");
    int32_t last = n > 1 ? template_token(v, n - 1) : wrapping_token(v, "sep");
    if (ids[0] < 0) ids[0] = ids[5] >= 0 ? ids[5] : first; /* BERT begins with [CLS] and ends with [SEP] */
    if (ids[1] < 0) ids[1] = ids[3] >= 0 ? ids[3] : last;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (ids[i] >= 0) gguf_put_u32(head, kinds[i].key, (uint32_t)ids[i]);
    gguf_put_bool(head, "tokenizer.ggml.add_bos_token", adds(v, "bos", ids[0], first));
    gguf_put_bool(head, "tokenizer.ggml.add_eos_token", adds(v, "eos", ids[1], last));
    write_templates(v->folder, head);
}
