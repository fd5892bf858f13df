/* test_loop.c - timers, calls from other threads, work, signals and look-ups of edge/loop.h. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <pthread.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/mem.h"
#include "edge/loop.h"

#define MANY 20000

struct probe {
    struct loop *loop;
    struct timer timer, other, last;
    char trace[64];
    int count;
};

static void trace(struct probe *p, char c)
{
    size_t n = strlen(p->trace);

    assert_true(n + 1 < sizeof(p->trace));
    p->trace[n] = c;
}

static void stop_loop(void *arg)
{
    loop_stop(arg);
}

static void timer_ends(struct timer *t)
{
    loop_stop(t->loop);
}

static void run_for(struct loop *loop, int64_t ms)
{
    struct timer end = {0};

    timer_start(loop, &end, ms, timer_ends);
    loop_run(loop);
    timer_stop(&end);
}

static int make(void **state)
{
    struct probe *p = mem_new(sizeof(*p));

    p->loop = loop_new();
    *state = p;
    return p->loop ? 0 : -1;
}

static int unmake(void **state)
{
    struct probe *p = *state;

    loop_free(&p->loop);
    free(p);
    return 0;
}

/* ---- timers ---- */

static void trace_a(struct timer *t)
{
    trace(container_of(t, struct probe, timer), 'a');
}

static void trace_b(struct timer *t)
{
    trace(container_of(t, struct probe, other), 'b');
}

static void trace_end(struct timer *t)
{
    trace(container_of(t, struct probe, last), 'z');
    loop_stop(t->loop);
}

static void timers_fire_in_order(void **state)
{
    /* Due times decide, then the order of the starts; each start gives one call, none from inside
     * timer_start. */
    struct probe *p = *state;

    timer_start(p->loop, &p->last, 20, trace_end);
    timer_start(p->loop, &p->timer, 0, trace_a);
    timer_start(p->loop, &p->other, 0, trace_b);
    assert_string_equal(p->trace, "");
    assert_true(timer_running(&p->timer));
    loop_run(p->loop);
    assert_string_equal(p->trace, "abz");
    assert_false(timer_running(&p->timer));
}

static void restarted_timer_counts_anew(void **state)
{
    /* A second start replaces the first: later due time, later place, still one call. */
    struct probe *p = *state;

    timer_start(p->loop, &p->timer, 0, trace_a);
    timer_start(p->loop, &p->other, 0, trace_b);
    timer_start(p->loop, &p->timer, 0, trace_a);
    timer_start(p->loop, &p->last, 10, trace_end);
    loop_run(p->loop);
    assert_string_equal(p->trace, "baz");
}

static void stop_other(struct timer *t)
{
    struct probe *p = container_of(t, struct probe, timer);

    trace(p, 'a');
    timer_stop(&p->other);
}

static void stopped_timer_is_silent(void **state)
{
    /* Stopping works on a timer that is due in the same turn, and twice, and on one that never ran. */
    struct probe *p = *state;

    timer_stop(&p->last);
    timer_start(p->loop, &p->timer, 0, stop_other);
    timer_start(p->loop, &p->other, 0, trace_b);
    timer_start(p->loop, &p->last, 10, trace_end);
    loop_run(p->loop);
    timer_stop(&p->other);
    assert_string_equal(p->trace, "az");
}

static void count_and_restart(struct timer *t)
{
    struct probe *p = container_of(t, struct probe, timer);

    p->count++;
    timer_start(t->loop, t, 0, count_and_restart);
}

static void busy_timer_starves_nobody(void **state)
{
    /* A timer that restarts itself with no delay leaves the loop to others. */
    struct probe *p = *state;

    timer_start(p->loop, &p->timer, 0, count_and_restart);
    timer_start(p->loop, &p->last, 20, trace_end);
    loop_run(p->loop);
    timer_stop(&p->timer);
    assert_true(p->count > 1);
}

struct owned {
    struct timer timer;
    int *freed;
};

