/* nfc.h - Unicode Normalization Form C (UAX 15) in linear time. */
#ifndef SUMI_TEXT_NFC_H
#define SUMI_TEXT_NFC_H

#include "sumi.h"

/* Brings text, valid UTF-8, to form C. *out is NULL if text is in that form already, else n_out bytes for the
 * caller to free(). ENOMEM. */
SUMI_MUST_USE sumi_status nfc_normalize(const char *text, size_t n, char **out, size_t *n_out);

#endif
