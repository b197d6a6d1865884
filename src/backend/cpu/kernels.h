/* kernels.h - the inner loops of the CPU backend, one table for each level of the instruction set.
 *
 * ref/ fills the whole table in plain C and is the definition; avx2/, avxvnni/, avx512/, amx/ replace entries. A kernel uses
 * one row (or one head), has no state and accesses only the memory of its arguments. So a row's value cannot depend on other
 * rows. The order of a sum is fixed for a kernel and a row length.
 *
 * No argument overlaps another unless stated. Rows need no alignment. */
#ifndef SUMI_BACKEND_CPU_KERNELS_H
#define SUMI_BACKEND_CPU_KERNELS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "backend/backend.h"
#include "base/os/cpu.h"

#define ACT_GROUP 32 /* int8 activations share a scale in groups of this many */
#define ACT_TILE  16 /* maximum of int8 activation rows in a tile */

#define PANELS_TOKENS 64 /* maximum in a call of panels; at 512 tokens all sizes >= 16 are equally fast */

/* A quantised matrix is stored in tiles of `lanes` rows (tokens), so that a kernel that reads the columns of all its
 * tokens at once has one stream:
 *
 *   tile:  for each group g of 32 columns     q [lanes][32] int8     d [lanes]     s [lanes]     h [2][lanes]     more [lanes]
 *
 *   x[t][32 g + i] ~ d[t] * q[t][i]     s[t] = d[t] * sum of q[t]     h[k][t] = d[t] * sum of q[t] over half k
 *
 * s and h are for weights with minima or zero points. A group with a value that is not finite has q = 0 and NaN for d, s
 * and h, so every product with the group is NaN and the caller notices.
 *
 * The rounding error of a group grows with its largest value, and a few groups of a row have outliers that are many times
 * larger than the rest: these groups cause nearly all of the error. Where d is more than ACT_OUTLIER times its mean
 * over the row, the remainder of the first digit is rounded to a second digit, and more[t] is 1:
 *
 *   x[t][32 g + i] ~ first.d[t] * first.q[t][i] + more[t] * left.d[t] * left.q[t][i]
 *
 * Pointers are to one row: its group g is at q + g * lanes * 32, d + g * lanes, s + g * lanes, h + g * 2 * lanes (second half
 * lanes later), more + g * lanes. left is undefined where more is 0.
 *
 * lanes is ACT_TILE (16); in a matrix of 1 to 4 rows it is 1, 2 or 4. Activations are read again for every panel of
 * weights: padded to 16 rows they would not fit into the L1 cache. */
#define ACT_OUTLIER 2.0f /* docs/models.md has the measurement */

typedef struct q8_digit {
    int8_t *q;
    float *d, *s, *h;
    int32_t lanes;
} q8_digit;

typedef struct q8_row {
    q8_digit first, left;
    uint8_t *more;
} q8_row;

/* The lanes of a tile in a matrix of n_rows. */
static inline int32_t act_lanes(int32_t n_rows)
{
    return n_rows > 4 ? ACT_TILE : n_rows > 2 ? 4 : n_rows > 1 ? 2 : 1;
}

/* The same row, beginning at group g. */
static inline q8_digit q8_digit_at(const q8_digit *r, int32_t g)
{
    int32_t i = g * r->lanes;
    return (q8_digit){ r->q + i * ACT_GROUP, r->d + i, r->s + i, r->h + 2 * i, r->lanes };
}

/* Writes a group with a value that is not finite. */
static inline void q8_set_nan(const q8_digit *to)
{
    memset(to->q, 0, ACT_GROUP);
    to->d[0] = to->s[0] = to->h[0] = to->h[to->lanes] = NAN;
}

/* In a matrix of n groups, group n * i of a row is group 0 of the row i tiles further. */
static inline q8_row q8_row_at(const q8_row *r, int32_t g)
{
    return (q8_row){ q8_digit_at(&r->first, g), q8_digit_at(&r->left, g), r->more + g * r->first.lanes };
}

