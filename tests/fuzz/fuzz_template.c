/* fuzz_template.c - any template over any variables: no crash, no leak, bounded time and memory, text that is UTF-8.
 *
 * An input is a template, a NUL, and a JSON object of variables; without the NUL, or where the JSON is none, a small
 * conversation stands in. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "jinja/jinja.h"

static const char default_vars[] = "{\"messages\": [{\"role\": \"system\", \"content\": \"Be kind\"}, "
                                   "{\"role\": \"user\", \"content\": \"H\\u00e9 <b>\"},"
                                   " {\"role\": \"assistant\", \"content\": null, \"tool_calls\": [{\"id\": "
                                   "\"1\", \"function\": {\"name\": \"f\","
                                   " \"arguments\": {\"x\": [1, 2.5, true, null]}}}]}, {\"role\": \"tool\", "
                                   "\"name\": \"f\", \"content\": \"{}\"}], \"tools\": [{\"type\": "
                                   "\"function\", \"function\": {\"name\": \"f\", \"description\": \"d\","
                                   " \"parameters\": {\"type\": \"object\", \"properties\": {\"x\": {\"type\": "
                                   "\"array\", \"items\": {\"type\": \"number\"}}}, \"required\": [\"x\"]}}}], "
                                   "\"n\": 3, \"s\": \"text\", \"l\": [3, 1, 2],"
                                   " \"add_generation_prompt\": true, \"bos_token\": \"<s>\"}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *source = (const char *)data, *nul = n ? memchr(source, '\0', n) : NULL;
    size_t n_source = nul ? (size_t)(nul - source) : n;
    jinja_limits limits = {
        .max_steps = 200000, .max_value_bytes = (size_t)8 << 20, .max_depth = 500, .max_stack_bytes = (size_t)256 << 10
    };
    sumi_error err = { 0 };
    json_t *vars = NULL;
    jinja_template *t;
    sumi_status status = jinja_template_compile(&t, n_source ? source : "", n_source, "fuzz", &err);
    if (status != SUMI_OK) {
        if (t || !err.message[0]) abort();
        return 0;
    }
    if (nul) vars = json_loadb(nul + 1, n - n_source - 1, JSON_ALLOW_NUL, NULL);
    if (!json_is_object(vars)) {
        json_decref(vars);
        vars = json_loads(default_vars, 0, NULL);
    }
    buf out;
    buf_init(&out, (size_t)4 << 20);
    status = jinja_template_render(t, vars, &limits, 0, &out, &err);
    if (status != SUMI_OK && err.status != status) abort();
    if (status == SUMI_OK && utf8_valid_prefix(out.data ? out.data : "", out.n) != out.n) abort();
    buf_deinit(&out);
    json_decref(vars);
    jinja_template_destroy(t);
    return 0;
}
