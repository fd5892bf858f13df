/* metrics.h - counters, gauges and histograms with bounded label sets, as Prometheus text (exposition format
 * 0.0.4). */
#ifndef APP_METRICS_H
#define APP_METRICS_H

#include <stdint.h>

#include "base/buf.h"
#include "core/adapter.h"
#include "core/answer.h"
#include "core/task.h"

struct metrics;

/* metrics_new - label values that come from outside (models, adapters, units) are kept up to 512 in all;
 * further ones are counted as "other". */
struct metrics *metrics_new(void);
void metrics_free(struct metrics **m);

/* One call per thing that happens; the metric's name is in DESIGN 11 and docs/operations.md. */
void metrics_task(struct metrics *m, const char *model, enum task_status status);
enum metrics_phase {
    PHASE_QUEUED,
    PHASE_PREPARING,
    PHASE_SUBMITTING,
    PHASE_RUNNING,
    PHASE_DOWNLOADING,
    PHASE_STORING,
    PHASE_TOTAL,
    PHASE_COUNT
};
void metrics_phase(struct metrics *m, enum metrics_phase phase, int64_t ms);
/* class CLASS_COUNT: no answer. */
void metrics_vendor(struct metrics *m, const char *adapter, enum adapter_step step, enum answer_class class,
                    int64_t ms);
void metrics_unknown(struct metrics *m);
void metrics_unknown_word(struct metrics *m, const char *adapter);
void metrics_dead(struct metrics *m);
void metrics_cost(struct metrics *m, const char *model, const char *unit, double amount);
enum metrics_direction {
    MEDIA_FROM_APP,
    MEDIA_TO_APP,
    MEDIA_FROM_VENDOR,
    MEDIA_TO_VENDOR,
    MEDIA_DIRECTION_COUNT
};
void metrics_media(struct metrics *m, enum metrics_direction direction, uint64_t bytes);
/* An accepted or refused request on the socket: refused by its fault. */
void metrics_accept(struct metrics *m, enum fault fault);
/* What the sweeper did. */
enum metrics_swept { SWEPT_PLACED, SWEPT_ENDED, SWEPT_ORPHAN, SWEPT_FORGOTTEN, SWEPT_COUNT };
void metrics_swept(struct metrics *m, enum metrics_swept what);
/* A configuration was taken over, or refused. */
void metrics_reload(struct metrics *m, bool good);
/* A poll went by another version of the adapter than its task was submitted with. */
void metrics_other_version(struct metrics *m, const char *adapter);
void metrics_orphan(struct metrics *m); /* a message without a record was dropped */

/* Gauges: set by whoever knows. depth: messages that wait behind the last delivered one. */
void metrics_lane(struct metrics *m, const char *lane, const char *priority, uint64_t depth,
                  int64_t oldest_ms);
enum metrics_gauge {
    GAUGE_BUS_UP,
    GAUGE_RUNNING,
    GAUGE_POLLING,
    GAUGE_CONNECTIONS,
    GAUGE_IN_FLIGHT,
    GAUGE_SPOOL_BYTES,
    GAUGE_WAITERS,
    GAUGE_CONFIG_REVISION,
    GAUGE_COUNT
};
void metrics_gauge(struct metrics *m, enum metrics_gauge gauge, int64_t value);

/* How a target and key stand: 0 closed, 1 coming back, 2 half-open, 3 open; key is "<pool>/<id>". And for how
 * long a key must not be used. */
void metrics_breaker(struct metrics *m, const char *target, const char *key, int state);
void metrics_not_before(struct metrics *m, const char *key, int64_t ms);

/* metrics_write - appends the whole text. */
void metrics_write(const struct metrics *m, struct buf *out);

#endif
