/* deliver_internal.h - between the files of deliver: topics and those who watch them. */
#ifndef APP_DELIVER_INTERNAL_H
#define APP_DELIVER_INTERNAL_H

#include "app/deliver.h"
#include "base/list.h"
#include "base/map.h"
#include "core/journal.h"

struct parts *deliver_parts(struct deliver *d);
struct map *deliver_topics(struct deliver *d);
/* A number for a new waiter or watcher, which it counts. */
uint64_t deliver_token(struct deliver *d);
/* The watchers of a task; NULL: none (or, with make, no room). deliver_watcher_gone - one left the list. */
struct list *deliver_watchers(struct deliver *d, const char *id, bool make);
void deliver_watcher_gone(struct deliver *d, const char *id);

/* watch_event - a live event for all who watch the task. watch_catch_up - reads the record for them and tells
 * what they missed. watch_free_all - they all go. */
void watch_event(struct deliver *d, const char *id, const json_t *event);
void watch_catch_up(struct deliver *d, const char *id);
void watch_free_all(struct deliver *d, const char *id);

#endif
