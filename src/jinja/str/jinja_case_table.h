/* jinja_case_table.h - case mappings of one character to several; see jinja_case_table.c. */
#ifndef SUMI_JINJA_STR_JINJA_CASE_TABLE_H
#define SUMI_JINJA_STR_JINJA_CASE_TABLE_H

#include <stdint.h>

typedef struct jinja_case_row {
    int32_t c;
    int32_t upper[3], lower[3], title[3]; /* 0 after the last one */
} jinja_case_row;

extern const jinja_case_row jinja_case_table[]; /* sorted by c */
extern const int jinja_case_table_rows;

#endif
