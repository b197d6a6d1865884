/* json_read.c - see json_read.h.
 *
 * jansson's allocation functions belong to the whole process. So this file's functions wrap the previous ones, and outside
 * json_read() they only call them: memory from both is compatible. Inside json_read() the live blocks are recorded in a
 * hash set (open addressing, linear probing, at most half full), because jansson frees them in any order. */
#include "base/json_read.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"

enum { FIRST_SLOTS = 64 };

typedef struct reading {
    jmp_buf out;
    void **slots; /* [n_slots], NULL: free */
    size_t n_slots, n;
} reading;

static _Thread_local reading *current; /* of this thread; NULL: none */
static _Thread_local bool lost;        /* an allocation outside json_read() failed */
static json_malloc_t next_malloc;
static json_free_t next_free;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static size_t home(const reading *r, const void *block)
{
    return (size_t)(((uint64_t)(uintptr_t)block >> 4) * 0x9e3779b97f4a7c15u >> 32) & (r->n_slots - 1);
}

static void insert(reading *r, void *block)
{
    size_t i = home(r, block);
    while (r->slots[i]) i = (i + 1) & (r->n_slots - 1);
    r->slots[i] = block;
}

static bool grow(reading *r)
{
    reading more = { .n_slots = r->n_slots ? 2 * r->n_slots : FIRST_SLOTS };
    more.slots = calloc(more.n_slots, sizeof *more.slots);
    if (!more.slots) return false;
    for (size_t i = 0; i < r->n_slots; i++)
        if (r->slots[i]) insert(&more, r->slots[i]);
    free(r->slots);
    r->slots = more.slots;
    r->n_slots = more.n_slots;
    return true;
}

/* Removes a block. Blocks that it had displaced move back, so that no search meets a gap (Knuth, volume 3, algorithm
 * 6.4R). */
static void forget(reading *r, const void *block)
{
    size_t mask = r->n_slots - 1, i = home(r, block);
    while (r->slots[i] != block) i = (i + 1) & mask;
    for (size_t gap = i;;) {
        r->slots[gap] = NULL;
        do {
            i = (i + 1) & mask;
            if (!r->slots[i]) {
                r->n--;
                return;
            }
        } while (((i - home(r, r->slots[i])) & mask) < ((i - gap) & mask));
        r->slots[gap] = r->slots[i];
        gap = i;
    }
}

static void *noted_malloc(size_t n)
{
    reading *r = current;
    if (!r) {
        void *p = next_malloc(n);
        lost = lost || !p;
        return p;
    }
    void *block = 2 * (r->n + 1) <= r->n_slots || grow(r) ? next_malloc(n) : NULL;
    if (!block) longjmp(r->out, 1);
    insert(r, block);
    r->n++;
    return block;
}

static void noted_free(void *block)
{
    if (current && block) forget(current, block);
    next_free(block);
}

static void install(void)
{
    json_get_alloc_funcs(&next_malloc, &next_free);
    json_set_alloc_funcs(noted_malloc, noted_free);
}

static void free_all(reading *r)
{
    for (size_t i = 0; i < r->n_slots; i++)
        if (r->slots[i]) next_free(r->slots[i]);
}

sumi_status json_read_status(const json_error_t *why, sumi_status otherwise)
{
    return json_error_code(why) == json_error_out_of_memory ? SUMI_ENOMEM : otherwise;
}

sumi_status json_read_fail(sumi_error *err, const json_error_t *why, sumi_status otherwise, const char *what)
{
    sumi_status st = json_read_status(why, otherwise);
    if (st == SUMI_ENOMEM) return sumi_fail(err, st, "%s: out of memory", what);
    return sumi_fail(err, st, "%s: line %d, column %d: %s", what, why->line, why->column, why->text);
}

void json_read_failed(json_error_t *why)
{
    *why = (json_error_t){ .line = -1, .column = -1, .source = "<buffer>", .text = "out of memory" };
    why->text[JSON_ERROR_TEXT_LENGTH - 1] = json_error_out_of_memory; /* read by json_error_code() */
}

json_t *json_read(const char *text, size_t n, size_t flags, json_error_t *why)
{
    reading r = { 0 };
    json_error_t error; /* not *why, which may be NULL: longjmp() keeps only variables that were not changed since
                           setjmp() */
    json_t *volatile read = NULL;
    pthread_once(&once, install);
    current = &r;
    if (setjmp(r.out) == 0) {
        read = json_loadb(text, n, flags, &error);
        current = NULL;
    } else {
        current = NULL;
        free_all(&r);
        json_read_failed(&error);
    }
    free(r.slots);
    if (why) *why = error;
    return read;
}

/* ---- Integers of any length ---- */

/* Where the integer at text [n], which may be no integer, ends: *too_large if it does not fit into 64 bits. */
static size_t integer_end(const char *text, size_t n, bool *too_large)
{
    static const char most[] = "9223372036854775807";
    size_t begin = n > 0 && text[0] == '-', end = begin;
    while (end < n && text[end] >= '0' && text[end] <= '9') end++;
    size_t n_digits = end - begin;
    bool is_real = end < n && (text[end] == '.' || text[end] == 'e' || text[end] == 'E');
    *too_large = !is_real && (n_digits > sizeof most - 1 ||
                              (n_digits == sizeof most - 1 && memcmp(text + begin, most, n_digits) > 0));
    return end > begin ? end : begin + 1;
}

/* Appends the text to out, with an exponent after each integer of more than 64 bits. False: the text has no such number, and
 * out is empty. */
static bool widen_integers(const char *text, size_t n, buf *out)
{
    bool in_string = false, too_large;
    size_t copied = 0;
    for (size_t i = 0; i < n;) {
        char c = text[i];
        if (in_string && c == '\\') i += 2;
        else if (in_string || (c != '-' && (c < '0' || c > '9'))) in_string ^= text[i++] == '"';
        else {
            i += integer_end(text + i, n - i, &too_large);
            if (i < n && (text[i] == '.' || text[i] == 'e' || text[i] == 'E')) /* the rest of a real is no integer */
                while (i < n && strchr("+-.eE0123456789", text[i])) i++;
            if (!too_large) continue;
            buf_append(out, text + copied, i - copied);
            buf_append_str(out, "e0");
            copied = i;
        }
    }
    if (copied > 0) buf_append(out, text + copied, n - copied);
    return copied > 0;
}

json_t *json_read_wide(const char *text, size_t n, size_t flags, json_error_t *why)
{
    buf wide;
    json_t *v = NULL;
    buf_init(&wide, SIZE_MAX);
    bool is_wide = widen_integers(text, n, &wide);
    if (wide.status != SUMI_OK) json_read_failed(why);
    else v = json_read(is_wide ? wide.data : text, is_wide ? wide.n : n, flags, why);
    buf_deinit(&wide);
    return v;
}

void json_watch(void)
{
    pthread_once(&once, install);
    lost = false;
}

bool json_lost(void)
{
    return lost;
}

static int append(const char *text, size_t n, void *out)
{
    buf_append(out, text, n);
    return 0;
}

/* A buf remembers that an append failed. */
char *json_write(const json_t *v, size_t flags)
{
    buf out;
    buf_init(&out, SIZE_MAX);
    if (json_dump_callback(v, append, &out, flags) != 0) out.status = SUMI_ENOMEM;
    char *text = buf_take(&out, NULL);
    buf_deinit(&out);
    return text;
}

json_t *json_copy_whole(json_t *object)
{
    json_t *copy = json_copy(object);
    if (json_object_size(copy) == json_object_size(object)) return copy;
    json_decref(copy);
    return NULL;
}
