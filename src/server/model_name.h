/* model_name.h - which model a client means. */
#ifndef SUMI_SERVER_MODEL_NAME_H
#define SUMI_SERVER_MODEL_NAME_H

#include <stdbool.h>

/* Whether name means the model that is called served. aliases: more names of it, "gpt-4o,default", of which "*" stands for
 * every name; NULL: none. A name may end with ":latest", as the lists of Ollama's API show it. any_case: as Ollama, which
 * takes capital letters for small ones. */
bool model_name_fits(const char *name, const char *served, const char *aliases, bool any_case);

#endif
