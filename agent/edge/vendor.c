/* vendor.c - calls to vendors: their life from start to end, hop by hop.
 *
 *     start ─wake─► place ─► look the name up ─► hop ─► end
 *                     ▲                           │
 *                     └──────── redirect ─────────┘
 *
 * One timer watches the whole call's deadline and the stall limit; connecting is timed by libcurl, address by
 * address. */
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "edge/vendor_internal.h"

/* Bodies below it are sent with the head in one write, from memory. libcurl's own bound for that is 64 KiB.
 */
#define SMALL_BODY_BYTES    (64 * KIB)
#define DEFAULT_CONNECTIONS 64

static void call_end(struct vendor_call *c, enum fault fault);
static void on_begin(struct timer *t);

/* ---- the object ---- */

static bool proxy_in_environment(void)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const char *value = getenv(names[i]);
        if (value && *value) {
            return true;
        }
    }
    return false;
}

static char **vendor_copy_list(const char *const *list)
{
    size_t n = 0;

    while (list && list[n]) {
        n++;
    }
    char **copy = mem_new((n + 1) * sizeof(*copy));
    for (size_t i = 0; i < n; i++) {
        copy[i] = mem_text(list[i]);
    }
    return copy;
}

struct vendor *vendor_new(struct loop *loop, struct log *log, const struct vendor_options *options)
{
    struct vendor *v = mem_new(sizeof(*v));

    curl_global_init(CURL_GLOBAL_DEFAULT);
    v->loop = loop;
    v->log = log;
    v->ca_file = mem_text(options->ca_file);
    v->proxy = mem_text(options->proxy);
    v->proxied = v->proxy ? *v->proxy != '\0' : proxy_in_environment();
    v->allow = vendor_copy_list(options->allow);
    v->max_connections = options->max_connections ? options->max_connections : DEFAULT_CONNECTIONS;
    list_init(&v->calls);
    list_init(&v->stopped);
    return v;
}

static void fields_free(struct vendor_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free((char *)fields[i].name);
        free((char *)fields[i].value);
    }
    free(fields);
}

static void call_free(struct vendor_call *c)
{
    timer_stop(&c->wake);
    timer_stop(&c->watch);
    if (c->resolving) {
        loop_resolve_stop(c->vendor->loop, c->resolving);
    }
    vendor_hop_done(c);
    list_drop(&c->link);
    fields_free(c->fields, c->field_count);
    for (size_t i = 0; i < c->secret_count; i++) {
        explicit_bzero((char *)c->secrets[i].value, strlen(c->secrets[i].value));
    }
    fields_free(c->secrets, c->secret_count);
    free(c->secret_origin);
    free(c->method);
    free(c->small);
    free(c->next);
    body_free(&c->body);
    vendor_head_done(&c->head);
    vendor_url_done(&c->where);
    free(c);
}

static void vendor_free_calls(struct list *calls)
{
    list_each(link, after, calls)
    {
        call_free(container_of(link, struct vendor_call, link));
    }
}

void vendor_free(struct vendor **vendor)
{
    struct vendor *v = *vendor;

    *vendor = NULL;
    if (!v) {
        return;
    }
    timer_stop(&v->idle);
    vendor_free_calls(&v->calls);
    vendor_free_calls(&v->stopped);
    vendor_multi_free(&v->pools[0]);
    vendor_multi_free(&v->pools[1]);
    for (char **at = v->allow; *at; at++) {
        free(*at);
    }
    free(v->allow);
    free(v->ca_file);
    free(v->proxy);
    free(v);
    curl_global_cleanup();
}

/* Kept connections and the CA store hold more than all the rest; they are made again when they are needed. */
static void on_idle(struct timer *t)
{
    struct vendor *v = container_of(t, struct vendor, idle);

    if (list_empty(&v->calls) && list_empty(&v->stopped)) {
        vendor_multi_free(&v->pools[0]);
        vendor_multi_free(&v->pools[1]);
    }
    malloc_trim(0);
}

void vendor_idle(struct vendor *v)
{
    timer_start(v->loop, &v->idle, 0, on_idle); /* not from here: a pool may be on the stack */
}

/* ---- failing ---- */

static void text_cut(char *text, const char *secret)
{
    char *found = text;

    while (*secret && (found = strstr(found, secret))) {
        memmove(found + 1, found + strlen(secret), strlen(found + strlen(secret)) + 1);
        *found++ = '*';
    }
}

/* Cuts what must not be read by people: the secrets, and the query of a URL, which may hold another. */
static void text_clean(struct vendor_call *c)
{
    char *found;

    for (size_t i = 0; i < c->secret_count; i++) {
        text_cut(c->text, c->secrets[i].value);
    }
    while ((found = strchr(c->text, '?'))) {
        size_t n = strcspn(found, " '\"");
        memmove(found, found + n, strlen(found + n) + 1);
    }
    for (char *at = c->text; *at; at++) {
        *at = (char)((unsigned char)*at < ' ' ? ' ' : *at);
    }
}

enum fault vendor_call_fail(struct vendor_call *c, enum fault fault, const char *format, ...)
{
    va_list ap;

