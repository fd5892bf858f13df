/* front.c - the socket: listeners, their drain and end, and finding what lives on them by id. */
#include "edge/front.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/mem.h"
#include "edge/front_internal.h"

#define BACKLOG 1024

const struct front_limits front_default = {
    .http = {LIMIT_HEADER_BYTES, LIMIT_HEADER_COUNT, LIMIT_BODY_BYTES},
    .rpc = {LIMIT_RPC_FRAME_BYTES, LIMIT_DEPTH, LIMIT_ELEMENTS},
    .connections = LIMIT_CONNECTIONS,
    .in_flight = LIMIT_IN_FLIGHT,
    .header_ms = LIMIT_HEADER_MS,
    .body_idle_ms = LIMIT_BODY_IDLE_MS,
    .keepalive_ms = LIMIT_KEEPALIVE_MS,
    .stall_ms = LIMIT_CLIENT_STALL_MS,
};

/* ---- ids ---- */

void front_name(struct front_conn *c)
{
    struct front *f = c->front;

    c->id = ++f->last_id;
    list_push(&f->by_id[c->id % FRONT_BUCKETS], &c->by_id);
}

void front_unname(struct front_conn *c)
{
    list_drop(&c->by_id);
}

struct front_conn *front_find(const struct front *f, uint64_t id)
{
    list_each(link, after, &f->by_id[id % FRONT_BUCKETS])
    {
        struct front_conn *c = container_of(link, struct front_conn, by_id);
        if (c->id == id) {
            return c;
        }
    }
    return NULL;
}

/* ---- the ready list ---- */

static void front_check_drained(struct front *f)
{
    void (*drained)(void *arg) = f->drained;

    if (drained && f->draining && list_empty(&f->conns)) {
        f->drained = NULL;
        drained(f->drained_arg); /* May close the front: nothing follows. */
    }
}

static void on_idle(uv_idle_t *idle)
{
    struct front *f = idle->data;
    struct list *link;

    while ((link = list_first(&f->ready))) {
        struct front_conn *c = container_of(link, struct front_conn, ready);
        list_drop(&c->ready);
        front_conn_settle(c);
    }
    if (!f->closed) {
        uv_idle_stop(idle);
        front_check_drained(f);
    }
}

void front_wake(struct front *f)
{
    if (!f->closed) {
        uv_idle_start(&f->idle, on_idle);
    }
}

/* ---- opening ---- */

static void on_connection(uv_stream_t *listener, int status)
{
    struct front *f = listener->data;

    if (status < 0) {
        log_warn(f->log, "a connection could not be accepted", LOG_TEXT("error", uv_strerror(status)));
    } else {
        front_conn_accept(f);
    }
}

static struct front *front_new(struct loop *loop, struct log *log, const struct front_limits *limits,
                               const struct front_handler *handler, void *arg)
{
    struct front *f = mem_new(sizeof(*f));

    assert(handler->head && handler->body && handler->end && handler->gone);
    *f = (struct front){.loop = loop, .log = log, .limits = *limits, .handler = *handler, .arg = arg};
    list_init(&f->conns);
    list_init(&f->ready);
    for (int i = 0; i < FRONT_BUCKETS; i++) {
        list_init(&f->by_id[i]);
    }
    buf_init(&f->head, LIMIT_OUT_BYTES);
    buf_init(&f->body, LIMIT_OUT_BYTES);
    /* From a random start, so that the ids of two listeners do not meet. */
    if (getrandom(&f->last_id, sizeof(f->last_id), GRND_NONBLOCK) != sizeof(f->last_id)) {
        f->last_id = (uint64_t)(uintptr_t)f << 16;
    }
    f->last_id >>= 1;
    uv_idle_init(loop_uv(loop), &f->idle);
    f->idle.data = f;
    f->handles = 1;
    return f;
}

