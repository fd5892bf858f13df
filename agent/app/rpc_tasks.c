/* rpc_tasks.c - the methods on tasks, models and ping. */
#include <stdio.h>
#include <string.h>

#include "app/rpc_internal.h"
#include "core/journal.h"

/* ---- answers ---- */

static void on_looked(void *arg, enum fault fault, const json_t *view)
{
    struct rpc_call *c = rpc_back(arg);

    if (!c) {
        return;
    }
    if (fault) {
        rpc_fault(c, fault, NULL, NULL);
    } else {
        rpc_fetch_view(c, view);
    }
}

static void task_look(struct rpc_call *c)
{
    deliver_get(c->rpc->api->deliver, c->id, on_looked, rpc_ask(c));
}

static void on_waited(void *arg, enum fault fault, const json_t *view)
{
    struct rpc_call *c = arg;

    if (!c->waiting) {
        on_looked(arg, fault, view); /* a wait that could not be stopped: see task_wait */
        return;
    }
    c->waiting = 0;
    if (fault) {
        rpc_fault(c, fault, NULL, NULL);
    } else {
        rpc_fetch_view(c, view);
    }
}

static void task_wait(struct rpc_call *c, bool fresh)
{
    int64_t most = c->wait_ms < LIMIT_WAIT_MS ? c->wait_ms : LIMIT_WAIT_MS;

    c->waiting = deliver_wait(c->rpc->api->deliver, c->id, most, fresh, on_waited, c);
    if (!c->waiting) {
        (void)rpc_ask(c); /* too many wait: it is looked up once instead */
    }
}

void rpc_tasks_now(struct rpc_call *c)
{
    if (c->waiting) {
        deliver_wait_stop(c->rpc->api->deliver, c->waiting);
        c->waiting = 0;
        task_look(c);
    }
}

/* False: it was no time, and that was answered. */
static bool wait_read(struct rpc_call *c, double otherwise)
{
    double wait_s = rpc_number(c, "wait_s", otherwise);

    if (wait_s < 0) {
        rpc_bad(c, FAULT_BAD_VALUE, "wait_s", "wait_s is a number of seconds");
        return false;
    }
    c->wait_ms = wait_s < LIMIT_WAIT_MS / 1000.0 ? (int64_t)(wait_s * 1000) : LIMIT_WAIT_MS;
    return true;
}

/* ---- submit ---- */

static void on_accepted(void *arg, const struct intake_done *done)
{
    struct rpc_call *c = rpc_back(arg);

    if (!c) {
        return; /* a dropped connection cancels nothing */
    }
    if (done->fault) {
        rpc_fault(c, done->fault, &done->note, NULL);
        return;
    }
    snprintf(c->id, sizeof(c->id), "%s", json_string_value(json_object_get(done->doc, "id")));
    c->replayed = done->replayed;
    if (c->peer->all) {
        (void)rpc_watch_add(c->peer, c->id, NULL); /* one task more than it can listen to is still accepted */
    }
    if (c->wait_ms > 0 && journal_state(done->doc) != JOURNAL_ENDED) {
        task_wait(c, !done->replayed);
        return;
    }
    json_t *view = journal_view(done->doc);
    rpc_fetch_view(c, view);
    json_decref(view);
}

/* The bins of the frame, in their order. False: refused, and that was answered. */
static bool submit_media(struct rpc_call *c, struct upload **ret_upload)
{
    struct upload *u = NULL;
    uint64_t bytes = 0;
    bool full;

    for (size_t i = 0; i < c->bins->n; i++) {
        bytes += c->bins->items[i].n;
    }
    if (!rpc_hold(c, bytes)) {
        return false;
    }
    for (size_t i = 0; i < c->bins->n; i++) {
        u = u ? u : upload_new(c->rpc->api->parts, NULL, NULL);
        if (upload_begin(u, NULL, NULL) || upload_data(u, c->bins->items[i], &full)) {
            upload_free(&u);
            rpc_fault(c, FAULT_TOO_MANY_PARTS, NULL, NULL);
            return false;
        }
        upload_end(u);
    }
    *ret_upload = u;
    return true;
}

