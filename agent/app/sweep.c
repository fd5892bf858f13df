/* sweep.c - the sweeper: its seat, and its passes over the journal and the work queues. */
#include "app/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/fleet.h"
#include "app/ledger.h"
#include "app/metrics.h"
#include "app/settle.h"
#include "app/setup.h"
#include "app/sweep_internal.h"
#include "base/mem.h"
#include "edge/kv.h"
#include "wire/envelope.h"

#define SEAT      "sweeper"
#define SEAT_MS   10000 /* between looks at the seat; it ages with the lease bucket */
#define WRITE_MS  5000
#define ROUND     256                  /* records that are dealt with before the journal is read on */
#define FORGET_MS (25ll * 3600 * 1000) /* ended records answer for their keys for 24 h */
#define BACK_MS   (15ll * 60 * 1000)   /* how far back a new sweeper looks for ends without a result */

/* What is to be done with a record: look what holds it up; see that the result of its end is there; forget
 * it. */
enum due_what { DUE_LOOK, DUE_SETTLE, DUE_FORGET };

/* A record that is to be dealt with. */
struct due {
    char app[LIMIT_NAME_CHARS + 1];
    char id[ID_CHARS + 1];
    uint64_t revision;
    enum due_what what;
};

struct sweep {
    struct parts *parts;
    struct timer seat_timer, pass_timer;
    bool started, seated, passing;
    uint64_t seat;      /* revision of our entry */
    int64_t settled_ms; /* the results of all that ended before then are there */
    /* a pass */
    int64_t pass_ms; /* when it began */
    struct due *dues;
    size_t n, at;
    uint64_t from;
    struct sweep_task task;
    json_t *consumers; /* [{"stream", "name", "config"}] */
    size_t consumer;
    struct sweep_queue queue;
};

static void sweep_seat(struct timer *t);
static void sweep_pass(struct timer *t);
static void pass_next(struct sweep *s);

/* ---- the seat ---- */

static int64_t seat_ms(const struct sweep *s)
{
    int64_t ms = s->parts->config->sweep_ms;

    return ms < SEAT_MS ? ms : SEAT_MS;
}

static void on_seat(void *arg, enum fault fault, uint64_t revision)
{
    struct sweep *s = arg;
    bool before = s->seated;

    s->seated = fault == FAULT_OK;
    s->seat = s->seated ? revision : 0;
    timer_start(s->parts->loop, &s->seat_timer, seat_ms(s), sweep_seat);
    if (s->seated && !before) {
        log_info(s->parts->log, "this agent is the fleet's sweeper now");
        s->settled_ms = fleet_now_ms(s->parts->fleet) - BACK_MS;
        timer_start(s->parts->loop, &s->pass_timer, s->parts->config->sweep_ms, sweep_pass);
    }
}

static void seat_take(struct sweep *s, uint64_t over)
{
    kv_put(s->parts->bus, BUCKET_LEASE, SEAT, slice_of(fleet_instance(s->parts->fleet)), (int64_t)over,
           WRITE_MS, on_seat, s);
}

static void on_seat_seen(void *arg, enum fault fault, const struct kv_entry *entry)
{
    struct sweep *s = arg;

    if (fault == FAULT_OK && (!entry->revision || entry->deleted)) {
        seat_take(s, entry->revision);
    } else {
        timer_start(s->parts->loop, &s->seat_timer, seat_ms(s), sweep_seat);
    }
}

/* The seat is ours while our entry is the last: somebody else's can only come when ours has aged away. */
static void sweep_seat(struct timer *t)
{
    struct sweep *s = container_of(t, struct sweep, seat_timer);

    if (s->seated) {
        seat_take(s, s->seat);
    } else {
        kv_get(s->parts->bus, BUCKET_LEASE, SEAT, true, on_seat_seen, s);
    }
}

/* ---- a pass: what the journal says ---- */

static void pass_end(struct sweep *s)
{
    s->passing = false;
    s->n = s->at = 0;
    free(s->dues);
    s->dues = NULL;
    if (s->seated) {
        timer_start(s->parts->loop, &s->pass_timer, s->parts->config->sweep_ms, sweep_pass);
    }
}

static void add_due(struct sweep *s, const char *key, uint64_t revision, enum due_what what)
{
    const char *dot = strchr(key, '.');
    struct due *d = &s->dues[s->n];

    if (dot && dot - key <= LIMIT_NAME_CHARS && strlen(dot + 1) == ID_CHARS) {
        snprintf(d->app, sizeof(d->app), "%.*s", (int)(dot - key), key);
        snprintf(d->id, sizeof(d->id), "%s", dot + 1);
        d->revision = revision;
        d->what = what;
        s->n++;
    }
}

static bool on_record(void *arg, const char *key, const struct kv_entry *entry)
{
    struct sweep *s = arg;
    int64_t now = fleet_now_ms(s->parts->fleet);
    json_t *doc = NULL;

    s->from = entry->revision + 1;
    if (now - entry->time_ms < s->parts->config->sweep_ms) {
        return true; /* it moves */
    }
    if (envelope_read(entry->value, "record", &doc, NULL) == FAULT_OK &&
        journal_check(doc, NULL) == FAULT_OK) {
        bool ended = journal_state(doc) == JOURNAL_ENDED;
        bool old = now - json_integer_value(json_object_get(doc, "ended_ms")) > FORGET_MS;
        if (!ended || old || entry->time_ms >= s->settled_ms) {
            add_due(s, key, entry->revision, !ended ? DUE_LOOK : old ? DUE_FORGET : DUE_SETTLE);
        }
    }
    json_decref(doc);
    return s->n < ROUND;
}

