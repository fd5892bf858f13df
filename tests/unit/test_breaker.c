/* test_breaker.c - when a target is left alone, who tries it again, how it comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/breaker.h"

#define T0 1700000000000

static bool one(struct breaker *b, uint64_t task, enum breaker_verdict verdict, int64_t now)
{
    struct breaker_ticket t = breaker_begin(b, task, now);

    return breaker_end(b, &t, verdict, now);
}

/* Fails it open at now. */
static void fail_open(struct breaker *b, int64_t now)
{
    for (uint64_t i = 1; i < BREAKER_FAILURES; i++) {
        assert_false(one(b, i, VERDICT_BAD, now));
    }
    assert_true(one(b, BREAKER_FAILURES, VERDICT_BAD, now));
}

static enum breaker_turn turn(const struct breaker *b, int64_t now)
{
    int64_t wait;

    return breaker_turn(b, now, &wait);
}

static void test_failures_of_different_tasks_open(void **state)
{
    /* Five tasks that fail one after the other open it for 15 s; a success in between begins the count anew;
     * what says nothing about the vendor counts for nothing. */
    (void)state;
    struct breaker b = {0};

    for (uint64_t i = 1; i < 5; i++) {
        assert_false(one(&b, i, VERDICT_BAD, T0));
        assert_false(one(&b, 100 + i, VERDICT_NONE, T0));
    }
    assert_false(one(&b, 9, VERDICT_GOOD, T0));
    fail_open(&b, T0);
    assert_int_equal(breaker_state(&b, T0), BREAKER_OPEN);
    assert_int_equal(b.facts.at_ms, T0 + 15000);
    assert_int_equal(breaker_state(&b, T0 + 14999), BREAKER_OPEN);
    assert_int_equal(breaker_state(&b, T0 + 15000), BREAKER_HALF_OPEN);
}

static void test_one_task_does_not_speak_for_all(void **state)
{
    /* A task whose every attempt fails opens nothing, however often it is tried. */
    (void)state;
    struct breaker b = {0};

    for (int i = 0; i < 100; i++) {
        assert_false(one(&b, 7, VERDICT_BAD, T0 + i));
    }
    assert_int_equal(breaker_state(&b, T0 + 100), BREAKER_CLOSED);
}

static void test_a_ratio_opens(void **state)
{
    /* Every second submission fails: no five in a row, but half of the last ones, once there are ten. */
    (void)state;
    struct breaker b = {0};
    int n = 0;

    for (uint64_t i = 0; !b.facts.open && n < 100; i++, n++) {
        one(&b, i, i % 2 ? VERDICT_BAD : VERDICT_GOOD, T0 + n);
    }
    assert_int_equal(n, 10);
    b = (struct breaker){0};
    for (uint64_t i = 0; i < 100; i++) { /* a third of them: never */
        assert_false(one(&b, i, i % 3 ? VERDICT_GOOD : VERDICT_BAD, T0));
    }
}

static void test_counted_by_their_beginning(void **state)
{
    /* A failure that is told when the window has moved on counts for no ratio, and one that began before the
     * breaker opened and closed tells nothing of now. */
    (void)state;
    struct breaker b = {0};
    struct breaker_ticket slow = breaker_begin(&b, 1, T0), early[BREAKER_FAILURES];

    for (uint64_t i = 0; i < BREAKER_WINDOW; i++) {
        one(&b, 50 + i, VERDICT_GOOD, T0);
    }
    assert_false(breaker_end(&b, &slow, VERDICT_BAD, T0));
    assert_int_equal(b.failing_n, 0);
    for (uint64_t i = 0; i < BREAKER_FAILURES; i++) {
        early[i] = breaker_begin(&b, 200 + i, T0);
    }
    fail_open(&b, T0);
    breaker_asked(&b);
    breaker_answered(&b, true, T0 + 15000);
    assert_true(one(&b, 300, VERDICT_GOOD, T0 + 15000));
    for (size_t i = 0; i < BREAKER_FAILURES; i++) {
        assert_false(breaker_end(&b, &early[i], VERDICT_BAD, T0 + 15001));
    }
    assert_false(b.facts.open);
}

static void test_old_failures_are_forgotten(void **state)
{
    /* Four failures an hour ago and one now are not five in a row. */
    (void)state;
    struct breaker b = {0};

    for (uint64_t i = 0; i < 4; i++) {
        one(&b, i, VERDICT_BAD, T0);
    }
    assert_false(one(&b, 9, VERDICT_BAD, T0 + 3600000));
}

