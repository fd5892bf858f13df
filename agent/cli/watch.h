/* watch.h - follows a task's events to its end, over broken connections. */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include <jansson.h>

#include "cli/cli.h"

/* event (schemas/event.json) is borrowed; NULL: a second has passed. */
typedef void watch_fn(void *arg, const json_t *event);

/* watch_task - until an event with a terminal status. *ret_status (may be NULL): that status (enum
 * task_status). An agent that goes away is asked again for a minute. Gives an exit code: CLI_FAILED also for
 * Ctrl-C; it was told that the task goes on. A task that failed was still watched to its end: CLI_DONE. */
int watch_task(struct cli *c, const char *id, watch_fn *fn, void *arg, int *ret_status);

#endif
