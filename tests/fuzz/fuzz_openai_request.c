/* fuzz_openai_request.c - any body of a request: it is read, or refused with one line and status 400. */
#include <stdlib.h>
#include <string.h>

#include "server/openai_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    text_limits limits = text_limits_default();
    static const text_parse_fn parsers[] = { openai_parse_completion, openai_parse_chat };
    for (int i = 0; i < 2; i++) {
        text_request r;
        api_error e = { 0 };
        if (parsers[i](&r, (const char *)data, n, &limits, &e)) {
            if (r.n_prompts < 1 || r.n_prompts > TEXT_MAX_PROMPTS || r.params.n < 1 ||
                r.params.n > SUMI_MAX_CHOICES)
                abort();
        } else if (e.status != 400 || !e.message[0] || strchr(e.message, '\n')) {
            abort();
        }
        text_request_deinit(&r);
    }
    return 0;
}
