/* jinja_filters_html.c - filters that make or strip HTML: urlencode, xmlattr, striptags.
 *
 * Character references follow HTML 5 ("Named character references"): all of those that need no semicolon (HTML's
 * Latin-1 set) and some common ones; another that ends with a semicolon is an error rather than wrong text. */
#include <stdio.h>
#include <string.h>

#include "jinja/builtins/jinja_builtins.h"
#include "jinja/str/jinja_format.h"
#include "jinja/str/jinja_text.h"
#include "jinja/str/jinja_unicode.h"

/* ---- urlencode ---- */

/* query: as in "?a=b+c", where "/" is quoted and a blank is "+". */
static void quote_url(jinja_sb *sb, const jinja_str *s, bool query)
{
    for (size_t i = 0; i < s->n && !sb->failed; i++) {
        char c = s->data[i], text[8];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && strchr("_.-~", c)) || (c == '/' && !query);
        if (plain) jinja_sb_add(sb, &c, 1);
        else if (c == ' ' && query) jinja_sb_add(sb, "+", 1);
        else jinja_sb_add(sb, text, (size_t)snprintf(text, sizeof text, "%%%02X", (unsigned char)c));
    }
}

/* "k=v" of one item, which has to be a pair. */
static bool quote_pair(jinja *j, jinja_sb *sb, jinja_value item)
{
    jinja_list *pair = jinja_to_list(j, item);
    if (!pair) return false;
    if (pair->n != 2) return jinja_type_error(j, "|urlencode needs pairs (expected 2 values, got %zu)", pair->n);
    const jinja_str *key = jinja_to_str(j, pair->items[0]), *value = jinja_to_str(j, pair->items[1]);
    if (!key || !value) return false;
    if (sb->n) jinja_sb_add(sb, "&", 1);
    quote_url(sb, key, true);
    jinja_sb_add(sb, "=", 1);
    quote_url(sb, value, true);
    return true;
}

BUILTIN(filter_urlencode)
{
    BUILTIN_UNUSED;
    jinja_sb sb = { .j = j };
    if (self.kind == JINJA_STR || !jinja_is_iterable(self)) {
        const jinja_str *s = jinja_to_str(j, self);
        if (s) quote_url(&sb, s, false);
        return s && jinja_give_str(jinja_sb_str(&sb), out);
    }
    jinja_value items = self, item;
    if (self.kind == JINJA_DICT) {
        items.kind = JINJA_VIEW;
        items.flag = JINJA_ITEMS;
    }
    jinja_iter *it = jinja_iterate(j, items);
    int got = JINJA_ITER_FAILED;
    while (it && (got = jinja_next(j, it, &item)) == JINJA_ITER_ITEM)
        if (!quote_pair(j, &sb, item)) return false;
    return got == JINJA_ITER_END && jinja_give_str(jinja_sb_str(&sb), out);
}

/* ---- xmlattr ---- */

BUILTIN(filter_xmlattr)
{
    BUILTIN_UNUSED;
    jinja_sb sb = { .j = j };
    bool space = arg[0].kind == JINJA_MISSING || jinja_truth(arg[0]);
    if (self.kind == JINJA_UNDEFINED) return jinja_fail_undefined(j, self);
    if (self.kind != JINJA_DICT)
        return jinja_type_error(j, "'%s' object has no attribute 'items'", jinja_type_name(self));
    for (size_t i = 0; i < self.dict->n && !sb.failed; i++) {
        const jinja_entry *e = &self.dict->entries[i];
        if (e->value.kind == JINJA_NONE || e->value.kind == JINJA_UNDEFINED) continue;
        if (e->key.kind != JINJA_STR) return jinja_type_error(j, "|xmlattr needs names that are strings");
        const jinja_str *name = e->key.s;
        for (size_t k = 0; k < name->n; k++)
            if (name->data[k] && strchr(" \t\n\r\f\v/>=", name->data[k]))
                return jinja_type_error(j, "invalid character in an attribute name: '%.*s'",
                                        (int)(name->n > 100 ? 100 : name->n), name->data);
        const jinja_str *key = jinja_escape_value(j, e->key), *value = jinja_escape_value(j, e->value);
        if (!key || !value) return false;
        if (sb.n || space) jinja_sb_add(&sb, " ", 1);
        jinja_sb_add_str(&sb, key);
        jinja_sb_add(&sb, "=\"", 2);
        jinja_sb_add_str(&sb, value);
        jinja_sb_add(&sb, "\"", 1);
    }
    return jinja_give_str(jinja_sb_str(&sb), out);
}

