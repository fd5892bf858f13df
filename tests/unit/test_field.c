/* test_field.c - values of header fields: what is read from them, and what is not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/field.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* Sun, 06 Nov 1994 08:49:37 GMT, the date of all examples in RFC 9110. */
#define NOW_MS 784111777000ll
#define DAY_MS (24 * 3600 * 1000)

static void test_token(void **state)
{
    /* Proves: tokens are the characters of RFC 9110 and at least one of them. */
    static const char *const good[] = {"a", "z", "A", "Z", "0", "9", "X-A_b.c", "!#$%&'*+-.^_`|~"};
    static const char *const bad[] = {"",   " ",   "a b",      "a:",    "a/b", "\"a\"",
                                      "a,", "(a)", "\xc3\xa4", "a\x7f", "a\t"};

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(field_token(slice_of(good[i])));
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(field_token(slice_of(bad[i])));
    }
    assert_false(field_token((struct slice){"a\0b", 3}));
    assert_false(field_token((struct slice){NULL, 0}));
}

static void test_param(void **state)
{
    /* Proves: parameters are found in lists and behind ';', quotes are taken off, and nothing inside quotes
     * is read. */
    static const struct {
        const char *value;
        const char *param; /* NULL: none */
    } rows[] = {
        {"x=1", "1"},
        {"X=1", "1"},
        {"multipart/form-data; x=abc", "abc"},
        {"a;x=1;b=2", "1"},
        {"respond-async, x=5", "5"},
        {"x=1, x=2", "1"},
        {" x = 1 ; y=2", "1"},
        {"x=\"a;b, c=d\"", "a;b, c=d"},
        {"y=\"; x=evil\"; x=good", "good"},
        {"y=\"\\\"; x=evil\"; x=good", "good"},
        {"x=\"a\\\"b\"", "a\"b"},
        {"x=\"a\\\\\"; y=1", "a\\"},
        {"x=\"C:\\dir\\f.png\"", "C:\\dir\\f.png"},
        {"x=\"\"", ""},
        {"x=", ""},
        {"x=a=b", "a=b"},
        {"x=\"\xc3\xa4\"", "\xc3\xa4"},
        {"x=12345678901234567890123456789012345678", "12345678901234567890123456789012345678"},
        {"x=\"12345678901234567890123456789012345678\"", "12345678901234567890123456789012345678"},
        {"x=123456789012345678901234567890123456789", NULL},
        {"x=\"123456789012345678901234567890123456789\"", NULL},
        {"x*=utf-8''a", NULL},
        {"xx=1", NULL},
        {"x", NULL},
        {"y=1", NULL},
        {"", NULL},
        {"x=\"a", NULL},
        {"x=\"a\\\"", NULL},
        {"x=\"a\"b", NULL},
        {"x=\"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[39] = "?";
        bool found = field_param(slice_of(rows[i].value), "x", out, sizeof(out));
        if (found != (rows[i].param != NULL) || (found && strcmp(out, rows[i].param) != 0)) {
            fail_msg("%s: %d %s", rows[i].value, found, out);
        }
    }
    char out[8];
    assert_false(field_param((struct slice){"x=a\0b", 5}, "x", out, sizeof(out)));
    assert_false(field_param((struct slice){"x=\"a\0b\"", 7}, "x", out, sizeof(out)));
    assert_false(field_param((struct slice){NULL, 0}, "x", out, sizeof(out)));
}

static void test_media_type(void **state)
{
    /* Proves: a media type is given in lower case without parameters, or not at all. */
    static const struct {
        const char *value;
        const char *type; /* NULL: none */
    } rows[] = {
        {"application/json", "application/json"},
        {"Application/JSON; charset=utf-8", "application/json"},
        {" image/svg+xml ;x", "image/svg+xml"},
        {"*/*", "*/*"},
        {"AZ/a_z^", "az/a_z^"},
        {"a/78901234567890", "a/78901234567890"},
        {"a/789012345678901", NULL},
        {"text", NULL},
        {"text/", NULL},
        {"/plain", NULL},
        {"a/b/c", NULL},
        {"a /b", NULL},
        {"a/b c", NULL},
        {"", NULL},
        {";a/b", NULL},
        {"a/b,c/d", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[17] = "?";
        bool found = field_media_type(slice_of(rows[i].value), out, sizeof(out));
        if (found != (rows[i].type != NULL) || (found && strcmp(out, rows[i].type) != 0)) {
            fail_msg("%s: %d %s", rows[i].value, found, out);
        }
    }
    char out[8];
    assert_false(field_media_type((struct slice){NULL, 0}, out, sizeof(out)));
}

static void test_accept(void **state)
{
    /* Proves: MessagePack is chosen when it is preferred by name, JSON by name or wildcard, and else neither.
     */
    static const struct {
        const char *value;
        enum field_accept accept;
    } rows[] = {
        {"", FIELD_JSON},
        {"  ", FIELD_JSON},
        {"*/*", FIELD_JSON},
        {"application/*", FIELD_JSON},
        {"application/json", FIELD_JSON},
        {"application/json, text/plain, */*", FIELD_JSON},
        {"application/msgpack", FIELD_MSGPACK},
        {"Application/X-MsgPack", FIELD_MSGPACK},
        {"application/msgpack, application/json", FIELD_MSGPACK},
        {"application/json, application/msgpack", FIELD_JSON},
        {"application/msgpack, */*", FIELD_MSGPACK},
        {"*/*, application/msgpack", FIELD_JSON},
        {"application/msgpack;q=0.5, application/json", FIELD_JSON},
        {"application/json;q=0.5, application/msgpack", FIELD_MSGPACK},
        {"application/json;q=0.123, application/msgpack;q=0.124", FIELD_MSGPACK},
        {"application/json;q=0.9, application/msgpack;q=1.0", FIELD_MSGPACK},
        {"*/*;q=0.8, application/msgpack;q=0.7", FIELD_JSON},
        {"application/json;q=0.1, */*;q=1, application/msgpack;q=0.5", FIELD_MSGPACK},
        {"application/msgpack;q=0, */*", FIELD_JSON},
        {"application/json;q=0, application/msgpack;q=0.1", FIELD_MSGPACK},
        {"application/json;q=x", FIELD_JSON},
        {"application/json;q=-1, application/msgpack;q=0.5", FIELD_JSON},
        {"application/json;q=0.101, application/msgpack;q=0.102", FIELD_MSGPACK},
        {"application/json;q=0.89, application/msgpack;q=0.9", FIELD_MSGPACK},
        {"application/json;q=0.5, application/json;q=0.9, application/msgpack;q=0.7", FIELD_JSON},
        {"application/json;q=0.9, application/json;q=0.5, application/msgpack;q=0.7", FIELD_JSON},
        {"application/json, application/msgpack, application/json", FIELD_JSON},
        {"application/json;q=0", FIELD_NEITHER},
        {"application/json;q=0.000", FIELD_NEITHER},
        {"text/html", FIELD_NEITHER},
        {"text/*", FIELD_NEITHER},
        {"application/jsonx", FIELD_NEITHER},
        {",,", FIELD_NEITHER},
        {"text/html;x=\", application/json\"", FIELD_NEITHER},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (field_accept(slice_of(rows[i].value)) != rows[i].accept) {
            fail_msg("%s: %d", rows[i].value, field_accept(slice_of(rows[i].value)));
        }
    }
    assert_int_equal(field_accept((struct slice){NULL, 0}), FIELD_JSON);
}

static void test_range(void **state)
{
    /* Proves: one range inside is cut out, one outside is refused, anything else is as if there were none. */
    static const struct {
        const char *value;
        uint64_t size;
        enum field_range range;
        uint64_t first;
        uint64_t length;
    } rows[] = {
        {"bytes=0-0", 10, FIELD_RANGE_OK, 0, 1},
        {"bytes=2-5", 10, FIELD_RANGE_OK, 2, 4},
        {"bytes=0-", 10, FIELD_RANGE_OK, 0, 10},
        {"bytes=9-", 10, FIELD_RANGE_OK, 9, 1},
        {"bytes=9-9", 10, FIELD_RANGE_OK, 9, 1},
        {"bytes=5-10", 10, FIELD_RANGE_OK, 5, 5},
        {"bytes=5-99999999999999999999999", 10, FIELD_RANGE_OK, 5, 5},
        {"bytes=-3", 10, FIELD_RANGE_OK, 7, 3},
        {"bytes=-10", 10, FIELD_RANGE_OK, 0, 10},
        {"bytes=-99999999999999999999999", 10, FIELD_RANGE_OK, 0, 10},
        {" Bytes = 1-2 ", 10, FIELD_RANGE_OK, 1, 2},
        {"bytes=1-", UINT64_MAX, FIELD_RANGE_OK, 1, UINT64_MAX - 1},
        {"bytes=10-", 10, FIELD_RANGE_BAD, 0, 0},
        {"bytes=10-11", 10, FIELD_RANGE_BAD, 0, 0},
        {"bytes=18446744073709551614-", 10, FIELD_RANGE_BAD, 0, 0},
        {"bytes=18446744073709551615-", 10, FIELD_RANGE_BAD, 0, 0},
        {"bytes=99999999999999999999999-", 10, FIELD_RANGE_BAD, 0, 0},
        {"bytes=99999999999999999999999-99999999999999999999999", 10, FIELD_RANGE_BAD, 0, 0},
        {"bytes=-0", 10, FIELD_RANGE_BAD, 0, 0},
        {"bytes=0-", 0, FIELD_RANGE_BAD, 0, 0},
        {"bytes=-1", 0, FIELD_RANGE_BAD, 0, 0},
        {"bytes=5-2", 10, FIELD_RANGE_NONE, 0, 0},
        {"bytes=0-1,3-4", 10, FIELD_RANGE_NONE, 0, 0},
        {"items=0-1", 10, FIELD_RANGE_NONE, 0, 0},
        {"bytes=-", 10, FIELD_RANGE_NONE, 0, 0},
        {"bytes=", 10, FIELD_RANGE_NONE, 0, 0},
        {"bytes", 10, FIELD_RANGE_NONE, 0, 0},
        {"bytes=1", 10, FIELD_RANGE_NONE, 0, 0},
        {"bytes=+1-2", 10, FIELD_RANGE_NONE, 0, 0},
        {"bytes=1--2", 10, FIELD_RANGE_NONE, 0, 0},
        {"bytes=1-2x", 10, FIELD_RANGE_NONE, 0, 0},
        {"bytes=0x1-2", 10, FIELD_RANGE_NONE, 0, 0},
        {"", 10, FIELD_RANGE_NONE, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t first = 0, length = 0;
        enum field_range range = field_range(slice_of(rows[i].value), rows[i].size, &first, &length);
        if (range != rows[i].range || first != rows[i].first || length != rows[i].length) {
            fail_msg("%s: %d %llu %llu", rows[i].value, range, (unsigned long long)first,
                     (unsigned long long)length);
        }
    }
}

/* A value and the number that must come of it. */
struct number {
    const char *value;
    int64_t number;
};

static void check_numbers(const struct number *rows, size_t n, int64_t (*read)(struct slice value))
{
    for (size_t i = 0; i < n; i++) {
        int64_t got = read(slice_of(rows[i].value));
        if (got != rows[i].number) {
            fail_msg("%s: %lld", rows[i].value, (long long)got);
        }
    }
    assert_int_equal(read((struct slice){NULL, 0}), -1);
}

static void test_prefer(void **state)
{
    /* Proves: wait is read as whole seconds from any place in Prefer. */
    static const struct number rows[] = {
        {"wait=5", 5000},
        {"Wait=5", 5000},
        {"respond-async, wait=10", 10000},
        {"wait=\"5\"", 5000},
        {"wait=0", 0},
        {"wait=5; foo", 5000},
        {"wait", -1},
        {"wait=", -1},
        {"wait=-1", -1},
        {"wait=1.5", -1},
        {"wait=5s", -1},
        {"await=5", -1},
        {"", -1},
        {"return=minimal", -1},
        {"wait=99999999999999999999", 1000000000000000000ll},
    };

    (void)state;
    check_numbers(rows, COUNT(rows), field_prefer_wait);
}

static void test_duration(void **state)
{
    /* Proves: settings' durations are read with their unit, and nothing that is not one. */
    static const struct number rows[] = {
        {"500ms", 500}, {"10s", 10000}, {"2m", 120000}, {"1h", 3600000}, {"7d", 604800000}, {"30", 30000},
        {"0", 0},       {"0s", 0},      {"0.5", 500},   {"1.5s", 1500},  {"0.25h", 900000}, {" 5s ", 5000},
        {"", -1},       {"s", -1},      {"-5s", -1},    {"5 s", -1},     {"5x", -1},        {"5S", -1},
        {"1h30m", -1},  {"1e3", -1},    {"5sec", -1},   {"0x5", -1},     {".5", -1},        {"1,5s", -1},
    };

    (void)state;
    check_numbers(rows, COUNT(rows), field_duration_ms);
    assert_true(field_duration_ms(slice_of("99999999999999999999999d")) > 0);
}

static void test_bytes(void **state)
{
    /* Proves: settings' sizes are read with their unit, and neither a wrong unit nor too large a number is.
     */
    static const struct number rows[] = {
        {"10MiB", 10485760},
        {"64KiB", 65536},
        {"1GiB", 1073741824},
        {"2TiB", 2199023255552ll},
        {"10MB", 10000000},
        {"1KB", 1000},
        {"1GB", 1000000000},
        {"1TB", 1000000000000ll},
        {"500", 500},
        {"500B", 500},
        {"0", 0},
        {" 5 ", 5},
        {"", -1},
        {"MiB", -1},
        {"-1", -1},
        {"1.5MiB", -1},
        {"1 MiB", -1},
        {"1mib", -1},
        {"1Mi", -1},
        {"0x10", -1},
        {"8388607TiB", 9223370937343148032ll},
        {"8388608TiB", -1},
        {"9223372036854775807", INT64_MAX},
        {"9223372036854775808", -1},
        {"99999999999999999999999", -1},
    };

    (void)state;
    check_numbers(rows, COUNT(rows), field_bytes);
}

static void test_later(void **state)
{
    /* Proves: every spelling that vendors have for "later" gives ms, capped at a day, and the past gives
     * none. */
    static const struct number rows[] = {
        {"2", 2000},
        {"0", 0},
        {"0.5", 500},
        {"1.2345", 1234},
        {" 7 ", 7000},
        {"86399", 86399000},
        {"999999999", DAY_MS},
        {"6m0s", 360000},
        {"12ms", 12},
        {"1h2m3.5s", 3723500},
        {"7.66s", 7660},
        {"850us", 0},
        {"1500µs", 1},
        {"2000000ns", 2},
        {"100h", DAY_MS},
        {"99999999999999999999h99999999999999999999h", DAY_MS},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
        {"Sun, 06 Nov 1994 08:49:47 GMT", 10000},
        {"Sunday, 06-Nov-94 08:49:47 GMT", 10000},
        {"Sun Nov  6 08:49:47 1994", 10000},
        {"Sun, 06 Nov 1994 09:49:37 GMT", 3600000},
        {"Mon, 07 Nov 1994 00:00:00 GMT", 54623000},
        {"Fri, 01 Jan 2100 00:00:00 GMT", DAY_MS},
        {"Sunday, 01-Jan-44 08:49:47 GMT", DAY_MS},
        {"784111777", DAY_MS},
        {"1000000000", DAY_MS},
        {"Sun, 06 Nov 1994 08:49:36 GMT", -1},
        {"Sunday, 06-Nov-45 08:49:47 GMT", -1},
        {"Sun Nov  6 08:49:36 1994", -1},
        {"Thu, 01 Jan 1970 00:00:00 GMT", -1},
        {"-1", -1},
        {"+1", -1},
        {"", -1},
        {"soon", -1},
        {"1x", -1},
        {"1s2", -1},
        {"s", -1},
        {"1:30", -1},
        {"Sun, 06 Nov 1994 08:49:47", -1},
        {"Sun, 06 Nov 1994 08:49:47 CET", -1},
        {"Sun, 06 Nov 1994 24:00:00 GMT", -1},
        {"Sun, 06 Nov 1994 09: 9:37 GMT", -1},
        {"Sun, 06 Nov 1994 08:60:00 GMT", -1},
        {"Sun, 32 Nov 1994 08:49:47 GMT", -1},
        {"Sun, 00 Nov 1994 08:49:47 GMT", -1},
        {"Sun, 06 Nox 1994 08:49:47 GMT", -1},
        {"Sun, 06 Nov 19d4 08:49:47 GMT", -1},
        {"Sun, 06 Nov 1994 08:49:47 GMT!", -1},
        {"Sun, ", -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t got = field_later_ms(slice_of(rows[i].value), NOW_MS);
        if (got != rows[i].number) {
            fail_msg("%s: %lld", rows[i].value, (long long)got);
        }
    }
    assert_int_equal(field_later_ms((struct slice){NULL, 0}, NOW_MS), -1);
}

static void test_unix_time(void **state)
{
    /* Proves: a large number is a time, in seconds or in ms, and one that has passed is no wait. */
    static const int64_t now = 1760000000000ll;

    (void)state;
    assert_int_equal(field_later_ms(slice_of("1760000005"), now), 5000);
    assert_int_equal(field_later_ms(slice_of("1760000005.25"), now), 5250);
    assert_int_equal(field_later_ms(slice_of("1760000005000"), now), 5000);
    assert_int_equal(field_later_ms(slice_of("1760000000"), now), 0);
    assert_int_equal(field_later_ms(slice_of("1759999999"), now), -1);
    assert_int_equal(field_later_ms(slice_of("1759999999000"), now), -1);
    assert_int_equal(field_later_ms(slice_of("99999999999999999999999"), now), DAY_MS);
    assert_int_equal(field_later_ms(slice_of("1000000000"), 999999999000ll), 1000);
    assert_int_equal(field_later_ms(slice_of("100000000000"), now), -1);
}

static void test_calendar(void **state)
{
    /* Proves: dates fall on the right second around leap days and ends of years. */
    static const struct number rows[] = {
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},          {"Fri, 29 Feb 1980 00:00:00 GMT", 320630400},
        {"Tue, 29 Feb 2000 23:59:59 GMT", 951868799},  {"Wed, 01 Mar 2000 00:00:00 GMT", 951868800},
        {"Tue, 31 Dec 2024 23:59:60 GMT", 1735689600}, {"Wed, 01 Jan 2025 00:00:00 GMT", 1735689600},
        {"Mon, 01 Mar 2100 00:00:00 GMT", 4107542400},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice date = slice_of(rows[i].value);
        assert_int_equal(field_later_ms(date, rows[i].number * 1000), 0);
        assert_int_equal(field_later_ms(date, rows[i].number * 1000 - 1), 1);
        assert_int_equal(field_later_ms(date, rows[i].number * 1000 + 1), -1);
    }
}

static void test_traceparent(void **state)
{
    /* Proves: only version 00 with its exact form and with ids that are not zero is taken. */
    static const char *const bad[] = {
        "",
        "00",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331_01",
        " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01",
    };

    (void)state;
    assert_true(field_traceparent(slice_of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")));
    assert_true(field_traceparent(slice_of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")));
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(field_traceparent(slice_of(bad[i])));
    }
    assert_false(field_traceparent((struct slice){NULL, 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token),     cmocka_unit_test(test_param),    cmocka_unit_test(test_media_type),
        cmocka_unit_test(test_accept),    cmocka_unit_test(test_range),    cmocka_unit_test(test_prefer),
        cmocka_unit_test(test_duration),  cmocka_unit_test(test_bytes),    cmocka_unit_test(test_later),
        cmocka_unit_test(test_unix_time), cmocka_unit_test(test_calendar), cmocka_unit_test(test_traceparent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
