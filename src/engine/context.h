/* context.h - what the rest of the engine may know of a context. */
#ifndef SUMI_ENGINE_CONTEXT_H
#define SUMI_ENGINE_CONTEXT_H

#include "sumi.h"

const sumi_model *context_model(const sumi_context *ctx);

#endif
