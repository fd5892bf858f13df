/* request.c - a vendor's request as a thing: its end, and how people read it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/render.h"

void request_free(struct request **r)
{
    struct request *gone = *r;

    if (!gone) {
        return;
    }
    for (size_t i = 0; i < gone->field_count; i++) {
        free(gone->fields[i].name);
        free(gone->fields[i].value);
    }
    for (size_t i = 0; i < gone->part_count; i++) {
        free(gone->parts[i].name);
        free(gone->parts[i].text);
        free(gone->parts[i].type);
        free(gone->parts[i].filename);
    }
    free(gone->fields);
    free(gone->parts);
    free(gone->method);
    free(gone->url);
    free(gone->auth_name);
    free(gone->auth_mask);
    free(gone->sign_as);
    free(gone->text);
    free(gone);
    *r = NULL;
}

static json_t *headers_to_json(const struct request *r)
{
    json_t *headers = json_object();

    for (size_t i = 0; i < r->field_count; i++) {
        /* The boundary is random, and says nothing. */
        const char *cut = r->boundary[0] ? strstr(r->fields[i].value, "; boundary=") : NULL;
        size_t n = cut ? (size_t)(cut - r->fields[i].value) : strlen(r->fields[i].value);
        json_object_set_new(headers, r->fields[i].name, json_stringn(r->fields[i].value, n));
    }
    if (r->auth != AUTH_NONE && r->auth != AUTH_QUERY) {
        json_object_set_new(headers, r->auth_name, json_string(r->auth_mask));
    }
    return headers;
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text) {
        json_object_set_new(object, key, json_string(text));
    }
}

static json_t *parts_to_json(const struct request *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->part_count; i++) {
        const struct request_part *part = &r->parts[i];
        json_t *item = json_object();
        set_text(item, "name", part->name);
        set_text(item, "text", part->text);
        if (part->medium >= 0) {
            json_object_set_new(item, "medium", json_integer(part->medium));
        }
        set_text(item, "type", part->type);
        set_text(item, "filename", part->filename);
        json_array_append_new(list, item);
    }
    return list;
}

json_t *request_to_json(const struct request *r)
{
    json_t *out = json_object();

    set_text(out, "method", r->method);
    char *url = r->auth == AUTH_QUERY ? mem_printf("%s%c%s=%s", r->url, strchr(r->url, '?') ? '&' : '?',
                                                   r->auth_name, r->auth_mask)
                                      : NULL;
    set_text(out, "url", url ? url : r->url);
    free(url);
    json_object_set_new(out, "headers", headers_to_json(r));
    switch (r->body) {
    case BODY_JSON:
        json_object_set_new(out, "json", json_loads(r->text, JSON_DECODE_ANY, NULL));
        break;
    case BODY_FORM:
        set_text(out, "form", r->text);
        break;
    case BODY_MULTIPART:
        json_object_set_new(out, "multipart", parts_to_json(r));
        break;
    case BODY_RAW:
        json_object_set_new(out, "raw", json_integer(r->medium));
        break;
    default:
        break;
    }
    return out;
}
