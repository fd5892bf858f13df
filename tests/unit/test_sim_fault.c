/* test_sim_fault.c - how faults are written, ordered, met and used up. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "sim_limits.h"
#include "sim_orders.h"
#include "sim_plans.h"

static struct sim_fault read_fault(const char *text)
{
    struct sim_fault f;
    struct note note = {0};

    if (sim_fault_read(slice_of(text), &f, &note)) {
        print_error("%s: %s\n", text, note.text);
    }
    assert_int_equal(sim_fault_read(slice_of(text), &f, &note), FAULT_OK);
    return f;
}

static void words(void **state)
{
    /* Each word lands where it belongs, whatever separates them. */
    (void)state;
    struct sim_fault f = read_fault("429;retry-after=2;times=3;step=poll");
    assert_int_equal(f.kind, SIM_FAULT_STATUS);
    assert_int_equal(f.value, 429);
    assert_int_equal(f.retry_after_s, 2);
    assert_int_equal(f.times, 3);
    assert_int_equal(f.step, SIM_POLL);
    f = read_fault("fault=latency=500 times=always");
    assert_int_equal(f.kind, SIM_FAULT_LATENCY);
    assert_int_equal(f.value, 500);
    assert_true(f.times == INT64_MAX);
    f = read_fault("jobfail=policy");
    assert_int_equal(f.kind, SIM_FAULT_JOBFAIL);
    assert_string_equal(f.detail, "policy");
    f = read_fault("job-ms=3000 bytes=77");
    assert_int_equal(f.kind, SIM_FAULT_NONE);
    assert_int_equal(f.job_ms, 3000);
    assert_int_equal(f.bytes, 77);
    f = read_fault("500 accepted step=any");
    assert_true(f.accepted);
    assert_int_equal(f.step, SIM_STEPS);
    f = read_fault("slow");
    assert_int_equal(f.value, 100);
    f = read_fault("");
    assert_int_equal(f.kind, SIM_FAULT_NONE);
}

static void wrong_words(void **state)
{
    /* What is no fault is refused with a note that names it. */
    (void)state;
    static const char *const bad[] = {"explode",
                                      "99",
                                      "600",
                                      "429 500",
                                      "latency",
                                      "latency=x",
                                      "huge=-1",
                                      "times=0",
                                      "429 times=x",
                                      "step=never",
                                      "lost=1",
                                      "retry-after=",
                                      "bytes=99999999999999999999",
                                      "=",
                                      "fault="};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct sim_fault f;
        struct note note = {0};
        assert_int_equal(sim_fault_read(slice_of(bad[i]), &f, &note), FAULT_BAD_VALUE);
        assert_non_null(strstr(note.text, "fault word"));
    }
}

static void steps_have_names(void **state)
{
    /* Names and steps are the two sides of one list. */
    (void)state;
    for (int i = 0; i < SIM_STEPS; i++) {
        assert_int_equal(sim_step_find(slice_of(sim_step_name((enum sim_step)i))), i);
    }
    assert_int_equal(sim_step_find(slice_of("none")), -1);
}

static void taken(void **state)
{
    /* One fault a request, the first; delays add up; an order is used up; a step that does not fit is passed
     * over. */
    (void)state;
    struct sim_fault first = read_fault("429 times=2"), second = read_fault("500"),
                     slow = read_fault("latency=10 times=always");
    struct sim_fault poll = read_fault("503 step=poll");
    struct sim_faults f;
    sim_faults_init(&f);
    sim_faults_take(&f, &poll, SIM_SUBMIT, -1);
    sim_faults_take(&f, &first, SIM_SUBMIT, SIM_SUBMIT);
    sim_faults_take(&f, &second, SIM_SUBMIT, SIM_SUBMIT);
    sim_faults_take(&f, &slow, SIM_SUBMIT, -1);
    sim_faults_take(&f, &slow, SIM_SUBMIT, -1);
    assert_int_equal(f.main.value, 429);
    assert_int_equal(f.latency_ms, 20);
    assert_int_equal(first.times, 1);
    assert_int_equal(second.times, 1);
    assert_int_equal(poll.times, 1);
    sim_faults_init(&f);
    sim_faults_take(&f, &first, SIM_POLL, SIM_SUBMIT);
    assert_int_equal(f.main.kind, SIM_FAULT_NONE);
    sim_faults_take(&f, &first, SIM_SUBMIT, SIM_SUBMIT);
    sim_faults_init(&f);
    sim_faults_take(&f, &first, SIM_SUBMIT, SIM_SUBMIT);
    assert_int_equal(f.main.kind, SIM_FAULT_NONE);
}

