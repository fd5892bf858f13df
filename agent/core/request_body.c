/* request_body.c - the body of a vendor's request from the value that an adapter's expressions gave. */
#include "core/request_body.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "core/percent.h"
#include "core/shape.h"
#include "wire/sniff.h"

/* ---- JSON ---- */

/* Whole numbers are written without a fraction, which strict vendors refuse for integers; nulls go when they
 * shall. */
json_t *request_body_tidy(const json_t *value, bool drop_nulls)
{
    double number = json_is_real(value) ? json_real_value(value) : 0.5;
    const char *key;
    json_t *child, *out;
    size_t i;

    if (json_is_object(value)) {
        out = json_object();
        json_object_foreach((json_t *)value, key, child)
        {
            if (!drop_nulls || !json_is_null(child)) {
                json_object_set_new_nocheck(out, key, request_body_tidy(child, drop_nulls));
            }
        }
        return out;
    }
    if (json_is_array(value)) {
        out = json_array();
        json_array_foreach(value, i, child)
        {
            json_array_append_new(out, request_body_tidy(child, drop_nulls));
        }
        return out;
    }
    bool whole = number > -1e15 && number < 1e15 && number == (double)(json_int_t)number;
    return whole ? json_integer((json_int_t)number) : json_incref((json_t *)value);
}

static char *dump(const json_t *value, struct note *note)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(16));

    if (!text || strlen(text) > LIMIT_TEXT_BYTES) {
        free(text);
        (void)note_set(note, FAULT_BAD_VALUE, "the request's body has more than %u bytes", LIMIT_TEXT_BYTES);
        return NULL;
    }
    return text;
}

enum fault request_body_json(struct request *r, const json_t *value, struct note *note)
{
    r->body = BODY_JSON;
    r->text = dump(value, note);
    return r->text ? FAULT_OK : FAULT_BAD_VALUE;
}

/* ---- multipart ---- */

/* The index of the medium that value stands for, or -1. */
static int medium_of(const json_t *value)
{
    const json_t *index = json_object_get(value, "$part");

    return json_is_integer(index) && json_integer_value(index) >= 0 && json_integer_value(index) < LIMIT_BLOBS
               ? (int)json_integer_value(index)
               : -1;
}

/* What is known of a medium: said by value itself, or by the table. */
static const char *known(const json_t *value, const json_t *medium, const char *key)
{
    const char *text = json_string_value(json_object_get(value, key));

    return text ? text : json_string_value(json_object_get(medium, key));
}

/* The part for value; no text and no medium when it cannot be one. */
static struct request_part make_part(const json_t *value, const json_t *media, struct note *note)
{
    struct request_part part = {.medium = medium_of(value)};

    if (part.medium >= 0) {
        const json_t *medium = json_array_get(media, (size_t)part.medium);
        const char *type = known(value, medium, "type"), *name = known(value, medium, "name");
        part.type = mem_text(type);
        part.filename = name ? mem_text(name) : mem_printf("file%d.%s", part.medium, sniff_ext(type));
    } else if (json_is_object(value) || json_is_array(value)) {
        part.text = dump(value, note);
        part.type = mem_text("application/json");
    } else {
        part.text = shape_value_text(value);
    }
    return part;
}

static enum fault add_part(struct request *r, const char *name, const json_t *value, const json_t *media,
                           struct note *note)
{
    if (json_is_null(value)) {
        return FAULT_OK;
    }
    if (r->part_count == LIMIT_PARTS) {
        return note_set(note, FAULT_BAD_VALUE, "the request has more than %d parts", LIMIT_PARTS);
    }
    r->parts = mem_grow(r->parts, (r->part_count + 1) * sizeof(*r->parts));
    struct request_part *part = &r->parts[r->part_count++];
    *part = make_part(value, media, note);
    part->name = mem_text(name);
    if (part->medium < 0 && !part->text) {
        note_field(note, name);
        return FAULT_BAD_VALUE;
    }
    return FAULT_OK;
}

/* Adds the parts that are media, or those that are not. */
static enum fault add_parts(struct request *r, const json_t *value, const json_t *media, bool are_media,
                            struct note *note)
{
    enum fault fault = FAULT_OK;
    const char *name;
    json_t *item, *element;
    size_t i;

    json_object_foreach((json_t *)value, name, item)
    {
        if (!fault && !json_is_array(item) && (medium_of(item) >= 0) == are_media) {
            fault = add_part(r, name, item, media, note);
        }
        json_array_foreach(item, i, element)
        {
            if (!fault && (medium_of(element) >= 0) == are_media) {
                fault = add_part(r, name, element, media, note);
            }
        }
    }
    return fault;
}

/* The fields of a presigned POST must stand before its file (AWS S3, "POST Object"), and nobody minds. */
enum fault request_body_multipart(struct request *r, const json_t *value, const json_t *media,
                                  struct note *note)
{
    r->body = BODY_MULTIPART;
    if (!json_is_object(value)) {
        return note_set(note, FAULT_BAD_VALUE, "a multipart body is made from an object");
    }
    enum fault fault = add_parts(r, value, media, false, note);
    return fault ? fault : add_parts(r, value, media, true, note);
}

/* ---- names and values with percents ---- */

/* "name=value" for one value, behind separator; nothing for null. */
static enum fault add_pair(struct buf *out, char separator, const char *name, const json_t *value,
                           struct note *note)
{
    if (json_is_null(value)) {
        return FAULT_OK;
    }
    char *text = shape_value_text(value);
    if (!text) {
        note_field(note, name);
        return note_set(note, FAULT_BAD_VALUE, "%s is no text, number or boolean", name);
    }
    if (separator) {
        buf_char(out, separator);
    }
    percent_write(out, name, false);
    buf_char(out, '=');
    percent_write(out, text, false);
    free(text);
    return FAULT_OK;
}

/* All pairs of value; first is the separator before the first of them. */
static enum fault add_pairs(struct buf *out, char first, const json_t *value, struct note *note)
{
    size_t start = out->n, i;
    const char *name;
    json_t *item, *element;

    json_object_foreach((json_t *)value, name, item)
    {
        enum fault fault = FAULT_OK;
        if (!json_is_array(item)) {
            fault = add_pair(out, out->n == start ? first : '&', name, item, note);
        }
        json_array_foreach(item, i, element)
        {
            fault = fault ? fault : add_pair(out, out->n == start ? first : '&', name, element, note);
        }
        if (fault) {
            return fault;
        }
    }
    return buf_ok(out) ? FAULT_OK : note_set(note, FAULT_BAD_VALUE, "the request's fields are too long");
}

enum fault request_body_query(struct buf *out, const json_t *value, struct note *note)
{
    return add_pairs(out, out->n && strchr(out->p, '?') ? '&' : '?', value, note);
}

enum fault request_body_form(struct request *r, const json_t *value, struct note *note)
{
    struct buf text;

    r->body = BODY_FORM;
    if (!json_is_object(value)) {
        return note_set(note, FAULT_BAD_VALUE, "a form body is made from an object");
    }
    buf_init(&text, LIMIT_TEXT_BYTES);
    enum fault fault = add_pairs(&text, '\0', value, note);
    r->text = fault ? NULL : buf_take(&text);
    buf_done(&text);
    return fault;
}

enum fault request_body_raw(struct request *r, const json_t *value, struct note *note)
{
    r->body = BODY_RAW;
    r->medium = medium_of(value);
    return r->medium >= 0
               ? FAULT_OK
               : note_set(note, FAULT_BAD_VALUE, "a raw body is one medium; its form must be part");
}
