/* deliver.c - who waits for which task, and what tells them. */
#include "app/deliver.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/deliver_internal.h"
#include "app/fleet.h"
#include "app/ledger.h"
#include "app/metrics.h"
#include "app/setup.h"
#include "base/mem.h"
#include "wire/envelope.h"

#define CATCH_UP_MS 10000
#define TOPICS      65536
#define RECENT      256 /* results kept for those who are about to wait for them */

#define RECENT_BYTES (16 * KIB) /* a larger one is read from the journal */

struct deliver {
    struct parts *parts;
    struct map *topics; /* task id -> struct topic */
    struct timer timer;
    uint64_t tokens;
    size_t waiting;
    struct recent_result {
        char id[ID_CHARS + 1];
        json_t *result;
    } recent[RECENT];
    size_t recent_at;
};

/* Everybody who wants to hear of one task. */
struct topic {
    struct deliver *deliver;
    char id[ID_CHARS + 1];
    struct list waiters;
    struct list watchers;
};

struct waiter {
    struct list link;
    struct topic *topic;
    uint64_t token;
    struct timer timer; /* the end of the wait, then the telling */
    enum fault fault;
    json_t *view;
    bool reading; /* time is up, the journal is being asked */
    deliver_fn *fn;
    void *arg;
};

/* ---- topics ---- */

static struct topic *topic_get(struct deliver *d, const char *id)
{
    struct topic *t = map_find(d->topics, id);

    if (t) {
        return t;
    }
    t = mem_new(sizeof(*t));
    t->deliver = d;
    snprintf(t->id, sizeof(t->id), "%s", id);
    list_init(&t->waiters);
    list_init(&t->watchers);
    if (!map_put(d->topics, id, t)) {
        free(t);
        return NULL;
    }
    return t;
}

static void topic_check(struct topic *t)
{
    if (list_empty(&t->waiters) && list_empty(&t->watchers)) {
        (void)map_drop(t->deliver->topics, t->id);
        free(t);
    }
}

struct list *deliver_watchers(struct deliver *d, const char *id, bool make)
{
    struct topic *t = make ? topic_get(d, id) : map_find(d->topics, id);

    return t ? &t->watchers : NULL;
}

void deliver_watcher_gone(struct deliver *d, const char *id)
{
    struct topic *t = map_find(d->topics, id);

    d->waiting--;
    if (t) {
        topic_check(t);
    }
}

uint64_t deliver_token(struct deliver *d)
{
    d->waiting++;
    return ++d->tokens;
}

struct parts *deliver_parts(struct deliver *d)
{
    return d->parts;
}

struct map *deliver_topics(struct deliver *d)
{
    return d->topics;
}

/* ---- waiters ---- */

static void waiter_free(struct waiter *w)
{
    struct topic *t = w->topic;

    timer_stop(&w->timer);
    list_drop(&w->link);
    json_decref(w->view);
    t->deliver->waiting--;
    free(w);
    topic_check(t);
}

static void waiter_tell(struct timer *timer)
{
    struct waiter *w = container_of(timer, struct waiter, timer);
    deliver_fn *fn = w->fn;
    void *arg = w->arg;
    enum fault fault = w->fault;
    json_t *view = json_incref(w->view);

    waiter_free(w);
    fn(arg, fault, view);
    json_decref(view);
}

static void waiter_end(struct waiter *w, enum fault fault, json_t *view)
{
    if (w->timer.fn == waiter_tell && timer_running(&w->timer)) {
        json_decref(view);
        return; /* told already, in a moment */
    }
    w->fault = fault;
    json_decref(w->view);
    w->view = view;
    timer_start(w->topic->deliver->parts->loop, &w->timer, 0, waiter_tell);
}

/* A read for one waiter: it may be gone when the answer comes, so its token goes, not its pointer. */
struct reading {
    struct deliver *deliver;
    char id[ID_CHARS + 1];
    uint64_t token;
};

static struct waiter *waiter_find(struct deliver *d, const char *id, uint64_t token)
{
    struct topic *t = map_find(d->topics, id);

