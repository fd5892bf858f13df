/* test_sim_engine.c - the simulator without sockets, and with a clock of our own: jobs, idempotency, counts,
 * bounds. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim_count.h"
#include "sim_engine.h"
#include "sim_jobs.h"
#include "sim_replays.h"

#define WALL 1800000000000ll

/* ---- a request as text, an answer as a struct ---- */

struct rig {
    struct sim_engine *engine;
    struct sim_request request;
    int64_t now_ms;
};

struct got {
    int status;
    json_t *json; /* NULL: the body is none */
    char *body;
    size_t n;
    enum sim_end end;
    int64_t delay_ms;
};

static enum fault on_head(void *arg, const struct http_head *head)
{
    sim_request_begin(&((struct rig *)arg)->request, head);
    return FAULT_OK;
}

static enum fault on_body(void *arg, struct slice bytes)
{
    sim_request_data(&((struct rig *)arg)->request, bytes);
    return FAULT_OK;
}

static enum fault on_end(void *arg)
{
    sim_request_end(&((struct rig *)arg)->request);
    return FAULT_OK;
}

static void rig_begin(struct rig *r, int64_t job_ms)
{
    static const char *const keys[] = {"k1", "k2", NULL};
    struct sim_engine_options options = {.keys = keys, .job_ms = job_ms, .seed = 5};
    struct note note = {0};

    *r = (struct rig){.now_ms = 1000};
    assert_int_equal(sim_engine_new(&options, &r->engine, &note), FAULT_OK);
}

static void rig_end(struct rig *r)
{
    sim_request_done(&r->request);
    buf_done(&r->request.text);
    sim_engine_free(&r->engine);
    assert_null(r->engine);
}

/* Answers; the caller ends a. */
static void rig_answer(struct rig *r, const char *text, struct sim_answer *a)
{
    static const struct http_events events = {on_head, on_body, on_end};
    static const struct http_limits limits = {16384, 64, 1 << 20};
    struct http *h = http_new(&limits, &events, r);
    struct note note = {0};
    size_t used;

    assert_int_equal(http_feed(h, slice_of(text), &used, &note), FAULT_OK);
    assert_int_equal(used, strlen(text));
    sim_answer_init(a);
    sim_engine_answer(r->engine, &r->request, r->now_ms, WALL + r->now_ms, a);
    http_free(&h);
}

static struct got rig_read(struct rig *r, struct sim_answer *a, bool delivered)
{
    struct got g = {.status = a->status, .end = a->end, .delay_ms = a->delay_ms, .body = mem_new(1 << 20)};

    g.n = sim_body_read(&a->body, g.body, (1 << 20) - 1);
    g.json = json_loadb(g.body, g.n, 0, NULL);
    sim_engine_end(r->engine, a, delivered);
    return g;
}

static void got_done(struct got *g)
{
    json_decref(g->json);
    free(g->body);
}

/* A request with key and JSON (NULL: none), answered and delivered. more: further header lines. */
static struct got ask(struct rig *r, const char *line, const char *key, const char *json, const char *more)
{
    struct sim_answer a;
    AUTO(auto_free)
    char *text = mem_printf("%s HTTP/1.1\r\nHost: h:1\r\nAuthorization: %s\r\nX-Api-Key: %s\r\n%s%s"
                            "Content-Length: %zu\r\n\r\n%s",
                            line, key, strchr(key, ' ') ? strchr(key, ' ') + 1 : key, more,
                            json ? "Content-Type: application/json\r\n" : "", json ? strlen(json) : 0,
                            json ? json : "");

    rig_answer(r, text, &a);
    return rig_read(r, &a, true);
}

static int status_of(struct rig *r, const char *line, const char *key, const char *json, const char *more)
{
    struct got g = ask(r, line, key, json, more);
    int status = g.status;

    got_done(&g);
    return status;
}

static const char *at(const struct got *g, const char *a, const char *b)
{
    json_t *v = json_object_get(g->json, a);

    return json_string_value(b ? json_object_get(v, b) : v);
}

static long long count(struct rig *r, const char *query, const char *field)
{
    AUTO(auto_free) char *line = mem_printf("GET /_sim/paid?%s", query);
    struct got g = ask(r, line, "none", NULL, "");
    long long n = json_integer_value(json_object_get(g.json, field));

    got_done(&g);
    return n;
}

#define VIDEO  "{\"prompt\": \"p\", \"model\": \"sora-2\"}"
#define AVATAR "{\"type\": \"avatar\", \"avatar_id\": \"a\", \"script\": \"p\"}"

/* ---- tests ---- */

