/* rpc_watch.c - task.subscribe: events of tasks as notifications of the connection. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/rpc_internal.h"
#include "base/mem.h"

#define AGAIN_MS 100

struct rpc_watch {
    struct list link;
    struct rpc_peer *peer;
    char id[ID_CHARS + 1];
    uint64_t token;
    json_t *last; /* the last event, for which the peer has no room yet */
    struct timer timer;
};

static void watch_free(struct rpc_watch *w)
{
    timer_stop(&w->timer);
    deliver_watch_stop(w->peer->rpc->api->deliver, w->token);
    json_decref(w->last);
    list_drop(&w->link);
    w->peer->watch_count--;
    free(w);
}

void rpc_watch_free(struct rpc_peer *p)
{
    list_each(link, after, &p->watches)
    {
        watch_free(container_of(link, struct rpc_watch, link));
    }
}

static bool watch_notify(const struct rpc_watch *w, const json_t *event)
{
    struct front_peer *peer = front_peer_find(w->peer->rpc->front, w->peer->id);
    json_t *params = json_pack("[O]", event);
    bool queued = peer && front_peer_notify(peer, "task.event", params);

    json_decref(params);
    return queued;
}

/* A client that does not keep up misses events, but never the last one. */
static void on_again(struct timer *t)
{
    struct rpc_watch *w = container_of(t, struct rpc_watch, timer);

    if (watch_notify(w, w->last)) {
        watch_free(w);
    } else {
        timer_start(w->peer->rpc->api->parts->loop, t, AGAIN_MS, on_again);
    }
}

static void on_event(void *arg, enum fault fault, const json_t *event, bool last)
{
    struct rpc_watch *w = arg;

    (void)fault;
    if (!event) {
        w->token = 0;
        watch_free(w); /* the record is gone: nothing more will be told */
        return;
    }
    bool queued = watch_notify(w, event);
    if (!last) {
        return;
    }
    w->token = 0;
    if (queued) {
        watch_free(w);
        return;
    }
    w->last = json_deep_copy(event);
    timer_start(w->peer->rpc->api->parts->loop, &w->timer, AGAIN_MS, on_again);
}

static struct rpc_watch *watch_find(struct rpc_peer *p, const char *id)
{
    list_each(link, after, &p->watches)
    {
        struct rpc_watch *w = container_of(link, struct rpc_watch, link);
        if (!strcmp(w->id, id)) {
            return w;
        }
    }
    return NULL;
}

bool rpc_watch_add(struct rpc_peer *p, const char *id, const char *last_id)
{
    struct rpc_watch *w;

    if (watch_find(p, id)) {
        return true;
    }
    if (p->watch_count >= RPC_WATCHES) {
        return false;
    }
    w = mem_new(sizeof(*w));
    w->peer = p;
    snprintf(w->id, sizeof(w->id), "%s", id);
    list_init(&w->link);
    list_push(&p->watches, &w->link);
    p->watch_count++;
    w->token = deliver_watch(p->rpc->api->deliver, id, last_id, on_event, w);
    if (!w->token) {
        watch_free(w);
        return false;
    }
    return true;
}

/* ---- the methods ---- */

static void on_task(void *arg, enum fault fault, const json_t *view)
{
    struct rpc_call *c = rpc_back(arg);

    (void)view;
    if (!c) {
        return;
    }
    if (fault) {
        rpc_fault(c, fault, NULL, NULL);
    } else if (!rpc_watch_add(c->peer, c->id, rpc_text(c, "last_event_id"))) {
        rpc_bad(c, FAULT_OVERLOADED, NULL, "a connection listens to at most %d tasks", RPC_WATCHES);
    } else {
        rpc_result(c, json_pack("{s:b,s:s}", "subscribed", 1, "id", c->id), NULL);
    }
}

void rpc_watch_subscribe(struct rpc_call *c)
{
    if (!json_object_get(c->args, "id")) {
        c->peer->all = true;
        rpc_result(c, json_pack("{s:b}", "subscribed", 1), NULL);
    } else if (rpc_named(c)) {
        deliver_get(c->rpc->api->deliver, c->id, on_task, rpc_ask(c));
    }
}

void rpc_watch_unsubscribe(struct rpc_call *c)
{
    const char *id = rpc_text(c, "id");
    struct rpc_watch *w = id ? watch_find(c->peer, id) : NULL;

    if (w) {
        watch_free(w);
    } else if (!id) {
        c->peer->all = false;
        rpc_watch_free(c->peer);
    }
    rpc_result(c, json_pack("{s:b}", "subscribed", 0), NULL);
}
