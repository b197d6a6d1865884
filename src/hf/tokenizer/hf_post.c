/* hf_post.c - the post-processor of tokenizer.json: the tokens before and after one text.
 *
 *   TemplateProcessing                    "single": special tokens and the text, $A, in order
 *   BertProcessing, RobertaProcessing     cls, the text, sep
 *   ByteLevel                             no tokens
 *   Sequence                              one after the other: tokens of a later one are further outside */
#include <string.h>

#include "base/error.h"
#include "hf/tokenizer/hf_tokenizer.h"

static sumi_status add(hf_around *a, bool after, json_int_t id, const hf_vocab *v, const char *name, sumi_error *err)
{
    if (id < 0 || id >= v->n)
        return sumi_fail(err, SUMI_EFORMAT, "post-processor: '%.60s' is not a token of the vocabulary", name);
    int32_t *n = after ? &a->n_after : &a->n_before;
    if (*n == HF_MAX_AROUND)
        return sumi_fail(err, SUMI_ELIMIT, "post-processor: more than %d tokens on one side of a text", HF_MAX_AROUND);
    (after ? a->after : a->before)[(*n)++] = (int32_t)id;
    return SUMI_OK;
}

/* A name in a template may mean several ids, which special_tokens lists. */
static sumi_status add_named(hf_around *a, bool after, const json_t *processor, const char *name, const hf_vocab *v,
                             sumi_error *err)
{
    const json_t *ids = json_object_get(json_object_get(json_object_get(processor, "special_tokens"), name), "ids");
    if (json_array_size(ids) == 0) return add(a, after, hf_vocab_find(v, name), v, name, err);
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const json_t *id = json_array_get(ids, i);
        sumi_status st = add(a, after, json_is_integer(id) ? json_integer_value(id) : -1, v, name, err);
        if (st != SUMI_OK) return st;
    }
    return SUMI_OK;
}

static sumi_status read_template(hf_around *a, const json_t *processor, const hf_vocab *v, sumi_error *err)
{
    const json_t *single = json_object_get(processor, "single");
    int n_texts = 0;
    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *entry = json_array_get(single, i);
        const char *name = json_string_value(json_object_get(json_object_get(entry, "SpecialToken"), "id"));
        n_texts += json_object_get(entry, "Sequence") != NULL;
        sumi_status st = name ? add_named(a, n_texts > 0, processor, name, v, err) : SUMI_OK;
        if (st != SUMI_OK) return st;
    }
    if (n_texts == 1) return SUMI_OK;
    return sumi_fail(err, SUMI_EUNSUPPORTED, "TemplateProcessing: %d texts in \"single\"; 1 is supported", n_texts);
}

/* The pair ["[CLS]", 101] under `key`. */
static sumi_status add_pair(hf_around *a, bool after, const json_t *processor, const char *key, const hf_vocab *v,
                            sumi_error *err)
{
    const char *text = json_string_value(json_array_get(json_object_get(processor, key), 0));
    return add(a, after, text ? hf_vocab_find(v, text) : -1, v, text ? text : key, err);
}

static sumi_status read_one(hf_around *a, const json_t *processor, const hf_vocab *v, sumi_error *err)
{
    const char *type = json_string_value(json_object_get(processor, "type"));
    if (!type || !strcmp(type, "ByteLevel")) return SUMI_OK;
    if (!strcmp(type, "TemplateProcessing")) {
        a->known = true;
        return read_template(a, processor, v, err);
    }
    if (!strcmp(type, "BertProcessing") || !strcmp(type, "RobertaProcessing")) {
        a->known = true;
        sumi_status st = add_pair(a, false, processor, "cls", v, err);
        return st ? st : add_pair(a, true, processor, "sep", v, err);
    }
    return sumi_fail(err, SUMI_EUNSUPPORTED, "post-processor '%.40s' is not supported", type);
}

/* Puts the tokens of `outer` around the tokens of a. */
static sumi_status wrap(hf_around *a, const hf_around *outer, sumi_error *err)
{
    if (a->n_before + outer->n_before > HF_MAX_AROUND || a->n_after + outer->n_after > HF_MAX_AROUND)
        return sumi_fail(err, SUMI_ELIMIT, "post-processor: more than %d tokens on one side of a text", HF_MAX_AROUND);
    memmove(a->before + outer->n_before, a->before, (size_t)a->n_before * sizeof *a->before);
    memcpy(a->before, outer->before, (size_t)outer->n_before * sizeof *a->before);
    memcpy(a->after + a->n_after, outer->after, (size_t)outer->n_after * sizeof *a->after);
    a->n_before += outer->n_before;
    a->n_after += outer->n_after;
    a->known = a->known || outer->known;
    return SUMI_OK;
}

sumi_status hf_post_read(const hf_vocab *v, hf_around *a, sumi_error *err)
{
    const json_t *p = json_object_get(v->folder->tokenizer, "post_processor"), *list = json_object_get(p, "processors");
    const char *type = json_string_value(json_object_get(p, "type"));
    bool sequence = type && !strcmp(type, "Sequence");
    *a = (hf_around){ 0 };
    for (size_t i = 0; i < (sequence ? json_array_size(list) : 1); i++) {
        hf_around one = { 0 };
        sumi_status st = read_one(&one, sequence ? json_array_get(list, i) : p, v, err);
        if (st == SUMI_OK) st = wrap(a, &one, err);
        if (st != SUMI_OK) return st;
    }
    return SUMI_OK;
}
