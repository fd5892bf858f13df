/* schema_keyword.c - what each keyword of draft-07 puts into a node. */
#include "wire/schema_internal.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ---- readers: the value of a keyword into the slot that the table names ---- */

typedef enum fault reader_fn(const struct schema_at *at, const json_t *value, void *slot);

static enum fault read_value(const struct schema_at *at, const json_t *value, void *slot)
{
    (void)at;
    *(const json_t **)slot = value;
    return FAULT_OK;
}

static enum fault read_number(const struct schema_at *at, const json_t *value, void *slot)
{
    return json_is_number(value) ? read_value(at, value, slot) : schema_build_fail(at, "must be a number");
}

static enum fault read_positive(const struct schema_at *at, const json_t *value, void *slot)
{
    if (!json_is_number(value) || json_number_value(value) <= 0) {
        return schema_build_fail(at, "must be a number above 0");
    }
    return read_value(at, value, slot);
}

static enum fault read_count(const struct schema_at *at, const json_t *value, void *slot)
{
    double n = json_number_value(value);

    if (!json_is_number(value) || n < 0 || n > 1e15 || floor(n) != n) {
        return schema_build_fail(at, "must be a whole number, 0 or more");
    }
    *(size_t *)slot = (size_t)n;
    return FAULT_OK;
}

static enum fault read_flag(const struct schema_at *at, const json_t *value, void *slot)
{
    if (!json_is_boolean(value)) {
        return schema_build_fail(at, "must be true or false");
    }
    *(bool *)slot = json_is_true(value);
    return FAULT_OK;
}

static enum fault read_choice(const struct schema_at *at, const json_t *value, void *slot)
{
    return json_array_size(value) ? read_value(at, value, slot)
                                  : schema_build_fail(at, "must be an array with a value in it");
}

static enum fault read_names(const struct schema_at *at, const json_t *value, void *slot)
{
    size_t i;
    json_t *name;

    if (!json_is_array(value)) {
        return schema_build_fail(at, "must be an array of strings");
    }
    json_array_foreach(value, i, name)
    {
        if (!json_is_string(name)) {
            return schema_build_fail(at, "must be an array of strings");
        }
    }
    return read_value(at, value, slot);
}

static unsigned type_bits(const json_t *name)
{
    static const struct {
        const char *name;
        unsigned bits;
    } types[] = {{"string", SCHEMA_STRING}, {"number", SCHEMA_NUMBER}, {"integer", SCHEMA_INTEGER},
                 {"object", SCHEMA_OBJECT}, {"array", SCHEMA_ARRAY},   {"boolean", SCHEMA_BOOLEAN},
                 {"null", SCHEMA_NULL}};

    for (size_t i = 0; json_is_string(name) && i < sizeof(types) / sizeof(types[0]); i++) {
        if (!strcmp(json_string_value(name), types[i].name)) {
            return types[i].bits;
        }
    }
    return 0;
}

static enum fault read_type(const struct schema_at *at, const json_t *value, void *slot)
{
    unsigned bits = type_bits(value);
    size_t i;
    json_t *name;

    json_array_foreach(value, i, name)
    {
        unsigned more = type_bits(name);
        if (!more) {
            bits = 0;
            break;
        }
        bits |= more;
    }
    if (!bits) {
        return schema_build_fail(at, "must be the name of a type or a list of them");
    }
    *(unsigned *)slot = bits;
    return FAULT_OK;
}

static enum fault read_pattern_text(const struct schema_at *at, const char *source,
                                    struct schema_pattern **ret)
{
    char text[120];
    size_t offset = 0;

    *ret = schema_pattern_new(source, &offset, text, sizeof(text));
    return *ret ? FAULT_OK : schema_build_fail(at, "is no regular expression: %s at byte %zu", text, offset);
}

static enum fault read_pattern(const struct schema_at *at, const json_t *value, void *slot)
{
    if (!json_is_string(value)) {
        return schema_build_fail(at, "must be a string");
    }
    /* A keyword stands once in an object, so that nothing is overwritten here. */
    return read_pattern_text(at, json_string_value(value), slot);
}

static enum fault read_schema(const struct schema_at *at, const json_t *value, void *slot)
{
    return schema_build_child(at, NULL, value, slot);
}