static void a_job_goes_its_way(void **state)
{
    /* A fifth of its time a job is queued, then it runs, then it is done; only its own account sees it. */
    (void)state;
    static const struct {
        int64_t after;
        const char *status;
        int progress;
    } steps[] = {{0, "queued", 0},         {199, "queued", 19},      {200, "in_progress", 20},
                 {999, "in_progress", 99}, {1000, "completed", 100}, {1000000, "completed", 100}};
    struct rig r;
    rig_begin(&r, 1000);
    struct got made = ask(&r, "POST /openai/v1/videos", "Bearer k1", VIDEO, "");
    AUTO(auto_free) char *line = mem_printf("GET /openai/v1/videos/%s", at(&made, "id", NULL));
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        r.now_ms = 1000 + steps[i].after;
        struct got g = ask(&r, line, "Bearer k1", NULL, "");
        assert_string_equal(at(&g, "status", NULL), steps[i].status);
        assert_int_equal(json_integer_value(json_object_get(g.json, "progress")), steps[i].progress);
        bool ended = steps[i].progress == 100;
        assert_int_equal(json_is_integer(json_object_get(g.json, "completed_at")), ended);
        if (ended) {
            assert_int_equal(json_integer_value(json_object_get(g.json, "completed_at")),
                             (WALL + 2000) / 1000);
        }
        got_done(&g);
    }
    assert_int_equal(status_of(&r, line, "Bearer k2", NULL, ""), 404);
    assert_int_equal(status_of(&r, line, "Bearer k3", NULL, ""), 401);
    got_done(&made);
    rig_end(&r);
}

static void deleting_takes_the_job(void **state)
{
    /* A delete answers from the job and then the job is gone; one that is refused leaves it. */
    (void)state;
    struct rig r;
    rig_begin(&r, 1000);
    struct got made = ask(&r, "POST /openai/v1/videos", "Bearer k1", VIDEO, "");
    AUTO(auto_free) char *line = mem_printf("DELETE /openai/v1/videos/%s", at(&made, "id", NULL));
    assert_int_equal(status_of(&r, line, "Bearer k1", NULL, ""), 409);
    r.now_ms += 1000;
    struct got g = ask(&r, line, "Bearer k1", NULL, "");
    assert_string_equal(at(&g, "id", NULL), at(&made, "id", NULL));
    got_done(&g);
    assert_int_equal(status_of(&r, line, "Bearer k1", NULL, ""), 404);
    got_done(&made);
    rig_end(&r);
}

static void an_idempotency_key_pays_once(void **state)
{
    /* While the first answer is under way the key is busy; lost or not, later it replays the same bytes. */
    (void)state;
    struct rig r;
    struct sim_answer a;
    rig_begin(&r, 1000);
    rig_answer(&r,
               "POST /heygen/v3/videos HTTP/1.1\r\nHost: h\r\nX-Api-Key: k1\r\nIdempotency-Key: "
               "key\r\nContent-Type: application/json\r\n"
               "Content-Length: 51\r\n\r\n" AVATAR,
               &a);
    assert_int_equal(a.status, 200);
    struct got busy = ask(&r, "POST /heygen/v3/videos", "k1", AVATAR, "Idempotency-Key: key\r\n");
    assert_int_equal(busy.status, 409);
    assert_string_equal(at(&busy, "error", "code"), "request_in_progress");
    got_done(&busy);
    struct got first = rig_read(&r, &a, false);
    for (int i = 0; i < 3; i++) {
        r.now_ms += 5000;
        struct got again = ask(&r, "POST /heygen/v3/videos", "k1", AVATAR, "Idempotency-Key: key\r\n");
        assert_int_equal(again.status, 200);
        assert_string_equal(again.body, first.body);
        got_done(&again);
    }
    assert_int_equal(count(&r, "key=key", "asked"), 5);
    assert_int_equal(count(&r, "key=key", "paid"), 1);
    assert_int_equal(count(&r, "key=key", "lost"), 1);
    assert_int_equal(count(&r, "key=key", "replayed"), 3);
    assert_int_equal(count(&r, "key=key", "refused"), 1);
    got_done(&first);
    rig_end(&r);
}

static void refusals_keep_the_key_free(void **state)
{
    /* A request that was refused used no idempotency key: the next one is a first one. */
    (void)state;
    struct rig r;
    rig_begin(&r, 1000);
    assert_int_equal(
        status_of(&r, "POST /heygen/v3/videos", "k1", AVATAR, "Idempotency-Key: key\r\nx-sim-fault: 503\r\n"),
        503);
    assert_int_equal(status_of(&r, "POST /heygen/v3/videos", "k1", AVATAR, "Idempotency-Key: key\r\n"), 200);
    assert_int_equal(count(&r, "key=key", "paid"), 1);
    rig_end(&r);
}

