/* api_body.c - bodies of requests: what they are by their type, and where their bytes go. */
#include "app/api_body.h"

#include <stdlib.h>
#include <string.h>

#include "app/api_form.h"
#include "base/mem.h"
#include "wire/field.h"
#include "wire/jsonscan.h"
#include "wire/packsift.h"
#include "wire/sniff.h"

#define DROPPED_BYTES (64 * KIB)
#define HELD_BYTES    LIMIT_RPC_HELD_BYTES /* the same bound as for frames of the other dialect */

enum format { FORMAT_NOTHING, FORMAT_JSON, FORMAT_MSGPACK, FORMAT_FORM, FORMAT_BYTES };

struct api_body {
    struct parts *parts;
    struct api_body_room *room;
    struct front_req *req;
    enum api_body_takes takes;
    enum format format;
    char type[64]; /* FORMAT_BYTES: of the medium */
    struct upload *upload;
    bool open; /* a medium is being fed */
    struct jsonscan *scan;
    struct packsift *sift;
    struct buf packed; /* without its media */
    uint64_t held;     /* of the room */
    struct api_form *form;
    json_t *value;
    uint64_t bytes;
};

/* ---- media ---- */

static void body_on_room(void *arg)
{
    struct api_body *b = arg;

    front_req_resume(b->req);
}

static enum fault medium_begin(struct api_body *b, const char *type, const char *name)
{
    if (!b->upload) {
        b->upload = upload_new(b->parts, body_on_room, b);
    }
    enum fault fault = upload_begin(b->upload, type, name);
    b->open = fault == FAULT_OK;
    return fault;
}

static enum fault medium_data(struct api_body *b, struct slice bytes)
{
    bool full = false;
    enum fault fault = upload_data(b->upload, bytes, &full);

    if (full) {
        front_req_pause(b->req);
    }
    return fault;
}

static void medium_end(struct api_body *b)
{
    if (b->open) {
        upload_end(b->upload);
    }
    b->open = false;
}

/* What the bytes say counts; a type that somebody wrote down counts where the bytes say nothing. */
const char *api_body_type(const char *told, struct slice first_bytes)
{
    bool general = !told || !*told || !strcmp(told, "application/octet-stream") ||
                   !strcmp(told, "application/x-www-form-urlencoded");

    return general || sniff_media(first_bytes).type ? NULL : told;
}

/* ---- JSON ---- */

static enum fault on_blob_begin(void *arg, size_t index)
{
    (void)index; /* media of a JSON body are begun in its order and by nobody else */
    return medium_begin(arg, NULL, NULL);
}

static enum fault on_blob_data(void *arg, struct slice bytes)
{
    return medium_data(arg, bytes);
}

static enum fault on_blob_end(void *arg)
{
    medium_end(arg);
    return FAULT_OK;
}

static const struct jsonscan_sink sink = {on_blob_begin, on_blob_data, on_blob_end};

/* ---- MessagePack ---- */

static enum fault on_bin_end(void *arg)
{
    struct api_body *b = arg;

    if (*packsift_type(b->sift)) {
        upload_told(b->upload, packsift_type(b->sift));
    }
    medium_end(b);
    return FAULT_OK;
}

static const struct jsonscan_sink bins = {on_blob_begin, on_blob_data, on_bin_end};

static void packed_drop(struct api_body *b)
{
    buf_done(&b->packed);
    packsift_free(&b->sift);
    b->room->held -= b->held;
    b->held = 0;
}

static enum fault packed_feed(struct api_body *b, struct slice bytes, struct note *note)
{
    size_t before = b->packed.n;

    if (b->room->held + bytes.n > HELD_BYTES) {
        return note_set(note, FAULT_OVERLOADED,
                        "MessagePack bodies take more than %u bytes together, media not counted", HELD_BYTES);
    }
    enum fault fault = packsift_feed(b->sift, bytes, note);
    b->room->held += b->packed.n - before;
    b->held += b->packed.n - before;
    return fault;
}

/* Its bins are empty, and were begun in their order. */
static enum fault packed_end(struct api_body *b, struct note *note)
{
    struct pack_bins empty = {0};
    enum fault fault = packsift_end(b->sift, note);

