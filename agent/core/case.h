/* case.h - runs a sample task and sample answers through an adapter, without network: for golden cases and
 * `sluice try`.
 *
 * A case is {about?, task: {kind, model, input, id?, idempotency_key?, base?}, op?, wall_ms?, steps:
 * [step…]}, a step {step, url? (download), request? or refused?, answer?: {status, headers?, body? or
 * raw_bytes?}, meaning?}. The input is a task's canonical one. request is what request_to_json gives, refused
 * {code, field?, text?}, meaning what answer_to_json gives; those that are there are compared. What an answer
 * saves is there for the steps after it. */
#ifndef CORE_CASE_H
#define CORE_CASE_H

#include "core/adapter.h"

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
};

/* case_run - runs all steps. *ret_differences counts. Faults: BAD_VALUE (the case itself makes no sense: the
 * note says where). */
enum fault case_run(const struct adapter *a, const json_t *c, const struct case_events *events, void *arg,
                    size_t *ret_differences, struct note *note) MUSTCHECK;

#endif
