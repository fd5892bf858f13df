/* schema_branch.c - which branch of anyOf or oneOf was meant. */
#include "wire/schema_internal.h"

#include <stdint.h>

#include "base/auto.h"

/* A branch that leads through more references than this may be of any type. */
#define LEVELS 8

static const struct schema_node *behind(const struct schema_node *n)
{
    for (int i = 0; i < LEVELS && n->target; i++) {
        n = n->target;
    }
    return n;
}

/* ---- branches by type ---- */

static unsigned types_of(struct schema_check *c, const struct schema_node *n, int level);

static unsigned types_of_list(struct schema_check *c, const struct schema_list *list, int level)
{
    unsigned types = list->n ? 0 : SCHEMA_ANY;

    for (size_t i = 0; i < list->n; i++) {
        types |= types_of(c, list->items[i], level);
    }
    return types;
}

/* The types that a value of n can have. */
static unsigned types_of(struct schema_check *c, const struct schema_node *n, int level)
{
    n = behind(n);
    if (level > LEVELS || !c->steps) {
        return SCHEMA_ANY;
    }
    c->steps--;
    unsigned types = n->never ? 0 : n->types;
    if (n->constant) {
        types &= schema_value_type(n->constant);
    }
    if (n->allowed) {
        unsigned some = 0;
        for (size_t i = 0; i < json_array_size(n->allowed); i++) {
            some |= schema_value_type(json_array_get(n->allowed, i));
        }
        types &= some;
    }
    if (n->logic) {
        types &= types_of_list(c, &n->logic->any, level + 1) & types_of_list(c, &n->logic->one, level + 1);
        for (size_t i = 0; i < n->logic->all.n; i++) {
            types &= types_of(c, n->logic->all.items[i], level + 1);
        }
    }
    return types;
}

/* ---- branches that only ask for fields ---- */

/* The names when {"required": names} is all that n says, else NULL. */
static const json_t *asks_for(const struct schema_node *n)
{
    return n->object && json_object_size(n->text) == 1 ? n->object->required : NULL;
}

static void add_names(struct buf *out, const json_t *names, const char *between)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        buf_printf(out, "%s\"%.60s\"", i ? between : "", json_string_value(json_array_get(names, i)));
    }
}

/* Whether each branch only asks for one field; says so then. */
static bool blame_alternatives(struct schema_check *c, const struct schema_list *branches, const char *how,
                               const struct schema_path *path)
{
    struct buf text;
    size_t i = 0;

    buf_init(&text, 256);
    for (; i < branches->n; i++) {
        const json_t *names = asks_for(behind(branches->items[i]));
        if (json_array_size(names) != 1) {
            break;
        }
        buf_text(&text, i ? ", " : "");
        add_names(&text, names, "");
    }
    if (i == branches->n) {
        schema_blame(c, path, "must have %s of %s", how, text.n ? text.p : "its fields");
    }
    buf_done(&text);
    return i == branches->n;
}

bool schema_branch_not(struct schema_check *c, const struct schema_node *no, const struct schema_path *path)
{
    const json_t *names = asks_for(behind(no));
    struct buf text;

    if (json_array_size(names) < 2) {
        return schema_blame(c, path, "has a form that is not allowed here");
    }
    buf_init(&text, 256);
    add_names(&text, names, " and ");
    schema_blame(c, path, "must not have %s together", text.n ? text.p : "these fields");
    buf_done(&text);
    return false;
}

/* ---- branches by discriminator ---- */

enum verdict { OTHER, NEUTRAL, MEANT };

static bool is_required(const struct schema_node *n, const char *name)
{
    for (size_t i = 0; i < json_array_size(n->object->required); i++) {
        if (!strcmp(json_string_value(json_array_get(n->object->required, i)), name)) {
            return true;
        }
    }
    return false;
}

/* The values that tell branch n from others by field name: its const, or its enum when the field is required;
 * NULL: none. The caller decrefs. */
