/* journal.h - the rules of a task's record: what each reader may do next, and what each write turns it into.
 *
 *   accepted ──claim──► claimed ──submitted──► submitted ──end──► ended
 *      ▲  │                │ │                                      ▲
 *      │  └──cancel────────┼─┼──────────────────────────────────────┤
 *      └─────refused───────┘ └──end (synchronous answer, final refusal, unknown)
 *
 * The record in KV is the only truth of how far a task is; its revision is the fencing token. Every write
 * here is a pure function from the record as read to the record as it shall be. The writer stores it with
 * compare-and-set; when it lost, it reads again from the leader and applies the same function to what is
 * there now. The function itself refuses (CONFLICT) when the claim it speaks for has been overtaken: that is
 * the fence. Nothing here reads a clock or knows NATS.
 *
 * The document: {id, app, model, kind, lane, priority, accepted_ms, deadline_ms, digest, keyed, input (until
 * it ends), metadata?, traceparent?, state, status, stage, progress?, where, placement, epoch, tries,
 * refusals, write, holder?: {instance, epoch, nonce}, intent?: {target, adapter, adapter_digest, op, key,
 * idem, attempt, at_ms}, submission?: {vendor_id, vars, target, adapter, adapter_digest, op, key, at_ms},
 * attempts: [{…}], cancel?, kept?, made?, replay_of?, late?: [{…}], result?, ended_ms?}. Members it does not
 * know are kept: a newer agent's. */
#ifndef CORE_JOURNAL_H
#define CORE_JOURNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/fault.h"
#include "core/task.h"

enum journal_state { JOURNAL_ACCEPTED, JOURNAL_CLAIMED, JOURNAL_SUBMITTED, JOURNAL_ENDED };

/* ---- reading; doc is borrowed, texts live as long as doc ---- */

/* journal_check - doc has the members that the rules rely on. Faults: BAD_DATA. */
enum fault journal_check(const json_t *doc, struct note *note) MUSTCHECK;
enum journal_state journal_state(const json_t *doc);
enum task_status journal_status(const json_t *doc);
enum task_stage journal_stage(const json_t *doc);
bool journal_cancel_asked(const json_t *doc);
int64_t journal_epoch(const json_t *doc);
int64_t journal_placement(const json_t *doc);
enum task_place journal_where(const json_t *doc);
/* Attempts that cost one (refusals for the vendor's limits cost none). */
int64_t journal_tries(const json_t *doc);
const json_t *journal_result(const json_t *doc);     /* or NULL */
const json_t *journal_intent(const json_t *doc);     /* or NULL */
const json_t *journal_submission(const json_t *doc); /* or NULL */
const char *journal_holder(const json_t *doc);       /* the holder's instance, or NULL */
/* journal_given_up - an ended task that somebody may want to send again: it failed or expired for a reason
 * that is not the request's own. */
bool journal_given_up(const json_t *doc);
/* journal_wrote - the last write of doc is the one with this nonce: a write whose ack was lost stood after
 * all. */
bool journal_wrote(const json_t *doc, const char *nonce);
/* journal_late_submission - a verdict that an overtaken holder left for the submission with this idempotency
 * key: {vendor_id, vars}, or NULL. */
const json_t *journal_late_submission(const json_t *doc, const char *idem);

/* What the receiver of a message does, having read the record. */
enum journal_next {
    JOURNAL_CLAIM,     /* nobody holds it: prepare, then claim */
    JOURNAL_BUSY,      /* a living agent holds it: give the message back */
    JOURNAL_TAKE_OVER, /* its holder is gone and may have submitted: the outcome is unknown */
    JOURNAL_POLL,      /* a vendor works on it: never submit */
    JOURNAL_SETTLE     /* it has ended: publish what is missing, ack */
};
enum journal_next journal_next(const json_t *doc, bool holder_alive);

/* ---- writing: doc is changed in place (the caller made a deep copy) ---- */

/* Who speaks: the claim by its epoch. */
struct journal_hold {
    const char *instance;
    int64_t epoch;
};

/* journal_new - the first record of a task. digest: of the request as sent, for idempotent replays. New
 * reference. */
json_t *journal_new(const struct task *t, const char *digest, bool keyed);

/* journal_task - the task of a record that has not ended, as its message has it: for a message that was lost.
 * The caller frees it. Faults: BAD_DATA (an older agent's record, which has no input). */
enum fault journal_task(const json_t *doc, struct task **ret_task, struct note *note) MUSTCHECK;

/* journal_place - counts a new placement and says where it is. */
enum fault journal_place(json_t *doc, enum task_place place, enum task_stage stage) MUSTCHECK;