static void test_doubts_of_others_count(void **state)
{
    /* Failures that four other agents saw and one of our own open it; theirs alone do not, nor do those of
     * another epoch, and a success anywhere begins anew. */
    (void)state;
    struct breaker b = {0};

    for (uint64_t i = 0; i < 40; i++) {
        breaker_doubt(&b, 0, i, VERDICT_BAD, T0);
    }
    assert_false(b.facts.open);
    breaker_doubt(&b, 0, 50, VERDICT_GOOD, T0);
    assert_false(one(&b, 60, VERDICT_BAD, T0));
    for (uint64_t i = 0; i < 4; i++) {
        breaker_doubt(&b, 1, i, VERDICT_BAD, T0);
    }
    assert_false(one(&b, 61, VERDICT_BAD, T0));
    for (uint64_t i = 0; i < 2; i++) {
        breaker_doubt(&b, 0, i, VERDICT_BAD, T0);
    }
    assert_true(one(&b, 62, VERDICT_BAD, T0));
}

static void test_one_probe(void **state)
{
    /* Half-open asks for the probe, lets one submission through with it, and nobody else. */
    (void)state;
    struct breaker b = {0};
    int64_t now = T0 + 15000;

    fail_open(&b, T0);
    assert_int_equal(turn(&b, now), TURN_ASK);
    breaker_asked(&b);
    assert_int_equal(turn(&b, now), TURN_WAIT);
    breaker_answered(&b, true, now);
    assert_int_equal(turn(&b, now), TURN_GO);
    struct breaker_ticket t = breaker_begin(&b, 1, now);
    assert_true(t.probe);
    assert_int_equal(turn(&b, now), TURN_WAIT);
    assert_int_equal(turn(&b, now + 3600000), TURN_WAIT);
    assert_false(breaker_end(&b, &t, VERDICT_NONE, now)); /* it said nothing: another one */
    assert_int_equal(turn(&b, now), TURN_ASK);
    breaker_asked(&b);
    breaker_answered(&b, false, now);
    assert_int_equal(turn(&b, now), TURN_WAIT);
    assert_int_equal(turn(&b, now + 5000), TURN_ASK); /* whoever had it may have died */
}

static void test_an_unused_probe_lapses(void **state)
{
    /* A probe that came while nobody had anything to send is not used long after: its lease may be gone. */
    (void)state;
    struct breaker b = {0};

    fail_open(&b, T0);
    breaker_asked(&b);
    breaker_answered(&b, true, T0 + 15000);
    assert_int_equal(turn(&b, T0 + 15000 + breaker_default.unused_ms), TURN_WAIT);
    breaker_probe_drop(&b);
    assert_int_equal(turn(&b, T0 + 40000), TURN_ASK);
}

static void test_open_grows_and_calms(void **state)
{
    /* Each failed probe doubles the time up to five minutes; after a calm time it is a first opening again.
     */
    (void)state;
    static const int64_t seconds[] = {15, 30, 60, 120, 240, 300, 300};
    struct breaker b = {0};
    int64_t now = T0;

    fail_open(&b, now);
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        assert_int_equal(b.facts.at_ms - now, seconds[i] * 1000);
        now = b.facts.at_ms;
        breaker_asked(&b);
        breaker_answered(&b, true, now);
        assert_true(one(&b, i, VERDICT_BAD, now));
    }
    now = b.facts.at_ms;
    breaker_asked(&b);
    breaker_answered(&b, true, now);
    assert_true(one(&b, 1, VERDICT_GOOD, now));
    struct breaker calm = b;
    fail_open(&b, now + breaker_default.calm_ms - 1);
    assert_int_equal(b.facts.at_ms - now, breaker_default.calm_ms - 1 + 300000);
    fail_open(&calm, now + breaker_default.calm_ms);
    assert_int_equal(calm.facts.at_ms - now, breaker_default.calm_ms + 15000);
}

static void test_ramp(void **state)
{
    /* After the probe an agent sends one, two in the second after, then four, and after ten seconds freely.
     */
    (void)state;
    struct breaker b = {.facts = {.epoch = 3, .at_ms = T0}};
    int64_t wait;

    for (int second = 0; second < 10; second++) {
        int64_t now = T0 + second * 1000;
        int sent = 0;
        while (breaker_turn(&b, now, &wait) == TURN_GO && sent < 100000) {
            breaker_begin(&b, (uint64_t)sent, now);
            sent++;
        }
        assert_int_equal(sent, second ? 1 << (second - 1) : 1);
        assert_int_equal(wait, 1000);
    }
    assert_int_equal(breaker_state(&b, T0 + 10000), BREAKER_CLOSED);
    assert_int_equal(turn(&b, T0 + 10000), TURN_GO);
}

