/* answer_outputs.c - the results in a vendor's answer. */
#include "core/answer_outputs.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/mem.h"
#include "wire/datauri.h"

void answer_outputs_done(struct answer_output *o)
{
    free(o->text64);
    free(o->text_hex);
    free(o->url);
    free(o->type);
    free(o->error);
    free(o->text);
}

/* A positive whole number, 0 for anything else. */
static int dimension(const json_t *value)
{
    double number = json_is_string(value) ? strtod(json_string_value(value), NULL) : json_number_value(value);

    return number >= 1 && number <= 1000000 ? (int)number : 0;
}

static double seconds(const json_t *value)
{
    double number = json_is_string(value) ? strtod(json_string_value(value), NULL) : json_number_value(value);

    return number > 0 && number < 1e9 ? number : 0;
}

/* Base64 in the answer: still a text, or taken out of it because it was long. */
static void take_base64(struct answer_output *o, const json_t *value)
{
    const json_t *blob = json_object_get(value, "$blob");
    struct slice type, data;

    if (json_is_integer(blob) && json_integer_value(blob) >= 0 && json_integer_value(blob) < LIMIT_BLOBS) {
        o->blob = (int)json_integer_value(blob);
        if (!o->type) {
            o->type = mem_text(json_string_value(json_object_get(value, "type")));
        }
        return;
    }
    if (!json_string_length(value)) {
        return;
    }
    struct slice text = {json_string_value(value), json_string_length(value)};
    if (!datauri_read(text, &type, &data)) {
        o->text64 = slice_starts(text, "data:") ? NULL : mem_textn(text.p, text.n);
        return;
    }
    o->text64 = mem_textn(data.p, data.n);
    if (!o->type && type.n) {
        o->type = mem_textn(type.p, type.n);
    }
}

