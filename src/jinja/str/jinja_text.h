/* jinja_text.h - Python's str methods, for the methods and the filters that share them.
 *
 * All return NULL after jinja_fail(). Positions are in bytes unless a name says chars. */
#ifndef SUMI_JINJA_STR_JINJA_TEXT_H
#define SUMI_JINJA_STR_JINJA_TEXT_H

#include "jinja/eval/jinja_value.h"

typedef enum jinja_case { JINJA_UPPER, JINJA_LOWER, JINJA_TITLE, JINJA_CAPITALIZE, JINJA_SWAPCASE } jinja_case;

const jinja_str *jinja_text_case(jinja *j, const jinja_str *s, jinja_case how);
const jinja_str *jinja_text_title_words(jinja *j, const jinja_str *s); /* the filter |title: other word borders */
const jinja_str *jinja_text_casefold(jinja *j, const jinja_str *s);
/* chars: the set to strip, NULL: white space. */
const jinja_str *jinja_text_strip(jinja *j, const jinja_str *s, const jinja_str *chars, bool left, bool right);
const jinja_str *jinja_text_replace(jinja *j, const jinja_str *s, const jinja_str *old, const jinja_str *by,
                                    int64_t count); /* count < 0: all */
jinja_list *jinja_text_split(jinja *j, const jinja_str *s, const jinja_str *sep, int64_t max, bool from_right);
jinja_list *jinja_text_lines(jinja *j, const jinja_str *s, bool keep_ends);
const jinja_str *jinja_text_pad(jinja *j, const jinja_str *s, int64_t width, int32_t fill, char align); /* < > ^ */
/* First (or last) place of sub in the bytes [from, to) of s, or SIZE_MAX. */
size_t jinja_text_find(const jinja_str *s, const jinja_str *sub, size_t from, size_t to, bool last);

#endif
