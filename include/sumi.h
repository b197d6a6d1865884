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
 *   sumi_engine   serves many requests at once: a context of its own, a thread that runs its steps, and a scheduler
 *                 that chooses who is in a step. Any thread may submit.
 *
 *   open a model -> create a context -> tokenize -> sumi_step() -> sumi_logits() -> sumi_sampler_next() -> ...
 *   or in one call: sumi_generate(). For many users: sumi_engine_create() -> sumi_engine_submit() -> events.
 *
 * Rules that hold for every function:
 *   - What can fail returns a sumi_status, and fills *err (which may be NULL) with one line that names the thing.
 *     The library never prints, exits or aborts because of a file or an argument that it was given.
 *   - On failure an out-pointer is set to NULL and there is nothing to free.
 *   - Options may be NULL where a function takes a pointer to them: the defaults.
 *   - Text is UTF-8 with an explicit length in bytes; other bytes are allowed, and become the vocabulary's byte tokens.
 *   - The answer never depends on load: a token's logits are bit for bit the same whatever shares its step, however
 *     its prompt was cut into steps, and with any number of threads.
 *
 * Structures grow at their ends in later versions, and programs that were compiled before go on to work:
 *   - Options and requests begin with their size, which the *_default() functions of this header set to that of the
 *     program's own structure. The library takes a smaller one and uses the defaults for what it lacks; a larger one, of a
 *     newer header, and one without a size are EINVAL. Other languages call *_init() with the size that they know.
 *   - What the library fills in (sumi_model_info, sumi_context_info, sumi_engine_stats, sumi_estimate) is written up to the
 *     size that the inline function of this header passes to its *_sized() twin.
 *   - sumi_error, sumi_sampling, sumi_logit_bias, sumi_choice, sumi_piece, sumi_generation, sumi_usage, sumi_message and
 *     sumi_span, of which there are arrays or which lie inside others, do not grow within one soname. */
#ifndef SUMI_H
#define SUMI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header; sumi_version() tells the library's. SUMI_VERSION_NUM grows with every version, for #if:
 * 1.2.3 is 1002003. While MAJOR is 0 a new MINOR may change the interface, and libsumi.so gets another name. */
#define SUMI_VERSION_MAJOR 0
#define SUMI_VERSION_MINOR 1
#define SUMI_VERSION_PATCH 0
#define SUMI_VERSION_NUM   (SUMI_VERSION_MAJOR * 1000000 + SUMI_VERSION_MINOR * 1000 + SUMI_VERSION_PATCH)

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
    X(ECANCELLED, "cancelled")                                                                                 \
    X(EBUSY, "too many requests")

/* SUMI_OK, SUMI_ENOMEM, SUMI_EIO, SUMI_EFORMAT, SUMI_EUNSUPPORTED, SUMI_EINVAL, SUMI_ELIMIT, SUMI_ENUMERIC, SUMI_ECANCELLED,
 * SUMI_EBUSY: 0, 1, 2, ... New ones come at the end. */
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

/* Called now and then by the thread that called the library: done of total (bytes, or tokens) are behind it. False ends the
 * work with SUMI_ECANCELLED. */
typedef bool (*sumi_progress_fn)(void *user, uint64_t done, uint64_t total);

/* ---- Model -------------------------------------------------------------------------------------------------- */

typedef struct sumi_model sumi_model;

/* How the input of a matrix product is stored while it is multiplied with quantised weights. */
typedef enum sumi_activations {
    SUMI_ACTIVATIONS_AUTO, /* the fast choice of the backend: int8 in groups of 32 for quantised weights */
    SUMI_ACTIVATIONS_F32,  /* no rounding of activations, keys or values: slower, closest to the float32 definition of
                              the model; a token takes twice the room in the cache */
} sumi_activations;

/* How the hidden states of a text become one vector, its embedding. */
typedef enum sumi_pooling {
    SUMI_POOL_NONE,
    SUMI_POOL_MEAN, /* their mean over all tokens */
    SUMI_POOL_LAST, /* that of the last token, which has seen all others */
    SUMI_POOL_CLS, /* that of the first token, often "[CLS]". Of encoders only: in a decoder it has seen nothing else */
} sumi_pooling;

