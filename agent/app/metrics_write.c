/* metrics_write.c - the counts as Prometheus text. */
#include <inttypes.h>
#include <stdio.h>

#include "app/metrics_internal.h"

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

    for (size_t i = 0; i < METRICS_EDGES; i++) {
        so_far += h->counts[i];
        buf_printf(out, "%s_bucket{%s,le=\"%s\"} %" PRIu64 "\n", name, labels, metrics_edges[i].text, so_far);
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
    char labels[2 * METRICS_NAME_CHARS + 64];

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

static void write_other_versions(struct buf *out, const struct adapter_row *r)
{
    buf_printf(out, "sluice_adapter_other_version_total{adapter=\"%s\"} %" PRIu64 "\n", r->row.name,
               r->other_versions);
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
        {"sluice_adapter_other_version_total", "counter",
         "Polls that went by another version of the adapter than their task was submitted with.",
         write_other_versions},
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

static void write_standing(const struct metrics *m, struct buf *out)
{
    write_head(out, "sluice_breaker_state", "gauge",
               "How a target stands with a key, in the whole fleet: 0 closed, 1 coming back, 2 half-open, 3 "
               "open.");
    list_each(link, after, &m->breakers.rows)
    {
        const struct breaker_row *r = container_of(link, struct breaker_row, row.link);
        buf_printf(out, "sluice_breaker_state{target=\"%s\",key=\"%s\"} %d\n", r->row.name, r->row.second,
                   r->state);
    }
    write_head(out, "sluice_not_before_seconds", "gauge",
               "For how long a key must not be used, because its vendor said so.");
    list_each(link2, after2, &m->holds.rows)
    {
        const struct hold_row *r = container_of(link2, struct hold_row, row.link);
        buf_printf(out, "sluice_not_before_seconds{key=\"%s\"} %.3f\n", r->row.name, (double)r->ms / 1000);
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

static void write_swept(const struct metrics *m, struct buf *out)
{
    static const char *const names[SWEPT_COUNT] = {"placed_again", "ended", "orphan_removed", "forgotten"};

    write_head(out, "sluice_swept_total", "counter",
               "What the sweeper did: tasks whose lost message was placed again, tasks ended whose time was "
               "over, messages of no task removed, old records forgotten. The first three should be 0.");
    for (int i = 0; i < SWEPT_COUNT; i++) {
        buf_printf(out, "sluice_swept_total{what=\"%s\"} %" PRIu64 "\n", names[i], m->swept[i]);
    }
}

static void write_reloads(const struct metrics *m, struct buf *out)
{
    write_head(out, "sluice_reloads_total", "counter",
               "New configurations: taken over (ok), or refused and nothing changed.");
    buf_printf(out, "sluice_reloads_total{result=\"ok\"} %" PRIu64 "\n", m->reloads[1]);
    buf_printf(out, "sluice_reloads_total{result=\"refused\"} %" PRIu64 "\n", m->reloads[0]);
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
        [GAUGE_CONFIG_REVISION] = {"sluice_config_revision",
                                   "Newest revision in SLUICE_CONFIG that this agent has seen; 0: none."},
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
    write_swept(m, out);
    write_reloads(m, out);
    write_costs(m, out);
    write_media(m, out);
    write_lanes(m, out);
    write_standing(m, out);
    write_gauges(m, out);
}
