/* ref.c - see ref.h. */
#include "store/ref.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"

static const struct {
    const char *prefix;
    ref_kind kind;
} prefixes[] = {
    /* if several prefixes match, the first one counts */
    { "hf:", REF_HF },
    { "hf.co/", REF_HF },
    { "huggingface.co/", REF_HF },
    { "https://hf.co/", REF_HF },
    { "https://huggingface.co/", REF_HF },
    { "ollama:", REF_OLLAMA },
    { "ollama.com/library/", REF_OLLAMA },
    { "https://ollama.com/library/", REF_OLLAMA },
    { "http://", REF_URL },
    { "https://", REF_URL },
};

/* The text after the prefix, and its kind; NULL: not a reference. */
static const char *strip_prefix(const char *text, ref_kind *kind)
{
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t n = strlen(prefixes[i].prefix);
        if (strncasecmp(text, prefixes[i].prefix, n) != 0) continue;
        *kind = prefixes[i].kind;
        return text + n;
    }
    return NULL;
}

bool ref_is(const char *text)
{
    ref_kind kind;
    return strip_prefix(text, &kind) != NULL;
}

/* Copies a plain name; false: it is not a plain name. */
static bool take(char out[NAME_MAX_PART + 1], const char *text, size_t n)
{
    if (!name_is_plain(text, n)) return false;
    memcpy(out, text, n);
    out[n] = '\0';
    return true;
}

/* The rest of a path on the hub's pages: "blob/REVISION/FILE", with tree, raw and resolve as well; or just a file. */
static bool take_page(model_ref *r, const char *rest)
{
    static const char *const pages[] = { "blob/", "resolve/", "raw/", "tree/" };
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        size_t n = strlen(pages[i]);
        if (strncmp(rest, pages[i], n) != 0) continue;
        rest += n;
        n = strcspn(rest, "/");
        if (!take(r->revision, rest, n)) return false;
        if (!strcmp(r->revision, "main")) r->revision[0] = '\0';
        rest += n + (rest[n] == '/');
        break;
    }
    size_t n = strcspn(rest, "?#"); /* "?download=true" */
    return n <= NAME_MAX_PATH &&
           (snprintf(r->what, sizeof r->what, "%.*s", (int)n, rest), n == 0 || name_is_path(r->what));
}

static bool parse_hf(model_ref *r, const char *text)
{
    if (!strncmp(text, "//", 2)) text += 2;
    size_t n = strcspn(text, "/");
    if (text[n] != '/' || !take(r->owner, text, n)) return false;
    text += n + 1;
    n = strcspn(text, "/:@");
    if (!take(r->name, text, n)) return false;
    text += n;
    if (*text == '@') {
        n = strcspn(++text, "/:");
        if (!take(r->revision, text, n)) return false;
        text += n;
    }
    if (strlen(r->name) + 1 + strlen(r->revision) > NAME_MAX_PART) return false; /* together they name a folder */
    if (*text == ':') {
        if (strlen(text + 1) > NAME_MAX_PATH) return false;
        snprintf(r->what, sizeof r->what, "%s", text + 1);
        return name_is_path(r->what);
    }
    if (*text == '\0') return true;
    return take_page(r, text + 1) && strlen(r->name) + 1 + strlen(r->revision) <= NAME_MAX_PART;
}

/* "host.name:5000": plain but for the port. */
static bool take_host(char out[NAME_MAX_PART + 1], const char *text, size_t n)
{
    const char *colon = memchr(text, ':', n);
    size_t n_name = colon ? (size_t)(colon - text) : n, n_port = n - n_name;
    if (n > NAME_MAX_PART || !name_is_plain(text, n_name) || n_port > 6) return false;
    if (colon && (n_port < 2 || strspn(colon + 1, "0123456789") < n_port - 1)) return false;
    memcpy(out, text, n);
    out[n] = '\0';
    return true;
}

