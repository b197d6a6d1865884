/* jinja_format_spec.h - formats one value by a format specification; shared by "%5.2f" and "{:>5.2f}". */
#ifndef SUMI_JINJA_STR_JINJA_FORMAT_SPEC_H
#define SUMI_JINJA_STR_JINJA_FORMAT_SPEC_H

#include "jinja/eval/jinja_value.h"

typedef struct jinja_spec {
    int32_t fill;             /* a character */
    char align;               /* < > ^ =, 0: the default of the type */
    char sign;                /* + - or a blank, else 0 */
    bool alt;                 /* # */
    bool no_negative_zero;    /* z */
    char group;               /* , or _ between digits, else 0 */
    int64_t width, precision; /* -1: none */
    char type;                /* 0: none */
} jinja_spec;

/* v by the conversion s, r or a: str(v), repr(v), or repr(v) with escapes for all characters but ASCII. */
const jinja_str *jinja_convert(jinja *j, jinja_value v, char conversion);

/* They append to sb; false after jinja_fail(). */
void jinja_put_text(jinja_sb *sb, jinja_spec f, const jinja_str *s, char default_align);
bool jinja_put_int(jinja_sb *sb, jinja_spec f, int64_t i);  /* type b d o x X; a precision is a minimum number of
                                                                digits */
bool jinja_put_float(jinja_sb *sb, jinja_spec f, double v); /* type e E f F g G % or none */
bool jinja_put_char(jinja_sb *sb, jinja_spec f, int64_t c);

#endif
