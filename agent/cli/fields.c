/* fields.c - words of the command line as JSON, typed by the schemas of the inputs. */
#include "cli/fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/config.h"
#include "base/mem.h"
#include "base/slice.h"
#include "wire/schemas.h"

/* What the schemas of all kinds together say about a field. */
enum type { UNKNOWN = 0, TEXT = 1, NUMBER = 2, BOOLEAN = 4, LIST = 8, OBJECT = 16 };

static unsigned type_named(const char *name)
{
    static const struct {
        const char *name;
        unsigned type;
    } rows[] = {{"string", TEXT},     {"integer", NUMBER}, {"number", NUMBER},
                {"boolean", BOOLEAN}, {"array", LIST},     {"object", OBJECT}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!strcmp(rows[i].name, name)) {
            return rows[i].type;
        }
    }
    return UNKNOWN;
}

/* The types of one property. What has no type is an enumeration or a medium: a text on a command line. */
static unsigned property_types(const json_t *property)
{
    const json_t *type = json_object_get(property, "type");
    unsigned types = UNKNOWN;
    size_t i;
    json_t *item;

    if (!property) {
        return UNKNOWN;
    }
    json_array_foreach(type, i, item)
    {
        types |= type_named(json_string_value(item));
    }
    return json_is_string(type) ? type_named(json_string_value(type)) : types ? types : TEXT;
}

static unsigned field_types(const char *key)
{
    unsigned types = UNKNOWN;
    const char *name;

    for (size_t i = 0; (name = schemas_name(i)) != NULL; i++) {
        if (!strncmp(name, "input.", 6)) {
            json_t *schema = json_loads(schemas_find(name), 0, NULL);
            types |= property_types(json_object_get(json_object_get(schema, "properties"), key));
            json_decref(schema);
        }
    }
    return types;
}

/* A number or a boolean when text is one of those in types, or NULL. */
static json_t *scalar(const char *text, unsigned types)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

    if ((json_is_number(value) && (types & NUMBER)) || (json_is_boolean(value) && (types & BOOLEAN))) {
        return value;
    }
    json_decref(value);
    return NULL;
}

/* Where a value goes: the object and the member in it. Makes the objects on the way. */
static enum fault find_place(json_t *input, const char *path, json_t **ret_object, const char **ret_member,
                             struct note *note)
{
    struct slice rest = slice_of(path), part;
    size_t at = 0;

    *ret_object = input;
    while (slice_cut(&rest, '.', &part)) {
        AUTO(auto_free) char *name = mem_textn(part.p, part.n);
        if (!part.n) {
            return note_set(note, FAULT_BAD_VALUE, "\"%s\" is not the name of a field", path);
        }
        *ret_member = path + at;
        at += part.n + 1;
        if (!rest.p) {
            return FAULT_OK;
        }
        json_t *inner = json_object_get(*ret_object, name);
        if (!inner) {
            inner = json_object();
            json_object_set_new(*ret_object, name, inner);
        }
        if (!json_is_object(inner)) {
            return note_set(note, FAULT_BAD_VALUE, "%s is given as a value and with members", name);
        }
        *ret_object = inner;
    }
    return note_set(note, FAULT_BAD_VALUE, "\"%s\" is not the name of a field", path);
}

static enum fault put_text(json_t *object, const char *member, const char *text, unsigned types,
                           struct note *note)
{
    json_t *value = scalar(text, types == UNKNOWN ? NUMBER | BOOLEAN : types);

    if (!value && types == OBJECT) {
        return note_set(note, FAULT_BAD_VALUE, "%s has members: write %s.NAME=VALUE or %s:=JSON", member,
                        member, member);
    }
    value = value ? value : json_string(text);
    if (!value) {
        return note_set(note, FAULT_BAD_VALUE, "the value of %s is not UTF-8", member);
    }
    json_t *list = json_object_get(object, member);
    if (types == LIST && (!list || json_is_array(list))) {
        if (!list) {
            list = json_array();
            json_object_set_new(object, member, list);
        }
        json_array_append_new(list, value);
    } else {
        json_object_set_new(object, member, value);
    }
    return FAULT_OK;
}

static enum fault put_json(json_t *object, const char *member, const char *text, struct note *note)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &error);

    if (!value) {
        return note_set(note, FAULT_BAD_VALUE, "%s:= needs JSON: %s", member, error.text);
    }
    json_object_set_new(object, member, value);
    return FAULT_OK;
}

static enum fault put_file(json_t *object, const char *member, const char *file, unsigned types,
                           struct note *note)
{
    AUTO(auto_free) char *text = config_read_text(strcmp(file, "-") ? file : "/dev/stdin", true);

    if (!text) {
        return note_set(note, FAULT_IO, "%s cannot be read: %s", file, strerror(errno));
    }
    return put_text(object, member, text, types, note);
}

/* Cuts a word at its first "=": the path before it, the value behind it, and whether it is ":=". */
static char *cut(const char *word, const char **ret_value, bool *ret_json, struct note *note)
{
    const char *sign = strchr(word, '=');

    if (!sign || sign == word || (sign == word + 1 && *word == ':')) {
        note_set(note, FAULT_BAD_VALUE, "\"%.80s\" must be key=value, key:=json or key=@file", word);
        return NULL;
    }
    *ret_json = sign[-1] == ':';
    *ret_value = sign + 1;
    return mem_textn(word, (size_t)(sign - word) - *ret_json);
}

enum fault fields_add(json_t *input, const char *word, struct note *note)
{
    const char *value = NULL, *member = NULL;
    bool is_json = false;
    json_t *object = NULL;
    AUTO(auto_free) char *path = cut(word, &value, &is_json, note);

    if (!path) {
        return FAULT_BAD_VALUE;
    }
    enum fault fault = find_place(input, path, &object, &member, note);
    if (fault) {
        return fault;
    }
    if (is_json) {
        return put_json(object, member, value, note);
    }
    unsigned types = object == input ? field_types(member) : UNKNOWN;
    return *value == '@' ? put_file(object, member, value + 1, types, note)
                         : put_text(object, member, value, types, note);
}

enum fault fields_add_text(json_t *object, const char *word, struct note *note)
{
    const char *value = NULL;
    bool is_json = false;
    AUTO(auto_free) char *key = cut(word, &value, &is_json, note);

    if (!key) {
        return FAULT_BAD_VALUE;
    }
    if (is_json) {
        return note_set(note, FAULT_BAD_VALUE, "%s: only texts are taken here", key);
    }
    return put_text(object, key, value, TEXT, note);
}
