/* work.c - how a delivered message begins and ends, whatever is done with it in between. */
#include "app/work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/crash.h"
#include "app/events.h"
#include "app/fleet.h"
#include "app/ledger.h"
#include "app/metrics.h"
#include "app/place.h"
#include "app/settle.h"
#include "base/mem.h"

#define NO_RECORD_MS 1000
#define ORPHAN_MS    120000 /* a message without a record for as long was never accepted */
#define BUSY_MS      1000
#define MIN_CALL_MS  1000
#define BAD_DATA_MS  60000 /* a record that cannot be read or written */

struct work_outcome {
    struct journal_hold hold;
    char instance[32];
    bool held;
    struct journal_outcome outcome;
    struct note note;
    json_t *outputs, *usage, *cost, *extra, *attempt, *verdict;
    json_t *before; /* the record that the outcome was decided on */
    bool small;     /* what came out did not fit into the record and was left out */
    char *vendor_code;
};

/* ---- life ---- */

static void work_beat(struct timer *t)
{
    struct work *w = container_of(t, struct work, heartbeat);

    if (w->msg) {
        pull_working(w->msg);
        timer_start(w->parts->loop, &w->heartbeat, LIMIT_HEARTBEAT_MS, work_beat);
    }
}

void work_init(struct work *w, struct parts *parts, struct pull_msg *msg, enum task_place place,
               work_fn *ready, work_fn *gone)
{
    w->parts = parts;
    w->registry = registry_keep(parts->registry);
    w->msg = msg;
    w->place = place;
    w->ready = ready;
    w->gone = gone;
    list_init(&w->link);
    const char *dot = strrchr(msg->subject, '.');
    snprintf(w->id, sizeof(w->id), "%s", dot ? dot + 1 : "");
    timer_start(parts->loop, &w->heartbeat, LIMIT_HEARTBEAT_MS, work_beat);
}

static void outcome_free(struct work_outcome **po)
{
    struct work_outcome *o = *po;

    if (o) {
        json_decref(o->outputs);
        json_decref(o->usage);
        json_decref(o->cost);
        json_decref(o->extra);
        json_decref(o->attempt);
        json_decref(o->verdict);
        json_decref(o->before);
        free(o->vendor_code);
        free(o);
        *po = NULL;
    }
}

void work_done(struct work *w)
{
    timer_stop(&w->heartbeat);
    timer_stop(&w->settle_timer);
    list_drop(&w->link);
    if (w->msg) {
        pull_nak(&w->msg, 0);
    }
    outcome_free(&w->outcome);
    task_free(&w->task);
    json_decref(w->doc);
    w->doc = NULL;
    registry_drop(&w->registry);
}

void work_note_record(struct work *w, const json_t *doc, uint64_t revision)
{
    json_incref((json_t *)doc);
    json_decref(w->doc);
    w->doc = (json_t *)doc;
    if (revision != w->revision) {
        w->events = 0;
    }
    w->revision = revision;
}

const char *work_task(const struct work *w)
{
    return w->id;
}

int64_t work_left_ms(const struct work *w)
{
    return w->task->accepted_ms + w->task->deadline_ms - fleet_now_ms(w->parts->fleet);
}

int64_t work_limit_ms(const struct work *w)
{
    int64_t left = work_left_ms(w);

    return left > MIN_CALL_MS ? left : MIN_CALL_MS;
}

static void work_on_gone(struct timer *t)
{
    struct work *w = container_of(t, struct work, settle_timer);

    w->gone(w);
}

static void work_gone_soon(struct work *w)
{
    timer_start(w->parts->loop, &w->settle_timer, 0, work_on_gone);
}

void work_ack(struct work *w)
{
    crash_point("before_ack");
    pull_ack(&w->msg, NULL, NULL);
    work_gone_soon(w);
}

void work_back(struct work *w, int64_t delay_ms)
{
    pull_nak(&w->msg, delay_ms);
    work_gone_soon(w);
}

/* ---- the beginning ---- */

