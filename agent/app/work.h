/* work.h - what every delivered message has in common: its task, its record, how it ends.
 *
 *   delivery ─► work_begin ─► read the record ─► ended: settle, ack
 *                                             ├► an older placement: put the newer one, ack
 *                                             ├► no record: give back; an orphan after a while
 *                                             └► ready(w): run (submission) or poll (a vendor works on it)
 *                                                   └► work_end: terminal write ─► settle ─► ack
 *                                                   └► work_back: give the message back after a delay */
#ifndef APP_WORK_H
#define APP_WORK_H

#include "app/parts.h"
#include "base/list.h"
#include "core/journal.h"
#include "edge/pull.h"

struct work;
typedef void work_fn(struct work *w);

struct work {
    struct list link; /* the executor's list of all work */
    struct parts *parts;
    struct registry *registry; /* the snapshot it began with; a reference */
    struct pull_msg *msg;      /* NULL once it was acked or given back */
    struct task *task;
    char id[ID_CHARS + 1]; /* of the task, from the message's subject */
    json_t *doc;           /* the record as last read or written; a reference */
    uint64_t revision;
    bool leader;           /* it was read from the leader */
    unsigned events;       /* of this revision */
    enum task_place place; /* where the message came from */
    int64_t placement;
    struct timer heartbeat;
    struct timer settle_timer;
    work_fn *ready;
    work_fn *gone; /* tells the owner that this work is over; it frees */
    /* the terminal write */
    struct work_outcome *outcome;
};

/* work_init - takes msg. ready comes when the record says that there is something to do; gone exactly once at
 * the end, never from inside. */
void work_init(struct work *w, struct parts *parts, struct pull_msg *msg, enum task_place place,
               work_fn *ready, work_fn *gone);
void work_begin(struct work *w);
/* work_done - stops timers and drops what it holds; the message, if still held, is given back, so that a peer
 * goes on at once. */
void work_done(struct work *w);

/* work_note_record - keeps a newer record. */
void work_note_record(struct work *w, const json_t *doc, uint64_t revision);

/* work_task - the task's id, for logs and tables. */
const char *work_task(const struct work *w);

/* work_left_ms - until the deadline, by the fleet's clock. work_limit_ms - how long a call to a vendor may
 * take so that the deadline holds: a second at least. */
int64_t work_left_ms(const struct work *w);
int64_t work_limit_ms(const struct work *w);

/* work_end - writes the terminal state for good, settles, acks, then gone. hold: the claim that speaks, NULL
 * for whoever may. outcome and what it points to are copied. attempt (may be NULL) is appended in the same
 * write. When the claim was overtaken, verdict (may be NULL) is left for the present holder. */
void work_end(struct work *w, const struct journal_hold *hold, const struct journal_outcome *outcome,
              const json_t *attempt, const json_t *verdict);

/* work_move - the record says a new placement (as last written in w->doc): puts its message, acks this one,
 * then gone. */
void work_move(struct work *w);

/* work_ack - acks and is gone. work_back - gives the message back, to come again after delay_ms, and is gone.
 * work_leave - leaves a verdict of an overtaken claim in the record (NULL: nothing), forgets the message and
 * is gone. */
void work_ack(struct work *w);
void work_back(struct work *w, int64_t delay_ms);
void work_leave(struct work *w, const json_t *verdict);

#endif
