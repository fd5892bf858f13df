/* run.h - one delivery of a task that nobody has submitted yet: claim it, submit it, and hand it on or end
 * it. */
#ifndef APP_RUN_H
#define APP_RUN_H

#include "app/work.h"

struct run;

/* Told once at the end; the run is gone then. */
typedef void run_gone_fn(void *arg, struct run *run);

/* run_start - takes msg, from SLUICE_TASKS (PLACE_TASKS) or a wait before submission (PLACE_WAIT).
 *
 *   read ─► claimable? ─► prepare media ─► claim + intent ─► submit ─┬► accepted: record, place in
 * SLUICE_POLL, ack ▲  busy: give back                                     ├► done: store outputs, end,
 * settle, ack │  holder gone: unknown                                ├► refused: record; wait here (10 s) or
 * in SLUICE_POLL; again └──────────────────────────────────────────────────────┴► unknown: again with the
 * same key, or end */
struct run *run_start(struct parts *parts, struct pull_msg *msg, enum task_place place, run_gone_fn *gone,
                      void *arg);

/* run_drain - the agent stops: what has not been claimed is given back at once; a wait is handed over; a
 * submission under way goes on. */
void run_drain(struct run *run);

/* run_stop - ends it at once without a word, as a crash would: the process is about to exit. */
void run_stop(struct run *run);

/* run_link, run_of - the executor's list. */
struct list *run_link(struct run *run);
struct run *run_of(struct list *link);
const char *run_task(const struct run *run);

#endif
