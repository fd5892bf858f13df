/* sim_orders.h - the faults that are ordered for coming requests. */
#ifndef SIM_ORDERS_H
#define SIM_ORDERS_H

#include <jansson.h>

#include "sim_fault.h"
#include "sim_random.h"

struct sim_orders;

struct sim_orders *sim_orders_new(void);
void sim_orders_free(struct sim_orders **o);

/* sim_orders_add - {"fault": words, "vendor"?, "step"?, "secret"?, "times"?, "chance"?, "after"?}: the first
 * that fits is used. chance (0 to 1) makes each hit a matter of luck, after lets that many requests pass. At
 * most 256 orders. Faults: BAD_VALUE. */
enum fault sim_orders_add(struct sim_orders *o, const json_t *spec, struct note *note) MUSTCHECK;
void sim_orders_clear(struct sim_orders *o);

/* sim_orders_list - those that are left, as an array; the caller decrefs. */
json_t *sim_orders_list(const struct sim_orders *o);

/* sim_orders_take - what is ordered for a request to that vendor with that secret. */
void sim_orders_take(struct sim_orders *o, struct sim_faults *f, const char *vendor, enum sim_step step,
                     const char *secret, struct sim_random *random);

#endif