/* The app and id in a message's subject, for a message whose payload says nothing. */
static bool work_subject_names(const char *subject, char app[LIMIT_NAME_CHARS + 1], char id[ID_CHARS + 1])
{
    struct slice rest = slice_of(subject), part = {0}, before = {0};

    for (struct slice next; slice_cut(&rest, '.', &next);) {
        before = part;
        part = next;
    }
    if (part.n != ID_CHARS || before.n > LIMIT_NAME_CHARS) {
        return false;
    }
    snprintf(app, LIMIT_NAME_CHARS + 1, "%.*s", (int)before.n, before.p);
    snprintf(id, ID_CHARS + 1, "%.*s", (int)part.n, part.p);
    return task_name_valid(app) && id_valid(id);
}

static enum fault end_unreadable(json_t *doc, void *arg)
{
    const struct work *w = arg;
    const struct journal_outcome outcome = {
        .status = TASK_FAILED, .fault = FAULT_BAD_DATA, .at_ms = fleet_now_ms(w->parts->fleet)};
    json_t *result = journal_result_new(doc, &outcome);
    enum fault fault = journal_end(doc, NULL, TASK_FAILED, result, outcome.at_ms);

    json_decref(result);
    return fault;
}

static void work_settled(void *arg)
{
    struct work *w = arg;

    crash_point("after_settle");
    work_ack(w);
}

/* The message may have overtaken its record, or the record was never written because the accepting agent
 * died: then no app was told. */
static void work_no_record(struct work *w)
{
    if (fleet_now_ms(w->parts->fleet) - w->msg->time_ms > ORPHAN_MS && w->msg->delivered > 10) {
        log_warn(w->parts->log, "a message without a record is dropped", LOG_TEXT("task", w->id));
        metrics_orphan(w->parts->metrics);
        work_ack(w);
    } else {
        work_back(w, w->msg->delivered < 3 ? 50 : NO_RECORD_MS);
    }
}

static void on_unreadable_ended(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct work *w = arg;

    (void)revision;
    if (doc && journal_state(doc) == JOURNAL_ENDED) {
        settle_publish(w->parts, doc, NULL, work_settled, w);
    } else if (fault == FAULT_NO_TASK) {
        work_no_record(w);
    } else if (fault == FAULT_BAD_DATA) {
        pull_term(&w->msg);
        work_gone_soon(w);
    } else {
        work_back(w, NO_RECORD_MS);
    }
}

/* A payload that cannot be read will not be readable later: its task ends as failed, so that nobody waits for
 * it. */
static void work_unreadable(struct work *w, const struct note *note)
{
    char app[LIMIT_NAME_CHARS + 1], id[ID_CHARS + 1];

    log_error(w->parts->log, "a task's message cannot be read", LOG_TEXT("subject", w->msg->subject),
              LOG_TEXT("why", note->text), LOG_TEXT("next", "the task ends as failed"));
    if (!work_subject_names(w->msg->subject, app, id)) {
        pull_term(&w->msg);
        work_gone_soon(w);
        return;
    }
    const struct ledger_update update = {
        .app = app, .id = id, .change = end_unreadable, .change_arg = w, .limit_ms = LIMIT_ACCEPT_MS};
    ledger_update(w->parts->ledger, &update, on_unreadable_ended, w);
}

static void work_read(struct work *w, bool leader);

static void work_on_record(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct work *w = arg;

    if (fault == FAULT_NO_TASK && !w->leader) {
        work_read(w, true); /* a follower may be behind */
        return;
    }
    if (fault == FAULT_NO_TASK) {
        work_no_record(w);
        return;
    }
    if (fault == FAULT_BAD_DATA) {
        log_error(w->parts->log, "a task's record cannot be read", LOG_TEXT("task", w->task->id),
                  LOG_TEXT("next", "tried again in 60 s"));
    }
    if (fault != FAULT_OK) {
        work_back(w, fault == FAULT_BAD_DATA ? BAD_DATA_MS : BUSY_MS);
        return;
    }
    work_note_record(w, doc, revision);
    if (journal_state(doc) == JOURNAL_ENDED) {
        settle_repeat(w->parts, doc, w->task, work_settled, w);
    } else if (journal_placement(doc) > w->placement) {
        work_move(w);
    } else {
        w->ready(w);
    }
}

