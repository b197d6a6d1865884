/* reply_support.h - a reply of the server in a test: made from a body, fed with events, compared byte for byte. */
#ifndef SUMI_TEST_REPLY_SUPPORT_H
#define SUMI_TEST_REPLY_SUPPORT_H

#include "server/api/reply.h"
#include "test_support.h"

typedef struct test_reply {
    const answer_format *format;
    void *reply;
    buf out;        /* what a stream was sent */
    job_usage used; /* of the parts that have ended */
} test_reply;

/* For model "m", with the id "x", made 7 s after 1970; prompts have five tokens each. */
test_reply reply_open(text_parse_fn parse, reply_create_fn create, const answer_format *format, const char *body);
void reply_piece(test_reply *t, int32_t part, int32_t choice, const char *text);
/* stop: the stop string that was found, or NULL. */
void reply_choice_ends(test_reply *t, int32_t part, int32_t choice, sumi_finish finish, const char *stop);
/* 5 tokens of a prompt, 2 of them cached, and 3 of an answer; 1 + 2 + 3 ms, so 6. */
void reply_ends(test_reply *t, int32_t part, sumi_finish finish, const char *why);

/* The last call for t. A stream was sent want; or the whole answer is want; or it failed with status. */
void assert_streamed(test_reply *t, const char *want);
void assert_whole(test_reply *t, const char *want);
void assert_failed(test_reply *t, int status);

#endif
