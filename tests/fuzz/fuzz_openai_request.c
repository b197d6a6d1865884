/* fuzz_openai_request.c - any body of a request: it is read, or refused with one line and status 400. */
#include <stdlib.h>
#include <string.h>

#include "server/openai_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    openai_limits limits = openai_limits_default();
    for (openai_kind kind = OPENAI_COMPLETION; kind <= OPENAI_CHAT; kind++) {
        openai_request r;
        api_error e = { 0 };
        if (openai_request_parse(&r, kind, (const char *)data, n, &limits, &e)) {
            if (r.n_prompts < 1 || r.n_prompts > OPENAI_MAX_PROMPTS || r.params.n < 1 ||
                r.params.n > SUMI_MAX_CHOICES)
                abort();
        } else if (e.status != 400 || !e.message[0] || strchr(e.message, '\n')) {
            abort();
        }
        openai_request_deinit(&r);
    }
    return 0;
}
