/* limits.c - see limits.h. */
#include "server/ops/limits.h"

#include <math.h>

void key_limits_init(key_limits *l)
{
    pthread_mutex_init(&l->lock, NULL);
    l->requests = l->counts = l->requests_per_min;
    l->tokens = l->tokens_per_min;
    l->filled_ms = 0;
    l->n_running = 0;
}

void key_limits_deinit(key_limits *l)
{
    pthread_mutex_destroy(&l->lock);
}

static void fill(key_limits *l, double now_ms)
{
    double minutes = l->filled_ms > 0 && now_ms > l->filled_ms ? (now_ms - l->filled_ms) / 60000 : 0;
    l->requests = fmin(l->requests + minutes * l->requests_per_min, l->requests_per_min);
    l->counts = fmin(l->counts + minutes * l->requests_per_min, l->requests_per_min);
    l->tokens = fmin(l->tokens + minutes * l->tokens_per_min, l->tokens_per_min);
    l->filled_ms = now_ms;
}

/* Seconds, rounded up, until a bucket that gains per_min in a minute has gained `missing`. */
static int seconds_for(double missing, int32_t per_min)
{
    double seconds = ceil(missing * 60 / per_min);
    return seconds < 1 ? 1 : seconds > 3600 ? 3600 : (int)seconds;
}

static bool refuse(api_error *e, const char *what, int32_t limit, int seconds)
{
    api_fail(e, 429, "rate_limit_exceeded", NULL, "this key is limited to %d %s: wait %d s", limit, what, seconds);
    e->retry_after = seconds;
    return false;
}

bool key_limits_enter(key_limits *l, double now_ms, api_error *e)
{
    bool in = false;
    pthread_mutex_lock(&l->lock);
    fill(l, now_ms);
    if (l->max_concurrent && l->n_running >= l->max_concurrent) refuse(e, "requests at once", l->max_concurrent, 1);
    else if (l->tokens_per_min && l->tokens <= 0)
        refuse(e, "tokens a minute", l->tokens_per_min, seconds_for(1 - l->tokens, l->tokens_per_min));
    else if (l->requests_per_min && l->requests < 1)
        refuse(e, "requests a minute", l->requests_per_min, seconds_for(1 - l->requests, l->requests_per_min));
    else in = true;
    if (in) {
        l->n_running++;
        l->requests--;
    }
    pthread_mutex_unlock(&l->lock);
    return in;
}

bool key_limits_charge(key_limits *l, double now_ms, key_charge charge, api_error *e)
{
    bool in = false;
    pthread_mutex_lock(&l->lock);
    fill(l, now_ms);
    if (l->max_concurrent && charge.n_more > l->max_concurrent - l->n_running)
        refuse(e, "answers at once", l->max_concurrent, 1);
    else if (l->requests_per_min && charge.n_more > l->requests)
        refuse(e, "requests a minute, and each answer counts as one request", l->requests_per_min,
               seconds_for(charge.n_more - l->requests, l->requests_per_min));
    else if (l->tokens_per_min && l->tokens <= 0) /* other requests were charged since this one arrived */
        refuse(e, "tokens a minute", l->tokens_per_min, seconds_for(1 - l->tokens, l->tokens_per_min));
    else in = true;
    if (in) {
        l->n_running += charge.n_more;
        l->requests -= charge.n_more;
        l->tokens -= (double)charge.n_tokens;
    }
    pthread_mutex_unlock(&l->lock);
    return in;
}

void key_limits_leave(key_limits *l, key_charge charge, int64_t n_tokens)
{
    pthread_mutex_lock(&l->lock);
    l->n_running -= 1 + charge.n_more;
    l->tokens += (double)(charge.n_tokens - n_tokens);
    pthread_mutex_unlock(&l->lock);
}

/* The contents of a bucket after its size has changed. */
static double resize(double has, int32_t from, int32_t to)
{
    return from ? fmin(has, to) : to;
}

void key_limits_change(key_limits *l, const key_limits *to)
{
    pthread_mutex_lock(&l->lock);
    l->requests = resize(l->requests, l->requests_per_min, to->requests_per_min);
    l->counts = resize(l->counts, l->requests_per_min, to->requests_per_min);
    l->tokens = resize(l->tokens, l->tokens_per_min, to->tokens_per_min);
    l->requests_per_min = to->requests_per_min;
    l->tokens_per_min = to->tokens_per_min;
    l->max_concurrent = to->max_concurrent;
    pthread_mutex_unlock(&l->lock);
}

bool key_limits_count(key_limits *l, double now_ms, api_error *e)
{
    pthread_mutex_lock(&l->lock);
    fill(l, now_ms);
    bool in = !l->requests_per_min || l->counts >= 1;
    if (in) l->counts--;
    else
        refuse(e, "requests a minute that count tokens", l->requests_per_min,
               seconds_for(1 - l->counts, l->requests_per_min));
    pthread_mutex_unlock(&l->lock);
    return in;
}
