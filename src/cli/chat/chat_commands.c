/* chat_commands.c - the commands of a chat: lines that start with '/'. */
#include "cli/chat/chat.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/options/settings.h"

static void help(chat *c, const char *arg);

static void clear(chat *c, const char *arg)
{
    (void)arg;
    conversation_cut(&c->talk, conversation_has_system(&c->talk));
    fprintf(stderr, "(a new conversation)\n");
}

static void set_system(chat *c, const char *arg)
{
    if (!conversation_set_system(&c->talk, arg)) cli_fail("out of memory");
    else fprintf(stderr, arg[0] ? "(the system message is set)\n" : "(no system message)\n");
}

static void set(chat *c, const char *arg)
{
    sumi_generate_opts *opts = &c->session->options->generate;
    sumi_error err;
    char name[64];
    int n = 0;
    if (arg[0] == '\0') {
        buf text;
        buf_init(&text, 4096);
        settings_print(opts, &text);
        fprintf(stderr, "%s\n", text.data ? text.data : "");
        buf_deinit(&text);
        return;
    }
    if (sscanf(arg, "%63s %n", name, &n) != 1 || arg[n] == '\0') cli_fail("/set NAME VALUE, such as /set temp 0.5");
    else if (settings_set(opts, name, arg + n, &err) != SUMI_OK) cli_fail("%s", err.message);
}

static void save(chat *c, const char *arg)
{
    sumi_error err;
    if (arg[0] == '\0') cli_fail("/save FILE");
    else if (conversation_save(&c->talk, arg, &err) != SUMI_OK) cli_fail("%s", err.message);
    else fprintf(stderr, "(%d messages saved in %s)\n", (int)c->talk.n, arg);
}

static void load(chat *c, const char *arg)
{
    sumi_error err;
    if (arg[0] == '\0') cli_fail("/load FILE");
    else if (conversation_load(&c->talk, arg, &err) != SUMI_OK) cli_fail("%s", err.message);
    else fprintf(stderr, "(%d messages loaded from %s)\n", (int)c->talk.n, arg);
}

static void regen(chat *c, const char *arg)
{
    conversation *talk = &c->talk;
    (void)arg;
    if (talk->n == 0 || strcmp(talk->messages[talk->n - 1].role, "assistant") != 0) {
        cli_fail("there is no answer yet");
        return;
    }
    conversation_cut(talk, talk->n - 1);
    c->session->options->generate.sampling.seed++; /* another seed, or it would be the same answer */
    chat_answer(c);
}

static void stats(chat *c, const char *arg)
{
    (void)arg;
    fprintf(stderr, "%d answer%s: %d prompt tokens computed in %.0f ms, %d reused, %d generated in %.0f ms",
            (int)c->n_answers, c->n_answers == 1 ? "" : "s", (int)c->n_prompt, c->prefill_ms, (int)c->n_reused,
            (int)c->n_generated, c->decode_ms);
    if (c->decode_ms > 0) fprintf(stderr, " (%.1f/s)", c->n_generated * 1000.0 / c->decode_ms);
    fprintf(stderr, "; %d of %d tokens of the context are in use\n",
            (int)sumi_seq_len(c->session->ctx, c->session->seq), (int)c->capacity);
}

static void leave(chat *c, const char *arg)
{
    (void)arg;
    c->quit = true;
}

static const struct chat_command {
    const char *name, *usage, *summary;
    void (*run)(chat *c, const char *arg);
} commands[] = {
    { "/help", "", "this list", help },
    { "/clear", "", "forget the conversation; the system message stays", clear },
    { "/system", "[TEXT]", "set the system message, or remove it", set_system },
    { "/set", "[NAME VALUE]", "change a setting (temp, top-k, max-tokens, seed, ...), or list them", set },
    { "/regen", "", "answer the last question again, with another seed", regen },
    { "/save", "FILE", "write the conversation as JSON messages", save },
    { "/load", "FILE", "read a conversation written by /save", load },
    { "/stats", "", "tokens and speed so far", stats },
    { "/exit", "", "end the chat, as Ctrl-D does", leave },
};

static void help(chat *c, const char *arg)
{
    (void)c;
    (void)arg;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(stderr, "  %-8s %-13s %s\n", commands[i].name, commands[i].usage, commands[i].summary);
    fprintf(
        stderr,
        "A line that ends in \\ continues on the next line; \"\"\" on a line of its own begins and ends a text of many lines.\n"
        "Pasted text may have many lines. Tab completes a command.\n");
}

const char *chat_command_name(size_t i)
{
    return i < sizeof commands / sizeof *commands ? commands[i].name : NULL;
}

void chat_command(chat *c, const char *line)
{
    size_t n = strcspn(line, " \n");
    const char *arg = line + n + strspn(line + n, " \n");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strlen(commands[i].name) == n && !strncmp(commands[i].name, line, n)) {
            commands[i].run(c, arg);
            return;
        }
    cli_fail("there is no command %.*s; /help lists them", (int)(n < 40 ? n : 40), line);
}