    if (!c->fault) {
        c->fault = fault;
        va_start(ap, format);
        vsnprintf(c->text, sizeof(c->text), format, ap);
        va_end(ap);
        text_clean(c);
    }
    return c->fault;
}

static enum vendor_progress call_progress(const struct vendor_call *c)
{
    if (c->answered) {
        return VENDOR_ANSWERED;
    }
    return c->sent || vendor_hop_wrote(c) ? VENDOR_SENT : VENDOR_NOT_SENT;
}

static void call_end(struct vendor_call *c, enum fault fault)
{
    struct vendor_end end = {
        .fault = fault,
        .progress = fault ? call_progress(c) : VENDOR_DONE,
        .status = c->answered ? c->head.status : 0,
        .total_ms = loop_now_ms(c->vendor->loop) - c->started_ms,
        .local = c->local,
    };
    void (*fn)(void *, const struct vendor_end *) = c->events.end;
    void *arg = c->arg;

    memcpy(end.text, c->text, sizeof(end.text));
    if (fault) {
        log_debug(c->vendor->log, "vendor call failed", LOG_TEXT("fault", fault_code(fault)),
                  LOG_TEXT("origin", c->where.origin), LOG_TEXT("text", end.text));
    }
    call_free(c);
    fn(arg, &end);
}

/* ---- time ---- */

static void on_watch(struct timer *t);

/* Sleeps until the deadline or the stall limit could first be passed. A reader that pauses is not a vendor
 * that stalls. */
static void call_watch(struct vendor_call *c, int64_t now)
{
    int64_t due = c->moved_ms + c->stall_ms;

    if (!c->hop.begun || c->paused || due <= now) {
        due = now + c->stall_ms;
    }
    if (c->timeout_ms && due > c->started_ms + c->timeout_ms) {
        due = c->started_ms + c->timeout_ms;
    }
    timer_start(c->vendor->loop, &c->watch, due > now ? due - now : 0, on_watch);
}

static void on_watch(struct timer *t)
{
    struct vendor_call *c = container_of(t, struct vendor_call, watch);
    int64_t now = loop_now_ms(c->vendor->loop);

    if (c->timeout_ms && now - c->started_ms >= c->timeout_ms) {
        call_end(c, vendor_call_fail(c, FAULT_VENDOR_UNAVAILABLE, "no whole answer came within %lld ms",
                                     (long long)c->timeout_ms));
    } else if (c->hop.begun && !c->paused && now - c->moved_ms >= c->stall_ms) {
        call_end(c, vendor_call_fail(c, FAULT_VENDOR_UNAVAILABLE, "no byte came or went for %lld ms",
                                     (long long)c->stall_ms));
    } else {
        call_watch(c, now);
    }
}

/* ---- hops ---- */

static void on_left(void *arg)
{
    struct vendor *v = arg;

    list_each(link, after, &v->stopped)
    {
        struct vendor_call *c = container_of(link, struct vendor_call, link);
        if (!vendor_multi_inside(c->pool)) {
            call_free(c);
        }
    }
}

static void on_hop_done(void *call, CURLcode result)
{
    struct vendor_call *c = call;

    if (c->stopped) {
        return; /* on_left frees it */
    }
    if (!c->next || c->fault) {
        call_end(c, vendor_hop_blame(c, result));
        return;
    }
    c->sent = c->sent || vendor_hop_wrote(c);
    vendor_hop_done(c);
    vendor_head_done(&c->head);
    vendor_head_init(&c->head);
    c->skipped_bytes = 0;
    if (++c->redirects > LIMIT_REDIRECTS) {
        call_end(c, vendor_call_fail(c, FAULT_VENDOR_ANSWER, "the vendor redirects more than %d times",
                                     LIMIT_REDIRECTS));
        return;
    }
    timer_start(c->vendor->loop, &c->wake, 0, on_begin);
}

static struct vendor_multi *call_pool(struct vendor_call *c)
{
    struct vendor *v = c->vendor;
    struct vendor_multi **pool = &v->pools[c->guarded];

    /* The guard sees new sockets only: what it must judge may not meet connections that were made without it.
     */
    if (!*pool) {
        *pool =
            vendor_multi_new(v->loop, v->max_connections,
                             &(struct vendor_multi_events){.done = on_hop_done, .left = on_left, .arg = v});
    }
    return *pool;
}

static void call_hop(struct vendor_call *c, const char *const *addresses, int n)
{
    c->pool = call_pool(c);
    enum fault fault = vendor_hop_start(c, addresses, n);
    if (fault) {
        call_end(c, fault);
    }
}

static void on_resolved(void *arg, const char *const *addresses, int n, const char *message)
{
    struct vendor_call *c = arg;

    c->resolving = 0;
    if (n == 0) {
        c->local = true;
        call_end(c, vendor_call_fail(c, FAULT_VENDOR_UNAVAILABLE, "%s cannot be looked up: %s", c->where.host,
                                     message ? message : "no address"));
        return;
    }
    call_hop(c, addresses, n);
}

