/* jinja_lexer.c - see jinja_lexer.h.
 *
 * Three states: text up to the next "{{", "{%" or "{#"; inside "{{ }}"; inside "{% %}". Comments and the marks of raw blocks
 * give no tokens. Whitespace control is done here, too:
 *   "{%-" strips white space before it, "-%}" white space after it;
 *   trim_blocks: the newline directly after "%}" and "#}" is removed ("+%}" keeps it);
 *   lstrip_blocks: blanks between the start of a line and "{%" or "{#" are removed ("{%+" keeps them). */
#include "jinja/parse/jinja_lexer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hex.h"
#include "jinja/str/jinja_unicode.h"

const char *jinja_token_text(jinja_token_kind kind)
{
    static const char *const texts[] = {
#define JINJA_TOKEN_TEXT(name, text) text,
        JINJA_TOKEN_LIST(JINJA_TOKEN_TEXT)
#undef JINJA_TOKEN_TEXT
    };
    return texts[kind];
}

static sumi_status fail(jinja_lexer *lx, int32_t line, const char *what)
{
    return sumi_fail(lx->err, SUMI_EFORMAT, "%s: line %d: %s", lx->name, (int)line, what);
}

sumi_status jinja_lexer_init(jinja_lexer *lx, jinja_arena *arena, const char *source, size_t n_bytes, const char *name,
                             sumi_error *err)
{
    *lx = (jinja_lexer){ .arena = arena, .name = name, .line = 1, .err = err };
    if (!jinja_utf8_valid(source, n_bytes)) return sumi_fail(err, SUMI_EFORMAT, "%s: is not UTF-8 text", name);
    char *copy = jinja_arena_alloc(arena, n_bytes + 1);
    if (!copy) return sumi_fail(err, arena->status, "%s: no memory for %zu bytes of source", name, n_bytes);
    size_t n = 0;
    for (size_t i = 0; i < n_bytes; i++) {
        if (source[i] == '\r') {
            copy[n++] = '\n';
            if (i + 1 < n_bytes && source[i + 1] == '\n') i++;
        } else {
            copy[n++] = source[i];
        }
    }
    if (n > 0 && copy[n - 1] == '\n') n--; /* keep_trailing_newline is off */
    copy[n] = '\0';                        /* stops the scans below, which read at most a few bytes ahead */
    lx->src = copy;
    lx->n = n;
    return SUMI_OK;
}

/* Moves to pos, counting lines. */
static void move_to(jinja_lexer *lx, size_t pos)
{
    const char *p = lx->src + lx->pos, *end = lx->src + pos;
    while ((p = memchr(p, '\n', (size_t)(end - p)))) {
        lx->line++;
        p++;
    }
    lx->pos = pos;
}

static size_t skip_space(const jinja_lexer *lx, size_t pos)
{
    while (pos < lx->n) {
        const char *p = lx->src + pos;
        if (!jinja_is_space(jinja_decode(&p))) break;
        pos = (size_t)(p - lx->src);
    }
    return pos;
}

static bool at(const jinja_lexer *lx, size_t pos, const char *text)
{
    size_t n = strlen(text);
    return n <= lx->n - pos && memcmp(lx->src + pos, text, n) == 0;
}

/* The position after an end mark ("%}" or "#}") at pos, with its sign; 0: no end mark. A "+" sign needs plus. */
static size_t skip_end_mark(const jinja_lexer *lx, size_t pos, const char *mark, bool plus)
{
    if (at(lx, pos, mark)) {
        pos += 2;
        return pos < lx->n && lx->src[pos] == '\n' ? pos + 1 : pos;
    }
    if (pos >= lx->n) return 0;
    if (lx->src[pos] == '-' && at(lx, pos + 1, mark)) return skip_space(lx, pos + 3);
    if (plus && lx->src[pos] == '+' && at(lx, pos + 1, mark)) return pos + 3;
    return 0;
}

