/* media_rig.h - what the tests of media.h share: a real server with a bucket, and puts and gets with all that
 * came of them. */
#ifndef UNIT_MEDIA_RIG_H
#define UNIT_MEDIA_RIG_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>

#include "base/limits.h"
#include "base/mem.h"
#include "edge/media.h"
#include "natsd.h"

#define PATIENCE_MS 120000

/* nats.c 3.4.1 forgets the message that it has received half of when a connection ends (natsParser_Destroy).
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:natsBuf_Create\n";
}

struct rig {
    struct natsd natsd;
    struct loop *loop;
    struct bus *bus;
    struct media *media;
};

static struct rig rig;

/* ---- the loop ---- */

static void rig_impatient(struct timer *t)
{
    (void)t;
    fail_msg("%s", "nothing happened for two minutes");
}

static inline void rig_spin(void)
{
    struct timer patience = {0};

    timer_start(rig.loop, &patience, PATIENCE_MS, rig_impatient);
    loop_run(rig.loop);
    timer_stop(&patience);
}

static inline void rig_over(struct timer *t)
{
    (void)t;
    loop_stop(rig.loop);
}

static inline void rig_wait(int64_t ms)
{
    struct timer t = {0};

    timer_start(rig.loop, &t, ms, rig_over);
    rig_spin();
    timer_stop(&t);
}

/* ---- requests to the server ---- */

static json_t *rig_json;

static inline void rig_answered(void *arg, enum fault fault, const json_t *answer)
{
    (void)arg;
    assert_int_equal(fault, FAULT_OK);
    rig_json = json_deep_copy(answer);
    loop_stop(rig.loop);
}

/* The answer of $JS.API.<verb> to request, which it takes; the caller drops it. */
static inline json_t *rig_api(const char *verb, json_t *request)
{
    AUTO(auto_free) char *subject = mem_printf("$JS.API.%s", verb);

    bus_api(rig.bus, subject, request, 5000, rig_answered, NULL);
    json_decref(request);
    rig_spin();
    return rig_json;
}

static inline void rig_acked(void *arg, const struct bus_ack *ack)
{
    *(struct bus_ack *)arg = *ack;
    loop_stop(rig.loop);
}

/* Stores a message as any client would. */
static inline uint64_t rig_publish(const char *subject, struct slice payload)
{
    struct bus_ack ack;

    bus_publish(rig.bus, &(struct bus_out){.subject = subject, .payload = payload, .expect_last_seq = -1},
                5000, rig_acked, &ack);
    rig_spin();
    assert_int_equal(ack.fault, FAULT_OK);
    return ack.seq;
}

/* The number of messages whose subject fits filter. */
static inline size_t rig_count(const char *filter)
{
    json_t *info = rig_api("STREAM.INFO.OBJ_test", json_pack("{s:s}", "subjects_filter", filter));
    const char *name;
    json_t *value;
    size_t n = 0;

    json_object_foreach(json_object_get(json_object_get(info, "state"), "subjects"), name, value)
    {
        n += (size_t)json_integer_value(value);
    }
    json_decref(info);
    return n;
}

/* Waits until exactly this many chunks and metadata are in the store. */
static inline void rig_expect(size_t chunks, size_t metas)
{
    for (int i = 0; i < 200; i++) {
        if (rig_count("$O.test.C.>") == chunks && rig_count("$O.test.M.>") == metas) {
            return;
        }
        rig_wait(50);
    }
    assert_int_equal(rig_count("$O.test.C.>"), chunks);
    assert_int_equal(rig_count("$O.test.M.>"), metas);
}

/* Waits until nobody consumes from the store. */
static inline void rig_expect_no_consumer(void)
{
    json_int_t count = 1;

    for (int i = 0; i < 100 && count; i++) {
        json_t *info = rig_api("STREAM.INFO.OBJ_test", NULL);
        count = json_integer_value(json_object_get(json_object_get(info, "state"), "consumer_count"));
        json_decref(info);
        rig_wait(count ? 50 : 1);
    }
    assert_int_equal(count, 0);
}

static inline void rig_bucket(int64_t max_bytes, int64_t max_age_ms)
{
    json_t *answer =
        rig_api("STREAM.CREATE.OBJ_test",
                json_pack("{s:s, s:[s,s], s:s, s:I, s:I, s:s, s:b, s:b, s:I}", "name", "OBJ_test", "subjects",
                          "$O.test.C.>", "$O.test.M.>", "discard", "new", "max_bytes", (json_int_t)max_bytes,
                          "max_age", (json_int_t)max_age_ms * 1000000, "storage", "file", "allow_rollup_hdrs",
                          1, "allow_direct", 1, "duplicate_window",
                          (json_int_t)(max_age_ms && max_age_ms < 120000 ? max_age_ms : 120000) * 1000000));

    assert_null(json_object_get(answer, "error"));
    json_decref(answer);
}

static inline void rig_changed(void *arg, bool up)
{
    (void)arg;
    if (up) {
        loop_stop(rig.loop);
    }
}

static inline void rig_start(int64_t max_bytes, int64_t max_age_ms)
{
    rig.loop = loop_new();
    natsd_prepare(&rig.natsd, NULL);
    natsd_start(&rig.natsd);
    assert_int_equal(
        bus_new(rig.loop, NULL, &(struct bus_options){.urls = rig.natsd.url, .name = "test"}, &rig.bus, NULL),
        FAULT_OK);
    bus_watch(rig.bus, rig_changed, NULL);
    while (!bus_up(rig.bus)) {
        rig_spin();
    }
    rig_bucket(max_bytes, max_age_ms);
    rig.media = media_new(rig.bus, rig.loop, "test");
}

static inline int rig_setup(void **state)
{
    (void)state;
    rig_start(-1, 0);
    return 0;
}