/* Where weights lie on a machine with several NUMA nodes. On one with a single node both are the same. */
typedef enum sumi_numa {
    SUMI_NUMA_OFF,    /* on the node of the thread that unpacked them */
    SUMI_NUMA_SPREAD, /* page by page on all nodes in turn: for contexts whose threads run on all of them. Weights that
                         are read from the file as they are (floats, the embedding) stay where the system cached them */
} sumi_numa;

typedef struct sumi_model_opts {
    size_t size; /* of this structure: see above */
    const char *isa;              /* "ref", "avx2", "avxvnni", "avx512", "amx"; NULL: SUMI_ISA if set, else the machine's best */
    sumi_activations activations; /* see above */
    sumi_numa numa;               /* see above; EUNSUPPORTED where the system refuses, as containers often do */
    bool vocab_only;              /* tokenizer and template only: works on files without tensors */
    bool strict_roles;            /* chats go to the template as they are; else what its template does not take (a system
                                     message, turns that do not alternate) is folded into the turns beside it */
    sumi_log_fn log;              /* NULL: silent */
    void *log_user;
    sumi_progress_fn progress;    /* of opening: bytes of weights that are ready. NULL: none */
    void *progress_user;
} sumi_model_opts;

SUMI_API void sumi_model_opts_init(sumi_model_opts *opts, size_t size);
static inline sumi_model_opts sumi_model_opts_default(void)
{
    sumi_model_opts o;
    sumi_model_opts_init(&o, sizeof o);
    return o;
}

/* Reads the model at path, a GGUF file or a Hugging Face folder (safetensors), and builds everything that reading it needs.
 * *out is the caller's: free it with sumi_model_close(), after the contexts that use it. EIO: cannot be read; EFORMAT:
 * damaged or inconsistent; EUNSUPPORTED: an architecture, tensor type or vocabulary that this build does not know;
 * ECANCELLED: progress said so; ENOMEM. */
SUMI_API SUMI_MUST_USE sumi_status sumi_model_open(sumi_model **out, const char *path, const sumi_model_opts *opts,
                                                   sumi_error *err);
SUMI_API void sumi_model_close(sumi_model *model); /* NULL is fine */

typedef struct sumi_model_info {
    const char
        *architecture; /* "llama", "qwen3", ... (docs/models.md); the strings live as long as the model */
    const char *name;         /* general.name, or "" */
    const char *isa;          /* the kernels in use; "" when vocab_only */
    int32_t n_layers, n_embd, n_heads, n_kv_heads, head_dim, n_ff; /* 0 when vocab_only */
    int32_t n_vocab;
    int32_t n_ctx_train;      /* longest sequence that the model was trained for, in tokens; 0: unknown */
    int32_t bos_id, eos_id;   /* -1: none */
    uint64_t n_params;        /* elements of all tensors */
    uint64_t weight_bytes;    /* bytes of all tensors in the file */
    bool has_chat_template;
    bool is_encoder;          /* attention looks both ways: there are embeddings, and neither logits nor answers */
    bool has_logits;          /* it has an output head, and makes answers; false for encoders, too */
    sumi_pooling pooling;     /* of embeddings, as the file says; NONE: it does not, or vocab_only */
} sumi_model_info;

SUMI_API void sumi_model_get_info_sized(const sumi_model *model, sumi_model_info *info, size_t size);
static inline void sumi_model_get_info(const sumi_model *model, sumi_model_info *info)
{
    sumi_model_get_info_sized(model, info, sizeof *info);
}

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
 * A system message that the template does not take goes before the next user's text, and neighbours of one role become one
 * turn if the template wants them to alternate (sumi_model_opts.strict_roles: not). EUNSUPPORTED: the model has no template;
 * EINVAL: the template refused the messages (its own words in err). */
SUMI_API SUMI_MUST_USE sumi_status sumi_chat_format(const sumi_model *model, const sumi_message *messages,
                                                    int32_t n_messages, bool add_generation_prompt, char **text,
                                                    size_t *n_bytes, sumi_error *err);

