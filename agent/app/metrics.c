/* metrics.c - what is counted, and how it is written as Prometheus text. */
#include "app/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#define NAMES      512  /* label values from outside, all families together */
#define ROWS       2048 /* of one table: pairs of such values */
#define NAME_CHARS 128
#define KEY_CHARS  (2 * NAME_CHARS + 24)
#define OTHER      "other"

/* ---- histograms ---- */

/* An image takes seconds, a video many minutes, an exchange milliseconds: one scale serves them all, so that
 * phases can be laid over each other. */
static const struct edge {
    int64_t ms;
    const char *text;
} edges[] = {
    {5, "0.005"},  {10, "0.01"},    {25, "0.025"},   {50, "0.05"},    {100, "0.1"},      {250, "0.25"},
    {500, "0.5"},  {1000, "1"},     {2500, "2.5"},   {5000, "5"},     {10000, "10"},     {30000, "30"},
    {60000, "60"}, {120000, "120"}, {300000, "300"}, {600000, "600"}, {1800000, "1800"}, {3600000, "3600"},
};
#define EDGES (sizeof(edges) / sizeof(edges[0]))

struct histogram {
    uint64_t counts[EDGES + 1]; /* each its own interval; the text adds them up */
    uint64_t count;
    uint64_t sum_ms;
};

static void histogram_add(struct histogram *h, int64_t ms)
{
    size_t i = 0;

    ms = ms > 0 ? ms : 0;
    while (i < EDGES && ms > edges[i].ms) {
        i++;
    }
    h->counts[i]++;
    h->count++;
    h->sum_ms += (uint64_t)ms;
}

/* ---- the counts ---- */

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

struct metrics {
    struct map *names; /* the label values from outside that are kept */
    struct table models, adapters, costs, lanes;
    struct histogram phases[PHASE_COUNT];
    uint64_t media[MEDIA_DIRECTION_COUNT];
    uint64_t accepts[FAULT_COUNT];
    uint64_t unknown, dead, orphans;
    int64_t gauges[GAUGE_COUNT];
};

static void table_init(struct table *t, size_t size)
{
    list_init(&t->rows);
    t->index = map_new(ROWS + 1); /* one more for OTHER */
    t->size = size;
}

static void table_done(struct table *t)
{
    list_each(link, after, &t->rows)
    {
        struct row *r = container_of(link, struct row, link);
        list_drop(link);
        free(r->name);
        free(r->second);
        free(r);
    }
    map_free(&t->index);
}

struct metrics *metrics_new(void)
{
    struct metrics *m = mem_new(sizeof(*m));

    m->names = map_new(NAMES);
    table_init(&m->models, sizeof(struct model_row));
    table_init(&m->adapters, sizeof(struct adapter_row));
    table_init(&m->costs, sizeof(struct cost_row));
    table_init(&m->lanes, sizeof(struct lane_row));
    return m;
}

void metrics_free(struct metrics **pm)
{
    struct metrics *m = *pm;

    if (!m) {
        return;
    }
    table_done(&m->models);
    table_done(&m->adapters);
    table_done(&m->costs);
    table_done(&m->lanes);
    map_free(&m->names);
    free(m);
    *pm = NULL;
}

/* The name itself while there is room for it, else OTHER: whoever can choose names must not be able to grow
 * the text for ever. */
static const char *metrics_name(struct metrics *m, const char *name)
{
    if (!name || strlen(name) > NAME_CHARS) {
        return OTHER;
    }
    return map_find(m->names, name) || map_put(m->names, name, m) ? name : OTHER;
}

/* The exposition format escapes three characters in a label's value. */
static char *escape(const char *text)
{
    char *out = mem_new(2 * strlen(text) + 1);
    char *at = out;

    for (; *text; text++) {
        if (*text == '\\' || *text == '"' || *text == '\n') {
            *at++ = '\\';
        }
        *at++ = *text == '\n' ? 'n' : *text;
    }
    return out;
}

/* The row of these label values, or NULL. The length in the key keeps "a" + "bc" apart from "ab" + "c". */
static struct row *table_find(const struct table *t, const char *name, const char *second,
                              char key[KEY_CHARS])
{
    snprintf(key, KEY_CHARS, "%zu %s%s", strlen(name), name, second ? second : "");
    return map_find(t->index, key);
}

