/* rates.c - loops that do nothing but multiply and add. See limits.h.
 *
 * Twelve chains (registers that each feed only themselves) cover every latency here: 4 or 5 cycles at two instructions
 * a cycle. The compiler must neither merge chains that hold equal values nor move a product that does not change out of
 * the loop: HIDE makes it believe that a register was given a new value, and costs no instruction.
 *
 * Each function has its own target attribute, so this file needs no flags and is complete on every machine. */
#include "bench/limits.h"

#include <string.h>

#include "backend/cpu/amx/tile_config.h"
#include "base/os/clock.h"
#include "base/os/cpu.h"

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define CHAINS          12
#define FOR_EACH(chain) UNROLL for (int chain = 0; chain < CHAINS; chain++)

#if defined(__x86_64__)
#define HIDE(v) __asm__ volatile("" : "+v"(v)) /* any vector register */
#else
#define HIDE(v) __asm__ volatile("" : "+m"(v))
#endif

typedef float float4 __attribute__((vector_size(16)));

/* What plain C makes of the baseline: one multiplication, one addition. */
static void f32_ref(int64_t n)
{
    float4 half = { 0.5f, 0.5f, 0.5f, 0.5f }, one = 2 * half, s[CHAINS];
    FOR_EACH(i)
    {
        s[i] = one;
        HIDE(s[i]);
    }
    for (; n > 0; n--) FOR_EACH(i) s[i] = s[i] * half + one;
    FOR_EACH(i) HIDE(s[i]);
}

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET(name) __attribute__((target(name)))

TARGET("avx2,fma") static void f32_avx2(int64_t n)
{
    __m256 half = _mm256_set1_ps(0.5f), one = _mm256_set1_ps(1.0f);
    __m256 s[CHAINS];
    FOR_EACH(i)
    {
        s[i] = one;
        HIDE(s[i]);
    }
    for (; n > 0; n--) FOR_EACH(i) s[i] = _mm256_fmadd_ps(s[i], half, one);
    FOR_EACH(i) HIDE(s[i]);
}

/* The sums stay in 16 bits: what widening them now and then costs is a kernel's affair. */
TARGET("avx2") static void int8_avx2(int64_t n)
{
    __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(5);
    __m256i s[CHAINS];
    FOR_EACH(i)
    {
        s[i] = _mm256_setzero_si256();
        HIDE(s[i]);
    }
    for (; n > 0; n--) {
        FOR_EACH(i)
        {
            HIDE(a);
            s[i] = _mm256_add_epi16(s[i], _mm256_maddubs_epi16(a, b));
        }
    }
    FOR_EACH(i) HIDE(s[i]);
}

TARGET("avx2,avxvnni") static void int8_avx_vnni(int64_t n)
{
    __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(5);
    __m256i s[CHAINS];
    FOR_EACH(i)
    {
        s[i] = _mm256_setzero_si256();
        HIDE(s[i]);
    }
    for (; n > 0; n--) FOR_EACH(i) s[i] = _mm256_dpbusd_avx_epi32(s[i], a, b);
    FOR_EACH(i) HIDE(s[i]);
}

TARGET("avx512f") static void f32_avx512(int64_t n)
{
    __m512 half = _mm512_set1_ps(0.5f), one = _mm512_set1_ps(1.0f);
    __m512 s[CHAINS];
    FOR_EACH(i)
    {
        s[i] = one;
        HIDE(s[i]);
    }
    for (; n > 0; n--) FOR_EACH(i) s[i] = _mm512_fmadd_ps(s[i], half, one);
    FOR_EACH(i) HIDE(s[i]);
}

TARGET("avx512f,avx512vnni") static void int8_avx512(int64_t n)
{
    __m512i a = _mm512_set1_epi32(0x03030303), b = _mm512_set1_epi32(0x05050505);
    __m512i s[CHAINS];
    FOR_EACH(i)
    {
        s[i] = _mm512_setzero_si512();
        HIDE(s[i]);
    }
    for (; n > 0; n--) FOR_EACH(i) s[i] = _mm512_dpbusd_epi32(s[i], a, b);
    FOR_EACH(i) HIDE(s[i]);
}

TARGET("avx512f,avx512bw,avx512bf16") static void bf16_avx512(int64_t n)
{
    __m512bh half = (__m512bh)_mm512_set1_epi32(0x3f003f00); /* two bf16 of 0.5 */
    __m512 s[CHAINS];
    FOR_EACH(i)
    {
        s[i] = _mm512_setzero_ps();
        HIDE(s[i]);
    }
    for (; n > 0; n--) FOR_EACH(i) s[i] = _mm512_dpbf16_ps(s[i], half, half);
    FOR_EACH(i) HIDE(s[i]);
}

