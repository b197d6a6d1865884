/* recommended.h - the sampling settings that a model's file recommends: general.sampling.* of a GGUF file;
 * generation_config.json of a folder becomes the same keys. */
#ifndef SUMI_ENGINE_RECOMMENDED_H
#define SUMI_ENGINE_RECOMMENDED_H

#include "format/model_source.h"
#include "sumi.h"

/* As sumi_model_sampling(), for a file that is not opened as a model. */
uint32_t recommended_sampling(const model_source *src, sumi_sampling *s);

#endif
