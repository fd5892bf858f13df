/* test_base64.c - base64 both ways, in pieces, and what is not base64. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "wire/base64.h"

static const struct pair {
    const char *bytes;
    const char *chars;
} pairs[] = {
    /* RFC 4648 section 10 */
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

/* Decodes text in pieces of step chars; false when it is not base64. */
static bool decode(const char *text, size_t step, unsigned char *out, size_t *ret_n)
{
    struct base64 d = {0};
    size_t left = strlen(text);

    *ret_n = 0;
    for (const char *p = text; left > 0;) {
        size_t n = left < step ? left : step;
        long got = base64_feed(&d, p, n, out + *ret_n);
        if (got < 0) {
            assert_false(base64_end(&d));
            return false;
        }
        *ret_n += (size_t)got;
        p += n;
        left -= n;
    }
    return base64_end(&d);
}

static void test_examples_both_ways(void **state)
{
    /* The RFC's test vectors encode and decode, whatever the pieces. */
    (void)state;
    char chars[64];
    unsigned char bytes[64];
    size_t n;

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        size_t written = base64_write(chars, slice_of(pairs[i].bytes), false);
        assert_string_equal(chars, pairs[i].chars);
        assert_int_equal(written, strlen(chars));
        assert_int_equal(written, BASE64_CHARS(strlen(pairs[i].bytes)));
        for (size_t step = 1; step <= 9; step++) {
            assert_true(decode(pairs[i].chars, step, bytes, &n));
            assert_int_equal(n, strlen(pairs[i].bytes));
            assert_memory_equal(bytes, pairs[i].bytes, n);
        }
    }
}

static void test_every_byte_in_both_alphabets(void **state)
{
    /* 256 different bytes of every length come back from both alphabets, cut at every step up to 7. */
    (void)state;
    unsigned char bytes[256], back[256 + 3];
    char chars[BASE64_CHARS(256) + 1];
    size_t n;

    for (int i = 0; i < 256; i++) {
        bytes[i] = (unsigned char)(i * 167 + 13);
    }
    for (size_t length = 0; length <= 256; length++) {
        for (int url = 0; url < 2; url++) {
            base64_write(chars, (struct slice){(char *)bytes, length}, url);
            assert_null(strpbrk(chars, url ? "+/" : "-_"));
            for (size_t step = 1; step <= 7; step++) {
                assert_true(decode(chars, step, back, &n));
                assert_int_equal(n, length);
                assert_memory_equal(back, bytes, length);
            }
        }
    }
}

static void test_padding_may_be_left_out(void **state)
{
    /* Section 5 is often written without padding; the bytes are the same. */
    (void)state;
    unsigned char bytes[16];
    size_t n;

    assert_true(decode("Zg", 1, bytes, &n));
    assert_int_equal(n, 1);
    assert_true(decode("Zm8", 2, bytes, &n));
    assert_int_equal(n, 2);
    assert_memory_equal(bytes, "fo", 2);
}

static void test_what_is_not_base64(void **state)
{
    /* Wrong chars, white space, padding at a wrong place or of a wrong length, and a lone char, however cut.
     */
    (void)state;
    static const char *const wrong[] = {"Z",
                                        "Zm9vY",
                                        "Zg=",
                                        "Zg===",
                                        "Z===",
                                        "=",
                                        "====",
                                        "Zm9v=",
                                        "Zm8==",
                                        "Zg==Z",
                                        "Zg=Zg=",
                                        "Zg==Zm9v",
                                        "Zm 9v",
                                        "Zm9v\n",
                                        "Zm9%",
                                        "Zm9\x80",
                                        "Zm9v\xff\xff\xff\xff"};
    unsigned char bytes[64];
    size_t n;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        for (size_t step = 1; step <= 9; step++) {
            if (decode(wrong[i], step, bytes, &n)) {
                fail_msg("\"%s\" was taken", wrong[i]);
            }
        }
    }
}

static void test_bad_stays_bad(void **state)
{
    /* After a wrong char no good one mends the decoder, and NUL is a wrong char. */
    (void)state;
    struct base64 d = {0}, padded = {0};
    unsigned char out[16];

    assert_int_equal(base64_feed(&padded, "Zg==", 4, out), 1);
    assert_int_equal(base64_feed(&padded, "=", 1, out), -1);
    assert_int_equal(base64_feed(&d, "Zm9v", 4, out), 3);
    assert_int_equal(base64_feed(&d, "\0", 1, out), -1);
    assert_int_equal(base64_feed(&d, "Zm9v", 4, out), -1);
    assert_int_equal(base64_feed(&d, "", 0, out), -1);
    assert_false(base64_end(&d));
}

static void test_feed_keeps_within_its_room(void **state)
{
    /* Never more than n / 4 * 3 + 3 bytes are written, whatever came before. */
    (void)state;
    unsigned char out[64];

    for (size_t before = 0; before < 4; before++) {
        for (size_t n = 0; n < 24; n++) {
            struct base64 d = {0};
            assert_true(base64_feed(&d, "AAAA", before, out) >= 0);
            size_t room = n / 4 * 3 + 3;
            memset(out, 0x55, sizeof(out));
            assert_true(base64_feed(&d, "AAAAAAAAAAAAAAAAAAAAAAAA", n, out) <= (long)room);
            for (size_t i = room; i < sizeof(out); i++) {
                assert_int_equal(out[i], 0x55);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples_both_ways),      cmocka_unit_test(test_every_byte_in_both_alphabets),
        cmocka_unit_test(test_padding_may_be_left_out), cmocka_unit_test(test_what_is_not_base64),
        cmocka_unit_test(test_bad_stays_bad),           cmocka_unit_test(test_feed_keeps_within_its_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
