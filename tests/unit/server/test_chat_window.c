/* test_chat_window.c - a chat without its oldest turns. */
#include "server/api/chat_window.h"

#include <string.h>

#include "test_support.h"

/* The roles' first letters, "su" for system and user, as messages that are numbered. */
static json_t *chat(const char *roles)
{
    json_t *list = json_array();
    for (const char *c = roles; *c; c++) {
        const char *role = *c == 's' ? "system" : *c == 'u' ? "user" : *c == 'a' ? "assistant" : "tool";
        json_array_append_new(list, json_pack("{s:s,s:i}", "role", role, "content", (int)(c - roles)));
    }
    return list;
}

static void expect(const char *roles, int32_t n_dropped, const char *kept)
{
    char got[32] = "";
    json_t *all = chat(roles), *rest = chat_without_oldest(all, n_dropped), *m;
    size_t i;
    json_array_foreach(rest, i, m) got[i] = (char)('0' + json_integer_value(json_object_get(m, "content")));
    if (strcmp(got, kept) != 0) fail_msg("%s without %d turns is %s, not %s", roles, n_dropped, got, kept);
    json_decref(rest);
    json_decref(all);
}

static void turns_go_from_the_oldest_on(void **state)
{
    (void)state;
    expect("uauau", 0, "01234");
    expect("uauau", 1, "234");
    expect("uauau", 2, "4");
}

static void messages_of_the_system_stay(void **state)
{
    (void)state;
    expect("suausu", 1, "0345");
    expect("suausu", 2, "045");
}

static void answers_and_results_of_tools_go_with_their_question(void **state)
{
    (void)state;
    expect("uatau", 1, "4");
    expect("auau", 1, "3");
    expect("auau", 0, "0123");
}

static void turns_are_counted(void **state)
{
    (void)state;
    json_t *all = chat("sauatau");
    assert_int_equal(chat_n_turns(all), 2);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_go_from_the_oldest_on),
        cmocka_unit_test(messages_of_the_system_stay),
        cmocka_unit_test(answers_and_results_of_tools_go_with_their_question),
        cmocka_unit_test(turns_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