static void test_by_hand(void **state)
{
    /* Forced open it stays open however well things go; forced closed everything passes whatever fails. */
    (void)state;
    struct breaker b = {.force = FORCE_OPEN};

    assert_int_equal(turn(&b, T0), TURN_WAIT);
    b.force = FORCE_CLOSED;
    fail_open(&b, T0);
    assert_int_equal(turn(&b, T0), TURN_GO);
    struct breaker_ticket t = breaker_begin(&b, 1, T0 + 20000);
    assert_false(t.probe);
    assert_false(breaker_end(&b, &t, VERDICT_BAD, T0 + 20000));
    b.force = FORCE_NONE;
    assert_int_equal(turn(&b, T0), TURN_WAIT);
}

static void test_facts_join(void **state)
{
    /* A later epoch counts; within one the probe's closing counts, and of two openings the longer. */
    (void)state;
    static const struct {
        struct breaker_facts a, b, both;
    } rows[] = {
        {{0}, {1, true, 0, 50}, {1, true, 0, 50}},
        {{1, true, 0, 50}, {1, true, 1, 70}, {1, true, 1, 70}},
        {{1, true, 1, 50}, {1, true, 0, 70}, {1, true, 1, 70}},
        {{1, true, 0, 50}, {1, false, 0, 60}, {1, false, 0, 60}},
        {{2, true, 1, 90}, {1, false, 0, 95}, {2, true, 1, 90}},
        {{2, true, 1, 90}, {1, true, 0, 95}, {2, true, 1, 95}},
        {{2, false, 0, 90}, {2, false, 0, 91}, {2, false, 0, 91}},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct breaker_facts x = rows[i].a, y = rows[i].b;
        breaker_join(&x, &rows[i].b);
        breaker_join(&y, &rows[i].a);
        assert_true(breaker_same(&x, &rows[i].both) && breaker_same(&y, &rows[i].both));
        assert_false(breaker_join(&x, &rows[i].a));
    }
}

static void test_facts_in_a_record(void **state)
{
    /* Times are counted from the record's stamp; what is no record is refused. */
    (void)state;
    static const char *const bad[] = {"{}", "{\"epoch\": -1, \"in_ms\": 0}", "{\"epoch\": 1}",
                                      "{\"epoch\": 1, \"in_ms\": 9223372036854775807}",
                                      "{\"epoch\": \"1\", \"in_ms\": 0}"};
    const struct breaker_facts facts = {4, true, 2, T0 + 60000};
    struct breaker_facts back;
    json_t *record = json_object();

    breaker_pack(record, &facts, T0);
    assert_true(breaker_unpack(record, &back, T0));
    assert_true(breaker_same(&facts, &back));
    assert_true(breaker_unpack(record, &back, T0 + 10));
    assert_int_equal(back.at_ms, facts.at_ms + 10);
    json_decref(record);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        json_t *value = json_loads(bad[i], 0, NULL);
        assert_false(breaker_unpack(value, &back, T0));
        json_decref(value);
    }
}

/* ---- a fleet under random schedules ---- */

#define AGENTS 4
#define FLIGHT 6
#define EPOCHS 4096

struct actor {
    struct breaker b;
    struct breaker_ticket flight[FLIGHT];
    bool flies[FLIGHT];
    bool dirty;
};

struct world {
    struct actor actors[AGENTS];
    struct breaker_facts bucket;
    int lease[EPOCHS]; /* of the probe of each epoch: who has it, from 1; 0: nobody */
    int64_t now;
    uint64_t seed, tasks;
    bool healthy;
};

static uint64_t draw(struct world *w)
{
    w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
    return w->seed >> 33;
}

static void world_hear(struct world *w, struct actor *a)
{
    struct breaker_facts before = a->b.facts;

    breaker_hear(&a->b, &w->bucket);
    assert_true(a->b.facts.epoch >= before.epoch);
    if (a->b.facts.open && before.open) {
        assert_true(a->b.facts.at_ms >= before.at_ms);
    }
}

/* The bucket's compare-and-set: whoever writes has joined what stands there. */
static void world_write(struct world *w, struct actor *a)
{
    struct breaker_facts before = w->bucket;

    world_hear(w, a);
    w->bucket = a->b.facts;
    a->dirty = false;
    assert_true(w->bucket.epoch >= before.epoch);
    if (w->bucket.open && before.open) { /* open-until only grows */
        assert_true(w->bucket.at_ms >= before.at_ms);
    }
}

