/* front_http.c - the HTTP dialect: one request at a time, from its head to the end of its answer. */
#include <stdlib.h>

#include "base/mem.h"
#include "edge/front_internal.h"

static const struct slice nothing = {"", 0};

/* ---- the request ---- */

static struct front_req *req_new(struct front_conn *c, const struct http_head *head)
{
    struct front_req *req = mem_new(sizeof(*req));

    req->conn = c;
    req->head = head ? *head : (struct http_head){.content_length = -1, .http_1_0 = true};
    c->req = req;
    return req;
}

/* Whether a request may be told to the handler at all. */
static enum fault req_admit(const struct front_conn *c, struct note *note)
{
    const struct front *f = c->front;

    if (c->refused) {
        return note_set(note, FAULT_TOO_MANY_CONNECTIONS,
                        "%zu connections are open on this socket, which is the limit", f->limits.connections);
    }
    if (f->draining) {
        return FAULT_DRAINING;
    }
    if (f->in_flight >= f->limits.in_flight) {
        return note_set(note, FAULT_OVERLOADED,
                        "%zu requests wait for their answers on this agent, which is the limit",
                        f->limits.in_flight);
    }
    return FAULT_OK;
}

/* A fault that the front or the handler gave becomes the answer; one that comes after the answer began can
 * only cut it short. */
static void req_refuse(struct front_req *req, enum fault fault, const struct note *note)
{
    if (!fault || req->done) {
        return;
    }
    if (req->begun) {
        front_conn_cut(req->conn);
    } else {
        front_reply_fault(req, fault, note, NULL);
    }
}

static enum fault on_head(void *arg, const struct http_head *head)
{
    struct front_conn *c = arg;
    struct front *f = c->front;
    struct note note = {0};
    struct front_req *req = req_new(c, head);
    enum fault fault = req_admit(c, &note);

    /* Also the deadline of a next head whose first byte came together with this one. */
    c->turned = true;
    if (!fault) {
        req->told = true;
        f->in_flight++;
        front_name(c);
        fault = f->handler.head(f->arg, req, head, &note);
    }
    req_refuse(req, fault, &note);
    return c->phase == FRONT_HTTP ? FAULT_OK : FAULT_INTERNAL;
}

/* Behind an answer that is whole, or will never be, the rest of the request is dropped. */
static bool req_listens(const struct front_req *req)
{
    return req->conn->phase == FRONT_HTTP && !req->conn->cut && !req->done;
}

static enum fault on_body(void *arg, struct slice bytes)
{
    struct front_conn *c = arg;
    struct front *f = c->front;
    struct front_req *req = c->req;
    struct note note = {0};

    req->body_came = true;
    if (req_listens(req)) {
        req_refuse(req, f->handler.body(f->arg, req, bytes, &note), &note);
    }
    return c->phase == FRONT_HTTP ? FAULT_OK : FAULT_INTERNAL;
}

static enum fault on_end(void *arg)
{
    struct front_conn *c = arg;
    struct front *f = c->front;
    struct front_req *req = c->req;
    struct note note = {0};

    req->ended = true;
    if (req_listens(req)) {
        req_refuse(req, f->handler.end(f->arg, req, &note), &note);
    }
    return c->phase == FRONT_HTTP ? FAULT_OK : FAULT_INTERNAL;
}

static const struct http_events events = {on_head, on_body, on_end};

/* The handler took the head: a client that waits for that before it sends the body is told. */
static void req_continue(struct front_req *req)
{
    if (req && req->head.expect_continue && !req->continued && !req->body_came && !req->begun) {
        req->continued = true;
        front_conn_send(req->conn, slice_of("HTTP/1.1 100 Continue\r\n\r\n"), nothing);
    }
}

void front_http_gone(struct front_conn *c)
{
    struct front *f = c->front;
    struct front_req *req = c->req;

    if (req && req->told) {
        req->told = false;
        f->in_flight--;
        front_unname(c);
        f->handler.gone(f->arg, req);
    }
}

/* Once the kernel has all of the answer, the request is over and the next one may begin. */
static void http_finish(struct front_conn *c)
{
    struct front_req *req = c->req;

    if (!req || !req->done || c->cut || front_conn_waiting(c)) {
        return;
    }
    front_http_gone(c);
    if (c->phase != FRONT_HTTP) {
        return;
    }
    if (c->last) {
        front_conn_linger(c);
    } else if (req->ended) {
        free(req);
        c->req = NULL;
        http_next(c->http);
    }
}

/* ---- bytes ---- */

void front_http_fault(struct front_conn *c, enum fault fault, const struct note *note)
{
    struct front_req *req = c->req ? c->req : req_new(c, NULL);

    log_debug(c->front->log, "a request was refused", LOG_TEXT("code", fault_code(fault)),
              LOG_TEXT("text", note_text(note, fault)));
    c->deaf = true;
    c->last = true;
    req_refuse(req, fault, note);
}

/* Nothing that the client sends will be understood any more. */
static bool http_deaf(const struct front_conn *c)
{
    return c->deaf || (c->last && c->req && c->req->done);
}

