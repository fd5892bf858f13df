/* test_media_trouble.c - media when something is wrong: full, too large, stopped, the server away for a while
 * or for good. */
#include "media_rig.h"

static void test_too_large(void **state)
{
    /* A put beyond its limit fails, and nothing of it remains; one of exactly the limit is stored. */
    static const uint64_t limits[] = {0, 1000, 1000000};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct put p = {.seed = 1, .bytes = limits[i] + 1}, q = {.seed = 2, .bytes = limits[i]};
        put_begin(&p, limits[i], 5000);
        rig_spin();
        assert_int_equal(p.fault, FAULT_TOO_LARGE);
        assert_int_equal(p.dones, 1);
        rig_expect(i == 2 ? 1 : 0, i);
        put_begin(&q, limits[i], 5000);
        rig_spin();
        assert_int_equal(q.fault, FAULT_OK);
    }
    rig_expect(9, 3);
}

static void test_full(void **state)
{
    /* A full store refuses with FLEET_FULL, nothing remains, and what fits is stored afterwards. */
    (void)state;
    rig_start(1500000, 0);
    for (int i = 0; i < 3; i++) {
        struct put p = {.seed = 1, .bytes = 3000000};
        put_begin(&p, UINT64_MAX, 5000);
        rig_spin();
        assert_int_equal(p.fault, FAULT_FLEET_FULL);
        rig_expect(0, 0);
    }
    struct media_info info = put_object(2, 1200000);
    get_object(2, info.digest, 0, 0, 1200000);
}

static void test_full_for_a_small_one(void **state)
{
    /* The chunk of a small object does not fit where its metadata, sent right behind it, do: nothing remains
     * either. */
    (void)state;
    rig_start(100000, 0);
    struct media_info kept = put_object(1, 20000);
    struct put p = {.seed = 2, .bytes = 100000};
    put_begin(&p, UINT64_MAX, 5000);
    rig_spin();
    assert_int_equal(p.fault, FAULT_FLEET_FULL);
    rig_expect(1, 1);
    get_object(1, kept.digest, 0, 0, 20000);
    struct put q = {.seed = 2, .bytes = 50000};
    put_begin(&q, UINT64_MAX, 5000);
    rig_spin();
    assert_int_equal(q.fault, FAULT_OK);
}

static void test_stopped_put(void **state)
{
    /* A put that is stopped at any place leaves no chunks and calls nobody. */
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct put p = {
            .seed = 1, .bytes = i == 4 ? 1000 : 20000000, .stop_in_room = i == 1, .keep_running = true};
        put_begin(&p, UINT64_MAX, 5000);
        if (i == 1) {
            rig_spin(); /* in the callback that says that there is room */
            assert_null(p.put);
        } else if (i == 2) {
            rig_wait(20);
        } else if (i == 3) {
            media_put_end(p.put);
            rig_wait(1);
        }
        if (p.put) {
            media_put_stop(&p.put);
        }
        assert_null(p.put);
        rig_wait(50);
        assert_int_equal(p.dones, 0);
        rig_expect(0, 0);
    }
    struct media_put *none = NULL;
    media_put_stop(&none);
}

static void test_server_away(void **state)
{
    /* Without a server a stat and a get say so at once, a put when its time is over; what it left goes when
     * the server is back. */
    struct put p = {.seed = 1, .bytes = 200000000, .keep_running = true}, q = {.seed = 2, .bytes = 100},
               s = {0};
    struct get g = {0};

    (void)state;
    struct media_info info = put_object(3, 1000);
    put_begin(&p, UINT64_MAX, 700);
    rig_wait(10);
    natsd_end(&rig.natsd, SIGKILL);
    while (bus_up(rig.bus)) {
        rig_wait(10);
    }
    put_begin(&q, UINT64_MAX, 300);
    media_stat(rig.media, info.digest, put_done, &s);
    rig_spin();
    assert_int_equal(s.fault, FAULT_BUS_DOWN);
    get_begin(&g, info.digest, 0, 0);
    get_finish(&g);
    assert_int_equal(g.head_fault, FAULT_BUS_DOWN);
    while (!q.dones || !p.dones) {
        rig_spin();
        p.keep_running = false;
    }
    assert_int_equal(q.fault, FAULT_BUS_DOWN);
    assert_true(p.fault == FAULT_BUS_TIMEOUT || p.fault == FAULT_BUS_DOWN);
    natsd_start(&rig.natsd);
    while (!bus_up(rig.bus)) {
        rig_spin();
    }
    rig_expect(1, 1);
    get_object(3, info.digest, 0, 0, 1000);
}

static void restart(void)
{
    natsd_end(&rig.natsd, SIGKILL);
    rig_wait(300);
    natsd_start(&rig.natsd);
}

