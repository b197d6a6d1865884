/* normalize.h - normalises text before it is cut, as vocabularies require: the four Unicode normalization forms (UAX 15),
 * lower case, and letters without their accents.
 *
 * All functions take valid UTF-8. If the text is normalised already, *out is NULL; else it has n_out bytes and a NUL, and
 * the caller frees it. Time is linear in the text. ENOMEM is the only error. */
#ifndef SUMI_TEXT_NORMALIZE_H
#define SUMI_TEXT_NORMALIZE_H

#include "sumi.h"

/* D: decomposed; C: composed again; K: compatibility characters such as ligatures are replaced, too. */
typedef enum normal_form { NORMAL_NFD, NORMAL_NFC, NORMAL_NFKD, NORMAL_NFKC } normal_form;

SUMI_MUST_USE sumi_status normalize_form(normal_form form, const char *text, size_t n, char **out, size_t *n_out);

/* Each character becomes its lower case by itself, as the normalizer Lowercase of `tokenizers` does: a capital
 * sigma becomes the small one of the middle of a word wherever it stands. U+0130 becomes two characters. */
SUMI_MUST_USE sumi_status normalize_lower(const char *text, size_t n, char **out, size_t *n_out);

/* Form D without nonspacing marks (category Mn): BERT's strip_accents. The result stays decomposed. */
SUMI_MUST_USE sumi_status normalize_strip_accents(const char *text, size_t n, char **out, size_t *n_out);

#endif
