/* stop.c - see stop.h.
 *
 * The held-back bytes need no memory of their own: they are the first `held` bytes of the string whose automaton is
 * furthest, `leader`. Invariant: the stream is out + strings[leader].text[0 .. held). */
#include "sample/stop.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/printable.h"

typedef struct pattern {
    char *text;
    int32_t n;
    int32_t *border; /* [n] length of the longest proper prefix of text[0..i] that is also its suffix */
    int32_t state;   /* length of the longest prefix of text that the stream ends with, < n */
} pattern;

struct stop_matcher {
    pattern *patterns;
    int32_t n;
    int32_t leader, held;
    int32_t found; /* -1: none yet */
};

/* Text that is given out must be whole characters. A cut before a stop string keeps characters whole only if the stop
 * string is valid UTF-8. */
static bool is_utf8(const char *text, size_t n)
{
    uint32_t code = 0;
    for (size_t i = 0; i < n && code != UINT32_MAX;) i += printable_utf8(text + i, n - i, &code);
    return code != UINT32_MAX;
}

static int32_t step(const pattern *p, int32_t state, char c)
{
    while (state > 0 && p->text[state] != c) state = p->border[state - 1];
    return p->text[state] == c ? state + 1 : 0;
}

static sumi_status pattern_init(pattern *p, const char *text, int32_t number, sumi_error *err)
{
    size_t n = text ? strnlen(text, STOP_MAX_BYTES + 1) : 0;
    if (n == 0) return sumi_fail(err, SUMI_EINVAL, "stop string %d is empty", (int)number);
    if (n > STOP_MAX_BYTES)
        return sumi_fail(err, SUMI_EINVAL, "stop string %d is longer than %d bytes", (int)number, STOP_MAX_BYTES);
    if (!is_utf8(text, n)) return sumi_fail(err, SUMI_EINVAL, "stop string %d is not valid UTF-8", (int)number);
    p->n = (int32_t)n;
    p->text = strdup(text);
    p->border = calloc(n, sizeof *p->border);
    if (!p->text || !p->border) return sumi_fail(err, SUMI_ENOMEM, "stop string %d: out of memory", (int)number);
    for (int32_t i = 1; i < p->n; i++) p->border[i] = step(p, p->border[i - 1], p->text[i]);
    return SUMI_OK;
}

sumi_status stop_create(stop_matcher **out, const char *const *strings, int32_t n, sumi_error *err)
{
    *out = NULL;
    if (n < 0 || n > STOP_MAX_STRINGS)
        return sumi_fail(err, SUMI_EINVAL, "%d stop strings; at most %d are possible", (int)n, STOP_MAX_STRINGS);
    stop_matcher *m = calloc(1, sizeof *m);
    if (!m || (n > 0 && !(m->patterns = calloc((size_t)n, sizeof *m->patterns)))) {
        stop_destroy(m);
        return sumi_fail(err, SUMI_ENOMEM, "stop strings: out of memory");
    }
    m->n = n;
    m->found = -1;
    for (int32_t i = 0; i < n; i++) {
        sumi_status st = pattern_init(&m->patterns[i], strings[i], i + 1, err);
        if (st == SUMI_OK) continue;
        stop_destroy(m);
        return st;
    }
    *out = m;
    return SUMI_OK;
}

void stop_destroy(stop_matcher *m)
{
    if (!m) return;
    for (int32_t i = 0; i < m->n; i++) {
        free(m->patterns[i].text);
        free(m->patterns[i].border);
    }
    free(m->patterns);
    free(m);
}

/* Takes one byte into every automaton. Returns the length of the longest string that is complete now, or 0; it is
 * m->found then. */
static int32_t advance(stop_matcher *m, char c, int32_t *leader, int32_t *held)
{
    int32_t complete = 0;
    *leader = 0;
    *held = 0;
    for (int32_t i = 0; i < m->n; i++) {
        pattern *p = &m->patterns[i];
        p->state = step(p, p->state, c);
        if (p->state == p->n && p->n > complete) {
            complete = p->n;
            m->found = i;
        }
        if (p->state > *held) {
            *held = p->state;
            *leader = i;
        }
    }
    return complete;
}

bool stop_push(stop_matcher *m, const char *bytes, size_t n, buf *out)
{
    if (m->found >= 0) return true;
    if (m->n == 0) {
        buf_append(out, bytes, n);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        int32_t leader, held, complete = advance(m, bytes[i], &leader, &held);
        int32_t kept = complete > 0 ? complete : held; /* bytes at the end of the stream that are held back */
        int32_t release = m->held + 1 - kept;          /* how many of held + this byte are certain */
        if (release > 0) {
            int32_t from_held = release < m->held ? release : m->held;
            buf_append(out, m->patterns[m->leader].text, (size_t)from_held);
            if (release > m->held) buf_append_char(out, bytes[i]);
        }
        m->leader = leader;
        m->held = held;
        if (complete > 0) return true;
    }
    return false;
}

int32_t stop_found(const stop_matcher *m)
{
    return m->found;
}

void stop_flush(stop_matcher *m, buf *out)
{
    if (m->found < 0 && m->held > 0) buf_append(out, m->patterns[m->leader].text, (size_t)m->held);
    m->held = 0;
    for (int32_t i = 0; i < m->n; i++) m->patterns[i].state = 0;
}
