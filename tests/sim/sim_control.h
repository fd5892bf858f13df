/* sim_control.h - /_sim: how tests ask what happened and order what shall. */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "sim_engine.h"

/* sim_control_answer - answers a request whose path is below "/_sim", or "/" itself:
 *   GET    /                     the vendors and their base URLs
 *   GET    /_sim/stats?most=N    everything counted
 *   GET    /_sim/paid?prompt=…   how often that was asked and paid; ?key=… for an idempotency key
 *   GET    /_sim/faults          what is ordered; POST adds one order or a list of them, DELETE drops all
 *   POST   /_sim/limits          a rate limit; DELETE drops all
 *   POST   /_sim/reset           forgets counts, jobs, orders, limits, idempotency keys */
void sim_control_answer(struct sim_engine *e, const struct sim_request *r, struct sim_answer *a);

#endif
