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
 *   sumi_generate() does all of this in one call. For many users: sumi_engine_create() -> sumi_engine_submit() -> events.
 *
 * Rules that hold for every function:
 *   - A function that can fail returns a sumi_status, and fills *err (which may be NULL) with one line that names the cause.
 *     The library never prints, exits or aborts because of a bad file or argument.
 *   - Settings are members of option structures. The library reads three environment variables: SUMI_ISA, the default of
 *     sumi_model_opts.isa; TMPDIR, the default of sumi_engine_opts.swap_dir; and SUMI_IGNORE_SETTINGS, the names of unknown
 *     settings of a config.json that do not make the library refuse a folder.
 *   - On failure an out-pointer is set to NULL and there is nothing to free.
 *   - Where a function takes a pointer to options, NULL means the defaults.
 *   - Text is UTF-8 with an explicit length in bytes. Invalid bytes are allowed, and become the vocabulary's byte tokens.
 *   - The answer never depends on load: a token's logits are bit for bit the same whatever else its step computes, however
 *     its prompt is split into steps, and with any number of threads.
 *
 * Later versions add members at the end of structures. Programs that were compiled with an older header still work:
 *   - Options and requests begin with their size. The *_default() functions of this header set it to the size of the
 *     program's own structure. The library accepts a smaller structure and uses the defaults for the missing members. A
 *     larger structure (from a newer header) and a structure without a size are EINVAL. Other languages call *_init() with
 *     their size.
 *   - The library fills sumi_model_info, sumi_context_info, sumi_engine_stats and sumi_estimate up to the size that the
 *     inline function of this header passes to the function *_sized().
 *   - sumi_error, sumi_sampling, sumi_logit_bias, sumi_choice, sumi_piece, sumi_generation, sumi_usage, sumi_message and
 *     sumi_span are elements of arrays or members of other structures, so they do not grow within one soname. */
#ifndef SUMI_H
#define SUMI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header; sumi_version() returns the version of the library. SUMI_VERSION_NUM grows with every
 * version, for #if: 1.2.3 is 1002003. While MAJOR is 0, a new MINOR may change the interface, and libsumi.so then gets a
 * new soname. */
#define SUMI_VERSION_MAJOR 0
#define SUMI_VERSION_MINOR 1
#define SUMI_VERSION_PATCH 0
#define SUMI_VERSION_NUM   (SUMI_VERSION_MAJOR * 1000000 + SUMI_VERSION_MINOR * 1000 + SUMI_VERSION_PATCH)

#define SUMI_API      __attribute__((visibility("default")))
#define SUMI_MUST_USE __attribute__((warn_unused_result))

/* ---- Status ------------------------------------------------------------------------------------------------- */

#define SUMI_STATUS_LIST(X)            \
    X(OK, "ok")                        \
    X(ENOMEM, "out of memory")         \
    X(EIO, "input/output error")       \
    X(EFORMAT, "malformed file")       \
    X(EUNSUPPORTED, "not supported")   \
    X(EINVAL, "invalid argument")      \
    X(ELIMIT, "limit exceeded")        \
    X(ENUMERIC, "not a finite number") \
    X(ECANCELLED, "cancelled")         \
    X(EBUSY, "too many requests")

/* SUMI_OK, SUMI_ENOMEM, SUMI_EIO, SUMI_EFORMAT, SUMI_EUNSUPPORTED, SUMI_EINVAL, SUMI_ELIMIT, SUMI_ENUMERIC, SUMI_ECANCELLED,
 * SUMI_EBUSY: 0, 1, 2, ... New statuses are added at the end. */
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

/* Called from time to time by the thread that called the library: `done` of `total` bytes or tokens are finished. Return
 * false to end the work with SUMI_ECANCELLED. */
typedef bool (*sumi_progress_fn)(void *user, uint64_t done, uint64_t total);

/* ---- Model -------------------------------------------------------------------------------------------------- */

typedef struct sumi_model sumi_model;

/* The form in which activations (the inputs of matrix products) are multiplied with quantised weights. */
typedef enum sumi_activations {
    SUMI_ACTIVATIONS_AUTO, /* the fast choice of the backend: int8 in groups of 32 for quantised weights */
    SUMI_ACTIVATIONS_F32, /* no rounding of activations, keys or values: slower, closest to the float32 definition of the
                              model; a token takes twice the memory in the cache */
} sumi_activations;

/* How the hidden states of a text become one vector, its embedding. */
typedef enum sumi_pooling {
    SUMI_POOL_NONE,
    SUMI_POOL_MEAN, /* the mean of the hidden states of all tokens */
    SUMI_POOL_LAST, /* the hidden state of the last token, which has seen all others */
    SUMI_POOL_CLS, /* the hidden state of the first token, often "[CLS]". For encoders only: in a decoder the first token
                      sees no other token */
} sumi_pooling;

