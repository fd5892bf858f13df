/* front_internal.h - what the files of the front share: a listener, its connections, and who does what.
 *
 *   front.c         listeners: open, drain, close, and finding by id
 *   front_listen.c  listening sockets: stale files, addresses
 *   front_conn.c    connections: bytes in and out, the end
 *   front_wait.c    their deadlines
 *   front_http.c    the HTTP dialect: one request at a time
 *   front_answer.c  HTTP answers
 *   front_rpc.c     the MessagePack-RPC dialect
 *
 * Every event of a connection (bytes, a write that ended, a deadline, a kick) ends in front_conn_settle: the
 * one place that decides what comes next. What handlers call (front_reply, front_abort, …) only notes what
 * they want and kicks the connection, so a handler is never called back from inside its own call. Nothing of
 * a connection is freed before libuv's close callback, so a handler may close the front from anywhere. */
#ifndef EDGE_FRONT_INTERNAL_H
#define EDGE_FRONT_INTERNAL_H

#include <sys/stat.h>
#include <uv.h>

#include "base/list.h"
#include "edge/front.h"

#define FRONT_READ_BYTES (64 * KIB)
#define FRONT_BUCKETS    256
/* Fields of an answer that its caller may give; a few more are the front's own. */
#define FRONT_FIELDS 16

enum front_phase {
    FRONT_FRESH, /* no byte came: the dialect is not known */
    FRONT_HTTP,
    FRONT_RPC,
    FRONT_LINGER, /* the last answer is out; what still comes is dropped */
    FRONT_CLOSED  /* the memory goes with libuv's close callback */
};

/* What a connection waits for: each has its deadline. */
enum front_wait {
    FRONT_WAIT_NOTHING, /* the handler thinks, or an RPC connection is quiet */
    FRONT_WAIT_REQUEST, /* keep-alive */
    FRONT_WAIT_HEAD,
    FRONT_WAIT_BODY, /* also the rest of an RPC frame */
    FRONT_WAIT_TAKE, /* the client does not read its answer */
    FRONT_WAIT_SIGN, /* nothing is read, so a client that left is only seen by asking */
    FRONT_WAIT_LINGER
};

union front_handle {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_pipe_t pipe;
    uv_tcp_t tcp;
};

struct front {
    struct loop *loop;
    struct log *log;
    struct front_limits limits;
    struct front_handler handler;
    void *arg;

    union front_handle listener;
    bool tcp;
    char *path;       /* of the socket file; NULL for TCP */
    struct stat file; /* as it was made: another agent may have replaced it since */

    struct list conns;
    struct list ready; /* kicked: settled from idle */
    struct list by_id[FRONT_BUCKETS];
    uint64_t last_id;
    size_t served;  /* connections within the limit */
    size_t refused; /* connections over it that wait to be told so */
    size_t in_flight;
    size_t rpc_held; /* bytes of half-received frames */
    bool refusing;   /* the log was told that the limit is reached */

    uv_idle_t idle;
    bool listening;
    bool draining;
    bool closed;
    void (*drained)(void *arg);
    void *drained_arg;
    size_t handles; /* that libuv has not closed yet; the front is freed with the last */

    struct buf head; /* where the head of an answer and its body are composed */
    struct buf body;
    char read[FRONT_READ_BYTES];
};

struct front_conn {
    struct front *front;
    union front_handle handle;
    struct list link;  /* in front.conns */
    struct list ready; /* in front.ready */
    struct list by_id; /* in front.by_id while id names something */
    uint64_t id;       /* of the HTTP request that is told to the handler, or of the RPC peer */

    enum front_phase phase;
    bool refused; /* over the limit of connections */
    bool last;    /* what is being answered is the last: the connection ends with it */
    bool cut;     /* to be closed as soon as nobody is inside */
    bool eof;     /* the client sends no more */
    bool reading;
    bool inside; /* an event is being handled: settle follows anyway */
    bool again;  /* a kick came meanwhile */

    uv_write_t write;
    struct buf out;  /* not given to libuv yet */
    struct buf busy; /* being written by libuv */
    bool writing;
    uint64_t queued; /* bytes ever to be sent */

    struct timer timer; /* may run early: due_ms is the truth */
    int64_t due_ms;
    enum front_wait wait;
    bool got;      /* bytes came in this event */
    bool turned;   /* a request began in this event: whatever is waited for now begins now */
    uint64_t mark; /* bytes sent when the wait began */
    uint64_t dropped;

    struct http *http;
    struct front_req *req;
    struct buf ahead; /* pipelined bytes behind the request that waits for its answer */
    bool deaf;        /* the parser has stopped for good */

    struct front_peer *peer;
};

struct front_req {
    struct front_conn *conn;
    void *object;
    struct http_head head;
    bool told;  /* the handler knows it, and is told when it is gone */
    bool ended; /* the message is whole */
    bool paused;
    bool body_came;
    bool continued; /* "100 Continue" was sent */

