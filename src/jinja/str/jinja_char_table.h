/* jinja_char_table.h - properties of characters that Python's str uses besides the general category; see
 * jinja_char_table.c. */
#ifndef SUMI_JINJA_STR_JINJA_CHAR_TABLE_H
#define SUMI_JINJA_STR_JINJA_CHAR_TABLE_H

#include <stdint.h>

typedef struct jinja_char_range {
    int32_t first, last;
} jinja_char_range;

/* Sorted; the last range is { 0, 0 }. */
extern const jinja_char_range jinja_lower_ranges[];      /* lower case, but not Ll */
extern const jinja_char_range jinja_digit_ranges[];      /* digits, but not Nd */
extern const jinja_char_range jinja_numeric_ranges[];    /* numbers, but not N* */
extern const jinja_char_range jinja_name_start_ranges[]; /* characters of identifiers that differ from the rule by
                                                            category */
extern const jinja_char_range jinja_name_char_ranges[];

#endif