static void test_restart_during_put(void **state)
{
    /* A server that is killed and comes back in the midst of a put costs nothing but time: the object is
     * whole. */
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct put p = {.seed = i, .bytes = 40000000, .keep_running = true};
        put_begin(&p, UINT64_MAX, 30000);
        rig_wait(5 + 10 * i);
        assert_int_equal(p.dones, 0);
        restart();
        while (!p.dones) {
            rig_wait(10);
        }
        assert_int_equal(p.fault, FAULT_OK);
        get_object(i, p.info.digest, 0, 0, p.bytes);
        rig_expect((i + 1) * 306, i + 1);
    }
}

static void test_restart_during_get(void **state)
{
    /* The same for a get: its consumer is lost with the server, another one goes on behind the last chunk. */
    struct media_info info = put_object(1, 20000000);
    struct get g = {.seed = 1, .hold = true};

    (void)state;
    get_begin(&g, info.digest, 0, 0);
    rig_spin();
    assert_int_equal(g.datas, 1);
    restart();
    g.hold = false;
    media_get_resume(g.get);
    get_finish(&g);
    assert_int_equal(g.fault, FAULT_OK);
    assert_int_equal(g.bytes, 20000000);
}

static void test_consumer_lost(void **state)
{
    /* A consumer that is gone, as after a long pause, is replaced. */
    struct media_info info = put_object(1, 3000000);
    struct get g = {.seed = 1, .hold = true};

    (void)state;
    get_begin(&g, info.digest, 1000000, 0);
    rig_spin();
    json_t *list = rig_api("CONSUMER.NAMES.OBJ_test", NULL);
    json_t *names = json_object_get(list, "consumers");
    assert_int_equal(json_array_size(names), 1);
    AUTO(auto_free)
    char *verb = mem_printf("CONSUMER.DELETE.OBJ_test.%s", json_string_value(json_array_get(names, 0)));
    json_decref(list);
    json_decref(rig_api(verb, NULL));
    g.hold = false;
    media_get_resume(g.get);
    get_finish(&g);
    assert_int_equal(g.fault, FAULT_OK);
    assert_int_equal(g.bytes, 2000000);
}

static void test_chunks_vanish(void **state)
{
    /* Chunks that are purged while they are read end the get as broken, not as whole and not never. */
    struct media_info info = put_object(1, 3000000);
    struct get g = {.seed = 1, .hold = true};

    (void)state;
    get_begin(&g, info.digest, 0, 0);
    rig_spin();
    json_decref(rig_api("STREAM.PURGE.OBJ_test", json_pack("{s:s}", "filter", "$O.test.C.>")));
    g.hold = false;
    media_get_resume(g.get);
    get_finish(&g);
    assert_int_equal(g.fault, FAULT_BAD_DATA);
}

static void test_stopped_get(void **state)
{
    /* A get is stopped at once, in its head, in its data, while it pauses: it is not heard of again and
     * leaves no consumer. */
    static const uint64_t sizes[] = {1000, 3000000};

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct media_info info = put_object(i % 2, sizes[i % 2]);
        struct get g = {
            .seed = i % 2, .stop_in_head = i / 2 == 1, .stop_in_data = i / 2 == 2, .hold = i / 2 == 3};
        get_begin(&g, info.digest, 0, 0);
        if (i / 2 > 0) {
            rig_spin();
        }
        if (g.get) {
            media_get_stop(&g.get);
        }
        assert_null(g.get);
        int datas = g.datas;
        rig_wait(100);
        assert_int_equal(g.datas, datas);
        assert_int_equal(g.ends, 0);
        rig_expect_no_consumer();
    }
    struct media_get *none = NULL;
    media_get_stop(&none);
}

static void test_free_in_flight(void **state)
{
    /* The object store may go with puts, gets, stats and sweeps under way. */
    static struct put p[2], s;
    static struct get g[2];

    (void)state;
    struct media_info info = put_object(1, 3000000);
    g[0] = (struct get){.seed = 1, .hold = true};
    get_begin(&g[0], info.digest, 0, 0);
    rig_spin();
    get_begin(&g[1], info.digest, 0, 0);
    p[0] = p[1] = (struct put){.seed = 2, .bytes = 3000000, .keep_running = true};
    put_begin(&p[0], UINT64_MAX, 5000);
    put_begin(&p[1], UINT64_MAX, 5000);
    media_put_stop(&p[1].put);
    media_stat(rig.media, info.digest, put_done, &s);
    media_free(&rig.media);
    rig_wait(100);
    assert_int_equal(p[0].dones + p[1].dones + s.dones + g[0].ends + g[1].heads, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_too_large),
        cmocka_unit_test_teardown(test_full, rig_teardown),
        cmocka_unit_test_teardown(test_full_for_a_small_one, rig_teardown),
        TEST(test_stopped_put),
        TEST(test_server_away),
        TEST(test_restart_during_put),
        TEST(test_restart_during_get),
        TEST(test_consumer_lost),
        TEST(test_chunks_vanish),
        TEST(test_stopped_get),
        TEST(test_free_in_flight),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
