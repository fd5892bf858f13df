/* test_account.c - what the fleet knows of a vendor key: not before a time, out of use, in use again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/account.h"

#define T0    1700000000000
#define MARK  "0123abcd"
#define OTHER "ffff0000"

static enum account_state state_at(const struct account *a, const char *mark, int64_t now)
{
    int64_t wait;

    return account_state(a, mark, now, &wait);
}

static void test_a_wish_is_obeyed(void **state)
{
    /* Not before what the vendor says, never less; those that were on their way and say the same change
     * nothing, one that says more does. */
    (void)state;
    struct account a = {0};
    int64_t wait;

    assert_true(account_limited(&a, 2000, T0));
    assert_int_equal(state_at(&a, MARK, T0 + 1999), ACCOUNT_HELD);
    assert_int_equal(account_state(&a, MARK, T0, &wait), ACCOUNT_HELD);
    assert_true(wait >= 2000 && wait <= 3000);
    assert_false(account_limited(&a, 2000, T0 + 100));
    assert_false(account_limited(&a, 0, T0 + 1500));
    assert_true(account_limited(&a, 5000, T0 + 100));
    assert_int_equal(state_at(&a, MARK, T0 + 5099), ACCOUNT_HELD);
    assert_int_equal(state_at(&a, MARK, T0 + 7000), ACCOUNT_USABLE);
}

static void test_waits_without_a_wish_grow(void **state)
{
    /* Each limit after the wait for the one before doubles it up to 30 s; a burst of refusals is one limit; a
     * success or a calm minute begins anew. */
    (void)state;
    static const int64_t waits[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
    struct account a = {0};
    int64_t now = T0;

    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        assert_true(account_limited(&a, -1, now));
        for (int burst = 0; burst < 10; burst++) {
            assert_false(account_limited(&a, -1, now + burst));
        }
        assert_true(a.not_before_ms - now >= waits[i] && a.not_before_ms - now <= waits[i] + 1000);
        now = a.not_before_ms;
    }
    struct account good = a, calm = a;
    assert_false(account_good(&good, MARK, now));
    assert_true(account_limited(&good, -1, now + 1) && good.not_before_ms < now + 1000);
    assert_true(account_limited(&calm, -1, now + 60001) && calm.not_before_ms < now + 62000);
}

static void test_a_refused_key(void **state)
{
    /* Refused with one adapter and base it is out of use with them and with no others; a success that began
     * before says nothing, a later one puts it back. */
    (void)state;
    struct account a = {0};

    assert_true(account_refused(&a, MARK, T0));
    assert_false(account_refused(&a, MARK, T0 + 1));
    assert_int_equal(state_at(&a, MARK, T0 + 1000000000), ACCOUNT_REFUSED);
    assert_int_equal(state_at(&a, OTHER, T0), ACCOUNT_USABLE);
    assert_false(account_good(&a, MARK, T0 - 1));
    assert_true(account_good(&a, MARK, T0 + 10));
    assert_int_equal(state_at(&a, MARK, T0 + 10), ACCOUNT_USABLE);
    assert_int_equal(a.generation, 1);
    for (int i = 0; i < 20; i++) { /* bounded */
        char mark[16];
        snprintf(mark, sizeof(mark), "%08x", (unsigned)i);
        account_refused(&a, mark, T0);
    }
    assert_int_equal(a.refused_n, ACCOUNT_REFUSALS);
    assert_int_equal(state_at(&a, "00000013", T0), ACCOUNT_REFUSED);
    assert_int_equal(state_at(&a, "00000000", T0), ACCOUNT_USABLE);
}

static void test_a_spent_quota(void **state)
{
    /* Out of use for a minute, then four times as long, up to an hour; answers on their way do not add up; a
     * success ends it. */
    (void)state;
    static const int64_t minutes[] = {1, 4, 16, 60, 60};
    struct account a = {0};
    int64_t now = T0;

    for (size_t i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++) {
        assert_true(account_spent(&a, now));
        assert_false(account_spent(&a, now + 1));
        assert_int_equal(a.spent_ms - now, minutes[i] * 60000);
        assert_int_equal(state_at(&a, MARK, a.spent_ms - 1), ACCOUNT_SPENT);
        now = a.spent_ms;
    }
    assert_int_equal(state_at(&a, MARK, now), ACCOUNT_USABLE);
    assert_true(account_good(&a, MARK, now));
    assert_true(account_spent(&a, now) && a.spent_ms == now + 60000);
}

