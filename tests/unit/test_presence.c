/* test_presence.c - who is taken for alive and who for gone; on a real nats-server. */
#include "storerig.h"

#include "app/fleet.h"

struct asked {
    struct rig *rig;
    bool came;
    bool alive;
};

static void on_alive(void *arg, enum fault fault, bool alive)
{
    struct asked *a = arg;

    assert_int_equal(fault, FAULT_OK);
    a->alive = alive;
    a->came = true;
    rig_done(a->rig);
}

static bool alive(struct store *s, struct fleet *f, const char *instance)
{
    struct asked a = {.rig = s->rig};

    fleet_alive(f, instance, on_alive, &a);
    rig_until(s->rig, &a.came);
    return a.alive;
}

static void on_left(void *arg)
{
    struct asked *a = arg;

    a->came = true;
    rig_done(a->rig);
}

static struct fleet *present_fleet(struct store *s)
{
    struct fleet *f = fleet_new(&s->parts);

    for (int i = 0; i < 500 && !fleet_present(f); i++) {
        rig_sleep(s->rig, 10);
    }
    assert_true(fleet_present(f));
    return f;
}

static void test_who_left_is_gone_at_once(void **state)
{
    /* A peer that takes its presence away, in a drain or when it just ends, may be overtaken at once; one
     * that is there may not. */
    struct store *s = store_new(rig_of(state));
    struct fleet *me = present_fleet(s), *drained = present_fleet(s), *ended = present_fleet(s);
    char gone[32];
    struct asked a = {.rig = s->rig};

    fleet_leave(drained, on_left, &a);
    rig_until(s->rig, &a.came);
    assert_false(alive(s, me, fleet_instance(drained)));
    snprintf(gone, sizeof(gone), "%s", fleet_instance(ended));
    fleet_free(&ended);
    /* Nobody waits for that deletion: what is stored behind it tells that it is there. */
    struct fleet *there = present_fleet(s);
    assert_false(alive(s, me, gone));
    assert_true(alive(s, me, fleet_instance(there)));
    assert_true(alive(s, me, fleet_instance(me)));
    fleet_free(&there);
    fleet_free(&drained);
    fleet_free(&me);
    store_free(&s);
}

static void test_nobody_is_gone_right_after_a_reconnect(void **state)
{
    /* When NATS was away for long all presences have aged: who is not seen in the first moments may be about
     * to come back. */
    struct store *s = store_new(rig_of(state));
    struct fleet *me = present_fleet(s);

    assert_true(alive(s, me, "0123456789abcdef"));
    natsd_end(&rig_server, SIGKILL);
    rig_wait_for(s->rig, false);
    natsd_start(&rig_server);
    rig_wait_for(s->rig, true);
    assert_true(alive(s, me, "fedcba9876543210"));
    fleet_free(&me);
    store_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_left_is_gone_at_once, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_nobody_is_gone_right_after_a_reconnect, rig_setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, store_group_setup, rig_group_teardown);
}