/* Claim and intent in one write. */
struct journal_claim {
    const char *instance;
    const char *nonce;
    const char *target;
    const char *adapter, *adapter_digest, *op;
    const char *base;      /* where it is sent, and with which options: another place knows nothing of it */
    const json_t *options; /* NULL: none */
    const char *key;       /* id of the vendor key, never the secret */
    bool take_over; /* of the claim with epoch `over`, whose holder is gone or is us; keeps its idempotency
                       key */
    int64_t over;
    int64_t at_ms; /* Unix ms, for people */
};
/* journal_same_place - an intent was to be sent to this base with these options. One of before records had
 * them was. */
bool journal_same_place(const json_t *intent, const char *base, const json_t *options);

/* CONFLICT: not in a state to be claimed (any more); CANCELLED: cancellation was asked for before the claim.
 * On OK *ret_epoch is the claim's, and journal_intent(doc) has the idempotency key "<task>-<n>": the same n
 * again unless the vendor verifiably refused before. */
enum fault journal_claim(json_t *doc, const struct journal_claim *claim, int64_t *ret_epoch) MUSTCHECK;

/* journal_submitted - the vendor accepted. vars: {name: text} for later steps (borrowed). */
enum fault journal_submitted(json_t *doc, const struct journal_hold *hold, const char *vendor_id,
                             const json_t *vars, int64_t at_ms) MUSTCHECK;

/* journal_refused - verifiably not accepted: free again for the next attempt. attempt: {class, http?, code?,
 * text?, ms} (borrowed); costs: it counts. */
enum fault journal_refused(json_t *doc, const struct journal_hold *hold, const json_t *attempt, bool costs,
                           enum task_stage stage) MUSTCHECK;

/* journal_released - the claim is given up with nothing sent (drain, a local failure): costs nothing. */
enum fault journal_released(json_t *doc, const struct journal_hold *hold) MUSTCHECK;

/* journal_attempt - appends an attempt without changing the state (a failed one whose task ends with the same
 * write). */
void journal_attempt(json_t *doc, const json_t *attempt);

/* journal_progress - stage and progress of a running task (0 to 100, negative: leave). Not on ended ones
 * (CONFLICT). */
enum fault journal_progress(json_t *doc, enum task_stage stage, double progress) MUSTCHECK;

/* journal_end - the terminal write: status and result (a map that the record shares from now on, so nobody
 * changes it any more; see journal_result_new). hold NULL: whoever may (poller, sweeper, cancel of an
 * accepted task). CONFLICT: ended already, or (with hold) overtaken. */
enum fault journal_end(json_t *doc, const struct journal_hold *hold, enum task_status status,
                       const json_t *result, int64_t at_ms) MUSTCHECK;

/* journal_unchanged - doc is still in the state and epoch of before: whoever speaks for no claim may end it
 * only then. */
bool journal_unchanged(const json_t *doc, const json_t *before);

/* journal_withdrawable - an app was told that this task may not have been taken, so it may still end unseen:
 * nobody has claimed it, and nobody else was told that it is taken. journal_keep - tells that it is taken, so
 * that it is not withdrawn any more. CONFLICT: it has been claimed or has ended, so it is not withdrawn
 * anyway. */
bool journal_withdrawable(const json_t *doc);
enum fault journal_keep(json_t *doc) MUSTCHECK;

/* journal_cancel - asks for cancellation. */
enum journal_cancelled { CANCEL_NOW, CANCEL_REQUESTED, CANCEL_TOO_LATE };
/* CANCEL_NOW: nobody holds it: end it in the same write with journal_end. CANCEL_REQUESTED: the flag is set.
 * CANCEL_TOO_LATE: it has ended. */
enum journal_cancelled journal_cancel(json_t *doc);

/* journal_late - the verdict of an overtaken holder's own submission: a fact for the present holder, or a
 * note on an ended record. verdict: {idem, outcome: "submitted"|"rejected"|"unknown", vendor_id?, vars?, …}
 * (borrowed). */
void journal_late(json_t *doc, const json_t *verdict);

/* journal_sign - marks the write with its nonce. */
void journal_sign(json_t *doc, const char *nonce);

/* ---- views ---- */

/* journal_view - the task as an app sees it (schemas/result.json): for an ended task its result, else its
 * state. New reference. */
json_t *journal_view(const json_t *doc);

/* journal_result_new - the terminal result of doc: {id, object, model, kind, status, created_at, ended_at,
 * outputs, attempts, vendor, timing, …}; outputs (array), usage, cost, extra may be NULL (borrowed); fault
 * and note (may be NULL) give "error" when status is not completed. New reference. */
struct journal_outcome {
    enum task_status status;
    const json_t *outputs, *usage, *cost, *extra;
    enum fault fault;
    const struct note *note;
    const char *vendor_code;
    int64_t at_ms;
};
json_t *journal_result_new(const json_t *doc, const struct journal_outcome *outcome);

/* journal_event - {id, task, status, stage, progress?} with id "<revision>.<n>". New reference. */
json_t *journal_event(const json_t *doc, uint64_t revision, unsigned n);

#endif