/* The same from JSON texts: messages is an array as the OpenAI API defines it; tools an array, or NULL. Calls of tools get the
 * form that the template reads; EINVAL: it leaves them out. */
SUMI_API SUMI_MUST_USE sumi_status sumi_chat_format_json(const sumi_model *model, const char *messages,
                                                         const char *tools, bool add_generation_prompt,
                                                         char **text, size_t *n_bytes, sumi_error *err);

/* ---- Converting --------------------------------------------------------------------------------------------- */

typedef struct sumi_convert_opts {
    size_t size; /* of this structure: see above */
    const char *type;  /* "Q4_K_M", "BF16", ...: sumi_convert_type(); NULL: matrices keep their types */
    bool overwrite;    /* a file that is there already; else EIO */
    int32_t n_threads; /* 0: one for each available processor. The result does not depend on it */
    sumi_progress_fn progress; /* bytes of the result. NULL: none */
    void *user;
} sumi_convert_opts;

SUMI_API void sumi_convert_opts_init(sumi_convert_opts *opts, size_t size);
static inline sumi_convert_opts sumi_convert_opts_default(void)
{
    sumi_convert_opts o;
    sumi_convert_opts_init(&o, sizeof o);
    return o;
}

/* Writes the model at path, a GGUF file or a Hugging Face folder, as one GGUF file at out, which llama.cpp reads too. The
 * file appears when it is complete; on failure nothing is left. Memory is that of a few rows. Errors as sumi_model_open();
 * EINVAL: no such type; EIO: the file cannot be written, or is there; ENUMERIC: a tensor holds what is not finite, or too
 * large for F16; ECANCELLED. */
SUMI_API SUMI_MUST_USE sumi_status sumi_convert(const char *path, const char *out, const sumi_convert_opts *opts,
                                                sumi_error *err);

/* Name number i of the types, from the most to the fewest bits, and a line about it (summary may be NULL). NULL: there are
 * no more. */
SUMI_API const char *sumi_convert_type(int32_t i, const char **summary);

/* ---- Context: sequences and steps --------------------------------------------------------------------------- */

typedef struct sumi_context sumi_context;

typedef struct sumi_context_opts {
    size_t size; /* of this structure: see above */
    int32_t n_threads;        /* 0: one for each available processor */
    bool pin;                 /* bind each thread of the context to a processor of its own; the thread that calls stays
                                 free to move. For a machine that does nothing else: others' work waits or is waited
                                 for. EINVAL: more threads than processors */
    int32_t n_ctx;            /* longest sequence in tokens; 0: what the model was trained for, if the pool holds that */
    int32_t max_seqs;         /* sequences open at once */
    int32_t max_batch_tokens; /* new tokens in one step; an encoder's is raised to n_ctx, as it takes a text whole */
    int32_t max_logit_rows;   /* rows of logits in one step; each takes n_vocab floats */
    size_t kv_bytes;          /* size of the pool of key/value blocks; 0: room for one sequence of n_ctx tokens,
                                 but at most a quarter of the free memory */
} sumi_context_opts;

SUMI_API void sumi_context_opts_init(sumi_context_opts *opts, size_t size);
static inline sumi_context_opts sumi_context_opts_default(void)
{
    sumi_context_opts o;
    sumi_context_opts_init(&o, sizeof o);
    return o;
}

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

SUMI_API void sumi_context_get_info_sized(const sumi_context *ctx, sumi_context_info *info, size_t size);
static inline void sumi_context_get_info(const sumi_context *ctx, sumi_context_info *info)
{
    sumi_context_get_info_sized(ctx, info, sizeof *info);
}

/* Opens an empty sequence; *seq is its number until sumi_seq_close(). ELIMIT: max_seqs are open. */
SUMI_API SUMI_MUST_USE sumi_status sumi_seq_open(sumi_context *ctx, int32_t *seq, sumi_error *err);
SUMI_API void sumi_seq_close(sumi_context *ctx, int32_t seq);           /* gives its blocks back */
SUMI_API int32_t sumi_seq_len(const sumi_context *ctx, int32_t seq);    /* tokens that it holds */
SUMI_API void sumi_seq_truncate(sumi_context *ctx, int32_t seq, int32_t n_tokens); /* forgets all after n_tokens */

