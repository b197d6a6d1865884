/* hf_vocab.c - see hf_vocab.h. */
#include "hf/tokenizer/hf_vocab.h"

#include <stdio.h>
#include <string.h>

#include "base/strmap.h"

int32_t hf_vocab_find(const hf_vocab *v, const char *text)
{
    return strmap_get(v->ids, text, strlen(text));
}

bool hf_is_byte_token(const hf_token *t)
{
    return t->n == 6 && !memcmp(t->text, "<0x", 3) && t->text[5] == '>' && t->kind == HF_NORMAL;
}