/* ---- Character references ---- */

/* The names that need no semicolon: those of U+00A0 to U+00FF in order, then some of ASCII. */
static const char latin1_names[] = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy "
                                   "reg macr deg plusmn sup2 sup3 acute "
                                   "micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest "
                                   "Agrave Aacute Acirc Atilde Auml Aring AElig "
                                   "Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde "
                                   "Ograve Oacute Ocirc Otilde Ouml times Oslash "
                                   "Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde "
                                   "auml aring aelig ccedil egrave eacute "
                                   "ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc "
                                   "otilde ouml divide oslash ugrave uacute ucirc "
                                   "uuml yacute thorn yuml ";

static const struct {
    const char *name;
    int32_t c;
    bool bare; /* also without a semicolon */
} other_names[] = {
    { "amp", '&', true },       { "AMP", '&', true },       { "lt", '<', true },         { "LT", '<', true },
    { "gt", '>', true },        { "GT", '>', true },        { "quot", '"', true },       { "QUOT", '"', true },
    { "COPY", 0xa9, true },     { "REG", 0xae, true },      { "apos", '\'', false },     { "ndash", 0x2013, false },
    { "mdash", 0x2014, false }, { "lsquo", 0x2018, false }, { "rsquo", 0x2019, false },  { "ldquo", 0x201c, false },
    { "rdquo", 0x201d, false }, { "bull", 0x2022, false },  { "hellip", 0x2026, false }, { "euro", 0x20ac, false },
    { "trade", 0x2122, false }, { "larr", 0x2190, false },  { "rarr", 0x2192, false },
};

/* The character of a name, given without its semicolon; 0: unknown name. */
static int32_t named_char(const char *name, size_t n, bool semicolon)
{
    for (size_t i = 0; i < sizeof other_names / sizeof *other_names; i++)
        if ((semicolon || other_names[i].bare) && strlen(other_names[i].name) == n &&
            !memcmp(other_names[i].name, name, n))
            return other_names[i].c;
    int32_t c = 0xa0;
    for (const char *p = latin1_names; *p; c++) {
        size_t len = strcspn(p, " ");
        if (len == n && !memcmp(p, name, n)) return c;
        p += len + 1;
    }
    return 0;
}

/* The character of a number in HTML 5: windows-1252 instead of C1, U+FFFD for invalid characters, 0 for none. */
static int32_t numbered_char(uint32_t n)
{
    static const uint16_t c1[32] = { 0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
                                     0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0x8d,   0x17d,  0x8f,
                                     0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                     0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178 };
    if (n == 0 || (n >= 0xd800 && n < 0xe000) || n > 0x10ffff) return 0xfffd;
    if (n >= 0x80 && n < 0xa0) return c1[n - 0x80];
    bool dropped = n < 9 || n == 0x0b || (n >= 0x0e && n < 0x20) || n == 0x7f || (n >= 0xfdd0 && n < 0xfdf0) ||
                   (n & 0xfffe) == 0xfffe;
    return dropped ? 0 : (int32_t)n;
}

/* "&#123;" or "&#x7b" at p: appends its character and returns the end; NULL if it is none. */
static const char *unescape_number(jinja_sb *sb, const char *p, const char *end)
{
    const char *q = p + 2, *digits;
    bool hex = q < end && (*q | 0x20) == 'x';
    uint32_t n = 0;
    q += hex;
    for (digits = q; q < end; q++) {
        int32_t digit = *q >= '0' && *q <= '9' ? *q - '0' : -1;
        char lower = *q | 0x20;
        if (hex && lower >= 'a' && lower <= 'f') digit = lower - 'a' + 10;
        if (digit < 0) break;
        if (n <= 0x10ffff) n = n * (hex ? 16 : 10) + (uint32_t)digit;
    }
    if (q == digits) return NULL;
    int32_t c = numbered_char(n);
    if (c) jinja_sb_add_char(sb, c);
    return q < end && *q == ';' ? q + 1 : q;
}

