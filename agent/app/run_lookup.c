/* run_lookup.c - a submission whose outcome is unknown: asks the vendor whether it has the task. */
#include <string.h>

#include "app/fleet.h"
#include "app/run_internal.h"
#include "base/clock.h"

static void lookup_ask(struct run *r);

bool run_can_look_up(const struct run *r)
{
    return adapter_can_lookup(r->op) && !adapter_idempotent(r->op);
}

static void on_time(struct timer *t)
{
    lookup_ask(container_of(t, struct run, timer));
}

/* Asks again after a while, not later than sure_ms as long as that is ahead. */
static void lookup_later(struct run *r, const char *why)
{
    struct note note = {0};
    int64_t left = work_left_ms(&r->work), sure = r->sure_ms - fleet_now_ms(r->work.parts->fleet);
    int64_t wait = retry_backoff_ms(&retry_default, r->lookups++, (double)(clock_mono_us() % 4093) / 4093);

    wait = sure > 0 && wait > sure ? sure : wait;
    if (r->draining) {
        work_back(&r->work, 0); /* a peer asks when we are gone */
    } else if (wait >= left) {
        note_set(&note, FAULT_OUTCOME_UNKNOWN,
                 "no whole answer came, and the vendor does not say whether it has the task: %s", why);
        run_fail(r, FAULT_OUTCOME_UNKNOWN, &note);
    } else {
        timer_start(r->work.parts->loop, &r->timer, wait, on_time);
    }
}

/* The vendor never took it: a refusal like others. */
static void lookup_not_accepted(struct run *r)
{
    log_info(r->work.parts->log, "a lost submission was never taken", LOG_TEXT("task", run_task(r)),
             LOG_TEXT("target", r->target->name));
    json_object_set_new(r->attempt, "lookup", json_string("not_found"));
    r->take_over = false;
    r->lost_ms = 0;
    run_not_accepted(r);
}

static void lookup_on_answer(void *arg, struct call_out *out)
{
    struct run *r = arg;
    const struct answer *a = out->answer;

    r->call = NULL;
    if (a && a->class == CLASS_OK && a->found) {
        log_info(r->work.parts->log, "a lost submission was found at the vendor",
                 LOG_TEXT("task", run_task(r)), LOG_TEXT("target", r->target->name),
                 LOG_TEXT("vendor_id", a->vendor_id ? a->vendor_id : ""));
        answer_free(&r->answer);
        r->answer = out->answer;
        out->answer = NULL;
        run_submitted(r);
    } else if (a && a->class == CLASS_NOT_FOUND && fleet_now_ms(r->work.parts->fleet) >= r->sure_ms) {
        lookup_not_accepted(r);
    } else if (a && a->class == CLASS_NOT_FOUND) {
        lookup_later(r, "it does not find it");
    } else {
        lookup_later(r, a && a->text ? a->text : out->note.text);
    }
}

static void lookup_ask(struct run *r)
{
    r->in = (struct call_in){.target = r->target,
                             .key = r->key,
                             .op = r->op,
                             .step = STEP_LOOKUP,
                             .task = r->work.task,
                             .idem = r->idem,
                             .deadline_s = work_left_ms(&r->work) / 1000,
                             .limit_ms = work_limit_ms(&r->work)};
    r->call = call_start(r->work.parts, &r->in, lookup_on_answer, r);
}

/* The vendor itself has answered: it has the request, and is done with it. Gateways answer for vendors that
 * are not. */
static bool has_arrived(int status)
{
    return status && status != 408 && status != 502 && status != 503 && status != 504 && status < 520;
}

void run_note_lost(struct run *r, int64_t sent_ms, int status)
{
    int64_t lag = adapter_lag_ms(r->op);

    r->lost_ms = sent_ms;
    /* The latest that the vendor can have got it, and can have made it known. */
    r->sure_ms = has_arrived(status)
                     ? fleet_now_ms(r->work.parts->fleet) + lag
                     : sent_ms + LIMIT_SEND_BY_MS + adapter_timeout_ms(r->op, STEP_SUBMIT) + lag;
}

void run_look_up(struct run *r)
{
    int64_t wait = r->lost_ms + adapter_lag_ms(r->op) - fleet_now_ms(r->work.parts->fleet);

    r->lookups = 0;
    timer_start(r->work.parts->loop, &r->timer, wait > 0 ? wait : 0, on_time);
}
