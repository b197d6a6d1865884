/* bandwidth.c - how fast memory can be read. See limits.h.
 *
 * An item of the loop is CHUNK bytes, which a thread reads from its own region where it left off last time. So whoever
 * comes late leaves its items to the others, no cache line is shared, and a region of DRAM is read from end to end
 * before any part of it comes again.
 *
 *   region of thread t:   |......|######|......|......|     ##: its next chunk; small regions are read several times
 *                                ^ cursor                       for one item */
#include "bench/limits.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/os/cpu.h"

#define CHUNK      ((size_t)256 << 10)
#define RUN_BYTES  ((size_t)32 << 20) /* for each thread in one timed loop */
#define LINE       512                /* what a round of the readers takes; regions are multiples of it */
#define LEAST_DRAM ((size_t)256 << 20)
#define MOST_DRAM  ((size_t)2 << 30)

struct limit_cursor {
    _Alignas(64) size_t at;
    uint32_t sum; /* of all that was read: the reads cannot be left out */
};

typedef uint32_t uint4 __attribute__((vector_size(16)));

static uint32_t read_ref(const uint8_t *p, size_t n)
{
    uint4 s[4] = { 0 };
    for (const uint8_t *end = p + n; p < end; p += 64)
        for (int i = 0; i < 4; i++) s[i] += *(const uint4 *)(const void *)(p + 16 * i);
    s[0] += s[1] + s[2] + s[3];
    return s[0][0] + s[0][1] + s[0][2] + s[0][3];
}

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx2"))) static uint32_t read_avx2(const uint8_t *p, size_t n)
{
    __m256i s0 = _mm256_setzero_si256(), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    for (const uint8_t *end = p + n; p < end; p += 256) {
        const __m256i *v = (const __m256i *)(const void *)p;
        s0 = _mm256_add_epi32(s0, v[0]);
        s1 = _mm256_add_epi32(s1, v[1]);
        s2 = _mm256_add_epi32(s2, v[2]);
        s3 = _mm256_add_epi32(s3, v[3]);
        s4 = _mm256_add_epi32(s4, v[4]);
        s5 = _mm256_add_epi32(s5, v[5]);
        s6 = _mm256_add_epi32(s6, v[6]);
        s7 = _mm256_add_epi32(s7, v[7]);
    }
    s0 = _mm256_add_epi32(_mm256_add_epi32(_mm256_add_epi32(s0, s1), _mm256_add_epi32(s2, s3)),
                          _mm256_add_epi32(_mm256_add_epi32(s4, s5), _mm256_add_epi32(s6, s7)));
    return (uint32_t)_mm_cvtsi128_si32(_mm256_castsi256_si128(s0));
}

__attribute__((target("avx512f"))) static uint32_t read_avx512(const uint8_t *p, size_t n)
{
    __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    for (const uint8_t *end = p + n; p < end; p += 512) {
        const __m512i *v = (const __m512i *)(const void *)p;
        s0 = _mm512_add_epi32(s0, v[0]);
        s1 = _mm512_add_epi32(s1, v[1]);
        s2 = _mm512_add_epi32(s2, v[2]);
        s3 = _mm512_add_epi32(s3, v[3]);
        s4 = _mm512_add_epi32(s4, v[4]);
        s5 = _mm512_add_epi32(s5, v[5]);
        s6 = _mm512_add_epi32(s6, v[6]);
        s7 = _mm512_add_epi32(s7, v[7]);
    }
    s0 = _mm512_add_epi32(_mm512_add_epi32(_mm512_add_epi32(s0, s1), _mm512_add_epi32(s2, s3)),
                          _mm512_add_epi32(_mm512_add_epi32(s4, s5), _mm512_add_epi32(s6, s7)));
    return (uint32_t)_mm_cvtsi128_si32(_mm512_castsi512_si128(s0));
}
#endif

typedef uint32_t (*read_fn)(const uint8_t *p, size_t n); /* n is a multiple of LINE */

