/* conversation.c - see conversation.h. */
#include "cli/chat/conversation.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json_read.h"
#include "base/os/new_file.h"
#include "cli/cli.h"
#include "cli/text_file.h"
#include "base/utf8.h"

enum { MAX_FILE_BYTES = 1 << 28 };

void conversation_deinit(conversation *c)
{
    conversation_cut(c, 0);
    free(c->messages);
    *c = (conversation){ 0 };
}

/* The roles of a chat, as constants: messages need not own them. NULL: another one. */
static const char *known_role(const char *role)
{
    static const char *const roles[] = { "system", "user", "assistant" };
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (role && !strcmp(role, roles[i])) return roles[i];
    return NULL;
}

static bool insert(conversation *c, int32_t at, const char *role, const char *content, size_t n_bytes)
{
    if (c->n == c->cap) {
        int32_t cap = c->cap ? c->cap * 2 : 16;
        sumi_message *messages = realloc(c->messages, (size_t)cap * sizeof *messages);
        if (!messages) return false;
        c->messages = messages;
        c->cap = cap;
    }
    char *copy = strndup(content, n_bytes);
    if (!copy) return false;
    memmove(c->messages + at + 1, c->messages + at, (size_t)(c->n - at) * sizeof *c->messages);
    c->messages[at] = (sumi_message){ .role = known_role(role), .content = copy };
    c->n++;
    return true;
}

static void remove_range(conversation *c, int32_t from, int32_t to)
{
    for (int32_t i = from; i < to; i++) free((char *)c->messages[i].content);
    memmove(c->messages + from, c->messages + to, (size_t)(c->n - to) * sizeof *c->messages);
    c->n -= to - from;
}

bool conversation_add(conversation *c, const char *role, const char *content, size_t n_bytes)
{
    return insert(c, c->n, role, content, n_bytes);
}

void conversation_cut(conversation *c, int32_t n)
{
    if (n < c->n) remove_range(c, n, c->n);
}

bool conversation_has_system(const conversation *c)
{
    return c->n > 0 && !strcmp(c->messages[0].role, "system");
}

bool conversation_set_system(conversation *c, const char *content)
{
    if (conversation_has_system(c)) remove_range(c, 0, 1);
    return content[0] == '\0' || insert(c, 0, "system", content, strlen(content));
}

bool conversation_drop_oldest(conversation *c)
{
    int32_t from = conversation_has_system(c), to = from + 1;
    while (to < c->n && strcmp(c->messages[to].role, "user") != 0) to++;
    if (to >= c->n) return false;
    remove_range(c, from, to);
    return true;
}

sumi_status conversation_save(const conversation *c, const char *path, sumi_error *err)
{
    json_t *list = json_array();
    sumi_status st = list ? SUMI_OK : SUMI_ENOMEM;
    for (int32_t i = 0; st == SUMI_OK && i < c->n; i++) {
        const char *content = c->messages[i].content;
        json_t *m = json_pack("{s:s, s:s}", "role", c->messages[i].role, "content", content);
        if (json_array_append_new(list, m) == 0) continue;
        st = utf8_valid_prefix(content, strlen(content)) == strlen(content) ? SUMI_ENOMEM : SUMI_EINVAL;
        if (st == SUMI_EINVAL) sumi_fail(err, st, "message %d is not valid UTF-8 and cannot be saved", (int)i + 1);
    }
    char *text = st == SUMI_OK ? json_write(list, JSON_INDENT(2)) : NULL;
    json_decref(list);
    if (st == SUMI_ENOMEM || (st == SUMI_OK && !text)) return sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", path);
    if (st != SUMI_OK) return st;
    st = new_file_write_whole(path, NEW_FILE_OVERWRITE | NEW_FILE_SPECIAL, text, strlen(text), err);
    free(text);
    return st;
}

sumi_status conversation_load(conversation *c, const char *path, sumi_error *err)
{
    char *text;
    size_t n_bytes, i;
    json_error_t why;
    json_t *item;
    conversation loaded = { 0 };
    sumi_status st = cli_read_text(path, MAX_FILE_BYTES, &text, &n_bytes, err);
    if (st != SUMI_OK) return st;
    json_t *list = json_read(text, n_bytes, 0, &why);
    free(text);
    if (!list) return json_read_fail(err, &why, SUMI_EFORMAT, path);
    if (!json_is_array(list)) st = sumi_fail(err, SUMI_EFORMAT, "%s: not an array of messages", path);
    for (i = 0; st == SUMI_OK && i < json_array_size(list); i++) {
        item = json_array_get(list, i);
        const char *role = known_role(json_string_value(json_object_get(item, "role")));
        const char *content = json_string_value(json_object_get(item, "content"));
        if (!role || !content)
            st = sumi_fail(err, SUMI_EFORMAT, "%s: message %zu needs a role (system, user, assistant) and a content",
                           path, i + 1);
        else if (!conversation_add(&loaded, role, content, strlen(content)))
            st = sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", path);
    }
    json_decref(list);
    if (st == SUMI_OK) {
        conversation_deinit(c);
        *c = loaded;
    } else {
        conversation_deinit(&loaded);
    }
    return st;
}
