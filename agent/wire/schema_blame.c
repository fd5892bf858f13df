/* schema_blame.c - the words for a value that does not fit. */
#include "wire/schema_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/limits.h"
#include "base/mem.h"

#define POINTER_BYTES 1024 /* a longer pointer ends at an ancestor */
#define TEXT_BYTES    320
#define VALUE_BYTES   40 /* of a value that is quoted */
#define LIST_MAX      12 /* values that are listed */

static void add_pointer(struct buf *out, const struct schema_path *path)
{
    if (!path) {
        return;
    }
    add_pointer(out, path->up);
    AUTO(auto_free) char *index = path->key ? NULL : mem_printf("%zu", path->index);
    AUTO(auto_free) char *step = schema_ref_push("", path->key ? path->key : index);
    buf_text(out, step);
}

/* A step that did not fit is left out, and so is all behind it. */
static void tell(struct schema_check *c, const struct schema_path *path, const char *text)
{
    struct buf pointer;

    buf_init(&pointer, POINTER_BYTES);
    add_pointer(&pointer, path);
    c->complain(c->arg, pointer.n ? pointer.p : "", text);
    buf_done(&pointer);
}

bool schema_blame(struct schema_check *c, const struct schema_path *path, const char *format, ...)
{
    /* What follows from giving up is no mistake of the value. */
    if (!c->steps) {
        return false;
    }
    c->complaints++;
    if (c->mode == SCHEMA_TELL && c->complaints <= LIMIT_SCHEMA_COMPLAINTS) {
        char text[TEXT_BYTES];
        va_list ap;
        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        tell(c, path, text);
    }
    return false;
}

/* At most VALUE_BYTES of text, cut between characters. */
static size_t clip(const char *text, size_t n)
{
    if (n <= VALUE_BYTES) {
        return n;
    }
    n = VALUE_BYTES;
    while (n && ((unsigned char)text[n] & 0xc0) == 0x80) {
        n--;
    }
    return n;
}

/* value as JSON, cut when it is long. */
static void add_literal(struct buf *out, const json_t *value)
{
    AUTO(auto_free) char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    size_t n = text ? strlen(text) : 0;
    size_t shown = text ? clip(text, n) : 0;

    buf_add(out, text ? text : "", shown);
    if (shown < n) {
        buf_text(out, "…");
    }
}

/* As add_literal, for a value that came from outside and may be large. */
static void add_value(struct buf *out, const json_t *value)
{
    if (json_is_object(value) || json_is_array(value)) {
        buf_text(out, json_is_object(value) ? "an object" : "an array");
    } else if (json_string_length(value) > VALUE_BYTES) {
        buf_text(out, "a longer string");
    } else {
        add_literal(out, value);
    }
}

/* "a", "b", … of an array of values. */
static void add_list(struct buf *out, const json_t *values)
{
    size_t i;
    json_t *value;

    json_array_foreach(values, i, value)
    {
        if (i == LIST_MAX) {
            buf_text(out, ", …");
            break;
        }
        buf_text(out, i ? ", " : "");
        add_literal(out, value);
    }
}

/* Tells what was put together, as far as it went in. */
static bool blame_text(struct schema_check *c, const struct schema_path *path, struct buf *text)
{
    schema_blame(c, path, "%s", text->n ? text->p : "does not fit");
    buf_done(text);
    return false;
}

