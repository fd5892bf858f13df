/* deliver_watch.c - the events of a task, in order and without a gap, for those who watch it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/deliver_internal.h"
#include "app/fleet.h"
#include "app/ledger.h"
#include "app/setup.h"
#include "base/mem.h"
#include "wire/base64.h"
#include "wire/digits.h"
#include "wire/digits.h"
#include "wire/envelope.h"

#define ASK_MS 5000
#define STORED 64 /* events kept per task */

/* The order of events: journal revision, then number within it. */
struct mark {
    uint64_t revision;
    uint64_t n;
};

struct watcher {
    struct list link;
    struct deliver *deliver;
    char id[ID_CHARS + 1];
    uint64_t token;
    struct mark last;
    bool live;    /* stored events were told; live ones may follow */
    uint64_t seq; /* where the reading of stored events is */
    int read;
    deliver_event_fn *fn;
    void *arg;
};

/* A question under way for a watcher that may leave meanwhile. */
struct question {
    struct deliver *deliver;
    char id[ID_CHARS + 1];
    uint64_t token; /* 0: for all who watch the task */
};

static bool mark_parse(const char *text, struct mark *ret)
{
    struct slice rest = slice_of(text), before;
    struct mark mark;

    if (!slice_cut(&rest, '.', &before) || !digits_cut(&before, &mark.revision) || before.n ||
        !digits_cut(&rest, &mark.n) || rest.n) {
        return false;
    }
    *ret = mark;
    return true;
}

static bool mark_after(struct mark a, struct mark b)
{
    return a.revision > b.revision || (a.revision == b.revision && a.n > b.n);
}

static struct watcher *watcher_find(struct deliver *d, const char *id, uint64_t token)
{
    struct list *head = deliver_watchers(d, id, false);

    for (struct list *link = head ? head->next : NULL; head && link != head; link = link->next) {
        struct watcher *w = container_of(link, struct watcher, link);
        if (w->token == token) {
            return w;
        }
    }
    return NULL;
}

static void watcher_free(struct watcher *w)
{
    struct deliver *d = w->deliver;
    char id[ID_CHARS + 1];

    memcpy(id, w->id, sizeof(id));
    list_drop(&w->link);
    free(w);
    deliver_watcher_gone(d, id);
}

static struct question *question_new(const struct watcher *w, uint64_t token)
{
    struct question *q = mem_new(sizeof(*q));

    q->deliver = w->deliver;
    memcpy(q->id, w->id, sizeof(q->id));
    q->token = token;
    return q;
}

/* ---- telling ---- */

static void watcher_tell(struct watcher *w, const json_t *event)
{
    struct mark mark;

    if (mark_parse(json_string_value(json_object_get(event, "id")), &mark) && mark_after(mark, w->last)) {
        w->last = mark;
        w->fn(w->arg, FAULT_OK, event, false);
    }
}

void watch_event(struct deliver *d, const char *id, const json_t *event)
{
    struct list *head = deliver_watchers(d, id, false);

    list_each(link, after, head)
    {
        struct watcher *w = container_of(link, struct watcher, link);
        if (w->live) {
            watcher_tell(w, event);
        }
    }
}

/* The record as an event: a snapshot, or the last event with the result in it. */
static json_t *snapshot(const struct parts *parts, const json_t *doc, uint64_t revision)
{
    json_t *event = journal_event(doc, revision, 0);
    int64_t at_ms = fleet_now_ms(parts->fleet);

    if (journal_state(doc) == JOURNAL_ENDED) {
        json_object_del(event, "stage");
        json_object_del(event, "progress"); /* the one that was written last, and not where it got to */
        json_object_set_new(event, "result", journal_view(doc));
        at_ms = json_integer_value(json_object_get(doc, "ended_ms"));
    }
    json_object_set_new(event, "at", json_real((double)at_ms / 1000));
    return event;
}

static void watcher_snapshot(struct watcher *w, const json_t *doc, uint64_t revision)
{
    json_t *event = snapshot(deliver_parts(w->deliver), doc, revision);

    w->live = true;
    if (journal_state(doc) == JOURNAL_ENDED) {
        deliver_event_fn *fn = w->fn;
        void *arg = w->arg;
        watcher_free(w);
        fn(arg, FAULT_OK, event, true);
    } else if (revision > w->last.revision) {
        watcher_tell(w, event);
    }
    json_decref(event);
}