static bool http_takes(const struct front_conn *c)
{
    return c->phase == FRONT_HTTP && !c->cut && !http_deaf(c) && !(c->req && c->req->ended);
}

/* Feeds the parser for as long as requests are answered at once; gives what is left over. */
static struct slice http_feed_all(struct front_conn *c, struct slice bytes)
{
    while (bytes.n && http_takes(c)) {
        struct note note = {0};
        size_t used = 0;
        enum fault fault = http_feed(c->http, bytes, &used, &note);
        bytes.p += used;
        bytes.n -= used;
        if (c->phase != FRONT_HTTP) {
            break;
        }
        if (fault) {
            front_http_fault(c, fault, &note);
        } else {
            req_continue(c->req);
        }
        http_finish(c);
    }
    return bytes;
}

void front_http_begin(struct front_conn *c)
{
    c->http = http_new(&c->front->limits.http, &events, c);
}

void front_http_free(struct front_conn *c)
{
    http_free(&c->http);
    free(c->req);
    c->req = NULL;
    buf_done(&c->ahead);
}

void front_http_take(struct front_conn *c, struct slice bytes)
{
    struct slice rest = http_feed_all(c, bytes);

    if (!rest.n) {
        return;
    }
    if (c->phase != FRONT_HTTP || http_deaf(c)) {
        front_conn_drop(c, rest.n);
        return;
    }
    /* It fits: reading stops when this is full. */
    buf_add(&c->ahead, rest.p, rest.n);
    if (!buf_ok(&c->ahead)) {
        front_conn_cut(c);
    }
}

/* The answer is out: what was read ahead comes next. */
static void http_feed_ahead(struct front_conn *c)
{
    if (!c->ahead.n || !http_takes(c)) {
        return;
    }
    struct slice rest = http_feed_all(c, buf_slice(&c->ahead));
    buf_cut(&c->ahead, c->ahead.n - rest.n);
    if (!c->ahead.n) {
        buf_done(&c->ahead);
    }
}

static void http_make_room(struct front_conn *c)
{
    struct front_req *req = c->req;

    if (req && req->want_room && !req->done && front_conn_waiting(c) <= LIMIT_OUT_QUEUE_BYTES / 2) {
        req->want_room = false;
        req->room(req->room_arg);
    }
}

/* Nothing is being answered and nothing was read ahead. */
static void http_settle_idle(struct front_conn *c)
{
    struct note note = {0};

    if (!http_in_message(c->http)) {
        if (c->eof || c->front->draining) {
            front_conn_close(c);
        }
    } else if (c->eof) {
        front_http_fault(c, note_set(&note, FAULT_BAD_REQUEST, "the connection ended inside the request"),
                         &note);
    } else if (c->front->draining) {
        front_http_fault(c, FAULT_DRAINING, &note);
    }
}

void front_http_settle(struct front_conn *c)
{
    struct note note = {0};

    http_make_room(c);
    http_finish(c);
    http_feed_ahead(c);
    if (c->phase != FRONT_HTTP || c->cut) {
        return;
    }
    if (!c->req) {
        http_settle_idle(c);
    } else if (c->eof && !c->req->ended && !http_deaf(c)) {
        front_http_fault(
            c, note_set(&note, FAULT_BAD_REQUEST, "the connection ended inside the request body"), &note);
    }
}

size_t front_http_room(const struct front_conn *c)
{
    const struct front_req *req = c->req;

    if (!req || http_deaf(c)) {
        return FRONT_READ_BYTES;
    }
    if (req->ended) {
        return FRONT_READ_BYTES - c->ahead.n;
    }
    return req->paused && !req->done ? 0 : FRONT_READ_BYTES;
}

enum front_wait front_http_wait(const struct front_conn *c)
{
    const struct front_req *req = c->req;

    if (front_conn_waiting(c)) {
        return FRONT_WAIT_TAKE;
    }
    if (!req) {
        return http_in_message(c->http) ? FRONT_WAIT_HEAD : FRONT_WAIT_REQUEST;
    }
    if (!req->ended && !http_deaf(c)) {
        return req->paused && !req->done ? FRONT_WAIT_NOTHING : FRONT_WAIT_BODY;
    }
    return c->reading ? FRONT_WAIT_NOTHING : FRONT_WAIT_SIGN;
}

/* ---- what the handler asks and says about the request ---- */

void front_req_set(struct front_req *req, void *object)
{
    req->object = object;
}

void *front_req_get(const struct front_req *req)
{
    return req->object;
}

uint64_t front_req_id(const struct front_req *req)
{
    return req->conn->id;
}

struct front_req *front_req_find(struct front *f, uint64_t id)
{
    const struct front_conn *c = front_find(f, id);

    return c ? c->req : NULL;
}

void front_req_pause(struct front_req *req)
{
    req->paused = true;
    front_conn_kick(req->conn);
}

void front_req_resume(struct front_req *req)
{
    req->paused = false;
    front_conn_kick(req->conn);
}

void front_req_body_limit(struct front_req *req, uint64_t bytes)
{
    http_body_limit(req->conn->http, bytes);
}

struct slice front_req_field(const struct front_req *req, const char *name)
{
    return http_find(&req->head, name);
}
