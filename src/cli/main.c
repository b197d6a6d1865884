/* main.c - the program: finds the sub-command and runs it. */
#include "cli/cli.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/json_read.h"
#include "base/nearest.h"
#include "cli/options/habits.h"
#include "cli/options/help.h"

typedef struct command {
    const char *name, *usage, *summary;
    int (*run)(int argc, char **argv); /* NULL: a second line about the command above */
} command;

static const command commands[] = {
    { "run", "MODEL [PROMPT]", "answer a prompt, or chat on a terminal", cmd_run },
    { "serve", "MODEL [--port N]", "answer over HTTP: the APIs of OpenAI, Anthropic, Ollama", cmd_serve },
    { "ps", "", "show the state of a running server", cmd_ps },
    { "pull", "hf:OWNER/NAME[:TAG]", "fetch a model, from Hugging Face, Ollama or a URL", cmd_pull },
    { "list", "", "show the models on this machine", cmd_list },
    { "rm", "NAME...", "remove models that were pulled", cmd_rm },
    { "info", "MODEL", "show the contents of a model file", cmd_info },
    { "tokenize", "MODEL", "text on stdin to token ids", cmd_tokenize },
    { "detokenize", "MODEL", "token ids on stdin to text", cmd_detokenize },
    { "template", "MODEL --messages FILE", "render the chat template", cmd_template },
    { "logits", "MODEL --ids IDS --out F", "write the logits of a sequence", cmd_logits },
    { "convert", "MODEL OUT [--type T]", "write a model as a GGUF file, in another type", cmd_convert },
    { "embed", "MODEL [FILE]", "an embedding vector for each line of text", cmd_embed },
    { "eval", "perplexity MODEL -f F", "measure how well a model predicts a text", cmd_eval },
    { "bench", "MODEL", "measure prompt and decode speed; or --hardware", cmd_bench },
    { "bench", "serve MODEL", "measure an engine under many requests", NULL },
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static int print_help(void)
{
    printf("sumi %s - an LLM engine in C\n\nUsage: sumi COMMAND [ARGUMENT...]\n\nCommands:\n", sumi_version());
    for (int i = 0; i < N_COMMANDS; i++) {
        int at = printf("  %-10s %-23s ", commands[i].name, commands[i].usage);
        help_wrap(commands[i].summary, at, at);
    }
    putchar('\n');
    help_wrap(
        "MODEL is a GGUF file, a Hugging Face folder, or the name of a model as 'sumi list' shows it: 'smollm2' is "
        "smollm2.gguf in $SUMI_MODELS, ./models or ~/.cache/sumi; 'hf:OWNER/NAME' was pulled from Hugging Face.",
        0, 0);
    puts("\nExamples:\n"
         "  sumi run smollm2 \"Why is the sky blue?\"       one answer\n"
         "  sumi run smollm2                              a chat; Ctrl-D ends the chat\n"
         "  sumi info smollm2                             what is in the file\n"
         "  sumi pull hf:bartowski/SmolLM2-135M-Instruct-GGUF\n");
    help_wrap("'sumi help COMMAND' or 'sumi COMMAND --help' explains a command; 'sumi --version' prints the version.",
              0, 0);
    help_wrap("Exit codes: 0 done, 1 failed (one line on stderr says why), 2 wrong usage.", 0, 0);
    return EXIT_DONE;
}

static int print_version(void)
{
    printf("sumi %s\n", sumi_version());
    return EXIT_DONE;
}

static const command *find_command(const char *name)
{
    for (int i = 0; i < N_COMMANDS; i++)
        if (!strcmp(name, commands[i].name)) return &commands[i];
    return NULL;
}

static int tell_unknown(const char *name)
{
    const habit *h = habit_command(name);
    nearest near = { .to = name };
    for (int i = 0; i < N_COMMANDS; i++) nearest_try(&near, commands[i].name);
    if (h) fprintf(stderr, "sumi: there is no command '%s': %s\n", name, h->why);
    else if (near.best)
        fprintf(stderr, "sumi: unknown command '%s'; did you mean '%s'? 'sumi --help' lists them\n", name, near.best);
    else fprintf(stderr, "sumi: unknown command '%s'; 'sumi --help' lists them\n", name);
    return EXIT_USAGE;
}

static bool is_any(const char *word, const char *const *words)
{
    while (*words && strcmp(word, *words) != 0) words++;
    return *words != NULL;
}

/* argv[0] is the command. A word of another program that means the same is replaced by ours. */
static int run_command(int argc, char **argv)
{
    const habit *h = habit_command(argv[0]);
    const command *c = find_command(h && h->ours ? h->ours : argv[0]);
    if (!c) return tell_unknown(argv[0]);
    argv[0] = (char *)(uintptr_t)c->name;
    return c->run(argc, argv);
}

static bool asks_for_help(const char *word)
{
    static const char *const help[] = { "help", "--help", "-h", NULL };
    return is_any(word, help);
}

/* `help COMMAND` is `COMMAND --help`, also for `help bench serve`; `help help` is what `help` is. */
static int help_about(int argc, char **argv)
{
    static char option[] = "--help";
    if (argc == 1 && asks_for_help(argv[0])) return print_help();
    char *words[4] = { argv[0], argc > 1 ? argv[1] : option, argc > 1 ? option : NULL, NULL };
    if (argc > 2) {
        fprintf(stderr, "sumi help: '%s' is one argument too many; see 'sumi --help'\n", argv[2]);
        return EXIT_USAGE;
    }
    return run_command(argc + 1, words);
}

int main(int argc, char **argv)
{
    static const char *const version[] = { "version", "--version", "-V", "-v", NULL };
    int code;
    json_watch();
    setlocale(LC_CTYPE, ""); /* line editing needs the character set; numbers stay as in C */
    if (argc < 2) {
        fprintf(stderr, "sumi: which command? 'sumi --help' lists them\n");
        return EXIT_USAGE;
    }
    if (asks_for_help(argv[1])) code = argc > 2 ? help_about(argc - 2, argv + 2) : print_help();
    else if (is_any(argv[1], version)) code = print_version();
    else code = run_command(argc - 1, argv + 1);
    return cli_flush(code);
}
