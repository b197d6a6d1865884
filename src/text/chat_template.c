/* chat_template.c - see chat_template.h. A thin coat over the engine in jinja.h, which decides limits and clock. */
#include "text/chat_template.h"

#include <stdlib.h>

#include "base/error.h"
#include "text/jinja.h"

struct chat_template {
    jinja_template *jinja;
};

sumi_status chat_template_compile(chat_template **out, const char *source, size_t n_bytes, const char *name,
                                  sumi_error *err)
{
    *out = NULL;
    chat_template *t = calloc(1, sizeof *t);
    if (!t) return sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", name);
    sumi_status status = jinja_template_compile(&t->jinja, source, n_bytes, name, err);
    if (status == SUMI_OK) *out = t;
    else free(t);
    return status;
}

void chat_template_destroy(chat_template *t)
{
    if (!t) return;
    jinja_template_destroy(t->jinja);
    free(t);
}

sumi_status chat_template_render(const chat_template *t, const json_t *vars, buf *out, sumi_error *err)
{
    jinja_limits limits = jinja_limits_default();
    return jinja_template_render(t->jinja, vars, &limits, -1, out, err);
}