bool schema_blame_type(struct schema_check *c, unsigned types, const json_t *value,
                       const struct schema_path *path)
{
    static const struct {
        unsigned bits;
        const char *name;
    } names[] = {{SCHEMA_STRING, "a string"},     {SCHEMA_NUMBER, "a number"},
                 {SCHEMA_INTEGER, "an integer"},  {SCHEMA_OBJECT, "an object"},
                 {SCHEMA_ARRAY, "an array"},      {SCHEMA_BOOLEAN, "true or false"},
                 {SCHEMA_FRACTION, "a fraction"}, {SCHEMA_NULL, "null"}};
    const char *has = "";
    struct buf text;

    buf_init(&text, TEXT_BYTES);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!*has && names[i].bits & schema_value_type(value)) {
            has = names[i].name;
        }
        if ((types & names[i].bits) == names[i].bits) {
            types &= ~names[i].bits;
            buf_text(&text, text.n ? " or " : "must be ");
            buf_text(&text, names[i].name);
        }
    }
    if (schema_value_type(value) == SCHEMA_FRACTION) {
        buf_text(&text, ", not ");
        add_value(&text, value);
    } else {
        buf_printf(&text, ", not %s", json_is_boolean(value) ? "true or false" : has);
    }
    return blame_text(c, path, &text);
}

bool schema_blame_choice(struct schema_check *c, const json_t *allowed, const json_t *value,
                         const struct schema_path *path)
{
    struct schema_hint hint = {.name = json_string_value(value)};
    struct buf text;
    size_t i;
    json_t *one;

    if (c->mode != SCHEMA_TELL) {
        return schema_blame(c, path, " ");
    }
    buf_init(&text, TEXT_BYTES);
    buf_text(&text, json_array_size(allowed) > 1 ? "must be one of " : "must be ");
    add_list(&text, allowed);
    json_array_foreach(allowed, i, one)
    {
        if (hint.name && json_is_string(one)) {
            schema_hint_try(&hint, json_string_value(one));
        }
    }
    if (hint.best) {
        buf_printf(&text, "; did you mean \"%s\"?", hint.best);
    } else {
        buf_text(&text, ", not ");
        add_value(&text, value);
    }
    return blame_text(c, path, &text);
}

bool schema_blame_constant(struct schema_check *c, const json_t *constant, const struct schema_path *path)
{
    struct buf text;

    buf_init(&text, TEXT_BYTES);
    buf_text(&text, "must be ");
    add_literal(&text, constant);
    return blame_text(c, path, &text);
}

/* An example says more than a regular expression. */
bool schema_blame_pattern(struct schema_check *c, const struct schema_node *n, const struct schema_path *path)
{
    const json_t *examples = json_object_get(n->text, "examples");
    struct buf text;

    if (!json_array_size(examples)) {
        return schema_blame(c, path, "must match the pattern %s", schema_pattern_source(n->string->pattern));
    }
    buf_init(&text, TEXT_BYTES);
    buf_text(&text, "must look like ");
    add_list(&text, examples);
    return blame_text(c, path, &text);
}

bool schema_blame_number(struct schema_check *c, const char *what, const json_t *bound, const json_t *value,
                         const struct schema_path *path)
{
    struct buf text;

    buf_init(&text, TEXT_BYTES);
    buf_printf(&text, "must be %s ", what);
    add_value(&text, bound);
    buf_text(&text, ", not ");
    add_value(&text, value);
    return blame_text(c, path, &text);
}

bool schema_blame_field(struct schema_check *c, const struct schema_node *n, const struct schema_path *path)
{
    json_t *known = json_object_get(n->text, "properties");
    struct schema_hint hint = {.name = path->key};
    struct buf text;
    const char *name;
    json_t *schema;

    if (c->mode != SCHEMA_TELL) {
        return schema_blame(c, path, " ");
    }
    json_object_foreach(known, name, schema)
    {
        schema_hint_try(&hint, name);
    }
    buf_init(&text, TEXT_BYTES);
    buf_text(&text, "is not a known field");
    if (hint.best) {
        buf_printf(&text, "; did you mean \"%s\"?", hint.best);
    } else if (json_object_size(known) && json_object_size(known) <= LIST_MAX) {
        const char *before = "; known are ";
        json_object_foreach(known, name, schema)
        {
            buf_printf(&text, "%s\"%s\"", before, name);
            before = ", ";
        }
    }
    return blame_text(c, path, &text);
}
