/* events.h - what happens to a task, told on its event subject while it happens. */
#ifndef APP_EVENTS_H
#define APP_EVENTS_H

#include "app/parts.h"

/* events_status - a change of status or stage, stored (acked, repeated for a while). events_progress -
 * conflated progress, sent without an ack. n tells events of one revision apart. Both are hints: the journal
 * is the truth, and the last event is made from the result. */
void events_status(struct parts *parts, const json_t *doc, uint64_t revision, unsigned n);
void events_progress(struct parts *parts, const json_t *doc, uint64_t revision, unsigned n);

#endif
