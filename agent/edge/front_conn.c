/* front_conn.c - connections: bytes in and out, and how each ends. */
#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "edge/front_internal.h"

/* What an idle connection may keep for its next answer. */
#define KEEP_BYTES (4 * KIB)

/* What is queued in a turn waits for its end to go out in one write, up to so many bytes. */
#define GATHER_BYTES (64 * KIB)

/* ---- the end ---- */

static void on_closed(uv_handle_t *handle)
{
    struct front_conn *c = handle->data;
    struct front *f = c->front;

    front_http_free(c);
    front_rpc_free(c);
    buf_done(&c->out);
    buf_done(&c->busy);
    free(c);
    front_released(f);
}

void front_conn_close(struct front_conn *c)
{
    struct front *f = c->front;

    if (c->phase == FRONT_CLOSED) {
        return;
    }
    c->phase = FRONT_CLOSED;
    *(c->refused ? &f->refused : &f->served) -= 1;
    timer_stop(&c->timer);
    list_drop(&c->link);
    list_drop(&c->ready);
    uv_close(&c->handle.handle, on_closed);
    front_http_gone(c);
    front_rpc_gone(c);
    if (f->draining) {
        front_wake(f);
    }
}

void front_conn_linger(struct front_conn *c)
{
    uv_os_fd_t fd;

    if (c->eof) {
        front_conn_close(c);
        return;
    }
    c->phase = FRONT_LINGER;
    if (uv_fileno(&c->handle.handle, &fd) == 0) {
        shutdown(fd, SHUT_WR);
    }
}

void front_conn_cut(struct front_conn *c)
{
    c->cut = true;
    front_conn_kick(c);
}

void front_conn_drop(struct front_conn *c, size_t n)
{
    c->dropped += n;
    if (c->dropped > LIMIT_LINGER_BYTES) {
        front_conn_cut(c);
    }
}

/* ---- output ---- */

/* Empties a buffer; what an idle connection keeps of it is small. */
static void out_spent(struct buf *b)
{
    if (b->cap > KEEP_BYTES) {
        buf_done(b);
    } else {
        buf_reset(b);
    }
}

static void on_written(uv_write_t *write, int status)
{
    struct front_conn *c = write->data;

    c->writing = false;
    out_spent(&c->busy);
    if (c->phase == FRONT_CLOSED) {
        return;
    }
    if (status < 0) {
        c->cut = true;
    }
    front_conn_settle(c);
}

/* Hands what is queued to libuv, but for the first n bytes, which are sent. */
static void conn_write(struct front_conn *c, size_t n)
{
    struct buf queued = c->out;

    c->out = c->busy;
    c->busy = queued;
    uv_buf_t bytes = uv_buf_init(c->busy.p + n, (unsigned)(c->busy.n - n));
    c->write.data = c;
    c->writing = uv_write(&c->write, &c->handle.stream, &bytes, 1, on_written) == 0;
    if (!c->writing) {
        c->cut = true;
    }
}

void front_conn_flush(struct front_conn *c)
{
    if (c->writing || !c->out.n || c->cut || c->phase == FRONT_CLOSED) {
        return;
    }
    uv_buf_t bytes = uv_buf_init(c->out.p, (unsigned)c->out.n);
    int n = uv_try_write(&c->handle.stream, &bytes, 1);
    if (n < 0 && n != UV_EAGAIN) {
        c->cut = true;
    } else if (n != (int)c->out.n) {
        conn_write(c, n > 0 ? (size_t)n : 0);
    } else {
        out_spent(&c->out);
    }
}

/* Gives how much of both the kernel took at once. */
static size_t conn_try(struct front_conn *c, struct slice first, struct slice second)
{
    uv_buf_t parts[2] = {
        {(char *)(uintptr_t)first.p, first.n},
        {(char *)(uintptr_t)second.p, second.n},
    };
    int n = uv_try_write(&c->handle.stream, parts, second.n ? 2 : 1);

    if (n < 0 && n != UV_EAGAIN) {
        front_conn_cut(c);
    }
    return n > 0 ? (size_t)n : 0;
}

void front_conn_queue(struct front_conn *c, struct slice bytes)
{
    c->queued += bytes.n;
    buf_add(&c->out, bytes.p, bytes.n);
    if (!buf_ok(&c->out)) {
        log_warn(c->front->log, "a client reads too slowly for its answers",
                 LOG_INT("queued", front_conn_waiting(c)));
        front_conn_cut(c);
    }
    front_conn_kick(c);
}

void front_conn_send(struct front_conn *c, struct slice first, struct slice second)
{
    size_t n = 0, all = first.n + second.n;

    if (c->cut || c->phase == FRONT_CLOSED) {
        return;
    }
    if (c->out.n + all > GATHER_BYTES) {
        front_conn_flush(c);
    }
    bool direct = !c->writing && !c->out.n;
    if (direct) {
        n = conn_try(c, first, second);
        c->queued += n;
    }
    if (n == all || c->cut) {
        return;
    }
    size_t of_first = n < first.n ? n : first.n;
    size_t of_second = n - of_first;
    front_conn_queue(c, (struct slice){first.p + of_first, first.n - of_first});
    if (second.n > of_second) {
        front_conn_queue(c, (struct slice){second.p + of_second, second.n - of_second});
    }
    if (direct && !c->cut) {
        conn_write(c, 0);
    }
}

