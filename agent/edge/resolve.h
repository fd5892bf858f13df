/* resolve.h - names to addresses off the loop; what loop_resolve of loop.h is made of. */
#ifndef EDGE_RESOLVE_H
#define EDGE_RESOLVE_H

#include "edge/loop.h"

struct resolve;

/* resolve_new - owned by loop, which calls the functions below. */
struct resolve *resolve_new(struct loop *loop);
/* resolve_free - drops whatever waits; runs the loop until look-ups under way have ended. */
void resolve_free(struct resolve **r);

/* resolve_start, resolve_stop - as loop_resolve and loop_resolve_stop. */
uint64_t resolve_start(struct resolve *r, const char *host, loop_resolve_fn *done, void *arg);
void resolve_stop(struct resolve *r, uint64_t token);

#endif