/* True if any of the first n rows of a tile has a second digit in this group; n is a constant. */
static inline __attribute__((always_inline)) bool any_of(const uint8_t *more, size_t n)
{
    uint64_t low = 0, high = 0;
    size_t n_low = n < 8 ? n : 8;
    memcpy(&low, more, n_low);
    memcpy(&high, more + n_low, n - n_low);
    return (low | high) != 0;
}

/* Some panels of a packed matrix (pack.h) times some tiles of activations. */
typedef struct panels_args {
    const uint8_t *payload, *header;    /* of the first panel */
    size_t payload_bytes, header_bytes; /* of one panel */
    int32_t n_panels, n_groups;         /* groups of 32 columns */
    int32_t x_groups;                   /* of a whole row of x, >= n_groups */
    int32_t n_rows;                     /* rows to write, counted from the first panel: the last one may be cut */
    int32_t n_tokens;                   /* 1 .. PANELS_TOKENS */
    q8_row x;                           /* the first tile's first row; lanes as for n_tokens rows, or ACT_TILE */
    float *y;                           /* y[t * y_stride + r], r counted from the first panel */
    size_t y_stride;
    const float *bias; /* of the first panel's rows and on; NULL: none */
    bool add;          /* to y */
} panels_args;

/* The part of one tile, beginning at token t, a multiple of ACT_TILE. */
static inline panels_args panels_tile(const panels_args *a, int32_t t)
{
    panels_args tile = *a;
    tile.n_tokens = a->n_tokens - t < ACT_TILE ? a->n_tokens - t : ACT_TILE;
    tile.x = q8_row_at(&a->x, t / ACT_TILE * a->x_groups);
    tile.y = a->y + (size_t)t * a->y_stride;
    return tile;
}

/* The same of a matrix of floats, for any number of tokens. */
typedef struct panels_f32_args {
    const uint8_t *payload;
    size_t payload_bytes; /* of one panel */
    int32_t n_panels, n_cols, n_rows;
    int32_t n_tokens;
    const float *x; /* x[t * x_stride + c] */
    size_t x_stride;
    float *y;
    size_t y_stride;
    const float *bias;
    bool add;
} panels_f32_args;

#define ATTN_MAX_HEAD 1024 /* elements of a key or a value; the longest known is 576 (DeepSeek-V2) */
#define ATTN_ROWS     48   /* (token, query head) pairs in one call of attention_tile */
#define ATTN_CHUNK    512  /* positions with a separate softmax sum; docs/kernels.md has the measurement */
#define ATTN_ALL      (-1)
#define ATTN_SCRATCH  (4 * ATTN_ROWS * ATTN_MAX_HEAD) /* scratch floats of attention_tile */

/* Attention of a tile: query rows that share a KV head and a block table, each a (token, query head) pair.
 * Positions are counted in slots (batch.h).
 *   row r sees the positions first[r] .. last[r];   q[r] [head_dim];   values are v_dim long
 *   block b of the layer is at blocks + b * block_stride; in it are K of the head at k_offset and V at v_offset, and in V a
 *   row of v_stride for each slot, all in bytes, in the form of format. A level without kernels for a format leaves it to
 *   the level below; the reference computes all.
 *   a key is a column of K, or a row if latent is set (kv_block.h)
 * Slots that a row does not see may hold any bytes in K, but only finite values in V.
 *
 * The softmax is summed in chunks of ATTN_CHUNK positions, cut at fixed positions, which are then merged in order. So
 * a row has the same bits in one call (chunk is ATTN_ALL) as computed a chunk at a time, on different threads:
 *   ATTN_ALL   out[r] [v_dim] is the finished row
 *   otherwise  out[r] is a partial row, to be merged by attention_merge of the same level: [v_dim] sums and then
 *              their largest score and their sum of weights; the row must see a position of the chunk, and its sink
 *              is not used */
