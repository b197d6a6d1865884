/* main.c - the program: finds the sub-command and runs it. */
#include "cli/cli.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static const struct command {
    const char *name, *usage, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "run", "MODEL [-p TEXT]", "answer a prompt, or chat on a terminal", cmd_run },
    { "serve", "MODEL [--port N]", "answer over HTTP, with the APIs of OpenAI, Anthropic and Ollama",
      cmd_serve },
    { "pull", "hf:OWNER/NAME[:TAG]", "fetch a model, from Hugging Face, Ollama or a URL", cmd_pull },
    { "list", "", "show the models that are here", cmd_list },
    { "rm", "NAME...", "remove models that were pulled", cmd_rm },
    { "info", "MODEL", "show what is in a model file", cmd_info },
    { "tokenize", "MODEL", "text on stdin to token ids", cmd_tokenize },
    { "detokenize", "MODEL", "token ids on stdin to text", cmd_detokenize },
    { "template", "MODEL --messages FILE", "render the chat template", cmd_template },
    { "logits", "MODEL --ids \"1 2\" --out F.npy", "write the logits of a sequence", cmd_logits },
    { "convert", "MODEL OUT.gguf [--type T]", "write a model as a GGUF file, in another type", cmd_convert },
    { "embed", "MODEL [FILE]", "a vector for each line of text", cmd_embed },
    { "eval", "perplexity MODEL -f FILE", "measure how well a model predicts a text", cmd_eval },
    { "bench", "MODEL", "measure prompt and decode speed; or --hardware", cmd_bench },
};

static void print_help(FILE *out)
{
    fprintf(out, "sumi %s - an LLM engine in C\n\nUsage: sumi COMMAND [ARGUMENT...]\n\nCommands:\n",
            sumi_version());
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-10s %-32s %s\n", commands[i].name, commands[i].usage, commands[i].summary);
    fprintf(
        out,
        "\nMODEL is a GGUF file, a Hugging Face folder, or the name of a model as 'sumi list' shows it:\n"
        "'smollm2' is smollm2.gguf in $SUMI_MODELS, ./models or ~/.cache/sumi; 'hf:OWNER/NAME' was pulled from there.\n"
        "\nExamples:\n"
        "  sumi run smollm2 -p \"Why is the sky blue?\"    one answer\n"
        "  sumi run smollm2                              a chat; /help lists its commands, Ctrl-D leaves it\n"
        "  sumi info smollm2                             what is in the file\n"
        "  sumi pull hf:bartowski/SmolLM2-135M-Instruct-GGUF     its usual quantisation, Q4_K_M\n"
        "\n'sumi COMMAND --help' explains a command; 'sumi --version' prints the version.\n"
        "Exit codes: 0 done, 1 failed (one line on stderr says why), 2 wrong usage.\n");
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, ""); /* line editing must know what a character is; numbers stay as in C */
    if (argc < 2) {
        fprintf(stderr, "sumi: which command? 'sumi --help' lists them\n");
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
        printf("sumi %s\n", sumi_version());
        return EXIT_DONE;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (!strcmp(argv[1], commands[i].name)) return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "sumi: unknown command '%s'; 'sumi --help' lists them\n", argv[1]);
    return EXIT_USAGE;
}
