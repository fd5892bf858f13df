/* rpc.c - MessagePack-RPC: which method does what, and the life of peers and calls. */
#include "app/rpc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/rpc_internal.h"
#include "base/mem.h"

/* The methods. Parameters come by position, or as one map by name; what stands behind '|' comes by name only,
 * in a map behind the others. */
static const struct method {
    const char *name;
    rpc_method_fn *run;
    const char *params;
    const char *options;
} methods[] = {
    {"task.submit", rpc_tasks_submit, "task", "idempotency_key,wait_s,inline,traceparent"},
    {"task.get", rpc_tasks_get, "id", "inline"},
    {"task.wait", rpc_tasks_wait, "id,wait_s", "inline"},
    {"task.cancel", rpc_tasks_cancel, "id", ""},
    {"task.list", rpc_tasks_list, "", "status,model,kind,limit,after"},
    {"task.output", rpc_fetch_output, "id,n,offset,length", ""},
    {"task.subscribe", rpc_watch_subscribe, "id,last_event_id", ""},
    {"task.unsubscribe", rpc_watch_unsubscribe, "id", ""},
    {"media.put", rpc_media_put, "data", "type,name,upload,last"},
    {"models", rpc_tasks_models, "", ""},
    {"ping", rpc_tasks_ping, "", ""},
};

#define METHODS (sizeof(methods) / sizeof(methods[0]))

static const struct method *method_of(const char *name)
{
    for (size_t i = 0; i < METHODS; i++) {
        if (!strcmp(methods[i].name, name)) {
            return &methods[i];
        }
    }
    return NULL;
}

/* ---- calls ---- */

static void call_free(struct rpc_call *c)
{
    if (c->peer) {
        c->peer->call_count--;
    }
    c->rpc->held -= c->bytes;
    rpc_fetch_free(&c->fetch);
    json_decref(c->args);
    list_drop(&c->link);
    free(c);
}

void *rpc_ask(struct rpc_call *c)
{
    c->held_back = true;
    return c;
}

struct rpc_call *rpc_back(void *arg)
{
    struct rpc_call *c = arg;

    c->held_back = false;
    if (c->peer) {
        return c;
    }
    call_free(c);
    return NULL;
}

/* Where an answer goes, NULL: nobody wants one. */
static struct front_peer *call_answers(const struct rpc_call *c)
{
    return c->peer && !c->notify ? front_peer_find(c->rpc->front, c->peer->id) : NULL;
}

void rpc_result(struct rpc_call *c, json_t *value, const struct pack_bins *bins)
{
    struct front_peer *peer = call_answers(c);

    if (peer) {
        front_peer_result(peer, c->msgid, value, bins);
    }
    json_decref(value);
    call_free(c);
}

void rpc_fault(struct rpc_call *c, enum fault fault, const struct note *note, json_t *extra)
{
    struct front_peer *peer = call_answers(c);

    if (peer) {
        front_peer_fault(peer, c->msgid, fault, note, extra);
    }
    json_decref(extra);
    call_free(c);
}

void rpc_bad(struct rpc_call *c, enum fault fault, const char *field, const char *format, ...)
{
    struct note note = {0};
    va_list ap;

    va_start(ap, format);
    vsnprintf(note.text, sizeof(note.text), format, ap);
    va_end(ap);
    note_field(&note, field);
    rpc_fault(c, fault, &note, NULL);
}

void rpc_drop(struct rpc_call *c)
{
    call_free(c);
}

bool rpc_hold(struct rpc_call *c, uint64_t bytes)
{
    if (c->rpc->held + bytes > LIMIT_RPC_HELD_BYTES) {
        rpc_bad(c, FAULT_OVERLOADED, NULL, "media in calls take more than %u bytes together",
                LIMIT_RPC_HELD_BYTES);
        return false;
    }
    c->rpc->held += bytes;
    c->bytes += bytes;
    return true;
}

/* ---- arguments ---- */

const char *rpc_text(const struct rpc_call *c, const char *name)
{
    return json_string_value(json_object_get(c->args, name));
}

double rpc_number(const struct rpc_call *c, const char *name, double otherwise)
{
    const json_t *value = json_object_get(c->args, name);

    if (!value || json_is_null(value)) {
        return otherwise;
    }
    return json_is_number(value) ? json_number_value(value) : -1;
}

struct slice rpc_bytes(const struct rpc_call *c, const char *name)
{
    const json_t *index = json_object_get(json_object_get(c->args, name), "$bin");
    size_t i = (size_t)json_integer_value(index);

    return index && i < c->bins->n ? c->bins->items[i] : (struct slice){NULL, 0};
}

bool rpc_named(struct rpc_call *c)
{
    const char *id = rpc_text(c, "id");

    if (!id) {
        rpc_bad(c, FAULT_BAD_VALUE, "id", "the id of a task is needed, a text");
        return false;
    }
    if (!id_valid(id)) {
        rpc_fault(c, FAULT_NO_TASK, NULL, NULL);
        return false;
    }
    memcpy(c->id, id, sizeof(c->id));
    return true;
}

/* A value by itself; any other map names parameters. */
static bool is_plain(const json_t *value)
{
    return !json_is_object(value) || json_object_get(value, "$bin");
}

/* The params of a frame by name. Faults: BAD_VALUE. */
static enum fault args_read(const struct method *m, const json_t *params, json_t *args, struct note *note)
{
    struct slice rest = slice_of(m->params), name = {0};
    char text[32];
    json_t *value;
    size_t i;

