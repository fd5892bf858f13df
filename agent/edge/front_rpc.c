/* front_rpc.c - the MessagePack-RPC dialect: frames in, answers in any order, notifications. */
#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "edge/front_internal.h"

void front_rpc_begin(struct front_conn *c)
{
    const struct front_limits *limits = &c->front->limits;
    struct front_peer *peer = mem_new(sizeof(*peer));

    peer->conn = c;
    pack_scan_init(&peer->scan, &limits->rpc);
    /* A frame that is not whole, and what one more read brings. */
    buf_init(&peer->in, limits->rpc.bytes + FRONT_READ_BYTES);
    c->peer = peer;
    front_name(c);
}

/* Drops the first used bytes of what is held. */
static void rpc_cut(struct front_conn *c, size_t used)
{
    struct front_peer *peer = c->peer;

    c->front->rpc_held -= used;
    buf_cut(&peer->in, used);
    if (!peer->in.n) {
        buf_done(&peer->in);
    }
}

void front_rpc_free(struct front_conn *c)
{
    if (c->peer) {
        buf_done(&c->peer->in);
        free(c->peer);
        c->peer = NULL;
    }
}

void front_rpc_gone(struct front_conn *c)
{
    struct front *f = c->front;
    struct front_peer *peer = c->peer;

    if (!peer || peer->gone) {
        return;
    }
    peer->gone = true;
    /* The bytes stay until the close callback: a handler may stand in the middle of them. */
    f->rpc_held -= peer->in.n;
    f->in_flight -= peer->in_flight;
    front_unname(c);
    if (peer->told && f->handler.peer_gone) {
        f->handler.peer_gone(f->arg, peer);
    }
}

/* ---- answers ---- */

static bool peer_open(const struct front_peer *peer)
{
    return !peer->gone && !peer->conn->cut;
}

static void rpc_error(struct front_conn *c, uint32_t msgid, enum fault fault, const struct note *note,
                      const json_t *extra)
{
    struct buf *frame = &c->front->body;
    json_t *value = front_fault_value(fault, note);

    if (json_is_null(json_object_get(value, "param"))) {
        json_object_del(value, "param");
    }
    if (extra) {
        json_object_update(value, (json_t *)(uintptr_t)extra);
    }
    buf_reset(frame);
    mprpc_error(frame, msgid, value);
    json_decref(value);
    front_conn_queue(c, buf_slice(frame));
}

/* An answer that the handler owed is there. */
static bool rpc_answered(struct front_peer *peer)
{
    if (!peer_open(peer)) {
        return false;
    }
    assert(peer->in_flight > 0);
    peer->in_flight--;
    peer->conn->front->in_flight--;
    return true;
}

void front_peer_result(struct front_peer *peer, uint32_t msgid, const json_t *value,
                       const struct pack_bins *bins)
{
    struct front_conn *c = peer->conn;
    struct buf *frame = &c->front->body;
    struct note note = {0};

    if (!rpc_answered(peer)) {
        return;
    }
    buf_reset(frame);
    mprpc_result(frame, msgid, value, bins);
    if (buf_ok(frame)) {
        front_conn_queue(c, buf_slice(frame));
    } else {
        note_set(&note, FAULT_INTERNAL, "the answer has more than %u bytes", LIMIT_OUT_BYTES);
        rpc_error(c, msgid, FAULT_INTERNAL, &note, NULL);
    }
}

void front_peer_fault(struct front_peer *peer, uint32_t msgid, enum fault fault, const struct note *note,
                      const json_t *extra)
{
    if (rpc_answered(peer)) {
        rpc_error(peer->conn, msgid, fault, note, extra);
    }
}

bool front_peer_notify(struct front_peer *peer, const char *method, const json_t *params)
{
    struct front_conn *c = peer->conn;
    struct buf *frame = &c->front->body;

    if (!peer_open(peer)) {
        return false;
    }
    /* What this event queued may just not have been sent yet. */
    if (front_conn_waiting(c) > LIMIT_OUT_QUEUE_BYTES) {
        front_conn_flush(c);
    }
    if (front_conn_waiting(c) > LIMIT_OUT_QUEUE_BYTES || c->cut) {
        return false;
    }
    buf_reset(frame);
    mprpc_notify(frame, method, params);
    if (!buf_ok(frame)) {
        return false;
    }
    front_conn_queue(c, buf_slice(frame));
    return true;
}

