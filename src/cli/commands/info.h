/* info.h - shared by the files of `sumi info`.
 *
 *   cmd_info.c    options, opening, which of the views below
 *   info_text.c   as text: the overview, lists of metadata and tensors
 *   info_json.c   as one JSON object, for programs */
#ifndef SUMI_CLI_COMMANDS_INFO_H
#define SUMI_CLI_COMMANDS_INFO_H

#include "format/model_source.h"
#include "sumi.h"

#define INFO_ARRAY_HEAD 8 /* elements that are shown of a long array */

/* Data of the overview and of the JSON object. Strings point into the file; empty: the file does not say. */
typedef struct info_summary {
    gguf_str architecture, name, license, tokenizer, pretokenizer, chat_template;
    uint64_t n_params, weight_bytes, n_vocab; /* n_vocab 0: no vocabulary */
    double bits_per_weight;                   /* 0 without tensors */
    struct info_type {
        int64_t n_tensors;
        uint64_t n_params;
    } types[DTYPE_MAX]; /* by number */
    /* Which tokens end a generation, by the names and keys that the tokenizer knows; owned. -1: the file holds no vocabulary
     * that sumi can read. Of info only, as memory is: */
    int32_t *end_tokens, n_end_tokens;
    bool has_memory;      /* false: not requested, or the engine cannot run the model */
    sumi_estimate memory; /* of a context of the model's training length */
} info_summary;

void info_summarise(const model_source *src, info_summary *s); /* without memory and end tokens */

/* The integer or text at "ARCHITECTURE.suffix"; false as model_source_get_i64(). */
bool info_arch_i64(const model_source *src, const info_summary *s, const char *suffix, int64_t *value);

void info_print_overview(const model_source *src, const info_summary *s);
void info_print_metadata(const model_source *src, bool whole); /* whole: arrays and strings in full */
void info_print_tensors(const model_source *src);

/* Prints one object. */
SUMI_MUST_USE sumi_status info_print_json(const model_source *src, const info_summary *s, bool whole, sumi_error *err);

#endif
