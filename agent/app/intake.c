/* intake.c - checks a request, brings its media into one form, and gives its task a name. */
#include "app/intake_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/fleet.h"
#include "app/metrics.h"
#include "base/mem.h"
#include "core/canon.h"
#include "wire/field.h"
#include "wire/schemas.h"

#define ASIDE_BYTES (48 * KIB) /* a larger input goes into the store */

/* ---- life ---- */

static struct schema *intake_schema(const char *name)
{
    const char *text = schemas_find(name);
    json_t *value = NULL;
    struct schema *s = NULL;

    /* Embedded at build time and compiled by the tests: a failure here is a bug. */
    if (!text || !(value = json_loads(text, 0, NULL)) || schema_new(value, &s, NULL) != FAULT_OK) {
        abort();
    }
    json_decref(value);
    return s;
}

struct intake *intake_new(struct parts *parts)
{
    struct intake *in = mem_new(sizeof(*in));

    in->parts = parts;
    in->room = room_new(parts);
    in->body_schema = intake_schema("task");
    in->recents = mem_new(RETRY_MAX * sizeof(*in->recents));
    in->recent = map_new(RETRY_MAX);
    list_init(&in->submissions);
    snprintf(in->why_not, sizeof(in->why_not), "NATS was not reached yet");
    return in;
}

static void submission_free(struct submission *s)
{
    timer_stop(&s->timer);
    list_drop(&s->link);
    s->in->pending--;
    upload_free(&s->upload);
    upload_free(&s->aside);
    task_free(&s->task);
    json_decref(s->body);
    json_decref(s->echo);
    json_decref(s->doc);
    registry_drop(&s->registry);
    free(s->marker);
    free(s->endpoint);
    free(s->idem_key);
    free(s->traceparent);
    free(s);
}

void intake_free(struct intake **pin)
{
    struct intake *in = *pin;

    if (!in) {
        return;
    }
    list_each(link, after, &in->submissions)
    {
        submission_free(container_of(link, struct submission, link));
    }
    free(in->recents);
    map_free(&in->recent);
    room_free(&in->room);
    schema_free(&in->body_schema);
    for (int k = 0; k < KIND_COUNT; k++) {
        schema_free(&in->input_schemas[k]);
    }
    free(in);
    *pin = NULL;
}

void intake_set_ready(struct intake *in, bool ready, const char *text)
{
    in->ready = ready;
    snprintf(in->why_not, sizeof(in->why_not), "%s", text ? text : "");
}

bool intake_ready(const struct intake *in)
{
    return in->ready && !in->draining && bus_up(in->parts->bus);
}

void intake_drain(struct intake *in)
{
    in->draining = true;
}

size_t intake_pending(const struct intake *in)
{
    return in->pending;
}

/* ---- the end of a submission ---- */

static void submission_tell(struct timer *t)
{
    struct submission *s = container_of(t, struct submission, timer);
    struct intake_done done = {.fault = s->fault,
                               .note = s->note,
                               .doc = s->fault == FAULT_OK ? s->doc : NULL,
                               .replayed = s->replayed};
    json_t *doc = json_incref(s->doc);
    intake_fn *fn = s->fn;
    void *arg = s->arg;

    metrics_accept(s->in->parts->metrics, s->fault);
    submission_free(s);
    fn(arg, &done);
    json_decref(doc);
}

void submission_end(struct submission *s, enum fault fault)
{
    s->fault = fault;
    timer_start(s->in->parts->loop, &s->timer, 0, submission_tell);
}

/* ---- checks ---- */

int intake_kind(const struct registry_model *model, const json_t *input)
{
    const struct adapter *a = model->target.adapter;
    int only = -1, count = 0;

    for (int k = 0; k < KIND_COUNT; k++) {
        if (adapter_serves(a, (enum task_kind)k)) {
            only = k;
            count++;
        }
    }
    if (count == 1) {
        return only;
    }
    bool images = adapter_serves(a, KIND_IMAGE_GENERATE) && adapter_serves(a, KIND_IMAGE_EDIT);
    bool edit = json_object_get(input, "images") || json_object_get(input, "mask");
    return count == 2 && images ? (edit ? KIND_IMAGE_EDIT : KIND_IMAGE_GENERATE) : -1;
}

/* The kinds of task that the model does, with commas. */
static const char *kinds_text(const struct registry_model *model, char *out, size_t size)
{
    size_t n = 0;

    *out = '\0';
    for (int k = 0; k < KIND_COUNT; k++) {
        if (n < size && adapter_serves(model->target.adapter, (enum task_kind)k)) {
            n +=
                (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "", task_kind_text((enum task_kind)k));
        }
    }
    return out;
}

