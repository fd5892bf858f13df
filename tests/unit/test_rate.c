/* test_rate.c - never more requests in any stretch of time than may be, and no fewer than could be. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/rate.h"

static void test_window(void **state)
{
    /* As many as may be go at once; the next goes when the first of them is as old as the time. */
    struct rate *r = rate_new(3, 1000);

    (void)state;
    for (int64_t at = 100; at < 400; at += 100) {
        assert_int_equal(rate_wait_ms(r, at), 0);
        rate_count(r, at);
    }
    assert_int_equal(rate_wait_ms(r, 400), 700);
    assert_int_equal(rate_wait_ms(r, 1099), 1);
    assert_int_equal(rate_wait_ms(r, 1100), 0);
    rate_count(r, 1100);
    assert_int_equal(rate_wait_ms(r, 1100), 100);
    rate_free(&r);
    assert_null(r);
}

static void test_any_stretch(void **state)
{
    /* Whoever always goes as soon as it may stays within the rate in every stretch, and reaches it. */
    static const int rates[][2] = {{1, 1000}, {7, 333}, {600, 60000}, {6000, 60000}};

    (void)state;
    for (size_t k = 0; k < sizeof(rates) / sizeof(rates[0]); k++) {
        struct rate *r = rate_new(rates[k][0], rates[k][1]);
        static int64_t times[20000];
        int n = 0;
        for (int64_t now = 5; now < 3 * rates[k][1] + 5; now++) {
            while (!rate_wait_ms(r, now)) {
                rate_count(r, now);
                times[n++] = now;
            }
        }
        assert_true(n >= 3 * rates[k][0] - rates[k][0] / 10);
        for (int i = 0; i + rates[k][0] + 512 < n;
             i++) { /* in proportion: a stretch may hold one ring more */
            assert_true(times[i + rates[k][0] + (rates[k][0] > 512 ? 512 : 0)] - times[i] >= rates[k][1]);
        }
        rate_free(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_window), cmocka_unit_test(test_any_stretch)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
