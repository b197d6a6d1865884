/* sumi.h - the public interface of libsumi, an LLM engine. Nothing else is public.
 *
 * The model of the library, from the outside in:
 *
 *   sumi_model    a model file, opened: weights, vocabulary, chat template. Read-only after opening, so any number
 *                 of threads and contexts may share it.
 *   sumi_context  a pool of key/value blocks and the threads that compute. It holds many sequences at once.
 *                 Calls on one context come from one thread at a time.
 *   sequence      a growing list of tokens inside a context, named by a small number.
 *   step          one forward pass over a ragged batch: any number of sequences, each with any number of new tokens
 *                 (prompt chunks and single tokens mixed), laid end to end.
 *   sumi_sampler  turns one row of logits into the next token. It owns its seed and its memory of past tokens.
 *
 *   open a model -> create a context -> tokenize -> sumi_step() -> sumi_logits() -> sumi_sampler_next() -> ...
 *   or in one call: sumi_generate().
 *
 * Rules that hold for every function:
 *   - What can fail returns a sumi_status, and fills *err (which may be NULL) with one line that names the thing.
 *     The library never prints, exits or aborts because of a file or an argument that it was given.
 *   - On failure an out-pointer is set to NULL and there is nothing to free.
 *   - Text is UTF-8 with an explicit length in bytes; other bytes are allowed, and become the vocabulary's byte tokens.
 *   - The answer never depends on load: a token's logits are bit for bit the same whatever shares its step, however
 *     its prompt was cut into steps, and with any number of threads. */
#ifndef SUMI_H
#define SUMI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SUMI_API      __attribute__((visibility("default")))
#define SUMI_MUST_USE __attribute__((warn_unused_result))

/* ---- Status ------------------------------------------------------------------------------------------------- */

#define SUMI_STATUS_LIST(X)                                                                                    \
    X(OK, "ok")                                                                                                \
    X(ENOMEM, "out of memory")                                                                                 \
    X(EIO, "input/output error")                                                                               \
    X(EFORMAT, "malformed file")                                                                               \
    X(EUNSUPPORTED, "not supported")                                                                           \
    X(EINVAL, "invalid argument")                                                                              \
    X(ELIMIT, "limit exceeded")                                                                                \
    X(ENUMERIC, "not a finite number")                                                                         \
    X(ECANCELLED, "cancelled")

typedef enum sumi_status {
#define SUMI_STATUS_ENUM(name, text) SUMI_##name,
    SUMI_STATUS_LIST(SUMI_STATUS_ENUM)
#undef SUMI_STATUS_ENUM
} sumi_status;

typedef struct sumi_error {
    sumi_status status;
    char message[508]; /* one line, NUL-terminated, no newline at its end */
} sumi_error;

SUMI_API const char *sumi_status_text(sumi_status status); /* never NULL */
SUMI_API const char *sumi_version(void);                   /* "0.1.0" */
SUMI_API void sumi_free(void *p);                          /* frees what a function below allocated; NULL is fine */

typedef enum sumi_log_level { SUMI_LOG_ERROR, SUMI_LOG_WARN, SUMI_LOG_INFO, SUMI_LOG_DEBUG } sumi_log_level;
/* Receives one message without a newline. Called from the thread that called the library. */
typedef void (*sumi_log_fn)(void *user, sumi_log_level level, const char *message);

/* ---- Model -------------------------------------------------------------------------------------------------- */

typedef struct sumi_model sumi_model;

/* How the input of a matrix product is stored while it is multiplied with quantised weights. */
typedef enum sumi_activations {
    SUMI_ACTIVATIONS_AUTO, /* the fast choice of the backend: int8 in groups of 32 for quantised weights */
    SUMI_ACTIVATIONS_F32,  /* no rounding of activations, keys or values: slower, closest to the float32 definition of
                              the model; a token takes twice the room in the cache */
} sumi_activations;

/* Where weights lie on a machine with several NUMA nodes. On one with a single node both are the same. */
typedef enum sumi_numa {
    SUMI_NUMA_OFF,    /* on the node of the thread that unpacked them */
    SUMI_NUMA_SPREAD, /* page by page on all nodes in turn: for contexts whose threads run on all of them. Weights that
                         are read from the file as they are (floats, the embedding) stay where the system cached them */
} sumi_numa;

typedef struct sumi_model_opts {
    const char *isa;              /* "ref", "avx2", "avx512"; NULL: SUMI_ISA if set, else the best the machine has */
    sumi_activations activations; /* see above */
    sumi_numa numa;               /* see above; EUNSUPPORTED where the system refuses, as containers often do */
    bool vocab_only;              /* tokenizer and template only: works on files without tensors */
    sumi_log_fn log;              /* NULL: silent */
    void *log_user;
} sumi_model_opts;