    bool begun; /* the head of the answer is out */
    bool done;  /* and the answer is whole */
    bool bodyless;
    bool chunked;
    int64_t left; /* of the promised Content-Length; -1: none was promised */
    bool want_room;
    void (*room)(void *arg);
    void *room_arg;
};

struct front_peer {
    struct front_conn *conn;
    void *object;
    bool told; /* the handler knows it */
    bool gone; /* and was told that it is gone */
    struct pack_scan scan;
    struct buf in;    /* a frame that is not whole, or frames that wait for room in the queue */
    bool stopped;     /* whole frames may be in it */
    size_t in_flight; /* unanswered requests */
};

/* ---- front.c ---- */
/* front_name - gives the connection a fresh id, by which front_find finds it until front_unname. */
void front_name(struct front_conn *c);
void front_unname(struct front_conn *c);
struct front_conn *front_find(const struct front *f, uint64_t id);
/* front_wake - soon settles what is ready, and sees whether the drain is done. */
void front_wake(struct front *f);
/* front_released - a handle of this front was closed by libuv. */
void front_released(struct front *f);

/* ---- front_listen.c: give a bound, listening, non-blocking socket ---- */
enum fault front_listen_unix(const char *path, mode_t mode, int *ret_fd, struct stat *ret_file,
                             struct note *note) MUSTCHECK;
enum fault front_listen_tcp(const char *address, int *ret_fd, struct note *note) MUSTCHECK;
/* front_listen_remove - removes the socket file when it is still the one that was made. */
void front_listen_remove(const char *path, const struct stat *file);

/* ---- front_conn.c ---- */
void front_conn_accept(struct front *f);
/* front_conn_close - tells the handler what is gone and closes; harmless when closed. */
void front_conn_close(struct front_conn *c);
/* front_conn_linger - the last answer is out: says so to the client and drops what it still sends, within
 * bounds. One that is cut off while it sends gets EPIPE or a reset, and mostly never reads its answer. */
void front_conn_linger(struct front_conn *c);
/* front_conn_send - sends both slices now as far as the kernel takes them, and queues a copy of the rest.
 * Behind what is queued already a copy of both is queued while that is little, as by front_conn_queue. */
void front_conn_send(struct front_conn *c, struct slice first, struct slice second);
/* front_conn_queue - queues a copy; all that is queued in one event is sent at its end. */
void front_conn_queue(struct front_conn *c, struct slice bytes);
/* front_conn_flush - sends what is queued as far as the kernel takes it. */
void front_conn_flush(struct front_conn *c);
/* front_conn_waiting - bytes that the kernel has not taken yet. */
size_t front_conn_waiting(const struct front_conn *c);
/* front_conn_kick - settles when the event that is being handled ends, or else soon. */
void front_conn_kick(struct front_conn *c);
void front_conn_settle(struct front_conn *c);
/* front_conn_cut - closes soon; for what cannot be answered any more. */
void front_conn_cut(struct front_conn *c);
/* front_conn_drop - counts bytes that nobody reads; too many end the connection. */
void front_conn_drop(struct front_conn *c, size_t n);

/* ---- front_wait.c ---- */
/* front_wait_next - finds out what the connection waits for now, at the end of each event. Bytes prolong only
 * the waits for bytes: a head must be whole in time however it trickles. */
void front_wait_next(struct front_conn *c);
/* front_wait_hung_up - the client closed its socket, and did not only end its side of the talk. Known for
 * Unix sockets; a TCP client that closed looks like one that sends no more until something is sent to it. */
bool front_wait_hung_up(const struct front_conn *c);

/* ---- front_http.c ---- */
void front_http_begin(struct front_conn *c);
void front_http_take(struct front_conn *c, struct slice bytes);
void front_http_settle(struct front_conn *c);
/* front_http_room - how many bytes may be read now. */
size_t front_http_room(const struct front_conn *c);
enum front_wait front_http_wait(const struct front_conn *c);
/* front_http_fault - the client's bytes or their pace are wrong: answers if possible, and ends. */
void front_http_fault(struct front_conn *c, enum fault fault, const struct note *note);
/* front_http_gone - tells the handler of the request that it knows. */
void front_http_gone(struct front_conn *c);
void front_http_free(struct front_conn *c);

/* ---- front_rpc.c ---- */
void front_rpc_begin(struct front_conn *c);
void front_rpc_take(struct front_conn *c, struct slice bytes);
void front_rpc_settle(struct front_conn *c);
size_t front_rpc_room(const struct front_conn *c);
enum front_wait front_rpc_wait(const struct front_conn *c);
/* front_rpc_fault - as front_http_fault; the half-received frame is answered when its message id came. */
void front_rpc_fault(struct front_conn *c, enum fault fault, const struct note *note);
void front_rpc_gone(struct front_conn *c);
void front_rpc_free(struct front_conn *c);

#endif