    for (struct list *link = t ? t->waiters.next : NULL; t && link != &t->waiters; link = link->next) {
        struct waiter *w = container_of(link, struct waiter, link);
        if (w->token == token) {
            return w;
        }
    }
    return NULL;
}

static void waiter_on_read(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct reading r = *(struct reading *)arg;
    struct waiter *w = waiter_find(r.deliver, r.id, r.token);

    (void)revision;
    free(arg);
    if (!w) {
        return;
    }
    if (fault == FAULT_NO_TASK || w->reading) {
        waiter_end(w, fault, doc ? journal_view(doc) : NULL);
    } else if (doc && journal_state(doc) == JOURNAL_ENDED) {
        waiter_end(w, FAULT_OK, journal_view(doc));
    }
}

static void waiter_read(struct waiter *w)
{
    struct reading *r = mem_new(sizeof(*r));
    struct deliver *d = w->topic->deliver;

    r->deliver = d;
    r->token = w->token;
    memcpy(r->id, w->topic->id, sizeof(r->id));
    ledger_get(d->parts->ledger, d->parts->config->app, r->id, true, waiter_on_read, r);
}

static void waiter_on_time(struct timer *timer)
{
    struct waiter *w = container_of(timer, struct waiter, timer);

    w->reading = true;
    waiter_read(w);
}

static json_t *recent_find(struct deliver *d, const char *id)
{
    for (size_t i = 0; i < RECENT; i++) {
        if (d->recent[i].result && !strcmp(d->recent[i].id, id)) {
            return d->recent[i].result;
        }
    }
    return NULL;
}

uint64_t deliver_wait(struct deliver *d, const char *id, int64_t wait_ms, bool fresh, deliver_fn *fn,
                      void *arg)
{
    struct waiter *w = mem_new(sizeof(*w));
    struct topic *t = topic_get(d, id);

    if (!t) { /* more than TOPICS wait: the wait is refused, the task goes on */
        free(w);
        deliver_get(d, id, fn, arg);
        return 0;
    }
    *w = (struct waiter){.topic = t, .token = deliver_token(d), .fn = fn, .arg = arg};
    list_init(&w->link);
    list_push(&t->waiters, &w->link);
    json_t *result = recent_find(d, id);
    if (result) {
        waiter_end(w, FAULT_OK, json_incref(result));
        return w->token;
    }
    timer_start(d->parts->loop, &w->timer, wait_ms > 0 ? wait_ms : 0, waiter_on_time);
    if (!fresh && wait_ms > 0) {
        waiter_read(w);
    }
    return w->token;
}

void deliver_wait_stop(struct deliver *d, uint64_t token)
{
    size_t cursor = 0;
    struct topic *t;

    while (token && (t = map_next(d->topics, &cursor, NULL)) != NULL) {
        struct waiter *w = waiter_find(d, t->id, token);
        if (w) {
            waiter_free(w);
            return;
        }
    }
}

/* ---- what is told live ---- */

static const char *last_token(const char *subject)
{
    const char *dot = strrchr(subject, '.');

    return dot ? dot + 1 : subject;
}

static void recent_add(struct deliver *d, const char *id, json_t *result)
{
    struct recent_result *r = &d->recent[d->recent_at];

    d->recent_at = (d->recent_at + 1) % RECENT;
    json_decref(r->result);
    r->result = json_incref(result);
    snprintf(r->id, sizeof(r->id), "%s", id);
}

static void on_result(void *arg, const struct bus_in *in)
{
    struct deliver *d = arg;
    const char *id = last_token(in->subject);
    json_t *result = NULL;

    if (!id_valid(id) || envelope_read(in->payload, "result", &result, NULL) != FAULT_OK) {
        return;
    }
    if (in->payload.n <= RECENT_BYTES) {
        recent_add(d, id, result);
    }
    struct topic *t = map_find(d->topics, id);
    if (t) {
        list_each(link, after, &t->waiters)
        {
            waiter_end(container_of(link, struct waiter, link), FAULT_OK, json_incref(result));
        }
        watch_catch_up(d, id);
    }
    json_decref(result);
}

