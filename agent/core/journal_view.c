/* journal_view.c - a task's record as apps see it: its state, its result, its events. */
#include <stdio.h>
#include <string.h>

#include "core/journal.h"

/* Copies members of from that are there. */
static void view_copy(json_t *to, const json_t *from, const char *const *members)
{
    for (; *members; members++) {
        json_t *value = json_object_get(from, *members);
        if (value && !json_is_null(value)) {
            json_object_set(to, *members, value);
        }
    }
}

/* What a live view and a result both begin with. created_at is in Unix seconds, as OpenAI has it. */
static json_t *view_head(const json_t *doc, enum task_status status)
{
    static const char *const members[] = {"id", "model", "kind", "metadata", "replay_of", NULL};
    json_t *view = json_object();

    view_copy(view, doc, members);
    json_object_set_new(view, "object", json_string("task"));
    json_object_set_new(view, "status", json_string(task_status_text(status)));
    json_object_set_new(view, "created_at",
                        json_integer(json_integer_value(json_object_get(doc, "accepted_ms")) / 1000));
    return view;
}

/* While it waits to be tried again: what came of the try before. NULL: nothing was tried yet. */
static json_t *view_last_error(const json_t *doc)
{
    static const char *const members[] = {"http", NULL};
    const json_t *attempts = json_object_get(doc, "attempts");
    size_t n = json_array_size(attempts);
    const json_t *last = n ? json_array_get(attempts, n - 1) : NULL;

    if (!last || journal_state(doc) != JOURNAL_ACCEPTED) {
        return NULL;
    }
    json_t *error = json_object();
    json_object_set(error, "code", json_object_get(last, "class"));
    json_object_set(error, "message", json_object_get(last, "text"));
    view_copy(error, last, members);
    return error;
}

json_t *journal_view(const json_t *doc)
{
    if (journal_result(doc)) {
        return json_deep_copy(journal_result(doc));
    }
    static const char *const members[] = {"stage", "progress", "priority", NULL};
    json_t *view = view_head(doc, journal_status(doc));
    view_copy(view, doc, members);
    json_t *last_error = view_last_error(doc);
    if (last_error) {
        json_object_set_new(view, "last_error", last_error);
    }
    if (journal_cancel_asked(doc)) {
        json_object_set_new(view, "cancellation_requested", json_true());
    }
    return view;
}

/* {"adapter", "model", "id"}: who did it. A target is "<adapter>/<vendor model>". */
static json_t *view_vendor(const json_t *doc)
{
    const json_t *by = journal_submission(doc) ? journal_submission(doc) : journal_intent(doc);

    if (!by) {
        return NULL;
    }
    json_t *vendor = json_object();
    static const char *const members[] = {"adapter", NULL};
    view_copy(vendor, by, members);
    const char *target = json_string_value(json_object_get(by, "target")),
               *model = target ? strchr(target, '/') : NULL;
    if (model) {
        json_object_set_new(vendor, "model", json_string(model + 1));
    }
    const char *id = json_string_value(json_object_get(by, "vendor_id"));
    if (id && *id) {
        json_object_set_new(vendor, "id", json_string(id));
    }
    return vendor;
}

/* {"queued_ms", "running_ms"}: by the holders' wall clocks, for people. */
static json_t *view_timing(const json_t *doc, int64_t ended_ms)
{
    const json_t *by = journal_submission(doc) ? journal_submission(doc) : journal_intent(doc);
    int64_t accepted = json_integer_value(json_object_get(doc, "accepted_ms"));
    int64_t started = by ? json_integer_value(json_object_get(by, "at_ms")) : ended_ms;
    int64_t queued = started > accepted ? started - accepted : 0;
    int64_t running = ended_ms > started ? ended_ms - started : 0;

    return json_pack("{s:I,s:I}", "queued_ms", (json_int_t)queued, "running_ms", (json_int_t)running);
}

static json_t *view_error(const struct journal_outcome *o)
{
    json_t *error = json_pack("{s:s,s:s,s:s}", "code", fault_code(o->fault), "type", fault_type(o->fault),
                              "message", note_text(o->note, o->fault));

    if (!error) { /* the message was not UTF-8 */
        error = json_pack("{s:s,s:s,s:s}", "code", fault_code(o->fault), "type", fault_type(o->fault),
                          "message", fault_text(o->fault));
    }
    if (o->note && o->note->field[0]) {
        json_object_set_new(error, "param", json_string(o->note->field));
    }
    if (o->vendor_code) {
        json_object_set_new(error, "vendor_code", json_string(o->vendor_code));
    }
    return error;
}

json_t *journal_result_new(const json_t *doc, const struct journal_outcome *o)
{
    json_t *result = view_head(doc, o->status);

    json_object_set_new(result, "completed_at", json_integer(o->at_ms / 1000));
    if (o->extra) {
        json_object_update_missing(result, (json_t *)o->extra);
    }
    json_object_set_new(result, "outputs", o->outputs ? json_incref((json_t *)o->outputs) : json_array());
    if (o->usage) {
        json_object_set(result, "usage", (json_t *)o->usage);
    }
    if (o->cost) {
        json_object_set(result, "cost", (json_t *)o->cost);
    }
    json_t *vendor = view_vendor(doc);
    if (vendor) {
        json_object_set_new(result, "vendor", vendor);
    }
    json_object_set_new(result, "attempts", json_integer(journal_epoch(doc)));
    json_object_set_new(result, "timing", view_timing(doc, o->at_ms));
    if (o->status != TASK_COMPLETED) {
        json_object_set_new(result, "error", view_error(o));
    }
    return result;
}

json_t *journal_event(const json_t *doc, uint64_t revision, unsigned n)
{
    static const char *const members[] = {"status", "stage", "progress", NULL};
    char id[40];
    json_t *event = json_object();

    snprintf(id, sizeof(id), "%llu.%u", (unsigned long long)revision, n);
    json_object_set_new(event, "id", json_string(id));
    json_object_set(event, "task", json_object_get(doc, "id"));
    view_copy(event, doc, members);
    return event;
}
