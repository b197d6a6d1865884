/* pretok.c - see pretok.h. Compiles the patterns of a rule and runs each inside the pieces of the one before.
 *
 * The subject is known to be valid UTF-8, so PCRE2's check is off: with the check every match would read the rest of the
 * text, and the cost would be quadratic in the text. The match limit is off, too: it guards against patterns that
 * backtrack, and sumi's patterns are a fixed table of linear ones. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/pretok.h"

#include <assert.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/error.h"
#include "base/utf8.h"
#include "text/word_category.h"

struct pretok {
    int32_t n_patterns;
    pretok_threes threes[PRETOK_MAX_PATTERNS]; /* THREES_NONE: code[] has the pattern */
    bool jit[PRETOK_MAX_PATTERNS];
    pcre2_code *code[PRETOK_MAX_PATTERNS];
};

struct pretok_work {
    pcre2_match_context *context;
    pcre2_match_data *match[PRETOK_MAX_PATTERNS]; /* one for each level of the recursion in split() */
    int32_t n_patterns;
};

void pretok_destroy(pretok *p)
{
    if (!p) return;
    for (int32_t i = 0; i < p->n_patterns; i++) pcre2_code_free(p->code[i]);
    free(p);
}

static sumi_status compile(pretok *p, int32_t i, const pretok_rule *rule, bool jit, sumi_error *err)
{
    uint32_t options = rule->bytes_from && i >= rule->bytes_from ? 0 : PCRE2_UTF | PCRE2_UCP;
    int code;
    PCRE2_SIZE at;
    p->code[i] = pcre2_compile((PCRE2_SPTR)rule->patterns[i], PCRE2_ZERO_TERMINATED, options, &code, &at, NULL);
    if (!p->code[i]) {
        PCRE2_UCHAR why[128];
        pcre2_get_error_message(code, why, sizeof why);
        return sumi_fail(err, code == PCRE2_ERROR_HEAP_FAILED ? SUMI_ENOMEM : SUMI_EUNSUPPORTED,
                         "pre-tokenizer '%s', pattern %d: PCRE2 %d.%d: %s, at offset %zu", rule->names[0], i + 1,
                         PCRE2_MAJOR, PCRE2_MINOR, (const char *)why, (size_t)at);
    }
    p->jit[i] = jit && pcre2_jit_compile(p->code[i], PCRE2_JIT_COMPLETE) == 0;
    return SUMI_OK;
}

sumi_status pretok_create(pretok **out, const pretok_rule *rule, bool jit, sumi_error *err)
{
    *out = NULL;
    pretok *p = calloc(1, sizeof *p);
    if (!p) return sumi_fail(err, SUMI_ENOMEM, "pre-tokenizer '%s': out of memory", rule->names[0]);
    for (int32_t i = 0; i < PRETOK_MAX_PATTERNS && rule->patterns[i]; i++) {
        p->threes[i] = rule->threes[i];
        p->n_patterns = i + 1;
        sumi_status status = p->threes[i] ? SUMI_OK : compile(p, i, rule, jit, err);
        if (status) {
            pretok_destroy(p);
            return status;
        }
    }
    *out = p;
    return SUMI_OK;
}

void pretok_work_destroy(pretok_work *w)
{
    if (!w) return;
    for (int32_t i = 0; i < w->n_patterns; i++) pcre2_match_data_free(w->match[i]);
    pcre2_match_context_free(w->context);
    free(w);
}

pretok_work *pretok_work_create(const pretok *p)
{
    pretok_work *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    w->n_patterns = p->n_patterns;
    bool ok = (w->context = pcre2_match_context_create(NULL)) != NULL;
    for (int32_t i = 0; i < p->n_patterns; i++) ok = (w->match[i] = pcre2_match_data_create(1, NULL)) && ok;
    if (!ok) {
        pretok_work_destroy(w);
        return NULL;
    }
    pcre2_set_match_limit(w->context, UINT32_MAX);
    pcre2_set_depth_limit(w->context, UINT32_MAX);
    return w;
}

/* The next match of pattern `level` at or after from. False: none, or out of memory (*status). */
static bool next_match(const pretok *p, pretok_work *w, int32_t level, const char *text, size_t n, size_t from,
                       size_t *start, size_t *end, sumi_status *status)
{
    pcre2_match_data *m = w->match[level];
    PCRE2_SPTR subject = (PCRE2_SPTR)text;
    int rc = p->jit[level] ? pcre2_jit_match(p->code[level], subject, n, from, 0, m, w->context)
                           : PCRE2_ERROR_JIT_STACKLIMIT;
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
        rc = pcre2_match(p->code[level], subject, n, from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, m, w->context);
    if (rc == PCRE2_ERROR_NOMATCH) return false;
    if (rc < 0) {
        *status = SUMI_ENOMEM; /* with a valid subject and no limits, only memory can fail */
        return false;
    }
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m);
    *start = at[0];
    *end = at[1];
    assert(*start < *end); /* an empty match would cut for ever */
    return true;
}

