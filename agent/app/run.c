/* run.c - from a message in the queue to a claim and a submission. */
#include "app/run_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/crash.h"
#include "app/events.h"
#include "app/fleet.h"
#include "app/metrics.h"
#include "app/rates.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"

#define BUSY_MS        5000 /* a living agent holds the task: look again */
#define NO_MODEL_MS    5000 /* this agent has no such model (any more) */
#define NO_MODEL_SOON  8    /* deliveries at first: the next agent that is asked may have it */
#define SOON_MS        100
#define NO_PRESENCE_MS 1000
#define UNCONFIRMED_MS 2000 /* for an acceptance that is taken back to go first */

static void run_claim(struct run *r);

struct list *run_link(struct run *run)
{
    return &run->work.link;
}

struct run *run_of(struct list *link)
{
    return container_of(link, struct run, work.link);
}

const char *run_task(const struct run *run)
{
    return work_task(&run->work);
}

static void run_free(struct run *r)
{
    inputs_stop(&r->inputs_work);
    call_stop(&r->call);
    run_unlearn(r);
    outputs_free(&r->outputs);
    inputs_free(&r->inputs);
    answer_free(&r->answer);
    timer_stop(&r->timer);
    json_decref(r->attempt);
    free(r->idem);
    work_done(&r->work);
    free(r);
}

void run_stop(struct run *run)
{
    run_free(run);
}

static void run_on_gone(struct work *w)
{
    struct run *r = container_of(w, struct run, work);

    r->gone(r->arg, r);
    run_free(r);
}

/* ---- claim and submit ---- */

/* Late means not sent: an agent that slept through this may have been overtaken. One that drains hands the
 * task over instead. */
static bool run_may_send(void *arg)
{
    struct run *r = arg;

    crash_point("before_submit");
    return !r->draining && clock_boot_ms() < r->send_by;
}

static void run_submit(struct run *r)
{
    r->in = (struct call_in){.target = r->target,
                             .key = r->key,
                             .op = r->op,
                             .step = STEP_SUBMIT,
                             .task = r->work.task,
                             .inputs = r->inputs,
                             .idem = r->idem,
                             .deadline_s = work_left_ms(&r->work) / 1000,
                             .limit_ms = work_limit_ms(&r->work),
                             .before_send = run_may_send};
    r->call = call_start(r->work.parts, &r->in, run_on_call, r);
}

static enum fault change_claim(json_t *doc, void *arg)
{
    struct run *r = arg;

    if (r->take_over && r->attempt) {
        journal_attempt(doc, r->attempt);
    }
    json_object_del(doc, "not_before_ms");
    return journal_claim(doc, &r->claim, &r->epoch);
}

static void run_on_claimed(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct run *r = arg;

    crash_point("after_claim");
    if (fault == FAULT_OK) {
        r->claimed = true;
        work_note_record(&r->work, doc, revision);
        json_decref(r->attempt);
        r->attempt = NULL;
        free(r->idem);
        r->idem = mem_text(json_string_value(json_object_get(journal_intent(doc), "idem")));
        events_status(r->work.parts, doc, revision, r->work.events++);
        metrics_phase(r->work.parts->metrics, PHASE_QUEUED,
                      fleet_now_ms(r->work.parts->fleet) - r->work.task->accepted_ms);
        if (r->lost_ms) {
            r->attempt = json_pack("{s:s,s:s,s:I}", "class", "lost", "text",
                                   "the agent that submitted it died", "at_ms", (json_int_t)r->lost_ms);
            run_look_up(r);
        } else {
            run_submit(r);
        }
    } else if (fault == FAULT_CANCELLED) {
        work_note_record(&r->work, doc, revision);
        run_fail(r, FAULT_CANCELLED, NULL);
    } else if (doc && journal_state(doc) == JOURNAL_ENDED) {
        work_note_record(&r->work, doc, revision);
        work_back(&r->work, 0); /* comes again and is settled */
    } else {
        work_back(&r->work, BUSY_MS);
    }
}

/* The vendor allows no more submissions with this key at present. */
static void run_wait_rate(struct run *r, int64_t wait)
{
    int64_t left = work_left_ms(&r->work);

    wait = wait < left ? wait : left > 0 ? left + 1 : 0;
    if (wait > LIMIT_LOCAL_WAIT_MS) {
        work_back(&r->work, wait);
    } else {
        timer_start(r->work.parts->loop, &r->timer, wait, run_again);
    }
}

