/* busrig.h - a loop and a bus on a real server, with calls that wait: for the tests of the bus and what
 * stands on it. */
#ifndef TESTS_BUSRIG_H
#define TESTS_BUSRIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "edge/bus.h"
#include "natsd.h"

#define RIG_PATIENCE_MS 30000 /* a test that waits longer has failed */

struct rig {
    struct natsd *server;
    struct loop *loop;
    struct log *log;
    struct bus *bus;
    struct timer guard;
    bool late;
    int left; /* rig_done calls until rig_wait returns */
};

/* ---- waiting ---- */

static inline void rig_guard(struct timer *timer)
{
    struct rig *r = container_of(timer, struct rig, guard);

    r->late = true;
    loop_stop(r->loop);
}

static inline void rig_done(struct rig *r)
{
    r->left--;
    loop_stop(r->loop); /* whoever waits looks whether it is enough */
}

/* Runs the loop until rig_done was called n times, those calls included that came while something else was
 * waited for. */
static inline void rig_wait(struct rig *r, int n)
{
    r->left += n;
    timer_start(r->loop, &r->guard, RIG_PATIENCE_MS, rig_guard);
    while (r->left > 0 && !r->late) {
        loop_run(r->loop);
    }
    timer_stop(&r->guard);
    assert_false(r->late);
}

/* Runs the loop until a callback that also calls rig_done has set *came. */
static inline void rig_until(struct rig *r, const bool *came)
{
    r->left++;
    timer_start(r->loop, &r->guard, RIG_PATIENCE_MS, rig_guard);
    while (!*came && !r->late) {
        loop_run(r->loop);
    }
    timer_stop(&r->guard);
    assert_false(r->late);
}

static inline void rig_slept(struct timer *timer)
{
    loop_stop(timer->loop);
}

static inline void rig_sleep(struct rig *r, int64_t ms)
{
    struct timer t = {0};

    timer_start(r->loop, &t, ms, rig_slept);
    while (timer_running(&t)) {
        loop_run(r->loop);
    }
}

static inline void rig_state(void *arg, bool up)
{
    struct rig *r = arg;

    (void)up;
    loop_stop(r->loop);
}

/* Waits until the bus is up (or down). */
static inline void rig_wait_for(struct rig *r, bool up)
{
    bus_watch(r->bus, rig_state, r);
    timer_start(r->loop, &r->guard, RIG_PATIENCE_MS, rig_guard);
    while (bus_up(r->bus) != up && !r->late) {
        loop_run(r->loop);
    }
    timer_stop(&r->guard);
    bus_unwatch(r->bus, rig_state, r);
    assert_false(r->late);
}

/* ---- life ---- */

/* Set RIG_LOG to see what the bus logs. */
static inline struct rig *rig_new(struct natsd *server, const struct bus_options *options)
{
    struct bus_options plain = {.urls = server->url, .name = "test"};
    struct rig *r = mem_new(sizeof(*r));
    struct note note = {0};

    r->server = server;
    r->loop = loop_new();
    r->log = log_new(2, getenv("RIG_LOG") ? LOG_DEBUG : LOG_ERROR);
    if (bus_new(r->loop, r->log, options ? options : &plain, &r->bus, &note) != FAULT_OK) {
        fail_msg("%s", note.text);
    }
    return r;
}

static inline void rig_free(struct rig **pr)
{
    struct rig *r = *pr;

    bus_free(&r->bus);
    loop_free(&r->loop);
    log_free(&r->log);
    free(r);
    *pr = NULL;
}

/* One server for all tests of a file; each test gets a connected rig of its own. */
static struct natsd rig_server;

static inline int rig_group_setup(void **state)
{
    (void)state;
    if (!natsd_find()) {
        printf("SKIPPED: there is no nats-server; nothing of the bus is tested here\n");
        return 0;
    }
    natsd_prepare(&rig_server, NULL);
    natsd_start(&rig_server);
    return 0;
}

static inline int rig_group_teardown(void **state)
{
    (void)state;
    if (rig_server.pid) {
        natsd_remove(&rig_server);
    }
    return 0;
}

static inline int rig_setup(void **state)
{
    *state = NULL;
    if (rig_server.pid) {
        struct rig *r = rig_new(&rig_server, NULL);
        rig_wait_for(r, true);
        *state = r;
    }
    return 0;
}

