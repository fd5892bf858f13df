/* sim_reply.h - what is answered: a dialect's templates filled, as a value first and then as an answer.
 *
 * A reply is {"status", "headers", and one of "json", "media" (a spec), "text"}: kept as a value so that an
 * idempotency key can replay it, media and all. */
#ifndef SIM_REPLY_H
#define SIM_REPLY_H

#include "sim_call.h"
#include "sim_check.h"

/* sim_reply_pick - the first answer of the route that fits, filled; NULL when none does. A new reference. */
json_t *sim_reply_pick(struct sim_call *c);

/* sim_reply_error - the dialect's error of that name ("rate", "auth" …) with why (may be NULL) in its holes.
 * A new reference. */
json_t *sim_reply_error(struct sim_call *c, const char *name, const struct sim_complaint *why);

/* sim_reply_status - the dialect's error for a bare HTTP status. */
json_t *sim_reply_status(struct sim_call *c, int status);

/* sim_reply_render - reply with the dialect's headers into a. */
void sim_reply_render(struct sim_call *c, const json_t *reply, struct sim_answer *a);

/* sim_reply_spoil - does to a whole answer what the call's faults order. */
void sim_reply_spoil(struct sim_call *c, struct sim_answer *a);

#endif
