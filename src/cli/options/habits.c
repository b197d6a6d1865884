/* habits.c - see habits.h. An option of sumi's own command has precedence over a row of these tables. */
#include "cli/options/habits.h"

#include <string.h>

#define NO_GPU   "sumi computes on processors only; leave this option out"
#define ALWAYS   "sumi always does this; leave this option out"
#define ONE_HOST "one server computes on all processors of one machine; leave this option out"
#define NO_FORM  "grammars and JSON schemas are not supported yet"
#define NO_DRAFT "there are no draft models yet; --spec auto checks tokens that are guessed from the text so far"
#define NO_LORA  "there are no adapters yet; merge the adapter into the model, and convert the merged model"
#define HF_MODEL "fetch the model with 'sumi pull hf:OWNER/NAME', then give hf:OWNER/NAME as MODEL"
#define WEIGHTS  "weights are always read into the memory of the program; leave this option out"
#define CONVERT_IT \
    "the types are those of the file; 'sumi convert MODEL OUT.gguf --type TYPE' writes a file of another type"
#define KV_TYPE "keys and values have one type only; --kv-memory sets their memory"

static const habit options[] = {
    /* MODEL */
    { "-m", "MODEL", NULL, NULL },
    { "--model", "MODEL", NULL, NULL },
    { "-hf", NULL, NULL, HF_MODEL },
    { "-hfr", NULL, NULL, HF_MODEL },
    { "--hf-repo", NULL, NULL, HF_MODEL },
    { "-hff", NULL, NULL, "write it behind the repository: hf:OWNER/NAME:FILE.gguf" },
    { "--hf-file", NULL, NULL, "write it behind the repository: hf:OWNER/NAME:FILE.gguf" },
    { "--hf-token", NULL, NULL, "set HF_TOKEN, or give 'sumi pull' --token-file FILE" },
    { "--lora", NULL, NULL, NO_LORA },
    { "--enable-lora", NULL, NULL, NO_LORA },
    { "--lora-modules", NULL, NULL, NO_LORA },
    { "-mm", NULL, NULL, "images cannot be read yet" },
    { "--mmproj", NULL, NULL, "images cannot be read yet" },
    { "-md", NULL, NULL, NO_DRAFT },
    { "--model-draft", NULL, NULL, NO_DRAFT },
    { "--speculative-config", NULL, NULL, NO_DRAFT },
    { "--trust-remote-code", NULL, NULL, "code of a model is never run; leave it out" },
    { "--tokenizer", NULL, NULL, "the tokenizer is the model's own; leave it out" },

    /* How it computes */
    { "-c", "--ctx", NULL, NULL },
    { "--ctx-size", "--ctx", NULL, NULL },
    { "--max-model-len", "--ctx", NULL, NULL },
    { "--context-length", "--ctx", NULL, NULL },
    { "-tb", NULL, NULL, "--threads is for prompts and answers alike" },
    { "--threads-batch", NULL, NULL, "--threads is for prompts and answers alike" },
    { "-ngl", NULL, "0", NO_GPU },
    { "--gpu-layers", NULL, "0", NO_GPU },
    { "--n-gpu-layers", NULL, "0", NO_GPU },
    { "-dev", NULL, "none", NO_GPU },
    { "--device", NULL, "cpu", NO_GPU },
    { "--main-gpu", NULL, NULL, NO_GPU },
    { "--split-mode", NULL, "none", NO_GPU },
    { "--tensor-split", NULL, NULL, NO_GPU },
    { "--gpu-memory-utilization", NULL, NULL,
      "sumi computes on processors only; --kv-memory SIZE bounds keys and values" },
    { "--swap-space", NULL, "0", "give --swap-memory SIZE, such as 4G" },
    { "-tp", NULL, "1", ONE_HOST },
    { "--tensor-parallel-size", NULL, "1", ONE_HOST },
    { "--pipeline-parallel-size", NULL, "1", ONE_HOST },
    { "--data-parallel-size", NULL, "1", ONE_HOST },
    { "--dtype", NULL, "auto", CONVERT_IT },
    { "--quantization", NULL, NULL, CONVERT_IT },
    { "--load-format", NULL, "auto", "sumi finds the format by the file's content; leave this option out" },
    { "-ctk", NULL, NULL, KV_TYPE },
    { "-ctv", NULL, NULL, KV_TYPE },
    { "--cache-type-k", NULL, NULL, KV_TYPE },
    { "--cache-type-v", NULL, NULL, KV_TYPE },
    { "--kv-cache-dtype", NULL, "auto", KV_TYPE },
    { "-fa", NULL, NULL, ALWAYS },
    { "--flash-attn", NULL, NULL, ALWAYS },
    { "--mlock", NULL, NULL, WEIGHTS },
    { "--no-mmap", NULL, NULL, WEIGHTS },
    { "--rope-scaling", NULL, NULL, "it is as the model's file says" },
    { "--rope-freq-base", NULL, NULL, "it is as the model's file says" },
    { "-v", NULL, NULL, "give --log-level debug" },
    { "--verbose", NULL, NULL, "give --log-level debug" },

    /* How it answers */
    { "-s", "--seed", NULL, NULL },
    { "--temperature", "--temp", NULL, NULL },
    { "--temp", "--temperature", NULL, NULL },
    { "--predict", "--max-tokens", NULL, NULL },
    { "--n-predict", "--max-tokens", NULL, NULL },
    { "--repetition-penalty", "--repeat-penalty", NULL, NULL },
    { "--typical-p", "--typical", NULL, NULL },
    { "-r", "--stop", NULL, NULL },
    { "--reverse-prompt", "--stop", NULL, NULL },
    { "-sys", "--system", NULL, NULL },
    { "--system-prompt", "--system", NULL, NULL },
    { "-i", NULL, NULL, "'sumi run MODEL' without a prompt is a chat" },
    { "--interactive", NULL, NULL, "'sumi run MODEL' without a prompt is a chat" },
    { "-cnv", NULL, NULL, "'sumi run MODEL' without a prompt is a chat" },
    { "--conversation", NULL, NULL, "'sumi run MODEL' without a prompt is a chat" },
    { "-no-cnv", NULL, NULL, "give --raw and a prompt" },
    { "--no-conversation", NULL, NULL, "give --raw and a prompt" },
    { "--jinja", NULL, NULL, ALWAYS },
    { "--chat-template", NULL, NULL,
      "the template is the model's own; 'sumi template --template FILE' tries another one" },
    { "--no-display-prompt", NULL, NULL, ALWAYS },
    { "-j", NULL, NULL, NO_FORM },
    { "--grammar", NULL, NULL, NO_FORM },
    { "--grammar-file", NULL, NULL, NO_FORM },
    { "--json-schema", NULL, NULL, NO_FORM },
    { "--format", NULL, NULL, NO_FORM },
    { "--mirostat", NULL, "0", "use --temp, --top-k, --top-p, --min-p or --typical" },

    /* A server */
    { "-a", "--model-name", NULL, NULL },
    { "--alias", "--model-name", NULL, NULL },
    { "--served-model-name", "--model-name", NULL, NULL },
    { "-np", "--max-seqs", NULL, NULL },
    { "--parallel", "--max-seqs", NULL, NULL },
    { "--max-num-seqs", "--max-seqs", NULL, NULL },
    { "--max-num-batched-tokens", "--token-budget", NULL, NULL },
    { "-b", NULL, NULL, "give --token-budget N, the most tokens computed in one step" },
    { "--batch-size", NULL, NULL, "give --token-budget N, the most tokens computed in one step" },
    { "-ub", NULL, NULL, "give --token-budget N, the most tokens computed in one step" },
    { "--ubatch-size", NULL, NULL, "give --token-budget N, the most tokens computed in one step" },
    { "--threads-http", "--http-threads", NULL, NULL },
    { "--ssl-cert-file", "--tls-cert", NULL, NULL },
    { "--ssl-certfile", "--tls-cert", NULL, NULL },
    { "--ssl-key-file", "--tls-key", NULL, NULL },
    { "--ssl-keyfile", "--tls-key", NULL, NULL },
    { "--no-webui", "--no-web", NULL, NULL },
    { "--allowed-origins", NULL, NULL, "give --cors-origin ORIGIN" },
    { "--no-enable-prefix-caching", "--no-prefix-cache", NULL, NULL },
    { "--enable-prefix-caching", NULL, NULL, ALWAYS },
    { "--enable-chunked-prefill", NULL, NULL, ALWAYS },
    { "--enforce-eager", NULL, NULL, ALWAYS },
    { "-cb", NULL, NULL, ALWAYS },
    { "--cont-batching", NULL, NULL, ALWAYS },
    { "--metrics", NULL, NULL, ALWAYS },
    { "--embedding", NULL, NULL, ALWAYS },
    { "--embeddings", NULL, NULL, ALWAYS },
    { "--keepalive", NULL, NULL, "a server keeps its model until it ends; leave it out" },
    { "--timeout", NULL, NULL, "give --request-timeout S or --idle-timeout S" },

    /* Conversion */
    { "--outtype", "--type", NULL, NULL },
    { "--outfile", NULL, NULL, "give it as the second argument: MODEL OUT.gguf" },
    { "-o", NULL, NULL, "give it as the second argument" },
};

