/* sweep_internal.h - between the files of the sweeper: one task that is looked at, one queue that is. */
#ifndef APP_SWEEP_INTERNAL_H
#define APP_SWEEP_INTERNAL_H

#include "app/parts.h"
#include "base/id.h"
#include "core/journal.h"

/* Told when it has been dealt with, or could not be: the next pass tells. Never from inside. */
typedef void sweep_fn(void *arg);

/* A record that stood still. Embedded; one at a time. */
struct sweep_task {
    struct parts *parts;
    char app[LIMIT_NAME_CHARS + 1];
    char id[ID_CHARS + 1];
    json_t *doc; /* as read from the leader */
    uint64_t revision;
    struct task *task;
    bool stuck; /* its message is known never to be delivered */
    sweep_fn *fn;
    void *arg;
};

/* sweep_task_look - places it again or ends it if that is needed. stuck: place it again whatever lies on the
 * stream. */
void sweep_task_look(struct sweep_task *t, bool stuck, sweep_fn *fn, void *arg);
/* sweep_task_done - forgets what it holds; no callback may be under way, or the bus must be gone. */
void sweep_task_done(struct sweep_task *t);

/* A consumer whose queue is looked at. Embedded. */
struct sweep_queue {
    struct parts *parts;
    const char *stream, *consumer, *filter; /* borrowed */
    uint64_t floor, at;
    struct task *found; /* of the message that is looked at; the owner of the queue frees it */
    struct sweep_task task;
    sweep_fn *fn;
    void *arg;
};

/* sweep_queue_look - deals with the messages below its ack floor. */
void sweep_queue_look(struct sweep_queue *q, sweep_fn *fn, void *arg);

/* sweep_subject - the app and id in a message's subject. */
bool sweep_subject(const char *subject, char app[LIMIT_NAME_CHARS + 1], char id[ID_CHARS + 1]);

#endif
