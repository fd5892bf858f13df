/* sim_body.c - the body of an answer: text with media in it. */
#include "sim_body.h"

#include <stdlib.h>
#include <string.h>

#include "wire/base64.h"
#include "wire/jsonescape.h"

#define TEXT_BYTES (16u << 20)
#define RAW_BYTES  (12u << 10) /* encoded at once: a multiple of 3 */

void sim_body_init(struct sim_body *b)
{
    memset(b, 0, sizeof(*b));
    buf_init(&b->text, TEXT_BYTES);
    b->limit = UINT64_MAX;
}

void sim_body_done(struct sim_body *b)
{
    for (size_t i = 0; i < b->count; i++) {
        sim_media_free(&b->inserts[i].media);
    }
    b->count = 0;
    buf_done(&b->text);
}

void sim_body_insert(struct sim_body *b, struct sim_media *media, enum sim_encoding encoding)
{
    if (b->count == SIM_BODY_MEDIA) {
        sim_media_free(&media);
        return;
    }
    b->inserts[b->count++] = (struct sim_insert){b->text.n, media, encoding};
}

/* ---- JSON ---- */

static double body_number(const json_t *value)
{
    return json_is_string(value) ? strtod(json_string_value(value), NULL) : json_number_value(value);
}

bool sim_body_spec(const json_t *spec, struct sim_media_spec *ret)
{
    const char *kind = json_string_value(json_object_get(spec, "kind"));
    const char *size = json_string_value(json_object_get(spec, "size"));
    int found = kind ? sim_media_find(kind) : -1;

    if (found < 0) {
        return false;
    }
    *ret = (struct sim_media_spec){.kind = (enum sim_media_kind)found};
    ret->width = (int)body_number(json_object_get(spec, "width"));
    ret->height = (int)body_number(json_object_get(spec, "height"));
    if (size) {
        sim_media_sides(size, &ret->width, &ret->height);
    }
    double seconds = body_number(json_object_get(spec, "seconds"));
    double ms = body_number(json_object_get(spec, "ms"));
    ret->ms = seconds > 0 && seconds < 1e6 ? (int64_t)(seconds * 1000) : ms > 0 && ms < 1e9 ? (int64_t)ms : 0;
    double bytes = body_number(json_object_get(spec, "bytes"));
    ret->bytes = bytes > 0 && bytes < (double)SIM_MEDIA_BYTES ? (uint64_t)bytes : 0;
    ret->seed = (uint64_t)json_integer_value(json_object_get(spec, "seed"));
    return true;
}

static void body_media(struct sim_body *b, const json_t *spec)
{
    struct sim_media_spec media;
    const char *as = json_string_value(json_object_get(spec, "as"));

    if (!sim_body_spec(spec, &media)) {
        buf_text(&b->text, "null");
        return;
    }
    buf_char(&b->text, '"');
    if (as && !strcmp(as, "data_uri")) {
        buf_printf(&b->text, "data:%s;base64,", sim_media_type(media.kind));
    }
    sim_body_insert(b, sim_media_new(&media), as && !strcmp(as, "hex") ? SIM_HEX : SIM_BASE64);
    buf_char(&b->text, '"');
}

static int body_add(const char *bytes, size_t n, void *arg)
{
    buf_add(arg, bytes, n);
    return 0;
}

static void body_object(struct sim_body *b, const json_t *value)
{
    const char *key, *comma = "";
    json_t *item;

    buf_char(&b->text, '{');
    json_object_foreach((json_t *)value, key, item)
    {
        buf_text(&b->text, comma);
        jsonescape_write(&b->text, slice_of(key));
        buf_char(&b->text, ':');
        sim_body_json(b, item);
        comma = ",";
    }
    buf_char(&b->text, '}');
}

void sim_body_json(struct sim_body *b, const json_t *value)
{
    json_t *item, *spec = json_object_get(value, "$media");
    size_t i;

    if (spec) {
        body_media(b, spec);
    } else if (json_is_object(value)) {
        body_object(b, value);
    } else if (json_is_array(value)) {
        buf_char(&b->text, '[');
        json_array_foreach((json_t *)value, i, item)
        {
            buf_text(&b->text, i ? "," : "");
            sim_body_json(b, item);
        }
        buf_char(&b->text, ']');
    } else if (json_is_string(value)) {
        jsonescape_write(&b->text, (struct slice){json_string_value(value), json_string_length(value)});
    } else if (json_is_integer(value)) {
        buf_printf(&b->text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else {
        json_dump_callback(value, body_add, &b->text, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    }
}

/* ---- reading ---- */

static uint64_t body_encoded(const struct sim_insert *insert)
{
    uint64_t n = sim_media_size(insert->media);

    return insert->encoding == SIM_BASE64 ? (n + 2) / 3 * 4 : insert->encoding == SIM_HEX ? n * 2 : n;
}

uint64_t sim_body_size(const struct sim_body *b)
{
    uint64_t n = b->text.n;

    for (size_t i = 0; i < b->count; i++) {
        n += body_encoded(&b->inserts[i]);
    }
    return n < b->limit ? n : b->limit;
}

/* Encodes n raw bytes into out; gives the chars. */
static size_t body_encode(enum sim_encoding encoding, char *out, const char *raw, size_t n)
{
    if (encoding == SIM_BASE64) {
        return base64_write(out, (struct slice){raw, n}, false);
    }
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = "0123456789abcdef"[(unsigned char)raw[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[raw[i] & 15];
    }
    return 2 * n;
}

/* Up to n chars of an encoded medium. Room for less than a group goes through the spare. */
static size_t body_read_encoded(struct sim_body *b, const struct sim_insert *insert, char *out, size_t n)
{
    char raw[RAW_BYTES], chars[BASE64_CHARS(RAW_BYTES) + 1];

    if (b->spare_at == b->spare_n) {
        size_t groups = n / 4 < RAW_BYTES / 3 ? n / 4 : RAW_BYTES / 3;
        size_t want = groups ? groups * (insert->encoding == SIM_BASE64 ? 3 : 2) : 3;
        size_t got = body_encode(insert->encoding, chars, raw, sim_media_read(insert->media, raw, want));
        if (got <= n) {
            memcpy(out, chars, got);
            return got;
        }
        memcpy(b->spare, chars, got);
        b->spare_n = got;
        b->spare_at = 0;
    }
    size_t take = b->spare_n - b->spare_at < n ? b->spare_n - b->spare_at : n;
    memcpy(out, b->spare + b->spare_at, take);
    b->spare_at += take;
    return take;
}

static size_t body_read_some(struct sim_body *b, char *out, size_t n)
{
    while (b->insert < b->count && b->inserts[b->insert].at == b->at) {
        const struct sim_insert *insert = &b->inserts[b->insert];
        size_t got = insert->encoding == SIM_RAW ? sim_media_read(insert->media, out, n)
                                                 : body_read_encoded(b, insert, out, n);
        if (got) {
            return got;
        }
        b->insert++;
    }
    size_t end = b->insert < b->count ? b->inserts[b->insert].at : b->text.n;
    size_t take = end - b->at < n ? end - b->at : n;
    if (take) {
        memcpy(out, b->text.p + b->at, take);
    }
    b->at += take;
    return take;
}

size_t sim_body_read(struct sim_body *b, char *out, size_t n)
{
    size_t done = 0;

    if (n > b->limit - b->done) {
        n = (size_t)(b->limit - b->done);
    }
    while (done < n) {
        size_t got = body_read_some(b, out + done, n - done);
        if (!got) {
            break;
        }
        done += got;
    }
    b->done += done;
    return done;
}