/* Opens a sequence that begins as a copy of src: it shares the blocks of src, and each of the two gets a block of its own
 * when it first writes into a shared one. ELIMIT: max_seqs are open; EINVAL: src is not open. *dst is -1 then. */
SUMI_API SUMI_MUST_USE sumi_status sumi_seq_fork(sumi_context *ctx, int32_t src, int32_t *dst, sumi_error *err);

/* What a span is to give. */
typedef enum sumi_want {
    SUMI_WANT_NONE,
    SUMI_WANT_LAST,         /* logits of its last token */
    SUMI_WANT_ALL,          /* logits of all its tokens */
    SUMI_WANT_HIDDEN_LAST,  /* the hidden state of its last token */
    SUMI_WANT_HIDDEN_ALL,   /* hidden states of all its tokens */
    SUMI_WANT_HIDDEN_FIRST, /* the hidden state of its first token */
} sumi_want;

typedef struct sumi_span {
    int32_t seq;
    int32_t n_ids;
    const int32_t *ids; /* n_ids new tokens at the end of seq */
    sumi_want want;
} sumi_span;

/* One forward pass over spans, at most one for each sequence. On success the sequences have grown and the wanted
 * rows are ready; on failure no sequence has changed. A span of an encoder is a whole text: its sequence must be empty, and
 * grows no more; it has hidden states only (EINVAL, EUNSUPPORTED). ELIMIT: a sequence would exceed n_ctx, the pool is
 * full, or the batch has more than max_batch_tokens tokens or max_logit_rows rows; EINVAL: an id or number is wrong. */
SUMI_API SUMI_MUST_USE sumi_status sumi_step(sumi_context *ctx, const sumi_span *spans, int32_t n_spans,
                                             sumi_error *err);

/* Row `row` of the last step's logits, in the order of the spans: n_vocab floats, valid until the next step; NULL if
 * there is no such row. */
SUMI_API const float *sumi_logits(const sumi_context *ctx, int32_t row);
SUMI_API int32_t sumi_n_logit_rows(const sumi_context *ctx);

/* Row `row` of the last step's hidden states, in the order of the spans: n_embd floats, what the final norm gives to the
 * output matrix. Valid until the next step; NULL if there is no such row. They are not counted by max_logit_rows. */
SUMI_API const float *sumi_hidden(const sumi_context *ctx, int32_t row);
SUMI_API int32_t sumi_n_hidden_rows(const sumi_context *ctx);

/* Adds ids to seq in steps of max_batch_tokens; logits (row 0) are those after the last one. On failure seq has not
 * changed. */
SUMI_API SUMI_MUST_USE sumi_status sumi_prefill(sumi_context *ctx, int32_t seq, const int32_t *ids, int32_t n_ids,
                                                sumi_error *err);
/* The same, with a call of progress (tokens of ids) before every step of at most 128 tokens and after the last one. */
SUMI_API SUMI_MUST_USE sumi_status sumi_prefill_watched(sumi_context *ctx, int32_t seq, const int32_t *ids,
                                                        int32_t n_ids, sumi_progress_fn progress, void *user,
                                                        sumi_error *err);

/* ---- Memory before opening ---------------------------------------------------------------------------------- */

typedef struct sumi_estimate {
    uint64_t weight_bytes;   /* memory for weights that are packed: copied into the order that the kernels read */
    uint64_t unpacked_bytes; /* memory for weights that are used as the file has them */
    uint64_t kv_token_bytes; /* keys and values of one more token of a sequence, in the layers that see all tokens */
    uint64_t kv_bytes;       /* keys and values of one sequence of n_ctx tokens */
    uint64_t scratch_bytes;  /* of a context for its steps, about */
    int32_t n_ctx;           /* of context_opts, or what the model was trained for */
} sumi_estimate;

/* What sumi_model_open() and then sumi_context_create() with these options will take, from the file's head alone: weights are
 * not read. kv_bytes of context_opts is not looked at, and the vocabulary and its tables come on top: some megabytes. Errors
 * as of both. */
