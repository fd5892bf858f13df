/* rpc_internal.h - what the files of the RPC dialect share: a peer, which is a connection, and its calls.
 *
 *   rpc.c        methods; peers and calls; answers
 *   rpc_tasks.c  task.submit get wait cancel list, models, ping
 *   rpc_media.c  media.put
 *   rpc_fetch.c  task.output, and outputs that are wanted inline
 *   rpc_watch.c  task.subscribe, task.unsubscribe, and what they bring
 *
 * A call waits for one thing at a time. When its peer is gone, what it waits for is stopped and it goes, too;
 * a callback that cannot be stopped is `held`: it finds `peer` NULL and drops the call. */
#ifndef APP_RPC_INTERNAL_H
#define APP_RPC_INTERNAL_H

#include "app/api_internal.h"
#include "app/rpc.h"
#include "base/list.h"

#define RPC_WATCHES 4096 /* tasks that one peer listens to */
#define RPC_UPLOADS 16   /* media that one peer uploads at once */

struct rpc {
    struct api *api;
    struct front *front;
    struct list peers;
    struct list orphans; /* calls whose peer is gone and whose callback is yet to come */
    uint64_t held;       /* bytes of media in calls, in and out */
};

struct rpc_peer {
    struct list link;
    struct rpc *rpc;
    uint64_t id; /* front_peer_id */
    struct list calls;
    struct list watches;
    struct list uploads;
    size_t call_count, watch_count, upload_count;
    bool all; /* listens to what it submits itself */
};

struct rpc_fetch;

struct rpc_call {
    struct list link;
    struct rpc *rpc;
    struct rpc_peer *peer; /* NULL: gone */
    uint32_t msgid;
    bool notify; /* nobody waits for an answer */
    json_t *args;
    const struct pack_bins *bins; /* only while the method runs */
    bool held_back;               /* a callback comes in any case */
    uint64_t waiting;             /* token of deliver_wait, 0: none */
    char id[ID_CHARS + 1];        /* of the task */
    bool with_outputs;            /* inline: true */
    bool replayed;
    int64_t wait_ms;
    uint64_t bytes; /* of rpc.held */
    struct rpc_fetch *fetch;
};

typedef void rpc_method_fn(struct rpc_call *c);

/* ---- rpc.c ---- */
/* rpc_ask - the call as the argument of a callback that comes in any case. rpc_back - the call again, or
 * NULL: its peer is gone. */
void *rpc_ask(struct rpc_call *c);
struct rpc_call *rpc_back(void *arg);

/* Exactly one of them ends a call. value and extra are taken. */
void rpc_result(struct rpc_call *c, json_t *value, const struct pack_bins *bins);
void rpc_fault(struct rpc_call *c, enum fault fault, const struct note *note, json_t *extra);
void rpc_bad(struct rpc_call *c, enum fault fault, const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* rpc_drop - ends it without an answer. */
void rpc_drop(struct rpc_call *c);

/* Arguments. rpc_text - NULL: absent or no text. rpc_number - otherwise when absent; a value that is no
 * number makes -1. rpc_bytes - the bin of that name; p NULL: none. */
const char *rpc_text(const struct rpc_call *c, const char *name);
double rpc_number(const struct rpc_call *c, const char *name, double otherwise);
struct slice rpc_bytes(const struct rpc_call *c, const char *name);
/* rpc_named - the argument `id` is in c->id; false: there is no such task, and that was answered. */
bool rpc_named(struct rpc_call *c);
/* rpc_hold - counts bytes that the call keeps in memory; false: too many are held, and that was answered.
 * They are given back when it ends. */
bool rpc_hold(struct rpc_call *c, uint64_t bytes);

/* ---- the methods ---- */
rpc_method_fn rpc_tasks_submit, rpc_tasks_get, rpc_tasks_wait, rpc_tasks_cancel, rpc_tasks_list;
rpc_method_fn rpc_tasks_models, rpc_tasks_ping;
rpc_method_fn rpc_media_put;
rpc_method_fn rpc_fetch_output;
rpc_method_fn rpc_watch_subscribe, rpc_watch_unsubscribe;

/* rpc_tasks_now - answers a waiting call with how its task is now. */
void rpc_tasks_now(struct rpc_call *c);
/* rpc_fetch_view - answers with a task's view, the bytes of its outputs in it as far as they are wanted and
 * fit. */
void rpc_fetch_view(struct rpc_call *c, const json_t *view);
void rpc_fetch_free(struct rpc_fetch **f);
/* rpc_media_free - drops the uploads of a peer; no call waits for them any more. */
void rpc_media_free(struct rpc_peer *p);
/* rpc_watch_add - the peer listens to the task, if it does not yet; false: it listens to too many.
 * rpc_watch_free - ends all. */
bool rpc_watch_add(struct rpc_peer *p, const char *id, const char *last_id);
void rpc_watch_free(struct rpc_peer *p);

#endif
