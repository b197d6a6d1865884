/* model_name.h - whether a client's model name means the served model. */
#ifndef SUMI_SERVER_API_MODEL_NAME_H
#define SUMI_SERVER_API_MODEL_NAME_H

#include <stdbool.h>

/* Whether name means the model with the name served. aliases: further names, "gpt-4o,default"; "*" means every name; NULL:
 * none. A name may end with ":latest", as in the lists of Ollama's API. any_case: ignore case, as Ollama does. */
bool model_name_fits(const char *name, const char *served, const char *aliases, bool any_case);

#endif
