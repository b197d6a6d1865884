/* own_text.c - see own_text.h.
 *
 *   state   len     the longest of its parts of the text; the shorter ones are suffixes of it, down to len of link + 1
 *           link    the state of the longest suffix that occurs elsewhere, too (suffix link)
 *           end     where the part ended last: the index of its last token
 *           token, next    its first transition; most states have no other
 *           edges   the others, a list
 *
 * The other transitions are in a hash table with open addressing, for look-ups, and are linked for each state, because a state
 * that is split passes all its transitions on.
 *
 * `end` is brought up to date for the first CLIMB states on the way from the whole text to shorter and shorter suffixes. A
 * state beyond them has an older place: its guess is as long, only not the newest. */
#include "spec/own_text.h"

#include <stdlib.h>

#include "base/keyed_hash.h"

#define CLIMB 32
#define NONE  (-1)

typedef struct state {
    int32_t len, link, end;
    int32_t token, next; /* next NONE: no transition */
    int32_t edges;       /* of own_text; NONE: no further ones */
} state;

typedef struct edge {
    int32_t from, token, next, sibling;
} edge;

struct own_text {
    int32_t *ids;     /* [n] of [cap] */
    state *states;    /* [n_states] of [cap_states]; 0 is the empty text */
    edge *edges;      /* [n_edges] of [cap_edges] */
    int32_t *buckets; /* [n_buckets], a power of 2, at least 1.5 for each edge; NONE: empty */
    int32_t n, cap, n_states, cap_states, n_edges, cap_edges, n_buckets;
    hash_key key;                 /* so that no client can write a text whose transitions collide */
    int32_t last;                 /* the state of the whole text */
    int32_t match_len, match_end; /* of the longest end that occurred before: its length, and where it ended last */
    bool failed;
};

/* Room for n elements of `bytes` bytes, and a fourth more than that. */
static bool grow(void **p, int32_t *cap, int64_t n, size_t bytes)
{
    if (n <= *cap) return true;
    int64_t more = n + n / 4 + 16;
    if (more > INT32_MAX / 4) return false;
    void *memory = realloc(*p, (size_t)more * bytes);
    if (!memory) return false;
    *p = memory;
    *cap = (int32_t)more;
    return true;
}

/* ---- Transitions ---- */

static uint32_t slot_of(const own_text *t, int32_t from, int32_t token)
{
    uint64_t h = hash_u64(t->key, (uint64_t)(uint32_t)from << 32 | (uint32_t)token);
    return (uint32_t)h & (uint32_t)(t->n_buckets - 1);
}

/* The bucket of a transition that is not the first of its state, or the empty bucket where it belongs. */
static int32_t *find(const own_text *t, int32_t from, int32_t token)
{
    uint32_t i = slot_of(t, from, token);
    for (; t->buckets[i] != NONE; i = (i + 1) & (uint32_t)(t->n_buckets - 1)) {
        const edge *e = &t->edges[t->buckets[i]];
        if (e->from == from && e->token == token) break;
    }
    return &t->buckets[i];
}

/* Where the transition leads is stored here; NULL: there is none. */
static int32_t *transition(own_text *t, int32_t from, int32_t token)
{
    state *s = &t->states[from];
    if (s->next == NONE) return NULL;
    if (s->token == token) return &s->next;
    if (s->edges == NONE) return NULL;
    int32_t e = *find(t, from, token);
    return e == NONE ? NULL : &t->edges[e].next;
}

/* Room was reserved. */
static void add_transition(own_text *t, int32_t from, int32_t token, int32_t to)
{
    state *s = &t->states[from];
    if (s->next == NONE) {
        s->token = token;
        s->next = to;
        return;
    }
    t->edges[t->n_edges] = (edge){ from, token, to, s->edges };
    *find(t, from, token) = t->n_edges;
    s->edges = t->n_edges++;
}

static bool rehash(own_text *t, int32_t n_buckets)
{
    int32_t *buckets = malloc((size_t)n_buckets * sizeof *buckets);
    if (!buckets) return false;
    for (int32_t i = 0; i < n_buckets; i++) buckets[i] = NONE;
    free(t->buckets);
    t->buckets = buckets;
    t->n_buckets = n_buckets;
    for (int32_t e = 0; e < t->n_edges; e++) *find(t, t->edges[e].from, t->edges[e].token) = e;
    return true;
}

