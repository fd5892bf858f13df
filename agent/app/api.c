/* api.c - the socket's routes, and the life of a call from its head to its answer. */
#include "app/api.h"

#include <stdlib.h>
#include <string.h>

#include "app/api_internal.h"
#include "app/metrics.h"
#include "app/rpc.h"
#include "base/clock.h"
#include "base/mem.h"

/* The HTTP API. HEAD is answered wherever GET is. */
static const struct api_route routes[] = {
    /* tasks */
    {"POST", "/v1/tasks", api_tasks_create, TAKES_FORM, ""},
    {"GET", "/v1/tasks", api_tasks_list, TAKES_NOTHING, "status,model,kind,limit,after"},
    {"GET", "/v1/tasks/{id}", api_tasks_get, TAKES_NOTHING, "wait"},
    {"GET", "/v1/tasks/{id}/events", api_events_stream, TAKES_NOTHING, ""},
    {"POST", "/v1/tasks/{id}/cancel", api_tasks_cancel, TAKES_NOTHING, ""},
    {"GET", "/v1/tasks/{id}/outputs/{n}", api_tasks_output, TAKES_NOTHING, ""},
    /* media */
    {"POST", "/v1/media", api_media_create, TAKES_BYTES, ""},
    {"GET", "/v1/media/{digest}", api_media_get, TAKES_NOTHING, ""},
    /* OpenAI's shapes, answered when the task ends */
    {"POST", "/v1/images/generations", api_images_generate, TAKES_FORM, ""},
    {"POST", "/v1/images/edits", api_images_edit, TAKES_FORM, ""},
    {"POST", "/v1/audio/speech", api_speech_create, TAKES_FORM, ""},
    {"POST", "/v1/chat/completions", api_chat_create, TAKES_VALUE, ""},
    /* OpenAI's asynchronous shape */
    {"POST", "/v1/videos", api_videos_create, TAKES_FORM, ""},
    {"GET", "/v1/videos", api_videos_list, TAKES_NOTHING, "limit,order,after"},
    {"GET", "/v1/videos/{id}", api_videos_get, TAKES_NOTHING, ""},
    {"GET", "/v1/videos/{id}/content", api_videos_content, TAKES_NOTHING, "variant"},
    {"DELETE", "/v1/videos/{id}", api_videos_delete, TAKES_NOTHING, ""},
    /* models */
    {"GET", "/v1/models", api_models_list, TAKES_NOTHING, ""},
    {"GET", "/v1/models/{id...}", api_models_get, TAKES_NOTHING, ""},
};

#define ROUTES (sizeof(routes) / sizeof(routes[0]))

/* ---- which route ---- */

static bool capture(struct api_call *c, char which, struct slice value)
{
    char *out = which == 'n' ? c->n : c->id;
    size_t size = which == 'n' ? sizeof(c->n) : sizeof(c->id);

    if (!value.n || value.n >= size) {
        return false;
    }
    memcpy(out, value.p, value.n);
    out[value.n] = '\0';
    return true;
}

static bool matches(struct api_call *c, const char *pattern)
{
    struct slice path = c->head.path;

    while (*pattern) {
        if (*pattern != '{') {
            if (!path.n || *path.p != *pattern) {
                return false;
            }
            path = (struct slice){path.p + 1, path.n - 1};
            pattern++;
            continue;
        }
        const char *end = strchr(pattern, '}'),
                   *slash = end[-1] == '.' || !path.n ? NULL : memchr(path.p, '/', path.n);
        struct slice value = {path.p, slash ? (size_t)(slash - path.p) : path.n};
        if (!capture(c, pattern[1], value)) {
            return false;
        }
        path = (struct slice){path.p + value.n, path.n - value.n};
        pattern = end + 1;
    }
    return path.n == 0;
}

static bool takes_method(const struct api_call *c, const struct api_route *route)
{
    return slice_is(c->head.method, route->method) ||
           (slice_is(c->head.method, "HEAD") && !strcmp(route->method, "GET"));
}

static enum fault call_route(struct api_call *c, struct note *note)
{
    struct buf allow;

    buf_init(&allow, 100);
    for (size_t i = 0; i < ROUTES && !c->route; i++) {
        if (matches(c, routes[i].pattern)) {
            buf_printf(&allow, "%s%s", allow.n ? ", " : "", routes[i].method);
            c->route = takes_method(c, &routes[i]) ? &routes[i] : NULL;
        }
    }
    enum fault fault = c->route ? FAULT_OK : allow.n ? FAULT_NO_METHOD : FAULT_NO_ROUTE;
    if (fault == FAULT_NO_METHOD) {
        api_reply_field(c, "Allow", allow.p);
        note_set(note, fault, "this endpoint takes %s", allow.p);
    } else if (fault) {
        note_set(note, fault, "there is no endpoint %.*s", (int)(c->head.path.n < 100 ? c->head.path.n : 100),
                 c->head.path.p);
    }
    buf_done(&allow);
    return fault;
}

/* ---- its query ---- */

static bool is_known(const char *list, struct slice name)
{
    struct slice rest = slice_of(list), word;

    while (slice_cut(&rest, ',', &word)) {
        if (word.n && word.n == name.n && !memcmp(word.p, name.p, name.n)) {
            return true;
        }
    }
    return false;
}

/* An option that an endpoint does not know is not ignored, wherever it stands. */
static enum fault call_check_query(const struct api_call *c, struct note *note)
{
    struct slice rest = c->head.query, param, name;
    char text[64], value[1024];