    if (!fault) {
        fault = pack_read(buf_slice(&b->packed), &pack_default, &b->value, &empty, note);
    }

    packed_drop(b);
    return fault;
}

/* ---- forms: see api_form.h ---- */

static enum fault on_file_data(void *arg, const struct api_form_file *file, struct slice bytes)
{
    struct api_body *b = arg;

    if (!b->open) {
        enum fault fault = medium_begin(b, api_body_type(file->type, bytes), file->name);
        if (fault) {
            return fault;
        }
    }
    return medium_data(b, bytes);
}

static enum fault on_file_end(void *arg, size_t *ret_index)
{
    struct api_body *b = arg;

    *ret_index = upload_count(b->upload) - 1;
    medium_end(b);
    return FAULT_OK;
}

static const struct api_form_files files = {on_file_data, on_file_end};

/* ---- the type ---- */

static bool is_json(const char *type)
{
    size_t n = strlen(type);

    return !strcmp(type, "application/json") || !strcmp(type, "text/json") ||
           (n > 5 && !strcmp(type + n - 5, "+json"));
}

static bool is_msgpack(const char *type)
{
    return !strcmp(type, "application/msgpack") || !strcmp(type, "application/x-msgpack") ||
           !strcmp(type, "application/vnd.msgpack");
}

static enum fault body_bad_type(const struct api_body *b, struct note *note)
{
    bool curl = !strcmp(b->type, "application/x-www-form-urlencoded");

    return note_set(note, FAULT_BAD_TYPE,
                    "this endpoint takes Content-Type application/json or application/msgpack%s%s%.60s%s",
                    b->takes == TAKES_FORM ? ", or multipart/form-data" : "", *b->type ? ", not " : "",
                    b->type, curl ? ": with curl -d add -H 'Content-Type: application/json'" : "");
}

static enum fault body_choose(struct api_body *b, struct slice content_type, struct note *note)
{
    bool told = content_type.p && slice_trim(content_type).n;

    if (b->takes == TAKES_NOTHING) {
        b->format = FORMAT_NOTHING;
        return FAULT_OK;
    }
    if (told && !field_media_type(content_type, b->type, sizeof(b->type)) && b->takes != TAKES_BYTES) {
        return body_bad_type(b, note);
    }
    if (!strcmp(b->type, "multipart/form-data") && b->takes != TAKES_VALUE) {
        b->format = FORMAT_FORM;
    } else if (b->takes == TAKES_BYTES) {
        b->format = FORMAT_BYTES;
    } else if (!told || is_json(b->type)) {
        b->format = FORMAT_JSON;
    } else if (is_msgpack(b->type)) {
        b->format = FORMAT_MSGPACK;
    } else {
        return body_bad_type(b, note);
    }
    return FAULT_OK;
}

static uint64_t body_limit(const struct api_body *b)
{
    const struct config *c = b->parts->config;

    switch (b->format) {
    case FORMAT_NOTHING:
        return DROPPED_BYTES;
    case FORMAT_BYTES:
        return (uint64_t)c->max_media_bytes;
    case FORMAT_FORM:
        /* A medium in a form, and the form around it. */
        return b->takes == TAKES_BYTES ? (uint64_t)c->max_media_bytes + DROPPED_BYTES
                                       : (uint64_t)c->max_body_bytes;
    case FORMAT_JSON:
    case FORMAT_MSGPACK:
        break;
    }
    return (uint64_t)c->max_body_bytes;
}

static enum fault body_open(struct api_body *b, struct slice content_type, struct note *note)
{
    char boundary[128];

    if (b->format == FORMAT_JSON) {
        b->scan = jsonscan_new(&jsonscan_default, &sink, b);
    } else if (b->format == FORMAT_MSGPACK) {
        buf_init(&b->packed, LIMIT_TEXT_BYTES);
        b->sift = packsift_new(&bins, b, &b->packed);
    } else if (b->format == FORMAT_FORM) {
        bool told = field_param(content_type, "boundary", boundary, sizeof(boundary));
        b->form = told ? api_form_new(boundary, &files, b) : NULL;
        if (!b->form) {
            return note_set(note, FAULT_BAD_REQUEST, "the Content-Type of the form has no valid boundary");
        }
    }
    return FAULT_OK;
}

