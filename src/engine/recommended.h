/* recommended.h - the sampling that a model's makers recommend, as its file says: general.sampling.* of a GGUF file, which
 * generation_config.json of a folder becomes too. */
#ifndef SUMI_ENGINE_RECOMMENDED_H
#define SUMI_ENGINE_RECOMMENDED_H

#include "format/gguf.h"
#include "sumi.h"

/* As sumi_model_sampling(), of a file that is not opened as a model. */
uint32_t recommended_sampling(const gguf *g, sumi_sampling *s);

#endif
