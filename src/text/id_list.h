/* id_list.h - the growing list of token ids that encoding writes. */
#ifndef SUMI_TEXT_ID_LIST_H
#define SUMI_TEXT_ID_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct id_list {
    int32_t *ids;
    size_t n, cap;
    bool failed; /* out of memory: all later ids are dropped */
} id_list;

static inline bool id_list_reserve(id_list *l, size_t n)
{
    if (n <= l->cap - l->n) return true;
    if (l->failed) return false;
    size_t cap = l->cap * 2 > l->n + n + 16 ? l->cap * 2 : l->n + n + 16;
    int32_t *ids = realloc(l->ids, cap * sizeof *ids);
    if (!ids) {
        l->failed = true;
        return false;
    }
    l->ids = ids;
    l->cap = cap;
    return true;
}

static inline void id_list_add(id_list *l, int32_t id)
{
    if (id_list_reserve(l, 1)) l->ids[l->n++] = id;
}

static inline void id_list_add_all(id_list *l, const id_list *more)
{
    for (size_t i = 0; i < more->n; i++) id_list_add(l, more->ids[i]);
}

#endif