/* The memory nodes of weights on a machine with several NUMA nodes. With a single node both values are the same. */
typedef enum sumi_numa {
    SUMI_NUMA_OFF,    /* each page on the node of the thread that packed it */
    SUMI_NUMA_SPREAD, /* page by page on all nodes in turn: for contexts whose threads run on all nodes. Weights that are
                         used as the file has them (float rows, the embedding) are not spread */
} sumi_numa;

typedef struct sumi_model_opts {
    size_t size;     /* of this structure: see above */
    const char *isa; /* "ref", "avx2", "avxvnni", "avx512", "amx"; NULL: SUMI_ISA if set, else the machine's best */
    sumi_activations activations; /* see above */
    sumi_numa numa;               /* see above; EUNSUPPORTED if the system refuses, as in many containers */
    bool vocab_only;              /* open the tokenizer and the template only: works on files without tensors */
    bool strict_roles; /* pass chats to the template unchanged; false: a message that the template does not take
                                     (a system message, a second turn of one role) is merged into the turn beside it */
    sumi_log_fn log;   /* NULL: silent */
    void *log_user;
    sumi_progress_fn progress; /* called while the model opens: bytes of weights that are ready. NULL: none */
    void *progress_user;
} sumi_model_opts;

SUMI_API void sumi_model_opts_init(sumi_model_opts *opts, size_t size);
static inline sumi_model_opts sumi_model_opts_default(void)
{
    sumi_model_opts o;
    sumi_model_opts_init(&o, sizeof o);
    return o;
}

/* Opens the model at path, a GGUF file or a Hugging Face folder (safetensors): loads its weights and makes its tokenizer
 * and its chat template. *out is the caller's: free it with sumi_model_close(), after the contexts that use it. EIO: the
 * file cannot be read; EFORMAT: it is damaged or inconsistent; EUNSUPPORTED: this build does not know the architecture, a
 * tensor type or the vocabulary; ECANCELLED: progress returned false; ENOMEM. */
SUMI_API SUMI_MUST_USE sumi_status sumi_model_open(sumi_model **out, const char *path, const sumi_model_opts *opts,
                                                   sumi_error *err);
SUMI_API void sumi_model_close(sumi_model *model); /* NULL is fine */

typedef struct sumi_model_info {
    const char *architecture; /* "llama", "qwen3", ... (docs/models.md); the strings live as long as the model */
    const char *name;         /* general.name, or "" */
    const char *isa;          /* the kernels in use; "" when vocab_only */
    int32_t n_layers, n_embd, n_heads, n_kv_heads, head_dim, n_ff; /* 0 when vocab_only */
    int32_t n_vocab;
    int32_t n_ctx_train;    /* longest sequence that the model was trained for, in tokens; 0: unknown */
    int32_t bos_id, eos_id; /* -1: none */
    uint64_t n_params;      /* elements of all tensors */
    uint64_t weight_bytes;  /* bytes of all tensors in the file */
    bool has_chat_template;
    bool is_encoder;      /* attention looks both ways: the model makes embeddings, and neither logits nor answers */
    bool has_logits;      /* the model has an output head and makes answers; false for encoders */
    sumi_pooling pooling; /* of embeddings, from the file; NONE: the file does not say, or vocab_only */
} sumi_model_info;

SUMI_API void sumi_model_get_info_sized(const sumi_model *model, sumi_model_info *info, size_t size);
static inline void sumi_model_get_info(const sumi_model *model, sumi_model_info *info)
{
    sumi_model_get_info_sized(model, info, sizeof *info);
}

/* ---- Text --------------------------------------------------------------------------------------------------- */

enum {
    SUMI_TOKENIZE_SPECIAL = 1, /* text such as "<|im_start|>" becomes the special token that it spells */
    SUMI_TOKENIZE_BOS_EOS = 2, /* add BOS and EOS if the model file asks for them */
};

/* Text to token ids. *ids (n_ids of them) is the caller's: free it with sumi_free(). An empty text gives *n_ids == 0 and a
 * pointer that may be freed, too. flags: SUMI_TOKENIZE_*. */
SUMI_API SUMI_MUST_USE sumi_status sumi_tokenize(const sumi_model *model, const char *text, size_t n_bytes,
                                                 uint32_t flags, int32_t **ids, int32_t *n_ids, sumi_error *err);

/* Token ids to text. *text is NUL-terminated after *n_bytes bytes (which may hold NULs), freed with sumi_free().
 * special: special tokens give their text; otherwise they give no text. EINVAL: an id outside the vocabulary. */
SUMI_API SUMI_MUST_USE sumi_status sumi_detokenize(const sumi_model *model, const int32_t *ids, int32_t n_ids,
                                                   bool special, char **text, size_t *n_bytes, sumi_error *err);