/* "&name" or "&name;" at p, in the same way. A name may have 32 characters. */
static const char *unescape_name(jinja_sb *sb, const char *p, const char *end)
{
    const char *name = p + 1, *q = name;
    bool ascii = true;
    for (int i = 0; i < 32 && q < end && !strchr("\t\n\f <&#;", *q ? *q : 1); i++) {
        bool alnum = (*q >= '0' && *q <= '9') || ((*q | 0x20) >= 'a' && (*q | 0x20) <= 'z');
        ascii &= alnum;
        jinja_decode(&q);
    }
    bool semicolon = q < end && *q == ';';
    size_t n = (size_t)(q - name);
    int32_t c = ascii ? named_char(name, n, semicolon) : 0;
    if (c) {
        jinja_sb_add_char(sb, c);
        return q + semicolon;
    }
    if (semicolon && ascii && n) {
        jinja_fail(sb->j, SUMI_EUNSUPPORTED, "the character reference '&%.*s;' is not supported", (int)n, name);
        sb->failed = true;
        return NULL;
    }
    for (; n > 1; n--) /* the longest beginning that is a name */
        if ((c = named_char(name, n, false))) {
            jinja_sb_add_char(sb, c);
            return name + n;
        }
    return NULL;
}

static const jinja_str *unescape_html(jinja *j, const jinja_str *s)
{
    jinja_sb sb = { .j = j };
    for (const char *p = s->data, *end = p + s->n; p < end && !sb.failed;) {
        const char *behind = NULL;
        if (*p == '&') {
            if (!jinja_charge(j, 512)) return NULL; /* a search in the names */
            behind = p + 1 < end && p[1] == '#' ? unescape_number(&sb, p, end) : unescape_name(&sb, p, end);
        }
        if (behind) p = behind;
        else jinja_sb_add(&sb, p++, 1);
    }
    return jinja_sb_str(&sb);
}

/* ---- striptags ---- */

/* The end of the tag or comment at from; SIZE_MAX if it never ends. */
static size_t tag_end(jinja *j, const jinja_str *s, size_t from, const jinja_str *close, const jinja_str *gt)
{
    bool comment = s->n - from >= 4 && !memcmp(s->data + from, "<!--", 4);
    size_t at = jinja_text_find(s, comment ? close : gt, from + (comment ? 4 : 0), s->n, false);
    return jinja_charge(j, 16) && at != SIZE_MAX ? at + (comment ? 3 : 1) : SIZE_MAX;
}

static const jinja_str *strip_tags(jinja *j, const jinja_str *s)
{
    const jinja_str *lt = jinja_str_literal(j, "<"), *gt = jinja_str_literal(j, ">"),
                    *close = jinja_str_literal(j, "-->");
    jinja_sb sb = { .j = j }, words = { .j = j };
    size_t pos = 0, start, end;
    if (!lt || !gt || !close || !jinja_charge(j, s->n)) return NULL;
    while ((start = jinja_text_find(s, lt, pos, s->n, false)) != SIZE_MAX) {
        if ((end = tag_end(j, s, start, close, gt)) == SIZE_MAX) break;
        jinja_sb_add(&sb, s->data + pos, start - pos);
        pos = end;
    }
    jinja_sb_add(&sb, s->data + pos, s->n - pos);
    const jinja_str *plain = jinja_sb_str(&sb);
    jinja_list *list = plain ? jinja_text_split(j, plain, NULL, -1, false) : NULL;
    for (size_t i = 0; list && i < list->n; i++) {
        if (i) jinja_sb_add(&words, " ", 1);
        jinja_sb_add_str(&words, list->items[i].s);
    }
    plain = list ? jinja_sb_str(&words) : NULL;
    return plain ? unescape_html(j, plain) : NULL;
}

BUILTIN(filter_striptags)
{
    BUILTIN_UNUSED;
    const jinja_str *s = jinja_to_str(j, self);
    return s && jinja_give_str(strip_tags(j, s), out);
}

/* Methods that a str has once it is Markup. */
BUILTIN_IS(markup_striptags, jinja_give_str(strip_tags(j, self.s), out))
BUILTIN_IS(markup_unescape, jinja_give_str(unescape_html(j, self.s), out))

const jinja_builtin jinja_markup_methods[] = {
    { "striptags", "", markup_striptags },
    { "unescape", "", markup_unescape },
    { NULL, NULL, NULL },
};

const jinja_builtin jinja_html_filters[] = {
    { "striptags", "", filter_striptags },
    { "urlencode", "", filter_urlencode },
    { "xmlattr", "?autospace", filter_xmlattr },
    { NULL, NULL, NULL },
};