/* Finds the model and the kind; the kind is written into the body. */
static enum fault submission_route(struct submission *s)
{
    const char *name = json_string_value(json_object_get(s->body, "model"));
    int kind = task_kind_find(json_string_value(json_object_get(s->body, "kind")));
    char kinds[160];

    s->model = registry_model(s->registry, name);
    if (!s->model) {
        note_field(&s->note, "model");
        return note_set(&s->note, FAULT_NO_MODEL,
                        "no model %.64s is configured; GET /v1/models lists those that are", name);
    }
    if (kind < 0) {
        kind = intake_kind(s->model, json_object_get(s->body, "input"));
    }
    if (kind < 0) {
        note_field(&s->note, "kind");
        return note_set(&s->note, FAULT_BAD_VALUE,
                        "model %.64s does several kinds of task: say in kind which of %s", name,
                        kinds_text(s->model, kinds, sizeof(kinds)));
    }
    if (!adapter_serves(s->model->target.adapter, (enum task_kind)kind)) {
        note_field(&s->note, "kind");
        return note_set(&s->note, FAULT_BAD_VALUE, "model %.64s does not do %s", name,
                        task_kind_text((enum task_kind)kind));
    }
    s->task->kind = (enum task_kind)kind;
    return FAULT_OK;
}

static enum fault on_inline(void *arg, struct slice bytes, const char *type, const char *name,
                            json_t **ret_value, struct note *note)
{
    struct submission *s = arg;
    bool full;
    enum fault fault;

    if (!s->upload) {
        s->upload = upload_new(s->in->parts, NULL, NULL);
    }
    fault = upload_begin(s->upload, type, name);
    if (fault == FAULT_OK) {
        fault = upload_data(s->upload, bytes, &full);
        upload_end(s->upload);
        *ret_value = json_pack("{s:I}", s->marker, (json_int_t)upload_count(s->upload) - 1);
    }
    return fault != FAULT_OK ? note_set(note, fault, "%s", fault_text(fault)) : FAULT_OK;
}

static enum fault submission_check_input(struct submission *s)
{
    struct intake *in = s->in;
    struct schema **schema = &in->input_schemas[s->task->kind];
    char name[64];
    struct note note = {0};

    if (!*schema) {
        snprintf(name, sizeof(name), "input.%s", task_kind_text(s->task->kind));
        *schema = intake_schema(name);
    }
    enum fault fault = schema_check_note(*schema, json_object_get(s->body, "input"), &note);
    if (fault != FAULT_OK) {
        snprintf(s->note.field, sizeof(s->note.field), "input%s%.100s",
                 note.field[0] && note.field[0] != '[' ? "." : "", note.field);
        note_set(&s->note, fault, "%s: %s", s->note.field, note.text);
    }
    return fault;
}

static void submission_digest(struct submission *s)
{
    AUTO(auto_free) char *text = canon_dump(s->body);
    unsigned char bytes[DIGEST_BYTES];

    digest_of(slice_of(text ? text : ""), bytes);
    digest_hex(bytes, s->digest);
    s->text_bytes = text ? strlen(text) : 0;
}

/* ---- names ---- */

/* The id is derived from app, endpoint and key, so that every agent finds the same task for a key. */
static struct id submission_keyed_id(const struct submission *s)
{
    AUTO(auto_free)
    char *text = mem_printf("%s\n%s\n%s\n%d", s->task->app, s->endpoint, s->idem_key, s->generation);
    unsigned char bytes[DIGEST_BYTES];

    digest_of(slice_of(text), bytes);
    return id_from_hash(bytes);
}

static void submission_fill(struct submission *s)
{
    struct parts *parts = s->in->parts;
    const char *priority = json_string_value(json_object_get(s->body, "priority"));
    const json_t *deadline = json_object_get(s->body, "deadline_s");
    struct task *t = s->task;

    t->accepted_ms = fleet_now_ms(parts->fleet);
    t->deadline_ms = deadline ? json_integer_value(deadline) * 1000 : s->model->deadline_ms;
    t->priority = priority ? (enum task_priority)task_priority_find(priority) : PRIORITY_NORMAL;
    t->model = mem_text(s->model->name);
    t->input = json_incref(json_object_get(s->body, "input"));
    t->metadata = json_incref(json_object_get(s->body, "metadata"));
    t->traceparent = mem_text(s->traceparent);
    snprintf(t->lane, sizeof(t->lane), "%s", s->model->lane);
}

