/* api_submit.c - from a body to an accepted task, and on to its end. */
#include <stdio.h>
#include <string.h>

#include "app/api_internal.h"
#include "app/metrics.h"
#include "core/journal.h"

bool api_submit_ended(const json_t *view)
{
    int status = task_status_find(json_string_value(json_object_get(view, "status")));

    return status >= 0 && task_status_terminal((enum task_status)status);
}

/* ---- accepting ---- */

static void on_accepted(void *arg, const struct intake_done *done)
{
    struct api_call *c = api_back(arg);
    struct note note = done->note;

    if (!c) {
        return; /* a dropped connection cancels nothing */
    }
    if (done->fault) {
        if (c->shaped) {
            openai_note(c->shape, &note);
        }
        api_reply_fault(c, done->fault, &note, NULL);
        return;
    }
    snprintf(c->task, sizeof(c->task), "%s", json_string_value(json_object_get(done->doc, "id")));
    c->replayed = done->replayed;
    c->ended = journal_state(done->doc) == JOURNAL_ENDED;
    if (c->replayed) {
        api_reply_field(c, "Idempotent-Replayed", "true");
    }
    c->accepted(c, done->doc);
}

/* A field of the request as a text; false: it is longer than size. */
static bool field_text(const struct api_call *c, const char *name, char *out, size_t size)
{
    struct slice value = front_req_field(c->req, name);

    out[0] = '\0';
    if (value.n >= size) {
        return false;
    }
    if (value.n) {
        memcpy(out, value.p, value.n);
        out[value.n] = '\0';
    }
    return true;
}

/* The official SDKs count their own retries, and send no key with them. */
static bool is_sdk_retry(const struct api_call *c)
{
    char count[8];

    return field_text(c, "x-stainless-retry-count", count, sizeof(count)) && *count &&
           strspn(count, "0") < strlen(count);
}

void api_submit(struct api_call *c, const char *endpoint, json_t *task, json_t *echo)
{
    char key[LIMIT_KEY_CHARS + 1], trace[64];
    bool keyed = front_req_field(c->req, "Idempotency-Key").p != NULL;

    if (keyed && (!field_text(c, "Idempotency-Key", key, sizeof(key)) || !*key)) {
        json_decref(task);
        api_reply_bad(c, FAULT_BAD_VALUE, "Idempotency-Key", "Idempotency-Key must have 1 to %d chars",
                      LIMIT_KEY_CHARS);
        return;
    }
    bool traced = field_text(c, "traceparent", trace, sizeof(trace)) && *trace;
    struct intake_request request = {.endpoint = endpoint,
                                     .body = task,
                                     .marker = api_body_marker(c->body),
                                     .upload = api_body_take_upload(c->body),
                                     .idem_key = keyed ? key : NULL,
                                     .sdk_retry = is_sdk_retry(c),
                                     .traceparent = traced ? trace : NULL,
                                     .echo = echo};
    intake_submit(c->api->intake, &request, on_accepted, api_ask(c));
}

void api_submit_shape(struct api_call *c, enum openai_shape shape, const char *endpoint)
{
    struct openai_request request = {0};
    struct note note = {0};
    enum fault fault = openai_read(shape, api_body_value(c->body), api_body_form(c->body), &request, &note);

    if (fault) {
        metrics_accept(c->api->parts->metrics, fault);
        api_reply_fault(c, fault, &note, NULL);
        return;
    }
    c->shaped = true;
    c->shape = shape;
    c->url = request.url;
    api_submit(c, endpoint, request.task, request.echo);
    json_decref(request.echo);
}

/* ---- waiting ---- */

static void on_waited(void *arg, enum fault fault, const json_t *view)
{
    struct api_call *c = arg;

    if (c->waiting) {
        c->waiting = 0;
    } else {
        c = api_back(c); /* a wait that could not be stopped: see api_submit_wait */
    }
    if (!c) {
        return;
    }
    c->drain = NULL;
    if (fault) {
        api_reply_fault(c, fault, NULL, NULL);
    } else {
        c->waited(c, view);
    }
}

void api_submit_wait(struct api_call *c, const char *id, int64_t ms, bool fresh,
                     void (*fn)(struct api_call *c, const json_t *view))
{
    int64_t most = ms < LIMIT_WAIT_MS ? ms : LIMIT_WAIT_MS;

    c->waited = fn;
    c->waiting = deliver_wait(c->api->deliver, id, most, fresh, on_waited, c);
    if (!c->waiting) {
        (void)api_ask(c); /* too many wait: it is looked up once instead, which cannot be stopped */
    }
}

void api_submit_stop(struct api_call *c)
{
    if (c->waiting) {
        deliver_wait_stop(c->api->deliver, c->waiting);
        c->waiting = 0;
    }
}

static void on_result(struct api_call *c, const json_t *view)
{
    if (!api_submit_ended(view)) {
        struct note note = {0};
        note_set(&note, FAULT_STILL_RUNNING, "the task still runs; GET /v1/tasks/%s tells when it ends",
                 c->task);
        api_reply_fault(c, FAULT_STILL_RUNNING, &note, NULL);
    } else if (strcmp(json_string_value(json_object_get(view, "status")), task_status_text(TASK_COMPLETED)) !=
               0) {
        api_reply_failed(c, view);
    } else {
        c->finished(c, view);
    }
}

void api_submit_result(struct api_call *c, const json_t *doc)
{
    (void)doc;
    api_reply_task(c, c->task);
    api_submit_wait(c, c->task, LIMIT_WAIT_MS, !c->replayed, on_result);
}