static void ends_and_delays(void **state)
{
    /* What the server must do to the connection stands in the answer. */
    (void)state;
    static const struct {
        const char *fault;
        enum sim_end end;
        int64_t delay_ms;
    } cases[] = {{"lost", SIM_END_LOST, 0},
                 {"reset", SIM_END_RESET, 0},
                 {"cut", SIM_END_CUT, 0},
                 {"latency=70", SIM_END_WHOLE, 70},
                 {"latency=70, lost, latency=5", SIM_END_LOST, 75},
                 {"429", SIM_END_WHOLE, 0}};
    struct rig r;
    rig_begin(&r, 1000);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(auto_free) char *more = mem_printf("x-sim-fault: %s\r\n", cases[i].fault);
        struct got g = ask(&r, "POST /openai/v1/videos", "Bearer k1", VIDEO, more);
        assert_int_equal(g.end, cases[i].end);
        assert_int_equal(g.delay_ms, cases[i].delay_ms);
        got_done(&g);
    }
    assert_int_equal(count(&r, "prompt=p", "paid"), 5);
    rig_end(&r);
}

static void the_same_seed_gives_the_same(void **state)
{
    /* Two engines of one seed give the same ids; what one engine gives twice differs. */
    (void)state;
    struct rig a, b;
    rig_begin(&a, 1000);
    rig_begin(&b, 1000);
    struct got one = ask(&a, "POST /openai/v1/videos", "Bearer k1", VIDEO, ""),
               two = ask(&b, "POST /openai/v1/videos", "Bearer k1", VIDEO, "");
    struct got other = ask(&a, "POST /openai/v1/videos", "Bearer k1", VIDEO, "");
    assert_string_equal(at(&one, "id", NULL), at(&two, "id", NULL));
    assert_string_not_equal(at(&one, "id", NULL), at(&other, "id", NULL));
    got_done(&one);
    got_done(&two);
    got_done(&other);
    rig_end(&a);
    rig_end(&b);
}

static void configuration(void **state)
{
    /* A configuration sets times, keys, faults and limits; anything else in it is refused. */
    (void)state;
    struct rig r;
    struct note note = {0};
    rig_begin(&r, 1000);
    json_t *config = json_loads(
        "{\"latency_ms\": 9, \"job_ms\": 0, \"keys\": [\"k3\"], \"faults\": [{\"fault\": \"500\"}],"
        " \"limits\": [{\"vendor\": \"openai\", \"per_second\": 1, \"burst\": 1}]}",
        0, NULL);
    assert_int_equal(sim_engine_configure(r.engine, config, &note), FAULT_OK);
    struct got g = ask(&r, "POST /openai/v1/videos", "Bearer k3", VIDEO, "");
    assert_int_equal(g.status, 500);
    assert_int_equal(g.delay_ms, 9);
    got_done(&g);
    assert_int_equal(status_of(&r, "POST /openai/v1/videos", "Bearer k3", VIDEO, ""), 200);
    assert_int_equal(status_of(&r, "POST /openai/v1/videos", "Bearer k3", VIDEO, ""), 429);
    json_object_set_new(config, "job_sm", json_integer(1));
    assert_int_equal(sim_engine_configure(r.engine, config, &note), FAULT_BAD_VALUE);
    assert_non_null(strstr(note.text, "job_sm"));
    json_decref(config);
    rig_end(&r);
}

static void jobs_are_bounded(void **state)
{
    /* The oldest job makes room; the same id and the same alias replace; both names find it. */
    (void)state;
    struct sim_dialect d = {.name = "v"};
    struct sim_jobs *j = sim_jobs_new(3);
    sim_jobs_add(j, &d, "a", NULL);
    struct sim_job *b = sim_jobs_add(j, &d, "b", "bee");
    sim_jobs_add(j, &d, "c", NULL);
    assert_ptr_equal(sim_jobs_find(j, &d, "bee"), b);
    sim_jobs_add(j, &d, "d", NULL);
    assert_null(sim_jobs_find(j, &d, "a"));
    assert_int_equal(sim_jobs_count(j), 3);
    struct sim_job *e = sim_jobs_add(j, &d, "e", "bee");
    assert_null(sim_jobs_find(j, &d, "b"));
    assert_ptr_equal(sim_jobs_find(j, &d, "bee"), e);
    sim_jobs_add(j, &d, "e", NULL);
    assert_null(sim_jobs_find(j, &d, "bee"));
    assert_int_equal(sim_jobs_count(j), 3);
    for (int i = 0; i < 1000; i++) {
        char id[16];
        snprintf(id, sizeof(id), "x%d", i);
        sim_jobs_add(j, &d, id, NULL);
    }
    assert_int_equal(sim_jobs_count(j), 3);
    sim_jobs_free(&j);
    assert_null(j);
}

