/* choice.h - one answer, of an engine's request or of sumi_generate(): from logits to tokens to text, until it ends.
 *
 *   logits -> sampler -> token -> decoder -> whole characters -> stop strings -> text that is certain -> ready
 *
 * After each token, the text that is certain by then is ready: no text if the token ends inside a character or in the
 * beginning of a stop string. Text that is held back becomes ready with choice_flush(), after the choice has ended.
 *
 * A held choice (best_of, beams) keeps all its text, tokens and alternatives until it is known which choices are answered;
 * any other choice passes them on after each token. */
#ifndef SUMI_ENGINE_REQUESTS_CHOICE_H
#define SUMI_ENGINE_REQUESTS_CHOICE_H

#include "base/buf.h"
#include "sample/stop.h"
#include "sumi.h"
#include "text/detok.h"

typedef struct choice {
    sumi_sampler *sampler; /* NULL in beam search */
    stop_matcher *stop;    /* NULL in beam search */
    detok detok;
    buf text, ready;     /* text: decoded from the last token; ready: text that is certain; the caller empties it after
                            sending */
    sumi_choice *tokens; /* [n] of [cap] */
    sumi_choice *top;    /* [n or max_new][n_logprobs]: of all tokens if held, else of the last n_new */
    int32_t n, cap, n_logprobs;
    int32_t n_new; /* the last tokens that the caller has not taken yet; it sets this to 0 */
    bool held, ended;
    double sum_logprob;
    sumi_finish finish;
    int32_t stop_index; /* of the string that was found; -1: none */
} choice;

/* Rules for the next token, besides those of the sampler. */
typedef struct choice_rules {
    const sumi_model *model;
    int32_t n_vocab;
    int32_t min_tokens, max_tokens; /* max -1: none */
    const uint64_t *allowed_early;  /* the tokens that may be chosen before min_tokens, a set; NULL: all */
    bool ignore_eos;
    const int32_t *stop_ids; /* [n_stop_ids]: end a choice too */
    int32_t n_stop_ids;
    const char *const *stop; /* the strings of the stop matcher */
    bool include_stop;       /* the stop string or stop token that ended the choice is part of the text */
} choice_rules;

/* special: special tokens are written as their text. max_new: most tokens between two times that the caller takes them. */
SUMI_MUST_USE sumi_status choice_init(choice *c, const tokenizer *t, bool special, int32_t n_logprobs, bool held,
                                      int32_t max_new, sumi_error *err);
void choice_deinit(choice *c);

/* Chooses a token from logits [n_vocab], decodes it, and checks for the end: c->ended. ENUMERIC: bad logits; ENOMEM,
 * ELIMIT. */
SUMI_MUST_USE sumi_status choice_next(choice *c, const choice_rules *rules, const float *logits, sumi_error *err);

/* Appends a token that a beam search has chosen. */
SUMI_MUST_USE bool choice_append(choice *c, sumi_choice token);
void choice_decode_all(choice *c, bool skip_last); /* a beam's text, at its end */

/* Ends the choice for another reason than its tokens, unless it has ended already. */
void choice_finish(choice *c, sumi_finish finish);

/* After the end: moves the text that was held back to `ready`. ENOMEM, ELIMIT. */
SUMI_MUST_USE sumi_status choice_flush(choice *c, sumi_error *err);

double choice_mean_logprob(const choice *c);

#endif
