/* loop.h - the one thread: timers, work on other threads, and the way back. Wraps libuv. */
#ifndef EDGE_LOOP_H
#define EDGE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* One loop on one thread owns everything. Whatever runs elsewhere only posts to it. Files of edge/ may reach
 * the uv_loop_t with loop_uv; nobody else includes uv.h. */
struct loop;
struct uv_loop_s;

/* loop_new - NULL when the kernel gives no more file descriptors. */
struct loop *loop_new(void);
/* loop_free - waits for work on the pool (its done is still called), then closes what is left; every timer
 * and post must be stopped before. Not from inside a callback. */
void loop_free(struct loop **loop);
/* loop_run - until loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
struct uv_loop_s *loop_uv(struct loop *loop);

/* loop_now_ms - clock_mono_ms, read now (not cached). */
int64_t loop_now_ms(const struct loop *loop);

/* A timer: a member of its owner, zero-initialised. Starting cannot fail. The callback comes once per start,
 * on the loop thread, never from inside timer_start, never after timer_stop; it may free the owner. A million
 * timers are cheap: they live in one heap behind one uv_timer. */
struct timer;
typedef void timer_fn(struct timer *t);
struct timer {
    struct loop *loop;
    timer_fn *fn;
    int64_t due_ms;
    uint64_t order; /* equal due times fire in the order of their starts */
    uint32_t at;    /* place in the heap, from 1; 0: not running */
};

/* timer_start - (re)starts t to call fn in delay_ms (>= 0). */
void timer_start(struct loop *loop, struct timer *t, int64_t delay_ms, timer_fn *fn);
void timer_stop(struct timer *t);
bool timer_running(const struct timer *t);

/* loop_work - runs work(arg) on a pool thread, then done(arg) on the loop thread. arg belongs to work until
 * done. */
void loop_work(struct loop *loop, void (*work)(void *arg), void (*done)(void *arg), void *arg);

/* loop_soon - calls fn(arg) on the loop thread after the current callback returned. */
void loop_soon(struct loop *loop, void (*fn)(void *arg), void *arg);

/* loop_post - as loop_soon, from any thread. */
void loop_post(struct loop *loop, void (*fn)(void *arg), void *arg);

/* loop_signal - calls fn(arg, signum) on the loop thread at each such signal. At most 8 signals. */
void loop_signal(struct loop *loop, int signum, void (*fn)(void *arg, int signum), void *arg);

/* loop_resolve - getaddrinfo for host off the loop; look-ups of one host are joined and kept for 60 s. done
 * gets up to 8 numeric addresses ("1.2.3.4", "::1") or n = 0 and the resolver's message, never from inside; a
 * failure is kept for 1 s. Returns a token for loop_resolve_stop. */
typedef void loop_resolve_fn(void *arg, const char *const *addresses, int n, const char *message);
uint64_t loop_resolve(struct loop *loop, const char *host, loop_resolve_fn *done, void *arg);
void loop_resolve_stop(struct loop *loop, uint64_t token);

#endif