/* The place of the next hop, when it is one that may be gone to. */
static enum fault call_place(struct vendor_call *c)
{
    bool was_https = c->where.https;
    struct vendor_place place;

    if (!vendor_url_place(c->next, &place)) {
        return vendor_call_fail(c, FAULT_HOST_REFUSED, "the URL is not http or https with a plain host");
    }
    /* Whom the caller trusts is the host that it named, not those that this one names. */
    c->guarded = c->guarded || (c->redirects && strcmp(c->where.origin, place.origin) != 0);
    free(c->next);
    c->next = NULL;
    vendor_url_done(&c->where);
    c->where = place;
    if (!place.https && !c->insecure_ok) {
        return vendor_call_fail(c, FAULT_HOST_REFUSED,
                                was_https ? "%s is redirected to over plain http"
                                          : "%s would be called over plain http",
                                place.host);
    }
    if (!c->redirects && c->secret_count) {
        c->secret_origin = mem_text(place.origin);
    }
    return FAULT_OK;
}

static void on_begin(struct timer *t)
{
    struct vendor_call *c = container_of(t, struct vendor_call, wake);

    if (c->fault || call_place(c)) {
        call_end(c, c->fault);
    } else if (c->where.numeric || (c->vendor->proxied && !c->guarded)) {
        call_hop(c, NULL, 0);
    } else {
        c->resolving = loop_resolve(c->vendor->loop, c->where.host, on_resolved, c);
    }
}

/* ---- calls ---- */

static struct vendor_field *copy_fields(const struct vendor_field *fields, size_t n)
{
    struct vendor_field *out = mem_new((n + 1) * sizeof(*out));

    for (size_t i = 0; i < n; i++) {
        out[i].name = mem_text(fields[i].name);
        out[i].value = mem_text(fields[i].value);
    }
    return out;
}

static void call_copy_fields(struct vendor_call *c, const struct vendor_request *request)
{
    c->fields = copy_fields(request->fields, request->field_count);
    c->field_count = request->field_count;
    c->secrets = copy_fields(request->secrets, request->secret_count);
    c->secret_count = request->secret_count;
}

/* Takes the body. A method that usually has one says so with an empty one: "Content-Length: 0". */
static void call_take_body(struct vendor_call *c, struct body *body)
{
    c->body = body;
    c->body_bytes = body ? body_bytes(body) : 0;
    c->has_body = body || strcmp(c->method, "POST") == 0 || strcmp(c->method, "PUT") == 0 ||
                  strcmp(c->method, "PATCH") == 0;
    if (c->body_bytes >= SMALL_BODY_BYTES) {
        return;
    }
    c->small = mem_new((size_t)c->body_bytes + 1);
    if (body && body_read(body, 0, c->small, (size_t)c->body_bytes) != (long)c->body_bytes) {
        vendor_call_fail(c, FAULT_IO, "the request's body could not be read");
    }
    body_free(&c->body);
}

struct vendor_call *vendor_call_start(struct vendor *v, const struct vendor_request *request,
                                      const struct vendor_events *events, bool (*before_send)(void *arg),
                                      void *arg)
{
    struct vendor_call *c = mem_new(sizeof(*c));

    c->vendor = v;
    c->events = *events;
    c->before_send = before_send;
    c->arg = arg;
    c->method = mem_text(request->method);
    c->next = mem_text(request->url);
    c->timeout_ms = request->timeout_ms;
    c->stall_ms = request->stall_ms ? request->stall_ms : LIMIT_STALL_MS;
    c->max_bytes = request->max_bytes;
    c->media = request->media;
    c->guarded = request->guarded;
    c->insecure_ok = request->insecure_ok;
    vendor_head_init(&c->head);
    call_copy_fields(c, request);
    call_take_body(c, request->body);
    list_init(&c->link);
    list_push(&v->calls, &c->link);
    c->started_ms = c->moved_ms = loop_now_ms(v->loop);
    timer_start(v->loop, &c->wake, 0, on_begin);
    call_watch(c, c->started_ms);
    return c;
}

static void on_resume(struct timer *t)
{
    struct vendor_call *c = container_of(t, struct vendor_call, wake);

    if (c->held && !c->paused) {
        c->held = false;
        vendor_multi_unpause(c->pool, c->hop.easy);
    }
}

void vendor_call_resume(struct vendor_call *c)
{
    if (!c->paused) {
        return;
    }
    c->paused = false;
    c->moved_ms = loop_now_ms(c->vendor->loop);
    timer_start(c->vendor->loop, &c->wake, 0,
                on_resume); /* not from here: the sink's data would come inside this call */
}

enum vendor_progress vendor_call_stop(struct vendor_call **call)
{
    struct vendor_call *c = *call;

    *call = NULL;
    if (!c) {
        return VENDOR_NOT_SENT;
    }
    enum vendor_progress progress = call_progress(c);
    if (c->hop.easy && vendor_multi_inside(c->pool)) {
        c->stopped = true;
        timer_stop(&c->wake);
        timer_stop(&c->watch);
        list_drop(&c->link);
        list_push(&c->vendor->stopped, &c->link);
    } else {
        call_free(c);
    }
    return progress;
}
