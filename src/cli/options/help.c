/* help.c - see help.h. argp describes the options but does not print them: argp breaks examples at full lines, and sorts
 * related options apart. Here options are printed in the order of the tables, group by group. */
#include "cli/options/help.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/terminal/columns.h"

enum { LEAST_WIDTH = 50, MOST_WIDTH = 110 }; /* room for two columns; longer lines are hard to read */
enum { TEXT_COLUMN = 29, MAX_GROUP = 100 };

int help_columns(void)
{
    const char *columns = getenv("COLUMNS");
    int width = columns ? atoi(columns) : 0;
    return width > 0 ? width : columns_of_terminal(STDOUT_FILENO, 0);
}

static int text_width(void)
{
    int width = help_columns();
    if (width == 0) width = COLUMNS_USUAL;
    return width < LEAST_WIDTH ? LEAST_WIDTH : width > MOST_WIDTH ? MOST_WIDTH : width;
}

/* n bytes of text: one paragraph. */
static void wrap(const char *text, size_t n, int at, int indent)
{
    int width = text_width() - 1;
    bool begins = true;
    while (n > 0) {
        size_t blanks = 0;
        while (blanks < n && text[blanks] == ' ') blanks++;
        text += blanks;
        n -= blanks;
        size_t word = 0;
        while (word < n && text[word] != ' ') word++;
        if (word == 0) break;
        if (!begins && at + 1 + (int)word > width) {
            printf("\n%*s", indent, "");
            at = indent;
        } else if (!begins) {
            putchar(' ');
            at++;
        }
        fwrite(text, 1, word, stdout);
        at += (int)word;
        text += word;
        n -= word;
        begins = false;
    }
    putchar('\n');
}

void help_wrap(const char *text, int at, int indent)
{
    wrap(text, strlen(text), at, indent);
}

static void print_post(const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        if (*text == ' ') printf("%.*s\n", (int)n, text);
        else wrap(text, n, 0, 0);
        text += n + (text[n] == '\n');
    }
}

static void print_usage(const char *name, const char *args_doc)
{
    const char *lead = "Usage:";
    for (const char *form = args_doc ? args_doc : ""; form; lead = "  or: ") {
        size_t n = strcspn(form, "\n");
        printf("%s %s [OPTION...]%s%.*s\n", lead, name, n ? " " : "", (int)n, form);
        form = form[n] ? form + n + 1 : NULL;
    }
}

static bool is_last(const struct argp_option *o)
{
    return !o->name && !o->key && !o->doc;
}

/* " -y, -f, --yes", and the text in its column. Aliases follow their option. */
static void print_option(const struct argp_option *o)
{
    char label[96];
    int at = 0;
    for (const struct argp_option *k = o; !is_last(k) && (k == o || k->flags & OPTION_ALIAS); k++)
        if (k->key > ' ' && k->key < 127)
            at += snprintf(label + at, sizeof label - (size_t)at, "%s-%c", at ? ", " : "  ", k->key);
    if (!at) at = snprintf(label, sizeof label, "    ");
    if (o->name)
        at += snprintf(label + at, sizeof label - (size_t)at, "%s--%s%s%s", label[2] == '-' ? ", " : "  ", o->name,
                       o->arg ? "=" : "", o->arg ? o->arg : "");
    fputs(label, stdout);
    if (at > TEXT_COLUMN - 2) putchar('\n');
    printf("%*s", at > TEXT_COLUMN - 2 ? TEXT_COLUMN : TEXT_COLUMN - at, "");
    help_wrap(o->doc ? o->doc : "", TEXT_COLUMN, TEXT_COLUMN);
}

static void print_header(const char *header)
{
    if (header && *header) printf("\n %s\n", header);
}

/* The options of argp that are in this group; an option without a group is in that of the option before it. */
static void print_group(const struct argp *argp, int group)
{
    int now = 0;
    for (const struct argp_option *o = argp->options; o && !is_last(o); o++) {
        if (o->group) now = o->group;
        if (now != group || o->flags & (OPTION_ALIAS | OPTION_HIDDEN)) continue;
        if (o->name || o->key) print_option(o);
        else print_header(o->doc);
    }
    for (const struct argp_child *c = argp->children; c && c->argp; c++) {
        if (c->group != group) continue;
        print_header(c->header);
        for (int g = 0; g < MAX_GROUP; g++) print_group(c->argp, g);
    }
}

void help_print(const struct argp *root, const char *name, void *input)
{
    const struct argp *command = root->children->argp;
    size_t n_pre = strcspn(command->doc, "\v");
    const char *post = command->doc + n_pre + (command->doc[n_pre] == '\v');
    char *text = (char *)(uintptr_t)post;
    print_usage(name, command->args_doc);
    wrap(command->doc, n_pre, 0, 0);
    bool has_header = command->options && !command->options->name && !command->options->key;
    if (!has_header) putchar('\n');
    for (int g = 0; g < MAX_GROUP; g++) print_group(command, g);
    putchar('\n');
    print_group(root, -1);
    if (command->help_filter) text = command->help_filter(ARGP_KEY_HELP_POST_DOC, post, input);
    if (*text) putchar('\n');
    print_post(text);
    if (text != post) free(text);
}
