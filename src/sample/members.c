/* members.c - see members.h. */
#include "sample/members.h"

#include <string.h>

static const struct member {
    uint32_t bit;
    const char *name;
    size_t offset, n_bytes;
    bool is_real;
} members[] = {
#define MEMBER(bit, name, field, is_real)                                                                       \
    {                                                                                                           \
        SUMI_SAMPLING_##bit, name, offsetof(sumi_sampling, field), sizeof(((sumi_sampling *)0)->field), is_real \
    }
    MEMBER(TEMPERATURE, "temp", temperature, true),
    MEMBER(TOP_K, "top-k", top_k, false),
    MEMBER(TOP_P, "top-p", top_p, true),
    MEMBER(MIN_P, "min-p", min_p, true),
    MEMBER(TYPICAL_P, "typical", typical_p, true),
    MEMBER(REPEAT_PENALTY, "repeat-penalty", repeat_penalty, true),
    MEMBER(PENALTY_LAST_N, "repeat-last-n", penalty_last_n, false),
    MEMBER(FREQUENCY_PENALTY, "frequency-penalty", frequency_penalty, true),
    MEMBER(PRESENCE_PENALTY, "presence-penalty", presence_penalty, true),
    MEMBER(SEED, "seed", seed, false),
#undef MEMBER
};

enum { N_MEMBERS = sizeof members / sizeof *members };

void sampling_take(sumi_sampling *to, const sumi_sampling *from, uint32_t set)
{
    for (int i = 0; i < N_MEMBERS; i++)
        if (set & members[i].bit)
            memcpy((char *)to + members[i].offset, (const char *)from + members[i].offset, members[i].n_bytes);
}

uint32_t sampling_member_at(size_t offset)
{
    for (int i = 0; i < N_MEMBERS; i++)
        if (members[i].offset == offset) return members[i].bit;
    return 0;
}

void sampling_print(const sumi_sampling *s, uint32_t set, buf *out)
{
    for (int i = 0; i < N_MEMBERS; i++) {
        const struct member *m = &members[i];
        float real;
        int32_t count;
        if (!(set & m->bit)) continue;
        if (out->n) buf_append_str(out, ", ");
        memcpy(&real, (const char *)s + m->offset, sizeof real);
        memcpy(&count, (const char *)s + m->offset, sizeof count);
        if (m->is_real) buf_printf(out, "%s %g", m->name, (double)real);
        else if (m->bit == SUMI_SAMPLING_SEED) buf_printf(out, "%s %llu", m->name, (unsigned long long)s->seed);
        else buf_printf(out, "%s %d", m->name, count);
    }
}