SUMI_API sumi_model_opts sumi_model_opts_default(void);

/* Maps the GGUF file at path and builds everything that reading it needs. *out is the caller's: free it with
 * sumi_model_close(), after the contexts that use it. EIO: cannot be read; EFORMAT: damaged or inconsistent;
 * EUNSUPPORTED: an architecture, tensor type or vocabulary that this build does not know; ENOMEM. */
SUMI_API SUMI_MUST_USE sumi_status sumi_model_open(sumi_model **out, const char *path, const sumi_model_opts *opts,
                                                   sumi_error *err);
SUMI_API void sumi_model_close(sumi_model *model); /* NULL is fine */

typedef struct sumi_model_info {
    const char *architecture; /* "llama", "qwen2", "gemma3"; the strings live as long as the model */
    const char *name;         /* general.name, or "" */
    const char *isa;          /* the kernels in use; "" when vocab_only */
    int32_t n_layers, n_embd, n_heads, n_kv_heads, head_dim, n_ff; /* 0 when vocab_only */
    int32_t n_vocab;
    int32_t n_ctx_train;      /* longest sequence that the model was trained for, in tokens; 0: unknown */
    int32_t bos_id, eos_id;   /* -1: none */
    uint64_t n_params;        /* elements of all tensors */
    uint64_t weight_bytes;    /* bytes of all tensors in the file */
    bool has_chat_template;
} sumi_model_info;

SUMI_API void sumi_model_get_info(const sumi_model *model, sumi_model_info *info);

/* ---- Text --------------------------------------------------------------------------------------------------- */

enum {
    SUMI_TOKENIZE_SPECIAL = 1, /* text such as "<|im_start|>" becomes the special token that it spells */
    SUMI_TOKENIZE_BOS_EOS = 2, /* add BOS and EOS as the model file asks for */
};

/* Text to token ids. *ids (n_ids of them) is the caller's, to be freed with sumi_free(); an empty text gives a
 * pointer that may still be freed and *n_ids == 0. flags: SUMI_TOKENIZE_*. */
SUMI_API SUMI_MUST_USE sumi_status sumi_tokenize(const sumi_model *model, const char *text, size_t n_bytes,
                                                 uint32_t flags, int32_t **ids, int32_t *n_ids, sumi_error *err);

/* Token ids to text. *text is NUL-terminated after *n_bytes bytes (which may hold NULs), freed with sumi_free().
 * special: write special tokens as their text; otherwise they give nothing. EINVAL: an id outside the vocabulary. */
SUMI_API SUMI_MUST_USE sumi_status sumi_detokenize(const sumi_model *model, const int32_t *ids, int32_t n_ids,
                                                   bool special, char **text, size_t *n_bytes, sumi_error *err);

SUMI_API bool sumi_token_is_end(const sumi_model *model, int32_t id); /* ends a generation: EOS, EOT and their kin */

typedef struct sumi_message {
    const char *role;    /* "system", "user", "assistant", ...; NUL-terminated */
    const char *content; /* NUL-terminated UTF-8 */
} sumi_message;

/* Renders the model's chat template. *text is NUL-terminated, freed with sumi_free(); tokenise it with
 * SUMI_TOKENIZE_SPECIAL and without SUMI_TOKENIZE_BOS_EOS, for templates write these tokens themselves.
 * EUNSUPPORTED: the model has no template; EINVAL: the template refused the messages (its own words in err). */
SUMI_API SUMI_MUST_USE sumi_status sumi_chat_format(const sumi_model *model, const sumi_message *messages,
                                                    int32_t n_messages, bool add_generation_prompt, char **text,
                                                    size_t *n_bytes, sumi_error *err);

/* The same from JSON texts: messages is an array as the OpenAI API defines it; tools an array, or NULL. */
SUMI_API SUMI_MUST_USE sumi_status sumi_chat_format_json(const sumi_model *model, const char *messages,
                                                         const char *tools, bool add_generation_prompt,
                                                         char **text, size_t *n_bytes, sumi_error *err);

/* ---- Context: sequences and steps --------------------------------------------------------------------------- */

typedef struct sumi_context sumi_context;

typedef struct sumi_context_opts {
    int32_t n_threads;        /* 0: one for each available processor */
    bool pin;                 /* bind each thread of the context to a processor of its own; the thread that calls stays
                                 free to move. For a machine that does nothing else: others' work waits or is waited
                                 for. EINVAL: more threads than processors */
    int32_t n_ctx;            /* longest sequence in tokens; 0: what the model was trained for, if the pool holds that */
    int32_t max_seqs;         /* sequences open at once */
    int32_t max_batch_tokens; /* new tokens in one step */
    int32_t max_logit_rows;   /* rows of logits in one step; each takes n_vocab floats */
    size_t kv_bytes;          /* size of the pool of key/value blocks; 0: room for one sequence of n_ctx tokens,
                                 but at most a quarter of the free memory */
} sumi_context_opts;