/* The row of these label values, made when it is new; the row of OTHER when the table is full. second is NULL
 * in tables of one label. */
static struct row *table_row(struct metrics *m, struct table *t, const char *name, const char *second)
{
    char key[KEY_CHARS];

    name = metrics_name(m, name);
    second = second ? metrics_name(m, second) : NULL;
    struct row *r = table_find(t, name, second, key);
    if (!r && map_count(t->index) >= ROWS) {
        name = OTHER;
        second = second ? OTHER : NULL;
        r = table_find(t, name, second, key);
    }
    if (!r) {
        r = mem_new(t->size);
        r->name = escape(name);
        r->second = second ? escape(second) : NULL;
        list_push(&t->rows, &r->link);
        map_put(t->index, key, r);
    }
    return r;
}

/* ---- what happens ---- */

void metrics_task(struct metrics *m, const char *model, enum task_status status)
{
    struct model_row *r = (struct model_row *)table_row(m, &m->models, model, NULL);

    r->tasks[status]++;
}

void metrics_phase(struct metrics *m, enum metrics_phase phase, int64_t ms)
{
    histogram_add(&m->phases[phase], ms);
}

static struct adapter_row *metrics_adapter(struct metrics *m, const char *adapter)
{
    return (struct adapter_row *)table_row(m, &m->adapters, adapter, NULL);
}

void metrics_vendor(struct metrics *m, const char *adapter, enum adapter_step step, enum answer_class class,
                    int64_t ms)
{
    struct adapter_row *r = metrics_adapter(m, adapter);

    r->classes[step][class]++;
    histogram_add(&r->seconds[step], ms);
}

void metrics_unknown(struct metrics *m)
{
    m->unknown++;
}

void metrics_unknown_word(struct metrics *m, const char *adapter)
{
    metrics_adapter(m, adapter)->unknown_words++;
}

void metrics_dead(struct metrics *m)
{
    m->dead++;
}

void metrics_cost(struct metrics *m, const char *model, const char *unit, double amount)
{
    /* A vendor's number: a counter takes no nonsense and never falls. */
    if (!isfinite(amount) || amount < 0) {
        return;
    }
    struct cost_row *r = (struct cost_row *)table_row(m, &m->costs, model, unit ? unit : "");
    r->amount += amount;
}

void metrics_media(struct metrics *m, enum metrics_direction direction, uint64_t bytes)
{
    m->media[direction] += bytes;
}

void metrics_accept(struct metrics *m, enum fault fault)
{
    m->accepts[fault]++;
}

void metrics_orphan(struct metrics *m)
{
    m->orphans++;
}

void metrics_lane(struct metrics *m, const char *lane, const char *priority, uint64_t depth,
                  int64_t oldest_ms)
{
    struct lane_row *r = (struct lane_row *)table_row(m, &m->lanes, lane, priority);

    r->depth = depth;
    r->oldest_ms = oldest_ms;
}

void metrics_gauge(struct metrics *m, enum metrics_gauge gauge, int64_t value)
{
    m->gauges[gauge] = value;
}

/* ---- the text ---- */

static void write_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_one(struct buf *out, const char *name, const char *help, uint64_t value)
{
    write_head(out, name, "counter", help);
    buf_printf(out, "%s %" PRIu64 "\n", name, value);
}

static void write_histogram(struct buf *out, const char *name, const char *labels, const struct histogram *h)
{
    uint64_t so_far = 0;

    for (size_t i = 0; i < EDGES; i++) {
        so_far += h->counts[i];
        buf_printf(out, "%s_bucket{%s,le=\"%s\"} %" PRIu64 "\n", name, labels, edges[i].text, so_far);
    }
    buf_printf(out, "%s_bucket{%s,le=\"+Inf\"} %" PRIu64 "\n", name, labels, h->count);
    buf_printf(out, "%s_sum{%s} %" PRIu64 ".%03" PRIu64 "\n", name, labels, h->sum_ms / 1000,
               h->sum_ms % 1000);
    buf_printf(out, "%s_count{%s} %" PRIu64 "\n", name, labels, h->count);
}

