/* api_tasks.c - /v1/tasks: create, look, list, cancel, fetch outputs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/api_internal.h"
#include "core/journal.h"
#include "core/spot.h"
#include "wire/field.h"
#include "wire/jsonscan.h"

#define LIST_DEFAULT 20

/* ---- create ---- */

/* A form: the part `task` is the task as JSON; every other part is a file, named after the field of the input
 * that it belongs into. */
static enum fault task_from_form(const json_t *form, json_t **ret_task, struct note *note)
{
    const char *text = json_string_value(json_object_get(form, "task")), *name;
    json_t *value;

    if (!text) {
        note_field(note, "task");
        return note_set(note, FAULT_BAD_VALUE, "a form needs one part named task, the task as JSON");
    }
    enum fault fault = jsonscan_read(slice_of(text), ret_task, note);
    if (fault) {
        return fault;
    }
    json_t *input = json_object_get(*ret_task, "input");
    if (json_is_object(*ret_task) && !input) {
        input = json_object();
        json_object_set_new(*ret_task, "input", input);
    }
    json_object_foreach((json_t *)form, name, value)
    {
        bool file = json_is_array(value) || json_object_get(value, "$blob");
        if (!strcmp(name, "task")) {
            continue;
        }
        if (!file || !spot_field(name) || !json_is_object(input) || json_object_get(input, name)) {
            note_field(note, name);
            json_decref(*ret_task);
            return note_set(
                note, FAULT_BAD_VALUE,
                "part %.60s: beside task there are only files, named after media fields that the input "
                "does not have yet, such as image, images, mask, audio",
                name);
        }
        bool list = !strcmp(name, "images") && !json_is_array(value);
        json_object_set_new(input, name, list ? json_pack("[O]", value) : json_incref(value));
    }
    return FAULT_OK;
}

static void task_show(struct api_call *c, const json_t *view)
{
    api_reply(c, 200, json_incref((json_t *)view));
}

static void task_show_created(struct api_call *c, const json_t *view)
{
    api_reply(c, api_submit_ended(view) ? 200 : 202, json_incref((json_t *)view));
}

static void on_looked(void *arg, enum fault fault, const json_t *view)
{
    struct api_call *c = api_back(arg);

    if (!c) {
        return;
    }
    if (fault) {
        api_reply_fault(c, fault, NULL, NULL);
    } else {
        c->waited(c, view);
    }
}

/* The agent stops: whoever waits hears how the task is now. */
static void task_now(struct api_call *c)
{
    api_submit_stop(c);
    deliver_get(c->api->deliver, c->task, on_looked, api_ask(c));
}

static void task_wait(struct api_call *c, int64_t ms, bool fresh,
                      void (*fn)(struct api_call *c, const json_t *view))
{
    api_submit_wait(c, c->task, ms, fresh, fn);
    c->drain = c->waiting ? task_now : NULL;
}

static void task_prefer(struct api_call *c)
{
    char text[32];

    snprintf(text, sizeof(text), "wait=%lld", (long long)(c->wait_ms / 1000));
    api_reply_field(c, "Preference-Applied", text);
}

static void task_accepted(struct api_call *c, const json_t *doc)
{
    api_reply_task(c, c->task);
    if (c->wait_ms > 0 && !c->ended) {
        task_prefer(c);
        task_wait(c, c->wait_ms, !c->replayed, task_show_created);
    } else {
        json_t *view = journal_view(doc);
        task_show_created(c, view);
        json_decref(view);
    }
}

void api_tasks_create(struct api_call *c)
{
    json_t *task = NULL;
    struct note note = {0};
    enum fault fault = FAULT_OK;

    if (api_body_form(c->body)) {
        fault = task_from_form(api_body_value(c->body), &task, &note);
    } else {
        task = json_incref(api_body_value(c->body));
    }
    if (fault) {
        api_reply_fault(c, fault, &note, NULL);
        return;
    }
    c->wait_ms = field_prefer_wait(front_req_field(c->req, "Prefer"));
    c->wait_ms = c->wait_ms < LIMIT_WAIT_MS ? c->wait_ms : LIMIT_WAIT_MS;
    c->accepted = task_accepted;
    api_submit(c, "tasks", task, NULL);
}

/* ---- look ---- */

/* Ids are checked before they become part of a key in NATS. */
static bool task_named(struct api_call *c)
{
    if (!id_valid(c->id)) {
        api_reply_fault(c, FAULT_NO_TASK, NULL, NULL);
        return false;
    }
    memcpy(c->task, c->id, sizeof(c->task));
    return true;
}