void submission_name(struct submission *s)
{
    struct id id = s->idem_key ? submission_keyed_id(s) : id_pool_new(&s->in->ids, s->task->accepted_ms);

    memcpy(s->task->id, id.text, sizeof(s->task->id));
    json_decref(s->doc);
    s->doc = journal_new(s->task, s->digest, s->idem_key != NULL);
    char made[17];
    id_pool_random(&s->in->ids, made, 8);
    json_object_set_new(s->doc, "made", json_string(made));
    if (s->echo) {
        json_object_set(s->doc, "echo", s->echo);
    }
}

/* ---- media, then the name ---- */

static void on_aside(void *arg, enum fault fault, const struct note *note)
{
    struct submission *s = arg;

    if (fault != FAULT_OK) {
        s->note = *note;
        submission_end(s, fault);
        return;
    }
    json_t *ref = upload_ref(s->aside, 0);
    json_decref(s->task->input);
    s->task->input = json_pack("{s:O}", "$input", json_object_get(ref, "media"));
    json_decref(ref);
    submission_store(s);
}

/* Streams never carry large texts: the input goes into the store, its name into the message. */
static void submission_put_aside(struct submission *s, const char *text)
{
    bool full;

    s->aside = upload_new(s->in->parts, NULL, NULL);
    if (upload_begin(s->aside, "application/json", NULL) != FAULT_OK ||
        upload_data(s->aside, slice_of(text), &full) != FAULT_OK) {
        submission_end(s, FAULT_INTERNAL);
        return;
    }
    upload_end(s->aside);
    upload_finish(s->aside, on_aside, s);
}

static void submission_media_stored(struct submission *s)
{
    enum fault fault = s->upload ? upload_replace(s->upload, s->body, s->marker, &s->note) : FAULT_OK;

    if (fault == FAULT_OK) {
        fault = submission_check_input(s);
    }
    if (fault != FAULT_OK) {
        submission_end(s, fault);
        return;
    }
    submission_digest(s);
    submission_fill(s);
    submission_name(s);
    if (s->text_bytes > ASIDE_BYTES) {
        AUTO(auto_free) char *text = json_dumps(s->task->input, JSON_COMPACT);
        submission_put_aside(s, text);
    } else {
        submission_store(s);
    }
}

static void on_uploaded(void *arg, enum fault fault, const struct note *note)
{
    struct submission *s = arg;

    if (fault != FAULT_OK) {
        s->note = *note;
        submission_end(s, fault);
    } else {
        submission_media_stored(s);
    }
}

static enum fault submission_check(struct submission *s)
{
    struct intake *in = s->in;
    enum fault fault;

    if (in->draining) {
        return FAULT_DRAINING;
    }
    if (!in->ready || !bus_up(in->parts->bus)) {
        return note_set(&s->note, FAULT_BUS_DOWN, "%s; nothing was stored",
                        in->ready ? "the connection to NATS is down" : in->why_not);
    }
    fault = room_check(in->room, &s->note);
    if (fault == FAULT_OK) {
        fault = schema_check_note(in->body_schema, s->body, &s->note);
    }
    if (fault == FAULT_OK) {
        fault = submission_route(s);
    }
    if (fault == FAULT_OK) {
        fault = canon_input(json_object_get(s->body, "input"), on_inline, s, &s->note);
    }
    return fault;
}

void intake_submit(struct intake *in, struct intake_request *request, intake_fn *fn, void *arg)
{
    struct submission *s = mem_new(sizeof(*s));

    *s = (struct submission){.in = in,
                             .registry = registry_keep(in->parts->registry),
                             .body = request->body,
                             .echo = json_incref(request->echo),
                             .marker = mem_text(request->marker ? request->marker : "$blob"),
                             .endpoint = mem_text(request->endpoint),
                             .idem_key = mem_text(request->idem_key),
                             .sdk_retry = request->sdk_retry,
                             .upload = request->upload,
                             .fn = fn,
                             .arg = arg};
    if (request->traceparent && field_traceparent(slice_of(request->traceparent))) {
        s->traceparent = mem_text(request->traceparent);
    }
    request->body = NULL;
    request->upload = NULL;
    if (s->upload) {
        upload_detach(s->upload);
    }
    list_init(&s->link);
    list_push(&in->submissions, &s->link);
    in->pending++;
    s->task = mem_new(sizeof(*s->task));
    snprintf(s->task->app, sizeof(s->task->app), "%s", in->parts->config->app);
    enum fault fault = submission_check(s);
    if (fault != FAULT_OK) {
        submission_end(s, fault);
    } else if (s->upload) {
        upload_finish(s->upload, on_uploaded, s);
    } else {
        submission_media_stored(s);
    }
}
