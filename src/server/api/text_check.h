/* text_check.h - fields of a body that only the model and the engine can judge: which tokens there are, how many choices run at
 * once. The engine would refuse them as well, but does not know the names that fields have in an API. */
#ifndef SUMI_SERVER_API_TEXT_CHECK_H
#define SUMI_SERVER_API_TEXT_CHECK_H

#include "server/api/text_request.h"

/* False: *e is 400 and names the field. */
SUMI_MUST_USE bool text_check(const text_request *r, const sumi_model_info *model, const sumi_engine_stats *engine,
                              api_error *e);

/* The token ids of the field `field` are in the vocabulary. */
SUMI_MUST_USE bool text_check_ids(const char *field, const int32_t *ids, int32_t n_ids, int32_t n_vocab, api_error *e);

/* The field that made the engine refuse what passed text_check(): several choices need memory for each of them. */
const char *text_blamed_field(const sumi_request *params, const char *source);

#endif