static void test_joined_in_any_order(void **state)
{
    /* Two versions join to the same whoever reads first: the later time, all refusals of a generation, and
     * what a later generation says. */
    (void)state;
    struct account a = {.not_before_ms = 10, .hits = 3, .spent_ms = 70, .spent_level = 1};
    struct account b = {.not_before_ms = 20, .hits = 1, .spent_ms = 60, .spent_level = 2};
    struct account c = {.not_before_ms = 5, .generation = 1}, x, y;

    account_refused(&a, MARK, 1);
    account_refused(&b, OTHER, 1);
    x = a;
    y = b;
    assert_true(account_join(&x, &b) && account_join(&y, &a));
    assert_true(account_same(&x, &y));
    assert_true(x.not_before_ms == 20 && x.hits == 1 && x.spent_ms == 70 && x.spent_level == 2);
    assert_true(state_at(&x, MARK, 100) == ACCOUNT_REFUSED && state_at(&x, OTHER, 100) == ACCOUNT_REFUSED);
    assert_false(account_join(&x, &a));
    assert_true(account_join(&x, &c));
    assert_int_equal(state_at(&x, MARK, 100), ACCOUNT_USABLE);
    assert_int_equal(x.not_before_ms, 20);
}

static void test_in_a_record(void **state)
{
    /* A record tells durations from its own time stamp; nonsense in it is refused or ignored. */
    (void)state;
    struct account a = {.generation = 2, .not_before_ms = T0 + 5000, .hits = 2, .spent_ms = T0 + 60000}, b;
    json_t *record = json_object();

    account_refused(&a, MARK, T0);
    account_pack(record, &a, T0);
    assert_true(account_unpack(record, &b, T0) && account_same(&a, &b));
    assert_true(account_unpack(record, &b, T0 + 7));
    assert_int_equal(b.not_before_ms, T0 + 5007);
    json_object_set_new(record, "refused", json_pack("[s,i,s]", "long and wrong", 4, "short"));
    json_object_set_new(record, "hold_ms", json_integer(INT64_MAX));
    json_object_set_new(record, "spent_level", json_integer(-5));
    assert_true(account_unpack(record, &b, T0));
    assert_true(b.refused_n == 0 && b.not_before_ms == 0 && b.spent_level == 0);
    json_object_set_new(record, "generation", json_string("x"));
    assert_false(account_unpack(record, &b, T0));
    json_decref(record);
}

static void test_names(void **state)
{
    /* A name tells pool, id and eight digits that change with the secret and with the id, and nothing of the
     * secret itself; every name is fit for a bucket, however long and odd its parts. */
    (void)state;
    static const char secret[] = "sk-very-secret";
    char *one = account_name("open.ai", "main", secret), *two = account_name("open.ai", "main", "another");
    char *three = account_name("open.ai", "side", secret);
    char odd[2000];

    assert_memory_equal(one, "open=2Eai.main.", 15);
    assert_int_equal(strlen(one), 15 + ACCOUNT_MARK_CHARS);
    assert_string_not_equal(one, two);
    assert_string_not_equal(one + 15, three + 15);
    assert_null(strstr(one, "secret"));
    memset(odd, '/', sizeof(odd) - 1);
    odd[sizeof(odd) - 1] = 0;
    char *token = account_token(odd);
    assert_true(strlen(token) <= 120 && !strpbrk(token, "./ *>"));
    odd[1000] = 'x';
    char *other = account_token(odd);
    assert_string_not_equal(token, other);
    char *empty = account_token("");
    assert_string_equal(empty, "=");
    free(one);
    free(two);
    free(three);
    free(token);
    free(other);
    free(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wish_is_obeyed),
        cmocka_unit_test(test_waits_without_a_wish_grow),
        cmocka_unit_test(test_a_refused_key),
        cmocka_unit_test(test_a_spent_quota),
        cmocka_unit_test(test_joined_in_any_order),
        cmocka_unit_test(test_in_a_record),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
