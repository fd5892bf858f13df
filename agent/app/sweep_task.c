/* sweep_task.c - one task whose record stood still: is its message there, is its time over? */
#include <stdlib.h>
#include <string.h>

#include "app/fleet.h"
#include "app/ledger.h"
#include "app/metrics.h"
#include "app/place.h"
#include "app/settle.h"
#include "app/setup.h"
#include "app/sweep_internal.h"
#include "edge/stream.h"

#define LIMIT_MS 30000

static void task_over(struct sweep_task *t)
{
    sweep_fn *fn = t->fn;
    void *arg = t->arg;

    sweep_task_done(t);
    fn(arg);
}

void sweep_task_done(struct sweep_task *t)
{
    json_decref(t->doc);
    t->doc = NULL;
    task_free(&t->task);
}

static void task_update(struct sweep_task *t, ledger_change_fn *change, ledger_fn *fn)
{
    const struct ledger_update update = {.app = t->app,
                                         .id = t->id,
                                         .doc = t->doc,
                                         .revision = t->revision,
                                         .change = change,
                                         .change_arg = t,
                                         .limit_ms = LIMIT_MS};

    ledger_update(t->parts->ledger, &update, fn, t);
}

/* ---- ending ---- */

static void on_settled(void *arg)
{
    task_over(arg);
}

static void on_ended(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct sweep_task *t = arg;

    (void)revision;
    if (fault != FAULT_OK) { /* somebody moves it after all */
        task_over(t);
        return;
    }
    log_warn(t->parts->log, "a task whose time was over was ended by the sweeper", LOG_TEXT("task", t->id),
             LOG_TEXT("status", json_string_value(json_object_get(doc, "status"))));
    metrics_swept(t->parts->metrics, SWEPT_ENDED);
    settle_publish(t->parts, doc, t->task, on_settled, t);
}

/* What was sent and is not known to have been refused may have been paid. */
static enum fault change_end(json_t *doc, void *arg)
{
    const struct sweep_task *t = arg;
    bool unknown = journal_state(doc) == JOURNAL_CLAIMED;
    const struct journal_outcome outcome = {.status = unknown ? TASK_FAILED : TASK_EXPIRED,
                                            .fault = unknown ? FAULT_OUTCOME_UNKNOWN : FAULT_EXPIRED,
                                            .at_ms = fleet_now_ms(t->parts->fleet)};

    if (!journal_unchanged(doc, t->doc)) {
        return FAULT_CONFLICT;
    }
    json_t *result = journal_result_new(doc, &outcome);
    enum fault fault = journal_end(doc, NULL, outcome.status, result, outcome.at_ms);
    json_decref(result);
    return fault;
}

static void task_end(struct sweep_task *t)
{
    if (journal_state(t->doc) == JOURNAL_CLAIMED) {
        metrics_unknown(t->parts->metrics);
    }
    task_update(t, change_end, on_ended);
}

/* ---- placing again ---- */

static void on_placed(void *arg, enum fault fault)
{
    struct sweep_task *t = arg;

    if (fault == FAULT_OK) {
        log_warn(t->parts->log, "a task whose message was lost was placed again", LOG_TEXT("task", t->id),
                 LOG_TEXT("where", task_place_text(journal_where(t->doc))));
        metrics_swept(t->parts->metrics, SWEPT_PLACED);
    }
    task_over(t);
}

static void on_counted(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct sweep_task *t = arg;

    (void)revision;
    if (fault != FAULT_OK) {
        task_over(t);
        return;
    }
    json_incref((json_t *)doc);
    json_decref(t->doc);
    t->doc = (json_t *)doc;
    place_put(t->parts, t->task, journal_where(doc), journal_placement(doc), LIMIT_MS, on_placed, t);
}

static enum fault change_place(json_t *doc, void *arg)
{
    const struct sweep_task *t = arg;

    return journal_unchanged(doc, t->doc) && journal_placement(doc) == journal_placement(t->doc)
               ? journal_place(doc, journal_where(doc), journal_stage(doc))
               : FAULT_CONFLICT;
}

static void task_place_again(struct sweep_task *t)
{
    if (!t->task) { /* a record of before records had the input: it ends when its time is over */
        log_error(t->parts->log, "a task's message is gone, and its record does not hold the request",
                  LOG_TEXT("task", t->id), LOG_TEXT("next", "it ends at its deadline"));
        task_over(t);
        return;
    }
    task_update(t, change_place, on_counted);
}

static void on_message(void *arg, enum fault fault, const struct stream_msg *msg)
{
    struct sweep_task *t = arg;
    struct place_task found = {0};

    if (fault != FAULT_OK) {
        task_over(t);
        return;
    }
    bool there = msg && place_read(msg->payload, &found, NULL) == FAULT_OK &&
                 found.placement >= journal_placement(t->doc);
    task_free(&found.task);
    if (there) {
        task_over(t);
    } else {
        task_place_again(t);
    }
}

static void task_find_message(struct sweep_task *t)
{
    enum task_place where = journal_where(t->doc);
    char subject[4 * LIMIT_NAME_CHARS + 64];

    if (t->stuck || !t->task) {
        task_place_again(t);
        return;
    }
    task_subject(t->task, where, subject, sizeof(subject));
    stream_next(t->parts->bus, where == PLACE_TASKS ? STREAM_TASKS : STREAM_POLL, subject, 1, on_message, t);
}

/* ---- looking ---- */

static int64_t late_ms(const struct sweep_task *t)
{
    int64_t end = json_integer_value(json_object_get(t->doc, "accepted_ms")) +
                  json_integer_value(json_object_get(t->doc, "deadline_ms"));

    return fleet_now_ms(t->parts->fleet) - end;
}

static void on_alive(void *arg, enum fault fault, bool alive)
{
    struct sweep_task *t = arg;

    if (fault != FAULT_OK || alive) {
        task_over(t); /* its holder ends it */
    } else {
        task_end(t);
    }
}

static void on_record(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct sweep_task *t = arg;

    if (fault != FAULT_OK || journal_check(doc, NULL) != FAULT_OK || journal_state(doc) == JOURNAL_ENDED) {
        task_over(t);
        return;
    }
    t->doc = json_incref((json_t *)doc);
    t->revision = revision;
    if (journal_task(doc, &t->task, NULL) != FAULT_OK) {
        t->task = NULL;
    }
    bool late = late_ms(t) > t->parts->config->sweep_ms; /* those whose business it is had their time */
    if (late && journal_state(doc) == JOURNAL_CLAIMED) {
        fleet_alive(t->parts->fleet, journal_holder(doc), on_alive, t);
    } else if (late) {
        task_end(t);
    } else {
        task_find_message(t);
    }
}

void sweep_task_look(struct sweep_task *t, bool stuck, sweep_fn *fn, void *arg)
{
    t->stuck = stuck;
    t->fn = fn;
    t->arg = arg;
    ledger_get(t->parts->ledger, t->app, t->id, true, on_record, t);
}
