/* test_crlf.c - the guard over header lines. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/crlf.h"

/* Scans one line of text in pieces of step and gives how it ended; *ret_used tells how much was taken. */
static enum crlf_end scan(struct slice text, size_t step, size_t *ret_used)
{
    struct crlf c = {0};
    enum crlf_end end = CRLF_MORE;
    size_t used = 0;

    while (end == CRLF_MORE && used < text.n) {
        size_t n = 0;
        end = crlf_scan(&c, (struct slice){text.p + used, text.n - used < step ? text.n - used : step}, &n);
        used += n;
    }
    *ret_used = used;
    return end;
}

static void test_lines(void **state)
{
    /* Proves: lines end at CRLF only, and what could be read in two ways is stopped at its first byte. */
    static const struct {
        struct slice text;
        size_t used;
        enum crlf_end end;
    } rows[] = {
        {{"", 0}, 0, CRLF_MORE},         {{"a", 1}, 1, CRLF_MORE},
        {{"a\r", 2}, 2, CRLF_MORE},      {{"\r", 1}, 1, CRLF_MORE},
        {{"\r\n", 2}, 2, CRLF_BLANK},    {{"\r\na\r\n", 5}, 2, CRLF_BLANK},
        {{"a\r\n", 3}, 3, CRLF_LINE},    {{"a\r\nb", 4}, 3, CRLF_LINE},
        {{"a \t\r\n", 5}, 5, CRLF_LINE}, {{"\x01\xff\r\n", 4}, 4, CRLF_LINE},
        {{"\n", 1}, 0, CRLF_BAD},        {{"a\n", 2}, 1, CRLF_BAD},
        {{"a\rb", 3}, 2, CRLF_BAD},      {{"a\r\r\n", 4}, 2, CRLF_BAD},
        {{"\r\r\n", 3}, 1, CRLF_BAD},    {{"\ra", 2}, 1, CRLF_BAD},
        {{"\0", 1}, 0, CRLF_BAD},        {{"a\0", 2}, 1, CRLF_BAD},
        {{"\r\0", 2}, 1, CRLF_BAD},      {{" a\r\n", 4}, 0, CRLF_BAD},
        {{"\ta\r\n", 4}, 0, CRLF_BAD},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t step = 1; step < 10; step++) {
            size_t used = 0;
            enum crlf_end end = scan(rows[i].text, step, &used);
            if (end != rows[i].end || used != rows[i].used) {
                fail_msg("row %zu by %zu: %d after %zu", i, step, end, used);
            }
        }
    }
}

static void test_in_line(void **state)
{
    /* Proves: an empty line, whole or begun, is not taken for something in a line. */
    struct crlf c = {0};
    size_t used;

    (void)state;
    assert_false(crlf_in_line(&c));
    assert_int_equal(crlf_scan(&c, slice_of("\r"), &used), CRLF_MORE);
    assert_false(crlf_in_line(&c));
    assert_int_equal(crlf_scan(&c, slice_of("\n"), &used), CRLF_BLANK);
    assert_int_equal(crlf_scan(&c, slice_of("a"), &used), CRLF_MORE);
    assert_true(crlf_in_line(&c));
    assert_int_equal(crlf_scan(&c, slice_of("\r"), &used), CRLF_MORE);
    assert_true(crlf_in_line(&c));
    assert_int_equal(crlf_scan(&c, slice_of("\n"), &used), CRLF_LINE);
    assert_false(crlf_in_line(&c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_in_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