SUMI_API bool sumi_token_is_end(const sumi_model *model, int32_t id); /* ends a generation: EOS, EOT, ... */

typedef struct sumi_message {
    const char *role;    /* "system", "user", "assistant", ...; NUL-terminated */
    const char *content; /* NUL-terminated UTF-8 */
} sumi_message;

/* Renders the model's chat template. *text is NUL-terminated; free it with sumi_free(). Tokenise it with
 * SUMI_TOKENIZE_SPECIAL and without SUMI_TOKENIZE_BOS_EOS, because templates write BOS and EOS themselves. Without
 * sumi_model_opts.strict_roles, a system message that the template does not take is put before the next text of the user,
 * and successive turns of one role become one turn if the template wants roles to alternate. EUNSUPPORTED: the model has
 * no template; EINVAL: the template refused the messages (err has the template's own words). */
SUMI_API SUMI_MUST_USE sumi_status sumi_chat_format(const sumi_model *model, const sumi_message *messages,
                                                    int32_t n_messages, bool add_generation_prompt, char **text,
                                                    size_t *n_bytes, sumi_error *err);

/* The same from JSON texts: messages is an array as the OpenAI API defines it; tools is an array, or NULL. Tool calls are
 * brought into the form that the template reads. EINVAL: also if the template drops the tool calls. */
SUMI_API SUMI_MUST_USE sumi_status sumi_chat_format_json(const sumi_model *model, const char *messages,
                                                         const char *tools, bool add_generation_prompt, char **text,
                                                         size_t *n_bytes, sumi_error *err);

/* ---- Converting --------------------------------------------------------------------------------------------- */

