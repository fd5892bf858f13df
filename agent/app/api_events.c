/* api_events.c - GET /v1/tasks/{id}/events: what becomes of a task, as server-sent events. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/api_internal.h"
#include "base/mem.h"

#define HEARTBEAT_MS 15000
#define EVENT_BYTES  (2 * LIMIT_TEXT_BYTES) /* the last one holds the result */

struct api_events {
    struct api_call *call;
    uint64_t watch;
    struct timer heartbeat;
    char last_id[48]; /* what the client says it has, or "" */
    json_t *pending;  /* the latest event that a slow client has no room for */
    bool begun, full;
};

void api_events_free(struct api_events **pe)
{
    struct api_events *e = *pe;

    if (!e) {
        return;
    }
    timer_stop(&e->heartbeat);
    deliver_watch_stop(e->call->api->deliver, e->watch);
    json_decref(e->pending);
    free(e);
    *pe = NULL;
}

/* ---- writing ---- */

static void events_write(struct api_events *e, const json_t *event)
{
    const char *id = json_string_value(json_object_get(event, "id"));
    const char *status = json_string_value(json_object_get(event, "status"));
    AUTO(auto_free) char *data = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(16));
    struct buf out;

    buf_init(&out, EVENT_BYTES);
    buf_printf(&out, "id: %s\nevent: task.%s\ndata: ", id ? id : "", status ? status : "");
    buf_text(&out, data ? data : "{}");
    buf_text(&out, "\n\n");
    e->full = !front_add(e->call->req, buf_slice(&out));
    buf_done(&out);
}

/* A client that does not keep up gets the latest state when it has room again: each event tells all of it. */
static void on_room(void *arg)
{
    struct api_events *e = arg;
    json_t *event = e->pending;

    e->full = false;
    e->pending = NULL;
    if (event) {
        events_write(e, event);
        json_decref(event);
    }
}

static void on_heartbeat(struct timer *t)
{
    struct api_events *e = container_of(t, struct api_events, heartbeat);

    if (!e->full) {
        e->full = !front_add(e->call->req, slice_of(": still here\n\n"));
    }
    timer_start(e->call->api->parts->loop, t, HEARTBEAT_MS, on_heartbeat);
}

static void events_begin(struct api_events *e)
{
    static const struct http_field fields[] = {{{"Content-Type", 12}, {"text/event-stream", 17}},
                                               {{"Cache-Control", 13}, {"no-cache", 8}}};

    if (!e->begun) {
        e->begun = true;
        front_begin(e->call->req, 200, fields, 2, -1, on_room, e);
        timer_start(e->call->api->parts->loop, &e->heartbeat, HEARTBEAT_MS, on_heartbeat);
    }
}

static void events_end(struct api_events *e)
{
    timer_stop(&e->heartbeat);
    front_end(e->call->req);
}

/* ---- what is told ---- */

/* A client that has had the last event and comes back, as browsers do by themselves, is told to stop by 204.
 */
static bool is_over(const struct api_events *e, const json_t *event)
{
    const char *id = json_string_value(json_object_get(event, "id"));

    return !e->begun && id && !strcmp(id, e->last_id);
}

static void on_event(void *arg, enum fault fault, const json_t *event, bool last)
{
    struct api_events *e = arg;
    struct api_call *c = e->call;

    if (last || !event) {
        e->watch = 0;
    }
    if (!event) {
        /* The record is gone; what was sent stands. */
        if (e->begun) {
            events_end(e);
        } else {
            api_reply_fault(c, fault, NULL, NULL);
        }
        return;
    }
    if (last && is_over(e, event)) {
        front_reply(c->req, 204, NULL, 0, (struct slice){"", 0});
        return;
    }
    events_begin(e);
    if (last || !e->full) {
        events_write(e, event);
    } else {
        json_decref(e->pending);
        e->pending = json_deep_copy(event);
    }
    if (last) {
        events_end(e);
    }
}

/* The agent stops: the client comes back to the next one, with the id of the last event that it has. */
static void events_drain(struct api_call *c)
{
    struct api_events *e = c->events;

    deliver_watch_stop(c->api->deliver, e->watch);
    e->watch = 0;
    events_begin(e);
    events_end(e);
}

/* The task is there, so that an answer may begin before there is anything to tell. */
static void on_task(void *arg, enum fault fault, const json_t *view)
{
    struct api_call *c = api_back(arg);
    struct api_events *e = c ? c->events : NULL;

    if (!c) {
        return;
    }
    if (fault) {
        api_reply_fault(c, fault, NULL, NULL);
        return;
    }
    if (slice_is(c->head.method, "HEAD")) {
        events_begin(e);
        events_end(e);
        return;
    }
    e->watch = deliver_watch(c->api->deliver, c->id, *e->last_id ? e->last_id : NULL, on_event, e);
    if (!e->watch) {
        api_reply_fault(c, FAULT_OVERLOADED, NULL, NULL);
        return;
    }
    c->drain = events_drain;
    if (!*e->last_id || !api_submit_ended(view)) {
        events_begin(e);
    }
}

void api_events_stream(struct api_call *c)
{
    struct slice last = front_req_field(c->req, "Last-Event-ID");

    if (!id_valid(c->id)) {
        api_reply_fault(c, FAULT_NO_TASK, NULL, NULL);
        return;
    }
    c->events = mem_new(sizeof(*c->events));
    c->events->call = c;
    if (last.n < sizeof(c->events->last_id)) {
        snprintf(c->events->last_id, sizeof(c->events->last_id), "%.*s", (int)last.n, last.n ? last.p : "");
    }
    deliver_get(c->api->deliver, c->id, on_task, api_ask(c));
}
