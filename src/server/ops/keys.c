/* keys.c - see keys.h. */
#include "server/ops/keys.h"

#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hex.h"

struct keys {
    _Atomic int32_t refs;
    int32_t n;
    api_key *list; /* [n] */
};

_Static_assert(KEY_HASH_BYTES == SHA256_DIGEST_SIZE, "a key is known by its SHA-256");

static bool read_hash(const char *text, uint8_t *hash)
{
    if (strlen(text) != 2 * KEY_HASH_BYTES) return false;
    for (size_t i = 0; i < KEY_HASH_BYTES; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        hash[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Names appear in logs and as the engine's clients: plain ones only. */
static bool is_name(const char *text)
{
    size_t n = strlen(text);
    return n > 0 && n <= KEY_MAX_NAME &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-") == n;
}

sumi_status key_name_check(const char *name, sumi_error *err)
{
    if (is_name(name)) return SUMI_OK;
    return sumi_fail(err, SUMI_EINVAL, "a key's name has 1 to %d letters, digits and . _ @ -", KEY_MAX_NAME);
}

static void hash_key(const char *key, uint8_t hash[KEY_HASH_BYTES])
{
    struct sha256_ctx ctx;
    sha256_init(&ctx);
    sha256_update(&ctx, strlen(key), (const uint8_t *)key);
    sha256_digest(&ctx, KEY_HASH_BYTES, hash);
}

void key_write_line(const char *name, const char *key, char line[KEY_MAX_LINE])
{
    uint8_t hash[KEY_HASH_BYTES];
    hash_key(key, hash);
    char *at = line + sprintf(line, "%s ", name);
    for (int i = 0; i < KEY_HASH_BYTES; i++) at += sprintf(at, "%02x", hash[i]);
}

static bool read_scope(const char *text, api_key *k)
{
    k->status_only = !strcmp(text, "status");
    k->api_only = !strcmp(text, "api");
    return k->status_only || k->api_only || !strcmp(text, "all");
}

static bool read_setting(const char *text, api_key *k, key_limits *limits)
{
    if (!strncmp(text, "scope=", 6)) return read_scope(text + 6, k);
    const struct {
        const char *name;
        int32_t *out;
        long low, high;
    } settings[] = {
        { "rpm=", &limits->requests_per_min, 1, 1000000 },
        { "tpm=", &limits->tokens_per_min, 1, INT32_MAX },
        { "concurrent=", &limits->max_concurrent, 1, 65536 },
        { "share=", &k->share, 1, 1000 },
        { "priority=", &k->priority, -100, 100 },
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        size_t n = strlen(settings[i].name);
        if (strncmp(text, settings[i].name, n) != 0) continue;
        char *end;
        long value = strtol(text + n, &end, 10);
        if (end == text + n || *end || value < settings[i].low || value > settings[i].high) return false;
        *settings[i].out = (int32_t)value;
        return true;
    }
    return false;
}

/* One line without its newline, which is cut into words. *used: it held a key. */
static sumi_status read_line(char *line, api_key *k, key_limits *limits, bool *used, const char *file, int number,
                             sumi_error *err)
{
    char *rest, *word = strtok_r(line, " \t\r", &rest);
    *used = false;
    if (!word || word[0] == '#') return SUMI_OK;
    *k = (api_key){ .share = 1 };
    *limits = (key_limits){ 0 };
    if (!is_name(word))
        return sumi_fail(err, SUMI_EFORMAT, "%s: line %d: a name has at most %d letters, digits and . _ @ -", file,
                         number, KEY_MAX_NAME);
    strcpy(k->name, word);
    word = strtok_r(NULL, " \t\r", &rest);
    if (!word || !read_hash(word, k->hash))
        return sumi_fail(err, SUMI_EFORMAT, "%s: line %d: after the name comes the SHA-256 of the key, 64 hex digits",
                         file, number);
    while ((word = strtok_r(NULL, " \t\r", &rest)))
        if (!read_setting(word, k, limits))
            return sumi_fail(err, SUMI_EFORMAT,
                             "%s: line %d: '%s' is none of rpm=, tpm=, concurrent=, share=, priority= "
                             "with a number in range, scope=all, scope=status, scope=api",
                             file, number, word);
    *used = true;
    return SUMI_OK;
}

/* A counted copy with full buckets; NULL: out of memory. */
static key_limits *new_limits(const key_limits *settings)
{
    key_limits *l = malloc(sizeof *l);
    if (!l) return NULL;
    memcpy(l, settings, sizeof *l);
    key_limits_init(l);
    l->refs = 1;
    return l;
}

static void drop_limits(key_limits *l)
{
    pthread_mutex_lock(&l->lock);
    bool last = --l->refs == 0;
    pthread_mutex_unlock(&l->lock);
    if (!last) return;
    key_limits_deinit(l);
    free(l);
}

static void free_keys(keys *k)
{
    for (int32_t i = 0; k && i < k->n; i++) drop_limits(k->list[i].limits);
    if (k) free(k->list);
    free(k);
}

static sumi_status add(keys *k, const api_key *key, const key_limits *limits, const char *file, int number,
                       sumi_error *err)
{
    if (k->n == KEYS_MAX) return sumi_fail(err, SUMI_EFORMAT, "%s: more than %d keys", file, KEYS_MAX);
    for (int32_t i = 0; i < k->n; i++)
        if (!strcmp(k->list[i].name, key->name))
            return sumi_fail(err, SUMI_EFORMAT, "%s: line %d: the name '%s' occurs twice", file, number, key->name);
    api_key *to = &k->list[k->n];
    *to = *key;
    if (!(to->limits = new_limits(limits))) return sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", file);
    k->n++;
    return SUMI_OK;
}

sumi_status keys_parse(keys **out, const char *text, size_t n, const char *name, sumi_error *err)
{
    size_t n_lines = 1;
    int number = 0;
    sumi_status st = SUMI_OK;
    *out = NULL;
    for (size_t i = 0; i < n; i++) n_lines += text[i] == '\n';
    keys *k = calloc(1, sizeof *k);
    char *copy = strndup(text, n);
    if (k) k->list = calloc(n_lines < KEYS_MAX ? n_lines : KEYS_MAX, sizeof *k->list);
    if (!k || !copy || !k->list) st = sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", name);
    for (char *line = copy, *next; st == SUMI_OK && line; line = next) {
        api_key key;
        key_limits limits;
        bool used;
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        st = read_line(line, &key, &limits, &used, name, ++number, err);
        if (st == SUMI_OK && used) st = add(k, &key, &limits, name, number, err);
    }
    if (st == SUMI_OK && k->n == 0) st = sumi_fail(err, SUMI_EFORMAT, "%s: the file has no key", name);
    free(copy);
    if (st != SUMI_OK) {
        free_keys(k);
        return st;
    }
    k->refs = 1;
    *out = k;
    return SUMI_OK;
}

keys *keys_ref(keys *k)
{
    if (k) atomic_fetch_add(&k->refs, 1);
    return k;
}

void keys_unref(keys *k)
{
    if (!k || atomic_fetch_sub(&k->refs, 1) != 1) return;
    free_keys(k);
}

static api_key *same_key(keys *in, const api_key *as)
{
    for (int32_t i = 0; i < in->n; i++)
        if (!strcmp(in->list[i].name, as->name))
            return memcmp(in->list[i].hash, as->hash, sizeof as->hash) ? NULL : &in->list[i];
    return NULL;
}

void keys_take_over(keys *fresh, keys *old)
{
    for (int32_t i = 0; old && i < old->n; i++) {
        key_limits *kept = old->list[i].limits;
        api_key *key = same_key(fresh, &old->list[i]);
        if (!key) {
            atomic_store(&kept->revoked, true);
            continue;
        }
        key_limits_change(kept, key->limits);
        pthread_mutex_lock(&kept->lock);
        kept->refs++;
        pthread_mutex_unlock(&kept->lock);
        drop_limits(key->limits);
        key->limits = kept;
    }
}

int32_t keys_count(const keys *k)
{
    return k->n;
}

api_key *keys_find(keys *k, const char *text)
{
    uint8_t hash[KEY_HASH_BYTES];
    api_key *found = NULL;
    hash_key(text, hash);
    for (int32_t i = 0; i < k->n; i++) /* compares all keys, so that the time does not reveal which one matches */
        if (memeql_sec(hash, k->list[i].hash, sizeof hash)) found = &k->list[i];
    return found;
}
