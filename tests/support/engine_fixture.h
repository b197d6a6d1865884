/* engine_fixture.h - a tiny model, requests for it, and the answers that each gets alone, with which tests of the engine
 * compare. */
#ifndef TEST_ENGINE_FIXTURE_H
#define TEST_ENGINE_FIXTURE_H

#include "engine_client.h"

enum { ENGINE_PROMPTS = 12, ENGINE_OUT = 40 };

extern sumi_model *engine_model;
extern sumi_model_info engine_info;
extern int32_t engine_prompts[ENGINE_PROMPTS][64], engine_prompt_lens[ENGINE_PROMPTS];
extern client_answer engine_alone[ENGINE_PROMPTS]; /* to engine_request(i) */

/* Of a group of tests: open the model and get the answers; close it. */
int engine_set_up(void **state);
int engine_tear_down(void **state);

size_t engine_kv_bytes(int32_t n_blocks); /* of keys and values of the model */
sumi_engine_opts engine_options(void); /* small enough that several requests share a step, and a prompt takes several */
sumi_engine *engine_start(const sumi_engine_opts *opts);
sumi_request engine_request(int32_t i); /* ENGINE_OUT tokens; greedy or drawn, with and without penalties */

/* Fails the test unless all requests end and nothing is held by any. */
void engine_assert_all_free(sumi_engine *engine);

#endif
