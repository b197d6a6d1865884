/* fuzz_prefix_cache.c - any bytes as a prefix cache: refused in one line with nothing left behind, or loaded with
 * all invariants.
 *
 * A checksum would keep the fuzzer out of everything behind it, so the header's and each record's are made right
 * first, as far as the bytes can be read as records. The stored corpus has files that kv_disk_save() wrote for this
 * cache. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/siphash.h"
#include "kv/kv_disk.h"

enum { N_BLOCKS = 40, N_GROUPS = 3, HEADER = 72, HEAD = 88 + 8 };

typedef uint8_t block[16];

static void copy_block(void *self, int32_t dst, int32_t src)
{
    memcpy(((block *)self)[dst], ((block *)self)[src], sizeof(block));
}

static void read_block(const void *self, int32_t b, void *bytes)
{
    memcpy(bytes, ((const block *)self)[b], sizeof(block));
}

static void write_block(void *self, int32_t b, const void *bytes)
{
    memcpy(((block *)self)[b], bytes, sizeof(block));
}

static void clear_block(void *self, int32_t b)
{
    memset(((block *)self)[b], 0, sizeof(block));
}

/* Sets every checksum that kv_disk.c would compare. */
static void mend(uint8_t *p, size_t n)
{
    uint64_t sum = siphash((sip_key){ 0, 0 }, p, 64);
    if (n < HEADER) return;
    memcpy(p + 64, &sum, 8);
    size_t at = HEADER;
    for (uint64_t number = 0; n - at >= HEAD + 8; number++) {
        uint32_t n_blocks;
        memcpy(&n_blocks, p + at + 4, 4);
        size_t bytes = HEAD + (size_t)(n_blocks % (N_GROUPS + 1)) * sizeof(block);
        if (n - at < bytes + 8) return;
        uint64_t check = siphash((sip_key){ sum, number }, p + at, bytes);
        memcpy(p + at + bytes, &check, 8);
        at += bytes + 8;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static block memory[N_BLOCKS];
    const kv_layer layers[N_GROUPS] = { { 0, 0, sizeof(block) }, { 32, 0, sizeof(block) }, { 32, 0, sizeof(block) } };
    kv_layout layout;
    kv_cache *c;
    kv_layout_init(&layout, layers, N_GROUPS);
    kv_cache_opts opts = { .layout = &layout,
                           .n_blocks = N_BLOCKS,
                           .max_seqs = 2,
                           .max_tokens = 64,
                           .prefix = true,
                           .memory = { memory, sizeof(block), copy_block, read_block, write_block, clear_block } };
    if (n < 1 || kv_cache_create(&c, &opts, NULL) != SUMI_OK) return 0;
    bool whole = data[0] & 1; /* the first byte says whether checksums are mended */
    uint8_t *copy = malloc(n);
    if (!copy) abort();
    memcpy(copy, data + 1, --n);
    if (!whole && n >= 64) mend(copy, n);
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, copy, n) != (ssize_t)n) abort();
    sumi_error err;
    int64_t n_tokens;
    kv_cache_stats stats;
    kv_disk_opts disk = { .fingerprint = { { 1, 2 } } };
    sumi_status status = kv_disk_load_fd(c, fd, n, "fuzz", &disk, &n_tokens, &err);
    kv_cache_get_stats(c, &stats);
    if (status != SUMI_OK && (strncmp(err.message, "fuzz: ", 6) || strchr(err.message, '\n') || n_tokens)) abort();
    if (status != SUMI_OK && stats.n_free != N_BLOCKS) abort();
    if (kv_cache_check(c)) abort();
    close(fd);
    free(copy);
    kv_cache_destroy(c);
    return 0;
}
