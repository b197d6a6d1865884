/* keys.h - the API keys: a file of hashed keys.
 *
 *   # name  SHA-256 of the key, in hex                                       settings
 *   alice   2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b rpm=60 tpm=100000 concurrent=4
 *   scraper 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 scope=status
 *
 *   rpm, tpm     requests and tokens (of prompts and answers) in a minute      concurrent   requests at once
 *   share        of the engine under load, 1 .. 1000 (1)                       priority     -100 .. 100 (0)
 *   scope        all; status: /metrics, /stats, /slots and /version only; api: everything else, as these show all keys (all)
 *
 * The keys themselves are not stored: the key that a client sends is hashed, and compared with every key in constant time.
 * Threads: a table never changes, except the limits of its keys, which have a lock (limits.h). A table has a reference
 * count: a reload replaces it, while running requests keep the old table. A key that is in both tables has one object for
 * its limits, which keeps its running requests and its buckets. */
#ifndef SUMI_SERVER_OPS_KEYS_H
#define SUMI_SERVER_OPS_KEYS_H

#include "server/ops/limits.h"
#include "sumi.h"

enum { KEY_HASH_BYTES = 32, KEY_MAX_NAME = 64, KEYS_MAX = 4096, KEY_MAX_LINE = KEY_MAX_NAME + 2 * KEY_HASH_BYTES + 2 };

typedef struct api_key {
    char name[KEY_MAX_NAME + 1];
    uint8_t hash[KEY_HASH_BYTES];
    int32_t priority, share;
    bool status_only, api_only;
    key_limits *limits; /* counted; its own lock */
} api_key;

typedef struct keys keys;

/* text [n]: the file; name: its name in errors. EFORMAT: a line is wrong; err has its number. *out has one reference. */
SUMI_MUST_USE sumi_status keys_parse(keys **out, const char *text, size_t n, const char *name, sumi_error *err);
/* fresh replaces old, which requests may still use: keys with the same name and hash keep their limits; removed keys are
 * marked as revoked. No request may use fresh yet. old NULL: does nothing. */
void keys_take_over(keys *fresh, keys *old);
keys *keys_ref(keys *k);
void keys_unref(keys *k); /* NULL is fine */
int32_t keys_count(const keys *k);

/* The key that a client sent; NULL: no such key. The time depends only on the length of text. */
api_key *keys_find(keys *k, const char *text);

/* EINVAL: name is not a valid name of a key. */
SUMI_MUST_USE sumi_status key_name_check(const char *name, sumi_error *err);

/* The line of a key for the file, without settings and newline. name has been checked. */
void key_write_line(const char *name, const char *key, char line[KEY_MAX_LINE]);

#endif
