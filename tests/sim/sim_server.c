/* sim_server.c - HTTP/1.1 over TCP around an engine. */
#include "sim_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "wire/http.h"

#define READ_BYTES  (64u << 10)
#define WRITE_BYTES (32u << 10)  /* of a body, at a time: what buf_reset keeps */
#define SMALL_BYTES (48u << 10)  /* a body that goes out in one write with its head */
#define REST_BYTES  (256u << 10) /* input that waits for the answer before it */
#define HEAD_BYTES  (64u << 10)
#define SLOW_PIECES 10
#define MAX_FIELDS  48

static const struct http_limits limits = {
    .header_bytes = 64 * 1024, .header_count = 200, .body_bytes = 16ull << 30};

struct sim_server {
    uv_loop_t *loop;
    uv_tcp_t tcp;
    struct sim_engine *engine;
    struct list conns;
    size_t count;
    bool stopping;
    char input[READ_BYTES]; /* one for all: what is read is used before the next read */
};

/* One connection. It reads a request, then sends the answer, then reads the next; input that comes too early
 * waits in rest. Steps of sending: head (and a small body with it), pieces, finish. */
struct conn {
    struct list link;
    struct sim_server *server;
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_write_t write;
    int handles; /* not closed yet */
    bool closing;
    bool ready;     /* a whole request is there */
    bool answering; /* from then until its answer is out */
    bool keep;
    struct http *http;
    struct sim_request request;
    struct sim_answer answer;
    struct buf rest;
    struct buf out;
    uint64_t left; /* of the body, to be sent */
    uint64_t piece;
};

static void conn_resume(struct conn *c);
static void conn_send_piece(struct conn *c);

/* ---- ending ---- */

static void on_closed(uv_handle_t *handle)
{
    struct conn *c = handle->data;

    if (--c->handles) {
        return;
    }
    if (c->answering) {
        sim_engine_end(c->server->engine, &c->answer, false);
    }
    c->server->count--;
    http_free(&c->http);
    sim_request_done(&c->request);
    buf_done(&c->request.text);
    buf_done(&c->rest);
    buf_done(&c->out);
    free(c);
}

static void conn_close(struct conn *c, bool reset)
{
    if (c->closing) {
        return;
    }
    c->closing = true;
    list_drop(&c->link);
    uv_close((uv_handle_t *)&c->timer, on_closed);
    if (!reset || uv_tcp_close_reset(&c->tcp, on_closed)) {
        uv_close((uv_handle_t *)&c->tcp, on_closed);
    }
}

/* The answer is out as far as it was meant to go. */
static void conn_finish(struct conn *c)
{
    enum sim_end end = c->answer.end;

    sim_engine_end(c->server->engine, &c->answer, end == SIM_END_WHOLE);
    c->answering = false;
    buf_reset(&c->out);
    if (end != SIM_END_WHOLE || !c->keep) {
        conn_close(c, end == SIM_END_RESET);
        return;
    }
    http_next(c->http);
}

/* ---- sending ---- */

static void on_piece_time(uv_timer_t *timer)
{
    conn_send_piece(timer->data);
}

static void on_written(uv_write_t *write, int status)
{
    struct conn *c = write->data;

    if (c->closing) {
        return;
    }
    if (status < 0) {
        conn_close(c, false);
    } else if (!c->left) {
        conn_finish(c);
        conn_resume(c);
    } else if (c->answer.slow_ms) {
        uv_timer_start(&c->timer, on_piece_time, (uint64_t)c->answer.slow_ms, 0);
    } else {
        conn_send_piece(c);
    }
}

/* Sends what is in out. True: it is out already; else on_written goes on. */
static bool conn_write(struct conn *c)
{
    uv_buf_t b = uv_buf_init(c->out.p, (unsigned)c->out.n);
    int sent = uv_try_write((uv_stream_t *)&c->tcp, &b, 1);

    if (sent == (int)c->out.n) {
        return true;
    }
    if (sent > 0) {
        b = uv_buf_init(c->out.p + sent, (unsigned)c->out.n - (unsigned)sent);
    }
    c->write.data = c;
    if ((sent < 0 && sent != UV_EAGAIN) || uv_write(&c->write, (uv_stream_t *)&c->tcp, &b, 1, on_written)) {
        conn_close(c, false);
    }
    return false;
}

/* The next bytes of the body into out. */
static void conn_read_body(struct conn *c, uint64_t most)
{
    char bytes[16 << 10];

    while (c->left && most) {
        size_t want = most < sizeof(bytes) ? (size_t)most : sizeof(bytes);
        size_t got = sim_body_read(&c->answer.body, bytes, want < c->left ? want : (size_t)c->left);
        if (!got) {
            c->left = 0;
            return;
        }
        buf_add(&c->out, bytes, got);
        c->left -= got;
        most -= got;
    }
}

