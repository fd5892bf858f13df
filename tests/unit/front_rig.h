/* front_rig.h - a front with a scripted handler and raw clients, all in one thread: what test_front*.c share.
 *
 * Whatever waits here pumps the loop in between. A wait that does not come to its end within RIG_PATIENCE_MS
 * fails the test; nothing else depends on time. */
#ifndef TESTS_FRONT_RIG_H
#define TESTS_FRONT_RIG_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "edge/front.h"

#define RIG_PATIENCE_MS 20000
#define RIG_HELD        600

/* A call that was not answered yet. */
struct rig_call {
    uint64_t peer;
    uint32_t msgid;
};

struct rig {
    struct loop *loop;
    struct front *front;
    struct front_limits limits;
    struct front_handler handler;
    char folder[64];
    char path[128];

    /* what the handler saw: "head /a;body 3;end;gone;" */
    struct buf trace;
    int heads, ends, gones;
    size_t body_bytes;
    struct front_req *held[RIG_HELD]; /* in the order of their ends */
    int held_count;
    struct front_req *paused;
    int drained;

    /* the streamed answer: how much is to come and what was given */
    size_t to_stream, streamed;
    int rooms;
    struct front_req *streaming;

    struct rig_call calls[RIG_HELD];
    int call_count, notes, peers_gone;
};

/* ---- the handler: what it does stands in the path or the method ---- */

static inline void rig_saw(struct rig *r, const char *what, long long n)
{
    buf_printf(&r->trace, n < 0 ? "%s;" : "%s %lld;", what, n);
}

static inline void rig_stream_more(void *arg)
{
    struct rig *r = arg;
    char piece[10000];

    r->rooms++;
    while (r->streamed < r->to_stream) {
        size_t n = r->to_stream - r->streamed < sizeof(piece) ? r->to_stream - r->streamed : sizeof(piece);
        memset(piece, 'a' + (int)(r->streamed / sizeof(piece) % 26), n);
        r->streamed += n;
        if (!front_add(r->streaming, (struct slice){piece, n})) {
            return;
        }
    }
    front_end(r->streaming);
}

static inline enum fault rig_head(void *arg, struct front_req *req, const struct http_head *head,
                                  struct note *note)
{
    struct rig *r = arg;
    char what[128];

    snprintf(what, sizeof(what), "head %.*s", (int)head->path.n, head->path.p);
    rig_saw(r, what, -1);
    r->heads++;
    front_req_set(req, mem_printf("%.*s", (int)head->path.n, head->path.p));
    assert_ptr_equal(front_req_find(r->front, front_req_id(req)), req);
    if (slice_is(head->path, "/refuse")) {
        return note_set(note, FAULT_NO_ROUTE, "no \"such\" thing");
    }
    if (slice_is(head->path, "/full")) {
        return FAULT_FLEET_FULL;
    }
    if (slice_is(head->path, "/now")) {
        front_reply(req, 200, NULL, 0, slice_of("now"));
    }
    if (slice_is(head->path, "/pause")) {
        r->paused = req;
        front_req_pause(req);
    }
    if (slice_is(head->path, "/tiny")) {
        front_req_body_limit(req, 4);
    }
    if (slice_is(head->path, "/close")) {
        front_close(&r->front);
    }
    return FAULT_OK;
}

static inline enum fault rig_body(void *arg, struct front_req *req, struct slice bytes, struct note *note)
{
    struct rig *r = arg;

    r->body_bytes += bytes.n;
    if (!strcmp(front_req_get(req), "/abort")) {
        front_abort(req);
    }
    if (!strcmp(front_req_get(req), "/refuse-body")) {
        note_field(note, "/prompt");
        return note_set(note, FAULT_BAD_VALUE, "bad \xff byte");
    }
    return FAULT_OK;
}

