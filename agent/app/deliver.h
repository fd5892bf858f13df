/* deliver.h - tells apps what becomes of their tasks: now, when it happens, or when they come back. */
#ifndef APP_DELIVER_H
#define APP_DELIVER_H

#include "app/parts.h"
#include "core/task.h"

struct deliver;

/* deliver_new - listens to the results and events of this app. What was published while NATS was away is made
 * good from the journal after a reconnect, and every 10 s for whoever still waits. */
enum fault deliver_new(struct parts *parts, struct deliver **ret_deliver) MUSTCHECK;
void deliver_free(struct deliver **d);

/* view is the task as an app sees it (schemas/result.json, borrowed), NULL with a fault: NO_TASK, BUS_DOWN,
 * BUS_TIMEOUT. Never from inside. */
typedef void deliver_fn(void *arg, enum fault fault, const json_t *view);

/* deliver_get - how the task is now. */
void deliver_get(struct deliver *d, const char *id, deliver_fn *fn, void *arg);

/* deliver_wait - the result as soon as there is one, or how the task is when wait_ms are over. fresh: this
 * agent has just accepted it, so that it need not be looked up first. Token for deliver_wait_stop: no
 * callback will come; the task goes on. */
uint64_t deliver_wait(struct deliver *d, const char *id, int64_t wait_ms, bool fresh, deliver_fn *fn,
                      void *arg);
void deliver_wait_stop(struct deliver *d, uint64_t token);

/* deliver_watch - the task's events: those stored after last_id ("<revision>.<n>" or NULL), a snapshot if
 * there is a gap, then live ones; the last one has a terminal status and "result". After it, or with a fault
 * (event NULL), the watch is over. */
typedef void deliver_event_fn(void *arg, enum fault fault, const json_t *event, bool last);
uint64_t deliver_watch(struct deliver *d, const char *id, const char *last_id, deliver_event_fn *fn,
                       void *arg);
void deliver_watch_stop(struct deliver *d, uint64_t token);

/* deliver_cancel - "cancelled", "cancellation_requested", "already_completed" or "not_found". */
typedef void deliver_cancel_fn(void *arg, enum fault fault, const char *outcome, const json_t *view);
void deliver_cancel(struct deliver *d, const char *id, deliver_cancel_fn *fn, void *arg);

/* deliver_remove - as deliver_cancel, and in the same write the record is marked "deleted": it stays until
 * its age is over, and who lists leaves it out with `fits`. */
void deliver_remove(struct deliver *d, const char *id, deliver_cancel_fn *fn, void *arg);

/* deliver_list - tasks of this app, newest first: {"data": […], "has_more"}. status TASK_STATUS_COUNT: any;
 * model NULL: any; kind KIND_COUNT: any; after: an id, or NULL (NO_TASK when that is gone); limit at most
 * LIMIT_LIST. */
struct deliver_filter {
    enum task_status status;
    enum task_kind kind;
    const char *model;
    const char *after;
    size_t limit;
    bool oldest_first;
    bool (*fits)(const json_t *doc);               /* what else a record must be, or NULL */
    json_t *(*view)(void *arg, const json_t *doc); /* how it is shown; NULL: journal_view */
    void *arg;
};
void deliver_list(struct deliver *d, const struct deliver_filter *filter, deliver_fn *fn, void *arg);

/* How many wait or watch. */
size_t deliver_waiting(const struct deliver *d);

#endif