static bool parse_ollama(model_ref *r, const char *text)
{
    if (!strncmp(text, "//", 2)) text += 2;
    const char *last = name_base(text), *colon = strchr(last, ':');
    size_t n = colon ? (size_t)(colon - last) : strlen(last);
    const char *tag = colon ? colon + 1 : "latest";
    if (!take(r->name, last, n) || !name_is_plain(tag, strlen(tag))) return false;
    strcpy(r->what, tag);
    strcpy(r->owner, "library");
    strcpy(r->host, REF_OLLAMA_HOST);
    if (last == text) return true;
    const char *slash = memchr(text, '/', (size_t)(last - 1 - text));
    const char *owner = slash ? slash + 1 : text;
    if (!take(r->owner, owner, (size_t)(last - 1 - owner))) return false;
    return !slash || take_host(r->host, text, (size_t)(slash - text));
}

static bool parse_url(model_ref *r, const char *text, const char *rest)
{
    size_t n = strcspn(text, "#");
    if (n >= sizeof r->url) return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f) return false;
    snprintf(r->url, sizeof r->url, "%.*s", (int)n, text);
    n = strcspn(rest, "/?#");
    if (rest[n] != '/' || !take_host(r->host, rest, n)) return false; /* no '@': a password does not belong here */
    rest += n + 1;
    n = strcspn(rest, "?#");
    char path[REF_MAX_URL];
    snprintf(path, sizeof path, "%.*s", (int)n, rest);
    const char *base = name_base(path);
    if (!name_is_part(base, strlen(base))) return false;
    snprintf(r->what, sizeof r->what, "%s", base);
    return true;
}

sumi_status ref_parse(model_ref *r, const char *text, sumi_error *err)
{
    static const char *const how[] = {
        [REF_URL] = "a URL is https://HOST/PATH/FILE.gguf",
        [REF_HF] = "a model of the Hugging Face hub is hf:OWNER/NAME[@REVISION][:TAG or FILE]",
        [REF_OLLAMA] = "a model of an Ollama registry is ollama:[NAMESPACE/]NAME[:TAG]",
    };
    memset(r, 0, sizeof *r);
    const char *rest = strip_prefix(text, &r->kind);
    if (!rest && !strchr(text, '/')) { /* NAME[:TAG]: only Ollama's registry has names without an owner */
        r->kind = REF_OLLAMA;
        rest = text;
    }
    if (!rest)
        return sumi_fail(err, SUMI_EINVAL,
                         "'%.100s' is not a reference to a model; did you mean 'hf:%.100s' or 'ollama:%.100s'?", text,
                         text, text);
    bool ok = r->kind == REF_HF       ? parse_hf(r, rest)
              : r->kind == REF_OLLAMA ? parse_ollama(r, rest)
                                      : parse_url(r, text, rest);
    if (ok) return SUMI_OK;
    return sumi_fail(err, SUMI_EINVAL, "'%.200s': %s", text, how[r->kind]);
}

/* The folders of a URL's path: "url/HOST/a/b". */
static bool url_folder(const model_ref *r, char *out, size_t n_out)
{
    const char *path = strstr(r->url, "//") + 2;
    path += strcspn(path, "/") + 1;
    size_t n = strcspn(path, "?");
    const char *end = memrchr(path, '/', n);
    int used = snprintf(out, n_out, "url/%s", r->host);
    if (end) snprintf(out + used, n_out - (size_t)used, "/%.*s", (int)(end - path), path);
    for (char *c = out; *c; c++)
        if (*c == ':') *c = '_'; /* of the port */
    return name_is_path(out);
}

sumi_status ref_folder(const model_ref *r, char *out, size_t n_out, sumi_error *err)
{
    int n = 0;
    switch (r->kind) {
    case REF_HF:
        n = snprintf(out, n_out, "hf/%s/%s%s%s", r->owner, r->name, *r->revision ? "@" : "", r->revision);
        break;
    case REF_OLLAMA:
        n = snprintf(out, n_out, "ollama/%s/%s/%s/%s", r->host, r->owner, r->name, r->what);
        for (char *c = out; *c; c++)
            if (*c == ':') *c = '_';
        break;
    case REF_URL:
        if (n_out > REF_MAX_URL + NAME_MAX_PATH && url_folder(r, out, n_out)) return SUMI_OK;
        return sumi_fail(err, SUMI_EINVAL,
                         "'%.200s': the path of the URL has too many folders, is too long or has forbidden names",
                         r->url);
    }
    if (n > 0 && (size_t)n < n_out) return SUMI_OK;
    return sumi_fail(err, SUMI_EINVAL, "the name of the model is too long");
}
