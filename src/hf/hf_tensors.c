/* hf_tensors.c - see hf_tensors.h. */
#include "hf/hf_tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define MAX_INDEX (1 << 16)

void hf_tensors_deinit(hf_tensors *t)
{
    free(t->sources);
    free(t->recipes);
    free(t->places);
    free(t->shown);
    *t = (hf_tensors){ 0 };
}

/* ---- Names -------------------------------------------------------------------------------------------------- */

/* A number of at most six digits at *text, which moves past the number; -1: no number. */
static int64_t read_number(const char **text)
{
    int64_t value = 0;
    const char *p = *text;
    while (*p >= '0' && *p <= '9' && p - *text < 6) value = 10 * value + *p++ - '0';
    if (p == *text) return -1;
    *text = p;
    return value;
}

/* Whether text is pattern, or pattern followed by ".weight" or ".bias"; kind: the suffix. */
static bool matches(const char *pattern, const char *text, int64_t *index, const char **kind)
{
    *index = -1;
    for (; *pattern; pattern++) {
        if (*pattern == '*') {
            if ((*index = read_number(&text)) < 0) return false;
        } else if (*pattern != *text++) {
            return false;
        }
    }
    *kind = text;
    return !*text || !strcmp(text, ".weight") || !strcmp(text, ".bias");
}

/* The text part of models that see, and BERT below a head, have names of their own around the usual ones. */
static const char *inner_name(const char *name, char out[512])
{
    if (!strncmp(name, "language_model.", 15)) return name + 15;
    if (!strncmp(name, "model.language_model.", 21)) {
        snprintf(out, 512, "model.%s", name + 21);
        return out;
    }
    return strncmp(name, "bert.", 5) ? name : name + 5;
}

static bool is_other_part(const char *name)
{
    static const char *const parts[] = { "vision_tower.",       "multi_modal_projector.",
                                         "model.vision_tower.", "model.multi_modal_projector.",
                                         "vision_model.",       "model.vision_model." };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strncmp(name, parts[i], strlen(parts[i]))) return true;
    return false;
}

typedef struct finder {
    hf_tensors *t;
    hf_keys *k;
    size_t cap;
} finder;

static bool add(finder *f, const hf_source *source)
{
    hf_tensors *t = f->t;
    if ((size_t)t->n_sources == f->cap) {
        size_t cap = f->cap ? 2 * f->cap : 512;
        hf_source *more = realloc(t->sources, cap * sizeof *more);
        if (!more) {
            hf_fail(f->k, SUMI_ENOMEM, "out of memory");
            return false;
        }
        t->sources = more;
        f->cap = cap;
    }
    t->sources[t->n_sources++] = *source;
    return true;
}

/* Adds the source under the names that a table has for text; false: it has none. */
static bool add_named(finder *f, const hf_name *names, const char *text, hf_source *s, int32_t first_row)
{
    const char *kind;
    bool found = false;
    for (const hf_name *n = names; n && n->hf; n++) {
        if (!matches(n->hf, text, &s->index, &kind)) continue;
        if (!found && !n->gguf) return true;
        found = true;
        s->order = n->order;
        s->row = first_row + (int32_t)(n - names);
        char layer[32] = "";
        if (s->layer >= 0) snprintf(layer, sizeof layer, "blk.%d.", s->layer);
        snprintf(s->name, sizeof s->name, "%s%s%s", layer, n->gguf, kind);
        if (!add(f, s)) return true;
    }
    return found;
}

/* The tensor of scales for a tensor of blocks; NULL: it is missing, or `a` is not a tensor of blocks. */
static const st_tensor *find_scales(const hf_keys *k, const st_tensor *blocks, int32_t *file)
{
    char name[512];
    size_t n = strlen(blocks->name);
    if (n < 7 || n >= sizeof name || strcmp(blocks->name + n - 7, "_blocks")) return NULL;
    snprintf(name, sizeof name, "%.*s_scales", (int)(n - 7), blocks->name);
    for (int32_t i = 0; i < k->folder->n_files; i++)
        for (int64_t j = 0; j < st_n_tensors(k->folder->files[i]); j++)
            if (!strcmp(st_tensor_at(k->folder->files[i], j)->name, name)) {
                *file = i;
                return st_tensor_at(k->folder->files[i], j);
            }
    return NULL;
}

