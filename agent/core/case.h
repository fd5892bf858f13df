/* case.h - runs a sample task and sample answers through an adapter, without network: for golden cases and
 * `sluice try`.
 *
 * A case is {about?, task: {kind, model, input, options?, deadline_s?, id?, idempotency_key?, base?}, op?,
 * wall_ms?, steps: [step…]}, a step {step, medium? (upload), url? (download), request? or refused?, answer?:
 * {status, headers?, body? or raw_bytes?}, meaning?}. The input is a task's canonical one. request is what
 * request_to_json gives, refused {code, field?, text?}, meaning what answer_to_json gives; those that are
 * there are compared. What an answer saves is there for the steps after it.
 *
 * An upload step is about the medium with that number, 0 when not given; the steps of its upload come one
 * after the other, one with `repeat` until its answer says that it is done. They stand before submit. Where a
 * case has none, the text "asset:0" stands for the asset of medium 0. */
#ifndef CORE_CASE_H
#define CORE_CASE_H

#include "core/answer.h"

/* An answer as it was read. */
struct case_answer {
    const struct adapter_op *op;
    enum adapter_step step;
    const struct adapter_upload *upload; /* of an upload step */
    const struct answer *answer;
};

/* What happens, in order; any of them may be NULL. Values are borrowed. */
struct case_events {
    /* The operation that was chosen. */
    void (*op)(void *arg, const char *name);
    /* What step number i sends; {"refused": {…}} when the adapter refuses the task. */
    void (*request)(void *arg, size_t i, const char *step, const json_t *request);
    /* What its answer means. */
    void (*meaning)(void *arg, size_t i, const char *step, const json_t *meaning);
    /* A difference: pointer leads from the case's root to what was wanted. Either value may be NULL. */
    void (*differs)(void *arg, const char *pointer, const json_t *want, const json_t *got);
    void (*answer)(void *arg, const struct case_answer *answer);
};

/* case_run - runs all steps. *ret_differences counts. Faults: BAD_VALUE (the case itself makes no sense: the
 * note says where). */
enum fault case_run(const struct adapter *a, const json_t *c, const struct case_events *events, void *arg,
                    size_t *ret_differences, struct note *note) MUSTCHECK;

#endif