/* If "{%" at pos opens the tag word ("raw" or "endraw"): the position after the whole tag, else 0. */
static size_t skip_raw_tag(const jinja_lexer *lx, size_t pos, const char *word)
{
    pos += 2;
    if (pos < lx->n && (lx->src[pos] == '-' || lx->src[pos] == '+')) pos++;
    pos = skip_space(lx, pos);
    if (!at(lx, pos, word)) return 0;
    pos = skip_space(lx, pos + strlen(word));
    if (!strcmp(word, "endraw")) return skip_end_mark(lx, pos, "%}", true);
    if (at(lx, pos, "%}")) return pos + 2; /* the newline after a raw tag is text */
    if (at(lx, pos, "-%}")) return skip_space(lx, pos + 3);
    return 0;
}

/* The end of the text [start, end) after whitespace control before a tag with this sign. */
static size_t strip_before_tag(const jinja_lexer *lx, size_t start, size_t end, char sign, bool is_variable)
{
    const char *first = lx->src + start, *p = lx->src + end;
    if (sign == '-') {
        while (p > first) {
            const char *q = p;
            if (!jinja_is_space(jinja_decode_back(&q))) break;
            p = q;
        }
        return (size_t)(p - lx->src);
    }
    if (sign == '+' || is_variable) return end;
    while (p > first && p[-1] != '\n') {
        const char *q = p;
        if (!jinja_is_space(jinja_decode_back(&q))) return end;
        p = q;
    }
    bool line_starts = p > first || p == lx->src || p[-1] == '\n';
    return line_starts ? (size_t)(p - lx->src) : end;
}

static char sign_at(const jinja_lexer *lx, size_t pos)
{
    return pos < lx->n && (lx->src[pos] == '-' || lx->src[pos] == '+') ? lx->src[pos] : 0;
}

/* The position after the comment whose text starts at pos; 0: the comment never ends. "-#}" and "+#}" may share no byte
 * with "{#-". */
static size_t skip_comment(const jinja_lexer *lx, size_t pos)
{
    for (; pos < lx->n; pos++) {
        size_t end = skip_end_mark(lx, pos, "#}", true);
        if (end) return end;
    }
    return 0;
}

/* The text of a raw block up to its end tag. */
static sumi_status lex_raw(jinja_lexer *lx, jinja_token *tok)
{
    size_t start = lx->pos;
    for (size_t pos = start; pos + 1 < lx->n; pos++) {
        const char *p = memmem(lx->src + pos, lx->n - pos, "{%", 2);
        if (!p) break;
        pos = (size_t)(p - lx->src);
        size_t behind = skip_raw_tag(lx, pos, "endraw");
        if (!behind) continue;
        size_t end = strip_before_tag(lx, start, pos, sign_at(lx, pos + 2), false);
        *tok = (jinja_token){ TOKEN_DATA, lx->line, lx->src + start, end - start, 0, 0 };
        lx->in_raw = false;
        move_to(lx, behind);
        return SUMI_OK;
    }
    return fail(lx, lx->line, "a raw block never ends");
}