static read_fn best_reader(void)
{
#if defined(__x86_64__)
    uint32_t have = cpu_features();
    if (have & CPU_HAS_AVX512) return read_avx512;
    if (have & CPU_HAS_AVX2) return read_avx2;
#endif
    return read_ref;
}

const char *limits_memory_name(limit_memory memory)
{
    static const char *const names[LIMIT_N_MEMORIES] = { "L1", "L2", "L3", "DRAM" };
    return names[memory];
}

/* Bytes of one thread's region. Where the system does not tell the size of a cache, a common one stands in. */
static size_t region_bytes(limit_memory memory, int32_t n_threads)
{
    size_t l1 = cpu_cache_bytes(1), l2 = cpu_cache_bytes(2), l3 = cpu_cache_bytes(3), n;
    l1 = l1 ? l1 : 32 << 10;
    l2 = l2 ? l2 : 1 << 20;
    l3 = l3 ? l3 : 16 << 20;
    switch (memory) {
    case LIMIT_L1: n = l1 / 2; break;
    case LIMIT_L2: n = l2 / 2; break;
    case LIMIT_L3: n = l3 / 2 / (size_t)n_threads; break;
    default:
        n = 4 * l3 > LEAST_DRAM ? 4 * l3 : LEAST_DRAM;
        if (n > MOST_DRAM) n = MOST_DRAM;
        if (n > mem_available_bytes() / 4) n = LEAST_DRAM;
        n /= (size_t)n_threads;
    }
    if (memory == LIMIT_L3 && n < 2 * l2) n = 2 * l2; /* else the threads' own caches would answer */
    return mem_round_up(n, memory >= LIMIT_L3 ? CHUNK : LINE);
}

static void fill_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    limit_regions *r = arg;
    (void)thread;
    for (int64_t i = begin; i < end; i++) memset(r->data + (size_t)i * CHUNK, 1, CHUNK);
}

sumi_status limits_regions_init(limit_regions *r, pool *p, limit_memory memory, sumi_error *err)
{
    *r = (limit_regions){ .n_threads = pool_n_threads(p) };
    r->bytes = region_bytes(memory, r->n_threads);
    size_t total = mem_round_up(r->bytes * (size_t)r->n_threads, CHUNK);
    r->cursors = mem_alloc((size_t)r->n_threads * sizeof *r->cursors);
    r->data = mem_map(total);
    if (!r->cursors || !r->data) {
        limits_regions_deinit(r);
        return sumi_fail(err, SUMI_ENOMEM, "out of memory: %zu bytes to measure how fast %s is read", total,
                         limits_memory_name(memory));
    }
    pool_for(p, (int64_t)(total / CHUNK), 16, fill_items, r); /* pages that were never written are all the same one */
    return SUMI_OK;
}

void limits_regions_deinit(limit_regions *r)
{
    mem_unmap(r->data, r->data ? mem_round_up(r->bytes * (size_t)r->n_threads, CHUNK) : 0);
    mem_free(r->cursors);
    *r = (limit_regions){ 0 };
}

typedef struct read_job {
    limit_regions *regions;
    read_fn read;
} read_job;

static void read_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    const read_job *j = arg;
    const uint8_t *data = j->regions->data + (size_t)thread * j->regions->bytes;
    struct limit_cursor *c = &j->regions->cursors[thread];
    for (size_t left = (size_t)(end - begin) * CHUNK; left > 0;) {
        size_t n = j->regions->bytes - c->at < left ? j->regions->bytes - c->at : left;
        c->sum += j->read(data + c->at, n);
        c->at = (c->at + n) % j->regions->bytes;
        left -= n;
    }
}

double limits_read(pool *p, limit_regions *r, double ms)
{
    read_job job = { r, best_reader() };
    int64_t n_items = (int64_t)(RUN_BYTES / CHUNK) * pool_n_threads(p);
    return (double)n_items * (double)CHUNK / limits_shortest(p, n_items, read_items, &job, ms);
}
