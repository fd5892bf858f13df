/* run_internal.h - between the files of run: the run itself, and the two doors between claiming and judging.
 */
#ifndef APP_RUN_INTERNAL_H
#define APP_RUN_INTERNAL_H

#include "app/call.h"
#include "app/inputs.h"
#include "app/ledger.h"
#include "app/outputs.h"
#include "app/run.h"
#include "app/standing.h"
#include "core/retry.h"

struct run {
    struct work work;
    const struct registry_target *target;
    const struct registry_key *key;
    const struct adapter_op *op;
    struct inputs *inputs;
    struct inputs_work *inputs_work;
    struct call *call;
    struct call_in in;
    struct outputs *outputs;
    struct timer timer;
    int64_t epoch;
    bool claimed;   /* our claim stands, as far as we know */
    bool take_over; /* what was sent before has an unknown outcome: the claim keeps its idempotency key */
    bool draining;
    int64_t send_by; /* boot clock */
    int64_t began_ms;
    char nonce[17];
    char *idem;
    int store_tries; /* that failed for good reason */
    int store_waits; /* and all */
    /* the lookup of a submission whose outcome is unknown; by the fleet's clock */
    int64_t lost_ms; /* when it was claimed */
    int64_t sure_ms; /* from then on "not found" means that the vendor never took it */
    int lookups;
    /* the write under way */
    struct journal_claim claim;
    struct journal_hold hold;
    struct answer *answer; /* of the submission, kept while it is recorded */
    json_t *attempt;
    struct retry_out decision;
    /* the fleet's standing */
    struct standing_ticket ticket; /* of the submission under way */
    int64_t wait_ms;
    enum task_stage wait_stage;
    struct note refused; /* with a decision not to go on: all keys are refused */
    run_gone_fn *gone;
    void *arg;
};

/* run_again - a timer's callback: a wait is over, claim and submit (again). */
void run_again(struct timer *t);

/* run_choose - the key for a new submission. run_admit - right before the claim: the key may still be used,
 * and the submission is counted in. False: the run waits, or has ended. */
bool run_choose(struct run *r);
bool run_admit(struct run *r);
/* run_learn - tells the fleet what the submission's answer says of target and key. run_unlearn - it was not
 * made after all, or nobody will know; harmless without one. run_other_key - corrects the decision after a
 * refusal: what is wrong with a key is not wrong with the next, and costs no attempt. */
void run_learn(struct run *r, const struct call_out *out);
void run_unlearn(struct run *r);
void run_other_key(struct run *r, enum answer_class class);

/* run_write - a change to the record by this run's claim. */
void run_write(struct run *r, ledger_change_fn *change, int64_t limit_ms, ledger_fn *fn);

/* run_fail - ends the task as failed (EXPIRED: expired; CANCELLED: cancelled). */
void run_fail(struct run *r, enum fault fault, const struct note *note);

/* run_submitted - the vendor has it, as r->answer says. run_not_accepted - it surely has not, as r->attempt
 * says: again, or the end. */
void run_submitted(struct run *r);
void run_not_accepted(struct run *r);

/* run_can_look_up - the operation has a lookup, and needs it. run_note_lost - the submission that was claimed
 * at sent_ms has an unknown outcome; status: of a whole answer that does not tell, 0: there was none.
 * run_look_up - asks the vendor for it until it is known or the deadline has come; our claim stands. */
bool run_can_look_up(const struct run *r);
void run_note_lost(struct run *r, int64_t sent_ms, int status);
void run_look_up(struct run *r);

/* run_on_call - what the submission came to. */
void run_on_call(void *arg, struct call_out *out);

#endif
