/* run_internal.h - between the files of run: the run itself, and the two doors between claiming and judging.
 */
#ifndef APP_RUN_INTERNAL_H
#define APP_RUN_INTERNAL_H

#include "app/call.h"
#include "app/inputs.h"
#include "app/ledger.h"
#include "app/outputs.h"
#include "app/run.h"
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
    int store_tries;
    /* the write under way */
    struct journal_claim claim;
    struct journal_hold hold;
    struct answer *answer; /* of the submission, kept while it is recorded */
    json_t *attempt;
    struct retry_out decision;
    run_gone_fn *gone;
    void *arg;
};

/* run_again - a timer's callback: a wait is over, claim and submit (again). */
void run_again(struct timer *t);

/* run_write - a change to the record by this run's claim. */
void run_write(struct run *r, ledger_change_fn *change, int64_t limit_ms, ledger_fn *fn);

/* run_fail - ends the task as failed (EXPIRED: expired; CANCELLED: cancelled). */
void run_fail(struct run *r, enum fault fault, const struct note *note);

/* run_on_call - what the submission came to. */
void run_on_call(void *arg, struct call_out *out);

#endif