static void free_owner(struct timer *t)
{
    struct owned *o = container_of(t, struct owned, timer);

    (*o->freed)++;
    free(o);
}

static void callback_may_free_the_owner(void **state)
{
    /* The timer's memory may go in its callback (the sanitizers watch). */
    struct probe *p = *state;
    struct owned *o = mem_new(sizeof(*o));

    o->freed = &p->count;
    timer_start(p->loop, &o->timer, 0, free_owner);
    run_for(p->loop, 5);
    assert_int_equal(p->count, 1);
}

struct many {
    struct timer timer;
    int64_t due_ms;
    struct probe *probe;
};

static int64_t last_due;

static void many_fired(struct timer *t)
{
    struct many *m = container_of(t, struct many, timer);

    assert_true(clock_mono_ms() >= m->due_ms);
    assert_true(m->due_ms >= last_due);
    last_due = m->due_ms;
    m->probe->count++;
}

static void many_timers_keep_order(void **state)
{
    /* Many timers with random delays, a third of them stopped: the rest fire in the order of due times, none
     * early. */
    struct probe *p = *state;
    struct many *all = mem_new(MANY * sizeof(*all));
    int stopped = 0;

    srandom(1);
    last_due = 0;
    for (int i = 0; i < MANY; i++) {
        all[i].probe = p;
        timer_start(p->loop, &all[i].timer, random() % 200, many_fired);
        all[i].due_ms = all[i].timer.due_ms;
    }
    for (int i = 0; i < MANY; i += 3, stopped++) {
        timer_stop(&all[i].timer);
    }
    timer_start(p->loop, &p->last, 250, trace_end);
    loop_run(p->loop);
    assert_int_equal(p->count, MANY - stopped);
    free(all);
}

/* ---- calls ---- */

static void say(void *arg)
{
    trace(arg, 's');
}

static void say_then_more(void *arg)
{
    struct probe *p = arg;

    trace(p, '1');
    loop_soon(p->loop, say, p);
    loop_soon(p->loop, stop_loop, p->loop);
    trace(p, '2');
}

static void soon_comes_after_the_callback(void **state)
{
    /* loop_soon calls after the caller returned, in order, without anything else to wake the loop. */
    struct probe *p = *state;

    loop_soon(p->loop, say_then_more, p);
    assert_string_equal(p->trace, "");
    loop_run(p->loop);
    assert_string_equal(p->trace, "12s");
}

#define POSTERS 4
#define POSTS   2000

struct poster {
    struct loop *loop;
    pthread_t thread, home;
    int sent, seen;
    int *left;
};

struct parcel {
    struct poster *from;
    int number;
};

static void parcel_came(void *arg)
{
    struct parcel *parcel = arg;
    struct poster *from = parcel->from;

    assert_true(pthread_equal(pthread_self(), from->home));
    assert_int_equal(parcel->number, from->seen);
    from->seen++;
    free(parcel);
    if (--*from->left == 0) {
        loop_stop(from->loop);
    }
}

static void *poster_run(void *arg)
{
    struct poster *me = arg;

    for (int i = 0; i < POSTS; i++) {
        struct parcel *parcel = mem_new(sizeof(*parcel));
        *parcel = (struct parcel){me, i};
        loop_post(me->loop, parcel_came, parcel);
    }
    return NULL;
}

static void posts_of_many_threads_arrive(void **state)
{
    /* Each post of each thread is called once, on the loop thread, in that thread's order. */
    struct probe *p = *state;
    struct poster posters[POSTERS] = {{0}};
    int left = POSTERS * POSTS;

    for (int i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){.loop = p->loop, .home = pthread_self(), .left = &left};
        assert_int_equal(pthread_create(&posters[i].thread, NULL, poster_run, &posters[i]), 0);
    }
    loop_run(p->loop);
    for (int i = 0; i < POSTERS; i++) {
        pthread_join(posters[i].thread, NULL);
        assert_int_equal(posters[i].seen, POSTS);
    }
}