static void run_claim(struct run *r)
{
    struct parts *parts = r->work.parts;

    if (r->draining || !fleet_present(parts->fleet)) {
        work_back(&r->work, r->draining ? 0 : NO_PRESENCE_MS);
        return;
    }
    int64_t wait = r->lost_ms ? 0 : rates_take(parts->rates, r->target, r->key, r->work.task->kind);
    if (wait > 0) {
        run_wait_rate(r, wait);
        return;
    }
    if (!run_admit(r)) {
        return;
    }
    id_random(r->nonce, 8);
    r->send_by = clock_boot_ms() + LIMIT_SEND_BY_MS;
    r->claim = (struct journal_claim){.instance = fleet_instance(parts->fleet),
                                      .nonce = r->nonce,
                                      .target = r->target->name,
                                      .adapter = adapter_name(r->target->adapter),
                                      .adapter_digest = adapter_digest(r->target->adapter),
                                      .op = adapter_op_name(r->op),
                                      .base = r->target->base,
                                      .options = r->target->options,
                                      .key = r->key->id,
                                      .take_over = r->take_over,
                                      .over = journal_epoch(r->work.doc),
                                      .at_ms = fleet_now_ms(parts->fleet)};
    crash_point("before_claim");
    /* Never given up half-way: a claim that stands and that nobody speaks for looks like one that was sent.
     * When it takes long, send_by is over and nothing is sent. */
    run_write(r, change_claim, -1, run_on_claimed);
}

/* ---- before the claim ---- */

/* Whether what was sent before had been taken nobody will find out now. */
static void run_overdue(struct run *r)
{
    run_fail(r, r->take_over ? FAULT_OUTCOME_UNKNOWN : FAULT_EXPIRED, NULL);
}

static void run_on_overdue(struct timer *t)
{
    struct run *r = container_of(t, struct run, timer);

    inputs_stop(&r->inputs_work);
    run_overdue(r);
}

static void run_on_inputs(void *arg, const struct inputs_end *end)
{
    struct run *r = arg;
    int64_t left = work_left_ms(&r->work);

    timer_stop(&r->timer);
    r->inputs_work = NULL;
    r->inputs = end->inputs;
    metrics_phase(r->work.parts->metrics, PHASE_PREPARING, loop_now_ms(r->work.parts->loop) - r->began_ms);
    if (end->fault == FAULT_OK) {
        r->op = end->inputs->op;
        run_claim(r);
    } else if (end->again_ms >= 0) {
        work_back(&r->work, end->again_ms < left ? end->again_ms : left > 0 ? left + 1 : 0);
    } else {
        run_fail(r, end->fault, end->note);
    }
}

/* Makes the media ready, until the deadline at most. */
static void run_prepare(struct run *r)
{
    int64_t left = work_left_ms(&r->work);

    if (r->draining) {
        work_back(&r->work, 0);
    } else if (left <= 0) {
        run_overdue(r);
    } else {
        const struct inputs_for what = {r->target, r->key, r->work.task, r->op};
        r->inputs_work = inputs_prepare(r->work.parts, &what, run_on_inputs, r);
        timer_start(r->work.parts->loop, &r->timer, left, run_on_overdue);
    }
}

/* Finds what the claim of before submitted with. False: it is not configured here, or the vendor takes no
 * idempotency key, or it may have got none: the adapter is another now, or the place, where nobody knows of
 * it.
 */
static bool run_find_same(struct run *r)
{
    const json_t *intent = journal_intent(r->work.doc);
    const char *digest = json_string_value(json_object_get(intent, "adapter_digest"));

    r->target = registry_target_of(r->work.registry, r->work.task->model,
                                   json_string_value(json_object_get(intent, "target")));
    if (!r->target || !digest) {
        return false;
    }
    r->target = registry_target_version(r->target, digest);
    if (strcmp(digest, adapter_digest(r->target->adapter)) != 0 ||
        !journal_same_place(intent, r->target->base, r->target->options)) {
        return false;
    }
    r->key = registry_key_find(r->target, json_string_value(json_object_get(intent, "key")));
    r->op = adapter_op_named(r->target->adapter, json_string_value(json_object_get(intent, "op")));
    return r->key && r->op && (adapter_idempotent(r->op) || adapter_can_lookup(r->op));
}

/* The holder of this task is gone, or it is us and has given up: what it sent, if it did, has an unknown
 * outcome. */
static void run_overtake(struct run *r)
{
    struct note note = {0};
    bool again = run_find_same(r);

    if (!r->target && work_left_ms(&r->work) > 0) { /* a peer may have it */
        work_back(&r->work, NO_MODEL_MS);
        return;
    }
    log_warn(r->work.parts->log, "a submission has an unknown outcome", LOG_TEXT("task", run_task(r)),
             LOG_TEXT("holder", journal_holder(r->work.doc)),
             LOG_TEXT("next", !again               ? "ends as outcome_unknown"
                              : run_can_look_up(r) ? "the vendor is asked whether it has the task"
                                                   : "sent again with the same idempotency key"));
    r->take_over = true;
    if (again && run_can_look_up(r)) {
        run_note_lost(r, json_integer_value(json_object_get(journal_intent(r->work.doc), "at_ms")), 0);
        run_claim(r);
        return;
    }
    if (again) {
        run_prepare(r);
        return;
    }
    note_set(&note, FAULT_OUTCOME_UNKNOWN,
             "the agent that submitted it died before the answer was recorded, and it cannot be sent again "
             "with the same idempotency key");
    run_fail(r, FAULT_OUTCOME_UNKNOWN, &note);
}

