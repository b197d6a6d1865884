/* chat.c - a conversation on a terminal: reads questions and commands, and has each answered (chat_turn.c). */
#include "cli/chat/chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/printable.h"
#include "cli/cli.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/line_input.h"

static void loop(chat *c, line_input *in)
{
    buf message;
    bool warned = false;
    buf_init(&message, MAX_MESSAGE_BYTES);
    while (!c->quit) {
        line_result result = line_input_read(in, &message);
        if (result == LINE_END || (result == LINE_INTERRUPTED && warned)) break;
        warned = result == LINE_INTERRUPTED;
        if (warned) fprintf(stderr, "(Ctrl-C again, Ctrl-D or /exit ends the chat)\n");
        else if (message.status != SUMI_OK) {
            if (message.status == SUMI_ENOMEM) cli_fail("out of memory for the message");
            else cli_fail("a message may have %d bytes", MAX_MESSAGE_BYTES);
            buf_deinit(&message);
            buf_init(&message, MAX_MESSAGE_BYTES);
        } else if (message.n > 0 && message.data[0] == '/') chat_command(c, message.data);
        else if (message.n > 0) {
            if (conversation_add(&c->talk, "user", message.data, message.n)) chat_answer(c);
            else cli_fail("out of memory for the message");
        }
    }
    buf_deinit(&message);
}

static void print_greeting(const session *s)
{
    sumi_model_info info;
    char name[128];
    sumi_model_get_info(s->model, &info);
    printable_copy(name, sizeof name, info.name, strlen(info.name));
    fprintf(stderr, "%s on %s. /help lists commands, Ctrl-C stops an answer, Ctrl-D ends the chat.\n",
            name[0] ? name : s->options->model, info.isa);
}

int chat_run(session *s)
{
    chat c = { .session = s };
    sumi_context_info info;
    sumi_error err;
    line_input *in;
    sumi_context_get_info(s->ctx, &info);
    c.capacity = info.max_seq_tokens;
    if (s->options->system && !conversation_set_system(&c.talk, s->options->system)) return cli_fail("out of memory");
    if (line_input_create(&in, &err) != SUMI_OK) {
        conversation_deinit(&c.talk);
        return cli_fail_error(&err);
    }
    line_input_set_words(in, chat_command_name);
    interrupt_install();
    print_greeting(s);
    loop(&c, in);
    line_input_destroy(in);
    conversation_deinit(&c.talk);
    free(c.held);
    return EXIT_DONE;
}
