/* run_outcome.c - what a submission came to: accepted, done, refused or unknown, and what follows from it. */
#include "app/run_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/crash.h"
#include "app/events.h"
#include "app/fleet.h"
#include "app/metrics.h"
#include "base/clock.h"
#include "base/mem.h"

#define STORE_TRIES                                                                                          \
    6 /* downloads of an output of a synchronous answer; the store being away does not count, nor a host in  \
         trouble: what is paid is asked for until the deadline */

/* ---- ends ---- */

void run_fail(struct run *r, enum fault fault, const struct note *note)
{
    enum task_status status = fault == FAULT_EXPIRED     ? TASK_EXPIRED
                              : fault == FAULT_CANCELLED ? TASK_CANCELLED
                                                         : TASK_FAILED;
    const struct journal_outcome outcome = {
        .status = status, .fault = fault, .note = note, .vendor_code = r->answer ? r->answer->code : NULL};

    if (fault == FAULT_OUTCOME_UNKNOWN) {
        metrics_unknown(r->work.parts->metrics);
    }
    r->hold = (struct journal_hold){fleet_instance(r->work.parts->fleet), r->epoch};
    work_end(&r->work, r->claimed ? &r->hold : NULL, &outcome, r->attempt, NULL);
}

static json_t *run_verdict(const struct run *r, const char *outcome, const char *vendor_id,
                           const json_t *vars)
{
    json_t *v = json_pack("{s:s,s:s}", "idem", r->idem, "outcome", outcome);

    if (vendor_id) {
        json_object_set_new(v, "vendor_id", json_string(vendor_id));
        json_object_set_new(v, "vars", vars ? json_deep_copy(vars) : json_object());
    }
    return v;
}

/* ---- what the submission came to ---- */

static json_t *run_attempt(const struct run *r, const char *class, const struct call_out *out)
{
    json_t *a = json_pack("{s:s,s:I,s:I}", "class", class, "at_ms",
                          (json_int_t)fleet_now_ms(r->work.parts->fleet), "ms", (json_int_t)out->ms);
    const char *text = out->answer && out->answer->text ? out->answer->text : out->note.text;

    if (out->status) {
        json_object_set_new(a, "http", json_integer(out->status));
    }
    if (out->answer && out->answer->code) {
        json_object_set_new(a, "code", json_string(out->answer->code));
    }
    json_t *words = *text ? json_string(text) : NULL;
    if (words) {
        json_object_set_new(a, "text", words);
    }
    return a;
}

/* -- stored outputs -- */

static void run_store(struct run *r);

static void run_completed(struct run *r, const json_t *list)
{
    const struct answer *a = outputs_answer(r->outputs);
    const struct journal_outcome outcome = {
        .status = TASK_COMPLETED, .outputs = list, .usage = a->usage, .cost = a->cost, .extra = a->extra};
    json_t *verdict = run_verdict(r, "completed", a->vendor_id, a->save);

    json_object_set(verdict, "outputs", (json_t *)list);
    r->hold = (struct journal_hold){fleet_instance(r->work.parts->fleet), r->epoch};
    work_end(&r->work, &r->hold, &outcome, NULL, verdict);
    json_decref(verdict);
}

static void run_store_again(struct timer *t)
{
    run_store(container_of(t, struct run, timer));
}

static void run_on_stored(void *arg, enum fault fault, const struct note *note, const json_t *list)
{
    struct run *r = arg;
    bool store_away = fault == FAULT_BUS_DOWN || fault == FAULT_BUS_TIMEOUT || fault == FAULT_FLEET_FULL;

    crash_point("after_store");
    if (fault == FAULT_OK) {
        run_completed(r, list);
        return;
    }
    int64_t wait =
        retry_backoff_ms(&retry_default, r->store_waits++, (double)(clock_mono_us() % 1000) / 1000);
    if (!store_away && fault != FAULT_OVERLOADED && !outputs_passing(r->outputs)) {
        r->store_tries++;
    }
    bool final = fault == FAULT_HOST_REFUSED || fault == FAULT_VENDOR_ANSWER;
    if (wait > work_left_ms(&r->work) || r->store_tries >= STORE_TRIES || final || fault == FAULT_TOO_LARGE) {
        run_fail(r, final ? fault : FAULT_OUTPUT_LOST, note);
        return;
    }
    timer_start(r->work.parts->loop, &r->timer, wait, run_store_again);
}

static void run_store(struct run *r)
{
    outputs_start(r->outputs, run_on_stored, r);
}

/* -- accepted by the vendor -- */

static enum fault change_submitted(json_t *doc, void *arg)
{
    struct run *r = arg;
    enum fault fault = journal_submitted(doc, &r->hold, r->answer->vendor_id, r->answer->save,
                                         fleet_now_ms(r->work.parts->fleet));

    return fault != FAULT_OK || journal_where(doc) == PLACE_VENDOR
               ? fault
               : journal_place(doc, PLACE_VENDOR, STAGE_VENDOR_QUEUED);
}