static enum fault read_schemas(const struct schema_at *at, const json_t *value, void *slot)
{
    struct schema_list *list = slot;
    enum fault fault = FAULT_OK;
    size_t n = json_array_size(value);

    if (!n) {
        return schema_build_fail(at, "must be an array with a schema in it");
    }
    list->items = mem_new(n * sizeof(struct schema_node *));
    while (!fault && list->n < n) {
        char key[24];
        snprintf(key, sizeof(key), "%zu", list->n);
        fault = schema_build_child(at, key, json_array_get(value, list->n), &list->items[list->n]);
        list->n++;
    }
    return fault;
}

static enum fault read_items(const struct schema_at *at, const json_t *value, void *slot)
{
    struct schema_array *array = slot;

    if (!json_is_array(value)) {
        return read_schema(at, value, &array->each);
    }
    array->is_tuple = true;
    return json_array_size(value) ? read_schemas(at, value, &array->tuple) : FAULT_OK;
}

static enum fault need_object(const struct schema_at *at, const json_t *value)
{
    return json_is_object(value) ? FAULT_OK : schema_build_fail(at, "must be an object");
}

static enum fault read_definitions(const struct schema_at *at, const json_t *value, void *slot)
{
    enum fault fault = need_object(at, value);
    const char *name;
    json_t *schema;

    (void)slot;
    json_object_foreach((json_t *)value, name, schema)
    {
        struct schema_node *node;
        fault = fault ? fault : schema_build_child(at, name, schema, &node);
    }
    return fault;
}

static enum fault read_fields(const struct schema_at *at, const json_t *value, void *slot)
{
    struct map **known = slot;
    enum fault fault = need_object(at, value);
    const char *name;
    json_t *schema;

    *known = map_new(json_object_size(value));
    json_object_foreach((json_t *)value, name, schema)
    {
        struct schema_node *node = NULL;
        fault = fault ? fault : schema_build_child(at, name, schema, &node);
        if (node) {
            map_put(*known, name, node);
        }
    }
    return fault;
}

static enum fault read_patterned(const struct schema_at *at, const json_t *value, void *slot)
{
    struct schema_object *object = slot;
    enum fault fault = need_object(at, value);
    const char *name;
    json_t *schema;

    object->patterned = mem_new((json_object_size(value) + 1) * sizeof(*object->patterned));
    json_object_foreach((json_t *)value, name, schema)
    {
        struct schema_patterned *p = &object->patterned[object->n_patterned];
        if (fault || (fault = read_pattern_text(at, name, &p->pattern))) {
            break;
        }
        object->n_patterned++;
        fault = schema_build_child(at, name, schema, &p->node);
    }
    return fault;
}

static enum fault read_dependencies(const struct schema_at *at, const json_t *value, void *slot)
{
    struct schema_object *object = slot;
    enum fault fault = need_object(at, value);
    const char *name;
    json_t *what;

    object->dependencies = mem_new((json_object_size(value) + 1) * sizeof(*object->dependencies));
    json_object_foreach((json_t *)value, name, what)
    {
        struct schema_dependency *d = &object->dependencies[object->n_dependencies++];
        d->name = name;
        if (!fault) {
            fault = json_is_array(what) ? read_names(at, what, &d->names)
                                        : schema_build_child(at, name, what, &d->node);
        }
    }
    return fault;
}

/* ---- the table ---- */

enum family { NODE, NUMBER, STRING, ARRAY, OBJECT, LOGIC };

