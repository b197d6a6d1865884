/* jinja_filters_urlize.c - the filter urlize: addresses in a text become links.
 *
 * Jinja's regular expressions define an address (jinja2.utils, _http_re and _email_re). Here each is a walk without
 * backtracking, so that time is linear: a host ends at the first character that no label may contain, and only then the
 * matching alternative is determined. */
#include <string.h>

#include "jinja/builtins/jinja_builtins.h"
#include "jinja/str/jinja_format.h"
#include "jinja/str/jinja_text.h"
#include "jinja/str/jinja_unicode.h"

/* ---- Addresses ---- */

typedef struct span {
    const char *p, *end;
} span;

static bool span_starts(span s, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(s.end - s.p) >= n && !memcmp(s.p, text, n);
}

static bool span_ends(span s, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(s.end - s.p) >= n && !memcmp(s.end - n, text, n);
}

static size_t span_count(span s, const char *text)
{
    size_t n = strlen(text), count = 0;
    for (const char *p = s.p; (size_t)(s.end - p) >= n;) {
        bool found = !memcmp(p, text, n);
        count += found;
        p += found ? n : 1;
    }
    return count;
}

static bool is_tld_letter(int32_t c) /* [a-z] without regard to case, as Unicode folds it */
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == 0x17f || c == 0x212a;
}

/* One label of a host's name: its length in characters, and the kinds of its characters. */
typedef struct label {
    size_t n;
    bool letters, digits, word; /* all are: [a-z], \d, [\w%] */
    span text;
} label;

static label next_label(span *host)
{
    label l = { .letters = true, .digits = true, .word = true, .text = { host->p, host->p } };
    while (host->p < host->end && *host->p != '.') {
        int32_t c = jinja_decode(&host->p);
        l.letters &= is_tld_letter(c);
        l.digits &= jinja_is_decimal(c);
        l.word &= c == '%' || jinja_is_word(c);
        l.n++;
    }
    l.text.end = host->p;
    return l;
}

static bool label_is_one_of(label l, const char *const *names)
{
    for (; *names; names++)
        if ((size_t)(l.text.end - l.text.p) == strlen(*names) && !strncasecmp(l.text.p, *names, strlen(*names)))
            return true;
    return false;
}

/* Whether the host is one that a link may lead to: by name (after a scheme or "www."), by one of the old top-level
 * domains (without), or by an IPv4 address. */
