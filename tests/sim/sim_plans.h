/* sim_plans.h - what prompts order for themselves: "a red fox [sim:429 times=2] [sim:job-ms=3000]".
 *
 * The agent forwards no headers of an app, but it forwards the prompt; so an app, a test or a shell can ask
 * for a fault with nothing but words. A plan counts its faults down over all requests with the same prompt.
 */
#ifndef SIM_PLANS_H
#define SIM_PLANS_H

#include "sim_fault.h"

#define SIM_PLAN_KEY_CHARS 16
#define SIM_PLAN_ORDERS    8

struct sim_plan {
    char key[SIM_PLAN_KEY_CHARS + 1]; /* from the prompt; stands in the URLs of its media */
    struct sim_fault orders[SIM_PLAN_ORDERS];
    size_t count;
};

struct sim_plans;

/* sim_plans_new - at most max plans; the oldest makes room for the newest. */
struct sim_plans *sim_plans_new(size_t max);
void sim_plans_free(struct sim_plans **p);
void sim_plans_clear(struct sim_plans *p);

/* sim_plans_of - the plan of a prompt in *ret, NULL when it orders nothing. Faults: BAD_VALUE. */
enum fault sim_plans_of(struct sim_plans *p, const char *prompt, struct sim_plan **ret,
                        struct note *note) MUSTCHECK;

/* sim_plans_find - by key, or NULL. */
struct sim_plan *sim_plans_find(const struct sim_plans *p, const char *key);

/* sim_plan_take - what the plan orders for a request at that step; an order that names no step is for
 * submissions. */
void sim_plan_take(struct sim_plan *plan, struct sim_faults *f, enum sim_step step);

#endif
