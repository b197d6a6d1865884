/* known_fields.h - fields of requests that other engines and services understand and this server does not.
 *
 * A field that would change the answer must not be ignored silently. So each endpoint's fields are of four
 * kinds: read by its parser; in the table of known_fields.c, and refused unless their value asks for nothing; known to change
 * no answer (docs/server.md lists them); and those of no known engine, which are ignored as all of these APIs do. */
#ifndef SUMI_SERVER_API_KNOWN_FIELDS_H
#define SUMI_SERVER_API_KNOWN_FIELDS_H

#include <jansson.h>

#include "server/api/api_error.h"

/* Whose fields: a set of endpoints. */
enum {
    FIELDS_CHAT = 1,
    FIELDS_COMPLETION = 2,
    FIELDS_RESPONSES = 4,
    FIELDS_MESSAGES = 8,
    FIELDS_OLLAMA_CHAT = 16,
    FIELDS_OLLAMA_GENERATE = 32,
    FIELDS_OLLAMA_OPTIONS = 64,
    FIELDS_EMBEDDINGS = 128,
    FIELDS_OLLAMA_MESSAGE = 256,
    FIELDS_OLLAMA_VECTORS = 512, /* /api/embed and /api/embeddings */
    FIELDS_TOKENIZE = 1024,      /* of a text; a chat has those of FIELDS_CHAT, too */
};

typedef struct known_field {
    const char *name;
    unsigned endpoints;
    /* Values that change nothing, with spaces between, besides null, false, 0, "", [] and {}, which never do: words, numbers,
     * "{text}" an object whose type is "text", "[text]" a list of nothing but "text". NULL: no others. */
    const char *neutral;
    const char *instead; /* said after the refusal: what there is instead; NULL: nothing */
} known_field;

/* False: a field of the object o asks for what the endpoint does not do; *e is 400 unsupported_parameter and names it. */
SUMI_MUST_USE bool known_fields_check(const json_t *o, unsigned endpoint, api_error *e);

/* Row number i, for tests and documentation; NULL: there are no more. */
const known_field *known_fields_row(int i);

#endif
