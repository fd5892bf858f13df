/* rates.h - the rates that adapters know of, kept by this agent for each key. */
#ifndef APP_RATES_H
#define APP_RATES_H

#include "app/registry.h"
#include "edge/loop.h"

/* Of the loop thread. */
struct rates;
struct rates *rates_new(struct loop *loop);
void rates_free(struct rates **r);

/* rates_take - 0: one submission for kind may go now with key, and is counted. Else how long to wait, in ms.
 */
int64_t rates_take(struct rates *r, const struct registry_target *target, const struct registry_key *key,
                   enum task_kind kind);

#endif
