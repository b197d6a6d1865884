/* repo.c - see repo.h. */
#include "store/repo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/error.h"
#include "format/gguf.h"
#include "format/safetensors.h"
#include "store/names.h"

/* The order in which variants are tried when none is named: first about half a byte per weight with a small loss, the
 * default of llama.cpp and Ollama; then the nearest types; the original weights last. */
static const char *const preferred[] = {
    "Q4_K_M", "Q4_K_S", "Q4_0",   "Q4_1",   "IQ4_XS", "IQ4_NL", "MXFP4", "Q5_K_M", "Q5_K_S", "Q5_0", "Q5_1",
    "Q6_K",   "Q8_0",   "Q3_K_M", "Q3_K_L", "Q3_K_S", "Q2_K",   "BF16",  "F16",    "FP16",   "F32",  "FP32",
};
enum { N_PREFERRED = sizeof preferred / sizeof *preferred };

sumi_status repo_add(repo *r, const char *path, int64_t n_bytes, digest d, sumi_error *err)
{
    if (r->n >= REPO_MAX_FILES) return sumi_fail(err, SUMI_ELIMIT, "more than %d files", REPO_MAX_FILES);
    if ((r->n & (r->n - 1)) == 0) { /* room doubles at each power of two */
        repo_file *files = realloc(r->files, ((size_t)r->n * 2 + 1) * sizeof *files);
        if (!files) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
        r->files = files;
    }
    r->files[r->n] = (repo_file){ .path = strdup(path), .n_bytes = n_bytes, .digest = d };
    if (!r->files[r->n].path) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    r->n++;
    return SUMI_OK;
}

void repo_deinit(repo *r)
{
    for (int32_t i = 0; i < r->n; i++) free(r->files[i].path);
    free(r->files);
    *r = (repo){ 0 };
}

bool repo_is_model_gguf(const char *path)
{
    const char *base = name_base(path);
    return name_ends_with(path, ".gguf") && !strcasestr(base, "mmproj") && !strcasestr(base, "imatrix");
}

bool repo_has_gguf(const repo *r)
{
    for (int32_t i = 0; i < r->n; i++)
        if (repo_is_model_gguf(r->files[i].path)) return true;
    return false;
}

bool repo_has_safetensors(const repo *r)
{
    for (int32_t i = 0; i < r->n; i++)
        if (name_ends_with(r->files[i].path, ".safetensors") && !strchr(r->files[i].path, '/')) return true;
    return false;
}

/* A word ends at one of these characters, or at the end of the text; '_' may also precede it. '_' is a part of
 * "Q4_K_M". */
static bool is_border(char c)
{
    return c == '\0' || c == '-' || c == '.' || c == '/';
}

/* The place of tag in path as a word; NULL: none. */
static const char *find_tag(const char *path, const char *tag)
{
    size_t n = strlen(tag);
    for (const char *at = path; n && (at = strcasestr(at, tag)); at++)
        if ((at == path || is_border(at[-1]) || at[-1] == '_') && is_border(at[n])) return at;
    return NULL;
}

/* Bytes of the word at text if it looks like a type of weights: Q4_K_M, IQ2_XXS, TQ1_0, BF16, MXFP4 ... */
static size_t type_word(const char *text)
{
    size_t n = strcspn(text, "-./"), i = 0;
    if (!strncasecmp(text, "MXFP", 4)) return n;
    if (strchr("ITBitb", text[0])) i++;
    if (!text[i]) return 0;
    if (strchr("Qq", text[i]) && text[i + 1] >= '1' && text[i + 1] <= '9') return n;
    if (strchr("Ff", text[i])) i += text[i + 1] == 'P' || text[i + 1] == 'p' ? 2 : 1;
    else return 0;
    return i < n && n - i == 2 && (!strncmp(text + i, "16", 2) || !strncmp(text + i, "32", 2)) ? n : 0;
}

void repo_label(const char *path, char *out, size_t n_out)
{
    const char *label = name_base(path), *end = label + strlen(label);
    size_t n = name_ends_with(path, ".gguf") ? (size_t)(end - label) - 5 : (size_t)(end - label);
    for (size_t i = (size_t)(end - path); i-- > 0;) { /* the last word of the path that is one */
        size_t n_word = i == 0 || is_border(path[i - 1]) ? type_word(path + i) : 0;
        if (!n_word) continue;
        label = path + i;
        n = n_word;
        break;
    }
    snprintf(out, n_out, "%.*s", (int)(n < NAME_MAX_PART ? n : NAME_MAX_PART), label);
}

/* The first or only file of a variant. */
static bool is_head(const char *path)
{
    size_t n_stem;
    int32_t no, count;
    return repo_is_model_gguf(path) && (!gguf_shard_path(path, &n_stem, &no, &count) || no == 0);
}

/* Both are files of one split variant, or the same file. */
static bool same_variant(const char *a, const char *b)
{
    size_t n_a, n_b;
    int32_t no, count_a, count_b;
    if (!strcmp(a, b)) return true;
    return gguf_shard_path(a, &n_a, &no, &count_a) && gguf_shard_path(b, &n_b, &no, &count_b) && n_a == n_b &&
           count_a == count_b && !memcmp(a, b, n_a);
}

/* "Q4_K_M, Q8_0, ..." or, with paths, "a.gguf, b.gguf": of the variants that tag fits, of all for NULL. */
static void list_variants(const repo *r, const char *tag, bool paths, char *out, size_t n_out)
{
    size_t used = 0;
    out[0] = '\0';
    for (int32_t i = 0; i < r->n && used < n_out; i++) {
        char label[NAME_MAX_PART + 1];
        const char *path = r->files[i].path;
        if (!is_head(path) || (tag && !find_tag(path, tag))) continue;
        repo_label(path, label, sizeof label);
        used += (size_t)snprintf(out + used, n_out - used, "%s%s", used ? ", " : "", paths ? path : label);
    }
    if (used >= n_out && n_out > 8) strcpy(out + n_out - 5, " ...");
}