/* ---- frames ---- */

/* Whether a request may be told to the handler. What holds for the whole connection ends it. */
static enum fault rpc_admit(struct front_conn *c, struct note *note)
{
    const struct front *f = c->front;

    if (c->refused) {
        c->last = true;
        return note_set(note, FAULT_TOO_MANY_CONNECTIONS,
                        "%zu connections are open on this socket, which is the limit", f->limits.connections);
    }
    if (!f->handler.call) {
        c->last = true;
        return note_set(note, FAULT_UNSUPPORTED, "this socket does not speak MessagePack-RPC");
    }
    if (f->draining) {
        return FAULT_DRAINING;
    }
    if (c->peer->in_flight >= LIMIT_RPC_IN_FLIGHT) {
        return note_set(note, FAULT_OVERLOADED,
                        "%d requests of this connection wait for their answers, which is the limit",
                        LIMIT_RPC_IN_FLIGHT);
    }
    if (f->in_flight >= f->limits.in_flight) {
        return note_set(note, FAULT_OVERLOADED,
                        "%zu requests wait for their answers on this agent, which is the limit",
                        f->limits.in_flight);
    }
    return FAULT_OK;
}

static void rpc_call(struct front_conn *c, const struct mprpc *m)
{
    struct front *f = c->front;
    struct note note = {0};
    enum fault fault = m->type == MPRPC_ANSWER ? FAULT_OK : rpc_admit(c, &note);

    if (fault && m->type == MPRPC_REQUEST) {
        rpc_error(c, m->msgid, fault, &note, NULL);
    }
    /* An answer is one to nobody: the front asks nothing. */
    if (fault || m->type == MPRPC_ANSWER) {
        return;
    }
    if (m->type == MPRPC_REQUEST) {
        c->peer->in_flight++;
        f->in_flight++;
    }
    c->peer->told = true;
    f->handler.call(f->arg, c->peer, m);
}

/* The stream makes no sense any more: says so when anybody can be told, and ends. frame is where it broke. */
static void rpc_broken(struct front_conn *c, struct slice frame, enum fault fault, const struct note *note)
{
    struct mprpc m;

    log_debug(c->front->log, "a frame was refused", LOG_TEXT("code", fault_code(fault)),
              LOG_TEXT("text", note_text(note, fault)));
    /* Read for its message id only. */
    if (mprpc_read(frame, &m, NULL) == FAULT_OK) {
        mprpc_done(&m);
    }
    if (m.type == MPRPC_REQUEST) {
        rpc_error(c, m.msgid, fault, note, NULL);
    }
    c->last = true;
}

/* A frame whose end is known. One that is wrong inside is refused by itself: the next may be right. */
static void rpc_frame(struct front_conn *c, struct slice frame)
{
    struct mprpc m;
    struct note note = {0};
    enum fault fault = mprpc_read(frame, &m, &note);

    if (!fault) {
        rpc_call(c, &m);
        mprpc_done(&m);
    } else if (m.type == MPRPC_REQUEST) {
        rpc_error(c, m.msgid, fault, &note, NULL);
    } else {
        rpc_broken(c, frame, fault, &note);
    }
}

static bool rpc_takes(const struct front_conn *c)
{
    return c->phase == FRONT_RPC && !c->last && !c->cut && front_conn_waiting(c) <= LIMIT_OUT_QUEUE_BYTES;
}

/* Takes whole frames as long as there is room for their answers; gives how many bytes are spent. */
static size_t rpc_frames(struct front_conn *c, struct slice bytes)
{
    struct front_peer *peer = c->peer;
    size_t at = 0;

    while (at < bytes.n && rpc_takes(c)) {
        struct slice rest = {bytes.p + at, bytes.n - at};
        struct note note = {0};
        size_t length = 0;
        enum fault fault = pack_scan(&peer->scan, rest, &length, &note);
        if (fault) {
            rpc_broken(c, rest, fault, &note);
        }
        if (fault || !length) {
            break;
        }
        pack_scan_init(&peer->scan, &c->front->limits.rpc);
        rpc_frame(c, (struct slice){rest.p, length});
        at += length;
        if (front_conn_waiting(c) > LIMIT_OUT_QUEUE_BYTES) {
            front_conn_flush(c);
        }
    }
    peer->stopped = at < bytes.n && !rpc_takes(c);
    return c->last ? bytes.n : at;
}

