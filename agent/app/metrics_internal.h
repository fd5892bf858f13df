/* metrics_internal.h - the counts themselves, for who adds to them and who writes them out. */
#ifndef APP_METRICS_INTERNAL_H
#define APP_METRICS_INTERNAL_H

#include "app/metrics.h"
#include "base/list.h"
#include "base/map.h"

#define METRICS_NAME_CHARS 128 /* of a label value from outside */

/* The upper edges of the histograms' intervals. An image takes seconds, a video many minutes, an exchange
 * milliseconds: one scale serves them all, so that phases can be laid over each other. */
#define METRICS_EDGES 18
struct metrics_edge {
    int64_t ms;
    const char *text;
};
extern const struct metrics_edge metrics_edges[METRICS_EDGES];

struct histogram {
    uint64_t counts[METRICS_EDGES + 1]; /* each its own interval; the text adds them up */
    uint64_t count;
    uint64_t sum_ms;
};

/* A label value from outside with its counts: a row of one of the tables below. */
struct row {
    struct list link;
    char *name;   /* escaped, as it stands between the quotes */
    char *second; /* the second label's value, escaped; NULL where the family has one */
};

struct table {
    struct list rows; /* in the order of their appearance, so that two scrapes read alike */
    struct map *index;
    size_t size; /* of a row */
};

struct model_row {
    struct row row;
    uint64_t tasks[TASK_STATUS_COUNT];
};

struct adapter_row {
    struct row row;
    uint64_t classes[STEP_COUNT][CLASS_COUNT + 1];
    struct histogram seconds[STEP_COUNT];
    uint64_t unknown_words;
    uint64_t other_versions;
};

struct cost_row {
    struct row row;
    double amount;
};

struct lane_row {
    struct row row;
    uint64_t depth;
    int64_t oldest_ms;
};

struct breaker_row {
    struct row row;
    int state;
};

struct hold_row {
    struct row row;
    int64_t ms;
};

struct metrics {
    struct map *names; /* the label values from outside that are kept */
    struct table models, adapters, costs, lanes, breakers, holds;
    struct histogram phases[PHASE_COUNT];
    uint64_t media[MEDIA_DIRECTION_COUNT];
    uint64_t accepts[FAULT_COUNT];
    uint64_t unknown, dead, orphans;
    uint64_t swept[SWEPT_COUNT];
    uint64_t reloads[2]; /* refused, taken over */
    int64_t gauges[GAUGE_COUNT];
};

#endif
