/* byte_bpe.h - byte-level BPE: merges the pieces of the pre-tokenizer by the ranks of the file.
 *
 * Idea: Radford et al. 2019 (GPT-2). Symbols begin as single bytes, so there is no unknown text. A byte without a token is
 * dropped before merging, as in `tokenizers`: SmolLM2 has no token for U+0004. */
#ifndef SUMI_TEXT_BPE_BYTE_BPE_H
#define SUMI_TEXT_BPE_BYTE_BPE_H

#include "text/bpe/bpe.h"
#include "text/bpe/bpe_forward.h"
#include "text/bpe/byte_alphabet.h"
#include "text/bpe/pair_table.h"
#include "text/id_list.h"

typedef struct byte_bpe {
    const vocab *v;
    pair_table pairs;
    byte_alphabet alphabet;
    bpe_forward forward; /* used if pieces are long; else empty */
    bool ignore_merges;  /* look for the whole piece first */
} byte_bpe;

/* v is borrowed. long_pieces: pieces span many words, so `forward` is prepared. b is safe to byte_bpe_deinit() after a
 * failure. */
SUMI_MUST_USE sumi_status byte_bpe_init(byte_bpe *b, const vocab *v, const model_source *src, bool ignore_merges,
                                        bool long_pieces, sumi_error *err);
void byte_bpe_deinit(byte_bpe *b);

/* Appends the tokens of one piece (any bytes) to out. ENOMEM. */
SUMI_MUST_USE sumi_status byte_bpe_encode(const byte_bpe *b, bpe *work, bpe_forward_work *forward, const char *piece,
                                          size_t n, id_list *out);

#endif
