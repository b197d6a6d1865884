/* truncate.c - see truncate.h.
 *
 * The order of a rule is one integer for each candidate: the bits of a float, changed so that integers compare like
 * floats, above the id; so no two are equal. The last kept candidate is found byte by byte from the top (a radix select):
 * a histogram of the mass by the next byte of the key shows in which of 256 parts it is, and only this part is processed
 * again. There are at most eight passes for any values, so no input can make it slow. */
#include "sample/truncate.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

static size_t bytes_for(int32_t cap)
{
    return (size_t)cap * (sizeof(uint64_t) + sizeof(int32_t) + 2 * sizeof(float));
}

sumi_status candidates_init(candidates *c, int32_t cap)
{
    *c = (candidates){ .cap = cap };
    if (!(c->memory = mem_map(bytes_for(cap)))) return SUMI_ENOMEM;
    c->keys = c->memory;
    c->ids = (int32_t *)(c->keys + cap);
    c->x = (float *)(c->ids + cap);
    c->w = c->x + cap;
    return SUMI_OK;
}

void candidates_deinit(candidates *c)
{
    mem_unmap(c->memory, bytes_for(c->cap));
    *c = (candidates){ 0 };
}

void candidates_collect(candidates *c, const row *r, float bound, int32_t last_tie)
{
    float copy[ROW_BLOCK], below = nextafterf(bound, -INFINITY); /* x >= bound is x > below */
    int32_t at[ROW_BLOCK], n;
    c->n = 0;
    for (int32_t b = 0; b < row_n_blocks(r->n); b++) {
        if (!(r->maxima[b] > below)) continue;
        const float *x = row_block(r, b, &n, copy);
        int32_t n_above = r->k->above(at, x, n, below);
        for (int32_t i = 0; i < n_above && c->n < c->cap; i++) {
            int32_t id = b * ROW_BLOCK + at[i];
            if (x[at[i]] == bound && id > last_tie) continue;
            c->ids[c->n] = id;
            c->x[c->n++] = x[at[i]];
        }
    }
}

double candidates_mass(const candidates *c)
{
    double sum[4] = { 0 }; /* four sums, because each addition to one sum would wait for the last */
    int32_t i = 0;
    for (; i + 4 <= c->n; i += 4)
        for (int l = 0; l < 4; l++) sum[l] += (double)c->w[i + l];
    for (; i < c->n; i++) sum[0] += (double)c->w[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* A key that rises with x, then with id. Negative floats have all bits inverted, positive ones the sign bit. */
static uint64_t rising_key(float x, int32_t id)
{
    uint32_t bits;
    x += 0.0f; /* -0 becomes +0 */
    memcpy(&bits, &x, sizeof bits);
    bits ^= bits >> 31 ? 0xffffffffu : 0x80000000u;
    return (uint64_t)bits << 32 | (uint32_t)id;
}

typedef struct part { /* the candidates with one value of the present byte */
    double mass;
    int32_t n;
    uint64_t key; /* of one of them */
} part;

/* The smallest key such that the candidates up to it have the mass target; UINT64_MAX if all together have less. w NULL:
 * each candidate counts 1. */
static uint64_t find_end(const candidates *c, const float *w, double target)
{
    uint64_t prefix = 0, mask = 0;
    double before = 0; /* mass of the candidates before this part */
    for (int shift = 56; shift >= 0; shift -= 8) {
        part parts[256] = { 0 };
        for (int32_t i = 0; i < c->n; i++) {
            if ((c->keys[i] & mask) != prefix) continue;
            part *p = &parts[c->keys[i] >> shift & 255];
            p->mass += w ? (double)w[i] : 1.0;
            p->n++;
            p->key = c->keys[i];
        }
        int end = -1;
        for (int b = 0; b < 256; b++) {
            if (parts[b].n == 0) continue;
            if (end >= 0) before += parts[end].mass;
            end = b;
            if (before + parts[b].mass >= target) break;
        }
        if (shift == 56 && (end < 0 || before + parts[end].mass < target)) return UINT64_MAX;
        if (parts[end].n == 1) return parts[end].key;
        prefix |= (uint64_t)end << shift;
        mask |= (uint64_t)255 << shift;
    }
    return prefix;
}

/* Moves candidate `from` to place `to` <= from. */
static void move(candidates *c, int32_t to, int32_t from)
{
    c->ids[to] = c->ids[from];
    c->x[to] = c->x[from];
    c->w[to] = c->w[from];
}

static void keep_up_to(candidates *c, uint64_t end)
{
    int32_t n = 0;
    for (int32_t i = 0; i < c->n; i++)
        if (c->keys[i] <= end) move(c, n++, i);
    c->n = n;
}

static void order_by_probability(candidates *c)
{
    for (int32_t i = 0; i < c->n; i++) c->keys[i] = rising_key(-c->x[i], c->ids[i]);
}

void truncate_top_k(candidates *c, int32_t k)
{
    if (k >= c->n) return;
    order_by_probability(c);
    keep_up_to(c, find_end(c, NULL, k));
}

void truncate_top_p(candidates *c, double p, double total)
{
    order_by_probability(c);
    keep_up_to(c, find_end(c, c->w, p * total));
}

void truncate_typical(candidates *c, double p)
{
    double mass = candidates_mass(c), log_mass = log(mass), entropy = 0;
    for (int32_t i = 0; i < c->n; i++)
        if (c->w[i] > 0) entropy += c->w[i] / mass * (log_mass - c->x[i]); /* 0 log 0 = 0 */
    for (int32_t i = 0; i < c->n; i++) c->keys[i] = rising_key((float)fabs(log_mass - c->x[i] - entropy), c->ids[i]);
    keep_up_to(c, find_end(c, c->w, p * mass));
}

void truncate_min_p(candidates *c, float p)
{
    float best = 0;
    int32_t n = 0;
    for (int32_t i = 0; i < c->n; i++)
        if (c->w[i] > best) best = c->w[i];
    for (int32_t i = 0; i < c->n; i++)
        if (c->w[i] >= p * best) move(c, n++, i);
    c->n = n;
}
