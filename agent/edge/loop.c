/* loop.c - the one thread: timers, work on other threads, and the way back. */
#include "edge/loop.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>

#include "base/clock.h"
#include "base/mem.h"
#include "edge/resolve.h"

#define SIGNALS_MAX 8

/* A call that waits for its turn on the loop thread. */
struct post {
    struct post *next;
    void (*fn)(void *arg);
    void *arg;
};

struct post_queue {
    struct post *first;
    struct post **end;
};

struct loop_signal {
    uv_signal_t handle;
    void (*fn)(void *arg, int signum);
    void *arg;
};

struct loop {
    uv_loop_t uv;

    uv_timer_t tick;
    struct timer **heap; /* from 1; heap[0] is not used */
    uint32_t timers;
    uint32_t heap_cap;
    uint64_t starts;  /* order of the next start */
    int64_t armed_ms; /* when tick fires; INT64_MAX: not armed */

    struct post_queue soon;
    uv_check_t after_poll; /* runs what is in soon */
    uv_idle_t hurry;       /* active while soon holds something: the poll must not sleep */

    uv_mutex_t lock; /* guards posted */
    struct post_queue posted;
    uv_async_t wake;

    struct loop_signal signals[SIGNALS_MAX];
    int signal_count;
    int works; /* on the pool or on their way back */
    struct resolve *resolve;
};

struct work {
    uv_work_t request;
    struct loop *loop;
    void (*work)(void *arg);
    void (*done)(void *arg);
    void *arg;
};

/* ---- timers: a binary heap, earliest first ---- */

