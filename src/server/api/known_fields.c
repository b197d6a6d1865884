/* known_fields.c - see known_fields.h. */
#include "server/api/known_fields.h"

#include <stdlib.h>
#include <string.h>

#include "server/api/json_fields.h"

enum {
    OPENAI = FIELDS_CHAT | FIELDS_COMPLETION | FIELDS_RESPONSES,
    COMPLETIONS = FIELDS_CHAT | FIELDS_COMPLETION,
    VECTORS = FIELDS_EMBEDDINGS | FIELDS_OLLAMA_VECTORS,
    OLLAMA = FIELDS_OLLAMA_CHAT | FIELDS_OLLAMA_GENERATE,
};

#define NO_GRAMMAR "structured output is not supported yet"
#define NO_SAMPLER "use temperature, top_k, top_p, min_p, typical_p or penalties"

static const known_field fields[] = {
    /* Answers of a given form: OpenAI, vLLM (guided_*, structured_outputs), llama.cpp (grammar, json_schema), SGLang. */
    { "response_format", COMPLETIONS, "{text}", NO_GRAMMAR },
    { "structured_outputs", OPENAI, NULL, NO_GRAMMAR },
    { "guided_json", OPENAI, NULL, NO_GRAMMAR },
    { "guided_regex", OPENAI, NULL, NO_GRAMMAR },
    { "guided_choice", OPENAI, NULL, NO_GRAMMAR },
    { "guided_grammar", OPENAI, NULL, NO_GRAMMAR },
    { "structural_tag", OPENAI, NULL, NO_GRAMMAR },
    { "grammar", OPENAI, NULL, NO_GRAMMAR },
    { "json_schema", OPENAI, NULL, NO_GRAMMAR },
    { "regex", OPENAI, NULL, NO_GRAMMAR },
    { "ebnf", OPENAI, NULL, NO_GRAMMAR },
    { "output_format", FIELDS_MESSAGES, NULL, NO_GRAMMAR },
    { "format", OLLAMA, NULL, NULL },
    { "allowed_token_ids", OPENAI, NULL, "logit_bias is there" },
    { "bad_words", OPENAI, NULL, "logit_bias is there" },
    { "logits_processors", OPENAI, NULL, NULL },
    { "custom_logit_processor", OPENAI, NULL, NULL },

    /* Tools that the model may call. */
    { "tools", OPENAI | FIELDS_MESSAGES | OLLAMA, NULL, NULL },
    { "tool_choice", FIELDS_CHAT | FIELDS_RESPONSES, "none auto", NULL },
    { "functions", FIELDS_CHAT, NULL, NULL },
    { "function_call", FIELDS_CHAT, "none auto", NULL },
    { "web_search_options", FIELDS_CHAT, NULL, NULL },
    { "mcp_servers", FIELDS_MESSAGES, NULL, NULL },
    { "container", FIELDS_MESSAGES, NULL, NULL },

    /* What is no text. */
    { "audio", FIELDS_CHAT, NULL, NULL },
    { "modalities", FIELDS_CHAT, "[text]", NULL },
    { "images", OLLAMA | FIELDS_OLLAMA_MESSAGE, NULL, NULL },
    { "prompt_embeds", FIELDS_COMPLETION, NULL, NULL },
    { "mm_processor_kwargs", COMPLETIONS, NULL, NULL },

    /* The prompt. */
    { "chat_template", FIELDS_CHAT, NULL, "the model's own is used; chat_template_kwargs are its variables" },
    { "template", OLLAMA, NULL, NULL },
    { "documents", FIELDS_CHAT, NULL, NULL },
    { "suffix", FIELDS_COMPLETION | OLLAMA, NULL, NULL },
    { "shift", OLLAMA, NULL, NULL },
    { "context", FIELDS_OLLAMA_GENERATE, NULL, "send the conversation to /api/chat" },
    { "previous_response_id", FIELDS_RESPONSES, NULL, "nothing is stored" },
    { "conversation", FIELDS_RESPONSES, NULL, "nothing is stored" },
    { "prompt", FIELDS_RESPONSES, NULL, "nothing is stored" },
    { "background", FIELDS_RESPONSES, NULL, "nothing is stored" },
    { "context_management", FIELDS_RESPONSES | FIELDS_MESSAGES, NULL, NULL },
    { "truncation", FIELDS_RESPONSES, "disabled", NULL },
    { "truncation_side", COMPLETIONS, "left", NULL },
    { "lora", OPENAI, NULL, NULL },
    { "lora_path", OPENAI, NULL, NULL },

    /* Sampling. */
    { "use_beam_search", OPENAI, NULL, NULL },
    { "mirostat", OPENAI | FIELDS_OLLAMA_OPTIONS, NULL, NO_SAMPLER },
    { "dry_multiplier", OPENAI | FIELDS_OLLAMA_OPTIONS, NULL, NO_SAMPLER },
    { "xtc_probability", OPENAI | FIELDS_OLLAMA_OPTIONS, NULL, NO_SAMPLER },
    { "dynatemp_range", OPENAI, NULL, NO_SAMPLER },
    { "top_n_sigma", OPENAI, "-1", NO_SAMPLER },
    { "tfs_z", OPENAI | FIELDS_OLLAMA_OPTIONS, "1", NO_SAMPLER },
    { "top_a", OPENAI, NULL, NO_SAMPLER },
    { "samplers", OPENAI, NULL, NO_SAMPLER },
    { "t_max_predict_ms", OPENAI, "-1", NULL },
    { "stop_regex", OPENAI, NULL, "stop is there" },
    { "think", OLLAMA, NULL, NULL },
    { "thinking_token_budget", COMPLETIONS, NULL, NULL },
    { "thinking_budget_tokens", COMPLETIONS, "-1", NULL },

    /* Fields of OpenAI's other APIs, which these two have under other names or not at all. */
    { "n", FIELDS_RESPONSES | FIELDS_MESSAGES, "1", NULL },
    { "stop", FIELDS_RESPONSES, NULL, NULL },
    { "stop", FIELDS_MESSAGES, NULL, "stop_sequences is there" },
    { "max_tokens", FIELDS_RESPONSES, NULL, "max_output_tokens is there" },
    { "stop_token_ids", FIELDS_RESPONSES | FIELDS_MESSAGES, NULL, NULL },
    { "logit_bias", FIELDS_RESPONSES | FIELDS_MESSAGES, NULL, NULL },
    { "logprobs", FIELDS_RESPONSES | FIELDS_MESSAGES, NULL, NULL },
    { "grammar", FIELDS_MESSAGES | OLLAMA | FIELDS_OLLAMA_OPTIONS, NULL, NO_GRAMMAR },

    /* Data of an answer besides its text. */
    { "top_logprobs", FIELDS_RESPONSES, NULL, NULL },
    { "prompt_logprobs", FIELDS_RESPONSES, NULL, "/v1/completions and /v1/chat/completions have it" },
    { "echo", FIELDS_CHAT, NULL, NULL },
    { "n_probs", OPENAI, NULL, "logprobs are there" },
    { "post_sampling_probs", OPENAI, NULL, NULL },
    { "return_token_ids", OPENAI, NULL, NULL },
    { "return_tokens", OPENAI, NULL, NULL },
    { "return_tokens_as_token_ids", OPENAI, NULL, NULL },
    { "logprob_token_ids", OPENAI, NULL, NULL },
    { "return_hidden_states", OPENAI, NULL, NULL },

    /* Embeddings and tokens. */
    { "messages", VECTORS, NULL, "input is there" },
    { "encoding_format", FIELDS_OLLAMA_VECTORS, "float", "/v1/embeddings has it" },
    { "input_type", VECTORS, NULL, "write the words that the model wants before the text" },
    { "prompt_name", VECTORS, NULL, "write the words that the model wants before the text" },
    { "task", VECTORS, NULL, "write the words that the model wants before the text" },
    { "late_chunking", VECTORS, NULL, NULL },
    { "truncate", FIELDS_EMBEDDINGS, "NONE", "/api/embed has it" },
    { "truncate_prompt_tokens", VECTORS | FIELDS_TOKENIZE, NULL, NULL },
    { "truncation_side", VECTORS, NULL, NULL },
    { "truncation_side", FIELDS_TOKENIZE, "left", NULL },
    { "mm_processor_kwargs", FIELDS_TOKENIZE, NULL, NULL },
    { "images", FIELDS_OLLAMA_VECTORS, NULL, NULL },
    { "embed_dtype", FIELDS_EMBEDDINGS, "float32", "encoding_format is there" },
    { "endianness", FIELDS_EMBEDDINGS, "native little", NULL },
};

