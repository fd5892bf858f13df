/* shape.c - a value to be made: expressions, alone or as the leaves of an object. */
#include "core/shape.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define DEPTH_MAX 16

enum kind { SHAPE_EXPRESSION, SHAPE_SCALAR, SHAPE_OBJECT };

struct member {
    char *name;
    struct shape *shape;
};

struct shape {
    enum kind kind;
    int *numbers; /* EXPRESSION: the alternatives */
    json_t *scalar;
    struct member *members;
    size_t count; /* of numbers or members */
};

void shape_free(struct shape **s)
{
    if (!*s) {
        return;
    }
    for (size_t i = 0; (*s)->kind == SHAPE_OBJECT && i < (*s)->count; i++) {
        free((*s)->members[i].name);
        shape_free(&(*s)->members[i].shape);
    }
    free((*s)->numbers);
    free((*s)->members);
    json_decref((*s)->scalar);
    free(*s);
    *s = NULL;
}

/* ---- loading ---- */

static struct shape *load_alternatives(struct load *l, const json_t *list)
{
    struct shape *s = mem_new(sizeof(*s));
    json_t *item;
    size_t i;

    s->numbers = mem_new((json_array_size(list) + 1) * sizeof(*s->numbers));
    if (!json_array_size(list)) {
        load_complain(l, "is an empty list: write the alternatives, or leave it out");
    }
    json_array_foreach(list, i, item)
    {
        size_t before = load_enter_index(l, i);
        if (json_is_string(item)) {
            s->numbers[s->count++] = load_expression(l, json_string_value(item));
        } else {
            load_complain(l, "a list holds alternative expressions, as texts; write a JSON array as one "
                             "expression: '[.a, .b]'");
        }
        load_leave(l, before);
    }
    return s;
}

static struct shape *load_shape(struct load *l, const json_t *value, int depth);

static struct shape *load_object(struct load *l, const json_t *value, int depth)
{
    struct shape *s = mem_new(sizeof(*s));
    const char *key;
    json_t *child;

    s->kind = SHAPE_OBJECT;
    s->members = mem_new((json_object_size(value) + 1) * sizeof(*s->members));
    json_object_foreach((json_t *)value, key, child)
    {
        size_t before = load_enter(l, key);
        s->members[s->count++] = (struct member){mem_text(key), load_shape(l, child, depth + 1)};
        load_leave(l, before);
    }
    return s;
}

static struct shape *load_shape(struct load *l, const json_t *value, int depth)
{
    if (depth > DEPTH_MAX) {
        load_complain(l, "is nested deeper than %d", DEPTH_MAX);
        return NULL;
    }
    if (json_is_object(value)) {
        return load_object(l, value, depth);
    }
    if (json_is_array(value)) {
        return load_alternatives(l, value);
    }
    struct shape *s = mem_new(sizeof(*s));
    if (json_is_string(value)) {
        s->numbers = mem_new(sizeof(*s->numbers));
        s->numbers[s->count++] = load_expression(l, json_string_value(value));
    } else {
        s->kind = SHAPE_SCALAR;
        s->scalar = json_incref((json_t *)value);
    }
    return s;
}

struct shape *shape_load(struct load *l, const json_t *value)
{
    return value ? load_shape(l, value, 0) : NULL;
}

/* ---- making ---- */

static enum fault make_expression(const struct shape *s, const struct shape_in *in, json_t **ret_value,
                                  struct note *note)
{
    struct note first = {0};
    enum fault fault = FAULT_OK;

    for (size_t i = 0; i < s->count; i++) {
        json_t *value = NULL;
        enum fault bad = mapping_view_run(in->mapping, s->numbers[i], in->view, false, &value, &first);
        if (!bad && !json_is_null(value)) {
            *ret_value = value;
            return FAULT_OK;
        }
        json_decref(value);
        fault = fault ? fault : bad;
    }
    /* One expression that fails is a mistake; of several, one that gives null is an answer. */
    if (fault && s->count == 1) {
        return note_set(note, fault, "%s", first.text);
    }
    *ret_value = json_null();
    return FAULT_OK;
}

static enum fault make_object(const struct shape *s, const struct shape_in *in, json_t **ret_value,
                              struct note *note)
{
    json_t *out = json_object();

    for (size_t i = 0; i < s->count; i++) {
        json_t *value = NULL;
        enum fault fault = shape_make(s->members[i].shape, in, &value, note);
        if (fault) {
            note_field(note, s->members[i].name);
            json_decref(out);
            return fault;
        }
        json_object_set_new_nocheck(out, s->members[i].name, value);
    }
    *ret_value = out;
    return FAULT_OK;
}

enum fault shape_make(const struct shape *s, const struct shape_in *in, json_t **ret_value, struct note *note)
{
    *ret_value = NULL;
    if (!s) {
        *ret_value = json_null();
        return FAULT_OK;
    }
    if (s->kind == SHAPE_OBJECT) {
        return make_object(s, in, ret_value, note);
    }
    if (s->kind == SHAPE_SCALAR) {
        *ret_value = json_incref(s->scalar);
        return FAULT_OK;
    }
    return make_expression(s, in, ret_value, note);
}

json_t *shape_try(const struct shape *s, const struct shape_in *in)
{
    json_t *value = NULL;

    if (!s || shape_make(s, in, &value, NULL)) {
        return NULL;
    }
    if (json_is_null(value)) {
        json_decref(value);
        return NULL;
    }
    return value;
}

char *shape_value_text(const json_t *value)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        return mem_text(json_string_value(value));
    case JSON_INTEGER:
        return mem_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    case JSON_REAL:
        return mem_printf("%.15g", json_real_value(value));
    case JSON_TRUE:
        return mem_text("true");
    case JSON_FALSE:
        return mem_text("false");
    default:
        return NULL;
    }
}

char *shape_text(const struct shape *s, const struct shape_in *in)
{
    json_t *value = shape_try(s, in);
    char *text = shape_value_text(value);

    json_decref(value);
    return text;
}

bool shape_true(const struct shape *s, const struct shape_in *in)
{
    json_t *value = shape_try(s, in);
    bool truth = value && !json_is_false(value);

    json_decref(value);
    return truth;
}

enum fault shape_stream(const struct shape *s, const struct shape_in *in, json_t **ret_list,
                        struct note *note)
{
    *ret_list = NULL;
    if (s->kind != SHAPE_EXPRESSION || s->count != 1) {
        enum fault fault = shape_make(s, in, ret_list, note);
        if (!fault && !json_is_array(*ret_list)) {
            json_t *list = json_array();
            json_array_append_new(list, *ret_list);
            *ret_list = list;
        }
        return fault;
    }
    enum fault fault = mapping_view_run(in->mapping, s->numbers[0], in->view, true, ret_list, note);
    if (!fault && json_array_size(*ret_list) == 1 && json_is_array(json_array_get(*ret_list, 0))) {
        json_t *inner = json_incref(json_array_get(*ret_list, 0));
        json_decref(*ret_list);
        *ret_list = inner;
    }
    return fault;
}

bool shape_is_object(const struct shape *s)
{
    return s && s->kind == SHAPE_OBJECT;
}

const struct shape *shape_member(const struct shape *s, const char *name)
{
    for (size_t i = 0; shape_is_object(s) && i < s->count; i++) {
        if (!strcmp(s->members[i].name, name)) {
            return s->members[i].shape;
        }
    }
    return NULL;
}

const char *shape_name(const struct shape *s, size_t i)
{
    return shape_is_object(s) && i < s->count ? s->members[i].name : NULL;
}