static inline enum fault rig_end(void *arg, struct front_req *req, struct note *note)
{
    struct rig *r = arg;
    const char *path = front_req_get(req);
    struct http_field type = {slice_of("Content-Type"), slice_of("text/plain")};

    (void)note;
    rig_saw(r, "end", -1);
    r->ends++;
    if (!strcmp(path, "/stream") || !strcmp(path, "/sized")) {
        r->streaming = req;
        front_begin(req, 200, &type, 1, !strcmp(path, "/sized") ? (int64_t)r->to_stream : -1, rig_stream_more,
                    r);
        rig_stream_more(r);
    } else if (!strcmp(path, "/value")) {
        json_t *value = json_pack("{s:f,s:s}", "x", 0.1, "s", "text");
        front_reply_value(req, 201, NULL, 0, value);
        json_decref(value);
    } else if (!strncmp(path, "/hold", 5)) {
        r->held[r->held_count++] = req;
    } else if (!strcmp(path, "/204")) {
        front_reply(req, 204, NULL, 0, slice_of(""));
    } else {
        char text[64];
        snprintf(text, sizeof(text), "%s %zu", path, r->body_bytes);
        r->body_bytes = 0;
        front_reply(req, 200, &type, 1, slice_of(text));
    }
    return FAULT_OK;
}

static inline void rig_gone(void *arg, struct front_req *req)
{
    struct rig *r = arg;

    rig_saw(r, "gone", -1);
    r->gones++;
    assert_non_null(front_req_get(req));
    free(front_req_get(req));
    front_req_set(req, NULL);
    r->streaming = r->streaming == req ? NULL : r->streaming;
    for (int i = 0; i < r->held_count; i++) {
        r->held[i] = r->held[i] == req ? NULL : r->held[i];
    }
}

/* "echo" is answered at once with its params, "big" with much; all else is kept for the test to answer. */
static inline void rig_call(void *arg, struct front_peer *peer, const struct mprpc *m)
{
    struct rig *r = arg;

    rig_saw(r, m->method, m->type == MPRPC_REQUEST ? (long long)m->msgid : -1);
    assert_ptr_equal(front_peer_find(r->front, front_peer_id(peer)), peer);
    if (!strcmp(m->method, "close")) {
        front_close(&r->front);
    } else if (m->type == MPRPC_NOTIFY) {
        r->notes++;
    } else if (!strcmp(m->method, "big")) {
        char text[100000];
        memset(text, 'x', sizeof(text));
        json_t *value = json_stringn(text, sizeof(text));
        front_peer_result(peer, m->msgid, value, NULL);
        json_decref(value);
    } else if (!strcmp(m->method, "echo")) {
        front_peer_result(peer, m->msgid, m->params, &m->bins);
    } else {
        assert_true(r->call_count < RIG_HELD);
        r->calls[r->call_count++] = (struct rig_call){front_peer_id(peer), m->msgid};
    }
}

static inline void rig_peer_gone(void *arg, struct front_peer *peer)
{
    struct rig *r = arg;

    (void)peer;
    rig_saw(r, "peer gone", -1);
    r->peers_gone++;
}

/* ---- the rig ---- */

