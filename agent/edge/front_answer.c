/* front_answer.c - HTTP answers: whole, streamed, and faults. */
#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "edge/front_internal.h"
#include "wire/field.h"

/* An answer that comes before a body of up to this size keeps the connection: reading the rest is cheaper
 * than a new one. */
#define SMALL_BODY_BYTES (64 * KIB)

static const struct slice nothing = {"", 0};

/* ---- the head of an answer ---- */

/* Whether the connection may serve another request after this one. */
static bool answer_keeps(const struct front_req *req)
{
    const struct front_conn *c = req->conn;
    const struct http_head *head = &req->head;

    if (c->last || c->refused || c->front->draining || !head->keep_alive) {
        return false;
    }
    /* A client that waits for "100 Continue" and gets this may send its body or not: what follows is
     * anybody's guess. */
    return req->ended || !head->has_body ||
           (head->content_length >= 0 && head->content_length <= SMALL_BODY_BYTES &&
            (req->continued || !head->expect_continue));
}

static bool answer_open(const struct front_req *req)
{
    return req->conn->phase == FRONT_HTTP && !req->conn->cut && !req->done;
}

/* Begins the answer and composes its head. */
static struct slice answer_head(struct front_req *req, int status, const struct http_field *fields, size_t n,
                                int64_t length)
{
    struct front_conn *c = req->conn;
    struct front *f = c->front;
    bool empty = status == 204 || status == 304;
    int64_t framing = empty ? -2 : length;

    assert(!req->begun);
    req->begun = true;
    req->bodyless = empty || slice_is(req->head.method, "HEAD");
    req->chunked = !empty && length < 0 && !req->head.http_1_0;
    req->left = length;
    if (!empty && length < 0) {
        framing = req->chunked ? -1 : -2;
    }
    c->last = !answer_keeps(req);
    buf_reset(&f->head);
    http_write_head(&f->head, status, fields, n, framing, !c->last);
    return buf_slice(&f->head);
}

static void answer_done(struct front_req *req)
{
    req->done = true;
    front_conn_kick(req->conn);
}

/* ---- whole answers ---- */

void front_reply(struct front_req *req, int status, const struct http_field *fields, size_t n,
                 struct slice body)
{
    if (!answer_open(req)) {
        return;
    }
    if (body.n > LIMIT_OUT_BYTES - LIMIT_HEADER_BYTES) {
        struct note note = {0};
        note_set(&note, FAULT_INTERNAL, "the answer has %zu bytes, which is too much for one piece", body.n);
        front_reply_fault(req, FAULT_INTERNAL, &note, NULL);
        return;
    }
    struct slice head = answer_head(req, status, fields, n, (int64_t)body.n);
    front_conn_send(req->conn, head, req->bodyless ? nothing : body);
    answer_done(req);
}

bool front_req_msgpack(const struct front_req *req)
{
    return field_accept(front_req_field(req, "Accept")) == FIELD_MSGPACK;
}

static int dump_piece(const char *text, size_t n, void *out)
{
    buf_add(out, text, n);
    return buf_ok(out) ? 0 : -1;
}

void front_reply_value(struct front_req *req, int status, const struct http_field *fields, size_t n,
                       const json_t *value)
{
    struct http_field all[FRONT_FIELDS + 1];
    struct buf *body = &req->conn->front->body;
    bool msgpack = front_req_msgpack(req);

    assert(n <= FRONT_FIELDS);
    buf_reset(body);
    if (msgpack) {
        pack_write(body, value, NULL);
    } else {
        /* 16 digits: 0.1 stays 0.1. */
        json_dump_callback(value, dump_piece, body, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(16));
    }
    if (!buf_ok(body)) {
        struct note note = {0};
        note_set(&note, FAULT_INTERNAL, "the answer has more than %u bytes", LIMIT_OUT_BYTES);
        front_reply_fault(req, FAULT_INTERNAL, &note, NULL);
        return;
    }
    all[0] = (struct http_field){slice_of("Content-Type"),
                                 slice_of(msgpack ? "application/msgpack" : "application/json")};
    if (n) {
        memcpy(all + 1, fields, n * sizeof(*fields));
    }
    front_reply(req, status, all, n + 1, buf_slice(body));
}

/* ---- faults ---- */