/* Text up to the next tag, and the tag's opening mark. Gives an empty DATA token for a comment or a raw tag. */
static sumi_status lex_text(jinja_lexer *lx, jinja_token *tok)
{
    size_t start = lx->pos, pos = start;
    for (;; pos++) {
        const char *p = memchr(lx->src + pos, '{', lx->n - pos);
        if (!p) {
            jinja_token_kind rest = start < lx->n ? TOKEN_DATA : TOKEN_END;
            *tok = (jinja_token){ rest, lx->line, lx->src + start, lx->n - start, 0, 0 };
            move_to(lx, lx->n);
            return SUMI_OK;
        }
        pos = (size_t)(p - lx->src);
        if (p[1] == '{' || p[1] == '%' || p[1] == '#') break; /* p[1] may be the final NUL */
    }
    char kind = lx->src[pos + 1], sign = sign_at(lx, pos + 2);
    size_t end = strip_before_tag(lx, start, pos, sign, kind == '{');
    *tok = (jinja_token){ TOKEN_DATA, lx->line, lx->src + start, end - start, 0, 0 };
    move_to(lx, pos);
    size_t inside = pos + 2 + (sign != 0);
    if (kind == '#') {
        size_t behind = inside == lx->n ? lx->n : skip_comment(lx, inside); /* a comment without an end is no comment */
        if (!behind) return fail(lx, lx->line, "a comment never ends");
        move_to(lx, behind);
        return SUMI_OK;
    }
    size_t behind_raw = kind == '%' ? skip_raw_tag(lx, pos, "raw") : 0;
    if (behind_raw) {
        lx->in_raw = behind_raw < lx->n; /* the same for raw text */
        move_to(lx, behind_raw);
        return SUMI_OK;
    }
    if (tok->n_bytes) return SUMI_OK; /* the next call returns the mark, because pos is still at it */
    *tok = (jinja_token){ .kind = kind == '{' ? TOKEN_VARIABLE_BEGIN : TOKEN_BLOCK_BEGIN, .line = lx->line };
    lx->state = kind == '{' ? LEX_VARIABLE : LEX_BLOCK;
    move_to(lx, inside);
    return SUMI_OK;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The position after digits, which single underscores may separate ("1_000"); pos itself if there are no digits. */
static size_t skip_digits(const jinja_lexer *lx, size_t pos, const char *digits)
{
    size_t end = pos;
    while (pos < lx->n && lx->src[pos] && strchr(digits, lx->src[pos])) {
        end = ++pos;
        if (pos < lx->n && lx->src[pos] == '_') pos++;
    }
    return end;
}

#define DECIMAL "0123456789"

/* The position after a float at pos ("1.5", "1e-3", "1_0.2e5"), or 0. */
static size_t skip_float(const jinja_lexer *lx, size_t pos)
{
    if (pos > 0 && lx->src[pos - 1] == '.') return 0; /* x.0.5 is two subscripts */
    size_t end = skip_digits(lx, pos, DECIMAL);
    bool fraction = false;
    if (end < lx->n && lx->src[end] == '.') {
        size_t more = skip_digits(lx, end + 1, DECIMAL);
        fraction = more > end + 1;
        if (fraction) end = more;
    }
    if (end < lx->n && (lx->src[end] | 0x20) == 'e') {
        size_t digits = end + 1;
        if (digits < lx->n && (lx->src[digits] == '+' || lx->src[digits] == '-')) digits++;
        size_t more = skip_digits(lx, digits, DECIMAL);
        if (more > digits) return more;
    }
    return fraction ? end : 0;
}

static size_t skip_integer(const jinja_lexer *lx, size_t pos, int *base)
{
    static const struct {
        char letter;
        int base;
        const char *digits;
    } forms[] = { { 'b', 2, "01" }, { 'o', 8, "01234567" }, { 'x', 16, "0123456789abcdefABCDEF" } };
    *base = 10;
    if (lx->src[pos] != '0') return skip_digits(lx, pos, DECIMAL);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        size_t digits = pos + 2;
        if (digits >= lx->n || (lx->src[pos + 1] | 0x20) != forms[i].letter) continue;
        if (lx->src[digits] == '_') digits++;
        size_t end = skip_digits(lx, digits, forms[i].digits);
        if (end == digits) continue;
        *base = forms[i].base;
        return end;
    }
    return skip_digits(lx, pos, "0");
}

/* The digits of [pos, end) without underscores, NUL-terminated, in the arena. */
static char *copy_digits(jinja_lexer *lx, size_t pos, size_t end)
{
    char *copy = jinja_arena_alloc(lx->arena, end - pos + 1), *q = copy;
    if (!copy) return NULL;
    for (; pos < end; pos++)
        if (lx->src[pos] != '_') *q++ = lx->src[pos];
    *q = '\0';
    return copy;
}

static sumi_status lex_number(jinja_lexer *lx, jinja_token *tok)
{
    int base = 10;
    size_t end = skip_float(lx, lx->pos);
    tok->kind = end ? TOKEN_FLOAT : TOKEN_INTEGER;
    if (!end) end = skip_integer(lx, lx->pos, &base);
    char *digits = copy_digits(lx, lx->pos, end);
    if (!digits) return sumi_fail(lx->err, lx->arena->status, "%s: line %d: out of memory", lx->name, (int)lx->line);
    move_to(lx, end);
    if (tok->kind == TOKEN_FLOAT) {
        tok->number = strtod(digits, NULL);
        return SUMI_OK;
    }
    errno = 0;
    tok->integer = strtoll(digits + (base == 10 ? 0 : 2), NULL, base);
    return errno ? fail(lx, lx->line, "a number does not fit into 64 bits") : SUMI_OK;
}