static void run_on_alive(void *arg, enum fault fault, bool alive)
{
    struct run *r = arg;
    bool ours = !strcmp(journal_holder(r->work.doc), fleet_instance(r->work.parts->fleet));

    if (ours || (fault == FAULT_OK && !alive)) {
        run_overtake(r);
    } else {
        work_back(&r->work, BUSY_MS);
    }
}

static int64_t run_not_before_ms(const struct run *r)
{
    int64_t at = json_integer_value(json_object_get(r->work.doc, "not_before_ms"));

    return at ? at - fleet_now_ms(r->work.parts->fleet) : 0;
}

/* It was stored so long after its app had asked that the app may have been told that nothing is certain: then
 * it is being taken back. */
static bool run_unconfirmed(const struct run *r)
{
    const struct pull_msg *msg = r->work.msg;

    return journal_withdrawable(r->work.doc) && msg->delivered == 1 &&
           msg->time_ms - r->work.task->accepted_ms > LIMIT_ACCEPT_MS / 2;
}

/* Chooses target and key for a new submission, and makes its media ready. */
static void run_anew(struct run *r)
{
    const struct registry_model *model = registry_model(r->work.registry, r->work.task->model);

    r->op = NULL;
    r->lost_ms = 0;
    if (!model) {
        log_warn(r->work.parts->log, "a task's model is not configured here", LOG_TEXT("task", run_task(r)),
                 LOG_TEXT("model", r->work.task->model));
        work_back(&r->work, r->work.msg->delivered <= NO_MODEL_SOON ? SOON_MS : NO_MODEL_MS);
        return;
    }
    r->target = &model->target;
    if (run_choose(r)) {
        run_prepare(r);
    }
}

static void run_claimable(struct run *r)
{
    int64_t wait = run_not_before_ms(r), left = work_left_ms(&r->work);

    if (journal_cancel_asked(r->work.doc)) {
        run_fail(r, FAULT_CANCELLED, NULL);
    } else if (left <= 0) {
        run_overdue(r);
    } else if (wait > 0) {
        work_back(&r->work, wait < left ? wait : left + 1);
    } else if (run_unconfirmed(r)) {
        work_back(&r->work, UNCONFIRMED_MS);
    } else {
        run_anew(r);
    }
}

static void run_ready(struct work *w)
{
    struct run *r = container_of(w, struct run, work);

    switch (journal_next(w->doc, true)) {
    case JOURNAL_CLAIM:
        run_claimable(r);
        break;
    case JOURNAL_BUSY:
        fleet_alive(w->parts->fleet, journal_holder(w->doc), run_on_alive, r);
        break;
    case JOURNAL_POLL:
    case JOURNAL_TAKE_OVER:
    case JOURNAL_SETTLE:
        work_move(
            w); /* submitted, and the record names this very placement: its message belongs in SLUICE_POLL */
        break;
    }
}

/* A local wait is over: the media are ready, the record is ours to claim. */
void run_again(struct timer *t)
{
    struct run *r = container_of(t, struct run, timer);

    if (work_left_ms(&r->work) <= 0) {
        run_overdue(r);
        return;
    }
    if (!r->inputs) { /* a lookup came first */
        run_anew(r);
        return;
    }
    if (r->take_over || r->inputs->assets || run_choose(r)) { /* assets belong to the account that has them */
        run_claim(r);
    }
}

struct run *run_start(struct parts *parts, struct pull_msg *msg, enum task_place place, run_gone_fn *gone,
                      void *arg)
{
    struct run *r = mem_new(sizeof(*r));

    r->gone = gone;
    r->arg = arg;
    r->began_ms = loop_now_ms(parts->loop);
    work_init(&r->work, parts, msg, place, run_ready, run_on_gone);
    work_begin(&r->work);
    return r;
}

void run_drain(struct run *r)
{
    bool waits = timer_running(&r->timer) && !r->outputs;

    r->draining = true;
    if (waits || r->inputs_work) { /* nothing is on the wire: a peer goes on with it */
        timer_stop(&r->timer);
        inputs_stop(&r->inputs_work);
        work_back(&r->work, 0);
    }
}
