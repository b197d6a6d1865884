/* jinja_value.h - the values of a template: to a template they look like Python's.
 *
 * A jinja_value is 16 bytes and copied freely. The object that it points to is in the arena of the rendering (or of the
 * template, for constants) and is immutable, because the sandbox of chat templates refuses every method that changes a
 * list or a dict. Only namespaces, cyclers, joiners and iterators have state.
 *
 *   kind    payload            Python's type
 *   STR     jinja_str          str; flag JINJA_MARKUP: markupsafe.Markup, what |safe and |escape give
 *   LIST    jinja_list         list             TUPLE  jinja_list   tuple
 *   DICT    jinja_dict         dict, in the order of insertion
 *   VIEW    jinja_dict         dict.items(), .keys(), .values(): flag is a jinja_view
 *   RANGE   jinja_range        range
 *   ITER    jinja_iter         generators and iterators: can be walked once
 *   FUNCTION, METHOD, MACRO, LOOP, CYCLER, JOINER, NAMESPACE: what templates call or ask for attributes
 *   UNDEFINED                  jinja2.Undefined; stores the missing name, for the message
 *   MISSING                    no value at all: an argument that was not given. Templates never see it
 *
 * Functions that can fail return false after setting the error of the rendering (jinja_fail). Threads: a jinja object
 * belongs to one thread; constants of a template are read-only and shared. */
#ifndef SUMI_JINJA_EVAL_JINJA_VALUE_H
#define SUMI_JINJA_EVAL_JINJA_VALUE_H

#include "jinja/jinja_arena.h"

typedef struct jinja jinja; /* one rendering: see jinja_eval.h */

typedef enum jinja_kind {
    JINJA_MISSING,
    JINJA_UNDEFINED,
    JINJA_NONE,
    JINJA_BOOL,
    JINJA_INT,
    JINJA_FLOAT,
    JINJA_STR,
    JINJA_LIST,
    JINJA_TUPLE,
    JINJA_DICT,
    JINJA_VIEW,
    JINJA_RANGE,
    JINJA_ITER,
    JINJA_NAMESPACE,
    JINJA_MACRO,
    JINJA_FUNCTION,
    JINJA_METHOD,
    JINJA_LOOP,
    JINJA_CYCLER,
    JINJA_JOINER,
    JINJA_N_KINDS
} jinja_kind;

enum { JINJA_MARKUP = 1 };                                                    /* flag of STR */
typedef enum jinja_view { JINJA_KEYS, JINJA_VALUES, JINJA_ITEMS } jinja_view; /* flag of VIEW */
/* flag of UNDEFINED: the meaning of its text: the name of a variable, an attribute of a `sub`, an unsafe attribute, a
 * hint */
enum { JINJA_NO_NAME, JINJA_NO_ATTRIBUTE, JINJA_UNSAFE, JINJA_HINT };

typedef struct jinja_str {
    const char *data; /* valid UTF-8, not NUL-terminated */
    size_t n;         /* bytes */
    size_t n_chars;
    struct jinja_store *store; /* free memory after data that a concatenation may fill; NULL: none */
} jinja_str;

typedef struct jinja_value {
    uint8_t kind; /* jinja_kind */
    uint8_t flag;
    uint8_t sub; /* UNDEFINED: jinja_kind of the object that lacks the attribute */
    union {
        bool b;
        int64_t i;
        double f;
        const jinja_str *s;
        struct jinja_list *list;
        struct jinja_dict *dict;
        struct jinja_range *range;
        struct jinja_iter *iter;
        struct jinja_macro *macro;
        const struct jinja_builtin *function;
        struct jinja_method *method;
        struct jinja_loop *loop;
        struct jinja_cycler *cycler;
        struct jinja_joiner *joiner;
    };
} jinja_value;

_Static_assert(sizeof(jinja_value) == 16, "values are copied everywhere");

typedef struct jinja_list {
    jinja_value *items;
    size_t n;
    struct jinja_store *store; /* free memory after items that a concatenation may fill; NULL: none */
} jinja_list;

typedef struct jinja_entry {
    jinja_value key, value;
} jinja_entry;

typedef struct jinja_dict {
    jinja_entry *entries; /* in the order of insertion */
    size_t n, cap;
    uint32_t *slots; /* open addressing over entries (0: empty, else index + 1); NULL while there are few */
    size_t n_slots;  /* a power of two, more than 3/2 n */
} jinja_dict;

typedef struct jinja_range {
    int64_t start, stop, step; /* step is not 0 */
    int64_t n;
} jinja_range;

/* A walk over values. next gives JINJA_ITER_ITEM, _END or _FAILED. */
enum { JINJA_ITER_FAILED = -1, JINJA_ITER_END = 0, JINJA_ITER_ITEM = 1 };
typedef struct jinja_iter {
    int (*next)(jinja *j, struct jinja_iter *it, jinja_value *out);
    jinja_value source;       /* what is walked */
    struct jinja_iter *inner; /* a walk that this one filters or maps */
    size_t pos;
    bool ended;
    void *state; /* of the filter that made it */
} jinja_iter;