static const struct keyword {
    const char *name;
    enum family family;
    size_t offset; /* of the slot in the family's struct */
    reader_fn *read;
} keywords[] = {
    {"type", NODE, offsetof(struct schema_node, types), read_type},
    {"enum", NODE, offsetof(struct schema_node, allowed), read_choice},
    {"const", NODE, offsetof(struct schema_node, constant), read_value},
    {"definitions", NODE, 0, read_definitions},
    {"minimum", NUMBER, offsetof(struct schema_number, minimum), read_number},
    {"maximum", NUMBER, offsetof(struct schema_number, maximum), read_number},
    {"exclusiveMinimum", NUMBER, offsetof(struct schema_number, above), read_number},
    {"exclusiveMaximum", NUMBER, offsetof(struct schema_number, below), read_number},
    {"multipleOf", NUMBER, offsetof(struct schema_number, multiple), read_positive},
    {"minLength", STRING, offsetof(struct schema_string, length.min), read_count},
    {"maxLength", STRING, offsetof(struct schema_string, length.max), read_count},
    {"pattern", STRING, offsetof(struct schema_string, pattern), read_pattern},
    {"minItems", ARRAY, offsetof(struct schema_array, items.min), read_count},
    {"maxItems", ARRAY, offsetof(struct schema_array, items.max), read_count},
    {"uniqueItems", ARRAY, offsetof(struct schema_array, unique), read_flag},
    {"items", ARRAY, 0, read_items},
    {"additionalItems", ARRAY, offsetof(struct schema_array, more), read_schema},
    {"contains", ARRAY, offsetof(struct schema_array, contains), read_schema},
    {"minProperties", OBJECT, offsetof(struct schema_object, fields.min), read_count},
    {"maxProperties", OBJECT, offsetof(struct schema_object, fields.max), read_count},
    {"properties", OBJECT, offsetof(struct schema_object, known), read_fields},
    {"patternProperties", OBJECT, 0, read_patterned},
    {"additionalProperties", OBJECT, offsetof(struct schema_object, more), read_schema},
    {"propertyNames", OBJECT, offsetof(struct schema_object, names), read_schema},
    {"required", OBJECT, offsetof(struct schema_object, required), read_names},
    {"dependencies", OBJECT, 0, read_dependencies},
    {"allOf", LOGIC, offsetof(struct schema_logic, all), read_schemas},
    {"anyOf", LOGIC, offsetof(struct schema_logic, any), read_schemas},
    {"oneOf", LOGIC, offsetof(struct schema_logic, one), read_schemas},
    {"not", LOGIC, offsetof(struct schema_logic, no), read_schema},
    {"if", LOGIC, offsetof(struct schema_logic, when), read_schema},
    {"then", LOGIC, offsetof(struct schema_logic, then), read_schema},
    {"else", LOGIC, offsetof(struct schema_logic, otherwise), read_schema},
};

/* ---- families ---- */

static char *string_family(struct schema_node *n)
{
    if (!n->string) {
        n->string = mem_new(sizeof(*n->string));
        n->string->length.max = SIZE_MAX;
    }
    return (char *)n->string;
}

static char *array_family(struct schema_node *n)
{
    if (!n->array) {
        n->array = mem_new(sizeof(*n->array));
        n->array->items.max = SIZE_MAX;
    }
    return (char *)n->array;
}

static char *object_family(struct schema_node *n)
{
    if (!n->object) {
        n->object = mem_new(sizeof(*n->object));
        n->object->fields.max = SIZE_MAX;
    }
    return (char *)n->object;
}

/* The struct that family's slots lie in. */
static char *family_of(struct schema_node *n, enum family family)
{
    switch (family) {
    case NUMBER:
        n->number = n->number ? n->number : mem_new(sizeof(*n->number));
        return (char *)n->number;
    case STRING:
        return string_family(n);
    case ARRAY:
        return array_family(n);
    case OBJECT:
        return object_family(n);
    case LOGIC:
        n->logic = n->logic ? n->logic : mem_new(sizeof(*n->logic));
        return (char *)n->logic;
    default:
        return (char *)n;
    }
}

enum fault schema_keyword_read(const struct schema_at *at, struct schema_node *node, const char *name,
                               const json_t *value)
{
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        const struct keyword *k = &keywords[i];
        if (!strcmp(k->name, name)) {
            return k->read(at, value, family_of(node, k->family) + k->offset);
        }
    }
    return FAULT_OK;
}

static void free_object(struct schema_object *o)
{
    map_free(&o->known);
    for (size_t i = 0; i < o->n_patterned; i++) {
        schema_pattern_free(&o->patterned[i].pattern);
    }
    free(o->patterned);
    free(o->dependencies);
    free(o);
}

void schema_keyword_free(struct schema_node **pn)
{
    struct schema_node *n = *pn;

    if (!n) {
        return;
    }
    if (n->string) {
        schema_pattern_free(&n->string->pattern);
    }
    if (n->array) {
        free(n->array->tuple.items);
    }
    if (n->object) {
        free_object(n->object);
    }
    if (n->logic) {
        free(n->logic->all.items);
        free(n->logic->any.items);
        free(n->logic->one.items);
    }
    free(n->number);
    free(n->string);
    free(n->array);
    free(n->logic);
    free(n);
    *pn = NULL;
}