/* The number of the file with the name `what`; -1 with an error: there is none. */
static int32_t find_named(const repo *r, const char *what, sumi_error *err)
{
    char list[320];
    for (int32_t i = 0; i < r->n; i++)
        if (!strcmp(r->files[i].path, what)) return i;
    for (int32_t i = 0; i < r->n; i++)
        if (!strcmp(name_base(r->files[i].path), what)) return i;
    list_variants(r, NULL, true, list, sizeof list);
    sumi_fail(err, SUMI_EINVAL, "there is no file '%.100s'; there are %s", what, list);
    return -1;
}

static int32_t find_tagged(const repo *r, const char *tag, sumi_error *err)
{
    char list[320];
    int32_t found = -1, n = 0;
    for (int32_t i = 0; i < r->n; i++)
        if (is_head(r->files[i].path) && find_tag(r->files[i].path, tag)) {
            found = i;
            n++;
        }
    if (n == 1) return found;
    list_variants(r, n ? tag : NULL, n > 0, list, sizeof list);
    if (n == 0) sumi_fail(err, SUMI_EINVAL, "there is no tag '%.40s'; there are %s", tag, list);
    else sumi_fail(err, SUMI_EINVAL, "'%.40s' fits %d files; name one of %s", tag, n, list);
    return -1;
}

/* The most usual variant; of several with one tag that with the shortest name, which has no suffixes for special uses. */
static int32_t find_default(const repo *r)
{
    int32_t best = -1;
    size_t best_rank = 0;
    for (int32_t i = 0; i < r->n; i++) {
        const char *path = r->files[i].path;
        size_t rank = 0;
        if (!is_head(path)) continue;
        while (rank < N_PREFERRED && !find_tag(path, preferred[rank])) rank++;
        rank = rank * (NAME_MAX_PATH + 1) + strlen(path);
        if (best >= 0 && rank >= best_rank) continue;
        best = i;
        best_rank = rank;
    }
    return best;
}

/* All files of a split variant must be there. */
static sumi_status check_whole(const repo *r, const char *path, const bool *chosen, sumi_error *err)
{
    size_t n_stem;
    int32_t no, count, n = 0;
    if (!gguf_shard_path(path, &n_stem, &no, &count)) return SUMI_OK;
    for (int32_t i = 0; i < r->n; i++) n += chosen[i];
    if (n == count) return SUMI_OK;
    return sumi_fail(err, SUMI_EFORMAT, "%.200s: only %d of its %d files exist", path, n, count);
}

sumi_status repo_choose_gguf(const repo *r, const char *what, bool *chosen, sumi_error *err)
{
    memset(chosen, 0, (size_t)r->n * sizeof *chosen);
    int32_t found = name_ends_with(what, ".gguf") ? find_named(r, what, err)
                    : *what                       ? find_tagged(r, what, err)
                                                  : find_default(r);
    if (found < 0 && !*what) return sumi_fail(err, SUMI_EINVAL, "there is no GGUF file");
    if (found < 0) return SUMI_EINVAL;
    for (int32_t i = 0; i < r->n; i++) chosen[i] = same_variant(r->files[i].path, r->files[found].path);
    return check_whole(r, r->files[found].path, chosen, err);
}

static bool is_beside_weights(const char *path)
{
    static const char *const names[] = {
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "tokenizer.model",
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.json",
        "vocab.txt",
        "merges.txt",
        "chat_template.jinja",
        "chat_template.json",
        "preprocessor_config.json",
        "modules.json",
        "sentence_bert_config.json",
        "1_Pooling/config.json",
        "LICENSE",
        "LICENSE.txt",
        "LICENSE.md",
        "NOTICE",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(path, names[i])) return true;
    return false;
}

/* Weights of the top folder: those called "model...", where a repository has the same in another layout as well. */
static bool is_weights(const char *path, bool only_model)
{
    if (strchr(path, '/')) return false;
    if (!name_ends_with(path, ".safetensors") && !name_ends_with(path, ".safetensors.index.json")) return false;
    return !only_model || !strncmp(path, "model", 5);
}

sumi_status repo_choose_safetensors(const repo *r, bool *chosen, sumi_error *err)
{
    bool only_model = false, pickles = false;
    memset(chosen, 0, (size_t)r->n * sizeof *chosen);
    for (int32_t i = 0; i < r->n; i++) {
        const char *path = r->files[i].path;
        only_model |= name_ends_with(path, ".safetensors") && is_weights(path, true);
        pickles |= st_is_pickle(path);
    }
    if (!repo_has_safetensors(r))
        return sumi_fail(err, SUMI_EUNSUPPORTED, "there are neither GGUF nor safetensors files%s",
                         pickles ? ", only PyTorch pickles, which are programs and are not loaded" : "");
    for (int32_t i = 0; i < r->n; i++)
        chosen[i] = is_beside_weights(r->files[i].path) || is_weights(r->files[i].path, only_model);
    return SUMI_OK;
}

const char *repo_first(const repo *r, const bool *chosen)
{
    const char *first = NULL;
    for (int32_t i = 0; i < r->n; i++)
        if (chosen[i] && repo_is_model_gguf(r->files[i].path) && (!first || strcmp(r->files[i].path, first) < 0))
            first = r->files[i].path;
    return first;
}
