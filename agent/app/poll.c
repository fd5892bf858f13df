/* poll.c - polls a vendor, fetches and stores what is done. */
#include "app/poll.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/call.h"
#include "app/crash.h"
#include "app/events.h"
#include "app/fleet.h"
#include "app/ledger.h"
#include "app/metrics.h"
#include "app/outputs.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/retry.h"

#define NO_TARGET_MS 5000
#define LAST_POLL_MS 3000 /* before the deadline */
#define MAX_GROWTH   40   /* deliveries after which the poll interval has surely reached its maximum */

struct poll {
    struct work work;
    const struct registry_target *target;
    const struct registry_key *key;
    const struct adapter_op *op;
    struct call_in in;
    struct call *call;
    struct outputs *outputs;
    json_t *vars;          /* of the submission, and of the poll */
    char *trouble;         /* to be written: why asking failed */
    json_t *stored;        /* to be written: outputs that are safe, a reference; NULL: none new */
    enum task_stage stage; /* to be written */
    double progress;
    int64_t next_ms;
    poll_gone_fn *gone;
    void *arg;
};

static void poll_ask(struct poll *p);
static void poll_on_answer(void *arg, struct call_out *out);

struct list *poll_link(struct poll *poll)
{
    return &poll->work.link;
}

struct poll *poll_of(struct list *link)
{
    return container_of(link, struct poll, work.link);
}

const char *poll_task(const struct poll *poll)
{
    return work_task(&poll->work);
}

void poll_stop(struct poll *p)
{
    call_stop(&p->call);
    outputs_free(&p->outputs);
    json_decref(p->vars);
    json_decref(p->stored);
    free(p->trouble);
    work_done(&p->work);
    free(p);
}

static void poll_on_gone(struct work *w)
{
    struct poll *p = container_of(w, struct poll, work);

    p->gone(p->arg, p);
    poll_stop(p);
}

/* ---- when to ask again ---- */

static double poll_random(void)
{
    return (double)(clock_mono_us() % 4093) / 4093;
}

/* The adapter's rhythm, or the vendor's wish, with a tenth of jitter so that polls do not march in step. */
static int64_t poll_delay_ms(const struct poll *p, const struct answer *a)
{
    struct adapter_every every = adapter_every(p->op);
    double ms = (double)every.first_ms;
    uint64_t n = p->work.msg->delivered < MAX_GROWTH ? p->work.msg->delivered : MAX_GROWTH;

    for (uint64_t i = 1; i < n && ms < (double)every.max_ms; i++) {
        ms *= every.growth;
    }
    ms = ms > (double)every.max_ms ? (double)every.max_ms : ms;
    if (a && a->poll_ms > 0) {
        ms = (double)a->poll_ms;
    }
    ms = ms < (double)every.min_ms ? (double)every.min_ms : ms;
    if (a && a->later_ms > 0 && (double)a->later_ms > ms) {
        ms = (double)a->later_ms;
    }
    ms = ms > (double)LIMIT_DEADLINE_MS ? (double)LIMIT_DEADLINE_MS : ms;
    return (int64_t)(ms * (1.0 + poll_random() / 10));
}

/* Gives the message back for the next poll. Whatever wait was wished for, it is asked once more just before
 * the deadline: what is done by then has been paid. */
static void poll_back(struct poll *p, int64_t delay_ms)
{
    int64_t left = work_left_ms(&p->work), last = left - LAST_POLL_MS;

    if (delay_ms > last && last > 0) {
        delay_ms = last;
    } else if (delay_ms >= left) {
        delay_ms = left > 0 ? left + 1 : 0;
    }
    work_back(&p->work, delay_ms);
}

/* What a record keeps of a failure: why, for whoever must give up in the end, and the outputs that are safe,
 * so that they are not fetched again. */
static enum fault change_trouble(json_t *doc, void *arg)
{
    const struct poll *p = arg;

    if (journal_state(doc) != JOURNAL_SUBMITTED) {
        return FAULT_CONFLICT;
    }
    json_object_set_new(doc, "trouble", json_string(p->trouble));
    if (p->stored) {
        json_object_set(doc, "stored", p->stored);
    }
    return FAULT_OK;
}

static void poll_on_trouble(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct poll *p = arg;

    (void)fault; /* the next one tells it again */
    (void)doc;
    (void)revision;
    poll_back(p, p->next_ms);
}