typedef struct jinja_method {
    const struct jinja_builtin *row;
    jinja_value self;
} jinja_method;

typedef struct jinja_cycler {
    jinja_list *items;
    size_t pos;
} jinja_cycler;

typedef struct jinja_joiner {
    jinja_value separator;
    bool used;
} jinja_joiner;

/* ---- Errors and limits ---- */

/* Sets the error of the rendering, with template name and line, unless there is one. Always false. */
bool jinja_fail(jinja *j, sumi_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool jinja_type_error(jinja *j, const char *format, ...) __attribute__((format(printf, 2, 3))); /* SUMI_EINVAL */
bool jinja_charge(jinja *j, size_t n_bytes); /* takes steps for work on this many bytes */
bool jinja_enter(jinja *j);                  /* one level deeper; false (nothing to leave) if that is too deep */
void jinja_leave(jinja *j);
void *jinja_alloc(jinja *j, size_t n); /* from the arena of the rendering; NULL after jinja_fail() */

/* ---- Making values ---- */

static inline jinja_value jinja_none(void)
{
    return (jinja_value){ .kind = JINJA_NONE };
}
static inline jinja_value jinja_missing(void)
{
    return (jinja_value){ .kind = JINJA_MISSING };
}
static inline jinja_value jinja_bool(bool b)
{
    return (jinja_value){ .kind = JINJA_BOOL, .b = b };
}
static inline jinja_value jinja_int(int64_t i)
{
    return (jinja_value){ .kind = JINJA_INT, .i = i };
}
static inline jinja_value jinja_float(double f)
{
    return (jinja_value){ .kind = JINJA_FLOAT, .f = f };
}
static inline jinja_value jinja_of_str(const jinja_str *s)
{
    return (jinja_value){ .kind = JINJA_STR, .s = s };
}
/* Returns the string s as *out; false if s is NULL, after a failure. */
static inline bool jinja_give_str(const jinja_str *s, jinja_value *out)
{
    if (s) *out = jinja_of_str(s);
    return s != NULL;
}
static inline jinja_value jinja_of_list(jinja_list *list)
{
    return (jinja_value){ .kind = JINJA_LIST, .list = list };
}
static inline jinja_value jinja_of_tuple(jinja_list *list)
{
    return (jinja_value){ .kind = JINJA_TUPLE, .list = list };
}
static inline jinja_value jinja_of_dict(jinja_dict *dict)
{
    return (jinja_value){ .kind = JINJA_DICT, .dict = dict };
}
static inline jinja_value jinja_of_iter(jinja_iter *iter)
{
    return (jinja_value){ .kind = JINJA_ITER, .iter = iter };
}

/* An undefined value; text is its name or hint, see the flags above. */
jinja_value jinja_undefined(int flag, const jinja_str *text, jinja_kind of);
jinja_value jinja_undefined_hint(jinja *j, const char *hint); /* hint: a literal */
bool jinja_fail_undefined(jinja *j, jinja_value v);           /* the error of using v */

const char *jinja_type_name(jinja_value v); /* "str", "NoneType": as Python says it */

static inline bool jinja_is_str(jinja_value v)
{
    return v.kind == JINJA_STR;
}
static inline bool jinja_is_number(jinja_value v) /* bool is a number */
{
    return v.kind == JINJA_BOOL || v.kind == JINJA_INT || v.kind == JINJA_FLOAT;
}
/* *i = v if it is an int or a bool. */
bool jinja_as_int(jinja_value v, int64_t *i);
double jinja_as_double(jinja_value v); /* of a number */

/* ---- Strings. NULL after jinja_fail(). ---- */

const jinja_str *jinja_str_copy(jinja *j, const char *data, size_t n);
const jinja_str *jinja_str_borrow(jinja *j, const char *data, size_t n); /* data outlives the rendering's arena */
const jinja_str *jinja_str_part(jinja *j, const jinja_str *s, size_t from, size_t to); /* bytes [from, to) */
const jinja_str *jinja_str_literal(jinja *j, const char *text);
/* Appending to the result of an earlier concatenation takes time for b only, so a loop that builds a string piece by piece
 * is linear. */
const jinja_str *jinja_str_concat(jinja *j, const jinja_str *a, const jinja_str *b);
bool jinja_str_equal(const jinja_str *a, const jinja_str *b);
bool jinja_str_is(const jinja_str *s, const char *text);
size_t jinja_str_offset(const jinja_str *s, size_t n_chars); /* bytes before character n_chars <= s->n_chars */

/* Text that grows, in the arena. After a failure appends are ignored and jinja_sb_str() gives NULL. */
typedef struct jinja_sb {
    jinja *j;
    char *data;
    size_t n, cap;
    bool failed;
} jinja_sb;

void jinja_sb_add(jinja_sb *sb, const char *data, size_t n);
void jinja_sb_add_str(jinja_sb *sb, const jinja_str *s);
void jinja_sb_add_text(jinja_sb *sb, const char *text);
void jinja_sb_add_char(jinja_sb *sb, int32_t c);
void jinja_sb_repeat(jinja_sb *sb, int32_t c, int64_t n);
const jinja_str *jinja_sb_str(jinja_sb *sb);

/* ---- Lists and dicts. NULL or false after jinja_fail(). ---- */

jinja_list *jinja_list_new(jinja *j, size_t cap);
bool jinja_list_push(jinja *j, jinja_list *list, jinja_value v);                   /* only while the list is made */
jinja_list *jinja_list_concat(jinja *j, const jinja_list *a, const jinja_list *b); /* amortised as for strings */

jinja_dict *jinja_dict_new(jinja *j, size_t cap);
bool jinja_dict_set(jinja *j, jinja_dict *d, jinja_value key, jinja_value value); /* namespaces, and while made */
/* *out is the value in d, or NULL. False: key cannot be hashed. */
bool jinja_dict_find(jinja *j, jinja_dict *d, jinja_value key, jinja_value **out);
jinja_value *jinja_dict_find_str(jinja *j, jinja_dict *d, const jinja_str *key); /* NULL: not there */

/* ---- Comparing (jinja_compare.c) ---- */

bool jinja_truth(jinja_value v);
bool jinja_equal(jinja *j, jinja_value a, jinja_value b, bool *equal);
bool jinja_less(jinja *j, jinja_value a, jinja_value b, const char *op, bool *less); /* a < b; op for the message */
bool jinja_same(jinja_value a, jinja_value b);                                       /* Python's `is` */
bool jinja_hash(jinja *j, jinja_value v, uint64_t *hash);                            /* false: unhashable */
/* Stable merge sort of n items by their keys; n comparisons for sorted input. */
bool jinja_sort(jinja *j, jinja_value *items, jinja_value *keys, size_t n, bool reverse);

/* ---- Text of values (jinja_repr.c) ---- */

const jinja_str *jinja_to_str(jinja *j, jinja_value v); /* str(v) */
void jinja_repr(jinja_sb *sb, jinja_value v);           /* repr(v) */
void jinja_float_repr(double f, char out[40]);          /* the shortest digits that read back as f */

typedef struct jinja_json_opts {
    bool ascii, sort_keys;
    const jinja_str *indent; /* of one level; NULL: all on one line */
    const jinja_str *item_separator, *key_separator;
} jinja_json_opts;
bool jinja_to_json(jinja_sb *sb, jinja_value v, const jinja_json_opts *opts); /* json.dumps(v) */

/* ---- Walking (jinja_iter.c) ---- */

jinja_iter *jinja_iterate(jinja *j, jinja_value v); /* iter(v) */
int jinja_next(jinja *j, jinja_iter *it, jinja_value *out);
jinja_iter *jinja_iter_new(jinja *j, int (*next)(jinja *, jinja_iter *, jinja_value *), jinja_value source);
jinja_list *jinja_to_list(jinja *j, jinja_value v);    /* list(v); a list or tuple is not copied */
bool jinja_length(jinja *j, jinja_value v, size_t *n); /* len(v) */
bool jinja_has_length(jinja_value v);
jinja_value jinja_view_at(jinja *j, jinja_value view, size_t i); /* MISSING after jinja_fail() */
bool jinja_is_iterable(jinja_value v);

/* ---- Operators (jinja_ops.c) ---- */

typedef enum jinja_op { JINJA_ADD, JINJA_SUB, JINJA_MUL, JINJA_DIV, JINJA_FLOORDIV, JINJA_MOD, JINJA_POW } jinja_op;

bool jinja_binary(jinja *j, jinja_op op, jinja_value a, jinja_value b, jinja_value *out);
bool jinja_negate(jinja *j, jinja_value v, bool minus, jinja_value *out);
bool jinja_contains(jinja *j, jinja_value item, jinja_value container, bool *in);
bool jinja_get_item(jinja *j, jinja_value obj, jinja_value key, jinja_value *out);       /* obj[key] as Jinja does it */
bool jinja_get_attr(jinja *j, jinja_value obj, const jinja_str *name, jinja_value *out); /* obj.name */
bool jinja_get_slice(jinja *j, jinja_value obj, jinja_value start, jinja_value stop, jinja_value step,
                     jinja_value *out);
/* The bounds of a Python slice over n elements: count elements, from *first in steps of *step. */
bool jinja_slice_bounds(jinja *j, jinja_value start, jinja_value stop, jinja_value step, size_t n, int64_t *first,
                        int64_t *step_out, size_t *count);

#endif
