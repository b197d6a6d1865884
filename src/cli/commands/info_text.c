/* info_text.c - model files for people: the overview, and lists of metadata and tensors.
 *
 * All text from the file is filtered by base/printable.h: a name in a file must not steer the terminal. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/printable.h"
#include "cli/commands/info.h"
#include "engine/recommended.h"
#include "format/gguf.h"
#include "format/model_source_adapter.h"
#include "sample/members.h"

#define MAX_SHOWN 400 /* bytes of a string, without --all */

/* s made printable, cut to the size of out. */
static const char *show(gguf_str s, char *out, size_t n_out)
{
    size_t used = printable_copy(out, n_out, s.n ? s.data : "", s.n);
    if (s.n >= n_out && n_out > 8 && used + 4 >= n_out) { /* cut: say so, at a whole character */
        while (used > n_out - 4 || (used > 0 && ((unsigned char)out[used] & 0xc0) == 0x80)) used--;
        strcpy(out + used, "...");
    }
    return out;
}

static void print_bytes(double n)
{
    static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
    int unit = 0;
    for (; n >= 1024 && unit < 4; unit++) n /= 1024;
    printf("%.*f %s", unit ? 1 : 0, n, units[unit]);
}

static void print_count(double n)
{
    static const char *const units[] = { "", " k", " M", " B", " T" };
    int unit = 0;
    for (; n >= 1000 && unit < 4; unit++) n /= 1000;
    printf("%.*f%s", unit ? 1 : 0, n, units[unit]);
}

/* ---- The overview ---- */

static void print_types(const info_summary *s)
{
    bool done[DTYPE_MAX] = { false };
    for (;;) { /* the type with most parameters first */
        int best = -1;
        for (int i = 0; i < DTYPE_MAX; i++)
            if (s->types[i].n_tensors && !done[i] && (best < 0 || s->types[i].n_params > s->types[best].n_params))
                best = i;
        if (best < 0) return;
        done[best] = true;
        printf("                   %-7s %5.1f %% of the parameters, %" PRId64 " tensor%s\n",
               dtype_gguf_name((uint32_t)best), 100.0 * (double)s->types[best].n_params / (double)s->n_params,
               s->types[best].n_tensors, s->types[best].n_tensors == 1 ? "" : "s");
    }
}

static void print_shape(const model_source *src, const info_summary *s)
{
    static const struct {
        const char *suffix, *before, *after;
    } parts[] = {
        { "block_count", "", " layers" },           { "embedding_length", "", " wide" },
        { "attention.head_count", "", " heads" },   { "attention.head_count_kv", "", " key/value heads" },
        { "attention.key_length", "head of ", "" }, { "feed_forward_length", "feed-forward of ", "" },
        { "expert_count", "", " experts" },
    };
    const char *separator = "  shape            ";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        int64_t v;
        if (!info_arch_i64(src, s, parts[i].suffix, &v)) continue;
        printf("%s%s%" PRId64 "%s", separator, parts[i].before, v, parts[i].after);
        separator = ", ";
    }
    if (*separator == ',') printf("\n");
}

static void print_weights(const info_summary *s, int64_t n_tensors)
{
    if (n_tensors == 0) {
        printf("  size             no tensors: a vocabulary alone\n");
        return;
    }
    printf("  size             ");
    print_count((double)s->n_params);
    printf(" parameters in %" PRId64 " tensor%s, ", n_tensors, n_tensors == 1 ? "" : "s");
    print_bytes((double)s->weight_bytes);
    printf("\n  quantisation     %.2f bits per weight\n", s->bits_per_weight);
    print_types(s);
}

static void print_memory(const info_summary *s)
{
    const sumi_estimate *m = &s->memory;
    const struct {
        uint64_t bytes;
        const char *what;
    } parts[] = { { m->weight_bytes, "weights" },
                  { m->unpacked_bytes, "weights as in the file" },
                  { m->scratch_bytes, "steps" },
                  { m->kv_bytes, "keys and values of" } };
    const char *separator = "  memory           ";
    if (!s->has_memory) return;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!parts[i].bytes) continue;
        printf("%s", separator);
        print_bytes((double)parts[i].bytes);
        printf(" %s", parts[i].what);
        separator = ", ";
    }
    printf(" %" PRId32 " tokens\n", m->n_ctx);
}

static void print_context(const model_source *src, const info_summary *s)
{
    int64_t n_ctx, window;
    if (!info_arch_i64(src, s, "context_length", &n_ctx)) return;
    printf("  context          %" PRId64 " tokens", n_ctx);
    if (info_arch_i64(src, s, "attention.sliding_window", &window) && window > 0)
        printf(", sliding window of %" PRId64, window);
    printf("\n");
}

