/* product.c - see product.h: the kernel for a weight's form and type, and the part of each operand that it works on. */
#include "backend/cpu/product.h"

#define ROWS_PANEL 16 /* rows of a matrix that is not packed that count as a panel */
#define MAX_RUN    16 /* panels; they should stay in L2 */
#define FEW_TOKENS 4

static int32_t n_panels_of(const weight *w)
{
    return w->payload ? w->n_panels : (w->n_rows + ROWS_PANEL - 1) / ROWS_PANEL;
}

/* The rows that count as these panels, of a matrix that is not packed. */
static range plain_rows(const weight *w, range panels)
{
    int32_t end = panels.end * ROWS_PANEL;
    return (range){ panels.begin * ROWS_PANEL, end < w->n_rows ? end : w->n_rows };
}

static size_t y_stride(const linear_out *o)
{
    return (size_t)(o->y_stride ? o->y_stride : o->w->n_rows);
}

/* The part of row t of the activations that the matrix multiplies. */
static q8_row input(const act *x, const linear_out *o, int32_t t)
{
    q8_row row = act_q8_row(x, t);
    return q8_row_at(&row, o->x_col / ACT_GROUP);
}

static inline void put(const linear_out *o, int32_t t, int32_t row, float value)
{
    float *y = &o->y[(size_t)t * y_stride(o) + (size_t)row];
    if (o->bias) value += o->bias[row];
    *y = o->add ? *y + value : value;
}

static void panels_int8(const kernels *k, const act *x, const linear_out *o, range panels, range tokens)
{
    const weight *w = o->w;
    int32_t first = panels.begin * k->panel_rows;
    size_t begin = (size_t)panels.begin, from = (size_t)tokens.begin;
    panels_args a = { .payload = w->payload + begin * w->payload_bytes,
                      .payload_bytes = w->payload_bytes,
                      .header = w->header + begin * w->header_bytes,
                      .header_bytes = w->header_bytes,
                      .n_panels = panels.end - panels.begin,
                      .n_groups = w->n_cols / ACT_GROUP,
                      .x_groups = x->n_cols / ACT_GROUP,
                      .n_rows = w->n_rows - first,
                      .n_tokens = tokens.end - tokens.begin,
                      .x = input(x, o, tokens.begin),
                      .y = o->y + from * y_stride(o) + (size_t)first,
                      .y_stride = y_stride(o),
                      .bias = o->bias ? o->bias + first : NULL,
                      .add = o->add };
    k->panels[w->type](&a);
}

/* Rows as the file has them, at the reference level. */
static void rows_int8(const kernels *k, const act *a, const linear_out *o, range rows, range tokens)
{
    const weight *w = o->w;
    for (int32_t r = rows.begin; r < rows.end; r++)
        for (int32_t t = tokens.begin; t < tokens.end; t++) {
            q8_row x = input(a, o, t);
            put(o, t, r, k->dot_q8(w->type, w->rows + (size_t)r * w->row_bytes, &x, w->n_cols));
        }
}

/* The same for floats; their kernel has the loop over the tokens. */
static void panels_f32(const kernels *k, const act *x, const linear_out *o, range panels, range tokens)
{
    const weight *w = o->w;
    int32_t first = panels.begin * k->panel_rows;
    size_t from = (size_t)tokens.begin;
    panels_f32_args a = { .payload = w->payload + (size_t)panels.begin * w->payload_bytes,
                          .payload_bytes = w->payload_bytes,
                          .n_panels = panels.end - panels.begin,
                          .n_cols = w->n_cols,
                          .n_rows = w->n_rows - first,
                          .n_tokens = tokens.end - tokens.begin,
                          .x = x->f32 + from * (size_t)x->n_cols + o->x_col,
                          .x_stride = (size_t)x->n_cols,
                          .y = o->y + from * y_stride(o) + first,
                          .y_stride = y_stride(o),
                          .bias = o->bias ? o->bias + first : NULL,
                          .add = o->add };
    k->panels_f32[w->type](&a);
}

