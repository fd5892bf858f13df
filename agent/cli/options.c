/* options.c - from rows to getopt_long and back. */
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "wire/field.h"

static const struct options_row *row_of(const struct options_row *rows, int letter)
{
    for (; rows->letter; rows++) {
        if (rows->letter == letter) {
            return rows;
        }
    }
    return NULL;
}

/* What getopt wants: "-" keeps words in their place between options, ":" keeps it silent. */
static void make_tables(const struct options_row *rows, struct option *named, struct buf *letters)
{
    buf_text(letters, "-:");
    for (size_t i = 0; i < OPTIONS_ROWS && rows[i].letter; i++) {
        named[i] = (struct option){rows[i].name, rows[i].value ? required_argument : no_argument, NULL,
                                   rows[i].letter};
        if (rows[i].letter < 128 && isalnum(rows[i].letter)) {
            buf_printf(letters, "%c%s", rows[i].letter, rows[i].value ? ":" : "");
        }
    }
}

static enum fault refuse(const struct options_row *rows, int got, char **argv, struct note *note)
{
    const struct options_row *row = row_of(rows, optopt);
    const char *word = argv[optind - 1];

    if (got == ':' && row) {
        return note_set(note, FAULT_BAD_VALUE, "--%s needs a value: %s", row->name, row->value);
    }
    if (row) {
        return note_set(note, FAULT_BAD_VALUE, "--%s takes no value", row->name);
    }
    if (optopt > 0 && optopt < 128) {
        return note_set(note, FAULT_BAD_VALUE, "there is no option -%c", optopt);
    }
    return note_set(note, FAULT_BAD_VALUE, "there is no option %s", word);
}

static void add_given(struct options *o, int letter, const char *value)
{
    o->given = mem_grow(o->given, (o->count + 1) * sizeof(*o->given));
    o->given[o->count++] = (struct options_given){letter, value};
}

static void add_rest(struct options *o, char *word)
{
    o->rest = mem_grow(o->rest, (o->rest_count + 2) * sizeof(*o->rest));
    o->rest[o->rest_count++] = word;
    o->rest[o->rest_count] = NULL;
}

enum fault options_read(const struct options_row *rows, int argc, char **argv, struct options *ret_options,
                        struct note *note)
{
    struct option named[OPTIONS_ROWS + 1] = {{0}};
    struct buf letters;
    enum fault fault = FAULT_OK;
    int got;

    *ret_options = (struct options){0};
    buf_init(&letters, 4 * OPTIONS_ROWS);
    make_tables(rows, named, &letters);
    optind = 0; /* getopt begins anew */
    while (!fault && (got = getopt_long(argc, argv, letters.p, named, NULL)) != -1) {
        if (got == 1) {
            add_rest(ret_options, optarg);
        } else if (got == '?' || got == ':') {
            fault = refuse(rows, got, argv, note);
        } else {
            add_given(ret_options, got, row_of(rows, got)->value ? optarg : NULL);
        }
    }
    for (; !fault && optind < argc; optind++) {
        add_rest(ret_options, argv[optind]); /* behind "--" */
    }
    buf_done(&letters);
    return fault;
}

void options_done(struct options *o)
{
    free(o->given);
    free(o->rest);
    *o = (struct options){0};
}

bool options_has(const struct options *o, int letter)
{
    for (size_t i = 0; i < o->count; i++) {
        if (o->given[i].letter == letter) {
            return true;
        }
    }
    return false;
}

const char *options_text(const struct options *o, int letter, const char *otherwise)
{
    for (size_t i = o->count; i > 0; i--) {
        if (o->given[i - 1].letter == letter) {
            return o->given[i - 1].value;
        }
    }
    return otherwise;
}

const char *options_nth(const struct options *o, int letter, size_t n)
{
    for (size_t i = 0; i < o->count; i++) {
        if (o->given[i].letter == letter && n-- == 0) {
            return o->given[i].value;
        }
    }
    return NULL;
}

enum fault options_ms(const struct options *o, const struct options_row *rows, int letter, int64_t *ret,
                      struct note *note)
{
    const char *text = options_text(o, letter, NULL);
    int64_t ms = text ? field_duration_ms(slice_of(text)) : 0;

    if (ms < 0) {
        return note_set(note, FAULT_BAD_VALUE, "--%s must be a duration such as 10s, 5m or 1h (got %.80s)",
                        row_of(rows, letter)->name, text);
    }
    *ret = text ? ms : *ret;
    return FAULT_OK;
}

enum fault options_number(const struct options *o, const struct options_row *rows, int letter, int64_t min,
                          int64_t max, int64_t *ret, struct note *note)
{
    const char *text = options_text(o, letter, NULL);
    char *end = NULL;

    if (!text) {
        return FAULT_OK;
    }
    errno = 0;
    int64_t number = strtoll(text, &end, 10);
    if (end == text || *end || errno || number < min || number > max) {
        return note_set(note, FAULT_BAD_VALUE,
                        "--%s must be a number from %" PRId64 " to %" PRId64 " (got %.80s)",
                        row_of(rows, letter)->name, min, max, text);
    }
    *ret = number;
    return FAULT_OK;
}