static void poll_failed(struct poll *p, const char *step, const struct note *note, const struct answer *a)
{
    int64_t delay = retry_backoff_ms(&retry_default, (int64_t)p->work.msg->delivered - 1, poll_random());
    int64_t rhythm = p->op ? poll_delay_ms(p, a) : 0;
    const char *why = a && a->text ? a->text : note->text;
    const char *before = json_string_value(json_object_get(p->work.doc, "trouble"));
    const struct ledger_update update = {.app = p->work.task->app,
                                         .id = p->work.task->id,
                                         .doc = p->work.doc,
                                         .revision = p->work.revision,
                                         .change = change_trouble,
                                         .change_arg = p,
                                         .limit_ms = LIMIT_ACCEPT_MS};

    p->next_ms = delay > rhythm ? delay : rhythm;
    log_info(p->work.parts->log, "asking a vendor failed", LOG_TEXT("task", p->work.task->id),
             LOG_TEXT("step", step), LOG_TEXT("why", why), LOG_INT("again_ms", p->next_ms));
    if (!p->stored && (!*why || (before && !strcmp(before, why)))) {
        poll_back(p, p->next_ms);
        return;
    }
    p->trouble = mem_text(why);
    ledger_update(p->work.parts->ledger, &update, poll_on_trouble, p);
}

/* ---- the end ---- */

/* A task that fails after the vendor was told to cancel it was cancelled, whatever word the vendor has for
 * that. */
static bool poll_was_cancelled(const struct poll *p, enum task_status status)
{
    return status == TASK_FAILED && json_is_true(json_object_get(p->work.doc, "cancel_sent"));
}

static void poll_end_failed(struct poll *p, enum task_status status, enum fault fault, const struct answer *a)
{
    struct note note = {0};

    if (poll_was_cancelled(p, status)) {
        status = TASK_CANCELLED;
        fault = FAULT_CANCELLED;
    }
    const char *trouble = json_string_value(json_object_get(p->work.doc, "trouble"));
    if (a && a->text) {
        note_set(&note, fault, "%s", a->text);
    } else if (fault == FAULT_EXPIRED && trouble) {
        note_set(&note, fault, "%s; what failed last: %s", fault_text(fault), trouble);
    }
    const struct journal_outcome outcome = {.status = status,
                                            .fault = fault,
                                            .note = &note,
                                            .usage = a ? a->usage : NULL,
                                            .cost = a ? a->cost : NULL,
                                            .vendor_code = a ? a->code : NULL};
    work_end(&p->work, NULL, &outcome, NULL, NULL);
}

static void poll_on_stored(void *arg, enum fault fault, const struct note *note, const json_t *list)
{
    struct poll *p = arg;
    const struct answer *a = outputs_answer(p->outputs);

    crash_point("after_store");
    if (fault == FAULT_OK) {
        const struct journal_outcome outcome = {
            .status = TASK_COMPLETED, .outputs = list, .usage = a->usage, .cost = a->cost, .extra = a->extra};
        work_end(&p->work, NULL, &outcome, NULL, NULL);
    } else if (fault == FAULT_HOST_REFUSED || fault == FAULT_TOO_LARGE) {
        struct note kept = *note;
        const struct journal_outcome outcome = {.status = TASK_FAILED,
                                                .fault = fault == FAULT_TOO_LARGE ? FAULT_OUTPUT_LOST : fault,
                                                .note = &kept};
        work_end(&p->work, NULL, &outcome, NULL, NULL);
    } else {
        size_t before = json_array_size(json_object_get(p->work.doc, "stored"));
        if (json_array_size(list) > before) {
            p->stored = json_copy((json_t *)list);
        }
        poll_failed(p, "store", note, NULL);
    }
}

/* ---- what the vendor says ---- */

static void poll_store(struct poll *p, struct call_out *out)
{
    struct answer *a = out->answer;

    out->answer = NULL;
    p->outputs = outputs_new(p->work.parts, &p->in, a, out->blobs, out->blob_count);
    outputs_resume(p->outputs, json_object_get(p->work.doc, "stored"));
    outputs_start(p->outputs, poll_on_stored, p);
}

static void poll_call(struct poll *p, enum adapter_step step, call_fn *fn)
{
    const json_t *submission = journal_submission(p->work.doc);

    if (!p->vars) {
        p->vars = json_object();
        json_object_update(p->vars, json_object_get(submission, "vars"));
    }
    p->in = (struct call_in){.target = p->target,
                             .key = p->key,
                             .op = p->op,
                             .step = step,
                             .task = p->work.task,
                             .vars = p->vars,
                             .idem = json_string_value(json_object_get(submission, "idem")),
                             .deadline_s = work_left_ms(&p->work) / 1000,
                             .limit_ms = work_limit_ms(&p->work)};
    p->call = call_start(p->work.parts, &p->in, fn, p);
}

