/* test_bus_fail.c - the bus when servers are absent, killed, frozen and back again. Each test has a server of
 * its own. */
#include "busrig.h"

#include <inttypes.h>

#define LOAD   20000
#define WINDOW 500

static void need_server(void)
{
    if (!natsd_find()) {
        skip();
    }
}

/* ---- absent at the start ---- */

static int heard;

static void count(void *arg, const struct bus_in *in)
{
    (void)in;
    heard++;
    rig_done(arg);
}

static void absent_server_appears(void **state)
{
    /* Nobody is there at first: requests fail at once, publishes and subscriptions wait, and all works when
     * the server comes. */
    struct natsd d;
    struct rig_ack a = {0};
    struct bus_out out = {.subject = "ABS.a", .payload = slice_of("x"), .msg_id = "a", .expect_last_seq = -1};

    (void)state;
    need_server();
    heard = 0;
    natsd_prepare(&d, NULL);
    struct rig *r = rig_new(&d, NULL);
    a.rig = r;
    assert_int_equal(bus_listen(r->bus, "abs.live", count, r), FAULT_OK);
    bus_publish(r->bus, &out, 30000, rig_acked, &a);
    assert_int_equal(rig_ask(r, "abs.svc", "", 5000).fault, FAULT_BUS_DOWN);
    assert_int_equal(bus_send(r->bus, &out), FAULT_BUS_DOWN);
    rig_sleep(r, 700);
    assert_true(bus_down_ms(r->bus) >= 700);
    natsd_start(&d);
    rig_wait_for(r, true);
    rig_stream(r, "ABS", NULL);
    if (!a.ack.seq) {
        rig_wait(r, 1);
    }
    assert_int_equal(a.ack.fault, FAULT_OK);
    struct bus_out live = {.subject = "abs.live"};
    assert_int_equal(bus_send(r->bus, &live), FAULT_OK);
    rig_wait(r, 1);
    assert_int_equal(heard, 1);
    rig_free(&r);
    natsd_remove(&d);
}

static void publish_without_connection_surely_is_not_stored(void **state)
{
    /* Never sent until its limit: BUS_DOWN. */
    struct natsd d;
    struct bus_out out = {.subject = "ABS.a", .expect_last_seq = -1};

    (void)state;
    need_server();
    natsd_prepare(&d, NULL);
    struct rig *r = rig_new(&d, NULL);
    assert_int_equal(rig_publish(r, &out, 300).fault, FAULT_BUS_DOWN);
    rig_free(&r);
    natsd_remove(&d);
}

/* ---- killed under load ---- */

struct load {
    struct rig *rig;
    int sent, done, bad, twice;
    unsigned char seen[LOAD];
    struct timer turn;
    int kill_at;
};

struct load_one {
    struct load *load;
    int number;
};

static void load_fill(struct load *l);

static void load_acked(void *arg, const struct bus_ack *ack)
{
    struct load_one one = *(struct load_one *)arg;
    struct load *l = one.load;

    l->bad += ack->fault != FAULT_OK;
    l->twice += l->seen[one.number]++ != 0;
    l->done++;
    if (l->done == LOAD) {
        rig_done(l->rig);
    }
}

static void load_turn(struct timer *timer)
{
    load_fill(container_of(timer, struct load, turn));
}

static void load_fill(struct load *l)
{
    char id[32];
    struct bus_out out = {
        .subject = "LOAD.a", .payload = slice_of("some work"), .msg_id = id, .expect_last_seq = -1};

    while (l->sent < LOAD && l->sent - l->done < WINDOW) {
        struct load_one *one = mem_new(sizeof(*one));
        *one = (struct load_one){l, l->sent};
        snprintf(id, sizeof(id), "id-%d", l->sent++);
        bus_ask_own(l->rig->bus, bus_publish(l->rig->bus, &out, 25000, load_acked, one), one);
    }
    if (l->kill_at && l->done >= l->kill_at) {
        l->kill_at = 0;
        natsd_end(l->rig->server, SIGKILL);
    }
    if (l->sent < LOAD || l->kill_at) {
        timer_start(l->rig->loop, &l->turn, 1, load_turn);
    }
}

static void killed_server_loses_nothing(void **state)
{
    /* kill -9 in the middle, a start on the same store: every publish ends in exactly one callback, all are
     * acknowledged and stored once. */
    struct natsd d;
    struct load *l = mem_new(sizeof(*l));

    (void)state;
    need_server();
    natsd_prepare(&d, NULL);
    natsd_start(&d);
    struct rig *r = rig_new(&d, NULL);
    rig_wait_for(r, true);
    rig_stream(r, "LOAD", NULL);
    l->rig = r;
    l->kill_at = LOAD / 4;
    load_fill(l);
    rig_wait_for(r, false);
    rig_sleep(r, 300);
    natsd_start(&d);
    if (l->done < LOAD) {
        rig_wait(r, 1);
    }
    assert_int_equal(l->done, LOAD);
    assert_int_equal(l->bad, 0);
    assert_int_equal(l->twice, 0);
    assert_int_equal(rig_stream_messages(r, "LOAD"), LOAD);
    rig_free(&r);
    natsd_remove(&d);
    free(l);
}

static void mute(void *arg, const struct bus_in *in)
{
    (void)arg;
    (void)in;
}