    while (slice_cut(&rest, '&', &param)) {
        if (!param.n || !slice_cut(&param, '=', &name)) {
            continue;
        }
        snprintf(text, sizeof(text), "%.*s", (int)(name.n < 60 ? name.n : 60), name.p);
        note_field(note, text);
        if (!is_known(c->route->query, name)) {
            return note_set(note, FAULT_UNSUPPORTED, "this endpoint has no parameter %s", text);
        }
        if (!http_query(&c->head, text, value, sizeof(value))) {
            return note_set(note, FAULT_BAD_VALUE, "the value of %s cannot be read", text);
        }
        note->field[0] = '\0';
    }
    return FAULT_OK;
}

bool api_query(const struct api_call *c, const char *name, char *out, size_t size)
{
    char value[1024];

    if (!http_query(&c->head, name, value, sizeof(value))) {
        return false;
    }
    snprintf(out, size, "%s", value);
    return true;
}

/* ---- life ---- */

static struct api_call *call_new(struct api *api, struct front_req *req, const struct http_head *head)
{
    struct api_call *c = mem_new(sizeof(*c));

    c->api = api;
    c->req = req;
    c->head = *head;
    list_init(&c->link);
    list_push(&api->calls, &c->link);
    front_req_set(req, c);
    return c;
}

/* Everything that would call back and can be stopped. */
static void call_stop(struct api_call *c)
{
    api_submit_stop(c);
    if (c->looking) {
        media_stat_stop(c->api->parts->media, c->looking);
        c->looking = 0;
    }
    api_events_free(&c->events);
    api_stream_free(&c->stream);
    api_body_free(&c->body);
}

static void call_free(struct api_call *c)
{
    list_drop(&c->link);
    upload_free(&c->storing);
    free(c);
}

void *api_ask(struct api_call *c)
{
    c->asked++;
    return c;
}

struct api_call *api_back(void *arg)
{
    struct api_call *c = arg;

    c->asked--;
    if (c->req) {
        return c;
    }
    if (!c->asked) {
        call_free(c);
    }
    return NULL;
}

/* ---- from the front ---- */

static enum fault call_begin(struct api_call *c, struct note *note)
{
    struct api *api = c->api;
    enum fault fault = call_route(c, note);

    if (fault) {
        return fault;
    }
    fault = call_check_query(c, note);
    if (!fault && c->route->takes != TAKES_NOTHING && !bus_up(api->parts->bus)) {
        /* Said before megabytes are sent for nothing. */
        fault = note_set(note, FAULT_BUS_DOWN, "the connection to NATS is down; nothing was stored");
    }
    const struct api_body_in in = {api->parts, &api->room, c->req, &c->head, c->route->takes};
    return fault ? fault : api_body_new(&in, &c->body, note);
}

/* What would have made a task is counted, whoever refuses it. */
static enum fault call_refused(const struct api_call *c, enum fault fault)
{
    if (fault && c->route && (c->route->takes == TAKES_VALUE || c->route->takes == TAKES_FORM)) {
        metrics_accept(c->api->parts->metrics, fault);
    }
    return fault;
}

static enum fault on_head(void *arg, struct front_req *req, const struct http_head *head, struct note *note)
{
    struct api_call *c = call_new(arg, req, head);
    enum fault fault = call_begin(c, note);

    if (call_refused(c, fault)) {
        api_reply_fault(c, fault, note, NULL);
    }
    return FAULT_OK;
}

static enum fault on_body(void *arg, struct front_req *req, struct slice bytes, struct note *note)
{
    struct api_call *c = front_req_get(req);
    enum fault fault = c->body ? api_body_feed(c->body, bytes, note) : FAULT_OK;

    (void)arg;
    if (fault) {
        api_body_free(&c->body);
    }
    return call_refused(c, fault);
}

static enum fault on_end(void *arg, struct front_req *req, struct note *note)
{
    struct api_call *c = front_req_get(req);
    enum fault fault = c->body ? api_body_end(c->body, note) : FAULT_INTERNAL;

    (void)arg;
    if (!fault) {
        c->route->handler(c);
    }
    return call_refused(c, fault);
}

static void on_gone(void *arg, struct front_req *req)
{
    struct api_call *c = front_req_get(req);

    (void)arg;
    call_stop(c);
    c->req = NULL;
    c->drain = NULL;
    if (!c->asked) {
        call_free(c);
    }
}

static void on_call(void *arg, struct front_peer *peer, const struct mprpc *m)
{
    struct api *api = arg;

    rpc_take(api->rpc, peer, m);
}

static void on_peer_gone(void *arg, struct front_peer *peer)
{
    struct api *api = arg;

    rpc_peer_gone(api->rpc, peer);
}

const struct front_handler *api_handler(void)
{
    static const struct front_handler handler = {on_head, on_body, on_end, on_gone, on_call, on_peer_gone};

    return &handler;
}

/* ---- the whole ---- */

struct api *api_new(struct parts *parts, struct intake *intake, struct deliver *deliver)
{
    struct api *api = mem_new(sizeof(*api));

    api->parts = parts;
    api->intake = intake;
    api->deliver = deliver;
    api->started_ms = clock_wall_ms();
    api->rpc = rpc_new(api);
    list_init(&api->calls);
    return api;
}

void api_free(struct api **papi)
{
    struct api *api = *papi;

    if (!api) {
        return;
    }
    list_each(link, after, &api->calls)
    {
        call_free(container_of(link, struct api_call, link));
    }
    rpc_free(&api->rpc);
    free(api);
    *papi = NULL;
}

void api_set_front(struct api *api, struct front *front)
{
    api->front = front;
    rpc_set_front(api->rpc, front);
}

void api_drain(struct api *api)
{
    list_each(link, after, &api->calls)
    {
        struct api_call *c = container_of(link, struct api_call, link);
        if (c->drain) {
            api_handler_fn *drain = c->drain;
            c->drain = NULL;
            drain(c);
        }
    }
    rpc_drain(api->rpc);
}