/* ---- life ---- */

enum fault api_body_new(const struct api_body_in *in, struct api_body **ret_body, struct note *note)
{
    struct slice type = http_find(in->head, "Content-Type"), coding = http_find(in->head, "Content-Encoding");
    struct api_body *b;

    if (in->head->has_body && coding.p && !slice_is_nocase(slice_trim(coding), "identity")) {
        return note_set(note, FAULT_BAD_TYPE, "a body must come without Content-Encoding");
    }
    b = mem_new(sizeof(*b));
    b->parts = in->parts;
    b->room = in->room;
    b->req = in->req;
    b->takes = in->takes;
    enum fault fault = body_choose(b, type, note);
    if (!fault) {
        fault = body_open(b, type, note);
    }
    if (fault) {
        api_body_free(&b);
        return fault;
    }
    front_req_body_limit(b->req, body_limit(b));
    *ret_body = b;
    return FAULT_OK;
}

void api_body_free(struct api_body **pb)
{
    struct api_body *b = *pb;

    if (!b) {
        return;
    }
    packed_drop(b);
    upload_free(&b->upload);
    jsonscan_free(&b->scan);
    api_form_free(&b->form);
    json_decref(b->value);
    free(b);
    *pb = NULL;
}

enum fault api_body_feed(struct api_body *b, struct slice bytes, struct note *note)
{
    b->bytes += bytes.n;
    switch (b->format) {
    case FORMAT_NOTHING:
        return FAULT_OK;
    case FORMAT_JSON:
        return jsonscan_feed(b->scan, bytes, note);
    case FORMAT_MSGPACK:
        return packed_feed(b, bytes, note);
    case FORMAT_FORM:
        return api_form_feed(b->form, bytes, note);
    case FORMAT_BYTES:
        break;
    }
    if (!b->open) {
        enum fault fault = medium_begin(b, api_body_type(b->type, bytes), NULL);
        if (fault) {
            return fault;
        }
    }
    return medium_data(b, bytes);
}

/* A form for one medium has one file and nothing else that could be meant. */
static enum fault body_check_bytes(const struct api_body *b, struct note *note)
{
    if (!b->upload) {
        return note_set(note, FAULT_BAD_VALUE, "the body is empty: there is nothing to store");
    }
    if (upload_count(b->upload) != 1) {
        return note_set(note, FAULT_BAD_VALUE, "a request carries one medium, this one has more");
    }
    return FAULT_OK;
}

enum fault api_body_end(struct api_body *b, struct note *note)
{
    enum fault fault = FAULT_OK;

    medium_end(b);
    if (b->format == FORMAT_JSON) {
        fault = b->bytes ? jsonscan_end(b->scan, &b->value, note)
                         : note_set(note, FAULT_BAD_REQUEST, "the request has no body");
    } else if (b->format == FORMAT_MSGPACK) {
        fault = packed_end(b, note);
    } else if (b->format == FORMAT_FORM) {
        fault = api_form_end(b->form, &b->value, note);
    }
    if (!fault && b->takes == TAKES_BYTES) {
        return body_check_bytes(b, note);
    }
    if (!fault && b->takes != TAKES_NOTHING && !json_is_object(b->value)) {
        return note_set(note, FAULT_BAD_VALUE, "the body must be an object");
    }
    return fault;
}

/* ---- what came ---- */

json_t *api_body_value(const struct api_body *b)
{
    return b->value;
}

bool api_body_form(const struct api_body *b)
{
    return b->format == FORMAT_FORM;
}

const char *api_body_marker(const struct api_body *b)
{
    return b->format == FORMAT_MSGPACK ? "$bin" : "$blob";
}

struct upload *api_body_take_upload(struct api_body *b)
{
    struct upload *u = b->upload;

    if (u) {
        upload_detach(u);
    }
    b->upload = NULL;
    return u;
}
