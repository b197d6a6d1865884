/* hf.c - see hf.h. */
#include "hf/hf.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "hf/hf_sampling.h"
#include "hf/hf_tensors.h"
#include "hf/tokenizer/hf_tokenizer.h"

/* The data of a described object. */
typedef struct hf_model {
    hf_folder folder;
    hf_keys keys;
    hf_tensors tensors;
    gguf_head head;
    described_file *files; /* [folder.n_files] */
} hf_model;

static void destroy(void *user)
{
    hf_model *m = user;
    if (!m) return;
    gguf_head_deinit(&m->head);
    hf_tensors_deinit(&m->tensors);
    hf_keys_deinit(&m->keys);
    hf_folder_deinit(&m->folder);
    free(m->files);
    free(m);
}

static void make(const void *user, int64_t i, int64_t first, int64_t n, void *dst)
{
    hf_recipe_make(&((const hf_model *)user)->tensors.recipes[i], first, n, dst);
}

/* The safetensors file of a source. */
static safetensors *file_of(const hf_model *m, const hf_source *s)
{
    return m->folder.files[s->file];
}

static sumi_status fetch(void *user, int64_t i, int64_t first, int64_t n, sumi_error *err)
{
    const hf_model *m = user;
    const hf_recipe *r = &m->tensors.recipes[i];
    sumi_status st = SUMI_OK;
    (void)first, (void)n; /* the source rows may be anywhere in the sources */
    for (int32_t k = 0; st == SUMI_OK && k < r->n_sources; k++) {
        const hf_source *s = &r->sources[k];
        if (s->tensor) st = st_fetch(file_of(m, s), s->tensor, err);
        if (st == SUMI_OK && s->scales) st = st_fetch(m->folder.files[s->scales_file], s->scales, err);
    }
    return st;
}

static void release(void *user, int64_t i)
{
    const hf_model *m = user;
    const hf_recipe *r = &m->tensors.recipes[i];
    for (int32_t k = 0; k < r->n_sources; k++) {
        const hf_source *s = &r->sources[k];
        if (s->tensor && !hf_tensors_shows(&m->tensors, s->tensor, i)) st_release(file_of(m, s), s->tensor);
        if (s->scales) st_release(m->folder.files[s->scales_file], s->scales);
    }
}

static sumi_status finish_reading(void *user, sumi_error *err)
{
    const hf_model *m = user;
    sumi_status st = SUMI_OK;
    for (int32_t i = 0; st == SUMI_OK && i < m->folder.n_files; i++) st = st_finish_reading(m->folder.files[i], err);
    return st;
}

static const hf_family *find_family(const hf_folder *f, bool *is_base, sumi_error *err)
{
    const json_t *classes = json_object_get(f->config, "architectures");
    const char *class = json_string_value(json_array_get(classes, 0));
    const char *type = json_string_value(json_object_get(f->config, "model_type"));
    const hf_family *family = NULL;
    *is_base = false;
    if (class) family = hf_family_find(class, is_base);
    else if (type) family = hf_family_of_type(type);
    if (family) return family;
    if (class || type)
        sumi_fail(err, SUMI_EUNSUPPORTED, "%s/config.json: architecture '%.60s' is not supported in safetensors",
                  sumi_path_end(f->path), class ? class : type);
    else sumi_fail(err, SUMI_EFORMAT, "%s/config.json: 'architectures' is missing", sumi_path_end(f->path));
    return NULL;
}

/* Rows of the embedding: the tensor is more reliable than the setting; 0: no embedding. */
static int64_t count_vocab(const hf_model *m)
{
    const hf_tensors *t = &m->tensors;
    for (int32_t i = 0; i < t->n; i++)
        if (!strcmp(t->recipes[i].sources->name, "token_embd.weight")) return t->recipes[i].n_rows;
    return 0;
}

/* Marks a decoder without an output head: its class has none, or the tensor of its head is missing. It makes hidden states
 * only. */
static void note_head(hf_model *m, bool is_base)
{
    hf_keys *k = &m->keys;
    bool tied = hf_bool(k, "tie_word_embeddings", true);
    if (!k->is_encoder && !k->has_output && (is_base || !tied)) hf_put_bool(k, "output_head", false);
}

/* The keys that describe an adapter in a GGUF file. */
static void write_adapter(hf_model *m)
{
    const char *base = json_string_value(json_object_get(m->folder.adapter, "base_model_name_or_path"));
    gguf_put_str(&m->head, "general.type", "adapter");
    if (base) gguf_put_str(&m->head, "general.base_model.0.name", base);
}

static sumi_status write_head(hf_model *m, const logger *log, sumi_error *err)
{
    sumi_status st = SUMI_OK;
    if (m->folder.adapter && m->folder.config)
        log_message(log, SUMI_LOG_WARN, "%s: the adapter that lies beside the weights is not used",
                    sumi_path_end(m->folder.path));
    else if (m->folder.adapter) write_adapter(m);
    if (m->folder.config) {
        bool is_base;
        const hf_family *family = find_family(&m->folder, &is_base, err);
        if (!family) return err->status;
        if (m->folder.n_files == 0)
            return sumi_fail(err, SUMI_EFORMAT, "%s: no weights", sumi_path_end(m->folder.path));
        if ((st = hf_keys_write(&m->keys, &m->folder, family, &m->head, err))) return st;
        m->keys.log = log;
        if ((st = hf_tensors_init(&m->tensors, &m->keys))) return st;
        note_head(m, is_base);
        hf_sampling_write(&m->folder, &m->head);
    }
    if (m->folder.adapter && !m->folder.tokenizer) return SUMI_OK;
    return hf_tokenizer_write(&m->folder, count_vocab(m), &m->head, err);
}

sumi_status hf_describe(model_source **out, hf_folder *folder, const logger *log, sumi_error *err)
{
    size_t n_head = 0;
    sumi_error why = { SUMI_OK, "" };
    hf_model *m = calloc(1, sizeof *m);
    *out = NULL;
    if (!m) {
        hf_folder_deinit(folder);
        return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    }
    m->folder = *folder;
    gguf_head_init(&m->head, 32);
    sumi_status st = write_head(m, log, &why);
    uint8_t *head = st == SUMI_OK ? gguf_head_take(&m->head, &n_head) : NULL;
    m->files = calloc((size_t)m->folder.n_files + 1, sizeof *m->files);
    if (st == SUMI_OK && (!head || !m->files))
        st = sumi_fail(&why, m->head.status ? m->head.status : SUMI_ENOMEM,
                       "%s: its description does not fit into memory", sumi_path_end(m->folder.path));
    if (st != SUMI_OK) {
        free(head);
        destroy(m);
        if (err) *err = why;
        return st;
    }
    for (int32_t i = 0; i < m->folder.n_files; i++)
        m->files[i] = (described_file){ st_name(m->folder.files[i]), st_file_bytes(m->folder.files[i]) };
    described_tensors e = { m->tensors.places, m->files,       m->folder.n_files, make, fetch,
                            release,           finish_reading, destroy,           m };
    return described_source_open(out, m->folder.path, head, n_head, &e, err);
}

sumi_status hf_open(model_source **out, const char *path, const logger *log, sumi_error *err)
{
    hf_folder folder;
    *out = NULL;
    sumi_status st = hf_folder_init(&folder, path, err);
    if (st == SUMI_OK) return hf_describe(out, &folder, log, err);
    hf_folder_deinit(&folder);
    return st;
}