typedef struct sumi_convert_opts {
    size_t size;               /* of this structure: see above */
    const char *type;          /* "Q4_K_M", "BF16", ...: sumi_convert_type(); NULL: matrices keep their types */
    bool overwrite;            /* replace an existing file; false: an existing file is EIO */
    int32_t n_threads;         /* 0: one for each available processor. The result does not depend on it */
    sumi_progress_fn progress; /* called with bytes of the result. NULL: none */
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
 * file appears when it is complete; a failure leaves no file. Takes memory for a few rows only. Errors as
 * sumi_model_open(); EINVAL: no such type; EIO: the file cannot be written, or exists; ENUMERIC: a tensor has a number
 * that is not finite, or too large for F16; ECANCELLED. */
SUMI_API SUMI_MUST_USE sumi_status sumi_convert(const char *path, const char *out, const sumi_convert_opts *opts,
                                                sumi_error *err);

/* The name of type number i, ordered from the most bits to the fewest, and a line about the type (summary may be NULL).
 * NULL: there is no type i. */
SUMI_API const char *sumi_convert_type(int32_t i, const char **summary);

/* ---- Context: sequences and steps --------------------------------------------------------------------------- */

typedef struct sumi_context sumi_context;

typedef struct sumi_context_opts {
    size_t size;       /* of this structure: see above */
    int32_t n_threads; /* 0: one for each available processor */
    bool pin;          /* bind each thread of the context to a processor of its own, except the thread that calls.
                                 Use it only if nothing else runs on the machine: a bound thread and other work may wait
                                 for each other. EINVAL: more threads than processors */
    int32_t n_ctx;     /* longest sequence in tokens; 0: the model's training length, or less if the pool is
                                 smaller */
    int32_t max_seqs;  /* sequences open at once */
    /* new tokens in one step; raised to n_ctx for encoders, which compute a text in one step */
    int32_t max_batch_tokens;
    int32_t max_logit_rows; /* rows of logits in one step; each takes n_vocab floats */
    size_t kv_bytes;        /* size of the pool of key/value blocks; 0: room for one sequence of n_ctx tokens,
                                 but at most a quarter of the free memory */
} sumi_context_opts;

SUMI_API void sumi_context_opts_init(sumi_context_opts *opts, size_t size);
static inline sumi_context_opts sumi_context_opts_default(void)
{
    sumi_context_opts o;
    sumi_context_opts_init(&o, sizeof o);
    return o;
}

/* Allocates all memory of later steps. Free *out with sumi_context_destroy(), before the model. EINVAL: an option out of
 * range; ELIMIT: kv_bytes does not hold a single block; ENOMEM. */
SUMI_API SUMI_MUST_USE sumi_status sumi_context_create(sumi_context **out, sumi_model *model,
                                                       const sumi_context_opts *opts, sumi_error *err);
SUMI_API void sumi_context_destroy(sumi_context *ctx); /* NULL is fine */

typedef struct sumi_context_info {
    int32_t n_ctx, n_threads, max_seqs, max_batch_tokens;
    int32_t kv_block; /* tokens in a block */
    int32_t n_blocks,
        n_free;             /* blocks in the pool, and free blocks. A model without sliding windows needs one block for
                                  kv_block tokens of a sequence. A model with sliding windows keeps a block table for each
                                  group of layers, and needs a (smaller) block for each group */
    int32_t max_seq_tokens; /* the longest sequence if it has the pool alone, at most n_ctx */
    size_t kv_bytes;        /* bytes of the pool */
} sumi_context_info;

SUMI_API void sumi_context_get_info_sized(const sumi_context *ctx, sumi_context_info *info, size_t size);
static inline void sumi_context_get_info(const sumi_context *ctx, sumi_context_info *info)
{
    sumi_context_get_info_sized(ctx, info, sizeof *info);
}

/* Opens an empty sequence; *seq is its number until sumi_seq_close(). ELIMIT: max_seqs are open. */
SUMI_API SUMI_MUST_USE sumi_status sumi_seq_open(sumi_context *ctx, int32_t *seq, sumi_error *err);
SUMI_API void sumi_seq_close(sumi_context *ctx, int32_t seq);                      /* gives its blocks back */
SUMI_API int32_t sumi_seq_len(const sumi_context *ctx, int32_t seq);               /* tokens that it holds */
SUMI_API void sumi_seq_truncate(sumi_context *ctx, int32_t seq, int32_t n_tokens); /* keeps the first n_tokens */

/* Opens a sequence that begins as a copy of src: it shares the blocks of src, and each of the two gets a block of its own
 * when it first writes into a shared one. ELIMIT: max_seqs are open; EINVAL: src is not open. *dst is -1 then. */
SUMI_API SUMI_MUST_USE sumi_status sumi_seq_fork(sumi_context *ctx, int32_t src, int32_t *dst, sumi_error *err);

/* The rows that a span gives. */
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

/* One forward pass over spans, at most one for each sequence. On success the sequences have grown and the wanted rows are
 * ready; on failure no sequence has changed. A span of an encoder is a whole text: its sequence must be empty and cannot
 * grow later (EINVAL), and only hidden states may be wanted (EUNSUPPORTED). ELIMIT: a sequence would exceed n_ctx, the
 * pool is full, or the batch has more than max_batch_tokens tokens or max_logit_rows rows; EINVAL: an id or number is
 * wrong. */
SUMI_API SUMI_MUST_USE sumi_status sumi_step(sumi_context *ctx, const sumi_span *spans, int32_t n_spans,
                                             sumi_error *err);

/* Row `row` of the last step's logits, in the order of the spans: n_vocab floats, valid until the next step; NULL if
 * there is no such row. */
SUMI_API const float *sumi_logits(const sumi_context *ctx, int32_t row);
SUMI_API int32_t sumi_n_logit_rows(const sumi_context *ctx);

/* Row `row` of the last step's hidden states, in the order of the spans: n_embd floats, the output of the final norm.
 * Valid until the next step; NULL if there is no such row. max_logit_rows does not count these rows. */
SUMI_API const float *sumi_hidden(const sumi_context *ctx, int32_t row);
SUMI_API int32_t sumi_n_hidden_rows(const sumi_context *ctx);

/* Adds ids to seq in steps of max_batch_tokens; afterwards row 0 has the logits after the last id. On failure seq has not
 * changed. */
SUMI_API SUMI_MUST_USE sumi_status sumi_prefill(sumi_context *ctx, int32_t seq, const int32_t *ids, int32_t n_ids,
                                                sumi_error *err);
/* The same in steps of at most 128 tokens, with a call of progress (in tokens) before each step and after the last one. */
SUMI_API SUMI_MUST_USE sumi_status sumi_prefill_watched(sumi_context *ctx, int32_t seq, const int32_t *ids,
                                                        int32_t n_ids, sumi_progress_fn progress, void *user,
                                                        sumi_error *err);

/* ---- Memory before opening ---------------------------------------------------------------------------------- */

typedef struct sumi_estimate {
    uint64_t weight_bytes;   /* memory for weights that are packed: copied into the order that the kernels read */
    uint64_t unpacked_bytes; /* memory for weights that are used as the file has them */
    uint64_t kv_token_bytes; /* keys and values of one more token of a sequence, in the layers that see all tokens */
    uint64_t kv_bytes;       /* keys and values of one sequence of n_ctx tokens */
    uint64_t scratch_bytes;  /* buffers of a context for its steps, about */
    int32_t n_ctx;           /* of context_opts, or the model's training length */
} sumi_estimate;

/* Estimates the memory that sumi_model_open() and sumi_context_create() with these options will take. Reads only the head
 * of the file, not the weights. Ignores kv_bytes of context_opts, and does not count the vocabulary and its tables (some
 * megabytes). Errors as both functions. */
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

/* Writes the embedding of ids, n_embd floats, to out; its length is 1 unless raw is set. The bits do not depend on how ids
 * are split into steps. The call opens a sequence of ctx and closes it. EINVAL: no tokens, no pooling, CLS for a decoder,
 * or a wrong id; ELIMIT: too many tokens for the context, or no free sequence; ENUMERIC: a hidden state is not finite, or
 * the vector is 0 and raw is not set; ENOMEM. */
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
    float min_p;             /* drop tokens whose probability is below this share of the best token's; 0: none */
    float typical_p;         /* locally typical sampling; 1: off */
    float repeat_penalty;    /* divides positive and multiplies negative logits of seen tokens; 1: off */
    float frequency_penalty; /* subtracted for each time a token was seen; 0: off */
    float presence_penalty;  /* subtracted once for a token that was seen; 0: off */
    int32_t penalty_last_n;  /* how many of the last tokens count as seen; -1: all, 0: none */
    bool skip_logprob;       /* do not compute logprob of choices; saves a pass of exponentials over the row */
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

/* Sets the members of *sampling for which the model has recommended values (general.sampling.* of a GGUF file,
 * generation_config.json of a folder), and leaves the others. Returns the members that were set, SUMI_SAMPLING_*; 0:
 * none. */
SUMI_API uint32_t sumi_model_sampling(const sumi_model *model, sumi_sampling *sampling);

typedef struct sumi_sampler sumi_sampler;

/* EINVAL: a parameter out of range, named in err. Free with sumi_sampler_destroy(). */
SUMI_API SUMI_MUST_USE sumi_status sumi_sampler_create(sumi_sampler **out, int32_t n_vocab, const sumi_sampling *params,
                                                       sumi_error *err);
SUMI_API void sumi_sampler_destroy(sumi_sampler *sampler); /* NULL is fine */

/* Adds tokens that the sampler did not choose (the prompt) to the tokens that penalties count. */
SUMI_API void sumi_sampler_accept(sumi_sampler *sampler, const int32_t *ids, int32_t n_ids);

typedef struct sumi_choice {
    int32_t id;
    float logprob; /* natural log of its probability in the model's own distribution, before any setting above.
                      NaN under skip_logprob */
} sumi_choice;

/* Chooses the next token from logits [n_vocab]; penalties count this token, too. The random numbers depend only on the
 * seed and on the number of tokens that this sampler chose before. ENUMERIC: a logit is NaN or +inf, or all are -inf. */
SUMI_API SUMI_MUST_USE sumi_status sumi_sampler_next(sumi_sampler *sampler, const float *logits, sumi_choice *choice,
                                                     sumi_error *err);

/* The k most probable tokens of logits [n_vocab], best first, ties by lower id, with their log-probabilities. If fewer
 * than k tokens are possible, the remaining places have id -1. */
SUMI_API void sumi_top_logprobs(const float *logits, int32_t n_vocab, int32_t k, sumi_choice *top);

/* ---- Generation --------------------------------------------------------------------------------------------- */

typedef enum sumi_finish {
    SUMI_FINISH_STOP,      /* an end token or a stop string */
    SUMI_FINISH_LENGTH,    /* max_tokens, the end of the context, or no key/value block left for another token */
    SUMI_FINISH_CANCELLED, /* the callback returned false, or the request was cancelled */
    /* Of an engine's requests only: */
    SUMI_FINISH_DEADLINE, /* a time limit of the request has passed; the event says which */
    SUMI_FINISH_REFUSED,  /* the request never ran: the engine stopped first */
    SUMI_FINISH_ERROR,    /* the event's error says why */
} sumi_finish;

typedef struct sumi_piece {
    const char *text; /* whole UTF-8 characters, never part of a stop string; may be empty */
    size_t n_bytes;
    const sumi_choice *choices; /* the tokens since the last piece; each token is reported once, end tokens too */
    const sumi_choice *top;     /* n_choices x n_logprobs alternatives; NULL when n_logprobs is 0 */
    int32_t n_choices;
} sumi_piece;

/* Called after each token, and once more if text was held back at the end. piece is valid during the call. Return false to
 * stop. */
typedef bool (*sumi_piece_fn)(void *user, const sumi_piece *piece);

typedef struct sumi_generate_opts {
    size_t size; /* of this structure: see above */
    sumi_sampling sampling;
    int32_t max_tokens;      /* -1: until the context is full */
    const char *const *stop; /* n_stop strings that end the text; a stop string is not part of the text */
    int32_t n_stop;
    int32_t n_logprobs;  /* alternatives to report for each token */
    const int32_t *seen; /* n_seen tokens that seq held before: penalties count them too. NULL: none */
    int32_t n_seen;
    bool ignore_eos;        /* end tokens do not end the text */
    sumi_piece_fn on_piece; /* may be NULL */
    void *user;
    /* called with user while the prompt is computed, as in sumi_prefill_watched(); false ends the generation as
     * CANCELLED and leaves seq as it was before. NULL: none */
    sumi_progress_fn on_prompt;
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
    double prefill_ms, decode_ms;  /* time until the first token, and time after it */
} sumi_generation;

/* Appends ids to seq and generates after them. On success seq holds the prompt and all generated tokens but the last,
 * which was never fed back. opts NULL: the defaults. *result (may be NULL) is filled on success. Errors as sumi_step() and
 * sumi_sampler_create(); a prompt that does not fit is ELIMIT, and bad logits are ENUMERIC. After a failure seq holds some
 * first part of these tokens. */
SUMI_API SUMI_MUST_USE sumi_status sumi_generate(sumi_context *ctx, int32_t seq, const int32_t *ids, int32_t n_ids,
                                                 const sumi_generate_opts *opts, sumi_generation *result,
                                                 sumi_error *err);

/* ---- Engine: many requests at once -------------------------------------------------------------------------- */

typedef struct sumi_engine sumi_engine;

enum { SUMI_MAX_CHOICES = 16, SUMI_MAX_LOGPROBS = 64, SUMI_MAX_DRAFT = 16 }; /* of a request */

/* How a preempted request gets its keys and values back. */
typedef enum sumi_preemption {
    SUMI_PREEMPT_CHEAPEST,  /* by swap or by computing them again, whichever is estimated to cost less */
    SUMI_PREEMPT_SWAP,      /* they are moved to the swap tier while it has room */
    SUMI_PREEMPT_RECOMPUTE, /* they are computed again */
} sumi_preemption;

/* Speculative decoding: a step also computes tokens that were guessed from the text so far, and keeps those that the
 * request's own sampler then chooses. Tokens, log-probabilities and text are the same with and without it; only the number
 * of steps differs. */
typedef enum sumi_speculation {
    SUMI_SPECULATION_AUTO, /* as many tokens as are expected to pay, by measured step times and earlier guesses */
    SUMI_SPECULATION_OFF,
} sumi_speculation;

typedef struct sumi_engine_opts {
    size_t size;          /* of this structure: see above */
    int32_t n_threads;    /* as in sumi_context_opts */
    bool pin;             /* as in sumi_context_opts */
    int32_t n_ctx;        /* as in sumi_context_opts */
    int32_t max_seqs;     /* sequences that run at once; a request with n choices runs n */
    int32_t token_budget; /* most tokens in a step: first the tokens of running answers, then chunks of prompts. A small
                                value gives an even flow of answers; a large one finishes prompts sooner. More than
                                max_seqs */
    float stall;          /* how much new prompts may slow running answers, estimated from earlier steps: 1 = steps up
                                to twice as long; 0 = no limit but the token budget */
    size_t kv_bytes;      /* memory for keys and values; 0: enough for max_seqs sequences of n_ctx tokens, but at most a
                                quarter of the free memory */
    size_t swap_bytes;    /* size of the swap file for preempted requests; 0: their keys and values are computed
                                again */
    sumi_preemption preemption;
    const char *swap_dir; /* folder of the swap file, which has no name; NULL: $TMPDIR or /tmp */
    bool prefix_cache;    /* a prompt that begins like an earlier one reuses its keys and values */
    bool share_prefixes;  /* share cached prompts between clients; timing then reveals what other clients asked */
    /* folder in which cached prompts are kept for the next process; NULL: none. Each stays bound to its client or
     * cache_salt by a secret in the folder's file salt.key */
    const char *prefix_dir;
    int32_t max_queue;        /* most requests that wait; further requests are refused with SUMI_EBUSY */
    int32_t max_queue_client; /* the same for one client; 0: no limit per client */
    bool chunking;            /* false: each prompt is computed in one step, for comparisons; steps then take memory for
                                n_ctx tokens. Always false for encoders, which use neither the prefix cache nor the swap
                                tier */
    bool static_batching;     /* classic batches that wait for their longest member, for comparisons */
    sumi_speculation speculation;
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
    SUMI_EVENT_PROMPT,    /* log-probabilities of some tokens of the prompt, in order; only if asked for */
    SUMI_EVENT_PIECE,     /* text and tokens of one choice */
    SUMI_EVENT_CHOICE,    /* one choice has ended with STOP or LENGTH; its last text came before */
    SUMI_EVENT_EMBEDDING, /* the vector of an embedding request, once, before the end */
    SUMI_EVENT_END, /* the last event of a request. finish is that of its last choice, or the reason why the request was
                          ended */
} sumi_event_type;

/* The time limits of a request. */
typedef enum sumi_time_limit {
    SUMI_LIMIT_NONE,
    SUMI_LIMIT_QUEUE,       /* queue_ms */
    SUMI_LIMIT_FIRST_TOKEN, /* first_token_ms */
    SUMI_LIMIT_TOTAL,       /* total_ms */
} sumi_time_limit;

typedef struct sumi_usage {
    int32_t n_prompt, n_cached; /* tokens of the prompt; of these, tokens taken from the cache */
    int32_t n_generated;        /* tokens of all choices, end tokens and those of discarded choices included */
    int32_t n_preempted;        /* times that the request was preempted */
    double queue_ms, prefill_ms, decode_ms; /* until admitted, then until the first token, then until the end */
    int32_t n_drafted, n_accepted;          /* guessed tokens that steps computed; of these, tokens of the answer */
} sumi_usage;

typedef struct sumi_event {
    sumi_event_type type;
    uint64_t request;   /* its number */
    void *user;         /* of the request */
    int32_t choice;     /* 0 .. n - 1 */
    double time_ms;     /* since it was submitted */
    sumi_piece piece;   /* PIECE; PROMPT: choices and top of the prompt's tokens, without text */
    int32_t first;      /* PROMPT: position of the first of these tokens. The first token of a prompt has no probability
                              and is not reported */
    sumi_finish finish; /* CHOICE, END */
    const char *stop;   /* CHOICE: the stop string that was found; NULL: another reason */
    float sum_logprob;  /* CHOICE: sum over its tokens; best_of ranks choices by its mean. With beams the score. NaN
                              under skip_logprob */
    const float *embedding; /* EMBEDDING: [n_embd] */
    int32_t n_embd;
    sumi_time_limit limit; /* END with DEADLINE: the limit that has passed */
    sumi_error error;      /* END: why, when finish is DEADLINE, REFUSED, ERROR, or CANCELLED by the engine */
    sumi_usage usage;      /* END */
    const int32_t *ranks;  /* PROMPT: [piece.n_choices] the rank of each token among all, 1: the most probable */
} sumi_event;

/* Called on the engine's thread, one call at a time for all requests; event is valid during the call. The callback must be
 * quick, because all requests wait for it. It may call sumi_engine_submit() and sumi_engine_cancel(). Return false to
 * cancel the request. */
typedef bool (*sumi_event_fn)(void *user, const sumi_event *event);

typedef struct sumi_request {
    size_t size;        /* of this structure: see above */
    const int32_t *ids; /* n_ids > 0 tokens: the prompt */
    int32_t n_ids;
    sumi_pooling embed;     /* not NONE: the answer is one vector, as from sumi_embed(), and no text; n is 1, without
                                 best_of, beams, log-probabilities and min_tokens. The request ends with STOP */
    bool embed_raw;         /* do not scale the vector to length 1 */
    sumi_sampling sampling; /* choice i > 0 has a seed of its own, made from this one and i */
    int32_t n;              /* choices to answer, 1 .. SUMI_MAX_CHOICES */
    int32_t best_of;        /* choices to generate; the n with the highest mean log-probability are answered at the end,
                                 best first; 0: n */
    int32_t beam_width;     /* > 0: beam search instead of sampling, n <= beam_width; no stop strings, penalties or
                                 biases. The beams are answered at the end, best first */
    float length_penalty;   /* of beams: score = sum of log-probabilities / length ^ this */
    bool early_stopping;    /* of beams: the search ends when beam_width beams have ended; false: when no live beam can
                                 become better */
    int32_t max_tokens;     /* of a choice; -1: until the context is full; 0: only the prompt is computed */
    int32_t min_tokens;     /* before this number no end token is chosen and no stop string is looked for */
    const char *const *stop; /* n_stop strings that end a choice */
    int32_t n_stop;
    bool ignore_eos;         /* end tokens do not end a choice */
    const int32_t *stop_ids; /* n_stop_ids tokens that end a choice too, whatever ignore_eos says; EINVAL with beams */
    int32_t n_stop_ids;
    bool include_stop;         /* the stop string, or the text of the stop token, becomes part of the answer */
    bool show_special;         /* special tokens in the answer give their text; false: they give no text */
    int32_t n_logprobs;        /* alternatives for each token, 0 .. SUMI_MAX_LOGPROBS */
    int32_t n_prompt_logprobs; /* the same for each token of the prompt; -1: none at all, and no event for them */
    int32_t priority;          /* -100 .. 100, higher goes first */
    const char *client;        /* whose request it is, for fair shares and limits; NULL: "" */
    int32_t weight;            /* of the client's share, 1 .. 1000; the weight of the client's last request counts */
    const char *cache_salt; /* prefixes are shared among equal salts only; NULL: the client, or all (share_prefixes) */
    double queue_ms, first_token_ms, total_ms; /* time limits from now on; 0: none */
    sumi_event_fn on_event;                    /* NULL: fetch events with sumi_engine_poll() */
    void *user;
    /* Most guessed tokens of a choice in a step, if the engine speculates. -1: as many as pay; 0: none; up to
     * SUMI_MAX_DRAFT: as many as there are guesses, whether they pay or not */
    int32_t max_draft;
} sumi_request;

SUMI_API void sumi_request_init(sumi_request *request, size_t size); /* one choice, no limits, priority 0, weight 1 */
static inline sumi_request sumi_request_default(void)
{
    sumi_request o;
    sumi_request_init(&o, sizeof o);
    return o;
}

/* Starts the engine's thread. Free *out with sumi_engine_destroy(), before the model. Errors as sumi_context_create();
 * EIO: the swap file or the folder for prefixes cannot be used. */
SUMI_API SUMI_MUST_USE sumi_status sumi_engine_create(sumi_engine **out, sumi_model *model,
                                                      const sumi_engine_opts *opts, sumi_error *err);
/* Stops at once (remaining requests end as CANCELLED or REFUSED) and frees. Not from a callback. NULL is fine. */
SUMI_API void sumi_engine_destroy(sumi_engine *engine);

/* Submits a request, which is copied. From any thread. On success *id is its number, which is never used again, and
 * exactly one SUMI_EVENT_END will come. EINVAL: a parameter out of range; ELIMIT: the request could never run, because its
 * prompt is too long for the context or the memory, or its choices of max_tokens do not fit into the memory together;
 * EBUSY: the queue is full, or the engine is stopping; ENOMEM. An answer ends with LENGTH at max_tokens, at the end of the
 * context, or when the memory holds no longer sequence; with several choices and no max_tokens (-1), when the memory does
 * not hold more tokens of all choices. */
SUMI_API SUMI_MUST_USE sumi_status sumi_engine_submit(sumi_engine *engine, const sumi_request *request, uint64_t *id,
                                                      sumi_error *err);

/* Ends a request as CANCELLED after the running step, and frees its sequences and blocks. The number of a request that has
 * ended is ignored. From any thread. */
SUMI_API void sumi_engine_cancel(sumi_engine *engine, uint64_t id);

/* The next event of the requests without a callback, in the order in which they happened; waits up to timeout_ms (-1:
 * without limit). Free the result with sumi_event_free(). NULL: no event came in time, or the engine has stopped. From any
 * thread. When 65,536 events of all requests wait, a request that would add another event is cancelled. */
SUMI_API sumi_event *sumi_engine_poll(sumi_engine *engine, int64_t timeout_ms);
SUMI_API void sumi_event_free(sumi_event *event); /* NULL is fine */

/* Refuses new requests, lets the present requests run for up to drain_ms (-1: without limit), then ends the rest. When it
 * returns, every request has had its last event (events for polling may still be fetched). Not from a callback. */
SUMI_API void sumi_engine_stop(sumi_engine *engine, int64_t drain_ms);

enum { SUMI_STEP_SIZES = 15 }; /* ranges of step sizes, for the counters below */

/* Numbers since the start, or of this moment. From any thread, at any time. */
typedef struct sumi_engine_stats {
    int32_t n_waiting, n_running, n_swapped; /* requests; swapped ones wait too */
    int32_t n_seqs, max_seqs;                /* running sequences */
    int32_t n_ctx, n_threads, token_budget;
    uint64_t n_submitted, n_refused, n_completed, n_cancelled, n_expired, n_failed; /* requests */
    uint64_t n_steps, n_step_seqs, n_prompt_tokens, n_decode_tokens; /* computed; n_step_seqs / n_steps: mean batch */
    uint64_t steps_by_tokens[SUMI_STEP_SIZES]; /* steps of 1 token, of 2, of 3 and 4, of 5 to 8, ..., of 4097 to 8192
                                                and, the last, of more */
    uint64_t steps_by_seqs[SUMI_STEP_SIZES];   /* the same by the number of sequences, the batch size */
    double step_ms;                            /* time that was spent in steps */
    uint64_t n_hit_tokens;                     /* prompt tokens taken from the cache */
    uint64_t n_swapped_out, n_recomputed;      /* preemptions */
    uint64_t n_generated;                      /* tokens of all answers */
    int32_t kv_block;                          /* tokens of a block */
    int32_t kv_blocks, kv_used, kv_cached, kv_free; /* used: by sequences; cached: held by the prefix cache only */
    int32_t kv_shared;                              /* blocks used by more than one sequence */
    int32_t kv_peak;                                /* most blocks used at the same time */
    int32_t kv_used_full; /* blocks used when a request was preempted for the first time; 0: no
                                                preemption */
    uint64_t kv_evicted;
    size_t kv_bytes;
    double kv_waste;                /* share of the used bytes that hold no token */
    uint64_t progress;              /* grows with each step; if it does not change while n_running > 0, the engine
                                                hangs */
    uint64_t n_drafted, n_accepted; /* guessed tokens that steps computed; of these, tokens of answers */
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
