/* vocab.h - the tokens of a model file: their bytes, their kinds, and a table from spellings to ids.
 *
 * A token has two texts. Its *symbol* is the spelling of the vocabulary and of its merges: in GPT-2's byte alphabet, or
 * with U+2581 for a space in SentencePiece. Its *raw* bytes are the text that the token stands for.
 *
 *            file                    symbol        raw           kind
 *   gpt2     "\u0120the"             the same      " the"        NORMAL
 *   gpt2     "<|im_end|>"            -             the same      CONTROL
 *   llama    "\u2581the"             the same      " the"        NORMAL
 *   llama    "<0x0A>"                -             one newline   BYTE
 *   llama    "  " (two spaces)       two U+2581    the same      USER_DEFINED
 *   t5       as llama
 *   bert     "\u2581the"             the same      " the"        NORMAL
 *   bert     "ing"                   the same      the same      NORMAL: continues a word
 *   gemma4   as llama
 *
 * Only tokens that text may become by merging have a symbol that vocab_find() knows: NORMAL, USER_DEFINED and
 * UNUSED. Plain text never gives a control token, whatever merges a file lists.
 *
 * Immutable after vocab_init(). Texts point into the file's bytes or into `arena`. */
#ifndef SUMI_TEXT_VOCAB_H
#define SUMI_TEXT_VOCAB_H

#include "base/keyed_hash.h"
#include "format/model_source.h"

#define VOCAB_MAX_TOKENS      (1 << 24) /* merge ranks take 24 bits */
#define VOCAB_MAX_TOKEN_BYTES 65535

typedef enum vocab_model { VOCAB_BYTE_LEVEL, VOCAB_SENTENCEPIECE, VOCAB_UNIGRAM, VOCAB_WORDPIECE } vocab_model;

/* tokenizer.ggml.token_type, the numbers of SentencePiece */
typedef enum token_kind {
    TOKEN_NORMAL = 1,
    TOKEN_UNKNOWN = 2,
    TOKEN_CONTROL = 3,
    TOKEN_USER_DEFINED = 4,
    TOKEN_UNUSED = 5,
    TOKEN_BYTE = 6,
} token_kind;

typedef struct vocab_text {
    const char *data; /* not NUL-terminated */
    uint32_t n;
} vocab_text;

/* Most symbols are short, so the slot alone identifies them: one cache miss, not three. */
typedef struct vocab_slot {
    uint64_t head;   /* hash_load() of the first 8 bytes: with n, all of a symbol of up to 8 bytes */
    uint32_t id_1;   /* id + 1; 0: empty */
    uint16_t n, tag; /* bytes of the symbol; bits of the hash that the slot number does not use */
} vocab_slot;

/* Vocabularies with a list of merges, like byte-level ones, but of characters. Otherwise they are SENTENCEPIECE. */
typedef enum vocab_chars {
    CHARS_NONE,
    CHARS_GEMMA4, /* a run of line breaks that is a token stays whole, and BOS is added in front */
    CHARS_SPACES, /* U+2581 stands for a space */
    CHARS_WORDS,  /* white space is dropped */
} vocab_chars;

typedef struct vocab {
    vocab_model model;
    vocab_chars chars;
    int32_t n_tokens;
    vocab_text *symbol, *raw; /* [n_tokens] */
    uint8_t *kind;            /* [n_tokens] token_kind */
    int32_t byte_id[256];     /* the token of a single byte; -1: none */
    uint32_t max_symbol_bytes;
    bool has_duplicates; /* two tokens have the same symbol */
    vocab_slot *slots;   /* [mask + 1] open addressing, at most half full: symbol -> id */
    uint64_t mask;
    hash_key key;
    char *arena;
} vocab;

/* Reads tokenizer.ggml.model, .tokens and .token_type of src, which must outlive v. EFORMAT: keys missing, arrays
 * of different length, wrong values; EUNSUPPORTED: a model that is not in the table above; ELIMIT; ENOMEM. After
 * a failure v is safe to vocab_deinit(). Of tokens with the same symbol the last one is found, as in llama.cpp
 * and tokenizers. */
SUMI_MUST_USE sumi_status vocab_init(vocab *v, const model_source *src, sumi_error *err);
void vocab_deinit(vocab *v);

/* tokenizer.ggml.scores: n_tokens unaligned floats in the file's bytes, or NULL if it has none. EFORMAT: another type or
 * number. */
SUMI_MUST_USE sumi_status vocab_read_scores(const vocab *v, const model_source *src, const char **scores,
                                            sumi_error *err);

int32_t vocab_find(const vocab *v, const char *symbol, size_t n_bytes); /* id, or -1 */

static inline bool vocab_can_merge(const vocab *v, int32_t id)
{
    return v->kind[id] == TOKEN_NORMAL || v->kind[id] == TOKEN_USER_DEFINED || v->kind[id] == TOKEN_UNUSED;
}

#endif
