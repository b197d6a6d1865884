/* jinja_lexer.h - splits a template's text into tokens, one at a time.
 *
 * The rules are those of Jinja 3.1 with trim_blocks and lstrip_blocks on, as chat templates expect
 * (https://jinja.palletsprojects.com, "Template Designer Documentation": whitespace control, escaping, comments). */
#ifndef SUMI_JINJA_PARSE_JINJA_LEXER_H
#define SUMI_JINJA_PARSE_JINJA_LEXER_H

#include "jinja/jinja_arena.h"

/* name of the token, as an error message shows it */
#define JINJA_TOKEN_LIST(X)   \
    X(END, "end of template") \
    X(DATA, "text")           \
    X(VARIABLE_BEGIN, "{{")   \
    X(VARIABLE_END, "}}")     \
    X(BLOCK_BEGIN, "{%")      \
    X(BLOCK_END, "%}")        \
    X(NAME, "name")           \
    X(STRING, "string")       \
    X(INTEGER, "integer")     \
    X(FLOAT, "float")         \
    X(ADD, "+")               \
    X(SUB, "-")               \
    X(MUL, "*")               \
    X(DIV, "/")               \
    X(FLOORDIV, "//")         \
    X(MOD, "%")               \
    X(POW, "**")              \
    X(TILDE, "~")             \
    X(EQ, "==")               \
    X(NE, "!=")               \
    X(LT, "<")                \
    X(LE, "<=")               \
    X(GT, ">")                \
    X(GE, ">=")               \
    X(ASSIGN, "=")            \
    X(DOT, ".")               \
    X(COLON, ":")             \
    X(PIPE, "|")              \
    X(COMMA, ",")             \
    X(SEMICOLON, ";")         \
    X(LPAREN, "(")            \
    X(RPAREN, ")")            \
    X(LBRACKET, "[")          \
    X(RBRACKET, "]")          \
    X(LBRACE, "{")            \
    X(RBRACE, "}")

typedef enum jinja_token_kind {
#define JINJA_TOKEN_ENUM(name, text) TOKEN_##name,
    JINJA_TOKEN_LIST(JINJA_TOKEN_ENUM)
#undef JINJA_TOKEN_ENUM
} jinja_token_kind;

const char *jinja_token_text(jinja_token_kind kind);

typedef struct jinja_token {
    jinja_token_kind kind;
    int32_t line;     /* from 1 */
    const char *text; /* DATA, NAME: a part of the source. STRING: the value, escapes resolved */
    size_t n_bytes;
    int64_t integer;
    double number;
} jinja_token;

#define JINJA_MAX_BRACKETS 200 /* open brackets at once; Python's own parser stops at the same number */

typedef struct jinja_lexer {
    jinja_arena *arena;
    const char *name; /* of the template, for messages */
    const char *src;  /* newlines are \n here */
    size_t n, pos;
    int32_t line; /* of pos */
    enum { LEX_TEXT, LEX_VARIABLE, LEX_BLOCK } state;
    bool in_raw;
    int32_t n_brackets;
    char brackets[JINJA_MAX_BRACKETS]; /* the expected closing brackets, outermost first */
    sumi_error *err;
} jinja_lexer;

/* Copies source into the arena. SUMI_EFORMAT: not UTF-8; SUMI_ELIMIT, SUMI_ENOMEM. */
sumi_status jinja_lexer_init(jinja_lexer *lx, jinja_arena *arena, const char *source, size_t n_bytes, const char *name,
                             sumi_error *err);

/* The next token; at the end always TOKEN_END. SUMI_EFORMAT: "NAME: line N: what". */
sumi_status jinja_lexer_next(jinja_lexer *lx, jinja_token *tok);

#endif