struct errand {
    struct loop *loop;
    pthread_t home;
    int worked, done;
};

static void errand_work(void *arg)
{
    struct errand *e = arg;

    assert_false(pthread_equal(pthread_self(), e->home));
    e->worked++;
}

static void errand_done(void *arg)
{
    struct errand *e = arg;

    assert_true(pthread_equal(pthread_self(), e->home));
    assert_int_equal(e->worked, 1);
    e->done++;
    loop_stop(e->loop);
}

static void work_runs_elsewhere(void **state)
{
    /* work runs on another thread, then done on the loop thread. */
    struct probe *p = *state;
    struct errand e = {.loop = p->loop, .home = pthread_self()};

    loop_work(p->loop, errand_work, errand_done, &e);
    loop_run(p->loop);
    assert_int_equal(e.done, 1);
}

static void slow_work(void *arg)
{
    usleep(50 * 1000);
    errand_work(arg);
}

static void free_waits_for_work(void **state)
{
    /* loop_free ends the work on the pool and still calls done, so that arg can be freed there. */
    struct loop *loop = loop_new();
    struct errand e = {.loop = loop, .home = pthread_self()};

    (void)state;
    loop_work(loop, slow_work, errand_done, &e);
    loop_free(&loop);
    assert_int_equal(e.done, 1);
    assert_null(loop);
    loop_free(&loop);
}

static void free_drops_what_waits(void **state)
{
    /* Calls that nobody ran are dropped without a leak. */
    struct loop *loop = loop_new();
    struct probe *p = *state;

    loop_soon(loop, say, p);
    loop_post(loop, say, p);
    loop_free(&loop);
    assert_string_equal(p->trace, "");
}

static void signalled(void *arg, int signum)
{
    struct probe *p = arg;

    assert_int_equal(signum, SIGUSR1);
    p->count++;
    loop_stop(p->loop);
}

static void signals_arrive(void **state)
{
    /* A signal becomes a call on the loop thread, again for the next one. */
    struct probe *p = *state;

    loop_signal(p->loop, SIGUSR1, signalled, p);
    for (int i = 1; i <= 2; i++) {
        raise(SIGUSR1);
        loop_run(p->loop);
        assert_int_equal(p->count, i);
    }
}

/* ---- look-ups ---- */

struct lookup {
    struct loop *loop;
    int calls, n, *left;
    char first[64], message[128];
    uint64_t victim; /* stopped from inside the callback */
};

static void looked_up(void *arg, const char *const *addresses, int n, const char *message)
{
    struct lookup *l = arg;

    l->calls++;
    l->n = n;
    snprintf(l->first, sizeof(l->first), "%s", n ? addresses[0] : "");
    snprintf(l->message, sizeof(l->message), "%s", message ? message : "");
    if (l->victim) {
        loop_resolve_stop(l->loop, l->victim);
    }
    if (--*l->left == 0) {
        loop_stop(l->loop);
    }
}

static void numbers_need_no_resolver(void **state)
{
    /* A numeric address is its own answer, given from the loop and not from inside. */
    struct probe *p = *state;
    int left = 2;
    struct lookup four = {.loop = p->loop, .left = &left}, six = four;

    loop_resolve(p->loop, "192.0.2.7", looked_up, &four);
    loop_resolve(p->loop, "2001:db8::1", looked_up, &six);
    assert_int_equal(four.calls, 0);
    loop_run(p->loop);
    assert_string_equal(four.first, "192.0.2.7");
    assert_string_equal(six.first, "2001:db8::1");
    assert_int_equal(four.n + six.n, 2);
}

