/* test_date.c - dates as NATS writes them; those of HTTP are tested where they are used, in test_field.c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/date.h"

static void time_stamps_are_read(void **state)
{
    /* RFC 3339 with and without fraction and offset, Go's own form; anything else is 0. */
    const char *const bad[] = {"",
                               "x",
                               "2026-01-31",
                               "2026-13-01T00:00:00Z",
                               "2026-01-01T24:00:00Z",
                               "1969-12-31T23:59:59Z",
                               "2026-01-01T00:00",
                               "20260101T000000Z"};

    (void)state;
    assert_int_equal(date_stamp_ms("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(date_stamp_ms("1970-01-01T00:00:00.001Z"), 1);
    assert_int_equal(date_stamp_ms("2000-02-29T12:00:00Z"), 951825600000);
    assert_int_equal(date_stamp_ms("2026-01-31T23:59:59.123456789Z"), 1769903999123);
    assert_int_equal(date_stamp_ms("2026-01-31T23:59:59.9Z"), 1769903999900);
    assert_int_equal(date_stamp_ms("2026-02-01T01:59:59+02:00"), 1769903999000);
    assert_int_equal(date_stamp_ms("2026-01-31T18:29:59-05:30"), 1769903999000);
    assert_int_equal(date_stamp_ms("2026-01-31 23:59:59.5 +0000 UTC"), 1769903999500);
    assert_int_equal(date_stamp_ms(NULL), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(date_stamp_ms(bad[i]), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_stamps_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
