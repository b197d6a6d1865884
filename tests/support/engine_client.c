/* engine_client.c - see engine_client.h. */
#include "engine_client.h"

#include <string.h>

static void take_piece(client_answer *a, const sumi_event *e)
{
    client_choice *c = &a->choices[e->choice];
    assert_false(c->ended);
    for (int32_t i = 0; i < e->piece.n_choices; i++) {
        assert_true(c->n < CLIENT_MAX_TOKENS);
        c->logprobs[c->n] = e->piece.choices[i].logprob;
        c->ids[c->n++] = e->piece.choices[i].id;
    }
    assert_true(a->n_logprobs == 0 || e->piece.n_choices == 0 || e->piece.top);
    for (int32_t i = 0; i < a->n_logprobs * e->piece.n_choices; i++) {
        sumi_choice top = e->piece.top[i];
        uint32_t bits;
        memcpy(&bits, &top.logprob, sizeof bits);
        c->alternatives = (c->alternatives ^ (uint64_t)(uint32_t)top.id << 32 ^ bits) * 0x100000001b3u;
    }
    assert_true(c->n_text + e->piece.n_bytes < CLIENT_MAX_TEXT);
    if (e->piece.n_bytes) memcpy(c->text + c->n_text, e->piece.text, e->piece.n_bytes);
    c->n_text += e->piece.n_bytes;
    a->n_pieces++;
}

void client_take(client_answer *a, const sumi_event *e)
{
    assert_int_equal(a->n_ends, 0); /* nothing follows the end */
    switch (e->type) {
    case SUMI_EVENT_PROMPT:
        for (int32_t i = 0; i < e->piece.n_choices; i++) {
            a->prompt_logprobs[e->first + i] = e->piece.choices[i].logprob;
            a->prompt_ranks[e->first + i] = e->ranks[i];
        }
        a->n_prompt_logprobs += e->piece.n_choices;
        break;
    case SUMI_EVENT_PIECE: take_piece(a, e); break;
    case SUMI_EVENT_EMBEDDING:
        assert_int_equal(a->n_embd, 0);
        assert_in_range(e->n_embd, 1, CLIENT_MAX_EMBD);
        memcpy(a->embedding, e->embedding, (size_t)e->n_embd * sizeof *a->embedding);
        a->n_embd = e->n_embd;
        break;
    case SUMI_EVENT_CHOICE:
        assert_false(a->choices[e->choice].ended);
        a->choices[e->choice].ended = true;
        a->choices[e->choice].finish = e->finish;
        a->choices[e->choice].score = e->sum_logprob;
        if (e->stop) strncpy(a->choices[e->choice].stop, e->stop, 63);
        break;
    case SUMI_EVENT_END:
        a->n_ends++;
        a->finish = e->finish;
        a->limit = e->limit;
        a->error = e->error;
        a->usage = e->usage;
        break;
    }
}

static bool on_event(void *user, const sumi_event *e)
{
    client_answer *a = user;
    pthread_mutex_lock(&a->lock);
    client_take(a, e);
    bool go_on = a->stop_after == 0 || a->n_pieces < a->stop_after;
    a->over = a->n_ends > 0;
    pthread_cond_signal(&a->told);
    pthread_mutex_unlock(&a->lock);
    return go_on;
}

sumi_status client_try(sumi_engine *engine, sumi_request *r, client_answer *a, sumi_error *err)
{
    int32_t stop_after = a->stop_after;
    memset(a, 0, sizeof *a);
    a->stop_after = stop_after;
    a->n_logprobs = r->n_logprobs;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->told, NULL);
    r->on_event = on_event;
    r->user = a;
    sumi_status st = sumi_engine_submit(engine, r, &a->id, err);
    if (st != SUMI_OK) {
        pthread_mutex_destroy(&a->lock);
        pthread_cond_destroy(&a->told);
    }
    return st;
}

void client_submit(sumi_engine *engine, sumi_request *r, client_answer *a)
{
    sumi_error err = { 0 };
    if (client_try(engine, r, a, &err) != SUMI_OK) fail_msg("%s", err.message);
}

void client_wait(client_answer *a)
{
    pthread_mutex_lock(&a->lock);
    while (!a->over) pthread_cond_wait(&a->told, &a->lock);
    pthread_mutex_unlock(&a->lock);
    pthread_mutex_destroy(&a->lock);
    pthread_cond_destroy(&a->told);
}

bool client_wait_at_gate(void *mutex, const sumi_event *event)
{
    (void)event;
    pthread_mutex_lock(mutex);
    pthread_mutex_unlock(mutex);
    return true;
}

void client_assert_equal(const client_answer *a, const client_answer *b, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        const client_choice *x = &a->choices[i], *y = &b->choices[i];
        assert_int_equal(x->n, y->n);
        assert_memory_equal(x->ids, y->ids, (size_t)x->n * sizeof *x->ids);
        assert_memory_equal(x->logprobs, y->logprobs, (size_t)x->n * sizeof *x->logprobs);
        assert_true(x->alternatives == y->alternatives);
        assert_int_equal(x->n_text, y->n_text);
        assert_memory_equal(x->text, y->text, x->n_text);
        assert_int_equal(x->finish, y->finish);
    }
}
