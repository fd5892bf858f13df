/* sim_steps.c - the steps of an answer: each gives a reply that ends it, or NULL. */
#include "sim_steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim_check.h"
#include "sim_reply.h"
#include "sim_secret.h"

#define HEADER_FAULT  "x-sim-fault"
#define TOKEN_LIVES_S 3600

static json_t *step_invalid(struct sim_call *c, const char *param, const char *message)
{
    struct sim_complaint why = {.reason = "type"};

    snprintf(why.param, sizeof(why.param), "%s", param);
    snprintf(why.message, sizeof(why.message), "%s", message);
    return sim_reply_error(c, "invalid", &why);
}

static json_t *step_secret(struct sim_engine *e, struct sim_call *c, enum sim_secret policy)
{
    enum sim_secret_state found = sim_secret_find(e, c);

    if (policy == SIM_SECRET_NEED) {
        c->why = found == SIM_SECRET_GOOD ? NULL : c->why ? c->why : "there is no secret";
        return found == SIM_SECRET_GOOD ? NULL : sim_reply_error(c, "auth", NULL);
    }
    c->why = NULL;
    c->leaked = found != SIM_SECRET_ABSENT;
    if (policy == SIM_SECRET_REFUSE && found != SIM_SECRET_ABSENT) {
        bool own = json_object_get(c->dialect->errors, "secret_refused") != NULL;
        return own ? sim_reply_error(c, "secret_refused", NULL)
                   : step_invalid(c, "", "This URL is presigned and takes no key.");
    }
    return NULL;
}

static json_t *step_read(struct sim_call *c)
{
    static const char *const forms[] = {"none", "json", "form", "raw", "urlencoded"};
    const json_t *reads = c->route->reads;
    const struct sim_request *r = c->request;
    struct sim_complaint why;
    size_t i;
    json_t *form;
    bool known = !reads, raw = false;

    json_array_foreach((json_t *)reads, i, form)
    {
        const char *name = json_is_string(form) ? json_string_value(form) : "";
        known = known || !strcmp(name, forms[r->form]);
        raw = raw || !strcmp(name, "raw");
    }
    if (!known && !raw) {
        return step_invalid(c, "", "The body has a Content-Type that this endpoint does not take.");
    }
    if (known && r->wrong[0]) { /* as raw bytes a body is good, whatever its type says it is */
        return step_invalid(c, "", r->wrong);
    }
    bool texts = r->form == SIM_FORM_FORM || r->form == SIM_FORM_QUERY;
    if (c->route->fields &&
        !sim_check_fields(c->route->fields, r->body, texts, c->route->others_refused, &why)) {
        return sim_reply_error(c, "invalid", &why);
    }
    return NULL;
}

/* A template that must give a text; NULL when it does not. The caller frees. */
static char *step_text(struct sim_call *c, const json_t *template)
{
    json_t *value = template ? sim_template_value(template, &c->scope) : NULL;
    char *text = mem_text(json_string_value(value));

    if (json_is_integer(value)) {
        text = mem_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    }
    json_decref(value);
    return text;
}

/* Finds the job or its variables, and the plan of its prompt. */
static json_t *step_context(struct sim_engine *e, struct sim_call *c)
{
    struct note note = {0};
    const char *name;
    json_t *template;

    if (c->route->job == SIM_JOB_FIND) {
        AUTO(auto_free) char *id = step_text(c, c->route->id);
        c->job = id ? sim_jobs_find(e->jobs, c->dialect, id) : NULL;
        if (c->job && c->route->secret == SIM_SECRET_NEED && strcmp(c->job->secret, c->secret) != 0) {
            c->job = NULL; /* another account's */
        }
    }
    if (c->job) {
        c->plan = sim_plans_find(e->plans, c->job->plan);
        sim_scope_push(&c->scope, c->job->vars);
    }
    c->vars = json_object();
    sim_scope_push(&c->scope, c->vars);
    json_object_foreach((json_t *)c->route->let, name, template)
    {
        json_object_set_new(c->vars, name, sim_template_value(template, &c->scope));
    }
    const char *prompt = json_string_value(json_object_get(c->vars, "prompt"));
    if (prompt && !c->job && sim_plans_of(e->plans, prompt, &c->plan, &note)) {
        return step_invalid(c, "prompt", note_text(&note, FAULT_BAD_VALUE));
    }
    return NULL;
}