static void write_tasks(const struct metrics *m, struct buf *out)
{
    write_head(out, "sluice_tasks_total", "counter",
               "Tasks that ended, by the model asked for and the status they ended with.");
    list_each(link, after, &m->models.rows)
    {
        const struct model_row *r = container_of(link, struct model_row, row.link);
        for (int s = 0; s < TASK_STATUS_COUNT; s++) {
            /* All ends of a known model are written, so that its first failure is a rise and not a new
             * series. */
            if (r->tasks[s] || task_status_terminal((enum task_status)s)) {
                buf_printf(out, "sluice_tasks_total{model=\"%s\",status=\"%s\"} %" PRIu64 "\n", r->row.name,
                           task_status_text((enum task_status)s), r->tasks[s]);
            }
        }
    }
}

static void write_phases(const struct metrics *m, struct buf *out)
{
    static const char *const names[PHASE_COUNT] = {"queued",      "preparing", "submitting", "running",
                                                   "downloading", "storing",   "total"};
    char labels[64];

    write_head(out, "sluice_task_phase_seconds", "histogram",
               "How long tasks spent in each phase; total is from acceptance to the end.");
    for (int i = 0; i < PHASE_COUNT; i++) {
        snprintf(labels, sizeof(labels), "phase=\"%s\"", names[i]);
        write_histogram(out, "sluice_task_phase_seconds", labels, &m->phases[i]);
    }
}

static void write_classes(struct buf *out, const struct adapter_row *r)
{
    for (int step = 0; step < STEP_COUNT; step++) {
        for (int class = 0; class <= CLASS_COUNT; class ++) {
            if (r->classes[step][class]) {
                buf_printf(out,
                           "sluice_vendor_requests_total{adapter=\"%s\",step=\"%s\",class=\"%s\"} %" PRIu64
                           "\n",
                           r->row.name, adapter_step_text((enum adapter_step)step),
                           class == CLASS_COUNT ? "no_answer" : answer_class_text((enum answer_class) class),
                           r->classes[step][class]);
            }
        }
    }
}

static void write_seconds(struct buf *out, const struct adapter_row *r)
{
    char labels[2 * NAME_CHARS + 64];

    for (int step = 0; step < STEP_COUNT; step++) {
        if (r->seconds[step].count) {
            snprintf(labels, sizeof(labels), "adapter=\"%s\",step=\"%s\"", r->row.name,
                     adapter_step_text((enum adapter_step)step));
            write_histogram(out, "sluice_vendor_request_seconds", labels, &r->seconds[step]);
        }
    }
}

static void write_unknown_words(struct buf *out, const struct adapter_row *r)
{
    buf_printf(out, "sluice_vendor_unknown_states_total{adapter=\"%s\"} %" PRIu64 "\n", r->row.name,
               r->unknown_words);
}

static void write_adapters(const struct metrics *m, struct buf *out)
{
    static const struct {
        const char *name, *type, *help;
        void (*write)(struct buf *out, const struct adapter_row *r);
    } families[] = {
        {"sluice_vendor_requests_total", "counter",
         "Exchanges with vendors by what the answer meant; no_answer: none came whole.", write_classes},
        {"sluice_vendor_request_seconds", "histogram", "How long exchanges with vendors took.",
         write_seconds},
        {"sluice_vendor_unknown_states_total", "counter",
         "Answers whose state the adapter does not know; they are taken as in progress.",
         write_unknown_words},
    };

    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        write_head(out, families[i].name, families[i].type, families[i].help);
        list_each(link, after, &m->adapters.rows)
        {
            families[i].write(out, container_of(link, struct adapter_row, row.link));
        }
    }
}