/* ---- Threes ------------------------------------------------------------------------------------------------- */

static bool is_digit(uint32_t cp)
{
    return cp < 0x80 ? cp >= '0' && cp <= '9' : utf8proc_category((int32_t)cp) == UTF8PROC_CATEGORY_ND;
}

/* \w of Oniguruma, which tokenizers uses for patterns: all numbers are part of it. */
static bool is_word_of_oniguruma(uint32_t cp)
{
    utf8proc_category_t category = utf8proc_category((int32_t)cp);
    return is_word_category(category) || category == UTF8PROC_CATEGORY_NO;
}

/* The next run of digits at or after from. False: there is none. */
static bool find_digits(const char *text, size_t n, size_t from, size_t *start, size_t *end, size_t *n_digits)
{
    uint32_t cp = 0;
    size_t i = from, len;
    *n_digits = 0;
    for (; i < n; i += len) {
        len = utf8_decode(text + i, n - i, &cp);
        if (is_digit(cp)) break;
    }
    *start = i;
    for (; i < n; i += len, ++*n_digits) {
        len = utf8_decode(text + i, n - i, &cp);
        if (!is_digit(cp)) break;
    }
    *end = i;
    return *n_digits > 0;
}

/* The bytes of the next k characters. */
static size_t skip_chars(const char *text, size_t n, size_t k)
{
    size_t i = 0;
    for (uint32_t cp; k && i < n; k--) i += utf8_decode(text + i, n - i, &cp);
    return i;
}

typedef struct split_job {
    const pretok *p;
    pretok_work *w;
    pretok_piece_fn piece;
    void *user;
    sumi_status status;
} split_job;

static bool split(split_job *job, int32_t level, const char *text, size_t n);

/* A piece of this level; an empty piece is dropped. */
static bool pass_on(split_job *job, int32_t level, const char *text, size_t n)
{
    return !n || split(job, level + 1, text, n);
}

static bool split_threes(split_job *job, int32_t level, const char *text, size_t n)
{
    bool isolate = job->p->threes[level] == THREES_ISOLATED;
    size_t piece = 0; /* where the piece in question began */
    for (size_t from = 0, start, end, n_digits; find_digits(text, n, from, &start, &end, &n_digits); from = end) {
        uint32_t next = 0;
        if (end < n) utf8_decode(text + end, n - end, &next);
        if (isolate && end < n && is_word_of_oniguruma(next)) continue;
        size_t first = n_digits % 3, at = start + skip_chars(text + start, n - start, first);
        if (isolate && !pass_on(job, level, text + piece, start - piece)) return false;
        if (isolate) piece = start;
        for (; at < end; at += skip_chars(text + at, n - at, 3)) {
            if (!pass_on(job, level, text + piece, at - piece)) return false;
            piece = at;
        }
        if (isolate && !pass_on(job, level, text + piece, end - piece)) return false;
        if (isolate) piece = end;
    }
    return pass_on(job, level, text + piece, n - piece);
}

/* ---- Cutting ------------------------------------------------------------------------------------------------ */

/* Cuts text with the patterns from `level` on. False: stop. The depth is at most PRETOK_MAX_PATTERNS. */
static bool split(split_job *job, int32_t level, const char *text, size_t n)
{
    if (level == job->p->n_patterns) return job->piece(job->user, text, n);
    if (job->p->threes[level]) return split_threes(job, level, text, n);
    size_t from = 0, start, end;
    while (from < n && next_match(job->p, job->w, level, text, n, from, &start, &end, &job->status)) {
        if (start > from && !split(job, level + 1, text + from, start - from)) return false;
        if (!split(job, level + 1, text + start, end - start)) return false;
        from = end;
    }
    if (job->status) return false;
    return from == n || split(job, level + 1, text + from, n - from);
}

sumi_status pretok_split(const pretok *p, pretok_work *w, const char *text, size_t n, pretok_piece_fn piece, void *user)
{
    split_job job = { p, w, piece, user, SUMI_OK };
    if (n) split(&job, 0, text, n);
    return job.status;
}

/* ---- Seams -------------------------------------------------------------------------------------------------- */

static bool is_letter(unsigned char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26;
}

/* A word takes the space before it, whatever precedes the space; and no word continues across white space. */
size_t pretok_seam(const char *text, size_t n, size_t from)
{
    for (size_t i = from + 1; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c > ' ') continue;
        if (c == ' ' && i + 1 < n && is_letter((unsigned char)text[i + 1])) return i;
        bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (space && is_letter((unsigned char)text[i - 1])) return i;
    }
    return n;
}
