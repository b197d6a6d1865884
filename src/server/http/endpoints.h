/* endpoints.h - the handlers of the routes. A handler answers, or gives its exchange a job. */
#ifndef SUMI_SERVER_HTTP_ENDPOINTS_H
#define SUMI_SERVER_HTTP_ENDPOINTS_H

#include "server/http/http.h"

/* ---- status.c ---- */
enum MHD_Result get_health(exchange *x);
enum MHD_Result get_ready(exchange *x);
enum MHD_Result get_version(exchange *x);
enum MHD_Result get_metrics(exchange *x);
enum MHD_Result get_openapi(exchange *x);

/* ---- models.c ---- */
enum MHD_Result get_models(exchange *x);
enum MHD_Result get_model(exchange *x);

/* ---- openai.c ---- */
enum MHD_Result post_chat_completions(exchange *x);
enum MHD_Result post_completions(exchange *x);
enum MHD_Result post_responses(exchange *x);

/* ---- anthropic.c ---- */
enum MHD_Result post_messages(exchange *x);
enum MHD_Result post_count_tokens(exchange *x);

/* ---- ollama.c ---- */
enum MHD_Result post_ollama_chat(exchange *x);
enum MHD_Result post_ollama_generate(exchange *x);

/* ---- ollama_models.c ---- */
enum MHD_Result get_ollama_version(exchange *x);
enum MHD_Result get_ollama_tags(exchange *x);
enum MHD_Result get_ollama_ps(exchange *x);
enum MHD_Result post_ollama_show(exchange *x);
enum MHD_Result post_ollama_pull(exchange *x);

/* ---- embeddings.c ---- */
enum MHD_Result post_embeddings(exchange *x);
enum MHD_Result post_ollama_embed(exchange *x);
enum MHD_Result post_ollama_embeddings(exchange *x);

/* ---- tokenize.c, detokenize.c ---- */
enum MHD_Result post_tokenize(exchange *x);
enum MHD_Result post_apply_template(exchange *x);
enum MHD_Result post_detokenize(exchange *x);

/* ---- props.c ---- */
enum MHD_Result get_props(exchange *x);
enum MHD_Result get_slots(exchange *x);
enum MHD_Result get_tokenizer_info(exchange *x);

/* ---- stats.c ---- */
enum MHD_Result get_stats(exchange *x);

/* ---- web.c ---- */
enum MHD_Result get_page(exchange *x);
enum MHD_Result get_web_file(exchange *x);

#endif