static void conn_send_piece(struct conn *c)
{
    buf_reset(&c->out);
    conn_read_body(c, c->piece);
    uv_buf_t b = uv_buf_init(c->out.p, (unsigned)c->out.n);
    c->write.data = c;
    if (uv_write(&c->write, (uv_stream_t *)&c->tcp, &b, 1, on_written)) {
        conn_close(c, false);
    }
}

static void conn_head(struct conn *c, uint64_t size)
{
    struct http_field fields[MAX_FIELDS];
    struct sim_answer *a = &c->answer;
    size_t n = 0;
    const char *name;
    json_t *value;

    json_object_foreach(a->headers, name, value)
    {
        if (n < MAX_FIELDS) {
            fields[n++] =
                (struct http_field){slice_of(name), {json_string_value(value), json_string_length(value)}};
        }
    }
    bool none = a->status == 204 || a->status == 304;
    buf_reset(&c->out);
    http_write_head(&c->out, a->status, fields, n, none ? -2 : (int64_t)size, c->keep);
    c->left = none ? 0 : size < a->sent_at_most ? size : a->sent_at_most;
}

static void conn_send(struct conn *c)
{
    uint64_t size = sim_body_size(&c->answer.body);

    if (c->answer.end == SIM_END_LOST) {
        conn_finish(c);
        return;
    }
    conn_head(c, size);
    c->piece = WRITE_BYTES;
    if (c->answer.slow_ms) {
        c->piece = c->left / SLOW_PIECES + 1 < WRITE_BYTES ? c->left / SLOW_PIECES + 1 : WRITE_BYTES;
    } else if (c->left <= SMALL_BYTES) {
        conn_read_body(c, c->left);
    }
    if (conn_write(c)) {
        if (c->left) {
            conn_send_piece(c);
        } else {
            conn_finish(c);
        }
    }
}

static void on_delay(uv_timer_t *timer)
{
    struct conn *c = timer->data;

    conn_send(c);
    conn_resume(c);
}

/* ---- receiving ---- */

static enum fault on_head(void *arg, const struct http_head *head)
{
    struct conn *c = arg;

    sim_request_begin(&c->request, head);
    c->keep = head->keep_alive;
    if (head->expect_continue) {
        char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
        uv_buf_t b = uv_buf_init(go_on, sizeof(go_on) - 1);
        uv_try_write((uv_stream_t *)&c->tcp, &b, 1);
    }
    return FAULT_OK;
}

static enum fault on_body(void *arg, struct slice bytes)
{
    struct conn *c = arg;

    sim_request_data(&c->request, bytes);
    return FAULT_OK;
}

static enum fault on_end(void *arg)
{
    struct conn *c = arg;

    sim_request_end(&c->request);
    c->ready = true;
    return FAULT_OK;
}

static const struct http_events events = {on_head, on_body, on_end};

static void conn_answer(struct conn *c)
{
    c->ready = false;
    c->answering = true;
    sim_answer_init(&c->answer);
    sim_engine_answer(c->server->engine, &c->request, clock_mono_ms(), clock_wall_ms(), &c->answer);
    if (c->answer.delay_ms > 0) {
        uv_timer_start(&c->timer, on_delay, (uint64_t)c->answer.delay_ms, 0);
    } else {
        conn_send(c);
    }
}

/* What is no HTTP is told so, once. */
static void conn_refuse(struct conn *c, enum fault fault, const struct note *note)
{
    c->answering = true;
    c->keep = false;
    sim_answer_init(&c->answer);
    c->answer.status = fault_http(fault);
    json_object_set_new(c->answer.headers, "content-type", json_string("text/plain"));
    buf_text(&c->answer.body.text, note_text(note, fault));
    conn_send(c);
}

