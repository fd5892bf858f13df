/* api_reply.c - answers: values in the client's dialect, and faults as OpenAI's envelope. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "app/api_internal.h"

/* Of which up to two are our own. */
#define ALL_FIELDS (API_FIELDS + 2)

void api_reply_field(struct api_call *c, const char *name, const char *value)
{
    if (c->field_count < API_FIELDS) {
        struct api_field *f = &c->fields[c->field_count++];
        snprintf(f->name, sizeof(f->name), "%s", name);
        snprintf(f->value, sizeof(f->value), "%s", value);
    }
}

void api_reply_task(struct api_call *c, const char *id)
{
    char location[ID_CHARS + 16];

    snprintf(location, sizeof(location), "/v1/tasks/%.*s", ID_CHARS, id);
    api_reply_field(c, "Location", location);
    api_reply_field(c, "x-request-id", id);
}

size_t api_reply_fields(const struct api_call *c, struct http_field out[API_FIELDS])
{
    for (size_t i = 0; i < c->field_count; i++) {
        out[i] = (struct http_field){slice_of(c->fields[i].name), slice_of(c->fields[i].value)};
    }
    return c->field_count;
}

void api_reply(struct api_call *c, int status, json_t *value)
{
    struct http_field fields[API_FIELDS];
    size_t n = api_reply_fields(c, fields);

    front_reply_value(c->req, status, fields, n, value);
    json_decref(value);
}

void api_reply_text(struct api_call *c, int status, const char *type, struct slice text)
{
    struct http_field fields[ALL_FIELDS];
    size_t n = api_reply_fields(c, fields);

    fields[n++] = (struct http_field){slice_of("Content-Type"), slice_of(type)};
    front_reply(c->req, status, fields, n, text);
}

/* ---- faults ---- */

/* The SDKs send a request again by themselves on 408, 409, 429 and 5xx unless they are told not to. A
 * conflict and a wait that is over are not cured by that, and a task that failed would only be joined again.
 */
static void reply_envelope(struct api_call *c, int status, bool again, json_t *error)
{
    struct http_field fields[ALL_FIELDS];
    size_t n = api_reply_fields(c, fields);
    json_t *envelope = json_pack("{s:o}", "error", error);

    if (!again) {
        fields[n++] = (struct http_field){slice_of("x-should-retry"), slice_of("false")};
    } else if (status == 503) {
        fields[n++] = (struct http_field){slice_of("Retry-After"), slice_of("1")};
    }
    front_reply_value(c->req, status, fields, n, envelope);
    json_decref(envelope);
}

void api_reply_fault(struct api_call *c, enum fault fault, const struct note *note, json_t *extra)
{
    int status = fault_http(fault);
    json_t *error = front_fault_value(fault, note);

    if (extra) {
        json_object_update(error, extra);
        json_decref(extra);
    }
    if (*c->task) {
        json_object_set_new(error, "task", json_string(c->task));
    }
    reply_envelope(c, status, fault_later(fault) && status != 409 && status != 504, error);
}

void api_reply_bad(struct api_call *c, enum fault fault, const char *field, const char *format, ...)
{
    struct note note = {0};
    va_list ap;

    va_start(ap, format);
    vsnprintf(note.text, sizeof(note.text), format, ap);
    va_end(ap);
    note_field(&note, field);
    api_reply_fault(c, fault, &note, NULL);
}

void api_reply_failed(struct api_call *c, const json_t *view)
{
    const json_t *told = json_object_get(view, "error");
    const char *code = json_string_value(json_object_get(told, "code"));
    enum fault fault = fault_find(code ? code : fault_code(FAULT_INTERNAL));
    json_t *error = front_fault_value(fault, NULL);

    json_object_update(error, (json_t *)told);
    json_object_set(error, "task", json_object_get(view, "id"));
    reply_envelope(c, fault_http(fault == FAULT_OK ? FAULT_INTERNAL : fault), false, error);
}

void api_reply_list(void *arg, enum fault fault, const json_t *list)
{
    struct api_call *c = api_back(arg);

    if (!c) {
        return;
    }
    if (fault) {
        api_reply_fault(c, fault, NULL, NULL);
    } else {
        api_reply(c, 200, json_incref((json_t *)list));
    }
}
