/* api_stream.c - answers that carry media, in bounded memory however large the media are.
 *
 * An answer is a row of texts and media, and its length is known before its first byte. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/api_internal.h"
#include "app/metrics.h"
#include "base/mem.h"
#include "wire/base64.h"

#define ENCODED_BYTES (12 * KIB) /* encoded at a time; a multiple of 3 */

/* Text up to text_end, then a medium if there is one. */
struct piece {
    size_t text_end;
    char digest[DIGEST_HEX_CHARS + 1]; /* "": no medium */
    uint64_t first, bytes;
    bool base64;
};

struct api_stream {
    struct api_call *call;
    struct buf text;
    struct piece pieces[LIMIT_OUTPUTS + 1];
    size_t count, at;
    size_t text_at; /* so much of the text is out */
    int status;
    char type[100];
    bool begun, bad;
    struct media_get *get;
    char carry[3]; /* bytes that do not make a whole group of base64 yet */
    size_t carried;
    uint64_t sent;
};

/* ---- what it is made of ---- */

struct api_stream *api_stream_new(struct api_call *c)
{
    struct api_stream *s = mem_new(sizeof(*s));

    s->call = c;
    buf_init(&s->text, LIMIT_OUT_BYTES);
    api_stream_free(&c->stream);
    c->stream = s;
    return s;
}

void api_stream_free(struct api_stream **ps)
{
    struct api_stream *s = *ps;

    if (!s) {
        return;
    }
    media_get_stop(&s->get);
    buf_done(&s->text);
    free(s);
    *ps = NULL;
}

void api_stream_text(struct api_stream *s, struct slice text)
{
    buf_add(&s->text, text.p, text.n);
    s->pieces[s->count].text_end = s->text.n;
}

void api_stream_medium(struct api_stream *s, const char *digest, uint64_t first, uint64_t bytes, bool base64)
{
    struct piece *p = &s->pieces[s->count];

    if (!bytes) {
        return; /* nothing to read, and to the store a length of 0 would mean all */
    }
    if (s->count == LIMIT_OUTPUTS) {
        s->bad = true;
        return;
    }
    p->text_end = s->text.n;
    p->first = first;
    p->bytes = bytes;
    p->base64 = base64;
    snprintf(p->digest, sizeof(p->digest), "%s", digest);
    s->count++;
    s->pieces[s->count].text_end = s->text.n;
}

/* ---- a value with bytes in it ---- */

static void add_output(struct api_stream *s, const json_t *outputs, size_t i, bool base64)
{
    const json_t *output = json_array_get(outputs, i);
    const char *digest = json_string_value(json_object_get(output, "media"));
    uint64_t bytes = (uint64_t)json_integer_value(json_object_get(output, "bytes"));

    if (!base64) {
        struct buf head;
        buf_init(&head, 16);
        pack_write_bin_head(&head, (size_t)bytes);
        api_stream_text(s, buf_slice(&head));
        buf_done(&head);
    } else {
        api_stream_text(s, slice_of("\""));
    }
    if (digest) {
        api_stream_medium(s, digest, 0, bytes, base64);
    }
    if (base64) {
        api_stream_text(s, slice_of("\""));
    }
}

/* The markers stand out in the text: inside a JSON string their quotes would be escaped, and nobody's data
 * may have such a key. */
static void add_json(struct api_stream *s, const json_t *value, const json_t *outputs)
{
    static const char marker[] = "{\"$blob\":";
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(16));
    const char *rest = text ? text : "", *at;

    s->bad = s->bad || !text;
    while ((at = strstr(rest, marker)) != NULL) {
        char *end;
        api_stream_text(s, (struct slice){rest, (size_t)(at - rest)});
        add_output(s, outputs, strtoul(at + sizeof(marker) - 1, &end, 10), true);
        rest = *end == '}' ? end + 1 : end;
    }
    api_stream_text(s, slice_of(rest));
    free(text);
}

static void add_packed(struct api_stream *s, const json_t *value, const json_t *outputs, struct buf *out)
{
    const json_t *marker = json_object_get(value, "$blob");
    const char *key;
    json_t *member;
    size_t i;

    if (marker) {
        api_stream_text(s, buf_slice(out));
        buf_reset(out);
        add_output(s, outputs, (size_t)json_integer_value(marker), false);
    } else if (json_is_object(value)) {
        pack_write_map(out, json_object_size(value));
        json_object_foreach((json_t *)value, key, member)
        {
            pack_write_text(out, slice_of(key));
            add_packed(s, member, outputs, out);
        }
    } else if (json_is_array(value)) {
        pack_write_array(out, json_array_size(value));
        json_array_foreach(value, i, member)
        {
            add_packed(s, member, outputs, out);
        }
    } else {
        pack_write(out, value, NULL);
    }
}