static inline int rig_teardown(void **state)
{
    (void)state;
    media_free(&rig.media);
    bus_free(&rig.bus);
    loop_free(&rig.loop);
    natsd_remove(&rig.natsd);
    return 0;
}

/* ---- puts ---- */

struct put {
    struct media_put *put;
    uint64_t bytes, added; /* how many are to be added, were */
    unsigned seed;
    size_t step;
    int dones;
    bool keep_running, stop_in_room;
    enum fault fault;
    struct media_info info;
};

/* Byte i of the object of a seed. */
static inline char rig_byte(unsigned seed, uint64_t i)
{
    return (char)((i * 2654435761u >> 13) + i / 251 + seed);
}

static inline void put_feed(struct put *p)
{
    char bytes[65536];
    size_t step = p->step ? p->step : 50000;

    while (p->added < p->bytes) {
        size_t n = p->bytes - p->added < step ? (size_t)(p->bytes - p->added) : step;
        for (size_t i = 0; i < n; i++) {
            bytes[i] = rig_byte(p->seed, p->added + i);
        }
        p->added += n;
        if (!media_put_add(p->put, (struct slice){bytes, n})) {
            break;
        }
    }
    if (p->added == p->bytes) {
        media_put_end(p->put);
    }
}

static inline void put_room(void *arg)
{
    struct put *p = arg;

    assert_int_equal(p->dones, 0);
    if (p->stop_in_room) {
        media_put_stop(&p->put);
        loop_stop(rig.loop);
    } else {
        put_feed(p);
    }
}

static inline void put_done(void *arg, enum fault fault, const struct media_info *info)
{
    struct put *p = arg;

    p->dones++;
    p->fault = fault;
    p->put = NULL;
    if (info) {
        p->info = *info;
    }
    assert_int_equal(fault == FAULT_OK, info != NULL);
    if (!p->keep_running) {
        loop_stop(rig.loop);
    }
}

static inline void put_begin(struct put *p, uint64_t limit, int64_t limit_ms)
{
    p->put = media_put_start(rig.media, NULL, limit, limit_ms, put_room, put_done, p);
    put_feed(p);
    assert_int_equal(p->dones, 0);
}

/* Stores the object of a seed. */
static inline struct media_info put_object(unsigned seed, uint64_t bytes)
{
    struct put p = {.seed = seed, .bytes = bytes};

    put_begin(&p, UINT64_MAX, 5000);
    rig_spin();
    assert_int_equal(p.fault, FAULT_OK);
    assert_int_equal(p.dones, 1);
    assert_int_equal(p.info.bytes, bytes);
    return p.info;
}

/* ---- gets ---- */

struct get {
    struct media_get *get;
    unsigned seed;
    uint64_t place; /* of the next byte in the object */
    uint64_t bytes;
    int heads, datas, ends;
    int pause_every; /* 0: never */
    bool hold;       /* paused until get_go */
    bool stop_in_head, stop_in_data, foreign;
    enum fault head_fault, fault;
    struct media_info info;
};

static inline void get_head(void *arg, enum fault fault, const struct media_info *info)
{
    struct get *g = arg;

    g->heads++;
    g->head_fault = fault;
    assert_int_equal(fault == FAULT_OK, info != NULL);
    if (fault) {
        g->get = NULL;
        loop_stop(rig.loop);
        return;
    }
    g->info = *info;
    if (g->stop_in_head) {
        media_get_stop(&g->get);
        loop_stop(rig.loop);
    }
}

static inline bool get_data(void *arg, struct slice bytes)
{
    struct get *g = arg;

    assert_int_equal(g->heads, 1);
    assert_true(bytes.n > 0 && bytes.n <= LIMIT_MESSAGE_BYTES);
    for (size_t i = 0; i < bytes.n; i++) {
        if (bytes.p[i] != rig_byte(g->seed, g->place + i)) {
            fail_msg("byte %zu of chunk at %llu differs", i, (unsigned long long)g->place);
        }
    }
    g->place += bytes.n;
    g->bytes += bytes.n;
    g->datas++;
    if (g->stop_in_data) {
        media_get_stop(&g->get);
        loop_stop(rig.loop);
        return true;
    }
    if (g->hold) {
        loop_stop(rig.loop);
        return false;
    }
    if (g->pause_every && g->datas % g->pause_every == 0) {
        loop_stop(rig.loop);
        return false;
    }
    return true;
}

static inline void get_ended(void *arg, enum fault fault)
{
    struct get *g = arg;

    g->ends++;
    g->fault = fault;
    g->get = NULL;
    loop_stop(rig.loop);
}

static const struct media_get_events get_events = {.head = get_head, .data = get_data, .end = get_ended};

static inline void get_begin(struct get *g, const char *digest, uint64_t first, uint64_t length)
{
    g->place = first;
    g->get = media_get_start(rig.media, digest, first, length, &get_events, g);
}

/* Runs until the end, resuming at each pause. */
static inline void get_finish(struct get *g)
{
    while (!g->ends && !g->head_fault) {
        rig_spin();
        if (g->get && g->pause_every) {
            media_get_resume(g->get);
        }
    }
}

/* Reads a part of the object of a seed and checks it. */
static inline void get_object(unsigned seed, const char *digest, uint64_t first, uint64_t length,
                              uint64_t want)
{
    struct get g = {.seed = seed};

    get_begin(&g, digest, first, length);
    get_finish(&g);
    assert_int_equal(g.head_fault, FAULT_OK);
    assert_int_equal(g.fault, FAULT_OK);
    assert_int_equal(g.heads, 1);
    assert_int_equal(g.ends, 1);
    assert_int_equal(g.bytes, want);
}

static inline long rig_resident_kib(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*s %ld", &pages), 1);
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

#endif
