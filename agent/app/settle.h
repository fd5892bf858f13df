/* settle.h - everything after the terminal write: dead letter, result, in this order, repeated until it is
 * true. */
#ifndef APP_SETTLE_H
#define APP_SETTLE_H

#include "app/parts.h"

/* What is there: the ended record, and the task with its input when it is at hand (NULL: a dead letter then
 * holds the record only). */
typedef void settle_fn(void *arg);

/* settle_publish - publishes what an ended record asks for; each is create-only, so that whoever comes second
 * changes nothing. done comes once, when all of it stands, however long that takes; only then may the task's
 * message be acked. doc and task are copied. */
void settle_publish(struct parts *parts, const json_t *doc, const struct task *task, settle_fn *done,
                    void *arg);

/* settle_repeat - the same for a task that ended some time ago, and whose end may have been published long
 * since: with its result there, nothing is published. A dead letter that was dropped does not come back. */
void settle_repeat(struct parts *parts, const json_t *doc, const struct task *task, settle_fn *done,
                   void *arg);

#endif
