/* poll.h - one delivery of a task that a vendor works on: ask how it is, and fetch what is done. */
#ifndef APP_POLL_H
#define APP_POLL_H

#include "app/work.h"

struct poll;

typedef void poll_gone_fn(void *arg, struct poll *poll);

/* poll_start - takes msg, from SLUICE_POLL (PLACE_VENDOR).
 *
 *   read ─► cancel asked? tell the vendor once ─► poll ─┬► in progress: event, give back with the next poll's
 * delay ├► completed: fetch, store outputs, end, settle, ack └► failed, cancelled: end, settle, ack A poll,
 * fetch or store that fails never fails the task: it comes again until the deadline. */
struct poll *poll_start(struct parts *parts, struct pull_msg *msg, poll_gone_fn *gone, void *arg);

/* poll_drain - the agent stops: what is not yet storing outputs is given back at once. */
void poll_drain(struct poll *poll);

/* poll_stop - ends it at once without a word. */
void poll_stop(struct poll *poll);

const char *poll_task(const struct poll *poll);
struct list *poll_link(struct poll *poll);
struct poll *poll_of(struct list *link);

#endif
