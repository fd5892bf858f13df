/* request.c - a vendor's request as a thing: its end, its secret, and how people read it. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "core/percent.h"
#include "core/render.h"
#include "wire/base64.h"

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
    free(gone->secret_name);
    free(gone->secret_query);
    free(gone->secret_form);
    free(gone->text);
    free(gone);
    *r = NULL;
}

/* The form with secret in place of each {secret}. */
static char *fill(const char *form, const char *secret)
{
    struct buf out;
    const char *at;

    buf_init(&out, LIMIT_HEADER_BYTES);
    while ((at = strstr(form, "{secret}"))) {
        buf_add(&out, form, (size_t)(at - form));
        buf_text(&out, secret);
        form = at + strlen("{secret}");
    }
    buf_text(&out, form);
    char *text = buf_take(&out);
    buf_done(&out);
    return text ? text : mem_text("");
}

char *request_secret_header(const struct request *r, const char *secret)
{
    char *text = fill(r->secret_form, secret);

    if (!r->secret_basic) {
        return text;
    }
    size_t n = strlen(text);
    char *coded = mem_new(BASE64_CHARS(n) + 1);
    base64_write(coded, (struct slice){text, n}, false);
    char *value = mem_printf("Basic %s", coded);
    explicit_bzero(text, n);
    explicit_bzero(coded, strlen(coded));
    free(text);
    free(coded);
    return value;
}

char *request_secret_url(const struct request *r, const char *secret)
{
    struct buf out;

    if (!r->secret_query) {
        return mem_text(r->url);
    }
    char *text = fill(r->secret_form, secret);
    buf_init(&out, LIMIT_URL_BYTES + LIMIT_HEADER_BYTES);
    buf_printf(&out, "%s%c%s=", r->url, strchr(r->url, '?') ? '&' : '?', r->secret_query);
    percent_write(&out, text, false);
    explicit_bzero(text, strlen(text));
    free(text);
    char *url = buf_take(&out);
    buf_done(&out);
    return url ? url : mem_text(r->url);
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
    if (r->secret_name) {
        char *form = fill(r->secret_form, "****");
        json_object_set_new(headers, r->secret_name,
                            r->secret_basic ? json_string("Basic ****") : json_string(form));
        free(form);
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
    char *url = r->secret_query
                    ? mem_printf("%s%c%s=****", r->url, strchr(r->url, '?') ? '&' : '?', r->secret_query)
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