SUMI_API SUMI_MUST_USE sumi_status sumi_model_estimate_sized(const char *path, const sumi_model_opts *opts,
                                                             const sumi_context_opts *context_opts,
                                                             sumi_estimate *estimate, size_t size, sumi_error *err);
SUMI_MUST_USE static inline sumi_status sumi_model_estimate(const char *path, const sumi_model_opts *opts,
                                                            const sumi_context_opts *context_opts,
                                                            sumi_estimate *estimate, sumi_error *err)
{
    return sumi_model_estimate_sized(path, opts, context_opts, estimate, sizeof *estimate, err);
}

/* ---- Embeddings --------------------------------------------------------------------------------------------- */

/* The embedding of ids: n_embd floats to out, of length 1 unless raw is set. They are the same bit for bit however ids are
 * cut into steps. A sequence of ctx is used meanwhile. EINVAL: no tokens, no pooling, CLS of a decoder, or a wrong id;
 * ELIMIT: too many tokens for the context, or no sequence free; ENUMERIC: a hidden state is not finite, or all are 0 and not
 * raw; ENOMEM. */
SUMI_API SUMI_MUST_USE sumi_status sumi_embed(sumi_context *ctx, const int32_t *ids, int32_t n_ids,
                                              sumi_pooling pooling, bool raw, float *out, sumi_error *err);

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

/* Members of sumi_sampling. */
enum {
    SUMI_SAMPLING_TEMPERATURE = 1,
    SUMI_SAMPLING_TOP_K = 2,
    SUMI_SAMPLING_TOP_P = 4,
    SUMI_SAMPLING_MIN_P = 8,
    SUMI_SAMPLING_TYPICAL_P = 16,
    SUMI_SAMPLING_REPEAT_PENALTY = 32,
    SUMI_SAMPLING_PENALTY_LAST_N = 64,
    SUMI_SAMPLING_FREQUENCY_PENALTY = 128,
    SUMI_SAMPLING_PRESENCE_PENALTY = 256,
    SUMI_SAMPLING_SEED = 512,
};

/* Sets the members of *sampling that the model's makers recommend (general.sampling.* of a GGUF file, generation_config.json
 * of a folder), leaves the others, and tells which they are: SUMI_SAMPLING_*; 0: none. */
SUMI_API uint32_t sumi_model_sampling(const sumi_model *model, sumi_sampling *sampling);

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
    /* Of an engine's requests only: */
    SUMI_FINISH_DEADLINE,  /* a time limit of the request has passed; the event says which */
    SUMI_FINISH_REFUSED,   /* it never ran: the engine stopped first */
    SUMI_FINISH_ERROR,     /* the event's error says why */
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
    size_t size; /* of this structure: see above */
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
    sumi_progress_fn on_prompt; /* called with user while the prompt is computed, as by sumi_prefill_watched(); false ends
                                   the generation as CANCELLED, with seq as it was before. NULL: none */
} sumi_generate_opts;

SUMI_API void sumi_generate_opts_init(sumi_generate_opts *opts, size_t size);
static inline sumi_generate_opts sumi_generate_opts_default(void)
{
    sumi_generate_opts o;
    sumi_generate_opts_init(&o, sizeof o);
    return o;
}

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

/* ---- Engine: many requests at once -------------------------------------------------------------------------- */

typedef struct sumi_engine sumi_engine;

enum { SUMI_MAX_CHOICES = 16, SUMI_MAX_LOGPROBS = 64 }; /* of a request */

/* What happens to the keys and values of a request that must make way for others. */
typedef enum sumi_preemption {
    SUMI_PREEMPT_CHEAPEST,  /* whichever of the two is estimated to cost less */
    SUMI_PREEMPT_SWAP,      /* moved to the swap tier while that has room */
    SUMI_PREEMPT_RECOMPUTE, /* computed again */
} sumi_preemption;