/* A URL that can be fetched: http or https, or a path below the base. */
static bool url_usable(const char *url)
{
    size_t n = strlen(url);

    if (n > LIMIT_URL_BYTES ||
        (url[0] != '/' && strncasecmp(url, "https://", 8) != 0 && strncasecmp(url, "http://", 7) != 0)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)url[i] <= 0x20 || url[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

/* The same in hex; long ones come decoded out of the answer, as those in base64 do. */
static void take_hex(struct answer_output *o, const json_t *value)
{
    const char *text = json_string_value(value);

    if (json_is_object(value)) {
        take_base64(o, value);
    } else if (text && *text && !text[strspn(text, "0123456789abcdefABCDEF")] && strlen(text) % 2 == 0) {
        o->text_hex = mem_text(text);
    }
}

static void take_url(struct answer_output *o, const json_t *value)
{
    const char *url = json_string_value(value);

    if (!url) {
        return;
    }
    if (!strncasecmp(url, "data:", 5)) {
        take_base64(o, value);
    } else if (url_usable(url)) {
        o->url = mem_text(url);
    }
}

/* A media type without its parameters: vendors' Content-Type fields come here. */
static char *media_type(const json_t *value)
{
    struct slice rest = slice_of(json_string_value(value)), type = {NULL, 0};

    slice_cut(&rest, ';', &type);
    type = slice_trim(type);
    return type.n ? mem_textn(type.p, type.n) : NULL;
}

static int sources(const struct answer_output *o)
{
    return (o->blob >= 0) + (o->text64 != NULL) + (o->text_hex != NULL) + (o->url != NULL) +
           (o->text != NULL);
}

static enum fault read_one(const json_t *item, int raw_blob, bool secret, struct answer_output *o,
                           struct note *note)
{
    *o = (struct answer_output){.blob = -1, .secret = secret};
    if (json_is_string(item)) {
        take_url(o, item);
    }
    o->type = media_type(json_object_get(item, "type"));
    o->error = shape_value_text(json_object_get(item, "error"));
    if (!o->error) {
        take_url(o, json_object_get(item, "url"));
        take_base64(o, json_object_get(item, "base64"));
        take_hex(o, json_object_get(item, "hex"));
        o->text = shape_value_text(json_object_get(item, "text"));
        o->blob = json_is_true(json_object_get(item, "raw")) ? raw_blob : o->blob;
    }
    o->width = dimension(json_object_get(item, "width"));
    o->height = dimension(json_object_get(item, "height"));
    o->duration_s = seconds(json_object_get(item, "duration_s"));
    if (!o->url) {
        o->secret = false;
    }
    if (!o->error && sources(o) != 1) {
        return note_set(note, FAULT_BAD_VALUE,
                        sources(o) ? "an output has several sources"
                                   : "an output has neither a usable URL nor bytes");
    }
    return FAULT_OK;
}

/* The list over which members run: one unnamed item when there is none. */
static enum fault list_items(const struct adapter_exchange *e, const struct shape_in *shapes,
                             json_t **ret_list, struct note *note)
{
    if (e->outputs.stream) {
        return shape_stream(e->outputs.stream, shapes, ret_list, note);
    }
    if (e->outputs.each) {
        return shape_stream(e->outputs.each, shapes, ret_list, note);
    }
    *ret_list = json_pack("[n]");
    return FAULT_OK;
}

/* The members of one output, with item as .item. */
static enum fault make_item(const struct adapter_exchange *e, const struct shape_in *shapes,
                            const json_t *context, json_t *item, json_t **ret_item, struct note *note)
{
    if (e->outputs.stream) {
        *ret_item = json_incref(item);
        return FAULT_OK;
    }
    json_t *wider = json_copy((json_t *)context);
    json_object_set(wider, "item", item);
    struct mapping_view view = {.value = wider};
    struct shape_in in = {shapes->mapping, &view};
    enum fault fault = shape_make(e->outputs.members, &in, ret_item, note);
    mapping_view_done(&view);
    json_decref(wider);
    return fault;
}

static enum fault read_list(const struct adapter_exchange *e, const struct shape_in *shapes,
                            const json_t *context, const json_t *list, int raw_blob, bool secret,
                            struct answer *a, struct note *note)
{
    size_t n = json_array_size(list);

    n = n > LIMIT_OUTPUTS ? LIMIT_OUTPUTS : n;
    a->outputs = mem_new((n + 1) * sizeof(*a->outputs));
    for (size_t i = 0; i < n; i++) {
        json_t *made = NULL;
        enum fault fault = make_item(e, shapes, context, json_array_get(list, i), &made, note);
        if (!fault) {
            fault = read_one(made, raw_blob, secret, &a->outputs[a->output_count++], note);
        }
        json_decref(made);
        if (fault) {
            return fault;
        }
    }
    return FAULT_OK;
}

enum fault answer_outputs_read(const struct adapter_exchange *e, const struct shape_in *shapes,
                               const json_t *context, int raw_blob, bool secret, struct answer *ret_answer,
                               struct note *note)
{
    json_t *list = NULL;
    enum fault fault = list_items(e, shapes, &list, note);

    if (!fault && json_is_array(list)) {
        fault = read_list(e, shapes, context, list, raw_blob, secret, ret_answer, note);
    }
    json_decref(list);
    return fault;
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text) {
        json_object_set_new(object, key, json_string(text));
    }
}

static json_t *one_to_json(const struct answer_output *o)
{
    json_t *out = json_object();

    if (o->blob >= 0) {
        json_object_set_new(out, "blob", json_integer(o->blob));
    }
    set_text(out, "base64", o->text64);
    set_text(out, "hex", o->text_hex);
    set_text(out, "url", o->url);
    set_text(out, "text", o->text);
    set_text(out, "type", o->type);
    if (o->secret) {
        json_object_set_new(out, "secret", json_true());
    }
    if (o->width) {
        json_object_set_new(out, "width", json_integer(o->width));
    }
    if (o->height) {
        json_object_set_new(out, "height", json_integer(o->height));
    }
    if (o->duration_s > 0) {
        json_object_set_new(out, "duration_s", json_real(o->duration_s));
    }
    set_text(out, "error", o->error);
    return out;
}

json_t *answer_outputs_to_json(const struct answer *a)
{
    json_t *list = json_array();

    for (size_t i = 0; i < a->output_count; i++) {
        json_array_append_new(list, one_to_json(&a->outputs[i]));
    }
    return list;
}