/* Files of the bare model have names without that of the model: "layers.7." for "model.layers.7.". */
static size_t prefix_length(const hf_family *family)
{
    static const char *const prefixes[] = { "model.", "transformer.", "gpt_neox." };
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (!strncmp(family->layers, prefixes[i], strlen(prefixes[i]))) return strlen(prefixes[i]);
    return 0;
}

static bool add_outer(finder *f, const char *name, hf_source *s)
{
    char full[512];
    const hf_family *family = f->k->family;
    if (add_named(f, family->top, name, s, 0)) return true;
    int n = snprintf(full, sizeof full, "%.*s%s", (int)prefix_length(family), family->layers, name);
    return n < (int)sizeof full && add_named(f, family->top, full, s, 0);
}

static bool is_output(const char *name)
{
    return !strcmp(name, "lm_head.weight") || !strcmp(name, "embed_out.weight") || !strcmp(name, "output.weight");
}

static bool same_data(hf_keys *k, const st_tensor *a, int32_t file_a, const st_tensor *b, int32_t file_b)
{
    safetensors *in_a = k->folder->files[file_a], *in_b = k->folder->files[file_b];
    sumi_error why;
    if (a->type != b->type || a->n_elems != b->n_elems || a->n_bytes != b->n_bytes) return false;
    if (st_fetch(in_a, a, &why) != SUMI_OK || st_fetch(in_b, b, &why) != SUMI_OK) {
        hf_fail(k, why.status, "tensor '%.100s': cannot be read", a->name);
        return false;
    }
    bool same = !memcmp(a->data, b->data, a->n_bytes);
    st_release(in_a, a);
    st_release(in_b, b);
    return same;
}

/* Whether the output matrix is only another copy of the embeddings. transformers keeps one that differs, whatever
 * tie_word_embeddings says, and so do we. */
static bool is_copy_of_embeddings(finder *f, const st_tensor *output, int32_t file)
{
    hf_keys *k = f->k;
    if (!hf_bool(k, "tie_word_embeddings", false)) return false;
    for (int32_t i = 0; i < k->folder->n_files; i++)
        for (int64_t j = 0; j < st_n_tensors(k->folder->files[i]); j++) {
            const st_tensor *t = st_tensor_at(k->folder->files[i], j);
            if (t != output && t->n_elems == output->n_elems && strstr(t->name, "emb") &&
                same_data(k, t, i, output, file))
                return true;
        }
    log_message(k->log, SUMI_LOG_WARN,
                "%s/config.json: 'tie_word_embeddings' is true, but '%.60s' differs from the embeddings, and is used",
                sumi_path_end(k->folder->path), output->name);
    return false;
}

static void find_one(finder *f, const st_tensor *tensor, int32_t file)
{
    char buffer[512];
    const hf_family *family = f->k->family;
    const char *name = inner_name(tensor->name, buffer), *rest = name + strlen(family->layers);
    const char *bare = family->layers + prefix_length(family);
    hf_source s = { .tensor = tensor, .file = file, .layer = -1 };
    s.scales = find_scales(f->k, tensor, &s.scales_file);
    if (is_other_part(tensor->name)) return;
    if (is_output(name)) {
        if (is_copy_of_embeddings(f, tensor, file)) return;
        f->k->has_output = true;
    }
    bool in_layer = !strncmp(name, family->layers, strlen(family->layers));
    if (!in_layer && !strncmp(name, bare, strlen(bare))) rest = name + strlen(bare), in_layer = true;
    if (in_layer) {
        int64_t layer = read_number(&rest);
        if (layer >= f->k->n_layers && layer < f->k->n_layers + f->k->n_extra_layers) return;
        if (layer >= 0 && layer < f->k->n_layers && *rest++ == '.') {
            s.layer = (int32_t)layer;
            if (add_named(f, family->own, rest, &s, 1000) || add_named(f, family->block, rest, &s, 0)) return;
        }
    } else if (add_outer(f, name, &s)) {
        return;
    }
    hf_fail(f->k, SUMI_EUNSUPPORTED, "tensor '%.80s' is unknown in the family %s", tensor->name, family->arch);
}

