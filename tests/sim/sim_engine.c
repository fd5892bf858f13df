/* sim_engine.c - a request in, an answer out. */
#include "sim_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sim_call.h"
#include "sim_control.h"
#include "sim_parts.h"
#include "sim_reply.h"
#include "sim_steps.h"

#define MAX_JOBS    100000
#define MAX_PLANS   10000
#define MAX_REPLAYS 20000
#define MAX_TOKENS  10000
#define MAX_TALLIES 100000

/* ---- life ---- */

enum fault sim_engine_new(const struct sim_engine_options *options, struct sim_engine **ret,
                          struct note *note)
{
    AUTO(sim_engine_free) struct sim_engine *e = mem_new(sizeof(*e));

    e->jobs = sim_jobs_new(MAX_JOBS);
    e->plans = sim_plans_new(MAX_PLANS);
    e->orders = sim_orders_new();
    e->limits = sim_limits_new();
    e->replays = sim_replays_new(MAX_REPLAYS);
    e->tokens = sim_tokens_new(MAX_TOKENS);
    e->count = sim_count_new(MAX_TALLIES);
    e->keys = json_array();
    e->latency_ms = options->latency_ms;
    e->job_ms = options->job_ms;
    e->random.state =
        options->seed ? options->seed : (uint64_t)clock_wall_ms() << 20 ^ (uint64_t)clock_mono_us();
    for (const char *const *key = options->keys; key && *key; key++) {
        json_array_append_new(e->keys, json_string(*key));
    }
    enum fault fault = sim_dialects_load(&e->dialects, options->dialects, note);
    if (!fault) {
        *ret = e;
        e = NULL;
    }
    return fault;
}

void sim_engine_free(struct sim_engine **pe)
{
    struct sim_engine *e = *pe;

    if (!e) {
        return;
    }
    sim_jobs_free(&e->jobs);
    sim_plans_free(&e->plans);
    sim_orders_free(&e->orders);
    sim_limits_free(&e->limits);
    sim_replays_free(&e->replays);
    sim_tokens_free(&e->tokens);
    sim_count_free(&e->count);
    sim_dialects_done(&e->dialects);
    json_decref(e->keys);
    free(e);
    *pe = NULL;
}

enum fault sim_engine_configure(struct sim_engine *e, const json_t *config, struct note *note)
{
    enum fault fault = FAULT_OK;
    const char *name;
    json_t *value, *one;
    size_t i;

    if (!json_is_object(config)) {
        return note_set(note, FAULT_BAD_VALUE, "the configuration is not a map");
    }
    json_object_foreach((json_t *)config, name, value)
    {
        if (!strcmp(name, "latency_ms") && json_is_integer(value)) {
            e->latency_ms = json_integer_value(value);
        } else if (!strcmp(name, "job_ms") && json_is_integer(value)) {
            e->job_ms = json_integer_value(value);
        } else if (!strcmp(name, "keys") && json_is_array(value)) {
            json_array_extend(e->keys, value);
        } else if (!strcmp(name, "faults") && json_is_array(value)) {
            json_array_foreach(value, i, one)
            {
                fault = fault ? fault : sim_orders_add(e->orders, one, note);
            }
        } else if (!strcmp(name, "limits") && json_is_array(value)) {
            json_array_foreach(value, i, one)
            {
                fault = fault ? fault : sim_limits_set(e->limits, one, note);
            }
        } else {
            return note_set(note, FAULT_BAD_VALUE, "the configuration has no \"%s\" of that type", name);
        }
    }
    return fault;
}

void sim_answer_init(struct sim_answer *a)
{
    *a = (struct sim_answer){.headers = json_object(), .sent_at_most = UINT64_MAX};
    sim_body_init(&a->body);
}

void sim_engine_end(struct sim_engine *e, struct sim_answer *a, bool delivered)
{
    struct sim_replay *replay = a->replay[0] ? sim_replays_find(e->replays, a->replay) : NULL;

    if (replay) {
        replay->busy = false;
    }
    if (a->counted) {
        sim_count_end(e->count, &a->ticket, delivered, a->body.done);
    }
    json_decref(a->headers);
    a->headers = NULL;
    sim_body_done(&a->body);
}

/* ---- one request ---- */

static void call_count(struct sim_engine *e, struct sim_call *c, struct sim_answer *a)
{
    const char *prompt = json_string_value(json_object_get(c->vars, "prompt"));
    struct sim_seen seen = {.dialect = c->dialect,
                            .step = c->step,
                            .outcome = c->outcome,
                            .status = a->status,
                            .faulted = c->faulted,
                            .leaked = c->leaked,
                            .secret = c->secret[0] ? c->secret : NULL,
                            .prompt = prompt,
                            .key = c->key,
                            .wall_ms = c->wall_ms};

    sim_count_answer(e->count, &seen, &a->ticket);
    a->counted = true;
}

static void engine_call(struct sim_engine *e, struct sim_call *c, struct sim_answer *a)
{
    struct slice host = http_find(&c->request->head, "host");

    snprintf(c->base, sizeof(c->base), "http://%.*s/%s", (int)(host.n < 128 ? host.n : 128),
             host.p ? host.p : "", c->dialect->name);
    sim_faults_init(&c->faults);
    c->faults.latency_ms = e->latency_ms;
    sim_call_scope(c);
    json_t *reply = sim_steps_reply(e, c, a);
    sim_reply_render(c, reply, a);
    if (c->outcome != SIM_REFUSED || c->step == SIM_DOWNLOAD) {
        sim_reply_spoil(c, a);
    }
    a->delay_ms = c->faults.latency_ms + c->waited_ms;
    if (c->why) { /* for whoever writes a client */
        json_object_set_new(a->headers, "x-sim-why", json_string(c->why));
    }
    call_count(e, c, a);
    if (c->drops_job) {
        sim_jobs_drop(e->jobs, c->job);
    }
    free(c->key);
    json_decref(reply);
    json_decref(c->vars);
}

void sim_engine_answer(struct sim_engine *e, const struct sim_request *r, int64_t now_ms, int64_t wall_ms,
                       struct sim_answer *a)
{
    struct slice rest = r->head.path, first = {"", 0};

    slice_cut(&rest, '/', &first);
    slice_cut(&rest, '/', &first);
    struct sim_call c = {.request = r,
                         .dialect = sim_dialects_find(&e->dialects, first),
                         .random = &e->random,
                         .now_ms = now_ms,
                         .wall_ms = wall_ms,
                         .serial = ++e->serial};
    if (!c.dialect) {
        sim_control_answer(e, r, a);
        return;
    }
    c.path = (struct slice){first.p + first.n, (size_t)(r->head.path.p + r->head.path.n - first.p) - first.n};
    engine_call(e, &c, a);
}