static const habit commands[] = {
    { "ls", "list", NULL, NULL },
    { "show", "info", NULL, NULL },
    { "chat", "run", NULL, NULL },
    { "download", "pull", NULL, NULL },
    { "remove", "rm", NULL, NULL },
    { "embedding", "embed", NULL, NULL },
    { "server", "serve", NULL, NULL },
    { "apply-template", "template", NULL, NULL },
    { "quantize", NULL, NULL, "'sumi convert MODEL OUT.gguf --type Q4_K_M' does it" },
    { "perplexity", NULL, NULL, "'sumi eval perplexity MODEL -f FILE' does it" },
    { "complete", NULL, NULL, "'sumi run MODEL --raw -p TEXT' does it" },
    { "generate", NULL, NULL, "'sumi run MODEL -p TEXT' does it" },
    { "stop", NULL, NULL, "a server ends on SIGTERM or Ctrl-C" },
    { "create", NULL, NULL, "there are no model files of Ollama's kind; 'sumi convert' makes GGUF files" },
    { "cp", NULL, NULL, "a model is a file: copy it, or name it by 'serve --model-name NAME'" },
    { "push", NULL, NULL, "models are fetched only, with 'sumi pull'" },
};

static const habit *find(const habit *list, size_t n_list, const char *word, size_t n)
{
    for (size_t i = 0; i < n_list; i++)
        if (strlen(list[i].theirs) == n && !memcmp(list[i].theirs, word, n)) return &list[i];
    return NULL;
}

const habit *habit_option(const char *word, size_t n)
{
    return find(options, sizeof options / sizeof *options, word, n);
}

const habit *habit_command(const char *word)
{
    return find(commands, sizeof commands / sizeof *commands, word, strlen(word));
}

const habit *habit_option_at(size_t i)
{
    return i < sizeof options / sizeof *options ? &options[i] : NULL;
}