/* Tiles 0 to 3 are sums, 4 and 5 one factor, 6 and 7 the other: every instruction waits for the one four before it. */
TARGET("amx-tile") static void load_tiles(uint8_t value)
{
    tile_config config = { .palette = 1 };
    uint8_t data[TILE_ROWS * TILE_ROW_BYTES];
    memset(data, value, sizeof data);
    for (int i = 0; i < N_TILES; i++) {
        config.row_bytes[i] = TILE_ROW_BYTES;
        config.rows[i] = TILE_ROWS;
    }
    /* gcc's intrinsics name at most 8 bytes of what they read: without this, other stores to it are left out. */
    __asm__ volatile("" : : "r"(&config), "r"(data) : "memory");
    _tile_loadconfig(&config);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_loadd(4, data, 64);
    _tile_loadd(5, data, 64);
    _tile_loadd(6, data, 64);
    _tile_loadd(7, data, 64);
}

TARGET("amx-tile,amx-int8") static void int8_amx(int64_t n)
{
    load_tiles(3);
    for (; n > 0; n--) {
        _tile_dpbssd(0, 4, 6);
        _tile_dpbssd(1, 4, 7);
        _tile_dpbssd(2, 5, 6);
        _tile_dpbssd(3, 5, 7);
    }
    _tile_release();
}

TARGET("amx-tile,amx-bf16") static void bf16_amx(int64_t n)
{
    load_tiles(0x3f); /* bf16 0x3f3f: 0.75 */
    for (; n > 0; n--) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_release();
}
#endif

/* ops: chains x elements x 2, where an instruction that sums k products into an element counts as k. */
static const limit_loop loops[] = {
    { "ref", "f32", "multiply, add", 0, CHAINS * 4 * 2, f32_ref },
#if defined(__x86_64__)
    { "avx2", "f32", "vfmadd ymm", CPU_HAS_AVX2, CHAINS * 8 * 2, f32_avx2 },
    { "avx2", "int8", "vpmaddubsw, vpaddw ymm", CPU_HAS_AVX2, CHAINS * 32 * 2, int8_avx2 },
    { "avxvnni", "int8", "vpdpbusd ymm", CPU_HAS_AVX_VNNI, CHAINS * 32 * 2, int8_avx_vnni },
    { "avx512", "f32", "vfmadd zmm", CPU_HAS_AVX512, CHAINS * 16 * 2, f32_avx512 },
    { "avx512", "int8", "vpdpbusd zmm", CPU_HAS_AVX512_VNNI, CHAINS * 64 * 2, int8_avx512 },
    { "avx512", "bf16", "vdpbf16ps zmm", CPU_HAS_AVX512_BF16, CHAINS * 32 * 2, bf16_avx512 },
    { "amx", "int8", "tdpbssd", CPU_HAS_AMX_INT8, 4 * 16 * 16 * 64 * 2, int8_amx },
    { "amx", "bf16", "tdpbf16ps", CPU_HAS_AMX_BF16, 4 * 16 * 16 * 32 * 2, bf16_amx },
#endif
};

const limit_loop *limits_loop(int32_t n)
{
    uint32_t have = cpu_features();
    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++)
        if ((loops[i].needs & ~have) == 0 && n-- == 0) return &loops[i];
    return NULL;
}

const limit_loop *limits_find(const char *level, const char *type)
{
    const limit_loop *l;
    for (int32_t i = 0; (l = limits_loop(i)); i++)
        if (!strcmp(l->level, level) && !strcmp(l->type, type)) return l;
    if (!strcmp(level, "amx")) return limits_find("avx512", type);
    return !strcmp(level, "avxvnni") ? limits_find("avx2", type) : NULL;
}

typedef struct rate_job {
    const limit_loop *loop;
    int64_t n_rounds; /* of one item */
} rate_job;

static void run_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    const rate_job *j = arg;
    (void)thread;
    for (int64_t i = begin; i < end; i++) j->loop->run(j->n_rounds);
}

/* Rounds that take about ns nanoseconds. */
static int64_t rounds_for(const limit_loop *loop, double ns)
{
    int64_t n = 100;
    for (;; n *= 2) {
        int64_t start = clock_ns();
        loop->run(n);
        double took = (double)(clock_ns() - start);
        if (took > ns / 4) return (int64_t)((double)n * ns / took) + 1;
    }
}

double limits_rate(pool *p, const limit_loop *loop, double ms)
{
    enum { ITEM_NS = 50000, ITEMS = 40 }; /* 2 ms a run: a thread that comes late costs at most one item */
    rate_job job = { loop, rounds_for(loop, ITEM_NS) };
    int64_t n_items = (int64_t)ITEMS * pool_n_threads(p);
    double ns = limits_shortest(p, n_items, run_items, &job, ms);
    return (double)n_items * (double)job.n_rounds * loop->ops / ns;
}