/* n_digits hexadecimal digits at *p as a character; -1: there are fewer digits, or they are no character. */
static int32_t unescape_hex(const char **p, const char *end, int n_digits)
{
    int64_t c = 0;
    for (int i = 0; i < n_digits; i++, (*p)++) {
        if (*p == end || hex_digit(**p) < 0) return -1;
        c = c << 4 | hex_digit(**p);
    }
    return c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? -1 : (int32_t)c;
}

/* One escape at *p (after the backslash), as in Python's "unicode-escape" codec. Returns the bytes written to out (room
 * for 12), or -1. An escape that Python does not know is kept with its backslash. A character outside ASCII after a
 * backslash becomes its own escape without the backslash, because Python encodes it before it decodes. */
static int unescape(const char **p, const char *end, char *out)
{
    static const char from[] = "nrtabfv\\'\"", to[] = "\n\r\t\a\b\f\v\\'\"";
    char c = *(*p)++;
    const char *known = c ? strchr(from, c) : NULL;
    if (known) {
        out[0] = to[known - from];
        return 1;
    }
    if (c == '\n') return 0;
    if (c >= '0' && c <= '7') {
        int32_t v = c - '0';
        for (int i = 0; i < 2 && *p < end && **p >= '0' && **p <= '7'; i++) v = v * 8 + *(*p)++ - '0';
        return (int)utf8_encode((uint32_t)v, out);
    }
    if (c == 'x' || c == 'u' || c == 'U') {
        int32_t v = unescape_hex(p, end, c == 'x' ? 2 : c == 'u' ? 4 : 8);
        return v < 0 ? -1 : (int)utf8_encode((uint32_t)v, out);
    }
    if (c == 'N') return -1; /* names of characters would need their table */
    out[0] = '\\';
    if (!((unsigned char)c & 0x80)) {
        out[1] = c;
        return 2;
    }
    static const char hex[] = "0123456789abcdef";
    (*p)--;
    int32_t v = jinja_decode(p);
    int n_digits = v < 0x100 ? 2 : v < 0x10000 ? 4 : 8;
    out[1] = v < 0x100 ? 'x' : v < 0x10000 ? 'u' : 'U';
    for (int i = 0; i < n_digits; i++) out[2 + i] = hex[v >> (4 * (n_digits - 1 - i)) & 15];
    return 2 + n_digits;
}

static sumi_status lex_string(jinja_lexer *lx, jinja_token *tok)
{
    char quote = lx->src[lx->pos];
    size_t pos = lx->pos + 1;
    while (pos < lx->n && lx->src[pos] != quote) pos += lx->src[pos] == '\\' && pos + 1 < lx->n ? 2 : 1;
    if (pos >= lx->n) return fail(lx, lx->line, "a string never ends");
    const char *p = lx->src + lx->pos + 1, *end = lx->src + pos;
    char *value = jinja_arena_alloc(lx->arena, (size_t)(end - p) * 2 + 12),
         *out = value; /* an escape at most doubles */
    if (!value) return sumi_fail(lx->err, lx->arena->status, "%s: line %d: out of memory", lx->name, (int)lx->line);
    while (p < end) {
        if (*p != '\\') {
            *out++ = *p++;
            continue;
        }
        p++;
        int n = unescape(&p, end, out);
        if (n < 0) return fail(lx, lx->line, "a string holds a bad escape");
        out += n;
    }
    *out = '\0';
    tok->kind = TOKEN_STRING;
    tok->text = value;
    tok->n_bytes = (size_t)(out - value);
    move_to(lx, pos + 1);
    return SUMI_OK;
}