static enum fault change_stage(json_t *doc, void *arg)
{
    const struct poll *p = arg;

    json_object_del(doc, "trouble");
    return journal_state(doc) == JOURNAL_SUBMITTED ? journal_progress(doc, p->stage, p->progress)
                                                   : FAULT_CONFLICT;
}

static void poll_on_stage(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct poll *p = arg;

    if (fault == FAULT_OK) {
        events_status(p->work.parts, doc, revision, 0);
    }
    poll_back(p, p->next_ms);
}

/* A new stage is written down; mere progress is only told. */
static void poll_in_progress(struct poll *p, const struct answer *a)
{
    enum task_stage stage = a->state == STATE_QUEUED ? STAGE_VENDOR_QUEUED : STAGE_VENDOR_RUNNING;

    p->next_ms = poll_delay_ms(p, a);
    p->stage = journal_cancel_asked(p->work.doc) ? STAGE_CANCELLING : stage;
    p->progress = a->progress;
    if (journal_stage(p->work.doc) != p->stage || json_object_get(p->work.doc, "trouble")) {
        const struct ledger_update update = {.app = p->work.task->app,
                                             .id = p->work.task->id,
                                             .doc = p->work.doc,
                                             .revision = p->work.revision,
                                             .change = change_stage,
                                             .change_arg = p,
                                             .limit_ms = LIMIT_ACCEPT_MS};
        ledger_update(p->work.parts->ledger, &update, poll_on_stage, p);
        return;
    }
    if (a->progress >= 0) {
        json_t *told = json_copy(p->work.doc);
        json_object_set_new(told, "progress", json_real(a->progress));
        events_progress(p->work.parts, told, p->work.revision, (unsigned)p->work.msg->delivered);
        json_decref(told);
    }
    poll_back(p, p->next_ms);
}

static void poll_on_state(struct poll *p, struct call_out *out)
{
    struct answer *a = out->answer;

    switch (a->state) {
    case STATE_NONE:
    case STATE_QUEUED:
    case STATE_IN_PROGRESS:
        poll_in_progress(p, a);
        break;
    case STATE_COMPLETED:
        if (a->fetch) {
            json_object_update(p->vars, a->save);
            poll_call(p, STEP_FETCH, poll_on_answer);
        } else {
            poll_store(p, out);
        }
        break;
    case STATE_CANCELLED:
        poll_end_failed(p, TASK_CANCELLED, FAULT_CANCELLED, a);
        break;
    case STATE_FAILED:
    case STATE_EXPIRED:
        poll_end_failed(p, TASK_FAILED,
                        a->class == CLASS_OK ? FAULT_VENDOR_FAILED : answer_class_fault(a->class), a);
        break;
    }
}

/* Of poll and fetch. Only the vendor's word on the task itself ends it: an exchange that merely failed says
 * nothing about what was paid. */
static void poll_on_answer(void *arg, struct call_out *out)
{
    struct poll *p = arg;
    const struct answer *a = out->answer;
    bool good = out->fault == FAULT_OK && a->class == CLASS_OK;
    bool ended = out->fault == FAULT_OK &&
                 (a->state == STATE_FAILED || a->state == STATE_CANCELLED || a->state == STATE_EXPIRED);

    p->call = NULL;
    crash_point("after_poll");
    if (!good && !ended) {
        poll_failed(p, adapter_step_text(p->in.step), &out->note, a);
    } else if (good && p->in.step == STEP_FETCH) {
        poll_store(p, out);
    } else {
        poll_on_state(p, out);
    }
}

static void poll_ask(struct poll *p)
{
    poll_call(p, STEP_POLL, poll_on_answer);
}

/* ---- cancelling ---- */

static enum fault change_cancel_sent(json_t *doc, void *arg)
{
    (void)arg;
    if (journal_state(doc) == JOURNAL_ENDED) {
        return FAULT_CONFLICT;
    }
    json_object_set_new(doc, "cancel_sent", json_true());
    return journal_progress(doc, STAGE_CANCELLING, -1);
}

static void poll_on_cancel_noted(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct poll *p = arg;

    if (fault == FAULT_OK) {
        work_note_record(&p->work, doc, revision);
        events_status(p->work.parts, doc, revision, 0);
        poll_ask(p); /* a request is not a cancellation: the vendor's state tells */
    } else {
        poll_back(p, NO_TARGET_MS);
    }
}