static json_t *step_faults(struct sim_engine *e, struct sim_call *c)
{
    struct slice header = http_find(&c->request->head, HEADER_FAULT);
    struct note note = {0};
    struct sim_fault order;

    while (header.n) {
        struct slice one = {"", 0};
        slice_cut(&header, ',', &one);
        if (sim_fault_read(slice_trim(one), &order, &note)) {
            return step_invalid(c, HEADER_FAULT, note_text(&note, FAULT_BAD_VALUE));
        }
        sim_faults_take(&c->faults, &order, c->step, -1);
    }
    if (c->plan) {
        sim_plan_take(c->plan, &c->faults, c->step);
    }
    sim_orders_take(e->orders, &c->faults, c->dialect->name, c->step, c->secret, &e->random);
    c->faulted = c->faults.main.kind != SIM_FAULT_NONE;
    return NULL;
}

static json_t *step_refuse(struct sim_call *c)
{
    if (c->faults.main.accepted) {
        return NULL;
    }
    switch (c->faults.main.kind) {
    case SIM_FAULT_STATUS:
        return sim_reply_status(c, (int)c->faults.main.value);
    case SIM_FAULT_AUTH:
        return sim_reply_error(c, "auth", NULL);
    case SIM_FAULT_QUOTA:
        return sim_reply_error(c, "quota", NULL);
    case SIM_FAULT_POLICY:
        return sim_reply_error(c, "policy", NULL);
    default:
        return NULL;
    }
}

static json_t *step_limit(struct sim_engine *e, struct sim_call *c)
{
    int64_t wait_s = -1;

    if (c->step != SIM_SUBMIT ||
        sim_limits_take(e->limits, c->dialect->name, c->secret, c->now_ms, &wait_s)) {
        return NULL;
    }
    c->faults.main.retry_after_s = wait_s;
    return sim_reply_error(c, "rate", NULL);
}

static void step_make_job(struct sim_engine *e, struct sim_call *c)
{
    AUTO(auto_free) char *id = step_text(c, c->route->id);
    AUTO(auto_free) char *alias = step_text(c, c->route->alias);
    struct sim_job *job = sim_jobs_add(e->jobs, c->dialect, id ? id : "job", alias);

    job->vars = json_incref(c->vars);
    job->created_ms = c->now_ms;
    job->created_wall_ms = c->wall_ms;
    job->takes_ms = c->faults.job_ms >= 0 ? c->faults.job_ms : e->job_ms;
    job->endless = c->faults.main.kind == SIM_FAULT_ENDLESS;
    snprintf(job->secret, sizeof(job->secret), "%s", c->secret);
    snprintf(job->plan, sizeof(job->plan), "%s", c->plan ? c->plan->key : "");
    if (c->faults.main.kind == SIM_FAULT_JOBFAIL) {
        snprintf(job->failure, sizeof(job->failure), "%s",
                 c->faults.main.detail[0] ? c->faults.main.detail : "internal");
    }
    if (c->faults.bytes >= 0) {
        json_object_set_new(job->vars, "sim_bytes", json_integer(c->faults.bytes));
    }
    c->job = job;
}

/* The name of the idempotency record, "" when the request has no key. */
static void step_key(struct sim_call *c, char name[17])
{
    c->key = step_text(c, c->route->idempotency);
    name[0] = '\0';
    if (c->key) {
        AUTO(auto_free)
        char *scope = mem_printf("%s %s %.*s %.*s", c->dialect->name, c->secret, (int)c->route->method.n,
                                 c->route->method.p, (int)c->path.n, c->path.p);
        sim_replays_name(scope, c->key, name);
    }
}

static double step_number(struct sim_call *c, const json_t *template, double otherwise)
{
    json_t *value = template ? sim_template_value(template, &c->scope) : NULL;
    double n = json_is_string(value) ? strtod(json_string_value(value), NULL) : json_number_value(value);

    json_decref(value);
    return n > 0 && n < 1e9 ? n : otherwise;
}

/* The answer comes when the job is done, or when the client waited long enough: it is made as of then. */
static void step_wait(struct sim_call *c)
{
    int64_t most_ms = (int64_t)(1000 * step_number(c, c->route->waits, 0));

    if (c->job) {
        c->waited_ms = c->job->takes_ms < most_ms && !c->job->endless ? c->job->takes_ms : most_ms;
        c->now_ms += c->waited_ms;
        c->wall_ms += c->waited_ms;
    }
}

