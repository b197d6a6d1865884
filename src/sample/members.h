/* members.h - single settings of sampling: which ones a file, a command line or a request has set, and copying only
 * these. */
#ifndef SUMI_SAMPLE_MEMBERS_H
#define SUMI_SAMPLE_MEMBERS_H

#include "base/buf.h"

/* Sets of members are SUMI_SAMPLING_* of sumi.h. */

/* Copies members from one to the other. */
void sampling_take(sumi_sampling *to, const sumi_sampling *from, uint32_t members);

/* The member at this offset of sumi_sampling; 0: none of the above. */
uint32_t sampling_member_at(size_t offset);

/* "temp 0.6, top-k 20", in the names of the program's options. */
void sampling_print(const sumi_sampling *s, uint32_t members, buf *out);

#endif
