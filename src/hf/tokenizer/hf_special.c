/* hf_special.c - the tokens that begin and end a text, whether they are added, end tokens, and the chat template.
 *
 * tokenizer_config.json names these tokens, or special_tokens_map.json in older folders; config.json and
 * generation_config.json have their ids. If several files define a token, the order is that of the Python package gguf. */
#include <stdio.h>
#include <string.h>

#include "hf/tokenizer/hf_tokenizer.h"

#define HF_MAX_ENDS 64 /* end tokens; lists of models have up to five */

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

/* ---- The tokens around a text ------------------------------------------------------------------------------- */

/* GGUF has one token for each side, BOS and EOS, and a flag whether it is added. So the outermost tokens of the
 * post-processor become BOS and EOS, as in the files of gguf-py; if there are more tokens, sumi's own keys list all of
 * them. */
static void write_side(gguf_head *head, const char *key, const int32_t *ids, int32_t n)
{
    if (n < 2) return;
    gguf_put_array(head, key, GGUF_I32, (uint64_t)n);
    gguf_put_elements(head, ids, (size_t)n * sizeof *ids);
}

/* kind: "bos", "eos". If no post-processor defines the tokens around a text, tokenizer_config.json does. */
static bool adds(const hf_vocab *v, const hf_around *a, const char *kind, int32_t n)
{
    char name[32];
    snprintf(name, sizeof name, "add_%s_token", kind);
    return a->known ? n > 0 : json_is_true(json_object_get(v->folder->tokenizer_config, name));
}

static void write_around(const hf_vocab *v, const hf_around *a, gguf_head *head)
{
    gguf_put_bool(head, "tokenizer.ggml.add_bos_token", adds(v, a, "bos", a->n_before));
    gguf_put_bool(head, "tokenizer.ggml.add_eos_token", adds(v, a, "eos", a->n_after));
    write_side(head, "sumi.tokenizer.before_text", a->before, a->n_before);
    write_side(head, "sumi.tokenizer.after_text", a->after, a->n_after);
}

/* ---- End tokens --------------------------------------------------------------------------------------------- */

typedef struct end_ids {
    int32_t n, ids[HF_MAX_ENDS];
} end_ids;

static void add_end(const hf_vocab *v, end_ids *e, json_int_t id)
{
    if (id < 0 || id >= v->n) return;
    for (int32_t i = 0; i < e->n; i++)
        if (e->ids[i] == id) return;
    if (e->n < HF_MAX_ENDS) e->ids[e->n++] = (int32_t)id;
}

/* A number, or a list of them. */
static void add_ends(const hf_vocab *v, end_ids *e, const json_t *object)
{
    const json_t *value = json_object_get(object, "eos_token_id");
    if (json_is_integer(value)) add_end(v, e, json_integer_value(value));
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *id = json_array_get(value, i);
        if (json_is_integer(id)) add_end(v, e, json_integer_value(id));
    }
}

/* eos: of the file's key; told: the EOS in the other files, which may be another token. The list is Ollama's key;
 * llama.cpp reads EOT and EOM. */
static void write_ends(const hf_vocab *v, int32_t eos, int32_t told, gguf_head *head)
{
    end_ids e = { 0 };
    const hf_folder *f = v->folder;
    add_end(v, &e, eos);
    add_end(v, &e, told);
    add_ends(v, &e, f->generation);
    add_ends(v, &e, f->config);
    add_ends(v, &e, json_object_get(f->config, "text_config"));
    if (e.n < 2) return;
    gguf_put_array(head, "tokenizer.ggml.eos_token_ids", GGUF_I32, (uint64_t)e.n);
    gguf_put_elements(head, e.ids, (size_t)e.n * sizeof *e.ids);
    gguf_put_u32(head, "tokenizer.ggml.eot_token_id", (uint32_t)e.ids[1]);
    if (e.n > 2) gguf_put_u32(head, "tokenizer.ggml.eom_token_id", (uint32_t)e.ids[2]);
}

/* ---- Templates ---------------------------------------------------------------------------------------------- */

/* A list has several templates by name; "default" is the one. */
static void write_templates(const hf_folder *f, gguf_head *head)
{
    char key[128];
    const json_t *t = json_object_get(f->tokenizer_config, "chat_template");
    if (f->chat_template) gguf_put_strn(head, "tokenizer.chat_template", f->chat_template, f->n_chat_template);
    else if (json_is_string(t)) gguf_put_str(head, "tokenizer.chat_template", json_string_value(t));
    bool has_default = f->chat_template;
    for (size_t i = 0; i < json_array_size(t); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(t, i), "name"));
        const char *text = json_string_value(json_object_get(json_array_get(t, i), "template"));
        if (!name || !text || strlen(name) > 64 || (has_default && !strcmp(name, "default"))) continue;
        bool is_default = !strcmp(name, "default");
        has_default = has_default || is_default;
        snprintf(key, sizeof key, is_default ? "tokenizer.chat_template" : "tokenizer.chat_template.%s", name);
        gguf_put_str(head, key, text);
    }
}

sumi_status hf_special_write(const hf_vocab *v, gguf_head *head, sumi_error *err)
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
    hf_around a;
    sumi_status st = hf_post_read(v, &a, err);
    if (st != SUMI_OK) return st;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) ids[i] = find_token(v, kinds[i].kind);
    if (v->unknown >= 0) ids[2] = v->unknown;
    if (ids[0] < 0) ids[0] = ids[5]; /* BERT begins with [CLS] and ends with [SEP] */
    if (ids[1] < 0) ids[1] = ids[3];
    int32_t told = ids[1];
    if (a.n_before) ids[0] = a.before[0];
    if (a.n_after) ids[1] = a.after[a.n_after - 1];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (ids[i] >= 0) gguf_put_u32(head, kinds[i].key, (uint32_t)ids[i]);
    write_around(v, &a, head);
    write_ends(v, ids[1], told, head);
    write_templates(v->folder, head);
    return SUMI_OK;
}