    json_array_foreach(params, i, value)
    {
        bool named = slice_cut(&rest, ',', &name) && name.n;
        if (!is_plain(value) && !(i == 0 && !strcmp(m->params, "task"))) {
            json_object_update(args, value);
        } else if (named) {
            snprintf(text, sizeof(text), "%.*s", (int)name.n, name.p);
            json_object_set(args, text, value);
        } else {
            return note_set(note, FAULT_BAD_VALUE, "%s takes fewer parameters", m->name);
        }
    }
    return FAULT_OK;
}

static bool is_listed(const char *list, const char *name)
{
    struct slice rest = slice_of(list), word;

    while (slice_cut(&rest, ',', &word)) {
        if (word.n && slice_is(word, name)) {
            return true;
        }
    }
    return false;
}

/* As everywhere: what is not known is not ignored. */
static enum fault args_check(const struct method *m, const json_t *args, struct note *note)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)args, name, value)
    {
        if (!is_listed(m->params, name) && !is_listed(m->options, name)) {
            note_field(note, name);
            return note_set(note, FAULT_UNSUPPORTED, "%s has no parameter %.60s", m->name, name);
        }
    }
    return FAULT_OK;
}

/* ---- from the front ---- */

static struct rpc_peer *peer_of(struct rpc *rpc, struct front_peer *peer)
{
    struct rpc_peer *p = front_peer_get(peer);

    if (p) {
        return p;
    }
    p = mem_new(sizeof(*p));
    p->rpc = rpc;
    p->id = front_peer_id(peer);
    list_init(&p->calls);
    list_init(&p->watches);
    list_init(&p->uploads);
    list_init(&p->link);
    list_push(&rpc->peers, &p->link);
    front_peer_set(peer, p);
    return p;
}

static struct rpc_call *call_new(struct rpc_peer *p, const struct mprpc *m)
{
    struct rpc_call *c = mem_new(sizeof(*c));

    c->rpc = p->rpc;
    c->peer = p;
    c->msgid = m->msgid;
    c->notify = m->type == MPRPC_NOTIFY;
    c->args = json_object();
    c->bins = &m->bins;
    list_init(&c->link);
    list_push(&p->calls, &c->link);
    p->call_count++;
    return c;
}

void rpc_take(struct rpc *rpc, struct front_peer *peer, const struct mprpc *m)
{
    struct rpc_peer *p = peer_of(rpc, peer);
    const struct method *method = method_of(m->method);
    struct note note = {0};

    if (m->type == MPRPC_NOTIFY && p->call_count >= LIMIT_RPC_IN_FLIGHT) {
        return; /* requests are bounded by the front; one that expects no answer is dropped */
    }
    struct rpc_call *c = call_new(p, m);
    if (!method) {
        rpc_bad(c, FAULT_NO_ROUTE, NULL, "there is no method %.60s", m->method);
        return;
    }
    enum fault fault = args_read(method, m->params, c->args, &note);
    if (!fault) {
        fault = args_check(method, c->args, &note);
    }
    if (fault) {
        rpc_fault(c, fault, &note, NULL);
    } else {
        method->run(c);
    }
}

/* What the call waits for is stopped, or finds it without a peer. */
static void call_leave(struct rpc_call *c)
{
    if (c->waiting) {
        deliver_wait_stop(c->rpc->api->deliver, c->waiting);
        c->waiting = 0;
    }
    if (!c->held_back) {
        call_free(c);
        return;
    }
    c->peer->call_count--;
    c->peer = NULL;
    list_drop(&c->link);
    list_push(&c->rpc->orphans, &c->link);
}

static void peer_free(struct rpc_peer *p)
{
    list_each(link, after, &p->calls)
    {
        call_leave(container_of(link, struct rpc_call, link));
    }
    rpc_watch_free(p);
    rpc_media_free(p);
    list_drop(&p->link);
    free(p);
}

void rpc_peer_gone(struct rpc *rpc, struct front_peer *peer)
{
    struct rpc_peer *p = front_peer_get(peer);

    (void)rpc;
    if (p) {
        peer_free(p);
        front_peer_set(peer, NULL);
    }
}

/* ---- the whole ---- */

struct rpc *rpc_new(struct api *api)
{
    struct rpc *rpc = mem_new(sizeof(*rpc));

    rpc->api = api;
    list_init(&rpc->peers);
    list_init(&rpc->orphans);
    return rpc;
}

void rpc_free(struct rpc **prpc)
{
    struct rpc *rpc = *prpc;

    if (!rpc) {
        return;
    }
    list_each(link, after, &rpc->peers)
    {
        peer_free(container_of(link, struct rpc_peer, link));
    }
    list_each(orphan, next, &rpc->orphans)
    {
        call_free(container_of(orphan, struct rpc_call, link));
    }
    free(rpc);
    *prpc = NULL;
}

void rpc_set_front(struct rpc *rpc, struct front *front)
{
    rpc->front = front;
}

void rpc_drain(struct rpc *rpc)
{
    list_each(link, after, &rpc->peers)
    {
        struct rpc_peer *p = container_of(link, struct rpc_peer, link);
        list_each(one, next, &p->calls)
        {
            rpc_tasks_now(container_of(one, struct rpc_call, link));
        }
    }
}