void api_tasks_get(struct api_call *c)
{
    char text[32];
    int64_t ms = 0;

    if (!task_named(c)) {
        return;
    }
    if (api_query(c, "wait", text, sizeof(text))) {
        ms = field_duration_ms(slice_of(text));
        if (ms < 0) {
            api_reply_bad(c, FAULT_BAD_VALUE, "wait", "wait is a number of seconds");
            return;
        }
    }
    c->waited = task_show;
    if (ms > 0) {
        task_wait(c, ms, false, task_show);
    } else {
        deliver_get(c->api->deliver, c->task, on_looked, api_ask(c));
    }
}

/* ---- list ---- */

static bool is_given(const char *text)
{
    return text && *text;
}

enum fault api_tasks_filter(const struct api_tasks_filter *in, struct deliver_filter *ret, struct note *note)
{
    int status = is_given(in->status) ? task_status_find(in->status) : TASK_STATUS_COUNT;
    int kind = is_given(in->kind) ? task_kind_find(in->kind) : KIND_COUNT;
    int64_t limit = in->limit ? in->limit : LIST_DEFAULT;

    if (status < 0) {
        note_field(note, "status");
        return note_set(note, FAULT_BAD_VALUE,
                        "status is one of queued, in_progress, completed, failed, cancelled and expired");
    }
    if (kind < 0) {
        note_field(note, "kind");
        return note_set(note, FAULT_BAD_VALUE, "there is no such kind of task");
    }
    if (limit < 1 || limit > LIMIT_LIST) {
        note_field(note, "limit");
        return note_set(note, FAULT_BAD_VALUE, "limit is a number from 1 to %d", LIMIT_LIST);
    }
    if (is_given(in->after) && !id_valid(in->after)) {
        note_field(note, "after");
        return note_set(note, FAULT_BAD_VALUE, "after is the id of a task, the last one of the page before");
    }
    *ret = (struct deliver_filter){.status = (enum task_status)status,
                                   .kind = (enum task_kind)kind,
                                   .model = is_given(in->model) ? in->model : NULL,
                                   .after = is_given(in->after) ? in->after : NULL,
                                   .limit = (size_t)limit};
    return FAULT_OK;
}

bool api_tasks_limit(const struct api_call *c, int64_t *ret_limit)
{
    char text[16], *end;

    *ret_limit = 0;
    if (!api_query(c, "limit", text, sizeof(text))) {
        return true;
    }
    *ret_limit = strtol(text, &end, 10);
    return *text && !*end && *ret_limit;
}

void api_tasks_list(struct api_call *c)
{
    char status[32] = "", kind[32] = "", model[LIMIT_NAME_CHARS + 2] = "", after[ID_CHARS + 2] = "";
    struct api_tasks_filter in = {status, kind, model, after, 0};
    struct deliver_filter filter;
    struct note note = {0};
    enum fault fault;

    (void)api_query(c, "status", status, sizeof(status));
    (void)api_query(c, "kind", kind, sizeof(kind));
    (void)api_query(c, "model", model, sizeof(model));
    (void)api_query(c, "after", after, sizeof(after));
    in.limit = api_tasks_limit(c, &in.limit) ? in.limit : -1;
    fault = api_tasks_filter(&in, &filter, &note);
    if (fault) {
        api_reply_fault(c, fault, &note, NULL);
    } else {
        deliver_list(c->api->deliver, &filter, api_reply_list, api_ask(c));
    }
}

/* ---- cancel ---- */

static void on_cancelled(void *arg, enum fault fault, const char *outcome, const json_t *view)
{
    struct api_call *c = api_back(arg);

    if (!c) {
        return;
    }
    if (fault) {
        api_reply_fault(c, fault, NULL, NULL);
    } else if (!view) {
        api_reply_fault(c, FAULT_NO_TASK, NULL, json_pack("{s:s}", "status", outcome));
    } else {
        api_reply(c, 200, json_pack("{s:s,s:s,s:O}", "id", c->task, "status", outcome, "task", view));
    }
}

void api_tasks_cancel(struct api_call *c)
{
    if (task_named(c)) {
        deliver_cancel(c->api->deliver, c->task, on_cancelled, api_ask(c));
    }
}

/* ---- outputs ---- */

static void output_show(struct api_call *c, const json_t *view)
{
    char *end;

    api_serve_output(c, view, strtoul(c->n, &end, 10));
}

void api_tasks_output(struct api_call *c)
{
    if (strspn(c->n, "0123456789") != strlen(c->n)) {
        api_reply_bad(c, FAULT_NO_OUTPUT, NULL, "outputs are counted from 0");
    } else if (task_named(c)) {
        c->waited = output_show;
        deliver_get(c->api->deliver, c->task, on_looked, api_ask(c));
    }
}
