/* options.h - the options of a command line: rows say which there are, GNU getopt reads them. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/fault.h"

/* One option. letter names it in the code; it is also its short form when it is a letter or digit. */
struct options_row {
    int letter;
    const char *name;  /* of its long form */
    const char *value; /* what it takes, for the help; NULL: nothing */
    const char *help;
};

#define OPTIONS_ROWS 32

/* What was given. rest are the words that are no options. Everything is borrowed from argv. */
struct options {
    struct options_given {
        int letter;
        const char *value; /* NULL: takes none */
    } * given;
    size_t count;
    char **rest;
    size_t rest_count;
};

/* options_read - argv[0] is the command. Options and other words may be mixed; "--" ends the options, "-" is
 * a word. rows ends with letter 0. Faults: BAD_VALUE (the note says which word and why). options_done
 * releases, in any case. */
enum fault options_read(const struct options_row *rows, int argc, char **argv, struct options *ret_options,
                        struct note *note) MUSTCHECK;
void options_done(struct options *o);

bool options_has(const struct options *o, int letter);
/* options_text - the last value given, or otherwise. */
const char *options_text(const struct options *o, int letter, const char *otherwise);
/* options_nth - the n-th value given, from 0, or NULL. */
const char *options_nth(const struct options *o, int letter, size_t n);

/* options_ms, options_count - the value as a duration ("10s", "1h", seconds) or a number from min to max;
 * *ret stays as it is when the option is not there. Faults: BAD_VALUE. */
enum fault options_ms(const struct options *o, const struct options_row *rows, int letter, int64_t *ret,
                      struct note *note) MUSTCHECK;
enum fault options_number(const struct options *o, const struct options_row *rows, int letter, int64_t min,
                          int64_t max, int64_t *ret, struct note *note) MUSTCHECK;

#endif
