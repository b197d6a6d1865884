/* jinja_format.h - Python's two ways to format: "%s" % values and "{}".format(values); and HTML escapes. */
#ifndef SUMI_JINJA_STR_JINJA_FORMAT_H
#define SUMI_JINJA_STR_JINJA_FORMAT_H

#include "jinja/eval/jinja_eval.h"

const jinja_str *jinja_escape(jinja *j, const jinja_str *s);  /* & < > ' " as HTML entities; NULL after jinja_fail() */
const jinja_str *jinja_escape_value(jinja *j, jinja_value v); /* str(v), escaped unless it is Markup */
bool jinja_format_percent(jinja *j, jinja_value format, jinja_value values, jinja_value *out);
bool jinja_format_braces(jinja *j, jinja_value format, const jinja_args *args, jinja_value *out);

#endif