static void find_all(finder *f)
{
    hf_keys *k = f->k;
    for (int32_t i = 0; i < k->folder->n_files; i++)
        for (int64_t j = 0; j < st_n_tensors(k->folder->files[i]) && k->status == SUMI_OK; j++)
            find_one(f, st_tensor_at(k->folder->files[i], j), i);
    for (int32_t i = 0; i < k->n_factors; i++) {
        hf_source s = { .factors = &k->factors[i], .layer = -1, .row = 100 + i, .index = -1 };
        snprintf(s.name, sizeof s.name, "%s", k->factors[i].name);
        if (!add(f, &s)) return;
    }
}

/* The order in the file: tensors outside the layers, then layer by layer in the order of the tables. */
static int by_place(const void *a, const void *b)
{
    const hf_source *x = a, *y = b;
    if (x->layer != y->layer) return x->layer < y->layer ? -1 : 1;
    if (x->row != y->row) return x->row < y->row ? -1 : 1;
    int names = strcmp(x->name, y->name);
    if (names) return names;
    return x->index < y->index ? -1 : x->index > y->index;
}

static void describe(hf_tensors *t, hf_keys *k, int32_t first, int32_t n_sources)
{
    const hf_source *s = &t->sources[first];
    hf_recipe *r = &t->recipes[t->n];
    int64_t dims[TENSOR_MAX_DIMS];
    if (!hf_recipe_init(r, k, s, n_sources)) return;
    int32_t n_dims = hf_recipe_dims(r, dims);
    t->places[t->n++] = (described_place){ hf_recipe_data(r), s->file, s->tensor ? s->tensor->offset : 0 };
    gguf_put_tensor(k->head, s->name, strlen(s->name), r->out_type, n_dims, dims);
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (const st_tensor *const *)a, y = (uintptr_t) * (const st_tensor *const *)b;
    return (x > y) - (x < y);
}

static void find_shown(hf_tensors *t)
{
    for (int32_t i = 0; i < t->n; i++)
        if (t->places[i].data && t->recipes[i].sources->tensor) t->shown[t->n_shown++] = t->recipes[i].sources->tensor;
    qsort(t->shown, (size_t)t->n_shown, sizeof(st_tensor *), by_address);
}

bool hf_tensors_shows(const hf_tensors *t, const st_tensor *tensor, int64_t i)
{
    const st_tensor *const *found = bsearch(&tensor, t->shown, (size_t)t->n_shown, sizeof(st_tensor *), by_address);
    if (!found || !t->places[i].data) return found;
    size_t at = (size_t)(found - (const st_tensor *const *)t->shown),
           n = (size_t)t->n_shown; /* i itself is one of them */
    return (at > 0 && t->shown[at - 1] == tensor) || (at + 1 < n && t->shown[at + 1] == tensor);
}

sumi_status hf_tensors_init(hf_tensors *t, hf_keys *k)
{
    finder f = { t, k, 0 };
    *t = (hf_tensors){ 0 };
    find_all(&f);
    if (k->status != SUMI_OK) return k->status;
    if (t->n_sources) qsort(t->sources, (size_t)t->n_sources, sizeof *t->sources, by_place);
    t->recipes = calloc((size_t)t->n_sources + 1, sizeof *t->recipes);
    t->places = calloc((size_t)t->n_sources + 1, sizeof *t->places);
    t->shown = calloc((size_t)t->n_sources + 1, sizeof(st_tensor *));
    if (!t->recipes || !t->places || !t->shown) hf_fail(k, SUMI_ENOMEM, "out of memory");
    for (int32_t i = 0, n; i < t->n_sources && k->status == SUMI_OK; i += n) {
        for (n = 1; i + n < t->n_sources && !strcmp(t->sources[i].name, t->sources[i + n].name);) n++;
        describe(t, k, i, n);
    }
    if (k->status == SUMI_OK) find_shown(t);
    return k->status;
}
