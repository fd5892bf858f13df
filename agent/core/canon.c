/* canon.c - one form for the media of a task's input. */
#include "core/canon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/spot.h"
#include "wire/base64.h"

struct canon {
    canon_inline_fn *fn;
    void *arg;
    const struct spot *spot;
    struct note *note;
};

static bool is_url(const char *text)
{
    return !strncasecmp(text, "https://", 8) || !strncasecmp(text, "http://", 7);
}

static enum fault canon_bad(struct canon *c, const char *what)
{
    note_field(c->note, c->spot->path);
    return note_set(c->note, FAULT_BAD_VALUE, "input.%s: %s", c->spot->path, what);
}

/* Decodes base64 (white space allowed) and hands the bytes on. */
static enum fault canon_base64(struct canon *c, struct slice text, const char *type, const char *name,
                               json_t **ret_value)
{
    struct base64 d = {0};
    unsigned char *bytes = mem_new(text.n + 4);
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        if (!strchr(" \t\r\n", text.p[i])) {
            long got = base64_feed(&d, text.p + i, 1, bytes + n);
            n += got > 0 ? (size_t)got : 0;
        }
    }
    bool good = base64_end(&d) && n > 0;
    enum fault fault = good ? c->fn(c->arg, (struct slice){(char *)bytes, n}, type, name, ret_value, c->note)
                            : canon_bad(c, "this is neither a URL, nor a data URI, nor base64");
    free(bytes);
    return fault;
}

static enum fault canon_data_uri(struct canon *c, const char *uri, const char *name, json_t **ret_value)
{
    const char *comma = strchr(uri, ','), *semi = strstr(uri, ";base64");
    char type[100] = "";

    if (!comma || !semi || semi > comma) {
        return canon_bad(c, "a data URI must be of the form data:<type>;base64,<bytes>");
    }
    const char *end = uri + strcspn(uri, ";,");
    if (end - uri - 5 > 0 && (size_t)(end - uri - 5) < sizeof(type)) {
        snprintf(type, sizeof(type), "%.*s", (int)(end - uri - 5), uri + 5);
    }
    return canon_base64(c, slice_of(comma + 1), *type ? type : NULL, name, ret_value);
}

static enum fault canon_text(struct canon *c, const char *text, const char *type, const char *name,
                             json_t **ret_value)
{
    if (is_url(text)) {
        *ret_value = json_pack("{s:s}", "url", text);
        return FAULT_OK;
    }
    if (!strncasecmp(text, "data:", 5)) {
        return canon_data_uri(c, text, name, ret_value);
    }
    return canon_base64(c, slice_of(text), type, name, ret_value);
}

/* Long base64 is on its way into the store already; what was said of it goes with its marker. */
static enum fault canon_marked(const json_t *marker, const char *type, const char *name, json_t **ret_value)
{
    *ret_value = json_copy((json_t *)marker);
    if (type) {
        json_object_set_new(*ret_value, "type", json_string(type));
    }
    if (name) {
        json_object_set_new(*ret_value, "name", json_string(name));
    }
    return FAULT_OK;
}

/* The value that stands for one medium; *ret_value stays NULL when it may stay as it is. */
static enum fault canon_value(struct canon *c, const json_t *value, json_t **ret_value)
{
    const char *type = json_string_value(json_object_get(value, "type")),
               *name = json_string_value(json_object_get(value, "name"));

    if (json_is_string(value)) {
        const char *text = json_string_value(value);
        bool colour =
            !strcmp(c->spot->field, "background") && !is_url(text) && strncasecmp(text, "data:", 5) != 0;
        return colour ? FAULT_OK : canon_text(c, text, NULL, NULL, ret_value);
    }
    json_t *base64_value = json_object_get(value, "base64");
    if (json_is_object(base64_value)) {
        return canon_marked(base64_value, type, name, ret_value);
    }
    const char *base64 = json_string_value(base64_value);
    if (!base64) {
        return FAULT_OK; /* the schema says what else is wrong */
    }
    return !strncasecmp(base64, "data:", 5) ? canon_data_uri(c, base64, name, ret_value)
                                            : canon_base64(c, slice_of(base64), type, name, ret_value);
}

static enum fault canon_spot(void *arg, const struct spot *spot)
{
    struct canon *c = arg;
    json_t *now = NULL;

    c->spot = spot;
    enum fault fault = canon_value(c, spot->value, &now);
    if (now) {
        spot_set(spot, now);
    }
    return fault;
}

enum fault canon_input(json_t *input, canon_inline_fn *fn, void *arg, struct note *note)
{
    struct canon c = {fn, arg, NULL, note};

    return spot_each(input, canon_spot, &c);
}

char *canon_dump(const json_t *value)
{
    return json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_REAL_PRECISION(16));
}
