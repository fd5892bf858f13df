/* test_share.c - who gets the free slots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/share.h"

static void test_idle_ones_are_heard(void **state)
{
    /* Nobody has messages: each may get one, so that the first is heard at once; without a slot nobody may.
     */
    (void)state;
    struct share a = {.weight = 8}, b = {.weight = 1};
    struct share *list[] = {&a, &b};

    share_slots(list, 2, 64);
    assert_int_equal(a.credit, 1);
    assert_int_equal(b.credit, 1);
    share_slots(list, 2, 0);
    assert_int_equal(a.credit + b.credit, 0);
}

static void test_many_slots_go_by_weight(void **state)
{
    /* All slots are given to the active ones, in proportion. */
    (void)state;
    struct share a = {.weight = 8, .active = true}, b = {.weight = 4, .active = true}, c = {.weight = 1};
    struct share *list[] = {&a, &b, &c};

    share_slots(list, 3, 60);
    assert_int_equal(a.credit, 40);
    assert_int_equal(b.credit, 20);
    assert_int_equal(c.credit, 1);
    share_slots(list, 3, 64);
    assert_int_equal(a.credit + b.credit, 64);
}

static void test_one_slot_goes_in_turn(void **state)
{
    /* With one slot the heavy one gets it eight times while the light one gets it once: nobody starves. */
    (void)state;
    struct share high = {.weight = 8, .active = true}, low = {.weight = 1, .active = true};
    struct share *list[] = {&high, &low};
    int got_high = 0, got_low = 0;

    for (int i = 0; i < 900; i++) {
        share_slots(list, 2, 1);
        assert_int_equal(high.credit + low.credit, 1);
        share_taken(high.credit ? &high : &low);
        got_high += high.credit;
        got_low += low.credit;
    }
    assert_int_equal(got_high, 800);
    assert_int_equal(got_low, 100);
}

static void test_idleness_is_not_saved_up(void **state)
{
    /* Who was idle for long does not get all slots afterwards. */
    (void)state;
    struct share a = {.weight = 1, .active = true, .turn = 1000}, b = {.weight = 1};
    struct share *list[] = {&a, &b};
    int got_b = 0;

    share_wake(list, 2, &b);
    for (int i = 0; i < 100; i++) {
        share_slots(list, 2, 1);
        share_taken(a.credit ? &a : &b);
        got_b += b.credit;
    }
    assert_in_range(got_b, 49, 51);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_ones_are_heard),
        cmocka_unit_test(test_many_slots_go_by_weight),
        cmocka_unit_test(test_one_slot_goes_in_turn),
        cmocka_unit_test(test_idleness_is_not_saved_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
