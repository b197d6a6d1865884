/* chat_turn.c - one turn of a chat: a question and its answer.
 *
 * Every turn renders the whole conversation and turns it into token ids. The sequence still holds the keys and values
 * of the last turn, so only what differs is computed:
 *
 *   held      <s> system ... user: Hi  assistant: Hello!
 *   rendered  <s> system ... user: Hi  assistant: Hello! <end> user: And now?  assistant:
 *             '------------ common: kept ------------'   '------- fed to the model -------'
 *
 * The reason for a difference of the ids does not matter: an answer whose text is tokenised differently than it was
 * generated, a changed system message or a dropped turn only makes the common part shorter. When the context is full, the
 * oldest turns are dropped, with a notice. */
#include "cli/chat/chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/chat/answer.h"
#include "cli/cli.h"
#include "cli/terminal/interrupt.h"

enum { ROOM_FOR_ANSWER = 256 }; /* tokens that a prompt leaves free, or a quarter of a small context */

/* The whole conversation as token ids, or with `alone` only the system message and the last question. */
static sumi_status render_some(const chat *c, bool alone, int32_t **ids, int32_t *n_ids, sumi_error *err)
{
    const sumi_message *all = c->talk.messages;
    if (!alone) return run_render(c->session, all, c->talk.n, ids, n_ids, err);
    sumi_message few[2] = { all[0], all[c->talk.n - 1] };
    bool system = conversation_has_system(&c->talk);
    return run_render(c->session, few + !system, 1 + system, ids, n_ids, err);
}

/* Renders the conversation, dropping the oldest turns until it leaves room for an answer. ELIMIT: the question alone
 * is too long; then nothing is dropped. */
static sumi_status render(chat *c, int32_t **ids, int32_t *n_ids, sumi_error *err)
{
    int32_t room = c->capacity / 4 < ROOM_FOR_ANSWER ? c->capacity / 4 : ROOM_FOR_ANSWER, n_dropped = 0;
    sumi_status st = render_some(c, true, ids, n_ids, err);
    if (st != SUMI_OK) return st;
    if (*n_ids > c->capacity - room)
        st = sumi_fail(err, SUMI_ELIMIT,
                       "the message has %d tokens and the context holds %d: shorten it, or raise --ctx or --kv-memory",
                       (int)*n_ids, (int)c->capacity);
    while (st == SUMI_OK) {
        sumi_free(*ids);
        st = render_some(c, false, ids, n_ids, err);
        if (st != SUMI_OK || *n_ids <= c->capacity - room || !conversation_drop_oldest(&c->talk)) break;
        n_dropped++;
    }
    if (n_dropped > 0)
        fprintf(stderr, "(the context is full: the oldest %s forgotten)\n",
                n_dropped == 1 ? "question is" : "questions are");
    return st;
}

static int32_t common_prefix(const int32_t *a, int32_t n_a, const int32_t *b, int32_t n_b)
{
    int32_t n = 0;
    while (n < n_a && n < n_b && a[n] == b[n]) n++;
    return n;
}

/* Records which of ids and of the answer's tokens the sequence holds. Copies them. */
static void remember_held(chat *c, const int32_t *ids, int32_t n_ids, const answer *a)
{
    int32_t n = sumi_seq_len(c->session->ctx, c->session->seq);
    int32_t *held = malloc(((size_t)n_ids + (size_t)a->n_ids + 1) * sizeof *held);
    free(c->held);
    c->held = held;
    c->n_held = 0;
    if (!held || n > n_ids + a->n_ids) n = 0; /* no memory: nothing is reused */
    sumi_seq_truncate(c->session->ctx, c->session->seq, n);
    for (; c->n_held < n; c->n_held++) held[c->n_held] = c->n_held < n_ids ? ids[c->n_held] : a->ids[c->n_held - n_ids];
}

static void add_to_totals(chat *c, const answer *a, int32_t n_reused)
{
    c->n_answers++;
    c->n_prompt += a->stats.n_prompt;
    c->n_generated += a->stats.n_generated;
    c->n_reused += n_reused;
    c->prefill_ms += a->stats.prefill_ms;
    c->decode_ms += a->stats.decode_ms;
}

/* Ends the line of the answer, says how it ended if that was not by itself, and adds it to the conversation. */
static sumi_status finish_answer(chat *c, const answer *a, sumi_error *err)
{
    fputc('\n', stdout);
    fflush(stdout);
    if (a->stats.finish == SUMI_FINISH_CANCELLED) fprintf(stderr, "(stopped)\n");
    const char *cut = answer_cut(a, &c->session->options->generate);
    if (cut) fprintf(stderr, "%s\n", cut);
    if (c->session->options->stats) answer_print_stats(a, stderr);
    if (a->text.n == 0 && a->stats.finish == SUMI_FINISH_CANCELLED)
        return sumi_fail(err, SUMI_ECANCELLED,
                         "stopped before the first token: the question is removed from the conversation");
    if (conversation_add(&c->talk, "assistant", a->text.n ? a->text.data : "", a->text.n)) return SUMI_OK;
    return sumi_fail(err, SUMI_ENOMEM, "out of memory for the answer");
}

void chat_answer(chat *c)
{
    session *s = c->session;
    sumi_error err;
    int32_t *ids = NULL, n_ids = 0;
    answer a;
    answer_init(&a, stdout);
    sumi_status st = render(c, &ids, &n_ids, &err);
    if (st == SUMI_OK) {
        int32_t n_common = common_prefix(c->held, c->n_held, ids, n_ids - 1); /* the last one gives the logits */
        sumi_seq_truncate(s->ctx, s->seq, n_common);
        interrupt_clear();
        st = answer_run(&a, s->ctx, s->seq, ids, n_ids, n_common, &s->options->generate, &err);
        remember_held(c, ids, n_ids, &a);
        if (st == SUMI_OK) {
            add_to_totals(c, &a, n_common);
            st = finish_answer(c, &a, &err);
        }
        interrupt_clear();
    }
    if (st != SUMI_OK) {
        conversation_cut(&c->talk, c->talk.n - 1); /* a question without an answer would confuse the next turn */
        cli_fail("%s", err.message);
    }
    sumi_free(ids);
    answer_deinit(&a);
}