void rpc_tasks_submit(struct rpc_call *c)
{
    json_t *task = json_object_get(c->args, "task"), *key = json_object_get(c->args, "idempotency_key");
    struct upload *upload = NULL;

    if (!json_is_object(task)) {
        rpc_bad(c, FAULT_BAD_VALUE, "task", "the first parameter is the task, a map");
        return;
    }
    if (key && (!json_string_length(key) || json_string_length(key) > LIMIT_KEY_CHARS)) {
        rpc_bad(c, FAULT_BAD_VALUE, "idempotency_key", "idempotency_key must have 1 to %d chars",
                LIMIT_KEY_CHARS);
        return;
    }
    c->with_outputs = json_is_true(json_object_get(c->args, "inline"));
    if (!wait_read(c, 0) || !submit_media(c, &upload)) {
        return;
    }
    struct intake_request request = {.endpoint = "tasks",
                                     .body = json_incref(task),
                                     .marker = "$bin",
                                     .upload = upload,
                                     .idem_key = json_string_value(key),
                                     .traceparent = rpc_text(c, "traceparent")};
    intake_submit(c->rpc->api->intake, &request, on_accepted, rpc_ask(c));
}

/* ---- look ---- */

void rpc_tasks_get(struct rpc_call *c)
{
    c->with_outputs = json_is_true(json_object_get(c->args, "inline"));
    if (rpc_named(c)) {
        task_look(c);
    }
}

void rpc_tasks_wait(struct rpc_call *c)
{
    c->with_outputs = json_is_true(json_object_get(c->args, "inline"));
    if (wait_read(c, LIMIT_WAIT_MS / 1000.0) && rpc_named(c)) {
        task_wait(c, false);
    }
}

static void on_cancelled(void *arg, enum fault fault, const char *outcome, const json_t *view)
{
    struct rpc_call *c = rpc_back(arg);

    if (!c) {
        return;
    }
    if (fault) {
        rpc_fault(c, fault, NULL, NULL);
    } else if (!view) {
        rpc_fault(c, FAULT_NO_TASK, NULL, json_pack("{s:s}", "status", outcome));
    } else {
        rpc_result(c, json_pack("{s:s,s:s,s:O}", "id", c->id, "status", outcome, "task", view), NULL);
    }
}

void rpc_tasks_cancel(struct rpc_call *c)
{
    if (rpc_named(c)) {
        deliver_cancel(c->rpc->api->deliver, c->id, on_cancelled, rpc_ask(c));
    }
}

static void on_list(void *arg, enum fault fault, const json_t *list)
{
    struct rpc_call *c = rpc_back(arg);

    if (!c) {
        return;
    }
    if (fault) {
        rpc_fault(c, fault, NULL, NULL);
    } else {
        rpc_result(c, json_incref((json_t *)list), NULL);
    }
}

void rpc_tasks_list(struct rpc_call *c)
{
    const struct api_tasks_filter in = {rpc_text(c, "status"), rpc_text(c, "kind"), rpc_text(c, "model"),
                                        rpc_text(c, "after"), (int64_t)rpc_number(c, "limit", 0)};
    struct deliver_filter filter;
    struct note note = {0};
    enum fault fault = api_tasks_filter(&in, &filter, &note);

    if (fault) {
        rpc_fault(c, fault, &note, NULL);
    } else {
        deliver_list(c->rpc->api->deliver, &filter, on_list, rpc_ask(c));
    }
}

/* ---- the agent ---- */

void rpc_tasks_models(struct rpc_call *c)
{
    rpc_result(c, api_models_value(c->rpc->api), NULL);
}

void rpc_tasks_ping(struct rpc_call *c)
{
    rpc_result(c,
               json_pack("{s:s,s:s,s:b}", "status", "ok", "version", SLUICE_VERSION, "ready",
                         intake_ready(c->rpc->api->intake)),
               NULL);
}
