/* ref.h - where a model comes from, as users write it.
 *
 *   https://host/path/model.gguf               a file
 *   hf:OWNER/NAME[@REVISION][:WHAT]            a repository of the Hugging Face hub. WHAT: a tag such as Q4_K_M, a file, or
 *     hf.co/OWNER/NAME[:WHAT]                  "safetensors" for the original weights
 *     https://huggingface.co/OWNER/NAME[/blob/REVISION/FILE]
 *   ollama:[[HOST/]NAMESPACE/]NAME[:TAG]       a model of an Ollama registry; ollama.com/library/NAME[:TAG]
 *   NAME[:TAG]                                 the same, for ref_parse() only: elsewhere the name of a model in the store
 *
 * A reference also determines the folder of the model in the store, so the same reference finds the model again:
 *
 *   url/HOST/path/   hf/OWNER/NAME[@REVISION]/   ollama/HOST/NAMESPACE/NAME/TAG/ */
#ifndef SUMI_STORE_REF_H
#define SUMI_STORE_REF_H

#include "store/names.h"

typedef enum ref_kind { REF_URL, REF_HF, REF_OLLAMA } ref_kind;

#define REF_HF_ENDPOINT     "https://huggingface.co"
#define REF_OLLAMA_HOST     "registry.ollama.ai"
#define REF_OLLAMA_ENDPOINT "https://" REF_OLLAMA_HOST
#define REF_MAX_URL         2048

typedef struct model_ref {
    ref_kind kind;
    char host[NAME_MAX_PART + 1];  /* of a URL or a registry, with the port */
    char owner[NAME_MAX_PART + 1]; /* HF owner, Ollama namespace */
    char name[NAME_MAX_PART + 1];
    char revision[NAME_MAX_PART + 1]; /* HF: "" if not given */
    char what[NAME_MAX_PATH + 1];     /* HF: tag or file, "" if not given. Ollama: the tag. URL: the file's name */
    char url[REF_MAX_URL];            /* REF_URL only, without a fragment */
} model_ref;

/* True if text is a reference; other texts are paths or short names. */
bool ref_is(const char *text);

/* SUMI_EINVAL: text is wrong; the message quotes it. */
SUMI_MUST_USE sumi_status ref_parse(model_ref *r, const char *text, sumi_error *err);

/* The folder below the store, "hf/OWNER/NAME". SUMI_EINVAL for a URL whose path cannot be one. */
SUMI_MUST_USE sumi_status ref_folder(const model_ref *r, char *out, size_t n_out, sumi_error *err);

#endif