SUMI_API sumi_context_opts sumi_context_opts_default(void);

/* Everything that later steps need is allocated here. *out is freed with sumi_context_destroy(), before the model.
 * EINVAL: an option out of range; ELIMIT: kv_bytes does not hold a single block; ENOMEM. */
SUMI_API SUMI_MUST_USE sumi_status sumi_context_create(sumi_context **out, sumi_model *model,
                                                       const sumi_context_opts *opts, sumi_error *err);
SUMI_API void sumi_context_destroy(sumi_context *ctx); /* NULL is fine */

typedef struct sumi_context_info {
    int32_t n_ctx, n_threads, max_seqs, max_batch_tokens;
    int32_t kv_block;          /* tokens in a block */
    int32_t n_blocks, n_free;  /* blocks in the pool, and those not in use. A model whose layers all see everything needs
                                  one for kv_block tokens of a sequence; one with sliding windows keeps a table for each
                                  group of layers, and takes smaller blocks for each */
    int32_t max_seq_tokens;    /* the longest sequence that the pool holds alone, at most n_ctx */
    size_t kv_bytes;           /* bytes of the pool */
} sumi_context_info;

SUMI_API void sumi_context_get_info(const sumi_context *ctx, sumi_context_info *info);

/* Opens an empty sequence; *seq is its number until sumi_seq_close(). ELIMIT: max_seqs are open. */
SUMI_API SUMI_MUST_USE sumi_status sumi_seq_open(sumi_context *ctx, int32_t *seq, sumi_error *err);
SUMI_API void sumi_seq_close(sumi_context *ctx, int32_t seq);           /* gives its blocks back */
SUMI_API int32_t sumi_seq_len(const sumi_context *ctx, int32_t seq);    /* tokens that it holds */
SUMI_API void sumi_seq_truncate(sumi_context *ctx, int32_t seq, int32_t n_tokens); /* forgets all after n_tokens */

/* Opens a sequence that begins as a copy of src: it shares the blocks of src, and each of the two gets a block of its own
 * when it first writes into a shared one. ELIMIT: max_seqs are open; EINVAL: src is not open. *dst is -1 then. */
SUMI_API SUMI_MUST_USE sumi_status sumi_seq_fork(sumi_context *ctx, int32_t src, int32_t *dst, sumi_error *err);

typedef enum sumi_want { SUMI_WANT_NONE, SUMI_WANT_LAST, SUMI_WANT_ALL } sumi_want; /* which tokens need logits */

typedef struct sumi_span {
    int32_t seq;
    int32_t n_ids;
    const int32_t *ids; /* n_ids new tokens at the end of seq */
    sumi_want want;
} sumi_span;

/* One forward pass over spans, at most one for each sequence. On success the sequences have grown and the wanted
 * rows of logits are ready; on failure no sequence has changed. ELIMIT: a sequence would exceed n_ctx, the pool is
 * full, or the batch has more than max_batch_tokens tokens or max_logit_rows rows; EINVAL: an id or number is wrong. */
SUMI_API SUMI_MUST_USE sumi_status sumi_step(sumi_context *ctx, const sumi_span *spans, int32_t n_spans,
                                             sumi_error *err);

/* Row `row` of the last step's logits, in the order of the spans: n_vocab floats, valid until the next step; NULL if
 * there is no such row. */
SUMI_API const float *sumi_logits(const sumi_context *ctx, int32_t row);
SUMI_API int32_t sumi_n_logit_rows(const sumi_context *ctx);

/* Adds ids to seq in steps of max_batch_tokens; logits (row 0) are those after the last one. On failure seq has not
 * changed. */
SUMI_API SUMI_MUST_USE sumi_status sumi_prefill(sumi_context *ctx, int32_t seq, const int32_t *ids, int32_t n_ids,
                                                sumi_error *err);

/* ---- Sampling ----------------------------------------------------------------------------------------------- */

typedef struct sumi_logit_bias {
    int32_t id;
    float bias; /* added to the logit */
} sumi_logit_bias;

typedef struct sumi_sampling {
    float temperature;       /* 0: greedy, always the most probable token */
    int32_t top_k;           /* keep the k most probable; 0: all */
    float top_p;             /* keep the smallest set with this much probability; 1: all */
    float min_p;             /* drop tokens below this share of the best one's probability; 0: none */
    float typical_p;         /* locally typical sampling; 1: off */
    float repeat_penalty;    /* divides positive and multiplies negative logits of seen tokens; 1: off */
    float frequency_penalty; /* subtracted for each time a token was seen; 0: off */
    float presence_penalty;  /* subtracted once for a token that was seen; 0: off */
    int32_t penalty_last_n;  /* how many of the last tokens count as seen; -1: all, 0: none */
    bool skip_logprob;       /* do not compute logprob of choices, which costs a pass of exponentials over the row */
    uint64_t seed;
    const sumi_logit_bias *bias; /* n_bias of them; copied */
    int32_t n_bias;
} sumi_sampling;