/* Hands fd to libuv. */
static int front_listen(struct front *f, int fd)
{
    int error = f->tcp ? uv_tcp_init(loop_uv(f->loop), &f->listener.tcp)
                       : uv_pipe_init(loop_uv(f->loop), &f->listener.pipe, 0);

    assert(!error); /* Neither makes a system call. */
    f->listener.handle.data = f;
    f->listening = true;
    f->handles++;
    error = f->tcp ? uv_tcp_open(&f->listener.tcp, fd) : uv_pipe_open(&f->listener.pipe, fd);
    if (error) {
        close(fd);
        return error;
    }
    return uv_listen(&f->listener.stream, BACKLOG, on_connection);
}

static enum fault front_start(struct front *f, int fd, const char *at, struct front **ret_front,
                              struct note *note)
{
    int error = front_listen(f, fd);

    if (error) {
        front_close(&f);
        return note_set(note, FAULT_IO, "cannot listen on %s: %s", at, uv_strerror(error));
    }
    log_info(f->log, "listening", LOG_TEXT("at", at));
    *ret_front = f;
    return FAULT_OK;
}

enum fault front_open_unix(struct loop *loop, struct log *log, const char *path, mode_t mode,
                           const struct front_limits *limits, const struct front_handler *handler, void *arg,
                           struct front **ret_front, struct note *note)
{
    struct stat file;
    int fd;
    enum fault fault = front_listen_unix(path, mode, &fd, &file, note);

    if (fault) {
        return fault;
    }
    struct front *f = front_new(loop, log, limits, handler, arg);
    f->path = mem_text(path);
    f->file = file;
    return front_start(f, fd, path, ret_front, note);
}

enum fault front_open_tcp(struct loop *loop, struct log *log, const char *address,
                          const struct front_limits *limits, const struct front_handler *handler, void *arg,
                          struct front **ret_front, struct note *note)
{
    int fd;
    enum fault fault = front_listen_tcp(address, &fd, note);

    if (fault) {
        return fault;
    }
    struct front *f = front_new(loop, log, limits, handler, arg);
    f->tcp = true;
    return front_start(f, fd, address, ret_front, note);
}

int front_port(const struct front *f)
{
    struct sockaddr_storage address = {0};
    int n = sizeof(address);

    if (!f->tcp || uv_tcp_getsockname(&f->listener.tcp, (struct sockaddr *)&address, &n) != 0) {
        return 0;
    }
    /* The port stands at the same place in both families. */
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

/* ---- closing ---- */

void front_released(struct front *f)
{
    if (--f->handles == 0) {
        buf_done(&f->head);
        buf_done(&f->body);
        free(f->path);
        free(f);
    }
}

static void on_closed(uv_handle_t *handle)
{
    front_released(handle->data);
}

static void front_stop_listening(struct front *f)
{
    if (!f->listening) {
        return;
    }
    f->listening = false;
    if (f->path) {
        front_listen_remove(f->path, &f->file);
    }
    uv_close(&f->listener.handle, on_closed);
}

void front_drain(struct front *f, void (*done)(void *arg), void *arg)
{
    f->draining = true;
    f->drained = done;
    f->drained_arg = arg;
    front_stop_listening(f);
    list_each(link, after, &f->conns)
    {
        front_conn_kick(container_of(link, struct front_conn, link));
    }
    front_wake(f);
}

void front_close(struct front **pf)
{
    struct front *f = *pf;
    struct list *link;

    if (!f || f->closed) {
        return;
    }
    f->closed = true;
    front_stop_listening(f);
    /* From the start each time: a handler that hears of one end may bring about another. */
    while ((link = list_first(&f->conns))) {
        front_conn_close(container_of(link, struct front_conn, link));
    }
    uv_close((uv_handle_t *)&f->idle, on_closed);
    *pf = NULL;
}

size_t front_connections(const struct front *f)
{
    return f->served;
}

size_t front_in_flight(const struct front *f)
{
    return f->in_flight;
}
