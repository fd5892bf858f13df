/* test_options.c - command lines as people write them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/options.h"

enum { WAIT = 256, LIMIT };

static const struct options_row rows[] = {
    {'f', "field", "KEY=VALUE", ""}, {'j', "json", NULL, ""},   {'o', "output", "FILE", ""},
    {WAIT, "wait", "TIME", ""},      {LIMIT, "limit", "N", ""}, {0, NULL, NULL, NULL},
};

#define WORDS 12

/* Reads the words of a line, cut at spaces; texts live in line. */
static enum fault read_line(char *line, struct options *o, struct note *note)
{
    char *argv[WORDS + 1] = {0}, *save = NULL;
    int argc = 0;

    for (char *word = strtok_r(line, " ", &save); word && argc < WORDS; word = strtok_r(NULL, " ", &save)) {
        argv[argc++] = word;
    }
    return options_read(rows, argc, argv, o, note);
}

static void test_forms(void **state)
{
    /* Proves: short and long forms, joined, cut and mixed with words mean the same; "--" and "-" as
     * everywhere. */
    static const struct {
        const char *line, *told;
    } cases[] = {
        {"run", ""},
        {"run a b", "a b"},
        {"run -f x=1 a", "-f:x=1 a"},
        {"run a -fx=1", "-f:x=1 a"},
        {"run --field x=1 --field=y=2 a", "-f:x=1 -f:y=2 a"},
        {"run -jf x=1", "-j -f:x=1"},
        {"run --json a", "-j a"},
        {"run --js a", "-j a"},
        {"run a -- -j -f", "a -j -f"},
        {"run -o - -", "-o:- -"},
        {"run -o -1 a", "-o:-1 a"},
        {"run --wait 5s a", "-w:5s a"},
        {"run -o a -o b", "-o:a -o:b"},
        {"run -f -j", "-f:-j"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct options o;
        struct note note = {0};
        struct buf told;
        char line[128];
        snprintf(line, sizeof(line), "%s", cases[i].line);
        assert_int_equal(read_line(line, &o, &note), FAULT_OK);
        buf_init(&told, 1024);
        buf_text(&told, "");
        for (size_t k = 0; k < o.count; k++) {
            buf_printf(&told, "%s-%c%s%s", told.n ? " " : "",
                       o.given[k].letter == WAIT ? 'w' : o.given[k].letter, o.given[k].value ? ":" : "",
                       o.given[k].value ? o.given[k].value : "");
        }
        for (size_t k = 0; k < o.rest_count; k++) {
            buf_printf(&told, "%s%s", told.n ? " " : "", o.rest[k]);
        }
        if (strcmp(told.p, cases[i].told) != 0) {
            fail_msg("%s: %s", cases[i].line, told.p);
        }
        assert_true(!o.rest || !o.rest[o.rest_count]);
        buf_done(&told);
        options_done(&o);
    }
}

static void test_refused(void **state)
{
    /* Proves: a slip is told by the word that is wrong and what it wants. */
    static const struct {
        const char *line, *told;
    } cases[] = {
        {"run -x", "there is no option -x"},
        {"run -jx", "there is no option -x"},
        {"run --colour a", "there is no option --colour"},
        {"run a --colour=red", "there is no option --colour=red"},
        {"run -f", "--field needs a value: KEY=VALUE"},
        {"run --field", "--field needs a value: KEY=VALUE"},
        {"run a --wait", "--wait needs a value: TIME"},
        {"run --json=yes", "--json takes no value"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct options o;
        struct note note = {0};
        char line[128];
        snprintf(line, sizeof(line), "%s", cases[i].line);
        assert_int_equal(read_line(line, &o, &note), FAULT_BAD_VALUE);
        assert_string_equal(note.text, cases[i].told);
        options_done(&o);
    }
}

static void test_values(void **state)
{
    /* Proves: the last of several counts, or each in turn; what was not given has its default. */
    struct options o;
    struct note note = {0};
    char line[] = "run -o a -f x -f y -o b -j";

    (void)state;
    assert_int_equal(read_line(line, &o, &note), FAULT_OK);
    assert_true(options_has(&o, 'j'));
    assert_false(options_has(&o, WAIT));
    assert_string_equal(options_text(&o, 'o', "c"), "b");
    assert_string_equal(options_text(&o, WAIT, "c"), "c");
    assert_null(options_text(&o, 'j', "c"));
    assert_string_equal(options_nth(&o, 'f', 0), "x");
    assert_string_equal(options_nth(&o, 'f', 1), "y");
    assert_null(options_nth(&o, 'f', 2));
    options_done(&o);
}

static void test_numbers(void **state)
{
    /* Proves: durations and numbers are read within their bounds, and stay as they are when they are not
     * given. */
    static const struct {
        const char *line;
        int64_t ms, number; /* -1: refused */
    } cases[] = {
        {"run", 7, 8},
        {"run --wait 10s --limit 5", 10000, 5},
        {"run --wait 2m --limit 1", 120000, 1},
        {"run --wait 1.5 --limit 100", 1500, 100},
        {"run --wait soon --limit 0", -1, -1},
        {"run --wait -5s --limit 101", -1, -1},
        {"run --wait= --limit=", -1, -1},
        {"run --limit 5x", 7, -1},
        {"run --limit 99999999999999999999", 7, -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct options o;
        struct note note = {0}, other = {0};
        int64_t ms = 7, number = 8;
        char line[128];
        snprintf(line, sizeof(line), "%s", cases[i].line);
        assert_int_equal(read_line(line, &o, &note), FAULT_OK);
        enum fault fault = options_ms(&o, rows, WAIT, &ms, &note);
        assert_int_equal(fault, cases[i].ms < 0 ? FAULT_BAD_VALUE : FAULT_OK);
        assert_int_equal(ms, cases[i].ms < 0 ? 7 : cases[i].ms);
        assert_true(!fault || strstr(note.text, "--wait"));
        fault = options_number(&o, rows, LIMIT, 1, 100, &number, &other);
        assert_int_equal(fault, cases[i].number < 0 ? FAULT_BAD_VALUE : FAULT_OK);
        assert_int_equal(number, cases[i].number < 0 ? 8 : cases[i].number);
        assert_true(!fault || strstr(other.text, "--limit"));
        options_done(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
