/* sim_steps.h - from a request to its reply, in the order in which a vendor's gateway would go:
 *
 *   route ─► secret ─► body, fields ─► variables, job ─► faults ─► refusal?
 *         ─► idempotency ─► limit ─► accepted ─► answer */
#ifndef SIM_STEPS_H
#define SIM_STEPS_H

#include "sim_call.h"
#include "sim_parts.h"

/* sim_steps_reply - the reply to c, a new reference; sets c's step, outcome, key, job and variables, and a's
 * replay. */
json_t *sim_steps_reply(struct sim_engine *e, struct sim_call *c, struct sim_answer *a);

#endif
