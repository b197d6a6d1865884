/* sampler.h - logits in, token out: the functions behind the sampler of sumi.h; for the engine and for tests.
 *
 * The order of the steps, and the engines that use the same order (docs/sampling.md has more):
 *
 *   mask         a token that is not allowed has the logit -inf in all further steps
 *   bias         vLLM, llama.cpp: before everything else
 *   penalties    repetition, then frequency and presence; on logits, before the temperature: all three engines
 *   greedy       temperature 0 ends here with the best token: vLLM, transformers
 *   temperature  before the truncations, as transformers and vLLM do and as the papers define them: the nucleus is
 *                one of the distribution that is drawn from. (llama.cpp applies it last.)
 *   top-k -> typical -> top-p -> min-p      llama.cpp's order; transformers has typical last
 *   draw         by inversion, over the ids in rising order
 */
#ifndef SUMI_SAMPLE_SAMPLER_H
#define SUMI_SAMPLE_SAMPLER_H

#include "sample/truncate.h"
#include "sumi.h"

/* sumi_sampler_next() over the tokens of a set (see token_set.h; NULL: all). The choice is the same as from a row whose
 * other logits are -inf; its log-probability is the model's own, over all tokens. ENUMERIC, and the sampler is unchanged:
 * a logit is NaN or +inf, whether its token is allowed or not; or no allowed token has a logit above -inf. */
SUMI_MUST_USE sumi_status sampler_next(sumi_sampler *s, const float *logits, const uint64_t *allowed,
                                       sumi_choice *choice, sumi_error *err);

/* The distribution from which sampler_next() would draw: candidates with weights, valid until the next call on
 * the sampler; one candidate of weight 1 when greedy. Errors as sampler_next(). Does not change the sampler's results. Not
 * for settings without any truncation and a vocabulary above 4096: their candidates are never listed. */
SUMI_MUST_USE sumi_status sampler_shape(sumi_sampler *s, const float *logits, const uint64_t *allowed,
                                        const candidates **out, sumi_error *err);

/* Uses the passes of a level that the machine has; a new sampler uses those of the best level. */
void sampler_set_level(sumi_sampler *s, cpu_level level);

#endif