static sumi_status lex_operator(jinja_lexer *lx, jinja_token *tok)
{
    jinja_token_kind found = TOKEN_END;
    for (jinja_token_kind k = TOKEN_ADD; k <= TOKEN_RBRACE; k++) {
        const char *text = jinja_token_text(k);
        if (at(lx, lx->pos, text) && (found == TOKEN_END || strlen(text) > strlen(jinja_token_text(found)))) found = k;
    }
    if (found == TOKEN_END) {
        const char *c = lx->src + lx->pos;
        return sumi_fail(lx->err, SUMI_EFORMAT, "%s: line %d: unexpected character '%.*s'", lx->name, (int)lx->line,
                         (int)jinja_char_bytes(c), c);
    }
    if (found == TOKEN_LPAREN || found == TOKEN_LBRACKET || found == TOKEN_LBRACE) {
        if (lx->n_brackets == JINJA_MAX_BRACKETS)
            return sumi_fail(lx->err, SUMI_ELIMIT, "%s: line %d: more than %d open brackets", lx->name, (int)lx->line,
                             JINJA_MAX_BRACKETS);
        lx->brackets[lx->n_brackets++] = found == TOKEN_LPAREN ? ')' : found == TOKEN_LBRACKET ? ']' : '}';
    } else if (found == TOKEN_RPAREN || found == TOKEN_RBRACKET || found == TOKEN_RBRACE) {
        if (lx->n_brackets == 0 || lx->brackets[lx->n_brackets - 1] != lx->src[lx->pos])
            return sumi_fail(lx->err, SUMI_EFORMAT, "%s: line %d: unexpected '%c'", lx->name, (int)lx->line,
                             lx->src[lx->pos]);
        lx->n_brackets--;
    }
    tok->kind = found;
    move_to(lx, lx->pos + strlen(jinja_token_text(found)));
    return SUMI_OK;
}

/* Inside "{{ }}" or "{% %}". */
static sumi_status lex_tag(jinja_lexer *lx, jinja_token *tok)
{
    size_t end = 0;
    bool block = lx->state == LEX_BLOCK;
    move_to(lx, skip_space(lx, lx->pos));
    if (lx->n_brackets == 0 && block) end = skip_end_mark(lx, lx->pos, "%}", true);
    if (lx->n_brackets == 0 && !block && at(lx, lx->pos, "}}")) end = lx->pos + 2;
    if (lx->n_brackets == 0 && !block && at(lx, lx->pos, "-}}")) end = skip_space(lx, lx->pos + 3);
    if (end) {
        *tok = (jinja_token){ .kind = block ? TOKEN_BLOCK_END : TOKEN_VARIABLE_END, .line = lx->line };
        lx->state = LEX_TEXT;
        move_to(lx, end);
        return SUMI_OK;
    }
    *tok = (jinja_token){ .kind = TOKEN_END, .line = lx->line };
    if (lx->pos == lx->n) return SUMI_OK;
    const char *start = lx->src + lx->pos, *p = start;
    if (is_digit(*p)) return lex_number(lx, tok);
    if (*p == '\'' || *p == '"') return lex_string(lx, tok);
    if (!jinja_is_name_start(jinja_decode(&p))) return lex_operator(lx, tok);
    for (const char *q = p; p < lx->src + lx->n && jinja_is_name_char(jinja_decode(&q)); p = q) continue;
    *tok = (jinja_token){ TOKEN_NAME, lx->line, start, (size_t)(p - start), 0, 0 };
    lx->pos += tok->n_bytes;
    return SUMI_OK;
}

sumi_status jinja_lexer_next(jinja_lexer *lx, jinja_token *tok)
{
    for (;;) {
        if (lx->in_raw) {
            sumi_status status = lex_raw(lx, tok);
            if (status != SUMI_OK || tok->n_bytes) return status;
            continue;
        }
        if (lx->state == LEX_TEXT) {
            sumi_status status = lex_text(lx, tok);
            if (status != SUMI_OK || tok->kind != TOKEN_DATA || tok->n_bytes) return status;
            continue;
        }
        return lex_tag(lx, tok);
    }
}
