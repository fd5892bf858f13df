/* sim_reply.c - what is answered: a dialect's templates filled. */
#include "sim_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define DEEP_LEVELS 100000

static void reply_drop(json_t **value)
{
    json_decref(*value);
    *value = NULL;
}

/* ---- picking and filling ---- */

/* One answer or error row of a dialect, filled. */
static json_t *reply_fill(struct sim_call *c, const json_t *spec, int status)
{
    json_t *reply = json_object();
    const json_t *json = json_object_get(spec, "json"), *media = json_object_get(spec, "media");
    const json_t *text = json_object_get(spec, "text"), *headers = json_object_get(spec, "headers");

    json_object_set_new(reply, "status", json_integer(status));
    if (headers) {
        json_object_set_new(reply, "headers", sim_template_value(headers, &c->scope));
    }
    if (json) {
        json_object_set_new(reply, "json", sim_template_value(json, &c->scope));
    } else if (media) {
        AUTO(reply_drop) json_t *full = sim_template_value(media, &c->scope);
        json_object_set_new(reply, "media", sim_call_media(c, full));
    } else if (text) {
        json_object_set_new(reply, "text", sim_template_value(text, &c->scope));
    }
    return reply;
}

/* When a job was asked for and is not there, only an answer that speaks of phase "none" will do. */
static bool reply_fits(struct sim_call *c, const json_t *when)
{
    if (c->route->job == SIM_JOB_FIND && !c->job && !json_object_get(when, "phase")) {
        return false;
    }
    return !when || sim_template_test(when, &c->scope);
}

/* What a cancel or a delete does. The answer still sees a job that is deleted: it goes when the answer is
 * made. */
static void reply_effect(struct sim_call *c, const json_t *effect)
{
    const char *word = c->job ? json_string_value(effect) : NULL;

    if (word && !strcmp(word, "cancel")) {
        c->job->cancelled_ms = c->now_ms ? c->now_ms : 1;
    }
    c->drops_job = word && !strcmp(word, "delete");
}

json_t *sim_reply_pick(struct sim_call *c)
{
    size_t i;
    json_t *spec;

    json_array_foreach((json_t *)c->route->answers, i, spec)
    {
        if (!reply_fits(c, json_object_get(spec, "when"))) {
            continue;
        }
        reply_effect(c, json_object_get(spec, "effect"));
        AUTO(reply_drop)
        json_t *status = json_object_get(spec, "status")
                             ? sim_template_value(json_object_get(spec, "status"), &c->scope)
                             : json_integer(200);
        return reply_fill(c, spec, (int)json_integer_value(status));
    }
    return NULL;
}

/* ---- errors ---- */

/* The variables of an error: what the request did wrong, then the dialect's row, whose words win. */
static json_t *reply_error(struct sim_call *c, const json_t *row, int status, const struct sim_complaint *why)
{
    size_t frames = c->scope.count;
    AUTO(reply_drop) json_t *extra = json_object();

    json_object_set_new(extra, "status", json_integer(status));
    if (why) {
        json_object_set_new(extra, "reason", json_string(why->reason));
        json_object_set_new(extra, "message", json_string(why->message));
        json_object_set_new(extra, "param", why->param[0] ? json_string(why->param) : json_null());
    }
    if (c->faults.main.retry_after_s >= 0) {
        json_object_set_new(extra, "retry_after", json_integer(c->faults.main.retry_after_s));
    }
    sim_scope_push(&c->scope, extra);
    AUTO(reply_drop) json_t *words = sim_template_value(row, &c->scope);
    json_object_set_new(words, "status", json_integer(status));
    sim_scope_push(&c->scope, words);
    json_t *reply = reply_fill(c, row, status);
    if (!json_object_get(row, "json") && !json_object_get(row, "text")) {
        json_object_set_new(reply, "json",
                            sim_template_value(json_object_get(c->dialect->errors, "shape"), &c->scope));
    }
    c->scope.count = frames;
    return reply;
}

json_t *sim_reply_error(struct sim_call *c, const char *name, const struct sim_complaint *why)
{
    const json_t *row = json_object_get(c->dialect->errors, name);

    return reply_error(c, row, (int)json_integer_value(json_object_get(row, "status")), why);
}

/* A redirect leads to the same place: whether it ends depends on how often the fault was ordered. */
static json_t *reply_redirect(struct sim_call *c, int status)
{
    struct slice query = c->request->head.query;
    AUTO(auto_free)
    char *url = mem_printf("%s%.*s%s%.*s", c->base, (int)c->path.n, c->path.p, query.n ? "?" : "",
                           (int)query.n, query.n ? query.p : "");

    return json_pack("{s:i, s:{s:s}}", "status", status, "headers", "location", url);
}

