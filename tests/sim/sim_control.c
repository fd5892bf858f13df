/* sim_control.c - /_sim: how tests ask what happened and order what shall. */
#include "sim_control.h"

#include <stdlib.h>

#include "sim_parts.h"

#define MOST_LISTED 1000
#define TEXT_CHARS  8192

/* Takes value. */
static void control_json(struct sim_answer *a, int status, json_t *value)
{
    a->status = status;
    json_object_set_new(a->headers, "content-type", json_string("application/json"));
    sim_body_json(&a->body, value);
    buf_char(&a->body.text, '\n');
    json_decref(value);
}

static void control_error(struct sim_answer *a, int status, const char *message)
{
    control_json(a, status, json_pack("{s:{s:s}}", "error", "message", message));
}

static void control_index(struct sim_engine *e, const struct sim_request *r, struct sim_answer *a)
{
    struct slice host = http_find(&r->head, "host");
    json_t *bases = json_object();

    for (size_t i = 0; i < e->dialects.count; i++) {
        const char *name = e->dialects.items[i]->name;
        json_t *base = json_sprintf("http://%.*s/%s", (int)host.n, host.p ? host.p : "", name);
        json_object_set_new(bases, name, base ? base : json_null());
    }
    control_json(a, 200,
                 json_pack("{s:s, s:o}", "simulator", "sluice-sim " SLUICE_VERSION, "vendors", bases));
}

static void control_stats(struct sim_engine *e, const struct sim_request *r, struct sim_answer *a)
{
    char most[16];
    size_t n = http_query(&r->head, "most", most, sizeof(most)) ? strtoul(most, NULL, 10) : MOST_LISTED;
    json_t *stats = sim_count_stats(e->count, n);

    json_object_set_new(stats, "jobs", json_integer((json_int_t)sim_jobs_count(e->jobs)));
    control_json(a, 200, stats);
}

static void control_paid(struct sim_engine *e, const struct sim_request *r, struct sim_answer *a)
{
    char text[TEXT_CHARS];

    if (http_query(&r->head, "key", text, sizeof(text))) {
        control_json(a, 200, sim_count_paid(e->count, text, true));
    } else if (http_query(&r->head, "prompt", text, sizeof(text))) {
        control_json(a, 200, sim_count_paid(e->count, text, false));
    } else {
        control_error(a, 400, "ask with ?prompt=… or ?key=…");
    }
}

typedef enum fault control_fn(struct sim_engine *e, const json_t *spec, struct note *note);

static enum fault control_order(struct sim_engine *e, const json_t *spec, struct note *note)
{
    return sim_orders_add(e->orders, spec, note);
}

static enum fault control_limit(struct sim_engine *e, const json_t *spec, struct note *note)
{
    return sim_limits_set(e->limits, spec, note);
}

/* Hands the body, or each item of a list, to fn. */
static void control_each(struct sim_engine *e, const struct sim_request *r, control_fn *fn,
                         struct sim_answer *a)
{
    struct note note = {0};
    size_t i, done = 0;
    json_t *one;

    if (!json_is_object(r->body) && !json_is_array(r->body)) {
        control_error(a, 400,
                      r->wrong[0] ? r->wrong
                                  : "a JSON object, or a list of them, with content-type application/json");
        return;
    }
    if (json_is_object(r->body)) {
        enum fault fault = fn(e, r->body, &note);
        control_json(a, fault ? 400 : 200,
                     fault ? json_pack("{s:{s:s}}", "error", "message", note_text(&note, fault))
                           : json_pack("{s:i}", "added", 1));
        return;
    }
    json_array_foreach(r->body, i, one)
    {
        enum fault fault = fn(e, one, &note);
        if (fault) {
            control_error(a, 400, note_text(&note, fault));
            return;
        }
        done++;
    }
    control_json(a, 200, json_pack("{s:I}", "added", (json_int_t)done));
}

/* ---- what can be asked ---- */

static void control_faults(struct sim_engine *e, const struct sim_request *r, struct sim_answer *a)
{
    (void)r;
    control_json(a, 200, sim_orders_list(e->orders));
}

static void control_add_faults(struct sim_engine *e, const struct sim_request *r, struct sim_answer *a)
{
    control_each(e, r, control_order, a);
}

static void control_drop_faults(struct sim_engine *e, const struct sim_request *r, struct sim_answer *a)
{
    (void)r;
    sim_orders_clear(e->orders);
    control_json(a, 200, json_object());
}

static void control_add_limits(struct sim_engine *e, const struct sim_request *r, struct sim_answer *a)
{
    control_each(e, r, control_limit, a);
}

static void control_drop_limits(struct sim_engine *e, const struct sim_request *r, struct sim_answer *a)
{
    (void)r;
    sim_limits_clear(e->limits);
    control_json(a, 200, json_object());
}

static void control_reset(struct sim_engine *e, const struct sim_request *r, struct sim_answer *a)
{
    (void)r;
    sim_count_reset(e->count);
    sim_jobs_clear(e->jobs);
    sim_plans_clear(e->plans);
    sim_orders_clear(e->orders);
    sim_limits_clear(e->limits);
    sim_replays_clear(e->replays);
    sim_tokens_clear(e->tokens);
    control_json(a, 200, json_object());
}

static const struct ask {
    const char *method;
    const char *path;
    void (*answer)(struct sim_engine *e, const struct sim_request *r, struct sim_answer *a);
} asks[] = {
    {"GET", "/", control_index},
    {"GET", "/_sim/stats", control_stats},
    {"GET", "/_sim/paid", control_paid},
    {"GET", "/_sim/faults", control_faults},
    {"POST", "/_sim/faults", control_add_faults},
    {"DELETE", "/_sim/faults", control_drop_faults},
    {"POST", "/_sim/limits", control_add_limits},
    {"DELETE", "/_sim/limits", control_drop_limits},
    {"POST", "/_sim/reset", control_reset},
};

void sim_control_answer(struct sim_engine *e, const struct sim_request *r, struct sim_answer *a)
{
    for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
        if (slice_is(r->head.method, asks[i].method) && slice_is(r->head.path, asks[i].path)) {
            asks[i].answer(e, r, a);
            return;
        }
    }
    control_error(
        a, 404,
        "GET / names the vendors; the simulator itself has GET /_sim/stats, GET /_sim/paid, GET POST DELETE "
        "/_sim/faults, POST DELETE /_sim/limits, POST /_sim/reset");
}
