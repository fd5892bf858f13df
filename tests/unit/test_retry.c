/* test_retry.c - when a refused submission is tried again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/retry.h"

static struct retry_in in_of(enum answer_class class, int64_t tries, int64_t later_ms)
{
    return (struct retry_in){.class = class,
                             .tries = tries,
                             .waits = tries,
                             .later_ms = later_ms,
                             .left_ms = 3600000,
                             .random = 0.5};
}

static void test_final_classes_are_never_repeated(void **state)
{
    /* Policy refusals, bad requests, dead keys and spent quotas end the task at once with their own fault. */
    (void)state;
    static const struct {
        enum answer_class class;
        enum fault fault;
    } rows[] = {{CLASS_CONTENT_POLICY, FAULT_CONTENT_POLICY},
                {CLASS_INVALID_REQUEST, FAULT_VENDOR_REJECTED},
                {CLASS_AUTH, FAULT_VENDOR_AUTH},
                {CLASS_QUOTA_EXHAUSTED, FAULT_QUOTA_EXHAUSTED},
                {CLASS_NOT_FOUND, FAULT_VENDOR_REJECTED},
                {CLASS_UNKNOWN, FAULT_OUTCOME_UNKNOWN}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct retry_in in = in_of(rows[i].class, 0, 1000);
        struct retry_out out = retry_decide(&retry_default, &in);
        assert_false(out.again);
        assert_int_equal(out.fault, rows[i].fault);
    }
}

static void test_limits_cost_no_attempt(void **state)
{
    /* A 429 waits as often as it must: the number of attempts never ends it, the deadline does. */
    (void)state;
    struct retry_in in = in_of(CLASS_RATE_LIMITED, 1000, -1);
    struct retry_out out = retry_decide(&retry_default, &in);

    assert_true(out.again);
    assert_false(out.costs);
    in.left_ms = 10;
    in.later_ms = 5000;
    out = retry_decide(&retry_default, &in);
    assert_false(out.again);
    assert_int_equal(out.fault, FAULT_EXPIRED);
}

static void test_attempts_run_out(void **state)
{
    /* Failures cost an attempt each; after the last one the task fails. */
    (void)state;
    int again = 0;

    for (int64_t tries = 0; tries < 10; tries++) {
        struct retry_in in = in_of(CLASS_RETRY, tries, -1);
        struct retry_out out = retry_decide(&retry_default, &in);
        again += out.again;
        assert_true(out.costs);
        assert_int_equal(out.fault, FAULT_VENDOR_UNAVAILABLE);
    }
    assert_int_equal(again, retry_default.tries - 1);
}

static void test_local_failures_cost_nothing(void **state)
{
    /* What fails here before it was sent is tried until the deadline, however many real attempts there were
     * before, and ever more slowly. */
    (void)state;
    struct retry_in in = in_of(CLASS_RETRY, 100, -1);

    in.local = true;
    struct retry_out out = retry_decide(&retry_default, &in);
    assert_true(out.again);
    assert_false(out.costs);
    in.waits = 0;
    assert_true(retry_decide(&retry_default, &in).after_ms < out.after_ms);
    in.waits = 100;
    in.left_ms = 100;
    out = retry_decide(&retry_default, &in);
    assert_false(out.again);
    assert_int_equal(out.fault, FAULT_EXPIRED);
}

static void test_vendors_wish_is_a_floor(void **state)
{
    /* Retry-After is never undercut, whatever the dice say, and overdone by a tenth at most. */
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct retry_in in = in_of(CLASS_RATE_LIMITED, 0, 7000);
        in.random = i / 100.0;
        struct retry_out out = retry_decide(&retry_default, &in);
        assert_true(out.after_ms >= 7000 && out.after_ms <= 7700);
    }
}

static void test_backoff_grows_to_its_cap(void **state)
{
    /* The ceiling doubles from 500 ms to 30 s and stays; full jitter reaches down to nothing; huge counts do
     * not overflow. */
    (void)state;
    int64_t last = 0;

    for (int64_t n = 0; n < 100; n++) {
        int64_t high = retry_backoff_ms(&retry_default, n, 0.999999);
        assert_true(high >= last);
        assert_true(high <= retry_default.cap_ms);
        last = high;
    }
    assert_true(last > retry_default.cap_ms - 10);
    assert_int_equal(retry_backoff_ms(&retry_default, INT64_MAX, 0), retry_default.base_ms / 2);
    struct retry_in in = in_of(CLASS_RETRY, 3, -1);
    in.random = 0;
    assert_int_equal(retry_decide(&retry_default, &in).after_ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_final_classes_are_never_repeated),
        cmocka_unit_test(test_limits_cost_no_attempt),
        cmocka_unit_test(test_attempts_run_out),
        cmocka_unit_test(test_local_failures_cost_nothing),
        cmocka_unit_test(test_vendors_wish_is_a_floor),
        cmocka_unit_test(test_backoff_grows_to_its_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
