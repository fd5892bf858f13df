/* test_vendor_flow.c - calls that are paused, many, queued, stopped at every place, or left behind. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "vendor_probe.h"

/* ---- flow ---- */

static long resident_kib(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*s %ld", &pages), 1);
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void resume_all(struct probe *p)
{
    while (p->ends == 0) {
        p->pause_once = false;
        vendor_call_resume(p->call);
        wait_ms(1);
    }
}

static void test_pause(void **state)
{
    /* A paused call gets nothing more, does not stall, keeps memory bounded, and goes on when resumed. */
    struct probe p;
    int left = 1;

    (void)state;
    probe_init(&p);
    p.left = &left;
    p.pause_once = true;
    struct vendor_request r = request_to(url("/big/50000000"));
    r.media = true;
    r.timeout_ms = 0;
    r.stall_ms = 300;
    start(&p, r);
    wait_for(&p.datas);
    wait_ms(100); /* for what the library takes in at once */
    int datas = p.datas;
    long before = resident_kib();
    assert_int_equal(datas, 1);
    wait_ms(1000);
    assert_int_equal(p.datas, datas);
    assert_int_equal(p.ends, 0);
    assert_true(resident_kib() - before < 4096);
    vendor_call_resume(p.call);
    assert_int_equal(p.datas, datas); /* not from inside */
    spin();
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    assert_int_equal(p.bytes, 50000000);
    probe_done(&p);
}

static void test_pause_each(void **state)
{
    /* Pausing at every piece loses and doubles nothing. */
    struct probe p;
    int left = 1;

    (void)state;
    probe_init(&p);
    p.left = &left;
    p.pause_always = true;
    start(&p, request_media(url("/big/900000")));
    resume_all(&p);
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    assert_int_equal(p.bytes, 900000);
    for (size_t i = 0; i < p.body.n; i++) {
        assert_int_equal((unsigned char)p.body.p[i], i % 256);
    }
    probe_done(&p);
}

static void test_fault_after_pause(void **state)
{
    /* A fault given for bytes that the library held during a pause ends the call as any other. */
    struct probe p;
    int left = 1;

    (void)state;
    probe_init(&p);
    p.left = &left;
    p.pause_once = true;
    start(&p, request_media(url("/big/5000000")));
    wait_for(&p.datas);
    wait_ms(100);
    p.data_fault = FAULT_OVERLOADED;
    vendor_call_resume(p.call);
    spin();
    check_end(&p, FAULT_OVERLOADED, VENDOR_ANSWERED, 200);
    probe_done(&p);
}

static void test_many(void **state)
{
    /* Hundreds of calls at once all end well, more than connections per host included. */
    enum { N = 300 };
    struct probe *p = mem_new(N * sizeof(*p));
    int left = N;

    (void)state;
    for (int i = 0; i < N; i++) {
        probe_init(&p[i]);
        p[i].left = &left;
        start(&p[i], request_to(url("/slow/%d", i % 50)));
    }
    spin();
    for (int i = 0; i < N; i++) {
        check_end(&p[i], FAULT_OK, VENDOR_DONE, 200);
        assert_string_equal(p[i].body.p, "slow");
        probe_done(&p[i]);
    }
    free(p);
    vendor_idle(world.vendor);
    wait_ms(10);
    assert_true(hits("slow") >= N); /* and it works on after its connections were given up */
}

static void test_connection_limit(void **state)
{
    /* Calls beyond the connections per host wait for their turn; one that is too late then was not sent. */
    struct vendor *narrow = vendor_new(world.loop, NULL, &(struct vendor_options){.max_connections = 1});
    struct probe a, b;
    int left = 2;

    (void)state;
    probe_init(&a);
    probe_init(&b);
    a.left = b.left = &left;
    struct vendor_request r = request_to(url("/slow/1000"));
    a.call = vendor_call_start(narrow, &r, &events, on_ask, &a);
    wait_for(&a.asked);
    r.timeout_ms = 200;
    b.call = vendor_call_start(narrow, &r, &events, on_ask, &b);
    spin();
    check_end(&a, FAULT_OK, VENDOR_DONE, 200);
    check_end(&b, FAULT_VENDOR_UNAVAILABLE, VENDOR_NOT_SENT, 0);
    probe_done(&a);
    probe_done(&b);
    vendor_free(&narrow);
}

/* ---- stops ---- */

static void test_stop_outside(void **state)
{
    /* A stopped call says how far it came, at every stage, and is not heard of again. */
    static const struct {
        const char *path;
        enum vendor_progress progress;
    } cases[] = {{"/mute", VENDOR_NOT_SENT}, {"/mute", VENDOR_SENT}, {"/stall", VENDOR_ANSWERED}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct probe p;
        probe_init(&p);
        start(&p, request_to(url("%s", cases[i].path)));
        if (cases[i].progress != VENDOR_NOT_SENT) {
            wait_for(cases[i].progress == VENDOR_SENT ? &p.asked : &p.heads);
        }
        assert_int_equal(vendor_call_stop(&p.call), cases[i].progress);
        assert_null(p.call);
        wait_ms(50);
        assert_int_equal(p.ends, 0);
        probe_done(&p);
    }
    struct vendor_call *none = NULL;
    assert_int_equal(vendor_call_stop(&none), VENDOR_NOT_SENT);
}

static void test_stop_inside(void **state)
{
    /* A call may be stopped from inside its own callbacks, and from those of another. */
    (void)state;
    for (int i = 0; i < 6; i++) {
        struct probe p, other;
        int left = 1;
        probe_init(&p);
        probe_init(&other);
        p.stop_in_ask = i % 3 == 0;
        p.stop_in_head = i % 3 == 1;
        p.stop_in_data = i % 3 == 2;
        if (i < 3) {
            start(&p, request_to(url("/big/1000000")));
            wait_for(&p.stops);
            wait_ms(20);
            assert_int_equal(p.ends, 0);
            assert_int_equal(p.stopped, i % 3 == 0 ? VENDOR_NOT_SENT : VENDOR_ANSWERED);
        } else {
            start(&other, request_to(url("/mute")));
            wait_for(&other.asked);
            p.victim = &other;
            p.left = &left;
            start(&p, request_to(url("/hello")));
            spin();
            check_end(&p, FAULT_OK, VENDOR_DONE, 200);
            assert_int_equal(other.stopped, VENDOR_SENT);
            assert_int_equal(other.ends, 0);
        }
        probe_done(&p);
        probe_done(&other);
    }
}

static void test_free_in_flight(void **state)
{
    /* The vendor object may go while calls are looked up, connected, sent, answered and paused: teardown
     * frees them. */
    static struct probe p[5];

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        probe_init(&p[i]);
    }
    p[3].pause_always = true;
    start(&p[1], request_to(url("/mute")));
    start(&p[2], request_to(url("/stall")));
    start(&p[3], request_media(url("/big/5000000")));
    wait_for(&p[1].asked);
    wait_for(&p[2].heads);
    wait_for(&p[3].datas);
    start(&p[4], request_to("http://some-other-name.invalid/"));
    start(&p[0], request_to(url("/hello")));
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(p[i].ends, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pause),       TEST(test_pause_each),       TEST(test_fault_after_pause),
        TEST(test_many),        TEST(test_connection_limit), TEST(test_stop_outside),
        TEST(test_stop_inside), TEST(test_free_in_flight),
    };

    return cmocka_run_group_tests(tests, start_server, stop_server);
}