size_t front_conn_waiting(const struct front_conn *c)
{
    return c->out.n + (c->writing ? uv_stream_get_write_queue_size(&c->handle.stream) : 0);
}

/* ---- input ---- */

static size_t conn_room(const struct front_conn *c)
{
    if (c->phase == FRONT_HTTP) {
        return front_http_room(c);
    }
    return c->phase == FRONT_RPC ? front_rpc_room(c) : FRONT_READ_BYTES;
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
    struct front_conn *c = handle->data;
    size_t room = conn_room(c);

    (void)hint;
    /* One buffer for all: it is spent before the next read. */
    *buf = uv_buf_init(c->front->read, (unsigned)(room < FRONT_READ_BYTES ? room : FRONT_READ_BYTES));
}

static void conn_take(struct front_conn *c, struct slice bytes)
{
    c->got = true;
    if (c->phase == FRONT_FRESH && !c->front->tcp && mprpc_first((unsigned char)bytes.p[0])) {
        c->phase = FRONT_RPC;
        front_rpc_begin(c);
    } else if (c->phase == FRONT_FRESH) {
        c->phase = FRONT_HTTP;
        front_http_begin(c);
    }
    if (c->phase == FRONT_HTTP) {
        front_http_take(c, bytes);
    } else if (c->phase == FRONT_RPC) {
        front_rpc_take(c, bytes);
    } else {
        front_conn_drop(c, bytes.n);
    }
}

/* The client sends no more. Whether it still wants its answer is another question. */
static void conn_ended(struct front_conn *c, int status)
{
    c->eof = true;
    c->cut = c->cut || status != UV_EOF || (c->phase != FRONT_HTTP && c->phase != FRONT_RPC) ||
             front_wait_hung_up(c);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct front_conn *c = stream->data;

    if (n == 0 || c->phase == FRONT_CLOSED) {
        return;
    }
    c->inside = true;
    if (n > 0) {
        conn_take(c, (struct slice){buf->base, (size_t)n});
    } else {
        conn_ended(c, (int)n);
    }
    front_conn_settle(c);
}

/* ---- what comes next ---- */

void front_conn_kick(struct front_conn *c)
{
    if (c->inside) {
        c->again = true;
    } else if (c->phase != FRONT_CLOSED && list_empty(&c->ready)) {
        list_push(&c->front->ready, &c->ready);
        front_wake(c->front);
    }
}

static void conn_read_or_not(struct front_conn *c)
{
    bool reading = !c->eof && conn_room(c) > 0;

    if (reading == c->reading) {
        return;
    }
    c->reading = reading;
    if (!reading) {
        uv_read_stop(&c->handle.stream);
    } else {
        int error = uv_read_start(&c->handle.stream, on_alloc, on_read);
        assert(!error); /* It fails for what is no stream or is closed. */
        (void)error;
    }
}

/* One step of settling; what handlers ask for meanwhile makes for another. */
static void conn_step(struct front_conn *c)
{
    front_conn_flush(c);
    if (c->cut || (c->phase == FRONT_FRESH && c->front->draining)) {
        front_conn_close(c);
    } else if (c->phase == FRONT_HTTP) {
        front_http_settle(c);
    } else if (c->phase == FRONT_RPC) {
        front_rpc_settle(c);
    }
}

void front_conn_settle(struct front_conn *c)
{
    c->inside = true;
    c->again = true;
    while (c->again && c->phase != FRONT_CLOSED) {
        c->again = false;
        conn_step(c);
    }
    if (c->phase != FRONT_CLOSED) {
        conn_read_or_not(c);
        front_wait_next(c);
        c->inside = false;
    }
}

/* ---- the beginning ---- */

static int conn_open(struct front_conn *c)
{
    struct front *f = c->front;
    struct uv_loop_s *uv = loop_uv(f->loop);
    int error = f->tcp ? uv_tcp_init(uv, &c->handle.tcp) : uv_pipe_init(uv, &c->handle.pipe, 0);

    assert(!error);
    c->handle.handle.data = c;
    f->handles++;
    error = uv_accept(&f->listener.stream, &c->handle.stream);
    if (!error && f->tcp) {
        uv_tcp_nodelay(&c->handle.tcp, 1);
        uv_tcp_keepalive(&c->handle.tcp, 1, 60);
    }
    return error;
}

/* Says once that the limit is reached, and again only after it was not. */
static void conn_count(struct front_conn *c)
{
    struct front *f = c->front;

    c->refused = f->served >= f->limits.connections;
    *(c->refused ? &f->refused : &f->served) += 1;
    if (c->refused && !f->refusing) {
        log_warn(f->log, "the limit of connections is reached", LOG_INT("connections", f->served));
    }
    f->refusing = c->refused;
}

void front_conn_accept(struct front *f)
{
    struct front_conn *c = mem_new(sizeof(*c));

    c->front = f;
    list_init(&c->ready);
    list_init(&c->by_id);
    buf_init(&c->out, LIMIT_OUT_BYTES);
    buf_init(&c->busy, LIMIT_OUT_BYTES);
    buf_init(&c->ahead, FRONT_READ_BYTES);
    list_push(&f->conns, &c->link);
    conn_count(c);
    if (conn_open(c) != 0 || f->refused > LIMIT_REFUSED_CONNECTIONS) {
        front_conn_close(c);
        return;
    }
    front_conn_settle(c);
}