/* A JSON text. Notes may quote what a client sent, or be cut inside a character: odd bytes become '?'. */
static json_t *text_value(const char *text)
{
    json_t *value = json_string(text);

    if (value) {
        return value;
    }
    char *plain = mem_text(text);
    for (char *p = plain; *p; p++) {
        *p = (unsigned char)*p < 0x80 ? *p : '?';
    }
    value = json_string(plain);
    free(plain);
    return value;
}

json_t *front_fault_value(enum fault fault, const struct note *note)
{
    json_t *value = json_object();

    json_object_set_new(value, "message", text_value(note_text(note, fault)));
    json_object_set_new(value, "type", json_string(fault_type(fault)));
    json_object_set_new(value, "code", json_string(fault_code(fault)));
    json_object_set_new(value, "param", note && note->field[0] ? text_value(note->field) : json_null());
    return value;
}

/* The official SDKs send a request again by themselves on 408, 409, 429 and 5xx. A conflict and a wait that
 * is over are not cured by that. */
static bool fault_repeats(enum fault fault)
{
    return fault_later(fault) && fault_http(fault) != 409 && fault_http(fault) != 504;
}

void front_reply_fault(struct front_req *req, enum fault fault, const struct note *note, const json_t *extra)
{
    static const struct http_field no_retry = {{"x-should-retry", 14}, {"false", 5}};
    static const struct http_field retry_after = {{"Retry-After", 11}, {"1", 1}};
    struct http_field fields[2];
    size_t n = 0;
    json_t *inner = front_fault_value(fault, note);

    if (!fault_repeats(fault)) {
        fields[n++] = no_retry;
    } else if (fault_http(fault) == 503) {
        fields[n++] = retry_after;
    }
    if (extra) {
        json_object_update(inner, (json_t *)(uintptr_t)extra);
    }
    json_t *envelope = json_pack("{s:o}", "error", inner);
    front_reply_value(req, fault_http(fault), fields, n, envelope);
    json_decref(envelope);
}

/* ---- streamed answers ---- */

void front_begin(struct front_req *req, int status, const struct http_field *fields, size_t n, int64_t length,
                 void (*room)(void *arg), void *arg)
{
    if (!answer_open(req)) {
        return;
    }
    req->room = room;
    req->room_arg = arg;
    /* Not sent at once: what the turn adds to it goes along. */
    front_conn_queue(req->conn, answer_head(req, status, fields, n, length));
}

/* Counts bytes against the promised length; more than that would be taken for the next answer. */
static bool answer_count(struct front_req *req, size_t n)
{
    if (req->left < 0) {
        return true;
    }
    if (n > (size_t)req->left) {
        log_error(req->conn->front->log, "an answer is longer than promised", LOG_INT("bytes", n));
        front_abort(req);
        return false;
    }
    req->left -= (int64_t)n;
    return true;
}

bool front_add(struct front_req *req, struct slice bytes)
{
    struct front_conn *c = req->conn;

    if (!answer_open(req) || !answer_count(req, bytes.n)) {
        return false;
    }
    assert(req->begun);
    if (bytes.n && !req->bodyless && req->chunked) {
        struct buf *chunk = &c->front->body;
        buf_reset(chunk);
        http_write_chunk(chunk, bytes);
        front_conn_send(c, buf_slice(chunk), nothing);
    } else if (bytes.n && !req->bodyless) {
        front_conn_send(c, bytes, nothing);
    }
    req->want_room = front_conn_waiting(c) > LIMIT_OUT_QUEUE_BYTES && req->room;
    return front_conn_waiting(c) <= LIMIT_OUT_QUEUE_BYTES;
}

void front_end(struct front_req *req)
{
    struct front_conn *c = req->conn;

    if (!answer_open(req)) {
        return;
    }
    assert(req->begun);
    if (req->left > 0 && !req->bodyless) {
        log_error(c->front->log, "an answer is shorter than promised", LOG_INT("missing", req->left));
        front_abort(req);
        return;
    }
    if (req->chunked && !req->bodyless) {
        struct buf *chunk = &c->front->body;
        buf_reset(chunk);
        http_write_chunk(chunk, nothing);
        front_conn_send(c, buf_slice(chunk), nothing);
    }
    answer_done(req);
}

void front_abort(struct front_req *req)
{
    front_conn_flush(req->conn); /* the client is to see that its answer had begun */
    front_conn_cut(req->conn);
}