static void requests_under_way_are_unknown_after_a_loss(void **state)
{
    /* A request that was sent before the loss ends in BUS_TIMEOUT at its time, one publish without repeats
     * too; listeners are renewed. */
    struct natsd d;
    struct rig_answer a = {0};
    struct rig_ack once = {0};
    struct bus_out out = {.subject = "svc.mute", .expect_last_seq = -1};

    (void)state;
    need_server();
    heard = 0;
    natsd_prepare(&d, NULL);
    natsd_start(&d);
    struct rig *r = rig_new(&d, NULL);
    a.rig = once.rig = r;
    rig_wait_for(r, true);
    assert_int_equal(bus_listen(r->bus, "svc.mute", mute, NULL), FAULT_OK);
    assert_int_equal(bus_listen(r->bus, "svc.live", count, r), FAULT_OK);
    bus_ask(r->bus, &out, 1500, rig_answered, &a);
    bus_publish(r->bus, &out, 0, rig_acked, &once);
    rig_sleep(r, 50);
    natsd_end(&d, SIGTERM);
    rig_wait_for(r, false);
    natsd_start(&d);
    rig_wait(r, 2);
    assert_int_equal(a.fault, FAULT_BUS_TIMEOUT);
    assert_int_equal(once.ack.fault, FAULT_BUS_TIMEOUT);
    rig_wait_for(r, true);
    out.subject = "svc.live";
    assert_int_equal(bus_send(r->bus, &out), FAULT_OK);
    rig_wait(r, 1);
    assert_int_equal(heard, 1);
    rig_free(&r);
    natsd_remove(&d);
}

/* ---- frozen ---- */

struct stall {
    struct timer timer;
    int64_t last_ms, worst_ms;
};

static void stall_beat(struct timer *timer)
{
    struct stall *s = container_of(timer, struct stall, timer);
    int64_t now = loop_now_ms(timer->loop);

    if (now - s->last_ms > s->worst_ms) {
        s->worst_ms = now - s->last_ms;
    }
    s->last_ms = now;
    timer_start(timer->loop, timer, 5, stall_beat);
}

#define FROZEN 300

static void frozen_server_does_not_stop_the_loop(void **state)
{
    /* SIGSTOP while more is published than the socket takes: the loop runs on (its worst pause is printed,
     * not judged), what is beyond the socket is kept here, and with SIGCONT all of it is stored, once. */
    struct natsd d;
    struct stall stall = {0};
    static struct rig_ack acks[FROZEN];
    AUTO(auto_free) char *large = mem_new(64 * 1024);
    char id[32];
    struct bus_out out = {
        .subject = "ICE.a", .payload = {large, 64 * 1024}, .msg_id = id, .expect_last_seq = -1};

    (void)state;
    need_server();
    natsd_prepare(&d, NULL);
    natsd_start(&d);
    struct rig *r = rig_new(&d, NULL);
    rig_wait_for(r, true);
    rig_stream(r, "ICE", NULL);
    kill(d.pid, SIGSTOP);
    stall.last_ms = loop_now_ms(r->loop);
    timer_start(r->loop, &stall.timer, 5, stall_beat);
    for (int i = 0; i < FROZEN; i++) {
        acks[i].rig = r;
        snprintf(id, sizeof(id), "ice-%d", i);
        bus_publish(r->bus, &out, 25000, rig_acked, &acks[i]);
    }
    rig_sleep(r, 3000);
    assert_true(bus_up(r->bus));
    assert_true(bus_buffered(r->bus) > 0);
    kill(d.pid, SIGCONT);
    rig_wait(r, FROZEN);
    timer_stop(&stall.timer);
    printf("worst pause of the loop with a frozen server: %" PRId64 " ms\n", stall.worst_ms);
    for (int i = 0; i < FROZEN; i++) {
        assert_int_equal(acks[i].ack.fault, FAULT_OK);
    }
    assert_int_equal(rig_stream_messages(r, "ICE"), FROZEN);
    rig_free(&r);
    natsd_remove(&d);
}

static void silent_server_is_given_up(void **state)
{
    /* A server that says nothing for longer than its PINGs allow counts as lost; when it goes on, what waited
     * is stored. Runs only with SLUICE_SLOW_TESTS set. */
    struct natsd d;
    struct stall stall = {0};
    struct rig_ack a = {0};
    struct bus_out out = {.subject = "ICE.a", .msg_id = "a", .expect_last_seq = -1};

    (void)state;
    need_server();
    if (!getenv("SLUICE_SLOW_TESTS")) {
        skip();
    }
    natsd_prepare(&d, NULL);
    natsd_start(&d);
    struct rig *r = rig_new(&d, NULL);
    a.rig = r;
    rig_wait_for(r, true);
    rig_stream(r, "ICE", NULL);
    kill(d.pid, SIGSTOP);
    stall.last_ms = loop_now_ms(r->loop);
    timer_start(r->loop, &stall.timer, 5, stall_beat);
    bus_publish(r->bus, &out, 120000, rig_acked, &a);
    for (int i = 0; i < 50 && bus_up(r->bus); i++) {
        rig_sleep(r, 1000);
    }
    assert_false(bus_up(r->bus));
    rig_sleep(r, 5000); /* attempts to connect meet a server that accepts and says nothing */
    assert_false(bus_up(r->bus));
    kill(d.pid, SIGCONT);
    rig_wait(r, 1);
    timer_stop(&stall.timer);
    printf("worst pause of the loop with a silent server: %" PRId64 " ms\n", stall.worst_ms);
    assert_int_equal(a.ack.fault, FAULT_OK);
    assert_int_equal(rig_stream_messages(r, "ICE"), 1);
    rig_free(&r);
    natsd_remove(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_server_appears),
        cmocka_unit_test(publish_without_connection_surely_is_not_stored),
        cmocka_unit_test(killed_server_loses_nothing),
        cmocka_unit_test(requests_under_way_are_unknown_after_a_loss),
        cmocka_unit_test(frozen_server_does_not_stop_the_loop),
        cmocka_unit_test(silent_server_is_given_up),
    };

    if (!natsd_find()) {
        printf("SKIPPED: there is no nats-server; failures of the bus are not tested\n");
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