static void on_forgotten(void *arg, enum fault fault)
{
    struct sweep *s = arg;

    if (fault == FAULT_OK) {
        metrics_swept(s->parts->metrics, SWEPT_FORGOTTEN);
    }
    pass_next(s);
}

static void on_looked(void *arg)
{
    pass_next(arg);
}

static void on_ended(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct sweep *s = arg;

    (void)revision;
    if (fault == FAULT_OK && journal_state(doc) == JOURNAL_ENDED) {
        settle_repeat(s->parts, doc, NULL, on_looked, s);
        return;
    }
    if (fault == FAULT_BUS_DOWN || fault == FAULT_BUS_TIMEOUT) {
        s->pass_ms = 0; /* it is looked at again */
    }
    pass_next(s);
}

/* ---- a pass: what the work queues hold ---- */

static void on_queue(void *arg);

static void queues_next(struct sweep *s)
{
    const json_t *c = json_array_get(s->consumers, s->consumer++);
    const json_t *config = json_object_get(c, "config");

    if (!c || !s->seated) {
        if (!c && s->pass_ms) {
            s->settled_ms = s->pass_ms - s->parts->config->sweep_ms;
        }
        json_decref(s->consumers);
        s->consumers = NULL;
        pass_end(s);
        return;
    }
    s->queue = (struct sweep_queue){.parts = s->parts,
                                    .stream = json_string_value(json_object_get(c, "stream")),
                                    .consumer = json_string_value(json_object_get(c, "name")),
                                    .filter = json_string_value(json_object_get(config, "filter_subject"))};
    sweep_queue_look(&s->queue, on_queue, s);
}

static void on_queue(void *arg)
{
    queues_next(arg);
}

static void on_scanned(void *arg, enum fault fault)
{
    struct sweep *s = arg;

    if (fault == FAULT_OK) {
        pass_next(s);
    } else {
        pass_end(s);
    }
}

/* The next due record, the next part of the journal, then the queues. */
static void pass_next(struct sweep *s)
{
    if (!s->seated) {
        pass_end(s);
    } else if (s->at < s->n) {
        const struct due *d = &s->dues[s->at++];
        char key[LIMIT_NAME_CHARS + ID_CHARS + 2];
        snprintf(key, sizeof(key), "%s.%s", d->app, d->id);
        if (d->what == DUE_FORGET) {
            kv_forget(s->parts->bus, BUCKET_JOURNAL, key, d->revision, on_forgotten, s);
            return;
        }
        if (d->what == DUE_SETTLE) {
            ledger_get(s->parts->ledger, d->app, d->id, true, on_ended, s);
            return;
        }
        s->task = (struct sweep_task){.parts = s->parts};
        memcpy(s->task.app, d->app, sizeof(d->app));
        memcpy(s->task.id, d->id, sizeof(d->id));
        sweep_task_look(&s->task, false, on_looked, s);
    } else if (s->n == ROUND) {
        s->n = s->at = 0;
        kv_scan_from(s->parts->bus, BUCKET_JOURNAL, s->from, on_record, on_scanned, s);
    } else {
        s->consumers = setup_consumers(s->parts->config);
        s->consumer = 0;
        queues_next(s);
    }
}

static void sweep_pass(struct timer *t)
{
    struct sweep *s = container_of(t, struct sweep, pass_timer);

    if (s->passing || !s->seated) {
        return;
    }
    s->passing = true;
    s->pass_ms = fleet_now_ms(s->parts->fleet);
    s->n = s->at = 0;
    s->dues = mem_new(ROUND * sizeof(*s->dues));
    kv_scan_from(s->parts->bus, BUCKET_JOURNAL, 1, on_record, on_scanned, s);
}

/* ---- life ---- */

struct sweep *sweep_new(struct parts *parts)
{
    struct sweep *s = mem_new(sizeof(*s));

    s->parts = parts;
    return s;
}

void sweep_start(struct sweep *s)
{
    if (!s->started && s->parts->config->sweep_ms) {
        s->started = true;
        timer_start(s->parts->loop, &s->seat_timer, 0, sweep_seat);
    }
}

static void on_left(void *arg, enum fault fault, uint64_t revision)
{
    (void)arg;
    (void)fault;
    (void)revision;
}

void sweep_stop(struct sweep *s)
{
    timer_stop(&s->seat_timer);
    timer_stop(&s->pass_timer);
    if (s->seated) {
        kv_delete(s->parts->bus, BUCKET_LEASE, SEAT, 1000, on_left, NULL);
    }
    s->seated = false;
}

void sweep_free(struct sweep **ps)
{
    struct sweep *s = *ps;

    *ps = NULL;
    if (s) {
        sweep_task_done(&s->task);
        sweep_task_done(&s->queue.task);
        task_free(&s->queue.found);
        json_decref(s->consumers);
        free(s->dues);
        free(s);
    }
}