typedef struct attention_tile_args {
    int32_t n_rows;          /* <= ATTN_ROWS */
    int32_t head_dim, v_dim; /* <= ATTN_MAX_HEAD */
    bool latent;
    int32_t chunk;
    const float *q[ATTN_ROWS];
    float *out[ATTN_ROWS];
    int32_t first[ATTN_ROWS], last[ATTN_ROWS];
    kv_format format;
    const uint8_t *blocks;
    size_t block_stride, k_offset, v_offset, v_stride;
    const int32_t *table;
    float scale;   /* of q.k */
    float softcap; /* a score s becomes softcap * tanh(s / softcap); 0: unchanged */
    bool alibi;    /* a score of row r at position p is reduced by slope[r] * |p - slot[r]| */
    float slope[ATTN_ROWS];
    int32_t slot[ATTN_ROWS];      /* of the row's token */
    const float *sink[ATTN_ROWS]; /* of a row: a score without a position, whose value is 0; NULL: none */
    float *scratch;               /* [ATTN_SCRATCH], 64-byte aligned, used by one call at a time */
} attention_tile_args;

/* Partial rows of one row, of n chunks that follow each other, stride floats apart. */
typedef struct attention_merge_args {
    int32_t head_dim, v_dim; /* as in the tile that made them, and format */
    kv_format format;
    int32_t n;
    const float *partials;
    size_t stride;
    const float *sink; /* of the row, added after the last chunk; NULL: none */
    float *out;        /* [v_dim] */
} attention_merge_args;

static inline int32_t attn_partial_len(int32_t v_dim)
{
    return v_dim + 2;
}

/* Moves the integers of one row into its lane of a panel (pack.h). blocks: n_blocks as in the file, of any quantised type
 * except TQ1_0; lane: the row's place in the first vector. Same bytes at every level. */
#define DECL_PACK_ROW(name) \
    void name(dtype type, uint8_t *lane, const uint8_t *blocks, int32_t n_blocks, int32_t panel_rows)
/* d = max|x| / 127 in each group, q = round-half-even(x / d); n is a multiple of 32. Same bits at every level. Where max|x|
 * is at most Q8_LEAST, whose 127 / max|x| is still finite, q is 0. A group that is not finite: q8_set_nan(). */
#define Q8_LEAST                0x1p-120f
#define DECL_QUANTIZE_ROW(name) void name(const q8_digit *out, const float *x, int32_t n)
/* sum a[i] b[i] */
#define DECL_DOT_F32(name) float name(const float *a, const float *b, int32_t n)
/* sum w[i] x[i]; w: n elements in blocks of type, as in the file; n is a multiple of its block and of 32. */
#define DECL_DOT_Q8(name) float name(dtype type, const void *w, const q8_row *x, int32_t n)
/* y = x W^T. The sum of an output element runs over the groups in order, whatever n_tokens is. */
#define DECL_PANELS(name) void name(const panels_args *a)
/* X(name, TYPE) for every type that is multiplied with int8 activations: a level has a function of each. */
#define FOR_EACH_PANEL_TYPE(X) \
    X(q4_0, Q4_0)              \
    X(q4_1, Q4_1)              \
    X(q5_0, Q5_0)              \
    X(q5_1, Q5_1)              \
    X(q8_0, Q8_0)              \
    X(q2_k, Q2_K)              \
    X(q3_k, Q3_K)              \
    X(q4_k, Q4_K)              \
    X(q5_k, Q5_K)              \
    X(q6_k, Q6_K)              \
    X(iq4_nl, IQ4_NL)          \
    X(iq4_xs, IQ4_XS)          \
    X(tq1_0, TQ1_0)            \
    X(tq2_0, TQ2_0)            \
    X(mxfp4, MXFP4)
