/* keys.h - who may ask: a file of hashed keys.
 *
 *   # name  SHA-256 of the key, in hex                                       settings
 *   alice   2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b rpm=60 tpm=100000 concurrent=4
 *   scraper 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 scope=status
 *
 *   rpm, tpm     requests and tokens (of prompts and answers) in a minute      concurrent   requests at once
 *   share        of the engine under load, 1 .. 1000 (1)                       priority     -100 .. 100 (0)
 *   scope        all; status: /metrics, /stats, /slots and /version only; api: everything but these, which tell of all keys
 *                (all)
 *
 * The keys themselves are nowhere: what a client sends is hashed, and compared with every key in constant time.
 * Threads: a table never changes, but for the limits of its keys, which have a lock (limits.h). It is counted: a reload
 * puts another one in its place, while requests under way go on with theirs. The limits of a key that is in both tables are
 * one object, which knows who runs and what is left. */
#ifndef SUMI_SERVER_KEYS_H
#define SUMI_SERVER_KEYS_H

#include "server/limits.h"
#include "sumi.h"

enum {
    KEY_HASH_BYTES = 32,
    KEY_MAX_NAME = 64,
    KEYS_MAX = 4096,
    KEY_MAX_LINE = KEY_MAX_NAME + 2 * KEY_HASH_BYTES + 2
};

typedef struct api_key {
    char name[KEY_MAX_NAME + 1];
    uint8_t hash[KEY_HASH_BYTES];
    int32_t priority, share;
    bool status_only, api_only;
    key_limits *limits; /* counted; its own lock */
} api_key;

typedef struct keys keys;

/* text [n]: the file; name: what errors call it. EFORMAT: a line is wrong, and err tells which. One reference. */
SUMI_MUST_USE sumi_status keys_parse(keys **out, const char *text, size_t n, const char *name,
                                     sumi_error *err);
/* fresh takes the place of old, which requests may still use: keys of the same name and hash go on with their limits, those
 * that are gone are marked as revoked. No request has seen fresh. old NULL: nothing happens. */
void keys_take_over(keys *fresh, keys *old);
keys *keys_ref(keys *k);
void keys_unref(keys *k); /* NULL is fine */
int32_t keys_count(const keys *k);

/* The key that was sent; NULL: none of them. Its time depends on the length of text only. */
api_key *keys_find(keys *k, const char *text);

/* EINVAL: a key cannot be called so. */
SUMI_MUST_USE sumi_status key_name_check(const char *name, sumi_error *err);

/* The line of a key for the file, without settings and newline. name has been checked. */
void key_write_line(const char *name, const char *key, char line[KEY_MAX_LINE]);

#endif