static void watch_on_record(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct question q = *(struct question *)arg;
    struct list *head = deliver_watchers(q.deliver, q.id, false);
    struct list *link, *after;

    free(arg);
    for (link = head ? head->next : NULL; head && link != head; link = after) {
        struct watcher *w = container_of(link, struct watcher, link);
        bool last = link->next == head;
        after = link->next;
        if (q.token && w->token != q.token) {
            continue;
        }
        if (doc) {
            watcher_snapshot(w, doc, revision);
        } else if (fault == FAULT_NO_TASK) {
            deliver_event_fn *fn = w->fn;
            void *fn_arg = w->arg;
            watcher_free(w);
            fn(fn_arg, fault, NULL, true);
        }
        if (last) {
            return; /* the list itself goes with its last watcher */
        }
    }
}

void watch_catch_up(struct deliver *d, const char *id)
{
    struct list *head = deliver_watchers(d, id, false);

    if (head && !list_empty(head)) {
        struct question *q = question_new(container_of(head->next, struct watcher, link), 0);
        ledger_get(deliver_parts(d)->ledger, deliver_parts(d)->config->app, id, true, watch_on_record, q);
    }
}

/* ---- stored events ---- */

static void watcher_read_stored(struct watcher *w);

static void watcher_read_record(struct watcher *w)
{
    struct parts *parts = deliver_parts(w->deliver);

    ledger_get(parts->ledger, parts->config->app, w->id, true, watch_on_record, question_new(w, w->token));
}

static void stored_tell(struct watcher *w, const json_t *message)
{
    const char *data = json_string_value(json_object_get(message, "data"));
    size_t n = data ? strlen(data) : 0;
    AUTO(auto_free) unsigned char *bytes = mem_new(n + 4);
    struct base64 d = {0};
    json_t *event = NULL;
    long got = n ? base64_feed(&d, data, n, bytes) : 0;

    if (got > 0 &&
        envelope_read((struct slice){(char *)bytes, (size_t)got}, "event", &event, NULL) == FAULT_OK) {
        watcher_tell(w, event);
        json_decref(event);
    }
}

static void stored_on_message(void *arg, enum fault fault, const json_t *answer)
{
    struct question q = *(struct question *)arg;
    struct watcher *w = watcher_find(q.deliver, q.id, q.token);
    const json_t *message = json_object_get(answer, "message");

    free(arg);
    if (!w) {
        return;
    }
    if (fault != FAULT_OK || !message || w->read >= STORED) {
        watcher_read_record(w); /* all told; what they do not tell, the record does */
        return;
    }
    w->seq = (uint64_t)json_integer_value(json_object_get(message, "seq"));
    w->read++;
    uint64_t token = w->token;
    stored_tell(w, message);
    w = watcher_find(q.deliver, q.id, token);
    if (w) {
        watcher_read_stored(w);
    }
}

static void watcher_read_stored(struct watcher *w)
{
    struct parts *parts = deliver_parts(w->deliver);
    char subject[2 * LIMIT_NAME_CHARS + 64];

    snprintf(subject, sizeof(subject), "sluice.event.%s.%s", parts->config->app, w->id);
    json_t *request = json_pack("{s:I,s:s}", "seq", (json_int_t)w->seq + 1, "next_by_subj", subject);
    bus_api(parts->bus, "$JS.API.STREAM.MSG.GET." STREAM_EVENTS, request, ASK_MS, stored_on_message,
            question_new(w, w->token));
    json_decref(request);
}

/* ---- coming and going ---- */

uint64_t deliver_watch(struct deliver *d, const char *id, const char *last_id, deliver_event_fn *fn,
                       void *arg)
{
    struct list *head = deliver_watchers(d, id, true);
    struct watcher *w;

    if (!head) {
        return 0;
    }
    w = mem_new(sizeof(*w));
    *w = (struct watcher){.deliver = d, .token = deliver_token(d), .fn = fn, .arg = arg};
    snprintf(w->id, sizeof(w->id), "%s", id);
    list_init(&w->link);
    list_push(head, &w->link);
    if (mark_parse(last_id, &w->last)) {
        watcher_read_stored(w);
    } else {
        watcher_read_record(w);
    }
    return w->token;
}

void deliver_watch_stop(struct deliver *d, uint64_t token)
{
    size_t cursor = 0;
    const char *id;

    while (token && map_next(deliver_topics(d), &cursor, &id)) {
        struct watcher *w = watcher_find(d, id, token);
        if (w) {
            watcher_free(w);
            return;
        }
    }
}

void watch_free_all(struct deliver *d, const char *id)
{
    struct list *head, *link;

    while ((head = deliver_watchers(d, id, false)) != NULL && (link = list_first(head)) != NULL) {
        watcher_free(container_of(link, struct watcher, link));
    }
}