static void equal_look_ups_are_joined(void **state)
{
    /* Several look-ups of one name, before and after its answer: each is told once, all the same. */
    struct probe *p = *state;
    int left = 2;
    struct lookup a = {.loop = p->loop, .left = &left}, b = a, c = a;

    loop_resolve(p->loop, "localhost", looked_up, &a);
    loop_resolve(p->loop, "localhost", looked_up, &b);
    loop_run(p->loop);
    left = 1;
    loop_resolve(p->loop, "localhost", looked_up, &c);
    assert_int_equal(c.calls, 0);
    loop_run(p->loop);
    assert_true(a.n > 0);
    assert_int_equal(a.calls + b.calls + c.calls, 3);
    assert_string_equal(a.first, b.first);
    assert_string_equal(a.first, c.first);
    assert_string_equal(a.message, "");
}

static void unknown_names_say_why(void **state)
{
    /* A name that cannot exist and a text that cannot be a name give no address and a message. */
    struct probe *p = *state;
    int left = 2;
    struct lookup a = {.loop = p->loop, .left = &left}, b = a;
    char tall[2000];

    memset(tall, 'x', sizeof(tall) - 1);
    tall[sizeof(tall) - 1] = '\0';
    loop_resolve(p->loop, "no-such-host.invalid", looked_up, &a);
    loop_resolve(p->loop, tall, looked_up, &b);
    loop_run(p->loop);
    assert_int_equal(a.n + b.n, 0);
    assert_string_not_equal(a.message, "");
    assert_string_not_equal(b.message, "");
}

static void stopped_look_up_is_silent(void **state)
{
    /* A stopped look-up is never told, also when stopped by the callback of another of the same name; the
     * rest is. */
    struct probe *p = *state;
    int left = 1;
    struct lookup a = {.loop = p->loop, .left = &left}, b = a, c = a;

    uint64_t early = loop_resolve(p->loop, "localhost", looked_up, &c);
    loop_resolve(p->loop, "localhost", looked_up, &a);
    a.victim = loop_resolve(p->loop, "localhost", looked_up, &b);
    loop_resolve_stop(p->loop, early);
    loop_run(p->loop);
    run_for(p->loop, 5);
    assert_int_equal(a.calls, 1);
    assert_int_equal(b.calls + c.calls, 0);
    loop_resolve_stop(p->loop, a.victim);
}

static void free_ends_look_ups(void **state)
{
    /* A loop with look-ups under way can be freed; nobody is told. */
    struct loop *loop = loop_new();
    int left = 9;
    struct lookup a = {.loop = loop, .left = &left};

    (void)state;
    for (int i = 0; i < 9; i++) {
        char name[32];
        snprintf(name, sizeof(name), "host-%d.invalid", i);
        loop_resolve(loop, name, looked_up, &a);
    }
    loop_free(&loop);
    assert_int_equal(a.calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers_fire_in_order, make, unmake),
        cmocka_unit_test_setup_teardown(restarted_timer_counts_anew, make, unmake),
        cmocka_unit_test_setup_teardown(stopped_timer_is_silent, make, unmake),
        cmocka_unit_test_setup_teardown(busy_timer_starves_nobody, make, unmake),
        cmocka_unit_test_setup_teardown(callback_may_free_the_owner, make, unmake),
        cmocka_unit_test_setup_teardown(many_timers_keep_order, make, unmake),
        cmocka_unit_test_setup_teardown(soon_comes_after_the_callback, make, unmake),
        cmocka_unit_test_setup_teardown(posts_of_many_threads_arrive, make, unmake),
        cmocka_unit_test_setup_teardown(work_runs_elsewhere, make, unmake),
        cmocka_unit_test(free_waits_for_work),
        cmocka_unit_test_setup_teardown(free_drops_what_waits, make, unmake),
        cmocka_unit_test_setup_teardown(signals_arrive, make, unmake),
        cmocka_unit_test_setup_teardown(numbers_need_no_resolver, make, unmake),
        cmocka_unit_test_setup_teardown(equal_look_ups_are_joined, make, unmake),
        cmocka_unit_test_setup_teardown(unknown_names_say_why, make, unmake),
        cmocka_unit_test_setup_teardown(stopped_look_up_is_silent, make, unmake),
        cmocka_unit_test(free_ends_look_ups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
