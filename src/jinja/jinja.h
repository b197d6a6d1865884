/* jinja.h - the template engine: compiles source to a tree once, renders the tree with variables many times.
 *
 * The output has the same bytes as that of Jinja 3.1 with the settings of Hugging Face transformers for chat templates
 * (sandbox without mutation, trim_blocks, lstrip_blocks, loop controls, its own tojson, raise_exception, strftime_now). A
 * template can use only the variables that it is given and, through strftime_now, the clock. */
#ifndef SUMI_JINJA_JINJA_H
#define SUMI_JINJA_JINJA_H

#include <jansson.h>

#include "base/buf.h"
#include "sumi.h"

typedef struct jinja_template jinja_template; /* read-only once compiled: any number of threads may render it */

/* Limits of one rendering, so that no template or message can stop the server. */
typedef struct jinja_limits {
    uint64_t max_steps;     /* nodes evaluated plus bytes handled / 16: time */
    size_t max_value_bytes; /* of all values made: memory */
    int32_t max_depth;      /* of expressions, macro calls and nested data */
    size_t max_stack_bytes; /* of the C stack that a rendering may use, at any depth */
} jinja_limits;

jinja_limits jinja_limits_default(void); /* 50 million steps, 256 MiB, 500 levels, 256 KiB of stack */

/* Free *out with jinja_template_destroy(). name is the prefix of messages. SUMI_EFORMAT: "NAME: line N: what";
 * SUMI_ELIMIT: the template is too large or too deep; SUMI_EUNSUPPORTED, SUMI_ENOMEM. */
SUMI_MUST_USE sumi_status jinja_template_compile(jinja_template **out, const char *source, size_t n_bytes,
                                                 const char *name, sumi_error *err);
void jinja_template_destroy(jinja_template *t); /* NULL is fine */

/* Renders with the members of the object vars as variables, and appends to out, whose maximum limits the output. now_us:
 * microseconds since 1970 for strftime_now(); -1: the clock. SUMI_EINVAL: the template called raise_exception() (err holds
 * only its words), or used a value in an invalid way ("NAME: line N: what"); SUMI_ELIMIT: a limit. On failure out holds a
 * part of the text. */
SUMI_MUST_USE sumi_status jinja_template_render(const jinja_template *t, const json_t *vars, const jinja_limits *limits,
                                                int64_t now_us, buf *out, sumi_error *err);

/* Appends the text that {{ x|tojson }} writes for a variable x of this value. ELIMIT, ENOMEM; EINVAL: a string is not UTF-8. */
SUMI_MUST_USE sumi_status jinja_json_text(const json_t *json, const jinja_limits *limits, buf *out, sumi_error *err);

#endif