static void work_read(struct work *w, bool leader)
{
    w->leader = leader;
    ledger_get(w->parts->ledger, w->task->app, w->task->id, leader, work_on_record, w);
}

void work_begin(struct work *w)
{
    struct place_task placed = {0};
    struct note note = {0};

    if (place_read((struct slice){w->msg->payload, w->msg->n}, &placed, &note) != FAULT_OK) {
        work_unreadable(w, &note);
        return;
    }
    w->task = placed.task;
    w->placement = placed.placement;
    /* Somebody has had it before: what a follower may not know yet would only go round in circles. */
    work_read(w, w->place != PLACE_VENDOR && w->msg->delivered > 1);
}

/* ---- moving ---- */

static void work_on_moved(void *arg, enum fault fault)
{
    struct work *w = arg;

    crash_point("after_place");
    if (fault == FAULT_OK) {
        work_ack(w);
    } else {
        work_back(w, BUSY_MS);
    }
}

void work_move(struct work *w)
{
    crash_point("before_place");
    place_put(w->parts, w->task, journal_where(w->doc), journal_placement(w->doc), -1, work_on_moved, w);
}

/* ---- the end ---- */

static enum fault change_end(json_t *doc, void *arg)
{
    struct work_outcome *o = arg;

    if (journal_state(doc) == JOURNAL_ENDED || (!o->held && !journal_unchanged(doc, o->before))) {
        return FAULT_CONFLICT;
    }
    if (o->attempt) {
        journal_attempt(doc, o->attempt);
    }
    json_t *result = journal_result_new(doc, &o->outcome);
    enum fault fault =
        journal_end(doc, o->held ? &o->hold : NULL, o->outcome.status, result, o->outcome.at_ms);
    json_decref(result);
    return fault;
}

static void work_count(const struct work *w)
{
    const json_t *cost = w->outcome->cost;
    int64_t total = w->outcome->outcome.at_ms - w->task->accepted_ms;

    metrics_task(w->parts->metrics, w->task->model, w->outcome->outcome.status);
    metrics_phase(w->parts->metrics, PHASE_TOTAL, total > 0 ? total : 0);
    if (cost) {
        const char *unit = json_string_value(json_object_get(cost, "unit"));
        metrics_cost(w->parts->metrics, w->task->model, unit ? unit : "",
                     json_number_value(json_object_get(cost, "amount")));
    }
}

static void work_log_end(const struct work *w)
{
    const struct work_outcome *o = w->outcome;
    bool bad = o->outcome.status == TASK_FAILED || o->outcome.status == TASK_EXPIRED;

    log_at(w->parts->log, bad ? LOG_WARN : LOG_INFO, "task ended", LOG_TEXT("task", w->task->id),
           LOG_TEXT("model", w->task->model), LOG_TEXT("status", task_status_text(o->outcome.status)),
           LOG_TEXT("code", bad ? fault_code(o->outcome.fault) : NULL),
           LOG_TEXT("why", bad ? note_text(&o->note, o->outcome.fault) : NULL));
}

static void work_end_small(struct work *w);

static enum fault change_late(json_t *doc, void *arg)
{
    journal_late(doc, arg);
    return FAULT_OK;
}

/* Leaves the verdict of this work's own submission in the record, which somebody else holds or has ended. */
static void work_write_late(struct work *w, ledger_fn *fn)
{
    const struct ledger_update update = {.app = w->task->app,
                                         .id = w->task->id,
                                         .change = change_late,
                                         .change_arg = w->outcome->verdict,
                                         .limit_ms = -1};

    ledger_update(w->parts->ledger, &update, fn, w);
}

static void work_on_late(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct work *w = arg;

    (void)fault; /* a note that does not fit is no reason to keep the result back */
    (void)doc;
    (void)revision;
    settle_publish(w->parts, w->doc, w->task, work_settled, w);
}

