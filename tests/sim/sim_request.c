/* sim_request.c - one request as it comes in. */
#include "sim_request.h"

#include <stdio.h>

#include "base/mem.h"
#include "wire/field.h"
#include "wire/target.h"

#define FORM_TEXT_BYTES (256u << 10) /* of one plain field */

static const struct multipart_limits form_limits = {.parts = 128, .part_header_bytes = 8 * 1024};

static void request_wrong(struct sim_request *r, const char *text)
{
    if (!r->wrong[0]) {
        snprintf(r->wrong, sizeof(r->wrong), "%s", text);
    }
}

/* ---- forms ---- */

static enum fault form_begin(void *arg, const struct multipart_head *head)
{
    struct sim_request *r = arg;
    struct slice name = head->name;

    r->part_listed = name.n > 2 && !memcmp(name.p + name.n - 2, "[]", 2);
    name.n -= r->part_listed ? 2 : 0;
    snprintf(r->part_name, sizeof(r->part_name), "%.*s", (int)name.n, name.p);
    buf_reset(&r->text);
    r->part_bytes = 0;
    r->part_json = !head->filename.p && slice_starts(head->type, "application/json");
    r->part = head->filename.p ? json_pack("{s:s%, s:s%}", "file", head->filename.p, head->filename.n, "type",
                                           head->type.p ? head->type.p : "", head->type.n)
                               : NULL;
    return FAULT_OK;
}

static enum fault form_data(void *arg, struct slice bytes)
{
    struct sim_request *r = arg;

    r->part_bytes += bytes.n;
    if (!r->part) {
        buf_add(&r->text, bytes.p, bytes.n);
    }
    return FAULT_OK;
}

/* A part without a file name: a text, or the value of a part that says to be JSON. */
static json_t *form_text(const struct sim_request *r)
{
    const char *text = r->text.n ? r->text.p : "";

    return r->part_json ? json_loadb(text, r->text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL)
                        : json_stringn(text, r->text.n);
}

/* A name that comes twice, or with "[]", is a list. */
static enum fault form_end(void *arg)
{
    struct sim_request *r = arg;
    json_t *value = r->part, *before = json_object_get(r->body, r->part_name);

    r->part = NULL;
    if (value) {
        json_object_set_new(value, "bytes", json_integer((json_int_t)r->part_bytes));
    } else {
        value = form_text(r);
    }
    if (!value || (!json_object_get(value, "file") && r->part_bytes > FORM_TEXT_BYTES)) {
        json_decref(value);
        request_wrong(r, "a field of the form is no UTF-8 text, no JSON, or too long");
        return FAULT_BAD_REQUEST;
    }
    if (json_is_array(before)) {
        json_array_append_new(before, value);
    } else if (before || r->part_listed) {
        json_t *list = before ? json_pack("[O, o]", before, value) : json_pack("[o]", value);
        json_object_set_new(r->body, r->part_name, list);
    } else {
        json_object_set_new(r->body, r->part_name, value);
    }
    return FAULT_OK;
}

static const struct multipart_events form_events = {form_begin, form_data, form_end};

/* ---- the request ---- */

void sim_request_done(struct sim_request *r)
{
    multipart_free(&r->multipart);
    digest_free(&r->running);
    json_decref(r->body);
    json_decref(r->part);
    r->body = r->part = NULL;
    buf_reset(&r->text);
}

void sim_request_begin(struct sim_request *r, const struct http_head *head)
{
    char type[64], boundary[80];
    struct slice value = http_find(head, "content-type");

    sim_request_done(r);
    r->text.max = SIM_JSON_BYTES;
    r->head = *head;
    r->bytes = 0;
    r->wrong[0] = r->digest[0] = '\0';
    if (slice_starts(http_find(head, "authorization"), "AWS4-")) {
        r->running = digest_new();
    }
    r->form = head->has_body ? SIM_FORM_RAW : SIM_FORM_NONE;
    if (!head->has_body || !field_media_type(value, type, sizeof(type))) {
        return;
    }
    if (!strcmp(type, "application/json")) {
        r->form = SIM_FORM_JSON;
    } else if (!strcmp(type, "application/x-www-form-urlencoded")) {
        r->form = SIM_FORM_QUERY;
        r->text.max = FORM_TEXT_BYTES;
    } else if (!strcmp(type, "multipart/form-data")) {
        r->form = SIM_FORM_FORM;
        r->body = json_object();
        r->text.max = FORM_TEXT_BYTES;
        if (field_param(value, "boundary", boundary, sizeof(boundary))) {
            r->multipart = multipart_new(boundary, &form_limits, &form_events, r);
        }
        if (!r->multipart) {
            request_wrong(r, "the form has no usable boundary");
        }
    }
}

void sim_request_data(struct sim_request *r, struct slice bytes)
{
    struct note note = {0};

    r->bytes += bytes.n;
    if (r->running) {
        digest_add(r->running, bytes.p, bytes.n);
    }
    if (r->wrong[0]) {
        return;
    }
    if (r->form == SIM_FORM_JSON || r->form == SIM_FORM_QUERY) {
        buf_add(&r->text, bytes.p, bytes.n);
    } else if (r->form == SIM_FORM_FORM && multipart_feed(r->multipart, bytes, &note)) {
        request_wrong(r, note_text(&note, FAULT_BAD_REQUEST));
    }
}

/* "a=1&b=x+y": names and values as texts. */
static void request_query(struct sim_request *r)
{
    struct slice rest = buf_slice(&r->text), pair;

    r->body = json_object();
    while (r->text.n && slice_cut(&rest, '&', &pair)) {
        struct slice name = {"", 0}, all = pair;
        char key[64];
        slice_cut(&pair, '=', &name);
        snprintf(key, sizeof(key), "%.*s", (int)name.n, name.p);
        AUTO(auto_free) char *value = mem_new(all.n + 1);
        if (target_param(all, key, value, all.n + 1)) {
            json_object_set_new(r->body, key, json_string(value));
        }
    }
    if (!buf_ok(&r->text)) {
        request_wrong(r, "the form is too long");
    }
}

static void request_digest(struct sim_request *r)
{
    unsigned char bytes[DIGEST_BYTES];

    digest_end(r->running, bytes);
    digest_hex(bytes, r->digest);
}

void sim_request_end(struct sim_request *r)
{
    struct note note = {0};
    json_error_t error;

    if (r->running) {
        request_digest(r);
    }
    if (r->wrong[0]) {
        return;
    }
    if (r->form == SIM_FORM_FORM && multipart_end(r->multipart, &note)) {
        request_wrong(r, note_text(&note, FAULT_BAD_REQUEST));
    }
    if (r->form == SIM_FORM_QUERY) {
        request_query(r);
        buf_reset(&r->text);
    }
    if (r->form == SIM_FORM_JSON) {
        r->body = buf_ok(&r->text)
                      ? json_loadb(r->text.p ? r->text.p : "", r->text.n, JSON_REJECT_DUPLICATES, &error)
                      : NULL;
        if (!r->body) {
            request_wrong(r, buf_ok(&r->text) ? "We could not parse the JSON body of your request"
                                              : "the JSON body is too large");
        }
        buf_reset(&r->text);
    }
}
