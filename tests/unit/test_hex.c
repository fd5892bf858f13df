/* test_hex.c - hex digits to bytes, cut anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/hex.h"

static void test_digits(void **state)
{
    /* Of all chars exactly the digits of both cases have a value. */
    static const char digits[] = "0123456789abcdef";

    (void)state;
    for (int c = 0; c < 256; c++) {
        const char *lower = c ? strchr(digits, c) : NULL;
        bool upper = c >= 'A' && c <= 'F';
        int want = lower ? (int)(lower - digits) : upper ? c - 'A' + 10 : -1;
        assert_int_equal(hex_digit((char)c), want);
    }
}

static void test_cut_anywhere(void **state)
{
    /* The bytes do not depend on where the text is cut, also in the middle of a pair. */
    static const char text[] = "00ff7F80aBCd0123456789";
    static const unsigned char bytes[] = {0x00, 0xff, 0x7f, 0x80, 0xab, 0xcd, 0x01, 0x23, 0x45, 0x67, 0x89};
    const size_t n = sizeof(text) - 1;

    (void)state;
    for (size_t cut = 0; cut <= n; cut++) {
        unsigned char out[sizeof(bytes) + 1];
        struct hex d = {0};
        long got = hex_feed(&d, text, cut, out);
        assert_true(got >= 0);
        long more = hex_feed(&d, text + cut, n - cut, out + got);
        assert_true(more >= 0);
        assert_true(hex_end(&d));
        assert_int_equal(got + more, sizeof(bytes));
        assert_memory_equal(out, bytes, sizeof(bytes));
    }
}

static void test_what_is_no_hex(void **state)
{
    /* Half a byte is told at the end, another char at once and for good. */
    unsigned char out[8];
    struct hex half = {0}, bad = {0}, none = {0};

    (void)state;
    assert_int_equal(hex_feed(&half, "abc", 3, out), 1);
    assert_false(hex_end(&half));
    assert_int_equal(hex_feed(&bad, "ab0x", 4, out), -1);
    assert_int_equal(hex_feed(&bad, "ab", 2, out), -1);
    assert_false(hex_end(&bad));
    assert_int_equal(hex_feed(&none, "", 0, out), 0);
    assert_true(hex_end(&none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digits),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_what_is_no_hex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