static void poll_on_cancelled(void *arg, struct call_out *out)
{
    struct poll *p = arg;
    const struct ledger_update update = {.app = p->work.task->app,
                                         .id = p->work.task->id,
                                         .doc = p->work.doc,
                                         .revision = p->work.revision,
                                         .change = change_cancel_sent,
                                         .limit_ms = LIMIT_ACCEPT_MS};

    p->call = NULL;
    if (out->fault == FAULT_OK && out->answer->class == CLASS_OK && out->answer->state == STATE_CANCELLED) {
        poll_end_failed(p, TASK_CANCELLED, FAULT_CANCELLED, out->answer);
        return;
    }
    if (out->fault != FAULT_OK || answer_class_action(out->answer->class) == ACTION_RETRY ||
        answer_class_action(out->answer->class) == ACTION_WAIT) {
        log_info(p->work.parts->log, "asking a vendor to cancel failed", LOG_TEXT("task", p->work.task->id),
                 LOG_TEXT("why", out->note.text), LOG_TEXT("next", "asked again with the next poll"));
        poll_ask(p);
        return;
    }
    ledger_update(p->work.parts->ledger, &update, poll_on_cancel_noted, p);
}

/* ---- the beginning ---- */

static bool poll_find_target(struct poll *p)
{
    const json_t *s = journal_submission(p->work.doc);

    p->target = registry_target_of(p->work.registry, p->work.task->model,
                                   json_string_value(json_object_get(s, "target")));
    if (!p->target) {
        return false;
    }
    p->target = registry_target_version(p->target, json_string_value(json_object_get(s, "adapter_digest")));
    p->key = registry_key_find(p->target, json_string_value(json_object_get(s, "key")));
    p->op = adapter_op_named(p->target->adapter, json_string_value(json_object_get(s, "op")));
    return p->key && p->op;
}

/* This agent never had the version that submitted the task, or has it no longer. All tasks of that version
 * will say the same, poll after poll: it is counted each time and told once. */
static void poll_note_version(const struct poll *p)
{
    const char *with = json_string_value(json_object_get(journal_submission(p->work.doc), "adapter_digest"));
    struct parts *parts = p->work.parts;

    if (!with || !strcmp(with, adapter_digest(p->target->adapter))) {
        return;
    }
    metrics_other_version(parts->metrics, adapter_name(p->target->adapter));
    if (strcmp(with, parts->told_version) != 0) {
        snprintf(parts->told_version, sizeof(parts->told_version), "%s", with);
        log_warn(parts->log, "tasks were submitted with another version of their adapter",
                 LOG_TEXT("task", p->work.task->id), LOG_TEXT("submitted_with", with),
                 LOG_TEXT("polled_with", adapter_digest(p->target->adapter)));
    }
}

static void poll_ready(struct work *w)
{
    struct poll *p = container_of(w, struct poll, work);

    if (journal_state(w->doc) != JOURNAL_SUBMITTED) {
        work_back(w, NO_TARGET_MS); /* a stale read: the record says more in a moment */
        return;
    }
    if (!poll_find_target(p)) {
        if (work_left_ms(w) <= 0) {
            poll_end_failed(p, TASK_EXPIRED, FAULT_EXPIRED, NULL);
            return;
        }
        log_warn(
            w->parts->log, "a submitted task's target, key or operation is not configured here",
            LOG_TEXT("task", w->task->id),
            LOG_TEXT("target", json_string_value(json_object_get(journal_submission(w->doc), "target"))));
        work_back(w, NO_TARGET_MS);
        return;
    }
    poll_note_version(p);
    if (work_left_ms(w) <= 0) {
        poll_end_failed(p, TASK_EXPIRED, FAULT_EXPIRED, NULL);
    } else if (journal_cancel_asked(w->doc) && !json_is_true(json_object_get(w->doc, "cancel_sent")) &&
               adapter_can_cancel(p->op)) {
        poll_call(p, STEP_CANCEL, poll_on_cancelled);
    } else if (w->msg->delivered == 1 && adapter_every(p->op).first_ms > 0) {
        poll_back(p, poll_delay_ms(p, NULL)); /* nothing is done at once: the first poll is a wait */
    } else {
        poll_ask(p);
    }
}

struct poll *poll_start(struct parts *parts, struct pull_msg *msg, poll_gone_fn *gone, void *arg)
{
    struct poll *p = mem_new(sizeof(*p));

    p->gone = gone;
    p->arg = arg;
    work_init(&p->work, parts, msg, PLACE_VENDOR, poll_ready, poll_on_gone);
    work_begin(&p->work);
    return p;
}

void poll_drain(struct poll *p)
{
    if (p->call && !p->outputs) {
        call_stop(&p->call);
        work_back(&p->work, 0);
    }
}
