/* byte_bpe.c - see byte_bpe.h. */
#include "text/bpe/byte_bpe.h"

/* ignore_merges looks up pieces of up to this many bytes; vocabularies have no token above 256 bytes. */
#define WHOLE_PIECE_BYTES 1024

sumi_status byte_bpe_init(byte_bpe *b, const vocab *v, const model_source *src, bool ignore_merges, bool long_pieces,
                          sumi_error *err)
{
    *b = (byte_bpe){ .v = v, .ignore_merges = ignore_merges };
    byte_alphabet_init(&b->alphabet);
    pair_merge *merges = NULL;
    size_t n_merges = 0;
    sumi_status status = pair_table_init(&b->pairs, v, src, long_pieces ? &merges : NULL, &n_merges, err);
    if (!status && long_pieces) status = bpe_forward_init(&b->forward, v, &b->pairs, merges, n_merges, err);
    free(merges);
    return status;
}

void byte_bpe_deinit(byte_bpe *b)
{
    bpe_forward_deinit(&b->forward);
    pair_table_deinit(&b->pairs);
}

/* The token that is the whole piece, or -1. */
static int32_t find_whole(const byte_bpe *b, const char *piece, size_t n)
{
    char symbol[2 * WHOLE_PIECE_BYTES];
    size_t n_symbol = 0;
    if (n > WHOLE_PIECE_BYTES) return -1;
    for (size_t i = 0; i < n; i++) {
        uint8_t byte = (uint8_t)piece[i];
        symbol[n_symbol++] = b->alphabet.utf8[byte][0];
        if (b->alphabet.utf8_bytes[byte] > 1) symbol[n_symbol++] = b->alphabet.utf8[byte][1];
    }
    return vocab_find(b->v, symbol, n_symbol);
}

static uint32_t pair_rank(const void *user, const bpe_symbol *left, const bpe_symbol *right, int32_t *merged)
{
    return pair_table_find(user, left->id, right->id, merged);
}

sumi_status byte_bpe_encode(const byte_bpe *b, bpe *work, bpe_forward_work *forward, const char *piece, size_t n,
                            id_list *out)
{
    int32_t whole = -1;
    if (n == 1) whole = b->v->byte_id[(uint8_t)piece[0]];
    else if (b->ignore_merges) whole = find_whole(b, piece, n);
    if (whole >= 0) {
        id_list_add(out, whole);
        return out->failed ? SUMI_ENOMEM : SUMI_OK;
    }
    if (!id_list_reserve(out, n)) return SUMI_ENOMEM;
    if (bpe_forward_encode(&b->forward, forward, piece, n, out)) return SUMI_OK;
    if (!bpe_reserve(work, n)) return SUMI_ENOMEM;
    size_t n_symbols = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t id = b->v->byte_id[(uint8_t)piece[i]];
        if (id >= 0) work->symbols[n_symbols++] = (bpe_symbol){ .id = id };
    }
    if (!n_symbols) return SUMI_OK;
    if (bpe_merge(work, n_symbols, pair_rank, &b->pairs)) return SUMI_ENOMEM;
    for (int32_t i = 0; i >= 0; i = work->symbols[i].next) out->ids[out->n++] = work->symbols[i].id;
    return SUMI_OK;
}