static enum fault order(struct sim_orders *o, const char *text, struct note *note)
{
    json_t *spec = json_loads(text, 0, NULL);

    assert_non_null(spec);
    enum fault fault = sim_orders_add(o, spec, note);
    json_decref(spec);
    return fault;
}

static int64_t take(struct sim_orders *o, const char *vendor, enum sim_step step, const char *secret)
{
    struct sim_random random = {1};
    struct sim_faults f;

    sim_faults_init(&f);
    sim_orders_take(o, &f, vendor, step, secret, &random);
    return f.main.kind == SIM_FAULT_STATUS ? f.main.value : 0;
}

static void orders(void **state)
{
    /* An order meets the vendor, step and secret it names, after as many as it lets pass, and then is gone.
     */
    (void)state;
    struct sim_orders *o = sim_orders_new();
    assert_int_equal(order(o,
                           "{\"fault\": \"429\", \"vendor\": \"a\", \"step\": \"submit\", \"secret\": \"k\", "
                           "\"times\": 2, \"after\": 1}",
                           NULL),
                     FAULT_OK);
    assert_int_equal(take(o, "b", SIM_SUBMIT, "k"), 0);
    assert_int_equal(take(o, "a", SIM_POLL, "k"), 0);
    assert_int_equal(take(o, "a", SIM_SUBMIT, "l"), 0);
    assert_int_equal(take(o, "a", SIM_SUBMIT, "k"), 0);
    assert_int_equal(take(o, "a", SIM_SUBMIT, "k"), 429);
    json_t *list = sim_orders_list(o);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "left")), 1);
    json_decref(list);
    assert_int_equal(take(o, "a", SIM_SUBMIT, "k"), 429);
    assert_int_equal(take(o, "a", SIM_SUBMIT, "k"), 0);
    list = sim_orders_list(o);
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
    sim_orders_free(&o);
    assert_null(o);
}

static void chance(void **state)
{
    /* A chance of 0 never hits, of 1 always, of one half about half of the time. */
    (void)state;
    struct sim_orders *o = sim_orders_new();
    struct sim_random random = {7};
    int hits = 0;
    assert_int_equal(order(o, "{\"fault\": \"500 times=always\", \"chance\": 0.5}", NULL), FAULT_OK);
    for (int i = 0; i < 1000; i++) {
        struct sim_faults f;
        sim_faults_init(&f);
        sim_orders_take(o, &f, "a", SIM_SUBMIT, "", &random);
        hits += f.main.kind != SIM_FAULT_NONE;
    }
    assert_in_range(hits, 400, 600);
    for (int i = 0; i < 100; i++) {
        assert_false(sim_random_chance(&random, 0));
        assert_true(sim_random_chance(&random, 1));
    }
    sim_orders_free(&o);
}

static void wrong_orders(void **state)
{
    /* A bad order is refused, and so is the one too many. */
    (void)state;
    static const char *const bad[] = {"{}",
                                      "{\"fault\": 429}",
                                      "{\"fault\": \"429\", \"who\": \"me\"}",
                                      "{\"fault\": \"bang\"}",
                                      "{\"fault\": \"429\", \"step\": \"never\"}",
                                      "{\"fault\": \"429\", \"chance\": \"high\"}",
                                      "[]"};
    struct sim_orders *o = sim_orders_new();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct note note = {0};
        assert_int_equal(order(o, bad[i], &note), FAULT_BAD_VALUE);
        assert_true(note.text[0]);
    }
    for (int i = 0; i < 256; i++) {
        assert_int_equal(order(o, "{\"fault\": \"429\"}", NULL), FAULT_OK);
    }
    assert_int_equal(order(o, "{\"fault\": \"429\"}", NULL), FAULT_BAD_VALUE);
    sim_orders_free(&o);
}

