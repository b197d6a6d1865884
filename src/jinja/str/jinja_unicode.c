/* jinja_unicode.c - see jinja_unicode.h. Character properties come from utf8proc, further properties from
 * jinja_char_table.c, mappings to several characters from jinja_case_table.c. */
#include "jinja/str/jinja_unicode.h"

#include <utf8proc.h>

#include "jinja/str/jinja_case_table.h"
#include "jinja/str/jinja_char_table.h"

bool jinja_utf8_valid(const char *p, size_t n)
{
    return utf8_valid_prefix(p, n) == n;
}

size_t jinja_utf8_count(const char *p, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += (p[i] & 0xc0) != 0x80;
    return count;
}

bool jinja_is_space(int32_t c)
{
    if (c < 0x80) return c == ' ' || (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x1f);
    return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}

bool jinja_is_line_end(int32_t c)
{
    return (c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

bool jinja_is_printable(int32_t c)
{
    if (c < 0x7f) return c >= 0x20;
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return false;
    default: return true;
    }
}

static bool in_ranges(const jinja_char_range *r, int32_t c)
{
    while (r->last && r->last < c) r++;
    return r->last && c >= r->first;
}

bool jinja_is_alpha(int32_t c)
{
    utf8proc_category_t cat = utf8proc_category(c);
    return cat >= UTF8PROC_CATEGORY_LU && cat <= UTF8PROC_CATEGORY_LO;
}

bool jinja_is_name_start(int32_t c)
{
    if (c < 0x80) return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    bool by_category = jinja_is_alpha(c) || utf8proc_category(c) == UTF8PROC_CATEGORY_NL;
    return by_category != in_ranges(jinja_name_start_ranges, c);
}

bool jinja_is_name_char(int32_t c)
{
    if (c < 0x80) return jinja_is_name_start(c) || (c >= '0' && c <= '9');
    utf8proc_category_t cat = utf8proc_category(c);
    bool by_category = jinja_is_alpha(c) || cat == UTF8PROC_CATEGORY_NL || cat == UTF8PROC_CATEGORY_MN ||
                       cat == UTF8PROC_CATEGORY_MC || cat == UTF8PROC_CATEGORY_ND || cat == UTF8PROC_CATEGORY_PC;
    return by_category != in_ranges(jinja_name_char_ranges, c);
}

bool jinja_is_decimal(int32_t c)
{
    return utf8proc_category(c) == UTF8PROC_CATEGORY_ND;
}

bool jinja_is_digit(int32_t c)
{
    return jinja_is_decimal(c) || in_ranges(jinja_digit_ranges, c);
}

bool jinja_is_numeric(int32_t c)
{
    utf8proc_category_t cat = utf8proc_category(c);
    return cat == UTF8PROC_CATEGORY_ND || cat == UTF8PROC_CATEGORY_NL || cat == UTF8PROC_CATEGORY_NO ||
           in_ranges(jinja_numeric_ranges, c);
}

bool jinja_is_alnum(int32_t c)
{
    return jinja_is_alpha(c) || jinja_is_numeric(c);
}

bool jinja_is_lower(int32_t c)
{
    return utf8proc_category(c) == UTF8PROC_CATEGORY_LL || in_ranges(jinja_lower_ranges, c);
}

bool jinja_is_upper(int32_t c)
{
    return utf8proc_category(c) == UTF8PROC_CATEGORY_LU || (c >= 0x2160 && c <= 0x216f) ||
           (c >= 0x24b6 && c <= 0x24cf) || (c >= 0x1f130 && c <= 0x1f149) || (c >= 0x1f150 && c <= 0x1f169) ||
           (c >= 0x1f170 && c <= 0x1f189);
}

bool jinja_is_title(int32_t c)
{
    return utf8proc_category(c) == UTF8PROC_CATEGORY_LT;
}

bool jinja_is_cased(int32_t c)
{
    return jinja_is_lower(c) || jinja_is_upper(c) || jinja_is_title(c);
}

bool jinja_is_case_ignorable(int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK: return true;
    default:
        return c == '\'' || c == '.' || c == ':' || c == 0xb7 || c == 0x2018 || c == 0x2019 || c == 0x2024 ||
               c == 0x2027;
    }
}

static const jinja_case_row *find_row(int32_t c)
{
    int low = 0, high = jinja_case_table_rows;
    if (c < 0x80) return NULL;
    while (low < high) {
        int mid = (low + high) / 2;
        if (jinja_case_table[mid].c == c) return &jinja_case_table[mid];
        if (jinja_case_table[mid].c < c) low = mid + 1;
        else high = mid;
    }
    return NULL;
}

static int copy_mapping(const int32_t from[3], int32_t out[3])
{
    int n = 0;
    while (n < 3 && from[n]) {
        out[n] = from[n];
        n++;
    }
    return n;
}

int jinja_to_upper(int32_t c, int32_t out[3])
{
    const jinja_case_row *row = find_row(c);
    if (row) return copy_mapping(row->upper, out);
    out[0] = utf8proc_toupper(c);
    return 1;
}

int jinja_to_lower(int32_t c, int32_t out[3])
{
    const jinja_case_row *row = find_row(c);
    if (row) return copy_mapping(row->lower, out);
    out[0] = utf8proc_tolower(c);
    return 1;
}

int jinja_to_title(int32_t c, int32_t out[3])
{
    const jinja_case_row *row = find_row(c);
    if (row) return copy_mapping(row->title, out);
    out[0] = utf8proc_totitle(c);
    return 1;
}

int jinja_casefold(int32_t c, int32_t out[4])
{
    int boundary = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char(c, out, 4, UTF8PROC_CASEFOLD, &boundary);
    if (n > 0 && n <= 4) return (int)n;
    out[0] = c;
    return 1;
}