static bool timer_before(const struct timer *a, const struct timer *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

static void heap_set(struct loop *loop, uint32_t at, struct timer *t)
{
    loop->heap[at] = t;
    t->at = at;
}

static void heap_up(struct loop *loop, struct timer *t, uint32_t at)
{
    for (; at > 1 && timer_before(t, loop->heap[at / 2]); at /= 2) {
        heap_set(loop, at, loop->heap[at / 2]);
    }
    heap_set(loop, at, t);
}

static void heap_down(struct loop *loop, struct timer *t, uint32_t at)
{
    for (uint32_t child = at * 2; child <= loop->timers; child = at * 2) {
        if (child < loop->timers && timer_before(loop->heap[child + 1], loop->heap[child])) {
            child++;
        }
        if (!timer_before(loop->heap[child], t)) {
            break;
        }
        heap_set(loop, at, loop->heap[child]);
        at = child;
    }
    heap_set(loop, at, t);
}

static void loop_tick(uv_timer_t *tick);

/* Wakes the loop for the earliest timer. A wake-up that turns out too early costs less than re-arming at
 * every stop, so tick is only ever moved forward in time by its own firing. */
static void loop_arm(struct loop *loop)
{
    if (!loop->timers || loop->heap[1]->due_ms >= loop->armed_ms) {
        return;
    }
    loop->armed_ms = loop->heap[1]->due_ms;
    int64_t wait = loop->armed_ms - (int64_t)uv_now(&loop->uv);
    uv_timer_start(&loop->tick, loop_tick, wait > 0 ? (uint64_t)wait : 0, 0);
}

static void loop_tick(uv_timer_t *tick)
{
    struct loop *loop = tick->data;
    uint64_t limit =
        loop->starts; /* a timer that was started by one of these callbacks waits for the next turn */
    int64_t now = loop_now_ms(loop);

    loop->armed_ms = INT64_MAX;
    while (loop->timers && loop->heap[1]->due_ms <= now && loop->heap[1]->order < limit) {
        struct timer *t = loop->heap[1];
        timer_stop(t);
        t->fn(t);
    }
    loop_arm(loop);
}

void timer_start(struct loop *loop, struct timer *t, int64_t delay_ms, timer_fn *fn)
{
    assert(delay_ms >= 0 && fn);
    timer_stop(t);
    if (loop->timers + 1 >= loop->heap_cap) {
        loop->heap_cap *= 2;
        loop->heap = mem_grow(loop->heap, loop->heap_cap * sizeof(struct timer *));
    }
    t->loop = loop;
    t->fn = fn;
    t->due_ms = loop_now_ms(loop) + delay_ms;
    t->order = loop->starts++;
    heap_up(loop, t, ++loop->timers);
    loop_arm(loop);
}

void timer_stop(struct timer *t)
{
    struct loop *loop = t->loop;
    uint32_t at = t->at;

    if (!at) {
        return;
    }
    assert(loop->heap[at] == t);
    struct timer *last = loop->heap[loop->timers--];
    if (last != t) {
        if (at > 1 && timer_before(last, loop->heap[at / 2])) {
            heap_up(loop, last, at);
        } else {
            heap_down(loop, last, at);
        }
    }
    t->at = 0;
}

bool timer_running(const struct timer *t)
{
    return t->at != 0;
}

int64_t loop_now_ms(const struct loop *loop)
{
    (void)loop;
    return clock_mono_ms();
}

/* ---- calls that wait ---- */

static void queue_init(struct post_queue *q)
{
    q->first = NULL;
    q->end = &q->first;
}

static void queue_add(struct post_queue *q, void (*fn)(void *arg), void *arg)
{
    struct post *p = mem_new(sizeof(*p));

    p->fn = fn;
    p->arg = arg;
    *q->end = p;
    q->end = &p->next;
}

/* Takes all calls, so that those which are added meanwhile wait for the next turn. */
static struct post *queue_take(struct post_queue *q)
{
    struct post *all = q->first;

    queue_init(q);
    return all;
}

static void posts_run(struct post *p)
{
    while (p) {
        struct post *next = p->next;
        p->fn(p->arg);
        free(p);
        p = next;
    }
}

static void posts_drop(struct post *p)
{
    while (p) {
        struct post *next = p->next;
        free(p);
        p = next;
    }
}

static void loop_hurry(uv_idle_t *idle)
{
    (void)idle; /* that it is active is all: the poll returns at once */
}

static void loop_after_poll(uv_check_t *check)
{
    struct loop *loop = check->data;

    posts_run(queue_take(&loop->soon));
    if (!loop->soon.first) {
        uv_idle_stop(&loop->hurry);
    }
}

void loop_soon(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    queue_add(&loop->soon, fn, arg);
    uv_idle_start(&loop->hurry, loop_hurry);
}

static void loop_woken(uv_async_t *wake)
{
    struct loop *loop = wake->data;

    uv_mutex_lock(&loop->lock);
    struct post *all = queue_take(&loop->posted);
    uv_mutex_unlock(&loop->lock);
    posts_run(all);
}

void loop_post(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    uv_mutex_lock(&loop->lock);
    queue_add(&loop->posted, fn, arg);
    uv_async_send(&loop->wake);
    uv_mutex_unlock(&loop->lock);
}

/* ---- work on the pool ---- */

static void work_run(uv_work_t *request)
{
    struct work *w = request->data;

    w->work(w->arg);
}

static void work_done(uv_work_t *request, int status)
{
    struct work *w = request->data;

    assert(status == 0); /* nobody cancels */
    (void)status;
    w->loop->works--;
    w->done(w->arg);
    free(w);
}

void loop_work(struct loop *loop, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
    struct work *w = mem_new(sizeof(*w));

    *w = (struct work){.loop = loop, .work = work, .done = done, .arg = arg};
    w->request.data = w;
    loop->works++;
    int error = uv_queue_work(&loop->uv, &w->request, work_run, work_done);
    assert(!error); /* fails only without a work function */
    (void)error;
}

/* ---- signals ---- */

static void loop_signalled(uv_signal_t *handle, int signum)
{
    struct loop_signal *s = handle->data;

    s->fn(s->arg, signum);
}

void loop_signal(struct loop *loop, int signum, void (*fn)(void *arg, int signum), void *arg)
{
    assert(loop->signal_count < SIGNALS_MAX);
    struct loop_signal *s = &loop->signals[loop->signal_count++];

    s->fn = fn;
    s->arg = arg;
    s->handle.data = s;
    uv_signal_init(&loop->uv, &s->handle);
    uv_signal_start(&s->handle, loop_signalled, signum);
}

/* ---- look-ups ---- */

uint64_t loop_resolve(struct loop *loop, const char *host, loop_resolve_fn *done, void *arg)
{
    return resolve_start(loop->resolve, host, done, arg);
}

void loop_resolve_stop(struct loop *loop, uint64_t token)
{
    resolve_stop(loop->resolve, token);
}

/* ---- life ---- */

struct loop *loop_new(void)
{
    struct loop *loop = mem_new(sizeof(*loop));

    if (uv_loop_init(&loop->uv)) {
        free(loop);
        return NULL;
    }
    if (uv_async_init(&loop->uv, &loop->wake, loop_woken)) {
        uv_loop_close(&loop->uv);
        free(loop);
        return NULL;
    }
    loop->wake.data = loop;
    uv_mutex_init(&loop->lock);
    uv_timer_init(&loop->uv, &loop->tick);
    loop->tick.data = loop;
    uv_check_init(&loop->uv, &loop->after_poll);
    loop->after_poll.data = loop;
    uv_check_start(&loop->after_poll, loop_after_poll);
    uv_idle_init(&loop->uv, &loop->hurry);
    queue_init(&loop->soon);
    queue_init(&loop->posted);
    loop->heap_cap = 64;
    loop->heap = mem_new(loop->heap_cap * sizeof(struct timer *));
    loop->armed_ms = INT64_MAX;
    loop->resolve = resolve_new(loop);
    return loop;
}

static void loop_close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

void loop_free(struct loop **ploop)
{
    struct loop *loop = *ploop;

    if (!loop) {
        return;
    }
    resolve_free(&loop->resolve);
    while (loop->works) { /* arg belongs to the pool until done was called */
        uv_run(&loop->uv, UV_RUN_ONCE);
    }
    uv_walk(&loop->uv, loop_close_handle, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    int error = uv_loop_close(&loop->uv);
    assert(!error);
    (void)error;
    posts_drop(loop->soon.first);
    posts_drop(loop->posted.first);
    uv_mutex_destroy(&loop->lock);
    free(loop->heap);
    free(loop);
    *ploop = NULL;
}

void loop_run(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

struct uv_loop_s *loop_uv(struct loop *loop)
{
    return &loop->uv;
}
