/* front.h - the socket: connections, deadlines, limits, both dialects; one answer per request. Knows no route
 * and no task.
 *
 * A listener is a Unix socket (both dialects, told apart by the first byte) or a TCP address (HTTP only: the
 * admin port). HTTP requests are one at a time per connection; MessagePack-RPC requests overlap. The handler
 * gets a request as it arrives and answers whenever it likes. Nothing that a handler calls here calls it back
 * before it returns, but for front_close: it tells gone and peer_gone of all that is left. The process
 * ignores SIGPIPE. */
#ifndef EDGE_FRONT_H
#define EDGE_FRONT_H

#include <jansson.h>
#include <sys/types.h>

#include "base/limits.h"
#include "base/log.h"
#include "edge/loop.h"
#include "wire/http.h"
#include "wire/mprpc.h"

struct front;      /* a listener */
struct front_req;  /* an HTTP request; lives until its answer is out or its client is gone: see gone */
struct front_peer; /* an RPC connection */

struct front_handler {
    /* The head came. The handler may keep its own object with front_req_set, and may answer from inside. OK:
     * the body follows. A fault is answered with the error envelope (front writes it) and the body is not
     * read. */
    enum fault (*head)(void *arg, struct front_req *req, const struct http_head *head, struct note *note);
    /* Body bytes. A fault is answered with the error envelope. To slow the sender: front_req_pause (what was
     * read already, 64 KiB at most, still comes). Neither body nor end come once the answer is whole. */
    enum fault (*body)(void *arg, struct front_req *req, struct slice bytes, struct note *note);
    /* The request is whole. */
    enum fault (*end)(void *arg, struct front_req *req, struct note *note);
    /* The client went away before the answer was out, or the answer is out: the handler forgets req
     * (front_req_get still works inside). Comes exactly once per req for which head was called. */
    void (*gone)(void *arg, struct front_req *req);

    /* MessagePack-RPC; NULL members: the dialect is refused. call: a request, to be answered once by its
     * msgid, or a notification; params and bins are borrowed until it returns. A request that is wrong inside
     * gets its error from the front and goes alone; a stream that makes no sense ends the connection. */
    void (*call)(void *arg, struct front_peer *peer, const struct mprpc *m);
    /* No answer can reach the peer any more. Comes exactly once per peer that called. */
    void (*peer_gone)(void *arg, struct front_peer *peer);
};

struct front_limits {
    struct http_limits http;
    struct pack_limits rpc;
    size_t connections;
    size_t in_flight; /* unanswered requests of this listener: OVERLOADED beyond */
    int64_t header_ms, body_idle_ms, keepalive_ms;
    int64_t stall_ms; /* a client that takes no byte of its answer for as long is cut */
};
extern const struct front_limits front_default;

/* front_open_unix - a stale socket file (nobody answers on it) is replaced, one that is served is a fault;
 * made with a temporary name and renamed, mode as given; its folder is made when only that is missing.
 * front_open_tcp - address "127.0.0.1:9465" or
 * "[::1]:9465", port 0 picks one; no names. Faults: CONFIG, IO (the note says what to do). */
enum fault front_open_unix(struct loop *loop, struct log *log, const char *path, mode_t mode,
                           const struct front_limits *limits, const struct front_handler *handler, void *arg,
                           struct front **ret_front, struct note *note) MUSTCHECK;
enum fault front_open_tcp(struct loop *loop, struct log *log, const char *address,
                          const struct front_limits *limits, const struct front_handler *handler, void *arg,
                          struct front **ret_front, struct note *note) MUSTCHECK;
/* front_port - where a TCP listener listens; 0 for a Unix socket. */
int front_port(const struct front *f);

/* front_drain - takes no more connections or requests (idle connections are closed, the socket file is
 * removed); done comes when the last answer is out and its connection closed. front_close - closes everything
 * now; NULL-safe; the loop must run once more, or be freed, for the memory to go. */
void front_drain(struct front *f, void (*done)(void *arg), void *arg);
void front_close(struct front **f);
size_t front_connections(const struct front *f);
size_t front_in_flight(const struct front *f);

/* ---- an HTTP request ---- */
void front_req_set(struct front_req *req, void *object);
void *front_req_get(const struct front_req *req);
/* A number that is never used again in this process: keep it, not the pointer, across a gap; front_req_find
 * gives NULL when it is gone. */
uint64_t front_req_id(const struct front_req *req);
struct front_req *front_req_find(struct front *f, uint64_t id);
/* For use in head: how large this request's body may be; a larger Content-Length is TOO_LARGE right after. */
void front_req_body_limit(struct front_req *req, uint64_t bytes);
/* No body deadline runs while paused. */
void front_req_pause(struct front_req *req);
void front_req_resume(struct front_req *req);
/* What the answer is to be written in, from Accept. */
bool front_req_msgpack(const struct front_req *req);
/* A field of the head, valid until the answer is out; p NULL when absent. */
struct slice front_req_field(const struct front_req *req, const char *name);

/* front_reply - a whole answer; fields may be NULL, at most 16. body is copied. Content-Length is added. */
void front_reply(struct front_req *req, int status, const struct http_field *fields, size_t n,
                 struct slice body);
/* front_reply_value - value as JSON or MessagePack after Accept (borrowed), with its Content-Type. */
void front_reply_value(struct front_req *req, int status, const struct http_field *fields, size_t n,
                       const json_t *value);
/* front_reply_fault - the error envelope {"error":{"message","type","code","param"}}; Retry-After: 1 with a
 * 503 that may pass, x-should-retry: false with what does not pass, with 409 and with 504; extra (may be
 * NULL) is merged into the error object. */
void front_reply_fault(struct front_req *req, enum fault fault, const struct note *note, const json_t *extra);

/* A streamed answer: begin, add any number of times, end. length -1: chunked (until close for HTTP/1.0).
 * front_add gives false when more than LIMIT_OUT_QUEUE_BYTES wait: add no more until room(arg) is called; or
 * when the client is lost: gone follows. room NULL: the caller keeps to a small total by itself. front_abort:
 * the promise cannot be kept, the connection is cut; so is one whose answer gets another length than
 * promised. HEAD requests send no body: front drops it. */
void front_begin(struct front_req *req, int status, const struct http_field *fields, size_t n, int64_t length,
                 void (*room)(void *arg), void *arg);
bool front_add(struct front_req *req, struct slice bytes);
void front_end(struct front_req *req);
void front_abort(struct front_req *req);

/* ---- an RPC connection ---- */
uint64_t front_peer_id(const struct front_peer *peer);
struct front_peer *front_peer_find(struct front *f, uint64_t id);
void front_peer_set(struct front_peer *peer, void *object);
void *front_peer_get(const struct front_peer *peer);
/* Answers to a request of this peer, by its msgid. */
void front_peer_result(struct front_peer *peer, uint32_t msgid, const json_t *value,
                       const struct pack_bins *bins);
void front_peer_fault(struct front_peer *peer, uint32_t msgid, enum fault fault, const struct note *note,
                      const json_t *extra);
/* A notification; dropped when the peer's queue is full (true: it was queued). */
bool front_peer_notify(struct front_peer *peer, const char *method, const json_t *params);

/* front_fault_value - the envelope's inner object {"message", "type", "code", "param"}, new reference. */
json_t *front_fault_value(enum fault fault, const struct note *note);

#endif