/* Takes bytes until a request is being answered; gives how many it took. */
static size_t conn_feed(struct conn *c, struct slice bytes)
{
    size_t done = 0;

    while (done < bytes.n && !c->answering && !c->closing) {
        struct note note = {0};
        size_t used = 0;
        enum fault fault = http_feed(c->http, (struct slice){bytes.p + done, bytes.n - done}, &used, &note);
        done += used;
        if (fault) {
            conn_refuse(c, fault, &note);
        } else if (c->ready) {
            conn_answer(c);
        }
    }
    return done;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct conn *c = handle->data;

    (void)suggested;
    *ret = uv_buf_init(c->server->input, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *b)
{
    struct conn *c = stream->data;

    if (n < 0) {
        conn_close(c, false);
        return;
    }
    size_t used = c->rest.n ? 0 : conn_feed(c, (struct slice){b->base, (size_t)n});
    if (c->closing) {
        return;
    }
    buf_add(&c->rest, b->base + used, (size_t)n - used);
    if (c->rest.n > REST_BYTES) {
        uv_read_stop(stream);
    }
}

/* After an answer that was not sent at once: goes on with the input that came meanwhile. */
static void conn_resume(struct conn *c)
{
    if (c->closing || c->answering) {
        return;
    }
    bool stopped = c->rest.n > REST_BYTES;
    size_t used = conn_feed(c, buf_slice(&c->rest));
    if (c->closing) {
        return;
    }
    buf_cut(&c->rest, used);
    if (stopped && c->rest.n <= REST_BYTES) {
        uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
    }
}

/* ---- the server ---- */

static void on_connection(uv_stream_t *stream, int status)
{
    struct sim_server *s = stream->data;

    if (status < 0) {
        return;
    }
    struct conn *c = mem_new(sizeof(*c));
    c->server = s;
    c->tcp.data = c->timer.data = c;
    c->handles = 2;
    uv_tcp_init(s->loop, &c->tcp);
    uv_timer_init(s->loop, &c->timer);
    c->http = http_new(&limits, &events, c);
    buf_init(&c->rest, REST_BYTES + READ_BYTES);
    buf_init(&c->out, HEAD_BYTES + WRITE_BYTES);
    list_push(&s->conns, &c->link);
    s->count++;
    if (uv_accept(stream, (uv_stream_t *)&c->tcp) || s->count > SIM_CONNECTIONS || s->stopping) {
        conn_close(c, false);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

/* "host:port", "[::1]:port". */
static bool server_parse(const char *address, struct sockaddr_storage *ret)
{
    char host[64];
    const char *colon = strrchr(address, ':');
    size_t n = colon ? (size_t)(colon - address) : 0;
    char *end;
    long port = colon ? strtol(colon + 1, &end, 10) : -1;

    if (port < 0 || port > 65535 || end == colon + 1 || *end || !n || n >= sizeof(host)) {
        return false;
    }
    bool six = address[0] == '[' && address[n - 1] == ']';
    snprintf(host, sizeof(host), "%.*s", (int)(six ? n - 2 : n), address + six);
    if (!strcmp(host, "localhost")) {
        snprintf(host, sizeof(host), "127.0.0.1");
    }
    return six ? !uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)ret)
               : !uv_ip4_addr(host, (int)port, (struct sockaddr_in *)ret);
}

static void on_listener_closed(uv_handle_t *handle)
{
    (void)handle;
}

enum fault sim_server_new(struct uv_loop_s *loop, struct sim_engine *engine, const char *address,
                          struct sim_server **ret, struct note *note)
{
    struct sockaddr_storage at = {0};

    if (!server_parse(address, &at)) {
        return note_set(note, FAULT_CONFIG, "\"%s\" is not an address like 127.0.0.1:8080 or [::1]:8080",
                        address);
    }
    struct sim_server *s = mem_new(sizeof(*s));
    s->loop = loop;
    s->engine = engine;
    list_init(&s->conns);
    uv_tcp_init(loop, &s->tcp);
    s->tcp.data = s;
    int error = uv_tcp_bind(&s->tcp, (const struct sockaddr *)&at, 0);
    error = error ? error : uv_listen((uv_stream_t *)&s->tcp, 1024, on_connection);
    if (error) {
        uv_close((uv_handle_t *)&s->tcp, on_listener_closed);
        uv_run(loop, UV_RUN_NOWAIT);
        free(s);
        return note_set(note, FAULT_IO, "cannot listen on %s: %s", address, uv_strerror(error));
    }
    *ret = s;
    return FAULT_OK;
}

int sim_server_port(const struct sim_server *s)
{
    struct sockaddr_storage at;
    int n = sizeof(at);

    if (uv_tcp_getsockname(&s->tcp, (struct sockaddr *)&at, &n)) {
        return 0;
    }
    return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                          : ((struct sockaddr_in *)&at)->sin_port);
}

void sim_server_address(const struct sim_server *s, char *out, size_t size)
{
    struct sockaddr_storage at;
    char host[64] = "";
    int n = sizeof(at);

    if (!uv_tcp_getsockname(&s->tcp, (struct sockaddr *)&at, &n)) {
        uv_ip_name((struct sockaddr *)&at, host, sizeof(host));
    }
    bool six = strchr(host, ':') != NULL;
    snprintf(out, size, six ? "[%s]:%d" : "%s:%d", host, sim_server_port(s));
}

void sim_server_stop(struct sim_server *s)
{
    if (s->stopping) {
        return;
    }
    s->stopping = true;
    uv_close((uv_handle_t *)&s->tcp, on_listener_closed);
    while (!list_empty(&s->conns)) {
        conn_close(container_of(list_first(&s->conns), struct conn, link), false);
    }
}

void sim_server_free(struct sim_server **s)
{
    free(*s);
    *s = NULL;
}
