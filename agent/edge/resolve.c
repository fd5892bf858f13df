/* resolve.c - names to addresses off the loop: look-ups of one name are joined, answers kept for a while. */
#include "edge/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/auto.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#define ADDRESSES_MAX 8
#define NAMES_MAX     1024  /* kept names; what comes beyond is looked up and forgotten at once */
#define KEEP_MS       60000 /* an answer */
#define KEEP_BAD_MS   1000  /* a failure: long enough to join a burst, too short to hide a repair */

/* A name that is looked up or known. It lives while it is kept in the map, looked up, or waited for. */
struct name {
    uv_getaddrinfo_t request;
    struct resolve *owner;
    bool busy; /* request is under way */
    bool kept; /* in the map */
    int waiting;
    int64_t fresh_ms; /* what follows may be told until then */
    int n;
    char addresses[ADDRESSES_MAX][INET6_ADDRSTRLEN];
    char message[128];
    char host[];
};

/* Everybody is told by his own timer, so that a callback may start and stop whatever it likes. */
struct waiter {
    struct list link;
    struct timer timer;
    struct name *name;
    uint64_t token;
    loop_resolve_fn *done;
    void *arg;
};

struct resolve {
    struct loop *loop;
    struct map *names;
    struct list waiters;
    uint64_t last_token;
    int busy; /* look-ups under way */
};

struct resolve *resolve_new(struct loop *loop)
{
    struct resolve *r = mem_new(sizeof(*r));

    r->loop = loop;
    r->names = map_new(NAMES_MAX);
    list_init(&r->waiters);
    return r;
}

static void name_release(struct name *name)
{
    if (!name->kept && !name->busy && !name->waiting) {
        free(name);
    }
}

static void name_forget(struct resolve *r, struct name *name)
{
    map_drop(r->names, name->host);
    name->kept = false;
    name_release(name);
}

static void waiter_free(struct waiter *w)
{
    timer_stop(&w->timer);
    list_drop(&w->link);
    w->name->waiting--;
    name_release(w->name);
    free(w);
}

static void waiter_tell(struct timer *timer)
{
    struct waiter w = *container_of(timer, struct waiter, timer);
    char addresses[ADDRESSES_MAX][INET6_ADDRSTRLEN];
    const char *list[ADDRESSES_MAX];
    char message[sizeof(w.name->message)];
    int n = w.name->n;

    memcpy(addresses, w.name->addresses, sizeof(addresses));
    memcpy(message, w.name->message, sizeof(message));
    for (int i = 0; i < n; i++) {
        list[i] = addresses[i];
    }
    waiter_free(
        container_of(timer, struct waiter, timer)); /* before the call, which may stop or start others */
    w.done(w.arg, list, n, n ? NULL : message);
}

static void name_known(struct name *name, int64_t keep_ms)
{
    struct resolve *r = name->owner;

    name->fresh_ms = loop_now_ms(r->loop) + keep_ms;
    list_each(link, after, &r->waiters)
    {
        struct waiter *w = container_of(link, struct waiter, link);
        if (w->name == name && !timer_running(&w->timer)) {
            timer_start(r->loop, &w->timer, 0, waiter_tell);
        }
    }
}

static void name_failed(struct name *name, int error)
{
    name->n = 0;
    snprintf(name->message, sizeof(name->message), "%s", uv_strerror(error));
    name_known(name, KEEP_BAD_MS);
}

static void name_add(struct name *name, const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    const void *bytes = address->sa_family == AF_INET
                            ? (const void *)&((const struct sockaddr_in *)address)->sin_addr
                            : (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr;

    if (name->n == ADDRESSES_MAX || !inet_ntop(address->sa_family, bytes, text, sizeof(text))) {
        return;
    }
    for (int i = 0; i < name->n; i++) {
        if (!strcmp(name->addresses[i], text)) {
            return;
        }
    }
    memcpy(name->addresses[name->n++], text, sizeof(text));
}

static void name_answered(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct name *name = request->data;

    name->busy = false;
    name->owner->busy--;
    name->n = 0;
    for (const struct addrinfo *a = found; a; a = a->ai_next) {
        if (a->ai_family == AF_INET || a->ai_family == AF_INET6) {
            name_add(name, a->ai_addr);
        }
    }
    uv_freeaddrinfo(found);
    if (name->n) {
        name_known(name, KEEP_MS);
    } else {
        name_failed(name, status ? status : UV_EAI_NODATA);
    }
    name_release(name);
}

static void name_look_up(struct name *name)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct resolve *r = name->owner;

    name->request.data = name;
    int error = uv_getaddrinfo(loop_uv(r->loop), &name->request, name_answered, name->host, NULL, &hints);
    if (error) {
        name_failed(name, error); /* the text cannot be a name */
        return;
    }
    name->busy = true;
    r->busy++;
}

static void resolve_make_room(struct resolve *r)
{
    size_t cursor = 0;
    struct name *name;
    int64_t now = loop_now_ms(r->loop);

    while (map_count(r->names) >= NAMES_MAX && (name = map_next(r->names, &cursor, NULL))) {
        if (!name->busy && name->fresh_ms <= now) {
            name_forget(r, name);
        }
    }
}

static struct name *name_new(struct resolve *r, const char *host)
{
    size_t n = strlen(host);
    struct name *name = mem_new(sizeof(*name) + n + 1);
    unsigned char address[sizeof(struct in6_addr)];

    name->owner = r;
    memcpy(name->host, host, n);
    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1) {
        name->n = 1;
        snprintf(name->addresses[0], sizeof(name->addresses[0]), "%s", host);
        name->fresh_ms = INT64_MAX; /* a number is its own answer: nothing to keep */
        return name;
    }
    resolve_make_room(r);
    name->kept = map_put(r->names, host, name);
    return name;
}

uint64_t resolve_start(struct resolve *r, const char *host, loop_resolve_fn *done, void *arg)
{
    struct name *name = map_find(r->names, host);
    struct waiter *w = mem_new(sizeof(*w));

    if (!name) {
        name = name_new(r, host);
    }
    *w = (struct waiter){.name = name, .token = ++r->last_token, .done = done, .arg = arg};
    name->waiting++;
    list_init(&w->link);
    list_push(&r->waiters, &w->link);
    if (name->fresh_ms > loop_now_ms(r->loop)) {
        timer_start(r->loop, &w->timer, 0, waiter_tell);
    } else if (!name->busy) {
        name_look_up(name);
    }
    return w->token;
}

void resolve_stop(struct resolve *r, uint64_t token)
{
    list_each(link, after, &r->waiters)
    {
        struct waiter *w = container_of(link, struct waiter, link);
        if (w->token == token) {
            waiter_free(w);
            return;
        }
    }
}

void resolve_free(struct resolve **pr)
{
    struct resolve *r = *pr;
    size_t cursor = 0;
    struct list *link;
    struct name *name;

    if (!r) {
        return;
    }
    while ((link = list_take(&r->waiters))) {
        waiter_free(container_of(link, struct waiter, link));
    }
    while ((name = map_next(r->names, &cursor, NULL))) {
        if (name->busy) {
            uv_cancel((uv_req_t *)&name->request); /* succeeds only for what did not begin yet */
        }
    }
    while (r->busy) {
        uv_run(loop_uv(r->loop), UV_RUN_ONCE);
    }
    cursor = 0;
    while ((name = map_next(r->names, &cursor, NULL))) {
        name_forget(r, name);
    }
    map_free(&r->names);
    free(r);
    *pr = NULL;
}
