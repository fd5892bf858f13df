/* reload.h - a new configuration, taken over whole or not at all, while tasks are under way.
 *
 *   SIGHUP, a changed file, a change in SLUICE_CONFIG ─► read the changes ─► rehearse (a child process reads
 * all of it and runs every adapter through samples; it may die) ─► read here, on the pool ─► swap
 *
 * What a child refuses, or dies of, changes nothing and is logged with its place. */
#ifndef APP_RELOAD_H
#define APP_RELOAD_H

#include "app/parts.h"

struct reload;

/* Told when a new registry was put into parts. */
typedef void reload_fn(void *arg);

/* reload_new - watches files and the bucket from now on. file: the configuration's, NULL: none. */
struct reload *reload_new(struct parts *parts, const char *file, reload_fn *fn, void *arg);
/* reload_free - after the bus is gone, before the loop: work on the pool still ends there. */
void reload_free(struct reload **r);

/* reload_ask - reads everything again soon; why is for the log. Asked while one is under way, another follows
 * it. */
void reload_ask(struct reload *r, const char *why);

/* reload_first - reads the changes that are in the bucket and takes them over if there are any; then is told
 * once, whatever came of it: the agent may serve. The bucket must be there. */
void reload_first(struct reload *r, reload_fn *then, void *arg);

#endif