static void run_on_submitted(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct run *r = arg;

    crash_point("after_submitted");
    if (fault == FAULT_OK) {
        work_note_record(&r->work, doc, revision);
        events_status(r->work.parts, doc, revision, r->work.events++);
        work_move(&r->work);
        return;
    }
    if (fault != FAULT_CONFLICT) { /* no polling without a record of it, and no other submission either */
        run_fail(r, FAULT_OUTCOME_UNKNOWN, NULL);
        return;
    }
    log_warn(r->work.parts->log, "a claim was overtaken after its submission was accepted",
             LOG_TEXT("task", run_task(r)));
    json_t *verdict = run_verdict(r, "submitted", r->answer->vendor_id, r->answer->save);
    work_leave(&r->work, verdict);
    json_decref(verdict);
}

void run_submitted(struct run *r)
{
    crash_point("before_submitted");
    run_write(r, change_submitted, -1, run_on_submitted);
}

void run_write(struct run *r, ledger_change_fn *change, int64_t limit_ms, ledger_fn *fn)
{
    const struct ledger_update update = {.app = r->work.task->app,
                                         .id = r->work.task->id,
                                         .doc = r->work.doc,
                                         .revision = r->work.revision,
                                         .change = change,
                                         .change_arg = r,
                                         .limit_ms = limit_ms};

    r->hold = (struct journal_hold){fleet_instance(r->work.parts->fleet), r->epoch};
    ledger_update(r->work.parts->ledger, &update, fn, r);
}

/* -- refused: verifiably not accepted -- */

static enum task_stage refused_stage(enum answer_class class)
{
    return answer_class_action(class) == ACTION_WAIT ? STAGE_RATE_LIMITED : STAGE_RETRY_WAIT;
}

static enum fault change_refused(json_t *doc, void *arg)
{
    struct run *r = arg;
    bool away = r->decision.after_ms > LIMIT_LOCAL_WAIT_MS || r->draining;
    enum answer_class class = r->answer ? r->answer->class : CLASS_RETRY;
    enum fault fault = journal_refused(doc, &r->hold, r->attempt, r->decision.costs, refused_stage(class));

    json_object_set_new(doc, "not_before_ms",
                        json_integer(fleet_now_ms(r->work.parts->fleet) + r->decision.after_ms));
    return fault != FAULT_OK || !away ? fault : journal_place(doc, PLACE_WAIT, refused_stage(class));
}

static void run_on_refused(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct run *r = arg;

    crash_point("after_refused");
    r->claimed = false;
    if (fault != FAULT_OK) {
        json_t *verdict = run_verdict(r, "rejected", NULL, NULL);
        work_leave(&r->work, verdict);
        json_decref(verdict);
        return;
    }
    r->take_over = false;
    work_note_record(&r->work, doc, revision);
    events_status(r->work.parts, doc, revision, r->work.events++);
    if (journal_cancel_asked(doc)) {
        run_fail(r, FAULT_CANCELLED, NULL);
    } else if (journal_placement(doc) > r->work.placement) {
        work_move(&r->work);
    } else {
        timer_start(r->work.parts->loop, &r->timer, r->decision.after_ms, run_again);
    }
}

/* What is known about the next attempt. */
struct next {
    enum answer_class class;
    int64_t later_ms;
    bool local;
    int status; /* of a whole answer that does not tell; 0: there was none */
};

static void run_decide(struct run *r, struct next next)
{
    int64_t attempts = (int64_t)json_array_size(json_object_get(r->work.doc, "attempts"));
    const struct retry_in in = {.class = next.class,
                                .local = next.local,
                                .tries = r->take_over ? attempts : journal_tries(r->work.doc),
                                .waits = attempts,
                                .later_ms = next.later_ms,
                                .left_ms = work_left_ms(&r->work),
                                .random = (double)(clock_mono_us() % 4093) / 4093};

    r->decision = retry_decide(&retry_default, &in);
    run_other_key(r, next.class);
}

/* The task will be tried again, so that this is the only line that tells why. A vendor's limits are daily
 * business. */
static void run_log_again(const struct run *r)
{
    bool limit = r->answer && refused_stage(r->answer->class) == STAGE_RATE_LIMITED;
    enum log_level level = limit ? LOG_DEBUG : r->answer ? LOG_INFO : LOG_WARN;

    log_at(r->work.parts->log, level, "a submission failed", LOG_TEXT("task", run_task(r)),
           LOG_TEXT("target", r->target->name), LOG_TEXT("key", r->key->id),
           LOG_TEXT("class", json_string_value(json_object_get(r->attempt, "class"))),
           LOG_TEXT("why", json_string_value(json_object_get(r->attempt, "text"))),
           LOG_INT("again_ms", r->decision.after_ms));
}

static void run_refused(struct run *r, struct next next)
{
    struct note note = {0};

    run_decide(r, next);
    if (r->decision.again) {
        run_log_again(r);
        run_write(r, change_refused, -1, run_on_refused);
        return;
    }
    if (r->refused.text[0]) {
        note_set(&note, r->decision.fault, "%s; it says: %.150s", r->refused.text,
                 r->answer && r->answer->text ? r->answer->text : "nothing");
    } else if (r->answer && r->answer->text) {
        note_set(&note, r->decision.fault, "%s", r->answer->text);
    }
    run_fail(r, r->decision.fault, &note);
}