/* Room for n more edges. */
static bool reserve_edges(own_text *t, int32_t n)
{
    if (!grow((void **)&t->edges, &t->cap_edges, (int64_t)t->n_edges + n, sizeof *t->edges)) return false;
    int32_t n_buckets = t->n_buckets;
    while (n_buckets < (t->n_edges + n) / 2 * 3 + 1) n_buckets *= 2;
    return n_buckets == t->n_buckets || rehash(t, n_buckets);
}

static int32_t n_transitions(const own_text *t, int32_t from)
{
    int32_t n = 0;
    for (int32_t e = t->states[from].edges; e != NONE; e = t->edges[e].sibling) n++;
    return n;
}

/* ---- The automaton ---- */

own_text *own_text_create(void)
{
    own_text *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->key = hash_key_draw();
    if (!grow((void **)&t->states, &t->cap_states, 1, sizeof *t->states) || !rehash(t, 16)) {
        own_text_destroy(t);
        return NULL;
    }
    t->states[t->n_states++] = (state){ .link = NONE, .end = NONE, .next = NONE, .edges = NONE };
    return t;
}

void own_text_destroy(own_text *t)
{
    if (!t) return;
    free(t->ids);
    free(t->states);
    free(t->edges);
    free(t->buckets);
    free(t);
}

/* Room for a token, its states and its transitions: each state on the way up gets one, until one has it already. Where that one
 * leads may be split, and then all its transitions are copied: as none is ever removed, and a text of n tokens has at most 3 n,
 * this takes constant time on average. */
static bool reserve(own_text *t, int32_t id)
{
    if (!grow((void **)&t->ids, &t->cap, (int64_t)t->n + 1, sizeof *t->ids) ||
        !grow((void **)&t->states, &t->cap_states, (int64_t)t->n_states + 2, sizeof *t->states))
        return false;
    int32_t n = 0, p = t->last;
    const int32_t *to = NULL;
    for (; p != NONE && !(to = transition(t, p, id)); p = t->states[p].link) n++;
    bool splits = to && t->states[*to].len != t->states[p].len + 1;
    return reserve_edges(t, n + (splits ? n_transitions(t, *to) : 0));
}

/* Splits state q: its parts of up to len tokens get a state of their own, which p's transition by id and those of p's
 * suffixes lead to. */
static int32_t split(own_text *t, int32_t p, int32_t id, int32_t q)
{
    int32_t clone = t->n_states++;
    t->states[clone] = (state){ .len = t->states[p].len + 1,
                                .link = t->states[q].link,
                                .end = t->states[q].end,
                                .token = t->states[q].token,
                                .next = t->states[q].next,
                                .edges = NONE };
    for (int32_t e = t->states[q].edges; e != NONE; e = t->edges[e].sibling)
        add_transition(t, clone, t->edges[e].token, t->edges[e].next);
    t->states[q].link = clone;
    for (int32_t *to; p != NONE && (to = transition(t, p, id)) && *to == q; p = t->states[p].link) *to = clone;
    return clone;
}

bool own_text_add(own_text *t, int32_t id)
{
    if (t->failed || !reserve(t, id)) {
        t->failed = true;
        return false;
    }
    int32_t at = t->n++, added = t->n_states++, p = t->last, *to = NULL;
    t->ids[at] = id;
    t->states[added] = (state){ .len = t->n, .end = at, .next = NONE, .edges = NONE };
    for (; p != NONE && !(to = transition(t, p, id)); p = t->states[p].link) add_transition(t, p, id, added);
    int32_t link = 0;
    if (p != NONE) link = t->states[*to].len == t->states[p].len + 1 ? *to : split(t, p, id, *to);
    t->states[added].link = link;
    t->last = added;
    t->match_len = t->states[link].len;
    t->match_end = t->states[link].end;
    for (int32_t i = 0, s = link; i < CLIMB && s > 0; i++, s = t->states[s].link) t->states[s].end = at;
    return true;
}

int32_t own_text_len(const own_text *t)
{
    return t->n;
}

int32_t own_text_match(const own_text *t)
{
    return t->match_len;
}

int32_t own_text_guess(const own_text *t, int32_t *ids, int32_t max)
{
    if (t->match_len == 0) return 0;
    for (int32_t i = 0; i < max; i++) {
        int32_t at = t->match_end + 1 + i;
        ids[i] = at < t->n ? t->ids[at] : ids[at - t->n];
    }
    return max;
}

size_t own_text_bytes(const own_text *t)
{
    return sizeof *t + (size_t)t->cap * sizeof *t->ids + (size_t)t->cap_states * sizeof *t->states +
           (size_t)t->cap_edges * sizeof *t->edges + (size_t)t->n_buckets * sizeof *t->buckets;
}
