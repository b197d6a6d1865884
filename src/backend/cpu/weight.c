/* weight.c - loads a matrix: chooses the form of the activations and the order of the bytes.
 *
 *   type               activations AUTO                     activations F32
 *   quantised          panels x int8                        rows decoded to float x float
 *     at level ref     rows decoded x int8                  rows decoded to float x float
 *   F32 F16 BF16 F64   panels x float (pack.h)              panels x float
 *     at level ref     rows decoded x float                 rows decoded x float
 *
 * Packing runs on all processors: a model of a gigabyte is ready in about a second. */
#include <stdlib.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/pack.h"
#include "base/error.h"
#include "base/mem.h"

typedef struct pack_job {
    const cpu_backend *be;
    const weight *w;
} pack_job;

static void pack_panels(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const pack_job *j = arg;
    const weight *w = j->w;
    int32_t panel_rows = j->be->k.panel_rows;
    for (int64_t p = begin; p < end; p++) {
        int32_t row = (int32_t)p * panel_rows, left = w->n_rows - row;
        pack_panel(&j->be->k, w->type, w->payload + (size_t)p * w->payload_bytes,
                   w->header + (size_t)p * w->header_bytes, w->rows + (size_t)row * w->row_bytes, w->row_bytes,
                   left < panel_rows ? left : panel_rows, w->n_cols);
    }
}

static sumi_status pack(const cpu_backend *be, weight *w, sumi_error *err)
{
    const pack_format *f = pack_find(w->type);
    int32_t rows = be->k.panel_rows;
    w->n_panels = (w->n_rows + rows - 1) / rows;
    w->payload_bytes = pack_payload_bytes(f, rows, w->n_cols);
    w->header_bytes = pack_header_bytes(f, rows, w->n_cols);
    size_t payload, header; /* of all panels */
    if (!mem_mul((size_t)w->n_panels, w->payload_bytes, &payload) ||
        !mem_mul((size_t)w->n_panels, w->header_bytes, &header) || header > SIZE_MAX - payload - MEM_ALIGN)
        return sumi_fail(err, SUMI_ENOMEM, "out of memory for packed weights");
    if (be->base.measure_only) return SUMI_OK;
    payload = mem_round_up(payload, MEM_ALIGN);
    sumi_status status = slab_take(be->packed, payload + header, &w->payload, &w->memory, err);
    if (status != SUMI_OK) return status;
    w->header = w->payload + payload;
    pack_job job = { be, w };
    pool_for(be->loaders, w->n_panels, 4, pack_panels, &job);
    return SUMI_OK;
}

sumi_status cpu_table_create(const backend *be, weight **out, dtype type, const void *data, int64_t n_rows,
                             int64_t n_cols, sumi_error *err)
{
    (void)be;
    *out = NULL;
    if (n_cols > CPU_MAX_COLS || n_rows > INT32_MAX / 2)
        return sumi_fail(err, SUMI_EUNSUPPORTED, "a matrix of %lld x %lld is larger than the CPU backend takes",
                         (long long)n_rows, (long long)n_cols);
    weight *w = calloc(1, sizeof *w);
    if (!w) return sumi_fail(err, SUMI_ENOMEM, "out of memory for a weight");
    *w = (weight){ .rows = data,
                   .row_bytes = dtype_row_bytes(type, n_cols),
                   .n_rows = (int32_t)n_rows,
                   .n_cols = (int32_t)n_cols,
                   .type = type,
                   .input = ACT_F32 };
    *out = w;
    return SUMI_OK;
}

static int32_t input_of(const cpu_backend *cpu, dtype type)
{
    bool quantised = dtype_find((uint32_t)type)->block_elems > 1;
    return cpu->activations == SUMI_ACTIVATIONS_AUTO && quantised ? ACT_INT8 : ACT_F32;
}

bool cpu_copies_weights(const backend *be, dtype type)
{
    const cpu_backend *cpu = (const cpu_backend *)be;
    return input_of(cpu, type) == ACT_INT8 ? cpu->k.panels[type] != NULL : cpu->k.panels_f32[type] != NULL;
}

sumi_status cpu_weight_create(const backend *be, weight **out, dtype type, const void *data, int64_t n_rows,
                              int64_t n_cols, sumi_error *err)
{
    const cpu_backend *cpu = (const cpu_backend *)be;
    sumi_status status = cpu_table_create(be, out, type, data, n_rows, n_cols, err);
    if (status != SUMI_OK) return status;
    weight *w = *out;
    w->input = input_of(cpu, type);
    if (cpu_copies_weights(be, type) && (status = pack(cpu, w, err))) {
        cpu_weight_destroy(w);
        *out = NULL;
    }
    return status;
}

void cpu_weight_destroy(weight *w)
{
    if (!w) return;
    slab_give_back(w->memory);
    free(w);
}

void weight_row(const kernels *k, const weight *w, int32_t r, float *y)
{
    const void *row = w->rows + (size_t)r * w->row_bytes;
    if (w->type == DTYPE_F16) k->from_f16(y, row, w->n_cols);
    else if (w->type == DTYPE_BF16) k->from_bf16(y, row, w->n_cols);
    else quant_find(w->type)->decode(row, y, w->n_cols);
}

int32_t cpu_weight_input(const weight *w)
{
    return w->input;
}

size_t cpu_weight_bytes(const weight *w)
{
    return w->n_panels ? (size_t)w->n_panels * (w->payload_bytes + w->header_bytes) : (size_t)w->n_rows * w->row_bytes;
}