SUMI_API sumi_sampling sumi_sampling_default(void); /* temperature 0.8, top_k 40, top_p 0.95, min_p 0.05, seed 0 */

typedef struct sumi_sampler sumi_sampler;

/* EINVAL: a parameter out of range, named in err. Free with sumi_sampler_destroy(). */
SUMI_API SUMI_MUST_USE sumi_status sumi_sampler_create(sumi_sampler **out, int32_t n_vocab,
                                                       const sumi_sampling *params, sumi_error *err);
SUMI_API void sumi_sampler_destroy(sumi_sampler *sampler); /* NULL is fine */

/* Tells the sampler of tokens that it did not choose (the prompt), so that penalties count them. */
SUMI_API void sumi_sampler_accept(sumi_sampler *sampler, const int32_t *ids, int32_t n_ids);

typedef struct sumi_choice {
    int32_t id;
    float logprob; /* natural log of its probability in the model's own distribution, before any setting above.
                      NaN under skip_logprob */
} sumi_choice;

/* The next token from logits [n_vocab]; it is accepted too. The random numbers depend on the seed and on how many
 * tokens this sampler chose before, on nothing else. ENUMERIC: a logit is NaN or +inf, or all are -inf. */
SUMI_API SUMI_MUST_USE sumi_status sumi_sampler_next(sumi_sampler *sampler, const float *logits, sumi_choice *choice,
                                                     sumi_error *err);

/* The k most probable tokens of logits [n_vocab], best first, ties by lower id, with their log-probabilities. Where
 * fewer than k tokens are possible, the places left have id -1. */
SUMI_API void sumi_top_logprobs(const float *logits, int32_t n_vocab, int32_t k, sumi_choice *top);

/* ---- Generation --------------------------------------------------------------------------------------------- */

typedef enum sumi_finish {
    SUMI_FINISH_STOP,      /* an end token or a stop string */
    SUMI_FINISH_LENGTH,    /* max_tokens, the end of the context, or no key/value block left for another token */
    SUMI_FINISH_CANCELLED, /* the callback asked for it */
} sumi_finish;

typedef struct sumi_piece {
    const char *text;       /* whole UTF-8 characters, never part of a stop string; may be empty */
    size_t n_bytes;
    const sumi_choice *choices; /* the tokens since the last piece; all of them are reported once, end tokens too */
    const sumi_choice *top;     /* n_choices x n_logprobs alternatives; NULL when n_logprobs is 0 */
    int32_t n_choices;
} sumi_piece;

/* Called after each token, and once more if text was held back at the end; valid during the call. Return false to
 * stop. */
typedef bool (*sumi_piece_fn)(void *user, const sumi_piece *piece);

typedef struct sumi_generate_opts {
    sumi_sampling sampling;
    int32_t max_tokens;        /* -1: until the context is full */
    const char *const *stop;   /* n_stop strings that end the text; they are not part of it */
    int32_t n_stop;
    int32_t n_logprobs;        /* alternatives to report for each token */
    const int32_t *seen;       /* n_seen tokens that seq held before: penalties count them too. NULL: none */
    int32_t n_seen;
    bool ignore_eos;           /* end tokens do not end the text */
    sumi_piece_fn on_piece;    /* may be NULL */
    void *user;
} sumi_generate_opts;

SUMI_API sumi_generate_opts sumi_generate_opts_default(void);

typedef struct sumi_generation {
    sumi_finish finish;
    int32_t n_prompt, n_generated; /* tokens; generated ones include an end token */
    double prefill_ms, decode_ms;  /* time for the prompt up to its first token, and for the rest */
} sumi_generation;

/* Appends ids to seq and generates after them. On success seq holds the prompt and all generated tokens but the last,
 * as its answer was never fed back. opts NULL: the defaults. *result (may be NULL) is filled on success. Errors as
 * sumi_step() and sumi_sampler_create(); a prompt that does not fit is ELIMIT, and bad logits are ENUMERIC. A failure
 * leaves seq at a whole number of the tokens described. */
SUMI_API SUMI_MUST_USE sumi_status sumi_generate(sumi_context *ctx, int32_t seq, const int32_t *ids, int32_t n_ids,
                                                 const sumi_generate_opts *opts, sumi_generation *result,
                                                 sumi_error *err);

#ifdef __cplusplus
}
#endif
#endif