void run_not_accepted(struct run *r)
{
    answer_free(&r->answer);
    run_refused(r, (struct next){CLASS_RETRY, -1, false, 0});
}

/* -- unknown: sent, and no answer that tells -- */

static void run_unknown(struct run *r, const char *why, struct next next)
{
    struct note note = {0};
    bool idempotent = adapter_idempotent(r->op);

    if (run_can_look_up(r)) {
        log_info(r->work.parts->log, "a submission has an unknown outcome", LOG_TEXT("task", run_task(r)),
                 LOG_TEXT("why", why), LOG_TEXT("next", "the vendor is asked whether it has the task"));
        run_note_lost(r, json_integer_value(json_object_get(journal_intent(r->work.doc), "at_ms")),
                      next.status);
        run_look_up(r);
        return;
    }
    r->take_over = true; /* of our own claim: the same idempotency key */
    run_decide(r, next);
    if (idempotent && r->decision.again && r->draining) {
        work_back(&r->work, 0); /* a peer takes over when we are gone */
        return;
    }
    if (idempotent && r->decision.again) {
        run_log_again(r);
        timer_start(r->work.parts->loop, &r->timer, r->decision.after_ms, run_again);
        return;
    }
    note_set(&note, FAULT_OUTCOME_UNKNOWN, "%s; %s", why,
             idempotent ? "it stayed unknown over several tries with the same idempotency key"
                        : "the vendor takes no idempotency key, so it is not sent again");
    run_fail(r, FAULT_OUTCOME_UNKNOWN, &note);
}

/* -- the answer -- */

static void run_accepted(struct run *r, struct call_out *out)
{
    bool complete =
        adapter_synchronous(r->op) || (r->answer->state == STATE_COMPLETED && r->answer->output_count > 0);

    if (r->answer->state == STATE_FAILED || r->answer->state == STATE_CANCELLED) {
        enum answer_class class = r->answer->class == CLASS_OK ? CLASS_VENDOR_INTERNAL : r->answer->class;
        run_refused(r, (struct next){class, r->answer->later_ms, false, 0});
    } else if (complete) {
        struct answer *answer = r->answer;
        r->answer = NULL;
        r->outputs = outputs_new(r->work.parts, &r->in, answer, out->blobs, out->blob_count);
        run_store(r);
    } else {
        run_submitted(r);
    }
}

/* Sent again with the same key, only a verdict on the request itself tells what became of it the first time:
 * a limit that holds now tells nothing. */
static bool run_tells(const struct run *r, enum answer_class class)
{
    enum fault fault = answer_class_fault(class);

    return !r->take_over || fault == FAULT_CONTENT_POLICY || fault == FAULT_VENDOR_REJECTED;
}

static void run_on_answer(struct run *r, struct call_out *out)
{
    enum answer_class class = out->answer->class;
    const char *text = out->answer->text;

    r->answer = out->answer;
    out->answer = NULL;
    if (class == CLASS_OK) {
        run_accepted(r, out);
    } else if (r->answer->accepted != ACCEPTED_NO || class == CLASS_UNKNOWN) {
        run_unknown(r, text ? text : "the vendor's answer does not say whether it took the task",
                    (struct next){CLASS_RETRY, r->answer->later_ms, false, out->status});
    } else if (!run_tells(r, class)) {
        run_unknown(r, text ? text : "the vendor does not take it now",
                    (struct next){class, r->answer->later_ms, false, out->status});
    } else {
        run_refused(r, (struct next){class, r->answer->later_ms, false, 0});
    }
}

void run_on_call(void *arg, struct call_out *out)
{
    struct run *r = arg;

    r->call = NULL;
    crash_point("after_submit");
    metrics_phase(r->work.parts->metrics, PHASE_SUBMITTING, out->ms);
    run_learn(r, out);
    answer_free(&r->answer);
    json_decref(r->attempt);
    r->attempt = NULL;
    if (out->fault != FAULT_OK || out->answer->class != CLASS_OK) {
        r->attempt =
            run_attempt(r, out->answer ? answer_class_text(out->answer->class) : fault_code(out->fault), out);
    }
    if (out->fault == FAULT_OK) {
        run_on_answer(r, out);
    } else if (out->fault == FAULT_BAD_VALUE || out->fault == FAULT_VENDOR_REJECTED ||
               out->fault == FAULT_HOST_REFUSED) {
        run_fail(r, out->fault == FAULT_BAD_VALUE ? FAULT_VENDOR_REJECTED : out->fault, &out->note);
    } else {
        bool sent = out->progress != VENDOR_NOT_SENT;
        struct next next = {CLASS_RETRY, -1, !sent && (out->local || out->fault == FAULT_EXPIRED), 0};
        if (sent || r->take_over) {
            run_unknown(r, out->note.text, next);
        } else {
            run_refused(r, next);
        }
    }
}
