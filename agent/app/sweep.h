/* sweep.h - the sweeper: one per fleet at a time, it repairs what should not happen.
 *
 * A record that has stood still for a while is looked at: has it ended long ago, it goes; is its deadline
 * over and nobody ends it, it ends; is its message not on its stream, or there and never to be delivered
 * (below the consumer's ack floor: servers have lost track of messages), it is placed again; has it ended and
 * its result is not there, because its message went and then the agent that ended it, it is published. What
 * lies in a work queue below its consumer's ack floor and belongs to no task any more is removed. All of it
 * is counted and logged: none of it happens on a good day. */
#ifndef APP_SWEEP_H
#define APP_SWEEP_H

#include "app/parts.h"

struct sweep;

/* sweep_new - looks for the seat from sweep_start on, every config->sweep_ms (0: never). */
struct sweep *sweep_new(struct parts *parts);
void sweep_start(struct sweep *s);
/* sweep_free - gives the seat up if the bus is there, then is silent; after the ledger is gone. */
void sweep_stop(struct sweep *s);
void sweep_free(struct sweep **s);

#endif