typedef struct sumi_engine_opts {
    size_t size; /* of this structure: see above */
    int32_t n_threads;       /* as in sumi_context_opts */
    bool pin;                /* as in sumi_context_opts */
    int32_t n_ctx;           /* as in sumi_context_opts */
    int32_t max_seqs;        /* sequences that run at once; a request with n choices runs n */
    int32_t token_budget;    /* tokens of a step: those of running answers, then pieces of prompts up to this number.
                                Small: answers flow evenly; large: prompts are done sooner. At least max_seqs + 1 */
    float stall;             /* by how much prompts may lengthen a step while answers run, as is estimated from the steps
                                before: 1 is twice as long. 0: up to the token budget, whatever that does to answers */
    size_t kv_bytes;         /* memory for keys and values; 0: what max_seqs sequences of n_ctx tokens can use, but at
                                most a quarter of the free memory */
    size_t swap_bytes;       /* file-backed room for preempted requests; 0: they are computed again */
    sumi_preemption preemption;
    const char *swap_dir;    /* folder of that file, which has no name; NULL: $TMPDIR or /tmp */
    bool prefix_cache;       /* a prompt that begins like an earlier one reuses its keys and values */
    bool share_prefixes;     /* across clients too: a client can then tell from timing what others asked */
    const char *prefix_dir;  /* keep them there for the next process; NULL: do not. They stay those of their client or
                                cache_salt, by a secret in the folder's file salt.key */
    int32_t max_queue;       /* requests that wait; more are refused with SUMI_EBUSY */
    int32_t max_queue_client; /* of one client; 0: no limit of its own */
    bool chunking;           /* false: each prompt is one step, for comparisons; takes memory for steps of n_ctx tokens.
                                So it always is with encoders, which have neither prefixes nor a swap tier */
    bool static_batching;    /* classic batches that wait for their longest member, for comparisons */
} sumi_engine_opts;

SUMI_API void sumi_engine_opts_init(sumi_engine_opts *opts, size_t size);
static inline sumi_engine_opts sumi_engine_opts_default(void)
{
    sumi_engine_opts o;
    sumi_engine_opts_init(&o, sizeof o);
    return o;
}

/* What happened to a request. */
typedef enum sumi_event_type {
    SUMI_EVENT_PROMPT, /* log-probabilities of some tokens of the prompt, in order; only if asked for */
    SUMI_EVENT_PIECE,  /* text and tokens of one choice */
    SUMI_EVENT_CHOICE, /* one choice has ended by itself (STOP, LENGTH); its last text came before */
    SUMI_EVENT_EMBEDDING, /* the vector that was asked for, once, before the end */
    SUMI_EVENT_END,    /* the request has ended: finish is that of its last choice, or why it was ended. Nothing follows */
} sumi_event_type;

/* The time limits of a request. */
typedef enum sumi_time_limit {
    SUMI_LIMIT_NONE,
    SUMI_LIMIT_QUEUE,       /* queue_ms */
    SUMI_LIMIT_FIRST_TOKEN, /* first_token_ms */
    SUMI_LIMIT_TOTAL,       /* total_ms */
} sumi_time_limit;

typedef struct sumi_usage {
    int32_t n_prompt, n_cached;  /* tokens of the prompt; those that were not computed, as they were in the cache */
    int32_t n_generated;         /* tokens of all choices, end tokens and those of discarded choices included */
    int32_t n_preempted;         /* times that it had to make room for others */
    double queue_ms, prefill_ms, decode_ms; /* until admitted, then until the first token, then until the end */
} sumi_usage;

typedef struct sumi_event {
    sumi_event_type type;
    uint64_t request;      /* its number */
    void *user;            /* of the request */
    int32_t choice;        /* 0 .. n - 1 */
    double time_ms;        /* since it was submitted */
    sumi_piece piece;      /* PIECE; PROMPT: choices and top of the prompt's tokens, without text */
    int32_t first;         /* PROMPT: position of the first of them. The first token of a prompt has no probability: it
                              is not reported */
    sumi_finish finish;    /* CHOICE, END */
    const char *stop;      /* CHOICE: the stop string that was found; NULL: another reason */
    float sum_logprob;     /* CHOICE: of its tokens, by whose mean best_of chooses; the score of a beam. NaN under
                              skip_logprob */
    const float *embedding; /* EMBEDDING: [n_embd] */
    int32_t n_embd;
    sumi_time_limit limit; /* END with DEADLINE: the limit that has passed */
    sumi_error error;      /* END: why, when finish is DEADLINE, REFUSED, ERROR, or CANCELLED by the engine */
    sumi_usage usage;      /* END */
    const int32_t *ranks;  /* PROMPT: [piece.n_choices] the rank of each token among all, 1: the most probable */
} sumi_event;