static gguf_str token_text(const model_source *src, const gguf_array *tokens, int64_t id)
{
    if (tokens->type != GGUF_STRING || id < 0 || (uint64_t)id >= tokens->n) return (gguf_str){ "?", 1 };
    return model_source_array_str(src, tokens, (uint64_t)id);
}

static void print_end_tokens(const model_source *src, const info_summary *s, const gguf_array *tokens)
{
    char text[80];
    for (int32_t i = 0; i < s->n_end_tokens; i++)
        printf("%s%" PRId32 " %s", i ? ", " : "  end tokens       ", s->end_tokens[i],
               show(token_text(src, tokens, s->end_tokens[i]), text, sizeof text));
    if (s->n_end_tokens > 0) printf("\n");
}

static void print_vocabulary(const model_source *src, const info_summary *s)
{
    static const struct {
        const char *name, *key;
    } special[] = {
        { "BOS", "tokenizer.ggml.bos_token_id" },
        { "EOS", "tokenizer.ggml.eos_token_id" },
    };
    char text[80];
    gguf_array tokens;
    if (!model_source_get_array(src, "tokenizer.ggml.tokens", &tokens)) {
        printf("  vocabulary       none\n");
        return;
    }
    printf("  vocabulary       %" PRIu64 " tokens, %s", s->n_vocab, show(s->tokenizer, text, sizeof text));
    if (s->pretokenizer.n) printf(" (%s)", show(s->pretokenizer, text, sizeof text));
    printf("\n");
    const char *separator = "  special tokens   ";
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        int64_t id;
        if (!model_source_get_i64(src, special[i].key, &id)) continue;
        printf("%s%s %" PRId64 " %s", separator, special[i].name, id,
               show(token_text(src, &tokens, id), text, sizeof text));
        separator = ", ";
    }
    if (*separator == ',') printf("\n");
    print_end_tokens(src, s, &tokens);
}

/* The sampling settings that the model's file recommends. */
static void print_sampling(const model_source *src)
{
    sumi_sampling recommended;
    buf text;
    buf_init(&text, 512);
    uint32_t members = recommended_sampling(src, &recommended);
    sampling_print(&recommended, members, &text);
    if (text.n) printf("  sampling         %s\n", text.data);
    buf_deinit(&text);
}

/* The files of a model that has several, each with its part of the tensors. */
static void print_shards(const model_source *src)
{
    char text[256];
    for (int32_t i = model_source_is_described(src); i < model_source_n_shards(src); i++) {
        int64_t n = 0;
        const char *path = model_source_shard_name(src, i), *slash = strrchr(path, '/');
        const char *name = slash ? slash + 1 : path;
        for (int64_t t = 0; t < model_source_n_tensors(src); t++) n += model_source_tensor_at(src, t)->shard == i;
        printf("                   %s, ", show((gguf_str){ name, strlen(name) }, text, sizeof text));
        print_bytes((double)model_source_shard_bytes(src, i));
        printf(", %" PRId64 " tensor%s\n", n, n == 1 ? "" : "s");
    }
}

static void print_files(const model_source *src)
{
    int32_t n = model_source_n_shards(src) - model_source_is_described(src);
    if (model_source_is_described(src)) printf("                   safetensors, ");
    else printf("                   GGUF version %u, ", gguf_version(src));
    print_bytes((double)model_source_file_bytes(src));
    if (n > 1) printf(" in %d files", n);
    printf("\n");
    if (n > 1) print_shards(src);
}

void info_print_overview(const model_source *src, const info_summary *s)
{
    char text[256];
    const gguf_str file = { model_source_name(src), strlen(model_source_name(src)) };
    gguf_str base;
    printf("%s\n", show(s->name.n ? s->name : file, text, sizeof text));
    printf("  file             %s\n", show(file, text, sizeof text));
    print_files(src);
    printf("  architecture     %s\n", s->architecture.n ? show(s->architecture, text, sizeof text) : "not named");
    if (model_source_is_adapter(src, &base))
        printf("  adapter          for %s; not supported yet\n",
               base.n ? show(base, text, sizeof text) : "a model that is not named");
    print_weights(s, model_source_n_tensors(src));
    print_shape(src, s);
    print_context(src, s);
    print_memory(s);
    print_vocabulary(src, s);
    print_sampling(src);
    if (s->chat_template.n) printf("  chat template    yes, %zu bytes\n", s->chat_template.n);
    else printf("  chat template    no\n");
    printf("  licence          %s\n", s->license.n ? show(s->license, text, sizeof text) : "not named");
}