json_t *sim_reply_status(struct sim_call *c, int status)
{
    char name[16];

    if (status < 400) {
        return reply_redirect(c, status);
    }
    snprintf(name, sizeof(name), "%d", status);
    const json_t *row = json_object_get(c->dialect->errors, name);
    if (!row) {
        const char *by_status = status == 429   ? "rate"
                                : status == 401 ? "auth"
                                : status == 404 ? "not_found"
                                : status == 503 ? "unavailable"
                                : status < 500  ? "invalid"
                                                : "internal";
        row = json_object_get(c->dialect->errors, by_status);
        /* A vendor that tells such an error with HTTP 200 does so here, too. */
        int own = (int)json_integer_value(json_object_get(row, "status"));
        status = own < 300 ? own : status;
    }
    struct sim_complaint why = {.reason = "simulated"};
    snprintf(why.message, sizeof(why.message), "The simulator was asked to answer %d.", status);
    return reply_error(c, row, status, &why);
}

/* ---- the answer ---- */

static void reply_headers(json_t *out, const json_t *headers)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)headers, name, value)
    {
        if (json_is_string(value)) {
            json_object_set(out, name, value);
        } else if (!json_is_null(value)) {
            AUTO(auto_free) char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
            json_object_set_new(out, name, json_string(text ? text : ""));
        }
    }
}

static void reply_type(struct sim_answer *a, const char *type)
{
    if (!json_object_get(a->headers, "content-type")) {
        json_object_set_new(a->headers, "content-type", json_string(type));
    }
}

void sim_reply_render(struct sim_call *c, const json_t *reply, struct sim_answer *a)
{
    const json_t *json = json_object_get(reply, "json"), *text = json_object_get(reply, "text");
    const json_t *media = json_object_get(json_object_get(reply, "media"), "$media");
    struct sim_media_spec spec;

    a->status = (int)json_integer_value(json_object_get(reply, "status"));
    if (c->dialect->headers) {
        AUTO(reply_drop) json_t *common = sim_template_value(c->dialect->headers, &c->scope);
        reply_headers(a->headers, common);
    }
    reply_headers(a->headers, json_object_get(reply, "headers"));
    if (json) {
        reply_type(a, "application/json");
        sim_body_json(&a->body, json);
    } else if (text) {
        reply_type(a, "text/plain");
        buf_add(&a->body.text, json_string_value(text), json_string_length(text));
    } else if (media && sim_body_spec(media, &spec)) {
        reply_type(a, sim_media_type(spec.kind));
        sim_body_insert(&a->body, sim_media_new(&spec), SIM_RAW);
    }
}

/* ---- spoiling ---- */

static void reply_replace(struct sim_answer *a)
{
    sim_body_done(&a->body);
    sim_body_init(&a->body);
}

static void reply_deep(struct sim_answer *a)
{
    AUTO(auto_free) char *levels = mem_new(DEEP_LEVELS);

    reply_replace(a);
    memset(levels, '[', DEEP_LEVELS);
    buf_add(&a->body.text, levels, DEEP_LEVELS);
    memset(levels, ']', DEEP_LEVELS);
    buf_add(&a->body.text, levels, DEEP_LEVELS);
}

static void reply_huge(struct sim_answer *a, int64_t bytes)
{
    struct sim_media_spec spec = {.kind = SIM_MEDIA_TEXT, .bytes = bytes > 12 ? (uint64_t)bytes - 12 : 0};

    reply_replace(a);
    buf_text(&a->body.text, "{\"huge\": \"");
    sim_body_insert(&a->body, sim_media_new(&spec), SIM_RAW);
    buf_text(&a->body.text, "\"}");
}

void sim_reply_spoil(struct sim_call *c, struct sim_answer *a)
{
    static const char garbage[] =
        "<html>\xff\xfe\0{\"status\": \"ok\", bad gateway\r\n\r\nHTTP/1.1 200 OK\r\n";
    uint64_t half = sim_body_size(&a->body) / 2;

    switch (c->faults.main.kind) {
    case SIM_FAULT_LOST:
        a->end = SIM_END_LOST;
        break;
    case SIM_FAULT_RESET:
    case SIM_FAULT_CUT:
        a->end = c->faults.main.kind == SIM_FAULT_RESET ? SIM_END_RESET : SIM_END_CUT;
        a->sent_at_most = half;
        break;
    case SIM_FAULT_TRUNCATE:
        a->body.limit = half;
        break;
    case SIM_FAULT_GARBAGE:
        reply_replace(a);
        buf_add(&a->body.text, garbage, sizeof(garbage) - 1);
        break;
    case SIM_FAULT_DEEP:
        reply_deep(a);
        break;
    case SIM_FAULT_HUGE:
        reply_huge(a, c->faults.main.value);
        break;
    case SIM_FAULT_SLOW:
        a->slow_ms = c->faults.main.value;
        break;
    default:
        break;
    }
}