/* Called on the engine's thread, one call at a time for all requests; event is valid during the call. It must be quick,
 * as all requests wait for it; it may call submit and cancel. Return false to cancel the request. */
typedef bool (*sumi_event_fn)(void *user, const sumi_event *event);

typedef struct sumi_request {
    size_t size; /* of this structure: see above */
    const int32_t *ids;       /* n_ids > 0 tokens: the prompt */
    int32_t n_ids;
    sumi_pooling embed;       /* not NONE: nothing is generated, the answer is one vector, as sumi_embed() gives it; n is 1,
                                 without best_of, beams, log-probabilities and min_tokens. It ends with STOP */
    bool embed_raw;           /* not brought to length 1 */
    sumi_sampling sampling;   /* choice i > 0 has a seed of its own, made from this one and i */
    int32_t n;                /* choices to answer, 1 .. SUMI_MAX_CHOICES */
    int32_t best_of;          /* choices to generate, of which the n with the highest mean log-probability are
                                 answered, best first, at the end; 0: n */
    int32_t beam_width;       /* > 0: beam search instead of sampling, n <= beam_width; no stop strings, penalties or
                                 biases. Answered at the end, best first */
    float length_penalty;     /* of beams: score = sum of log-probabilities / length ^ this */
    bool early_stopping;      /* of beams: end when beam_width of them have ended; false: when none can get better */
    int32_t max_tokens;       /* of a choice; -1: until the context is full; 0: only the prompt is computed */
    int32_t min_tokens;       /* until then no end token is chosen and no stop string looked for */
    const char *const *stop;  /* n_stop strings that end a choice */
    int32_t n_stop;
    bool ignore_eos;          /* end tokens do not end a choice */
    const int32_t *stop_ids;  /* n_stop_ids tokens that end a choice too, whatever ignore_eos says; EINVAL with beams */
    int32_t n_stop_ids;
    bool include_stop;        /* the stop string, or the text of the stop token, is part of the answer */
    bool show_special;        /* special tokens in the answer are written as their text; else they give nothing */
    int32_t n_logprobs;       /* alternatives for each token, 0 .. SUMI_MAX_LOGPROBS */
    int32_t n_prompt_logprobs; /* the same for each token of the prompt; -1: none at all, and no event for them */
    int32_t priority;         /* -100 .. 100, higher goes first */
    const char *client;       /* whose request it is, for fair shares and limits; NULL: "" */
    int32_t weight;           /* of the client's share, 1 .. 1000; the last request of a client counts */
    const char *cache_salt;   /* prefixes are shared among equal salts only; NULL: the client, or all (share_prefixes) */
    double queue_ms, first_token_ms, total_ms; /* time limits from now on; 0: none */
    sumi_event_fn on_event;   /* NULL: events are to be fetched with sumi_engine_poll() */
    void *user;
} sumi_request;

SUMI_API void sumi_request_init(sumi_request *request, size_t size); /* one choice, no limits, priority 0, weight 1 */
static inline sumi_request sumi_request_default(void)
{
    sumi_request o;
    sumi_request_init(&o, sizeof o);
    return o;
}

/* Starts the engine's thread. *out is freed with sumi_engine_destroy(), before the model. Errors as
 * sumi_context_create(); EIO: the swap file or the folder for prefixes cannot be used. */
SUMI_API SUMI_MUST_USE sumi_status sumi_engine_create(sumi_engine **out, sumi_model *model, const sumi_engine_opts *opts,
                                                      sumi_error *err);
/* Stops at once (requests that are left end as CANCELLED or REFUSED) and frees. Not from a callback. NULL is fine. */
SUMI_API void sumi_engine_destroy(sumi_engine *engine);

