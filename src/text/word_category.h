/* word_category.h - \w of regular expressions, as far as they all agree. */
#ifndef SUMI_TEXT_WORD_CATEGORY_H
#define SUMI_TEXT_WORD_CATEGORY_H

#include <stdbool.h>

#include <utf8proc.h>

/* Letters, marks, decimal digits, numbers that are letters, connecting punctuation. */
static inline bool is_word_category(utf8proc_category_t category)
{
    switch (category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC: return true;
    default: return false;
    }
}

#endif