static void plans(void **state)
{
    /* A prompt's own orders are found again by the same prompt and by key, count down, and the oldest make
     * room. */
    (void)state;
    struct sim_plans *p = sim_plans_new(2);
    struct sim_plan *a, *b, *again;
    struct sim_faults f;
    assert_int_equal(sim_plans_of(p, "no orders", &a, NULL), FAULT_OK);
    assert_null(a);
    assert_int_equal(sim_plans_of(p, "fox [sim:429] and [sim:500 step=poll times=2]", &a, NULL), FAULT_OK);
    assert_int_equal(sim_plans_of(p, "fox [sim:429] and [sim:500 step=poll times=2]", &again, NULL),
                     FAULT_OK);
    assert_ptr_equal(a, again);
    assert_ptr_equal(sim_plans_find(p, a->key), a);
    for (int i = 0; i < 2; i++) {
        sim_faults_init(&f);
        sim_plan_take(a, &f, SIM_SUBMIT);
        assert_int_equal(f.main.kind, i ? SIM_FAULT_NONE : SIM_FAULT_STATUS);
        sim_faults_init(&f);
        sim_plan_take(a, &f, SIM_POLL);
        assert_int_equal(f.main.value, 500);
    }
    char key[SIM_PLAN_KEY_CHARS + 1];
    memcpy(key, a->key, sizeof(key));
    assert_int_equal(sim_plans_of(p, "b [sim:lost]", &b, NULL), FAULT_OK);
    assert_int_equal(sim_plans_of(p, "c [sim:lost]", &b, NULL), FAULT_OK);
    assert_null(sim_plans_find(p, key));
    struct note note = {0};
    assert_int_equal(sim_plans_of(p, "[sim:bang]", &b, &note), FAULT_BAD_VALUE);
    assert_int_equal(sim_plans_of(p, "[sim:429", &b, NULL), FAULT_BAD_VALUE);
    assert_int_equal(
        sim_plans_of(
            p, "[sim:lost][sim:lost][sim:lost][sim:lost][sim:lost][sim:lost][sim:lost][sim:lost][sim:lost]",
            &b, NULL),
        FAULT_BAD_VALUE);
    sim_plans_free(&p);
}

static void limits(void **state)
{
    /* A burst passes, then as many as the rate lets; each account has its own; the wait is told unless
     * forbidden. */
    (void)state;
    struct sim_limits *l = sim_limits_new();
    int64_t wait = 0;
    json_t *spec = json_pack("{s:s, s:i, s:i}", "vendor", "a", "per_second", 2, "burst", 3);
    assert_true(sim_limits_take(l, "a", "k", 0, &wait));
    assert_int_equal(sim_limits_set(l, spec, NULL), FAULT_OK);
    for (int i = 0; i < 3; i++) {
        assert_true(sim_limits_take(l, "a", "k", 1000, &wait));
    }
    assert_false(sim_limits_take(l, "a", "k", 1000, &wait));
    assert_int_equal(wait, 1);
    assert_true(sim_limits_take(l, "a", "other", 1000, &wait));
    assert_true(sim_limits_take(l, "b", "k", 1000, &wait));
    assert_false(sim_limits_take(l, "a", "k", 1400, &wait));
    assert_true(sim_limits_take(l, "a", "k", 1600, &wait));
    json_object_set_new(spec, "retry_after", json_false());
    assert_int_equal(sim_limits_set(l, spec, NULL), FAULT_OK);
    for (int i = 0; i < 3; i++) {
        assert_true(sim_limits_take(l, "a", "k", 2000, &wait));
    }
    assert_false(sim_limits_take(l, "a", "k", 2000, &wait));
    assert_int_equal(wait, -1);
    json_object_set_new(spec, "per_second", json_integer(0));
    assert_int_equal(sim_limits_set(l, spec, NULL), FAULT_OK);
    assert_true(sim_limits_take(l, "a", "k", 2000, &wait));
    json_object_del(spec, "vendor");
    assert_int_equal(sim_limits_set(l, spec, NULL), FAULT_BAD_VALUE);
    json_decref(spec);
    sim_limits_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),        cmocka_unit_test(wrong_words), cmocka_unit_test(steps_have_names),
        cmocka_unit_test(taken),        cmocka_unit_test(orders),      cmocka_unit_test(chance),
        cmocka_unit_test(wrong_orders), cmocka_unit_test(plans),       cmocka_unit_test(limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
