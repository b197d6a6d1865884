/* store_rows.h - the end of a product: one token's sums for the rows of a panel. */
#ifndef SUMI_BACKEND_CPU_PASSES_STORE_ROWS_H
#define SUMI_BACKEND_CPU_PASSES_STORE_ROWS_H

/* Rows from `row` on, of one token's n_rows: y = sum, plus bias unless that is NULL, plus y if add is set. */
static inline void store_rows(float *y, const float *bias, bool add, int32_t row, int32_t n_rows, vf sum)
{
    const vmask mask = v_below(n_rows - row);
    if (bias) sum += v_load_if(mask, bias + row);
    if (add) sum += v_load_if(mask, y + row);
    v_store_if(mask, y + row, sum);
}

#endif