static json_t *values_of(const struct schema_node *n, const char *name)
{
    const struct schema_node *field = n->object && n->object->known ? map_find(n->object->known, name) : NULL;

    if (!field) {
        return NULL;
    }
    field = behind(field);
    if (field->constant) {
        json_t *one = json_array();
        json_array_append(one, (json_t *)field->constant);
        return one;
    }
    return field->allowed && is_required(n, name) ? json_incref((json_t *)field->allowed) : NULL;
}

static bool has(struct schema_check *c, const json_t *values, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(values); i++) {
        if (schema_value_equal(json_array_get(values, i), value, &c->steps)) {
            return true;
        }
    }
    return false;
}

/* Whether value's discriminators name branch n. *ret_field is the one that names another. */
static enum verdict discriminate(struct schema_check *c, const struct schema_node *n, const json_t *value,
                                 const char **ret_field)
{
    enum verdict verdict = NEUTRAL;
    const char *name;
    json_t *member;

    n = behind(n);
    json_object_foreach((json_t *)value, name, member)
    {
        json_auto_t *values = values_of(n, name);
        if (values && !has(c, values, member)) {
            *ret_field = name;
            return OTHER;
        }
        verdict = values ? MEANT : verdict;
    }
    return verdict;
}

/* All branches that could be meant differ from value in field: says what the field may be. */
static bool blame_discriminator(struct schema_check *c, const struct schema_list *branches, const char *field,
                                const json_t *value, const struct schema_path *path)
{
    json_auto_t *allowed = json_array();
    struct schema_path at = {path, field, 0};

    for (size_t i = 0; i < branches->n; i++) {
        json_auto_t *values = values_of(behind(branches->items[i]), field);
        json_array_extend(allowed, values);
    }
    return schema_blame_choice(c, allowed, json_object_get(value, field), &at);
}

/* ---- the best branch ---- */

struct best {
    const struct schema_node *node;
    enum verdict verdict;
    size_t complaints;
    const char *field; /* that all branches so far differ in; NULL: there is none */
};

static void weigh(struct schema_check *c, struct best *best, const struct schema_node *n, const json_t *value)
{
    const char *field = NULL;
    size_t complaints = 0;
    enum verdict verdict = discriminate(c, n, value, &field);

    if (!best->node) {
        best->field = field;
    } else if (!field || !best->field || strcmp(field, best->field) != 0) {
        best->field = NULL;
    }
    schema_check_as(c, SCHEMA_COUNT, n, value, &complaints);
    if (!best->node || verdict > best->verdict ||
        (verdict == best->verdict && complaints < best->complaints)) {
        best->node = n;
        best->verdict = verdict;
        best->complaints = complaints;
    }
}

bool schema_branch_none(struct schema_check *c, const struct schema_list *branches, bool one,
                        const json_t *value, const struct schema_path *path)
{
    struct best best = {0};

    if (c->mode != SCHEMA_TELL) {
        return schema_blame(c, path, " ");
    }
    unsigned types = types_of_list(c, branches, 0);
    if (types && !(types & schema_value_type(value))) {
        return schema_blame_type(c, types, value, path);
    }
    if (blame_alternatives(c, branches, one ? "exactly one" : "at least one", path)) {
        return false;
    }
    for (size_t i = 0; i < branches->n; i++) {
        if (types_of(c, branches->items[i], 0) & schema_value_type(value)) {
            weigh(c, &best, branches->items[i], value);
        }
    }
    if (best.field) {
        return blame_discriminator(c, branches, best.field, value, path);
    }
    return best.node ? schema_check_node(c, best.node, value, path)
                     : schema_blame(c, path, "is not allowed here");
}

bool schema_branch_many(struct schema_check *c, const struct schema_list *branches,
                        const struct schema_path *path)
{
    if (blame_alternatives(c, branches, "exactly one", path)) {
        return false;
    }
    return schema_blame(c, path, "fits more than one of the forms allowed here; one must be meant");
}
