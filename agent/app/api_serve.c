/* api_serve.c - one medium as an answer: whole, a range of it, or only that it has not changed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/api_internal.h"
#include "wire/field.h"

/* The part of a medium that is asked for. */
struct part {
    int status;
    uint64_t first, bytes;
};

static bool has(struct slice list, const char *tag)
{
    return slice_is(list, "*") || (list.n && memmem(list.p, list.n, tag, strlen(tag)) != NULL);
}

/* A range counts only for the representation that the client has seen (RFC 9110 section 13.1.5). */
static struct slice range_field(const struct api_call *c, const char *tag)
{
    struct slice condition = front_req_field(c->req, "If-Range");

    if (condition.p && !slice_is(slice_trim(condition), tag)) {
        return (struct slice){NULL, 0};
    }
    return front_req_field(c->req, "Range");
}

/* False: the range lies outside, and that was answered. */
static bool serve_range(struct api_call *c, const char *tag, uint64_t size, struct part *ret)
{
    char text[80];

    *ret = (struct part){200, 0, size};
    switch (field_range(range_field(c, tag), size, &ret->first, &ret->bytes)) {
    case FIELD_RANGE_BAD:
        snprintf(text, sizeof(text), "bytes */%" PRIu64, size);
        api_reply_field(c, "Content-Range", text);
        api_reply_bad(c, FAULT_BAD_RANGE, NULL, "the range lies outside of %" PRIu64 " bytes", size);
        return false;
    case FIELD_RANGE_OK:
        ret->status = 206;
        snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, ret->first,
                 ret->first + ret->bytes - 1, size);
        api_reply_field(c, "Content-Range", text);
        return true;
    case FIELD_RANGE_NONE:
        break;
    }
    *ret = (struct part){200, 0, size};
    return true;
}

static void serve_head(struct api_call *c, const char *type, uint64_t bytes)
{
    struct http_field fields[API_FIELDS + 1];
    size_t n = api_reply_fields(c, fields);

    fields[n++] = (struct http_field){slice_of("Content-Type"), slice_of(type)};
    front_begin(c->req, 200, fields, n, (int64_t)bytes, NULL, NULL);
    front_end(c->req);
}

static void serve_not_modified(struct api_call *c)
{
    struct http_field fields[API_FIELDS];
    size_t n = api_reply_fields(c, fields);

    front_reply(c->req, 304, fields, n, (struct slice){"", 0});
}

static void on_info(void *arg, enum fault fault, const struct media_info *info)
{
    struct api_call *c = arg;
    char tag[DIGEST_HEX_CHARS + 3];
    struct part part;

    c->looking = 0;
    if (fault) {
        api_reply_fault(c, fault == FAULT_NO_MEDIA ? c->lost : fault, NULL, NULL);
        return;
    }
    const char *type = *info->type ? info->type : *c->type ? c->type : "application/octet-stream";
    snprintf(tag, sizeof(tag), "\"%s\"", c->digest);
    api_reply_field(c, "ETag", tag);
    api_reply_field(c, "Accept-Ranges", "bytes");
    if (has(front_req_field(c->req, "If-None-Match"), tag)) {
        serve_not_modified(c);
    } else if (slice_is(c->head.method, "HEAD")) {
        serve_head(c, type, info->bytes);
    } else if (serve_range(c, tag, info->bytes, &part)) {
        struct api_stream *s = api_stream_new(c);
        api_stream_medium(s, c->digest, part.first, part.bytes, false);
        api_stream_start(s, part.status, type);
    }
}

void api_serve(struct api_call *c)
{
    c->looking = media_stat(c->api->parts->media, c->digest, on_info, c);
}

static void serve_nothing(struct api_call *c, const json_t *view, size_t n)
{
    const char *status = json_string_value(json_object_get(view, "status"));
    size_t count = json_array_size(json_object_get(view, "outputs"));

    if (!api_submit_ended(view)) {
        api_reply_bad(c, FAULT_NOT_DONE, NULL, "the task is %s and has no result yet", status);
    } else if (count) {
        api_reply_bad(c, FAULT_NO_OUTPUT, NULL, "the task has %zu outputs, counted from 0; there is no %zu",
                      count, n);
    } else {
        api_reply_bad(c, FAULT_NO_OUTPUT, NULL, "the task ended as %s and has no outputs", status);
    }
}

void api_serve_output(struct api_call *c, const json_t *view, size_t n)
{
    const json_t *output = json_array_get(json_object_get(view, "outputs"), n);
    const char *media = json_string_value(json_object_get(output, "media"));
    const char *text = json_string_value(json_object_get(output, "text"));
    const char *type = json_string_value(json_object_get(output, "type"));
    const char *error = json_string_value(json_object_get(json_object_get(output, "error"), "message"));

    if (!output) {
        serve_nothing(c, view, n);
    } else if (media) {
        snprintf(c->digest, sizeof(c->digest), "%s", media);
        snprintf(c->type, sizeof(c->type), "%s", type ? type : "");
        c->lost = FAULT_NO_MEDIA;
        api_serve(c);
    } else if (text) {
        api_reply_text(c, 200, "text/plain; charset=utf-8", slice_of(text));
    } else {
        api_reply_bad(c, FAULT_OUTPUT_LOST, NULL, "%.300s",
                      error ? error : "the vendor did not make this output");
    }
}
