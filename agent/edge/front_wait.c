/* front_wait.c - what a connection waits for, until when, and what happens then. */
#include <poll.h>

#include "edge/front_internal.h"

#define SIGN_MS 1000 /* how soon a client that left is seen while nothing is read from it */
#define FOREVER INT64_MAX

static enum front_wait wait_now(const struct front_conn *c)
{
    switch (c->phase) {
    case FRONT_FRESH:
        return FRONT_WAIT_REQUEST;
    case FRONT_HTTP:
        return front_http_wait(c);
    case FRONT_RPC:
        return front_rpc_wait(c);
    default:
        return FRONT_WAIT_LINGER;
    }
}

static int64_t wait_ms(const struct front_conn *c)
{
    const struct front_limits *limits = &c->front->limits;

    switch (c->wait) {
    case FRONT_WAIT_REQUEST:
        /* One that is refused anyway has no right to wait for its next idea. */
        return c->refused ? limits->header_ms : limits->keepalive_ms;
    case FRONT_WAIT_HEAD:
        return limits->header_ms;
    case FRONT_WAIT_BODY:
        return limits->body_idle_ms;
    case FRONT_WAIT_TAKE:
        return limits->stall_ms;
    case FRONT_WAIT_SIGN:
        return SIGN_MS;
    case FRONT_WAIT_LINGER:
        return LIMIT_LINGER_MS;
    default:
        return FOREVER;
    }
}

static uint64_t wait_sent(const struct front_conn *c)
{
    return c->queued - front_conn_waiting(c);
}

static void on_timer(struct timer *timer);

/* Begins the present wait anew. A timer that runs already is left alone unless it comes too late: requests
 * come far more often than deadlines. */
static void wait_anew(struct front_conn *c)
{
    int64_t ms = wait_ms(c);

    c->mark = wait_sent(c);
    if (ms == FOREVER) {
        c->due_ms = FOREVER;
        return;
    }
    c->due_ms = loop_now_ms(c->front->loop) + ms;
    if (!timer_running(&c->timer) || c->timer.due_ms > c->due_ms) {
        timer_start(c->front->loop, &c->timer, ms, on_timer);
    }
}

void front_wait_next(struct front_conn *c)
{
    enum front_wait wait = wait_now(c);
    bool prolonged = c->got && (wait == FRONT_WAIT_REQUEST || wait == FRONT_WAIT_BODY);

    if (wait != c->wait || prolonged || c->turned) {
        c->wait = wait;
        wait_anew(c);
    }
    c->got = c->turned = false;
}

bool front_wait_hung_up(const struct front_conn *c)
{
    uv_os_fd_t fd;

    if (uv_fileno(&c->handle.handle, &fd) != 0) {
        return true;
    }
    struct pollfd poll_fd = {.fd = fd};
    return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* Too slow: what that means depends on what was waited for. */
static void wait_over(struct front_conn *c)
{
    struct note note = {0};

    switch (c->wait) {
    case FRONT_WAIT_HEAD:
    case FRONT_WAIT_BODY:
        note_set(&note, FAULT_HEADER_TIMEOUT,
                 c->wait == FRONT_WAIT_HEAD ? "the request headers did not arrive within %lld ms"
                                            : "no byte of the request body arrived for %lld ms",
                 (long long)wait_ms(c));
        if (c->phase == FRONT_HTTP) {
            front_http_fault(c, FAULT_HEADER_TIMEOUT, &note);
        } else {
            front_rpc_fault(c, FAULT_HEADER_TIMEOUT, &note);
        }
        break;
    case FRONT_WAIT_SIGN:
        c->cut = c->cut || front_wait_hung_up(c);
        wait_anew(c);
        break;
    case FRONT_WAIT_TAKE:
        c->cut = c->cut || c->mark == wait_sent(c);
        wait_anew(c);
        break;
    default:
        c->cut = true;
        break;
    }
}

static void on_timer(struct timer *timer)
{
    struct front_conn *c = container_of(timer, struct front_conn, timer);
    int64_t now = loop_now_ms(c->front->loop);

    if (c->due_ms == FOREVER) {
        return;
    }
    if (c->due_ms > now) {
        timer_start(c->front->loop, &c->timer, c->due_ms - now, on_timer);
        return;
    }
    c->inside = true;
    wait_over(c);
    front_conn_settle(c);
}
