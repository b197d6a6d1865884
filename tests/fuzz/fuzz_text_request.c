/* fuzz_text_request.c - any body of a request, for every API: it is read, or refused with one line and status 400. */
#include <stdlib.h>
#include <string.h>

#include "server/api/anthropic/anthropic_request.h"
#include "server/api/embeddings/embeddings_request.h"
#include "server/api/ollama/ollama_request.h"
#include "server/api/openai/openai_request.h"
#include "server/api/openai/responses_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_read(const text_request *r)
{
    bool has_one = r->messages ? r->n_prompts == 1 : r->n_prompts <= TEXT_MAX_INPUTS;
    if (!has_one || r->n_prompts < 0 || r->params.n < 1 || r->params.n > SUMI_MAX_CHOICES) abort();
    if (r->prefill && !json_is_string(r->prefill)) abort();
    for (int32_t i = 0; i < r->params.n_stop; i++)
        if (!r->params.stop[i][0]) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const text_parse_fn parsers[] = { openai_parse_completion,    openai_parse_chat,     responses_parse,
                                             anthropic_parse_messages,   anthropic_parse_count, ollama_parse_chat,
                                             ollama_parse_generate,      embeddings_parse,      embeddings_parse_ollama,
                                             embeddings_parse_ollama_one };
    const text_limits limits = text_limits_default();
    for (size_t i = 0; i < sizeof parsers / sizeof *parsers; i++) {
        text_request r;
        api_error e = { 0 };
        if (parsers[i](&r, (const char *)data, n, &limits, &e)) check_read(&r);
        else if (e.status != 400 || !e.message[0] || strchr(e.message, '\n') || r.root) abort();
        text_request_deinit(&r);
    }
    return 0;
}
