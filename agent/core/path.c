/* path.c - the plain jq expressions that need no jq: paths and JSON scalars. */
#include "core/path.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

#define STEPS_MAX 32
#define INDEX_MAX 100000

/* One step: into an object when key is set, else into an array. */
struct step {
    char *key;
    int index;
};

struct path {
    json_t *scalar; /* the whole expression is this value; NULL: a path */
    struct step *steps;
    size_t count;
};

static bool name_char(char c, bool first)
{
    return c == '_' || isalpha((unsigned char)c) || (!first && isdigit((unsigned char)c));
}

/* Takes a name off the front of *rest into *ret_key; false when there is none. */
static bool take_name(struct slice *rest, char **ret_key)
{
    size_t n = 0;

    while (n < rest->n && name_char(rest->p[n], n == 0)) {
        n++;
    }
    if (!n) {
        return false;
    }
    *ret_key = mem_textn(rest->p, n);
    rest->p += n;
    rest->n -= n;
    return true;
}

/* Takes a JSON string off the front of *rest; false for anything that jansson does not read as one, such as
 * an interpolation. */
static bool take_string(struct slice *rest, char **ret_key)
{
    json_error_t error;

    if (!rest->n || rest->p[0] != '"') {
        return false;
    }
    json_t *text = json_loadb(rest->p, rest->n, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, &error);
    if (!json_is_string(text)) {
        json_decref(text);
        return false;
    }
    *ret_key = mem_text(json_string_value(text));
    json_decref(text);
    rest->p += error.position;
    rest->n -= (size_t)error.position;
    return true;
}

/* Takes "[7]", "[-1]" or "[\"key\"]" off the front of *rest. */
static bool take_bracket(struct slice *rest, struct step *step)
{
    struct slice s = {rest->p + 1, rest->n - 1};
    bool negative = s.n && s.p[0] == '-';

    if (negative) {
        s.p++;
        s.n--;
    }
    if (negative || !take_string(&s, &step->key)) {
        const char *start = s.p;
        while (s.n && isdigit((unsigned char)s.p[0]) && step->index < INDEX_MAX) {
            step->index = step->index * 10 + (s.p[0] - '0');
            s.p++;
            s.n--;
        }
        if (s.p == start) {
            return false;
        }
        step->index = negative ? -step->index : step->index;
    }
    if (!s.n || s.p[0] != ']') {
        return false;
    }
    *rest = (struct slice){s.p + 1, s.n - 1};
    return true;
}

/* Takes the next step off the front of *rest. jq wants a dot before the very first bracket and none before
 * others. */
static bool take_step(struct slice *rest, struct step *step)
{
    if (rest->p[0] == '[') {
        return take_bracket(rest, step);
    }
    if (rest->p[0] != '.') {
        return false;
    }
    rest->p++;
    rest->n--;
    return take_name(rest, &step->key) || take_string(rest, &step->key);
}

static bool parse_steps(struct path *p, struct slice rest)
{
    if (slice_is(rest, ".")) {
        return true;
    }
    if (rest.n > 1 && rest.p[0] == '.' && rest.p[1] == '[') {
        rest.p++;
        rest.n--;
    } else if (!rest.n || rest.p[0] != '.') {
        return false;
    }
    while (rest.n) {
        if (p->count == STEPS_MAX) {
            return false;
        }
        p->steps = mem_grow(p->steps, (p->count + 1) * sizeof(*p->steps));
        p->steps[p->count] = (struct step){0};
        if (!take_step(&rest, &p->steps[p->count++])) {
            return false;
        }
    }
    return true;
}

/* Numbers beyond what a double holds are left to jq, which rounds them: what is plain must equal what jq
 * gives. */
static bool exact_in_jq(const json_t *scalar)
{
    return !json_is_integer(scalar) || (json_integer_value(scalar) < (INT64_C(1) << 53) &&
                                        json_integer_value(scalar) > -(INT64_C(1) << 53));
}

struct path *path_parse(struct slice text)
{
    struct path *p = mem_new(sizeof(*p));

    while (text.n && isspace((unsigned char)text.p[0])) {
        text.p++;
        text.n--;
    }
    while (text.n && isspace((unsigned char)text.p[text.n - 1])) {
        text.n--;
    }
    json_t *scalar = text.n ? json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL) : NULL;
    if (scalar && !json_is_object(scalar) && !json_is_array(scalar) && exact_in_jq(scalar)) {
        p->scalar = scalar;
        return p;
    }
    json_decref(scalar);
    if (!parse_steps(p, text)) {
        path_free(&p);
    }
    return p;
}

void path_free(struct path **p)
{
    if (!*p) {
        return;
    }
    json_decref((*p)->scalar);
    for (size_t i = 0; i < (*p)->count; i++) {
        free((*p)->steps[i].key);
    }
    free((*p)->steps);
    free(*p);
    *p = NULL;
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "number";
    default:
        return "boolean";
    }
}

/* One step into value; NULL is jq's null, false its error. */
static bool walk_step(const struct step *step, const json_t **value)
{
    if (!*value || json_is_null(*value)) {
        *value = NULL;
        return true;
    }
    if (step->key) {
        if (!json_is_object(*value)) {
            return false;
        }
        *value = json_object_get(*value, step->key);
        return true;
    }
    if (!json_is_array(*value)) {
        return false;
    }
    size_t n = json_array_size(*value);
    size_t index = step->index < 0 ? n - (size_t)-step->index : (size_t)step->index;
    *value = json_array_get(*value, index);
    return true;
}

enum fault path_walk(const struct path *p, const json_t *input, json_t **ret_value, struct note *note)
{
    const json_t *value = p->scalar ? p->scalar : input;

    for (size_t i = 0; i < p->count; i++) {
        const struct step *step = &p->steps[i];
        if (walk_step(step, &value)) {
            continue;
        }
        if (step->key) {
            return note_set(note, FAULT_BAD_VALUE, "Cannot index %s with \"%s\"", type_name(value),
                            step->key);
        }
        return note_set(note, FAULT_BAD_VALUE, "Cannot index %s with number", type_name(value));
    }
    *ret_value = value ? json_incref((json_t *)value) : json_null();
    return FAULT_OK;
}