static inline int rig_teardown(void **state)
{
    if (*state) {
        rig_free((struct rig **)state);
    }
    return 0;
}

static inline struct rig *rig_of(void **state)
{
    if (!*state) {
        skip();
    }
    return *state;
}

/* ---- calls that wait ---- */

struct rig_answer {
    struct rig *rig;
    bool came;
    enum fault fault;
    char text[512];
    char header[64]; /* X-Test */
};

static inline void rig_answered(void *arg, enum fault fault, const struct bus_in *in)
{
    struct rig_answer *a = arg;

    a->fault = fault;
    if (in) {
        const char *header = bus_header(in, "X-Test");
        snprintf(a->text, sizeof(a->text), "%.*s", (int)in->payload.n, in->payload.p ? in->payload.p : "");
        snprintf(a->header, sizeof(a->header), "%s", header ? header : "");
    }
    a->came = true;
    rig_done(a->rig);
}

static inline struct rig_answer rig_ask(struct rig *r, const char *subject, const char *text,
                                        int64_t timeout_ms)
{
    struct rig_answer a = {.rig = r};
    struct bus_out out = {.subject = subject, .payload = slice_of(text)};

    bus_ask(r->bus, &out, timeout_ms, rig_answered, &a);
    rig_until(r, &a.came);
    return a;
}

struct rig_ack {
    struct rig *rig;
    bool came;
    struct bus_ack ack;
};

static inline void rig_acked(void *arg, const struct bus_ack *ack)
{
    struct rig_ack *a = arg;

    a->ack = *ack;
    a->came = true;
    rig_done(a->rig);
}

static inline struct bus_ack rig_publish(struct rig *r, const struct bus_out *out, int64_t limit_ms)
{
    struct rig_ack a = {.rig = r};

    bus_publish(r->bus, out, limit_ms, rig_acked, &a);
    rig_until(r, &a.came);
    return a.ack;
}

/* A text without anything else. */
static inline struct bus_ack rig_put(struct rig *r, const char *subject, const char *text)
{
    struct bus_out out = {.subject = subject, .payload = slice_of(text), .expect_last_seq = -1};

    return rig_publish(r, &out, 5000);
}

struct rig_json {
    struct rig *rig;
    bool came;
    enum fault fault;
    json_t *answer;
};

static inline void rig_got_json(void *arg, enum fault fault, const json_t *answer)
{
    struct rig_json *j = arg;

    j->fault = fault;
    j->answer = json_deep_copy(answer);
    j->came = true;
    rig_done(j->rig);
}

/* The answer, which the caller gives back; request is taken. */
static inline json_t *rig_api(struct rig *r, const char *subject, json_t *request)
{
    struct rig_json j = {.rig = r};

    bus_api(r->bus, subject, request, 5000, rig_got_json, &j);
    rig_until(r, &j.came);
    json_decref(request);
    assert_int_equal(j.fault, FAULT_OK);
    return j.answer;
}

/* As rig_api, for what must work and whose answer does not matter. */
static inline void rig_make(struct rig *r, const char *subject, json_t *request)
{
    json_t *answer = rig_api(r, subject, request);
    json_t *error = json_object_get(answer, "error");

    if (error) {
        fail_msg("%s: %s", subject, json_string_value(json_object_get(error, "description")));
    }
    json_decref(answer);
}

/* A stream of that name with the subjects "<name>.>"; more is merged into its configuration and taken (NULL:
 * nothing). */
static inline void rig_stream(struct rig *r, const char *name, json_t *more)
{
    char subject[128], subjects[128];

    snprintf(subject, sizeof(subject), "$JS.API.STREAM.CREATE.%s", name);
    snprintf(subjects, sizeof(subjects), "%s.>", name);
    json_t *config = json_pack("{s:s, s:[s]}", "name", name, "subjects", subjects);
    if (more) {
        json_object_update(config, more);
        json_decref(more);
    }
    rig_make(r, subject, config);
}

static inline json_int_t rig_stream_messages(struct rig *r, const char *name)
{
    char subject[128];

    snprintf(subject, sizeof(subject), "$JS.API.STREAM.INFO.%s", name);
    json_t *info = rig_api(r, subject, NULL);
    json_int_t n = json_integer_value(json_object_get(json_object_get(info, "state"), "messages"));
    json_decref(info);
    return n;
}

#endif