/* Float activations, weights as the file has them: as many rows as the scratch holds are decoded for all tokens. */
static void rows_f32(const kernels *k, const act *x, const linear_out *o, range rows, range tokens, float *scratch)
{
    const weight *w = o->w;
    size_t n_cols = (size_t)w->n_cols;
    int32_t n_at_once = CPU_MAX_COLS / w->n_cols < ROWS_PANEL ? CPU_MAX_COLS / w->n_cols : ROWS_PANEL;
    for (int32_t r = rows.begin; r < rows.end; r += n_at_once) {
        int32_t n = rows.end - r < n_at_once ? rows.end - r : n_at_once;
        for (int32_t i = 0; i < n; i++) weight_row(k, w, r + i, scratch + (size_t)i * n_cols);
        for (int32_t t = tokens.begin; t < tokens.end; t++)
            for (int32_t i = 0; i < n; i++)
                put(o, t, r + i,
                    k->dot_f32(scratch + (size_t)i * n_cols, x->f32 + (size_t)t * (size_t)x->n_cols + o->x_col,
                               w->n_cols));
    }
}

static size_t one_matrix(stream *s, const act *x, const linear_out *o, range panels, range tokens, int32_t thread)
{
    const kernels *k = &s->be->k;
    const weight *w = o->w;
    range rows = plain_rows(w, panels);
    if (w->payload && w->input == ACT_F32) panels_f32(k, x, o, panels, tokens);
    else if (w->payload) panels_int8(k, x, o, panels, tokens);
    else if (w->input == ACT_INT8) rows_int8(k, x, o, rows, tokens);
    else rows_f32(k, x, o, rows, tokens, stream_row(s, thread));
    if (w->payload) return (size_t)(panels.end - panels.begin) * (w->payload_bytes + w->header_bytes);
    return (size_t)(rows.end - rows.begin) * w->row_bytes;
}

int32_t product_n_panels(const linear_out *outs, int32_t n_outs)
{
    int32_t n = 0;
    for (int32_t i = 0; i < n_outs; i++) n += n_panels_of(outs[i].w);
    return n;
}

size_t product_run(stream *s, const act *x, const linear_out *outs, int32_t n_outs, range panels, range tokens,
                   int32_t thread)
{
    size_t n_bytes = 0;
    int32_t first = 0; /* number of the matrix's first panel */
    for (int32_t i = 0; i < n_outs; i++) {
        int32_t n = n_panels_of(outs[i].w), end = panels.end - first;
        range own = { panels.begin > first ? panels.begin - first : 0, end < n ? end : n };
        if (own.begin < own.end) n_bytes += one_matrix(s, x, &outs[i], own, tokens, thread);
        first += n;
    }
    return n_bytes;
}

/* Panels of each unit of the next round, when `left` are not yet in a unit: one for each thread, half of them together. */
static int32_t round_size(const panel_runs *r, int32_t left)
{
    return left / (2 * r->n_threads);
}

panel_runs panel_runs_of(int32_t n_panels, int32_t n_tokens, int32_t n_threads)
{
    panel_runs r = { .n_panels = n_panels, .n_threads = n_threads };
    int32_t begin = 0;
    if (n_tokens > FEW_TOKENS) { /* eight turns for each thread even out their speeds */
        int32_t run = n_panels / (8 * n_threads);
        r.size = run < 1 ? 1 : run > MAX_RUN ? MAX_RUN : run;
        r.n_units = (n_panels + r.size - 1) / r.size;
        return r;
    }
    for (int32_t size; (size = round_size(&r, n_panels - begin)) > 1; r.n_units += n_threads) begin += size * n_threads;
    r.n_units += n_panels - begin;
    return r;
}

/* The first panel of a unit. Unit n_units would begin at n_panels, and so do all later ones. */
static int32_t begin_of(const panel_runs *r, int32_t unit)
{
    int32_t begin = 0;
    if (r->size) return unit < r->n_units ? unit * r->size : r->n_panels;
    for (int32_t size; unit > 0; unit -= r->n_threads) {
        if ((size = round_size(r, r->n_panels - begin)) <= 1)
            return unit < r->n_panels - begin ? begin + unit : r->n_panels;
        begin += size * (unit < r->n_threads ? unit : r->n_threads);
    }
    return begin;
}

range panel_runs_at(const panel_runs *r, int32_t unit)
{
    return (range){ begin_of(r, unit), begin_of(r, unit + 1) };
}
