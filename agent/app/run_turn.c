/* run_turn.c - a run and the fleet's standing: which key it takes, what it waits for, what it taught all. */
#include "app/events.h"
#include "app/fleet.h"
#include "app/run_internal.h"
#include "base/clock.h"

#define LOCAL_MS  1000 /* a shorter wait is not worth giving the message back */
#define SPREAD_MS 5000

/* ---- waiting ---- */

static enum fault change_wait(json_t *doc, void *arg)
{
    struct run *r = arg;
    int64_t at_ms = fleet_now_ms(r->work.parts->fleet) + r->wait_ms;

    if (journal_state(doc) != JOURNAL_ACCEPTED) {
        return FAULT_CONFLICT;
    }
    json_object_set_new(doc, "not_before_ms", json_integer(at_ms));
    return r->wait_ms > LIMIT_LOCAL_WAIT_MS && journal_where(doc) == PLACE_TASKS
               ? journal_place(doc, PLACE_WAIT, r->wait_stage)
               : journal_progress(doc, r->wait_stage, -1);
}

static void on_waiting(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct run *r = arg;

    if (fault == FAULT_OK) {
        work_note_record(&r->work, doc, revision);
        events_status(r->work.parts, doc, revision, r->work.events++);
        if (journal_placement(doc) > r->work.placement) {
            work_move(&r->work);
            return;
        }
    }
    work_back(&r->work, fault == FAULT_OK ? r->wait_ms : 0);
}

/* Nothing may be sent now. The record says so, and the message comes again. */
static void turn_wait(struct run *r, const struct standing_turn *turn)
{
    int64_t left = work_left_ms(&r->work), spread = turn->wait_ms / 8;
    double random = (double)(clock_mono_us() % 4093) / 4093;

    bool prepared = r->inputs && r->inputs->assets; /* to be done all over again elsewhere */
    if (turn->wait_ms <= (prepared ? LIMIT_LOCAL_WAIT_MS : LOCAL_MS) && !r->draining) {
        timer_start(r->work.parts->loop, &r->timer, turn->wait_ms, run_again);
        return;
    }
    /* Those that wait for the same do not all come in the same moment. */
    r->wait_ms = turn->wait_ms + (int64_t)((double)(spread < SPREAD_MS ? spread : SPREAD_MS) * random);
    r->wait_ms = r->wait_ms < left ? r->wait_ms : left > 0 ? left + 1 : 0;
    r->wait_stage = turn->stage;
    bool known = journal_stage(r->work.doc) == turn->stage &&
                 (r->work.place == PLACE_WAIT || r->wait_ms <= LIMIT_LOCAL_WAIT_MS);
    if (r->take_over || r->draining || known) {
        work_back(&r->work, r->draining ? 0 : r->wait_ms);
    } else {
        run_write(r, change_wait, LIMIT_ACCEPT_MS, on_waiting);
    }
}

static bool turn_taken(struct run *r, const struct standing_turn *turn)
{
    if (turn->key) {
        r->key = turn->key;
        return true;
    }
    if (turn->fault != FAULT_OK) {
        run_fail(r, turn->fault, &turn->note);
    } else {
        turn_wait(r, turn);
    }
    return false;
}

/* ---- choosing ---- */

/* What was sent before with an unknown outcome goes with the same key, and so does what was uploaded. */
static bool is_bound(const struct run *r)
{
    return r->take_over || r->lost_ms || (r->inputs && r->inputs->assets);
}

bool run_choose(struct run *r)
{
    struct standing_turn turn;

    standing_pick(r->work.parts->standing, r->target, &turn);
    return turn_taken(r, &turn);
}

bool run_admit(struct run *r)
{
    struct standing *standing = r->work.parts->standing;
    struct standing_turn turn;

    if (r->lost_ms) { /* it is only asked for */
        return true;
    }
    if (is_bound(r)) {
        standing_look(standing, r->target, r->key, &turn);
    } else {
        standing_pick(standing, r->target, &turn);
    }
    if (!turn_taken(r, &turn)) {
        return false;
    }
    standing_begin(standing, r->target, r->key, run_task(r), &r->ticket);
    return true;
}

/* ---- learning ---- */

void run_learn(struct run *r, const struct call_out *out)
{
    const struct answer *a = out->answer;
    bool sent = out->progress != VENDOR_NOT_SENT;
    bool ours = out->fault == FAULT_BAD_VALUE || out->fault == FAULT_VENDOR_REJECTED ||
                out->fault == FAULT_HOST_REFUSED || (!sent && (out->local || out->fault == FAULT_EXPIRED));
    struct standing_said said = {.nothing = !a && ours, .lost = !a, .later_ms = -1};

    if (a) {
        said.class = a->class;
        said.later_ms = a->later_ms;
    }
    standing_end(r->work.parts->standing, &r->ticket, &said);
}

void run_unlearn(struct run *r)
{
    standing_end(r->work.parts->standing, &r->ticket, &(struct standing_said){.nothing = true});
}

static bool is_dead(enum answer_class class)
{
    return class == CLASS_AUTH || class == CLASS_REAUTH_ONCE || class == CLASS_QUOTA_EXHAUSTED;
}

static bool is_limited(enum answer_class class)
{
    return class == CLASS_RATE_LIMITED || class == CLASS_CONCURRENCY_LIMITED;
}

/* Whether another key may be taken after a refusal of that class. */
static bool may_change(const struct run *r, enum answer_class class)
{
    return is_dead(class) ? !r->take_over && !r->lost_ms : is_limited(class) && !is_bound(r);
}

void run_other_key(struct run *r, enum answer_class class)
{
    bool dead = is_dead(class);
    struct standing_turn turn;

    r->refused = (struct note){0};
    if (!may_change(r, class)) {
        return;
    }
    standing_pick(r->work.parts->standing, r->target, &turn);
    bool other = turn.key && turn.key != r->key;
    bool later =
        dead && r->target->key_count > 1 && turn.wait_ms > 0 && turn.wait_ms < work_left_ms(&r->work);
    r->refused = turn.note;
    if (!other && !later) {
        return;
    }
    r->decision = (struct retry_out){.again = true, .after_ms = other ? 0 : turn.wait_ms};
    if (is_bound(r)) { /* uploaded to an account that is of no use */
        inputs_free(&r->inputs);
    }
}
