/* sim_limits.h - rate limits of an account, as vendors have them: so many submissions a second, so many at
 * once. */
#ifndef SIM_LIMITS_H
#define SIM_LIMITS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/auto.h"
#include "base/fault.h"

struct sim_limits;

struct sim_limits *sim_limits_new(void);
void sim_limits_free(struct sim_limits **l);

/* sim_limits_set - {"vendor", "per_second"?, "burst"?, "retry_after"?}: replaces the vendor's limit; without
 * per_second there is none. burst is how many may come at once after a rest (default: one second's worth).
 * retry_after: tell in the answer how long to wait (default true). At most 64 vendors, 1024 accounts each.
 * Faults: BAD_VALUE. */
enum fault sim_limits_set(struct sim_limits *l, const json_t *spec, struct note *note) MUSTCHECK;
void sim_limits_clear(struct sim_limits *l);

/* sim_limits_take - one submission by that account now. False: over the limit; *ret_wait_s is how many whole
 * seconds to wait, or -1 when the vendor does not tell. */
bool sim_limits_take(struct sim_limits *l, const char *vendor, const char *secret, int64_t now_ms,
                     int64_t *ret_wait_s);

#endif