static void write_lanes(const struct metrics *m, struct buf *out)
{
    write_head(out, "sluice_lane_depth", "gauge",
               "Messages that wait behind the last one delivered to this agent.");
    list_each(link, after, &m->lanes.rows)
    {
        const struct lane_row *r = container_of(link, struct lane_row, row.link);
        buf_printf(out, "sluice_lane_depth{lane=\"%s\",priority=\"%s\"} %" PRIu64 "\n", r->row.name,
                   r->row.second, r->depth);
    }
    write_head(out, "sluice_lane_oldest_seconds", "gauge",
               "Age of the last message delivered to this agent.");
    list_each(link2, after2, &m->lanes.rows)
    {
        const struct lane_row *r = container_of(link2, struct lane_row, row.link);
        buf_printf(out, "sluice_lane_oldest_seconds{lane=\"%s\",priority=\"%s\"} %.3f\n", r->row.name,
                   r->row.second, (double)r->oldest_ms / 1000);
    }
}

static void write_costs(const struct metrics *m, struct buf *out)
{
    write_head(out, "sluice_cost_total", "counter", "What vendors say that tasks cost, in their own unit.");
    list_each(link, after, &m->costs.rows)
    {
        const struct cost_row *r = container_of(link, struct cost_row, row.link);
        buf_printf(out, "sluice_cost_total{model=\"%s\",unit=\"%s\"} %.15g\n", r->row.name, r->row.second,
                   r->amount);
    }
}

static void write_accepts(const struct metrics *m, struct buf *out)
{
    write_head(out, "sluice_accepts_total", "counter",
               "Tasks offered on the socket: ok, or the code they were refused with.");
    for (int i = 0; i < FAULT_COUNT; i++) {
        if (i == FAULT_OK || m->accepts[i]) {
            buf_printf(out, "sluice_accepts_total{code=\"%s\"} %" PRIu64 "\n", fault_code((enum fault)i),
                       m->accepts[i]);
        }
    }
}

static void write_media(const struct metrics *m, struct buf *out)
{
    static const char *const names[MEDIA_DIRECTION_COUNT] = {"from_app", "to_app", "from_vendor",
                                                             "to_vendor"};

    write_head(out, "sluice_media_bytes_total", "counter", "Bytes of media that went through this agent.");
    for (int i = 0; i < MEDIA_DIRECTION_COUNT; i++) {
        buf_printf(out, "sluice_media_bytes_total{direction=\"%s\"} %" PRIu64 "\n", names[i], m->media[i]);
    }
}

static void write_gauges(const struct metrics *m, struct buf *out)
{
    static const struct {
        const char *name, *help;
    } rows[GAUGE_COUNT] = {
        [GAUGE_BUS_UP] = {"sluice_bus_up", "1 while NATS is connected."},
        [GAUGE_RUNNING] = {"sluice_running_tasks", "Tasks that this agent carries out now."},
        [GAUGE_POLLING] = {"sluice_polling_tasks", "Polls of waiting tasks that this agent makes now."},
        [GAUGE_CONNECTIONS] = {"sluice_connections", "Open connections on the socket."},
        [GAUGE_IN_FLIGHT] = {"sluice_requests_in_flight", "Requests on the socket without their answer."},
        [GAUGE_SPOOL_BYTES] = {"sluice_spool_bytes", "Bytes in the spool directory."},
        [GAUGE_WAITERS] = {"sluice_waiters", "Requests that wait for a task's news."},
    };

    for (int i = 0; i < GAUGE_COUNT; i++) {
        write_head(out, rows[i].name, "gauge", rows[i].help);
        buf_printf(out, "%s %" PRId64 "\n", rows[i].name, m->gauges[i]);
    }
}

void metrics_write(const struct metrics *m, struct buf *out)
{
    write_head(out, "sluice_build_info", "gauge", "1, with the version of this agent.");
    buf_printf(out, "sluice_build_info{version=\"%s\"} 1\n", SLUICE_VERSION);
    write_accepts(m, out);
    write_tasks(m, out);
    write_phases(m, out);
    write_adapters(m, out);
    write_one(out, "sluice_unknown_outcomes_total", "Submissions whose answer was lost.", m->unknown);
    write_one(out, "sluice_dead_total", "Tasks that were given up and put among the dead letters.", m->dead);
    write_one(out, "sluice_orphans_total", "Messages without a record that were dropped.", m->orphans);
    write_costs(m, out);
    write_media(m, out);
    write_lanes(m, out);
    write_gauges(m, out);
}