static void world_send(struct world *w, struct actor *a, int me)
{
    int64_t wait;
    size_t i = draw(w) % FLIGHT;
    enum breaker_turn t = breaker_turn(&a->b, w->now, &wait);

    if (t == TURN_ASK) {
        int *lease = &w->lease[a->b.facts.epoch % EPOCHS];
        bool ours = !*lease;
        *lease = ours ? me + 1 : *lease;
        breaker_asked(&a->b);
        breaker_answered(&a->b, ours, w->now);
    } else if (t == TURN_GO && !a->flies[i]) {
        assert_true(breaker_state(&a->b, w->now) != BREAKER_OPEN);
        a->flight[i] = breaker_begin(&a->b, ++w->tasks, w->now);
        a->flies[i] = true;
        assert_true(breaker_state(&a->b, w->now) != BREAKER_HALF_OPEN || a->flight[i].probe);
    } else if (t == TURN_WAIT) {
        assert_true(wait > 0);
    }
}

static void world_land(struct world *w, struct actor *a)
{
    size_t i = draw(w) % FLIGHT;
    bool none = draw(w) % 8 == 0;

    if (a->flies[i]) {
        enum breaker_verdict v = none ? VERDICT_NONE : w->healthy ? VERDICT_GOOD : VERDICT_BAD;
        a->flies[i] = false;
        a->dirty |= breaker_end(&a->b, &a->flight[i], v, w->now);
        if (a->flight[i].probe && none) {
            w->lease[a->flight[i].epoch % EPOCHS] = 0; /* given back */
        }
    }
}

/* How many probes of one epoch are under way in the whole fleet. */
static void world_count(const struct world *w)
{
    for (int64_t epoch = 1; epoch <= w->bucket.epoch + 1; epoch++) {
        int out = 0;
        for (int i = 0; i < AGENTS; i++) {
            for (int k = 0; k < FLIGHT; k++) {
                out += w->actors[i].flies[k] && w->actors[i].flight[k].probe &&
                       w->actors[i].flight[k].epoch == epoch;
            }
        }
        assert_true(out <= 1);
    }
}

static void world_step(struct world *w)
{
    int me = (int)(draw(w) % AGENTS);
    struct actor *a = &w->actors[me];

    w->now += (int64_t)(draw(w) % 2000);
    if (draw(w) % 64 == 0) {
        w->healthy = !w->healthy;
    }
    switch (draw(w) % 6) {
    case 0:
        world_hear(w, a);
        break;
    case 1:
        if (a->dirty) {
            world_write(w, a);
        }
        break;
    case 2:
    case 3:
        world_send(w, a, me);
        break;
    default:
        world_land(w, a);
        break;
    }
    if (a->b.probe == PROBE_OURS && w->now >= a->b.probe_ms) { /* the owner's tick */
        breaker_probe_drop(&a->b);
        w->lease[a->b.facts.epoch % EPOCHS] = 0;
    }
    world_count(w);
}

/* With a healthy vendor and everything told, everybody is let through in the end. */
static void world_heal(struct world *w)
{
    w->healthy = true;
    for (int i = 0; i < 3000; i++) {
        int me = i % AGENTS;
        world_land(w, &w->actors[me]);
        world_write(w, &w->actors[me]);
        world_send(w, &w->actors[me], me);
        w->now += 500;
        if (w->actors[me].b.probe == PROBE_OURS && w->now >= w->actors[me].b.probe_ms) {
            breaker_probe_drop(&w->actors[me].b);
            w->lease[w->actors[me].b.facts.epoch % EPOCHS] = 0;
        }
    }
    for (int i = 0; i < AGENTS; i++) {
        world_hear(w, &w->actors[i]);
        assert_int_equal(breaker_state(&w->actors[i].b, w->now), BREAKER_CLOSED);
    }
}

static void test_random_schedules(void **state)
{
    /* Over 20,000 random schedules of four agents that hear late and write late: epochs and open-until only
     * grow, one probe of an epoch is under way at most, none is sent while open, and in the end it closes. */
    (void)state;
    for (uint64_t round = 1; round <= 20000; round++) {
        static struct world w;
        memset(&w, 0, sizeof(w));
        w.now = T0;
        w.seed = round * 7919;
        w.healthy = round % 2 == 0;
        for (int i = 0; i < 150; i++) {
            world_step(&w);
        }
        if (round % 20 == 0) {
            world_heal(&w);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failures_of_different_tasks_open),
        cmocka_unit_test(test_one_task_does_not_speak_for_all),
        cmocka_unit_test(test_a_ratio_opens),
        cmocka_unit_test(test_counted_by_their_beginning),
        cmocka_unit_test(test_old_failures_are_forgotten),
        cmocka_unit_test(test_doubts_of_others_count),
        cmocka_unit_test(test_one_probe),
        cmocka_unit_test(test_an_unused_probe_lapses),
        cmocka_unit_test(test_open_grows_and_calms),
        cmocka_unit_test(test_ramp),
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_facts_join),
        cmocka_unit_test(test_facts_in_a_record),
        cmocka_unit_test(test_random_schedules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
