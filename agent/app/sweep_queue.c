/* sweep_queue.c - what lies in a work queue below its consumer's ack floor: it will never be delivered. */
#include <stdio.h>
#include <string.h>

#include "app/ledger.h"
#include "app/metrics.h"
#include "app/place.h"
#include "app/settle.h"
#include "app/sweep_internal.h"
#include "edge/stream.h"

#define ASK_MS 5000

static void queue_next(struct sweep_queue *q);

bool sweep_subject(const char *subject, char app[LIMIT_NAME_CHARS + 1], char id[ID_CHARS + 1])
{
    const char *last = strrchr(subject, '.'), *before = last;

    while (before && before > subject && before[-1] != '.') {
        before--;
    }
    if (!last || before == subject || last - before > LIMIT_NAME_CHARS || strlen(last + 1) != ID_CHARS) {
        return false;
    }
    snprintf(app, LIMIT_NAME_CHARS + 1, "%.*s", (int)(last - before), before);
    snprintf(id, ID_CHARS + 1, "%s", last + 1);
    return task_name_valid(app) && id_valid(id);
}

static void on_dealt_with(void *arg)
{
    queue_next(arg);
}

static void on_removed(void *arg, enum fault fault)
{
    struct sweep_queue *q = arg;

    if (fault == FAULT_OK) {
        log_warn(q->parts->log, "a message that belongs to no task was removed from a work queue",
                 LOG_TEXT("stream", q->stream), LOG_TEXT("task", q->task.id));
        metrics_swept(q->parts->metrics, SWEPT_ORPHAN);
    }
    queue_next(q);
}

static void on_settled(void *arg)
{
    struct sweep_queue *q = arg;

    stream_delete(q->parts->bus, q->stream, q->at, on_removed, q);
}

/* A task that still needs this message gets it anew. One that has ended needs it if its result is not there:
 * whoever ended it died then. One that was placed again since does not. */
static void on_record(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct sweep_queue *q = arg;

    (void)revision;
    AUTO(task_free) struct task *found = q->found;
    q->found = NULL;
    bool ended = fault == FAULT_OK && journal_state(doc) == JOURNAL_ENDED;
    bool live = fault == FAULT_OK && !ended && journal_placement(doc) <= (int64_t)q->task.revision;
    if (fault != FAULT_OK && fault != FAULT_NO_TASK) {
        q->fn(q->arg);
    } else if (live) {
        sweep_task_look(&q->task, true, on_dealt_with, q);
    } else if (ended) {
        settle_repeat(q->parts, doc, found, on_settled, q);
    } else {
        stream_delete(q->parts->bus, q->stream, q->at, on_removed, q);
    }
}

static void on_message(void *arg, enum fault fault, const struct stream_msg *msg)
{
    struct sweep_queue *q = arg;
    struct place_task found = {0};

    if (fault != FAULT_OK || !msg || msg->seq > q->floor) {
        q->fn(q->arg);
        return;
    }
    q->at = msg->seq;
    if (!sweep_subject(msg->subject, q->task.app, q->task.id) ||
        place_read(msg->payload, &found, NULL) != FAULT_OK) {
        queue_next(q); /* not ours */
        return;
    }
    q->task.revision = (uint64_t)found.placement; /* until the record is read */
    q->found = found.task;
    ledger_get(q->parts->ledger, q->task.app, q->task.id, true, on_record, q);
}

static void queue_next(struct sweep_queue *q)
{
    if (q->at >= q->floor) {
        q->fn(q->arg);
    } else {
        stream_next(q->parts->bus, q->stream, q->filter, q->at + 1, on_message, q);
    }
}

static void on_info(void *arg, enum fault fault, const json_t *answer)
{
    struct sweep_queue *q = arg;
    const json_t *floor = json_object_get(answer, "ack_floor");

    q->floor = fault == FAULT_OK ? (uint64_t)json_integer_value(json_object_get(floor, "stream_seq")) : 0;
    queue_next(q);
}

void sweep_queue_look(struct sweep_queue *q, sweep_fn *fn, void *arg)
{
    char api[192];

    q->fn = fn;
    q->arg = arg;
    q->at = 0;
    q->task.parts = q->parts;
    snprintf(api, sizeof(api), "$JS.API.CONSUMER.INFO.%s.%s", q->stream, q->consumer);
    bus_api(q->parts->bus, api, NULL, ASK_MS, on_info, q);
}