/* Takes a request, which is copied, from any thread. On success *id is its number, never used again, and exactly one
 * SUMI_EVENT_END will come. EINVAL: a parameter out of range; ELIMIT: it could never run, as its prompt is too long for
 * the context or the memory, or its choices of max_tokens do not fit into the memory together; EBUSY: the queue is full, or
 * the engine stops; ENOMEM. An answer ends with LENGTH at max_tokens, and where the context ends or the memory does not
 * hold a longer sequence; several choices without max_tokens (-1) where the memory does not hold more of them. */
SUMI_API SUMI_MUST_USE sumi_status sumi_engine_submit(sumi_engine *engine, const sumi_request *request, uint64_t *id,
                                                      sumi_error *err);

/* Ends a request as CANCELLED after the running step; everything that it holds is free then. Numbers of requests that
 * have ended are ignored. From any thread. */
SUMI_API void sumi_engine_cancel(sumi_engine *engine, uint64_t id);

/* The next event of the requests without a callback, in the order in which they happened; waits up to timeout_ms (-1:
 * without limit). *event is freed with sumi_event_free(); NULL: there was none in time, or the engine has stopped. From
 * any thread. A request for which too many events wait (65,536 of all requests) is cancelled. */
SUMI_API sumi_event *sumi_engine_poll(sumi_engine *engine, int64_t timeout_ms);
SUMI_API void sumi_event_free(sumi_event *event); /* NULL is fine */

/* Takes no more requests, lets those that are there run on for up to drain_ms (-1: without limit), then ends the rest.
 * When it returns, all have had their last event (those that are polled may still be fetched). Not from a callback. */
SUMI_API void sumi_engine_stop(sumi_engine *engine, int64_t drain_ms);

enum { SUMI_STEP_SIZES = 15 }; /* ranges in which steps are counted by their size: see below */

/* Numbers since the start, or of this moment. From any thread, at any time. */
typedef struct sumi_engine_stats {
    int32_t n_waiting, n_running, n_swapped; /* requests; swapped ones wait too */
    int32_t n_seqs, max_seqs;                /* running sequences */
    int32_t n_ctx, n_threads, token_budget;
    uint64_t n_submitted, n_refused, n_completed, n_cancelled, n_expired, n_failed; /* requests */
    uint64_t n_steps, n_step_seqs, n_prompt_tokens, n_decode_tokens; /* computed; n_step_seqs / n_steps: mean batch */
    uint64_t steps_by_tokens[SUMI_STEP_SIZES]; /* steps of 1 token, of 2, of 3 and 4, of 5 to 8, ..., of 4097 to 8192
                                                and, the last, of more */
    uint64_t steps_by_seqs[SUMI_STEP_SIZES]; /* the same by their sequences, which is what batch size means */
    double step_ms;                          /* time that was spent in steps */
    uint64_t n_hit_tokens;                   /* prompt tokens that were found in the cache */
    uint64_t n_swapped_out, n_recomputed;    /* preemptions */
    uint64_t n_generated;                    /* tokens that were answered */
    int32_t kv_block;                        /* tokens of a block */
    int32_t kv_blocks, kv_used, kv_cached, kv_free; /* used: by sequences; cached: free, but known prefixes */
    int32_t kv_shared;                       /* used by more than one sequence */
    int32_t kv_peak;                         /* most that were used at once */
    int32_t kv_used_full;                    /* used when a request was preempted for the first time; 0: none was */
    uint64_t kv_evicted;
    size_t kv_bytes;
    double kv_waste;                         /* share of the used bytes that hold no token */
    uint64_t progress;                       /* grows with each step: stands still while n_running > 0 if it hangs */
} sumi_engine_stats;

SUMI_API void sumi_engine_get_stats_sized(sumi_engine *engine, sumi_engine_stats *stats, size_t size);
static inline void sumi_engine_get_stats(sumi_engine *engine, sumi_engine_stats *stats)
{
    sumi_engine_get_stats_sized(engine, stats, sizeof *stats);
}

#ifdef __cplusplus
}
#endif
#endif
