/* place.h - puts a task's message on the stream where its record says it is: exactly one message per
 * placement. */
#ifndef APP_PLACE_H
#define APP_PLACE_H

#include "app/parts.h"

/* A task as a message carries it. */
struct place_task {
    struct task *task;
    int64_t placement;
};

/* place_read - a message's payload. Faults: BAD_DATA. The caller frees ret->task. */
enum fault place_read(struct slice payload, struct place_task *ret, struct note *note) MUSTCHECK;

/* fault: OK: the message is there. BUS_DOWN (surely not), BUS_TIMEOUT (not known), FLEET_FULL. */
typedef void place_fn(void *arg, enum fault fault);

/* place_put - publishes with message id "<task>:<placement>". A message of an older placement on the subject
 * is removed by its sequence and ours published; one of the same placement is ours, of a newer one is left.
 * limit_ms -1: repeated until it is there. */
void place_put(struct parts *parts, const struct task *task, enum task_place where, int64_t placement,
               int64_t limit_ms, place_fn *fn, void *arg);

#endif
