/* sampler.h - logits in, token out: what the public functions of sumi.h are made of, for tests.
 *
 * The order of the steps, and whose habit it is (docs/sampling.md says more):
 *
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

/* The distribution from which sumi_sampler_next() would draw: candidates with weights, valid until the next call on
 * the sampler; one candidate of weight 1 when greedy. Errors as sumi_sampler_next(). Changes no state that counts.
 * Not for settings without any truncation and a vocabulary above 4096: their candidates are never listed. */
SUMI_MUST_USE sumi_status sampler_shape(sumi_sampler *s, const float *logits, const candidates **out,
                                        sumi_error *err);

#endif