void api_stream_value(struct api_stream *s, const json_t *value, const json_t *outputs, bool msgpack)
{
    struct buf out;

    if (!msgpack) {
        add_json(s, value, outputs);
        return;
    }
    buf_init(&out, LIMIT_OUT_BYTES);
    add_packed(s, value, outputs, &out);
    api_stream_text(s, buf_slice(&out));
    buf_done(&out);
}

/* ---- out ---- */

static void on_room(void *arg)
{
    struct api_stream *s = arg;

    if (s->get) {
        media_get_resume(s->get);
    }
}

static uint64_t stream_length(const struct api_stream *s)
{
    uint64_t length = s->text.n;

    for (size_t i = 0; i < s->count; i++) {
        length += s->pieces[i].base64 ? BASE64_CHARS(s->pieces[i].bytes) : s->pieces[i].bytes;
    }
    return length;
}

static void stream_begin(struct api_stream *s)
{
    struct http_field fields[API_FIELDS + 1];
    size_t n;

    if (s->begun) {
        return;
    }
    s->begun = true;
    n = api_reply_fields(s->call, fields);
    fields[n++] = (struct http_field){slice_of("Content-Type"), slice_of(s->type)};
    front_begin(s->call->req, s->status, fields, n, (int64_t)stream_length(s), on_room, s);
}

/* The text before the present medium, or behind the last one. */
static bool stream_text(struct api_stream *s)
{
    size_t from = s->text_at, to = s->pieces[s->at].text_end;

    s->text_at = to;
    return to == from || front_add(s->call->req, (struct slice){s->text.p + from, to - from});
}

static bool stream_base64(struct api_stream *s, struct slice bytes)
{
    char in[ENCODED_BYTES], out[BASE64_CHARS(ENCODED_BYTES) + 1];
    bool more = true;

    while (bytes.n) {
        size_t n = sizeof(in) - s->carried < bytes.n ? sizeof(in) - s->carried : bytes.n;
        size_t have = s->carried + n, whole = have - have % 3;
        memcpy(in, s->carry, s->carried);
        memcpy(in + s->carried, bytes.p, n);
        bytes = (struct slice){bytes.p + n, bytes.n - n};
        s->carried = have - whole;
        memcpy(s->carry, in + whole, s->carried);
        if (whole) {
            size_t chars = base64_write(out, (struct slice){in, whole}, false);
            more = front_add(s->call->req, (struct slice){out, chars});
        }
    }
    return more;
}

static void stream_base64_end(struct api_stream *s)
{
    char out[BASE64_CHARS(3) + 1];

    if (s->carried) {
        size_t n = base64_write(out, (struct slice){s->carry, s->carried}, false);
        (void)front_add(s->call->req, (struct slice){out, n});
        s->carried = 0;
    }
}

static void stream_next(struct api_stream *s);

static void on_media_head(void *arg, enum fault fault, const struct media_info *info)
{
    struct api_stream *s = arg;
    struct api_call *c = s->call;

    (void)info;
    if (fault == FAULT_OK) {
        stream_begin(s);
        (void)stream_text(s); /* small; the medium's own bytes feel the client's pace */
        return;
    }
    s->get = NULL;
    if (s->begun) {
        front_abort(c->req);
    } else {
        api_reply_fault(c, fault == FAULT_NO_MEDIA ? c->lost : fault, NULL, NULL);
    }
}

static bool on_media_data(void *arg, struct slice bytes)
{
    struct api_stream *s = arg;

    s->sent += bytes.n;
    return s->pieces[s->at].base64 ? stream_base64(s, bytes) : front_add(s->call->req, bytes);
}

static void on_media_end(void *arg, enum fault fault)
{
    struct api_stream *s = arg;
    struct api_call *c = s->call;

    s->get = NULL;
    if (fault) {
        log_warn(c->api->parts->log, "an answer was cut short", LOG_TEXT("fault", fault_code(fault)),
                 LOG_TEXT("media", s->pieces[s->at].digest));
        front_abort(c->req);
        return;
    }
    stream_base64_end(s);
    s->at++;
    stream_next(s);
}

static const struct media_get_events events = {on_media_head, on_media_data, on_media_end};

static void stream_next(struct api_stream *s)
{
    struct parts *parts = s->call->api->parts;
    const struct piece *p = &s->pieces[s->at];

    if (s->at < s->count) {
        s->get = media_get_start(parts->media, p->digest, p->first, p->bytes, &events, s);
        return;
    }
    stream_begin(s);
    (void)stream_text(s);
    metrics_media(parts->metrics, MEDIA_TO_APP, s->sent);
    front_end(s->call->req);
}

void api_stream_start(struct api_stream *s, int status, const char *type)
{
    if (s->bad || !buf_ok(&s->text)) {
        api_reply_fault(s->call, FAULT_INTERNAL, NULL, NULL);
        return;
    }
    s->status = status;
    snprintf(s->type, sizeof(s->type), "%s", type);
    stream_next(s);
}
