/* ollama.c - the endpoints of Ollama's API that answer with text: chat, generate. */
#include "server/api/ollama/ollama_reply.h"
#include "server/api/ollama/ollama_request.h"
#include "server/api/text_api.h"
#include "server/http/endpoints.h"

enum MHD_Result post_ollama_chat(exchange *x)
{
    static const text_api api = { ollama_parse_chat, ollama_chat_reply_create, &ollama_format, NULL, false };
    return text_api_post(x, &api);
}

enum MHD_Result post_ollama_generate(exchange *x)
{
    static const text_api api = { ollama_parse_generate, ollama_generate_reply_create, &ollama_format, NULL, false };
    return text_api_post(x, &api);
}