/* ---- Lists ---- */

/* In quotes; line ends as \n, other control characters as '?'. */
static void print_string(gguf_str s, bool whole)
{
    size_t limit = whole || s.n < MAX_SHOWN ? s.n : MAX_SHOWN, i = 0;
    putchar('"');
    while (i < limit) {
        uint32_t code;
        size_t n = printable_utf8(s.data + i, s.n - i, &code);
        if (code == '\n') printf("\\n");
        else if (printable_shown(code)) fwrite(s.data + i, 1, n, stdout);
        else putchar('?');
        i += n;
    }
    printf(i < s.n ? "...\"" : "\"");
}

/* The shortest decimal that reads back as the same float or double. */
static void print_real(double v, bool is_f32)
{
    char text[40];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (v != v || (is_f32 ? strtof(text, NULL) == (float)v : strtod(text, NULL) == v)) break;
    }
    printf("%s", text);
}

static void print_element(const model_source *src, const gguf_array *a, uint64_t i, bool whole)
{
    switch (a->type) {
    case GGUF_STRING: print_string(model_source_array_str(src, a, i), whole); break;
    case GGUF_F32:
    case GGUF_F64: print_real(gguf_array_f64(a, i), a->type == GGUF_F32); break;
    case GGUF_U64: printf("%" PRIu64, gguf_array_u64(a, i)); break;
    case GGUF_BOOL: printf("%s", gguf_array_i64(a, i) ? "true" : "false"); break;
    default: printf("%" PRId64, gguf_array_i64(a, i));
    }
}

static void print_array(const model_source *src, const gguf_array *a, bool whole)
{
    uint64_t n = whole || a->n <= INFO_ARRAY_HEAD ? a->n : INFO_ARRAY_HEAD;
    printf("[");
    for (uint64_t i = 0; i < n; i++) {
        if (i) printf(", ");
        print_element(src, a, i, whole);
    }
    printf(n < a->n ? ", ...]" : "]");
}

static void print_value(const model_source *src, int64_t i, bool whole)
{
    int64_t integer;
    uint64_t large;
    double real;
    bool flag;
    gguf_str text;
    gguf_array a;
    if (model_source_value_i64(src, i, &integer)) printf("%" PRId64, integer);
    else if (model_source_value_bool(src, i, &flag)) printf("%s", flag ? "true" : "false");
    else if (model_source_value_str(src, i, &text)) print_string(text, whole);
    else if (model_source_value_array(src, i, &a)) print_array(src, &a, whole);
    else if (model_source_value_u64(src, i, &large)) printf("%" PRIu64, large);
    else if (!model_source_value_f64(src, i, &real)) printf("(arrays of arrays are not shown)");
    else print_real(real, model_source_key_type(src, i) == GGUF_F32);
}

void info_print_metadata(const model_source *src, bool whole)
{
    char key[128], type[64];
    printf("%" PRId64 " metadata keys\n", model_source_n_keys(src));
    for (int64_t i = 0; i < model_source_n_keys(src); i++) {
        gguf_array a;
        snprintf(type, sizeof type, "%s", gguf_type_name(model_source_key_type(src, i)));
        if (model_source_value_array(src, i, &a))
            snprintf(type, sizeof type, "%s[%" PRIu64 "]", gguf_type_name(a.type), a.n);
        printf("  %-42s %-15s ", show(model_source_key(src, i), key, sizeof key), type);
        print_value(src, i, whole);
        printf("\n");
    }
}

void info_print_tensors(const model_source *src)
{
    char name[128], shape[128];
    printf("%" PRId64 " tensors%s\n", model_source_n_tensors(src),
           model_source_n_tensors(src) ? " (fastest dimension first)" : "");
    for (int64_t i = 0; i < model_source_n_tensors(src); i++) {
        const source_tensor *t = model_source_tensor_at(src, i);
        int n = 0;
        shape[0] = '\0';
        for (int d = 0; d < t->n_dims; d++)
            n += snprintf(shape + n, sizeof shape - (size_t)n, "%s%" PRId64, d ? " x " : "", t->dims[d]);
        printf("  %-42s %-7s %-20s %12zu bytes at %zu", show(t->name, name, sizeof name), t->type->name, shape,
               t->n_bytes, t->offset);
        if (model_source_n_shards(src) > 1) printf(" of file %d", t->shard + 1);
        printf("\n");
    }
}