static void on_event(void *arg, const struct bus_in *in)
{
    struct deliver *d = arg;
    const char *id = last_token(in->subject);
    struct topic *t = map_find(d->topics, id);
    json_t *event = NULL;

    if (t && !list_empty(&t->watchers) && envelope_read(in->payload, "event", &event, NULL) == FAULT_OK) {
        watch_event(d, id, event);
        json_decref(event);
    }
}

/* ---- catching up ---- */

static void deliver_catch_up(struct deliver *d)
{
    size_t cursor = 0;
    struct topic *t;

    while ((t = map_next(d->topics, &cursor, NULL)) != NULL) {
        list_each(link, after, &t->waiters)
        {
            waiter_read(container_of(link, struct waiter, link));
        }
        watch_catch_up(d, t->id);
    }
}

static void deliver_on_timer(struct timer *timer)
{
    struct deliver *d = container_of(timer, struct deliver, timer);

    metrics_gauge(d->parts->metrics, GAUGE_WAITERS, (int64_t)d->waiting);
    if (bus_up(d->parts->bus)) {
        deliver_catch_up(d);
    }
    timer_start(d->parts->loop, &d->timer, CATCH_UP_MS, deliver_on_timer);
}

static void deliver_on_bus(void *arg, bool up)
{
    struct deliver *d = arg;

    if (up) {
        timer_start(d->parts->loop, &d->timer, 0, deliver_on_timer);
    }
}

/* ---- one look ---- */

struct look {
    deliver_fn *fn;
    void *arg;
};

static void look_done(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct look look = *(struct look *)arg;
    json_t *view = doc ? journal_view(doc) : NULL;

    (void)revision;
    free(arg);
    look.fn(look.arg, fault, view);
    json_decref(view);
}

void deliver_get(struct deliver *d, const char *id, deliver_fn *fn, void *arg)
{
    struct look *look = mem_new(sizeof(*look));

    *look = (struct look){fn, arg};
    ledger_get(d->parts->ledger, d->parts->config->app, id, true, look_done, look);
}

/* ---- life ---- */

enum fault deliver_new(struct parts *parts, struct deliver **ret_deliver)
{
    struct deliver *d = mem_new(sizeof(*d));
    char subject[LIMIT_NAME_CHARS + 64];

    d->parts = parts;
    d->topics = map_new(TOPICS);
    snprintf(subject, sizeof(subject), "sluice.live.result.%s.*", parts->config->app);
    enum fault fault = bus_listen(parts->bus, subject, on_result, d);
    if (fault == FAULT_OK) {
        snprintf(subject, sizeof(subject), "sluice.event.%s.*", parts->config->app);
        fault = bus_listen(parts->bus, subject, on_event, d);
    }
    bus_watch(parts->bus, deliver_on_bus, d);
    timer_start(parts->loop, &d->timer, CATCH_UP_MS, deliver_on_timer);
    *ret_deliver = d;
    return fault;
}

void deliver_free(struct deliver **pd)
{
    struct deliver *d = *pd;
    size_t cursor = 0;
    struct topic *t;

    if (!d) {
        return;
    }
    timer_stop(&d->timer);
    while ((t = map_next(d->topics, &cursor, NULL)) != NULL) {
        struct list *link;
        char id[ID_CHARS + 1];
        memcpy(id, t->id, sizeof(id));
        while (map_find(d->topics, id) && (link = list_take(&t->waiters)) != NULL) {
            waiter_free(container_of(link, struct waiter, link));
        }
        watch_free_all(d, id);
    }
    map_free(&d->topics);
    for (size_t i = 0; i < RECENT; i++) {
        json_decref(d->recent[i].result);
    }
    free(d);
    *pd = NULL;
}

size_t deliver_waiting(const struct deliver *d)
{
    return d->waiting;
}