static void step_mint(struct sim_engine *e, struct sim_call *c)
{
    AUTO(auto_free) char *token = step_text(c, json_object_get(c->route->mints, "token"));
    double lives_s = step_number(c, json_object_get(c->route->mints, "lives"), TOKEN_LIVES_S);

    if (token) {
        sim_tokens_add(e->tokens, c->dialect->name, token, c->secret, c->now_ms + (int64_t)(1000 * lives_s));
    }
}

/* The request is good and nothing stands against it. */
static json_t *step_accept(struct sim_engine *e, struct sim_call *c, struct sim_answer *a, const char *replay)
{
    c->outcome = SIM_PAID;
    if (c->route->job == SIM_JOB_MAKE) {
        step_make_job(e, c);
        step_wait(c);
    }
    step_mint(e, c);
    json_t *reply = sim_reply_pick(c);
    if (!reply) {
        c->outcome = SIM_REFUSED;
        return sim_reply_error(c, "not_found", NULL);
    }
    if (replay[0]) {
        sim_replays_add(e->replays, replay, reply);
        memcpy(a->replay, replay, sizeof(a->replay));
    }
    if (c->faults.main.accepted) {
        json_decref(reply);
        c->faults.main.accepted = false;
        reply = step_refuse(c);
        reply = reply ? reply : sim_reply_error(c, "internal", NULL);
    }
    return reply;
}

/* All steps behind the route, in the order in which a vendor's gateway would take them. */
static json_t *step_all(struct sim_engine *e, struct sim_call *c, struct sim_answer *a)
{
    char name[17];
    json_t *reply = step_secret(e, c, c->route->secret);

    reply = reply ? reply : step_read(c);
    reply = reply ? reply : step_context(e, c);
    reply = reply ? reply : step_faults(e, c);
    if (reply) {
        return reply;
    }
    step_key(c, name);
    reply = step_refuse(c);
    const struct sim_replay *replay = reply || !name[0] ? NULL : sim_replays_find(e->replays, name);
    if (replay && replay->busy) {
        return sim_reply_error(c, "conflict", NULL);
    }
    if (replay) {
        c->outcome = SIM_REPLAYED;
        return json_incref(replay->reply);
    }
    reply = reply ? reply : step_limit(e, c);
    return reply ? reply : step_accept(e, c, a, name);
}

/* Media behind a URL that a template gave out. */
static json_t *step_file(struct sim_engine *e, struct sim_call *c, struct slice path)
{
    struct sim_media_spec m;
    char plan[SIM_PLAN_KEY_CHARS + 1];
    json_t *reply = step_secret(e, c, c->dialect->files_secret);

    if (reply || !sim_call_file(path, &m, plan)) {
        return reply ? reply : sim_reply_error(c, "not_found", NULL);
    }
    c->plan = sim_plans_find(e->plans, plan);
    reply = step_faults(e, c);
    reply = reply ? reply : step_refuse(c);
    return reply ? reply
                 : json_pack("{s:i, s:{s:{s:s, s:i, s:i, s:I, s:I, s:I}}}", "status", 200, "media", "$media",
                             "kind", sim_media_name(m.kind), "width", m.width, "height", m.height, "ms",
                             (json_int_t)m.ms, "bytes", (json_int_t)m.bytes, "seed", (json_int_t)m.seed);
}

/* The first route of that method and path whose condition holds; a condition may look at the body. */
static bool step_route(struct sim_call *c)
{
    size_t from = 0;

    for (;;) {
        c->route = sim_dialect_match(c->dialect, from, &c->request->head.method, c->path, c->params,
                                     &c->param_count);
        if (!c->route || !c->route->when || sim_template_test(c->route->when, &c->scope)) {
            return c->route != NULL;
        }
        from = (size_t)(c->route - c->dialect->routes) + 1;
    }
}

json_t *sim_steps_reply(struct sim_engine *e, struct sim_call *c, struct sim_answer *a)
{
    size_t n = c->dialect->files ? strlen(c->dialect->files) : 0;

    if (n && slice_is(c->request->head.method, "GET") && slice_starts(c->path, c->dialect->files)) {
        c->step = SIM_DOWNLOAD;
        return step_file(e, c, (struct slice){c->path.p + n, c->path.n - n});
    }
    if (!step_route(c)) {
        c->step = SIM_OTHER;
        bool other = sim_dialect_match(c->dialect, 0, NULL, c->path, c->params, &c->param_count) != NULL;
        return other ? sim_reply_status(c, 405) : sim_reply_error(c, "not_found", NULL);
    }
    c->step = c->route->step;
    return step_all(e, c, a);
}