static bool is_host(span host, bool scheme, bool www)
{
    static const char *const old[] = { "com", "net", "int", "edu", "gov", "org", "info", "mil", NULL };
    bool filled = true, sized = true, ipv4 = true;
    for (int n = 1;; n++) {
        label l = next_label(&host);
        ipv4 &= l.digits && l.n >= 1 && l.n <= 3;
        if (host.p == host.end) {
            bool idna = span_starts(l.text, "xn--") && l.n >= 4 + 2 && l.n <= 4 + 59;
            for (const char *p = l.text.p + 4; idna && p < l.text.end;) {
                int32_t c = jinja_decode(&p);
                idna = c == '%' || jinja_is_word(c);
            }
            bool by_name = filled && ((l.letters && l.n >= 2 && l.n <= 63) || idna);
            if ((scheme || www) && by_name) return true;
            return (sized && n > 1 && label_is_one_of(l, old) && !scheme) || (ipv4 && n == 4 && scheme);
        }
        host.p++; /* the dot */
        filled &= l.n > 0;
        sized &= l.n >= 2 && l.n <= 63;
    }
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* "[...]" at p, as Jinja knows IPv6: two groups with colons, then one to six groups whose colon may be missing, of up
 * to four digits each. Its end, or NULL. */
static const char *skip_ipv6(const char *p, const char *end)
{
    int groups = 0;
    for (p++; p < end && *p != ']';) {
        int digits = 0;
        while (p < end && is_hex(*p)) p++, digits++;
        bool colon = p < end && *p == ':';
        if (!colon && digits == 0) return NULL;
        if (groups < 2 && (digits > 4 || !colon)) return NULL;
        groups += groups < 2 ? 1 : digits > 4 ? (digits + 3) / 4 : 1;
        p += colon;
    }
    return p < end && groups >= 2 && groups <= 8 ? p + 1 : NULL;
}

/* Whether a host may end at p: a port, a path or nothing follows. */
static bool ends_address(const char *p, const char *end)
{
    if (p < end && *p == ':') {
        int n = 0;
        for (p++; p < end && n < 6; n++) {
            const char *q = p;
            if (!jinja_is_decimal(jinja_decode(&q))) break;
            p = q;
        }
        if (n < 1 || n > 5) return false;
    }
    return p == end || *p == '/' || *p == '?' || *p == '#';
}

static bool is_address(span s)
{
    bool www = s.end - s.p >= 4 && !strncasecmp(s.p, "www.", 4);
    size_t scheme = s.end - s.p >= 7 && !strncasecmp(s.p, "http://", 7)    ? 7
                    : s.end - s.p >= 8 && !strncasecmp(s.p, "https://", 8) ? 8
                                                                           : 0;
    span host = { s.p + scheme, s.p + scheme };
    if (scheme && host.p < s.end && *host.p == '[') {
        const char *behind = skip_ipv6(host.p, s.end);
        return behind && ends_address(behind, s.end);
    }
    while (host.end < s.end) {
        const char *q = host.end;
        int32_t c = jinja_decode(&q);
        if (c != '.' && c != '-' && c != '%' && !jinja_is_word(c)) break;
        host.end = q;
    }
    if (!ends_address(host.end, s.end)) return false;
    if (www && is_host((span){ s.p + 4, host.end }, false, true)) return true;
    return is_host(host, scheme > 0, false);
}

/* \S+@\w[\w.-]*\.\w+ */
static bool is_mail(span s)
{
    const char *at = memrchr(s.p, '@', (size_t)(s.end - s.p)), *p = at ? at + 1 : NULL, *dot = NULL;
    if (!at || at == s.p || p == s.end) return false;
    bool tail = false; /* a word after the last dot */
    for (const char *first = p; p < s.end;) {
        const char *from = p;
        int32_t c = jinja_decode(&p);
        if (c != '.' && c != '-' && !jinja_is_word(c)) return false;
        if (from == first && !jinja_is_word(c)) return false;
        if (c == '.') dot = from, tail = true;
        else tail &= jinja_is_word(c);
    }
    return dot && tail && dot + 1 < s.end;
}

/* ---- Links ---- */

typedef struct urlizer {
    jinja_sb sb;
    jinja_value trim;            /* MISSING or none: addresses are shown whole */
    const jinja_str *attributes; /* rel and target */
    jinja_list *schemes;         /* NULL: none */
} urlizer;

static bool add_link(urlizer *u, const char *before, span address, const char *shown, bool attributes, bool trim)
{
    jinja *j = u->sb.j;
    jinja_sb_add_text(&u->sb, "<a href=\"");
    jinja_sb_add_text(&u->sb, before);
    jinja_sb_add(&u->sb, address.p, (size_t)(address.end - address.p));
    jinja_sb_add_text(&u->sb, "\"");
    if (attributes) jinja_sb_add_str(&u->sb, u->attributes);
    jinja_sb_add_text(&u->sb, ">");
    int64_t limit;
    const jinja_str *s = jinja_str_copy(j, shown, (size_t)(address.end - shown));
    if (!s) return false;
    if (trim && u->trim.kind != JINJA_MISSING && u->trim.kind != JINJA_NONE) {
        jinja_value cut;
        if (!jinja_arg_int(j, u->trim, 0, &limit)) return false;
        if ((int64_t)s->n_chars > limit) {
            if (!jinja_get_slice(j, jinja_of_str(s), jinja_missing(), u->trim, jinja_missing(), &cut)) return false;
            jinja_sb_add_str(&u->sb, cut.s);
            s = jinja_str_literal(j, "...");
        }
    }
    jinja_sb_add_str(&u->sb, s);
    jinja_sb_add_text(&u->sb, "</a>");
    return !u->sb.failed;
}

/* Moves closing brackets of the address from the punctuation after it back into the address. */
static void balance(span *middle, const char *end)
{
    static const char *const pairs[][2] = { { "(", ")" }, { "<", ">" }, { "&lt;", "&gt;" } };
    for (int i = 0; i < 3; i++) {
        size_t open = span_count(*middle, pairs[i][0]);
        if (open <= span_count(*middle, pairs[i][1])) continue;
        size_t n = span_count((span){ middle->end, end }, pairs[i][1]);
        for (n = n < open ? n : open; n; n--)
            middle->end = (const char *)memmem(middle->end, (size_t)(end - middle->end), pairs[i][1],
                                               strlen(pairs[i][1])) +
                          strlen(pairs[i][1]);
    }
}

static bool link_middle(urlizer *u, span m)
{
    jinja *j = u->sb.j;
    if (is_address(m)) {
        bool whole = span_starts(m, "https://") || span_starts(m, "http://");
        return add_link(u, whole ? "" : "https://", m, m.p, true, true);
    }
    if (span_starts(m, "mailto:") && is_mail((span){ m.p + 7, m.end }))
        return add_link(u, "", m, m.p + 7, false, false);
    size_t n = (size_t)(m.end - m.p);
    if (n && *m.p != '@' && !span_starts(m, "www.") && !memchr(m.p, ':', n) && is_mail(m))
        return add_link(u, "mailto:", m, m.p, false, false);
    for (size_t i = 0; u->schemes && i < u->schemes->n; i++) {
        const jinja_str *scheme = u->schemes->items[i].s;
        if (n <= scheme->n || memcmp(m.p, scheme->data, scheme->n)) continue;
        span rest = m;
        if (!add_link(u, "", rest, m.p, true, false)) return false;
        return true;
    }
    jinja_sb_add(&u->sb, m.p, n);
    return jinja_charge(j, n);
}

static bool urlize_word(urlizer *u, span word)
{
    span m = word;
    while (m.p < m.end && (*m.p == '(' || *m.p == '<' || span_starts(m, "&lt;"))) m.p += *m.p == '&' ? 4 : 1;
    jinja_sb_add(&u->sb, word.p, (size_t)(m.p - word.p));
    while (m.p < m.end && (strchr(")>.,\n", m.end[-1] ? m.end[-1] : 1) || span_ends(m, "&gt;")))
        m.end -= span_ends(m, "&gt;") ? 4 : 1;
    balance(&m, word.end);
    if (!link_middle(u, m)) return false;
    jinja_sb_add(&u->sb, m.end, (size_t)(word.end - m.end));
    return !u->sb.failed;
}

/* "[\w.+-]{2,}:/{0,2}" */
static bool is_scheme(const jinja_str *s)
{
    const char *p = s->data, *end = p + s->n;
    while (end > p && s->n - (size_t)(end - p) < 2 && end[-1] == '/') end--;
    if (end == p || *--end != ':') return false;
    size_t n = 0;
    for (; p < end; n++) {
        int32_t c = jinja_decode(&p);
        if (c != '.' && c != '+' && c != '-' && !jinja_is_word(c)) return false;
    }
    return n >= 2;
}

/* rel="..." (the words of the argument, "noopener" and perhaps "nofollow", sorted) and target="...". */
static const jinja_str *link_attributes(jinja *j, const jinja_str *rel, bool nofollow, const jinja_str *target)
{
    jinja_sb sb = { .j = j };
    const jinja_str *standard = jinja_str_literal(j, nofollow ? "nofollow noopener" : "noopener");
    jinja_list *words = standard ? jinja_text_split(j, standard, NULL, -1, false) : NULL,
               *more = words && rel ? jinja_text_split(j, rel, NULL, -1, false) : NULL;
    if (!words || (rel && !more)) return NULL;
    for (size_t i = 0; more && i < more->n; i++)
        if (!jinja_list_push(j, words, more->items[i])) return NULL;
    jinja_value *keys = jinja_alloc(j, words->n * sizeof *keys);
    if (!keys) return NULL;
    memcpy(keys, words->items, words->n * sizeof *keys);
    if (!jinja_sort(j, words->items, keys, words->n, false)) return NULL;
    jinja_sb_add_text(&sb, " rel=\"");
    for (size_t i = 0; i < words->n; i++) {
        if (i && jinja_str_equal(words->items[i].s, words->items[i - 1].s)) continue;
        const jinja_str *s = jinja_escape(j, words->items[i].s);
        if (i) jinja_sb_add(&sb, " ", 1);
        if (s) jinja_sb_add_str(&sb, s);
    }
    jinja_sb_add(&sb, "\"", 1);
    const jinja_str *s = target && target->n ? jinja_escape(j, target) : NULL;
    if (s) {
        jinja_sb_add_text(&sb, " target=\"");
        jinja_sb_add_str(&sb, s);
        jinja_sb_add(&sb, "\"", 1);
    }
    return jinja_sb_str(&sb);
}

BUILTIN(filter_urlize)
{
    BUILTIN_UNUSED;
    const jinja_str *rel, *target, *s = jinja_escape_value(j, self);
    urlizer u = { .sb = { .j = j }, .trim = arg[0] };
    if (!s || !jinja_arg_str(j, arg[3], &rel) || !jinja_arg_str(j, arg[2], &target)) return false;
    if (arg[4].kind != JINJA_MISSING && arg[4].kind != JINJA_NONE && !(u.schemes = jinja_to_list(j, arg[4])))
        return false;
    for (size_t i = 0; u.schemes && i < u.schemes->n; i++)
        if (u.schemes->items[i].kind != JINJA_STR || !is_scheme(u.schemes->items[i].s))
            return jinja_type_error(j, "|urlize: a scheme has to look like \"name:\" or \"name://\"");
    if (!(u.attributes = link_attributes(j, rel, jinja_truth(arg[1]), target)) || !jinja_charge(j, s->n * 8))
        return false;
    for (const char *p = s->data, *end = p + s->n; p < end;) {
        span word = { p, p };
        bool space = false;
        while (p < end) { /* a run of white space, or of other characters */
            const char *q = p;
            bool is = jinja_is_space(jinja_decode(&q));
            if (p == word.p) space = is;
            if (is != space) break;
            p = q;
        }
        word.end = p;
        if (space) jinja_sb_add(&u.sb, word.p, (size_t)(word.end - word.p));
        else if (!urlize_word(&u, word)) return false;
    }
    return jinja_give_str(jinja_sb_str(&u.sb), out);
}

const jinja_builtin jinja_urlize_filters[] = {
    { "urlize", "?trim_url_limit nofollow target rel extra_schemes", filter_urlize },
    { NULL, NULL, NULL },
};