static void work_on_ended(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct work *w = arg;

    crash_point("after_end");
    if (doc && journal_state(doc) == JOURNAL_ENDED) {
        work_note_record(w, doc, revision);
        if (fault == FAULT_OK) {
            work_count(w);
            work_log_end(w);
        } else if (w->outcome->verdict) {
            work_write_late(w, work_on_late);
            return;
        }
        settle_publish(w->parts, doc, w->task, work_settled, w);
    } else if (fault == FAULT_CONFLICT) {
        log_warn(w->parts->log, "a claim was overtaken", LOG_TEXT("task", w->task->id),
                 LOG_TEXT("next", "its verdict is left in the record"));
        work_leave(w, w->outcome->verdict);
    } else if (fault == FAULT_TOO_LARGE && !w->outcome->small) {
        work_end_small(w);
    } else {
        log_error(w->parts->log, "a terminal state cannot be written", LOG_TEXT("task", w->task->id),
                  LOG_TEXT("fault", fault_code(fault)));
        work_back(w, BAD_DATA_MS);
    }
}

static void work_write_end(struct work *w)
{
    crash_point("before_end");
    const struct ledger_update update = {.app = w->task->app,
                                         .id = w->task->id,
                                         .doc = w->doc,
                                         .revision = w->revision,
                                         .change = change_end,
                                         .change_arg = w->outcome,
                                         .limit_ms = -1};
    ledger_update(w->parts->ledger, &update, work_on_ended, w);
}

/* A vendor's texts can be larger than a record. The task ends all the same, or it would be submitted again.
 */
static void work_end_small(struct work *w)
{
    struct work_outcome *o = w->outcome;

    o->small = true;
    o->outcome = (struct journal_outcome){
        .status = TASK_FAILED, .fault = FAULT_VENDOR_ANSWER, .note = &o->note, .at_ms = o->outcome.at_ms};
    o->note = (struct note){0};
    note_set(&o->note, FAULT_VENDOR_ANSWER, "what the vendor gave is too large for a task's record");
    json_decref(o->attempt);
    o->attempt = NULL;
    work_write_end(w);
}

void work_end(struct work *w, const struct journal_hold *hold, const struct journal_outcome *outcome,
              const json_t *attempt, const json_t *verdict)
{
    struct work_outcome *o = mem_new(sizeof(*o));

    outcome_free(&w->outcome);
    w->outcome = o;
    o->outcome = *outcome;
    if (hold) {
        o->held = true;
        snprintf(o->instance, sizeof(o->instance), "%s", hold->instance);
        o->hold = (struct journal_hold){o->instance, hold->epoch};
    }
    o->outcome.outputs = o->outputs = json_incref((json_t *)outcome->outputs);
    o->outcome.usage = o->usage = json_incref((json_t *)outcome->usage);
    o->outcome.cost = o->cost = json_incref((json_t *)outcome->cost);
    o->outcome.extra = o->extra = json_incref((json_t *)outcome->extra);
    o->attempt = json_incref((json_t *)attempt);
    o->verdict = json_incref((json_t *)verdict);
    o->before = json_incref(w->doc);
    o->outcome.vendor_code = o->vendor_code = mem_text(outcome->vendor_code);
    if (outcome->note) {
        o->note = *outcome->note;
    }
    o->outcome.note = &o->note;
    o->outcome.at_ms = fleet_now_ms(w->parts->fleet);
    work_write_end(w);
}

static void work_on_left(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct work *w = arg;

    (void)fault;
    (void)doc;
    (void)revision;
    pull_forget(&w->msg);
    w->gone(w);
}

void work_leave(struct work *w, const json_t *verdict)
{
    if (!verdict) {
        pull_forget(&w->msg);
        work_gone_soon(w);
        return;
    }
    if (!w->outcome) {
        w->outcome = mem_new(sizeof(*w->outcome));
    }
    json_t *kept = json_incref((json_t *)verdict);
    json_decref(w->outcome->verdict);
    w->outcome->verdict = kept;
    work_write_late(w, work_on_left);
}