enum { N_FIELDS = sizeof fields / sizeof *fields };

const known_field *known_fields_row(int i)
{
    return i >= 0 && i < N_FIELDS ? &fields[i] : NULL;
}

static bool is_nothing(const json_t *v)
{
    return !v || json_is_false(v) || (json_is_number(v) && json_number_value(v) == 0) ||
           (json_is_array(v) && json_array_size(v) == 0) || (json_is_object(v) && json_object_size(v) == 0) ||
           (json_is_string(v) && json_string_length(v) == 0);
}

static bool is_text(const json_t *v)
{
    return json_is_string(v) && !strcmp(json_string_value(v), "text");
}

/* One of the words of known_field.neutral. */
static bool is_word(const json_t *v, const char *word, size_t n)
{
    const char *s = json_string_value(v);
    if (s) return strlen(s) == n && !memcmp(s, word, n);
    if (json_is_number(v)) return json_number_value(v) == strtod(word, NULL);
    if (json_is_object(v)) return word[0] == '{' && is_text(json_object_get(v, "type"));
    if (!json_is_array(v) || word[0] != '[') return false;
    for (size_t i = 0; i < json_array_size(v); i++)
        if (!is_text(json_array_get(v, i))) return false;
    return true;
}

static bool is_neutral(const json_t *v, const char *neutral)
{
    if (is_nothing(v)) return true;
    while (neutral && *neutral) {
        size_t n = strcspn(neutral, " ");
        if (is_word(v, neutral, n)) return true;
        neutral += n + (neutral[n] == ' ');
    }
    return false;
}

bool known_fields_check(const json_t *o, unsigned endpoint, api_error *e)
{
    for (int i = 0; i < N_FIELDS; i++) {
        const known_field *f = &fields[i];
        if (!(f->endpoints & endpoint) || is_neutral(field_get(o, f->name), f->neutral)) continue;
        return api_fail(e, 400, "unsupported_parameter", f->name, "%s: not supported by this server%s%s", f->name,
                        f->instead ? "; " : "", f->instead ? f->instead : "");
    }
    return true;
}