/* The same in float32: an output element is the sum over the columns in order. */
#define DECL_PANELS_F32(name) void name(const panels_f32_args *a)
/* y[i] = x[i] / sqrt(mean(x^2) + eps) * w[i] (Zhang & Sennrich 2019); y == x is allowed. */
#define DECL_RMSNORM_ROW(name) void name(float *y, const float *x, const float *w, int32_t n, float eps)
/* y[i] = (x[i] - mean(x)) / sqrt(mean((x - mean(x))^2) + eps) * w[i] + b[i] (Ba et al. 2016); b NULL: 0; y == x is
 * allowed. */
#define DECL_LAYERNORM_ROW(name) \
    void name(float *y, const float *x, const float *w, const float *b, int32_t n, float eps)
#define GLU_LIMIT 7.0f /* of GLU_CLAMPED */
#define GLU_SLOPE 1.702f
/* y[i] = f(gate[i]) * up[i]; up NULL: f(gate[i]). y may be gate or up. */
#define DECL_GLU_ROW(name) void name(float *y, const float *gate, const float *up, int32_t n, glu_kind kind)
/* x[i] becomes scale * x[i]; then, if softcap > 0, softcap * tanh(x[i] / softcap) (Gemma 2, 2024). */
#define DECL_SCALE_ROW(name) void name(float *x, int32_t n, float scale, float softcap)
/* Rotates one head x in place; cos_sin [n_rot/2][2]. */
#define DECL_ROPE_HEAD(name) void name(float *x, const float *cos_sin, int32_t n_rot, rope_pairing pairing)
/* float32 to f16, round to nearest even. */
#define DECL_TO_F16(name) void name(uint16_t *y, const float *x, int32_t n)
/* f16 and bf16 to float32, exact; a signalling NaN may become a quiet one. */
#define DECL_FROM_16(name) void name(float *y, const uint16_t *x, int32_t n)
/* y[i] += scale * x[i], rounded twice. Same bits at every level. */
#define DECL_ADD_ROW(name) void name(float *y, const float *x, float scale, int32_t n)
/* out = softmax(scale q k^T) v. A row's value does not depend on the other rows of the tile. */
#define DECL_ATTENTION_TILE(name) void name(const attention_tile_args *a)
/* out = the finished row; out is not one of the partials. */
#define DECL_ATTENTION_MERGE(name) void name(const attention_merge_args *a)

typedef struct kernels {
    cpu_level level;
    DECL_PACK_ROW((*pack_row));
    DECL_QUANTIZE_ROW((*quantize_row));
    DECL_DOT_F32((*dot_f32));
    DECL_DOT_Q8((*dot_q8));            /* any quantised type; NULL above ref, where panels and dot_f32 are used */
    int32_t panel_rows;                /* rows of a packed panel; 0: the level does not pack */
    DECL_PANELS((*panels[DTYPE_MAX])); /* by type; NULL: not packed for int8 activations */
    DECL_PANELS_F32((*panels_f32[DTYPE_MAX])); /* by type; NULL: not packed for float activations */
    DECL_RMSNORM_ROW((*rmsnorm_row));
    DECL_LAYERNORM_ROW((*layernorm_row));
    DECL_GLU_ROW((*glu_row));
    DECL_SCALE_ROW((*scale_row));
    DECL_ROPE_HEAD((*rope_head));
    DECL_TO_F16((*to_f16));
    DECL_FROM_16((*from_f16));
    DECL_FROM_16((*from_bf16));
    DECL_ADD_ROW((*add_row));
    DECL_ATTENTION_TILE((*attention_tile));
    DECL_ATTENTION_MERGE((*attention_merge));
} kernels;

/* Fills the table for a level. The machine must have the level. */
void kernels_init(kernels *k, cpu_level level);

/* Each folder's part: ref fills all entries, the others replace entries with faster kernels. */
void kernels_init_ref(kernels *k);
void kernels_init_avx2(kernels *k);
void kernels_init_avxvnni(kernels *k);
void kernels_init_avx512(kernels *k);
void kernels_init_amx(kernels *k);

#endif