/* Frames of any one connection are bounded by the scanner; those of all connections together by this. */
static void rpc_check_held(struct front_conn *c)
{
    struct note note = {0};

    if (c->peer->in.n > FRONT_READ_BYTES && c->front->rpc_held > LIMIT_RPC_HELD_BYTES) {
        note_set(&note, FAULT_OVERLOADED, "half-received frames of all connections take more than %u bytes",
                 LIMIT_RPC_HELD_BYTES);
        front_rpc_fault(c, FAULT_OVERLOADED, &note);
    }
}

static void rpc_hold(struct front_conn *c, struct slice bytes)
{
    struct front_peer *peer = c->peer;

    buf_add(&peer->in, bytes.p, bytes.n);
    if (buf_ok(&peer->in)) {
        c->front->rpc_held += bytes.n;
    } else {
        front_conn_cut(c); /* No memory: the scanner keeps it within the bound of the buffer. */
    }
}

/* Takes the frames that are held. */
static void rpc_take_held(struct front_conn *c)
{
    size_t used = rpc_frames(c, buf_slice(&c->peer->in));

    if (c->phase == FRONT_RPC) {
        rpc_cut(c, used);
    }
}

void front_rpc_take(struct front_conn *c, struct slice bytes)
{
    struct front_peer *peer = c->peer;

    if (c->last) {
        front_conn_drop(c, bytes.n);
    } else if (peer->in.n) {
        rpc_hold(c, bytes);
        rpc_take_held(c);
    } else {
        size_t used = rpc_frames(c, bytes);
        if (used < bytes.n && c->phase == FRONT_RPC) {
            rpc_hold(c, (struct slice){bytes.p + used, bytes.n - used});
        }
    }
    if (c->phase == FRONT_RPC) {
        rpc_check_held(c);
    }
}

void front_rpc_fault(struct front_conn *c, enum fault fault, const struct note *note)
{
    rpc_broken(c, buf_slice(&c->peer->in), fault, note);
    rpc_cut(c, c->peer->in.n);
}

/* ---- what comes next ---- */

void front_rpc_settle(struct front_conn *c)
{
    struct front_peer *peer = c->peer;

    if (peer->stopped && rpc_takes(c)) {
        rpc_take_held(c);
    }
    if (c->phase != FRONT_RPC) {
        return;
    }
    if (!peer->in_flight && !peer->stopped && (c->eof || c->front->draining)) {
        c->last = true;
    }
    if (c->last && !front_conn_waiting(c)) {
        front_rpc_gone(c);
        if (c->phase == FRONT_RPC) {
            front_conn_linger(c);
        }
    }
}

size_t front_rpc_room(const struct front_conn *c)
{
    return c->last || rpc_takes(c) ? FRONT_READ_BYTES : 0;
}

enum front_wait front_rpc_wait(const struct front_conn *c)
{
    if (front_conn_waiting(c)) {
        return FRONT_WAIT_TAKE;
    }
    if (c->peer->in.n && !c->eof) {
        return FRONT_WAIT_BODY;
    }
    return c->reading ? FRONT_WAIT_NOTHING : FRONT_WAIT_SIGN;
}

/* ---- what the handler asks about the connection ---- */

uint64_t front_peer_id(const struct front_peer *peer)
{
    return peer->conn->id;
}

struct front_peer *front_peer_find(struct front *f, uint64_t id)
{
    const struct front_conn *c = front_find(f, id);

    return c ? c->peer : NULL;
}

void front_peer_set(struct front_peer *peer, void *object)
{
    peer->object = object;
}

void *front_peer_get(const struct front_peer *peer)
{
    return peer->object;
}