static void replays_are_bounded(void **state)
{
    /* The oldest answer makes room; names depend on scope and key. */
    (void)state;
    char a[17], b[17], c[17];
    struct sim_replays *r = sim_replays_new(2);
    json_t *reply = json_pack("{s:i}", "status", 200);
    sim_replays_name("scope", "key", a);
    sim_replays_name("scope", "key2", b);
    sim_replays_name("scop", "ekey", c);
    assert_string_not_equal(a, b);
    assert_string_not_equal(a, c);
    sim_replays_add(r, a, reply);
    assert_true(sim_replays_find(r, a)->busy);
    sim_replays_add(r, b, reply);
    sim_replays_add(r, c, reply);
    assert_null(sim_replays_find(r, a));
    assert_non_null(sim_replays_find(r, c));
    assert_int_equal(reply->refcount, 3);
    json_decref(reply);
    sim_replays_free(&r);
}

static void counts_are_bounded(void **state)
{
    /* Beyond its bound the counter counts on, and says that single prompts are not complete. */
    (void)state;
    struct sim_dialect d = {.name = "v"};
    struct sim_count *c = sim_count_new(3);
    struct sim_ticket t;
    for (int i = 0; i < 5; i++) {
        char prompt[16];
        snprintf(prompt, sizeof(prompt), "p%d", i);
        struct sim_seen seen = {.dialect = &d,
                                .step = SIM_SUBMIT,
                                .outcome = SIM_PAID,
                                .status = 200 + i,
                                .prompt = prompt,
                                .wall_ms = 1 + i};
        sim_count_answer(c, &seen, &t);
        sim_count_end(c, &t, i % 2, 10);
    }
    json_t *stats = sim_count_stats(c, 2), *paid = sim_count_paid(c, "p1", false),
           *none = sim_count_paid(c, "p4", false);
    json_t *v = json_object_get(json_object_get(stats, "vendors"), "v");
    assert_int_equal(json_integer_value(json_object_get(v, "paid")), 5);
    assert_int_equal(json_integer_value(json_object_get(v, "bytes_out")), 50);
    assert_int_equal(json_integer_value(json_object_get(stats, "overflow")), 2);
    assert_int_equal(json_object_size(json_object_get(stats, "prompts")), 2);
    assert_int_equal(json_integer_value(json_object_get(paid, "answered")), 1);
    assert_int_equal(json_integer_value(json_object_get(none, "paid")), 0);
    assert_true(json_is_false(json_object_get(none, "complete")));
    json_decref(stats);
    json_decref(paid);
    json_decref(none);
    sim_count_free(&c);
}

static void a_reset_leaves_open_requests(void **state)
{
    /* A request that was open during a reset ends without touching what came after. */
    (void)state;
    struct sim_dialect d = {.name = "v"};
    struct sim_count *c = sim_count_new(3);
    struct sim_ticket before, after;
    struct sim_seen seen = {.dialect = &d,
                            .step = SIM_SUBMIT,
                            .outcome = SIM_PAID,
                            .status = 200,
                            .prompt = "p",
                            .key = "k",
                            .secret = "s"};
    sim_count_answer(c, &seen, &before);
    sim_count_reset(c);
    sim_count_answer(c, &seen, &after);
    sim_count_end(c, &before, true, 99);
    sim_count_end(c, &after, false, 1);
    json_t *paid = sim_count_paid(c, "k", true), *stats = sim_count_stats(c, 9);
    assert_int_equal(json_integer_value(json_object_get(paid, "paid")), 1);
    assert_int_equal(json_integer_value(json_object_get(paid, "answered")), 0);
    assert_int_equal(json_integer_value(json_object_get(paid, "lost")), 1);
    json_t *v = json_object_get(json_object_get(stats, "vendors"), "v");
    assert_int_equal(json_integer_value(json_object_get(v, "open")), 0);
    assert_int_equal(json_integer_value(json_object_get(v, "open_max")), 2);
    json_decref(paid);
    json_decref(stats);
    sim_count_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_goes_its_way),
        cmocka_unit_test(deleting_takes_the_job),
        cmocka_unit_test(an_idempotency_key_pays_once),
        cmocka_unit_test(refusals_keep_the_key_free),
        cmocka_unit_test(ends_and_delays),
        cmocka_unit_test(the_same_seed_gives_the_same),
        cmocka_unit_test(configuration),
        cmocka_unit_test(jobs_are_bounded),
        cmocka_unit_test(replays_are_bounded),
        cmocka_unit_test(counts_are_bounded),
        cmocka_unit_test(a_reset_leaves_open_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