static inline struct rig *rig_new(void)
{
    struct rig *r = mem_new(sizeof(*r));

    signal(SIGPIPE, SIG_IGN);
    strcpy(r->folder, "/tmp/front_test_XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    snprintf(r->path, sizeof(r->path), "%s/s.sock", r->folder);
    buf_init(&r->trace, MIB);
    buf_text(&r->trace, "");
    r->loop = loop_new();
    r->limits = front_default;
    r->handler = (struct front_handler){rig_head, rig_body, rig_end, rig_gone, rig_call, rig_peer_gone};
    return r;
}

static inline void rig_open(struct rig *r)
{
    struct note note = {0};

    assert_int_equal(
        front_open_unix(r->loop, NULL, r->path, 0600, &r->limits, &r->handler, r, &r->front, &note),
        FAULT_OK);
}

static inline void rig_free(struct rig *r)
{
    int began = r->heads;

    front_close(&r->front);
    assert_int_equal(r->gones, began);
    loop_free(&r->loop);
    buf_done(&r->trace);
    assert_int_equal(rmdir(r->folder), 0); /* Nothing is left behind. */
    free(r);
}

static inline void rig_pump(struct rig *r)
{
    uv_run(loop_uv(r->loop), UV_RUN_NOWAIT);
}

/* Pumps until something that must come; fails the test when it does not. */
#define rig_until(r, condition)                                                                              \
    do {                                                                                                     \
        int64_t rig_began = clock_mono_ms();                                                                 \
        while (!(condition)) {                                                                               \
            rig_pump(r);                                                                                     \
            poll(NULL, 0, 1);                                                                                \
            if (clock_mono_ms() - rig_began > RIG_PATIENCE_MS) {                                             \
                fail_msg("waited in vain for: %s; trace: %.500s", #condition, (r)->trace.p);                 \
            }                                                                                                \
        }                                                                                                    \
    } while (0)

static inline void rig_pump_a_while(struct rig *r)
{
    for (int i = 0; i < 30; i++) {
        rig_pump(r);
        poll(NULL, 0, 1);
    }
}

static inline void rig_drained(void *arg)
{
    struct rig *r = arg;

    r->drained++;
}

/* ---- clients ---- */

struct client {
    struct rig *r;
    int fd;
    struct buf in;
    bool eof;  /* the front ended its side in an orderly way */
    int error; /* or not */
};

static inline struct client client_of(struct rig *r, int fd)
{
    struct client c = {.r = r, .fd = fd};

    buf_init(&c.in, 256 * MIB);
    buf_text(&c.in, "");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return c;
}

static inline struct client client_open(struct rig *r)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, r->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return client_of(r, fd);
}

static inline void client_close(struct client *c)
{
    close(c->fd);
    c->fd = -1;
    buf_done(&c->in);
}

/* Sends what the kernel takes at once; gives how much. -1: the front does not listen any more. */
static inline ssize_t client_try(struct client *c, const char *p, size_t n)
{
    ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);

    if (sent < 0 && errno != EAGAIN) {
        c->error = errno;
        return -1;
    }
    return sent < 0 ? 0 : sent;
}

/* Sends all of it, however often the front must be pumped; false: the front does not listen any more. */
static inline bool client_push(struct client *c, const void *p, size_t n)
{
    int64_t began = clock_mono_ms();

    for (size_t at = 0; at < n;) {
        ssize_t sent = client_try(c, (const char *)p + at, n - at);
        if (sent < 0) {
            return false;
        }
        at += (size_t)sent;
        if (!sent) {
            rig_pump(c->r);
            assert_true(clock_mono_ms() - began < RIG_PATIENCE_MS);
        }
    }
    return true;
}

static inline void client_say(struct client *c, const char *text)
{
    assert_true(client_push(c, text, strlen(text)));
}

static inline void client_read(struct client *c)
{
    char piece[65536];

    while (!c->eof && !c->error) {
        ssize_t n = read(c->fd, piece, sizeof(piece));
        if (n > 0) {
            buf_add(&c->in, piece, (size_t)n);
        } else if (n == 0) {
            c->eof = true;
        } else if (errno == EAGAIN) {
            return;
        } else {
            c->error = errno;
        }
    }
}

static inline bool client_has(struct client *c, const char *text)
{
    client_read(c);
    return memmem(c->in.p, c->in.n, text, strlen(text)) != NULL;
}

static inline bool client_ended(struct client *c)
{
    client_read(c);
    return c->eof || c->error;
}

/* Waits for text, and drops everything up to its end. */
static inline void client_expect(struct client *c, const char *text)
{
    rig_until(c->r, client_has(c, text) || client_ended(c));
    const char *at = memmem(c->in.p, c->in.n, text, strlen(text));
    if (!at) {
        fail_msg("wanted \"%s\" and got \"%.300s\" (eof %d, error %d)", text, c->in.p, c->eof, c->error);
    }
    buf_cut(&c->in, (size_t)(at - c->in.p) + strlen(text));
}

/* Waits for the orderly end. */
static inline void client_expect_eof(struct client *c)
{
    rig_until(c->r, client_ended(c));
    if (c->error) {
        fail_msg("the connection ended with: %s", strerror(c->error));
    }
}

#endif
