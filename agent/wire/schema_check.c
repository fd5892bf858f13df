/* schema_check.c - holds a value against a compiled schema. */
#include "wire/schema_internal.h"

#include <string.h>

#include "base/limits.h"

typedef bool check_fn(struct schema_check *c, const struct schema_node *n, const json_t *v,
                      const struct schema_path *path);

/* Whether to look on: all was well so far, or more mistakes are worth finding. */
static bool go_on(const struct schema_check *c, bool ok)
{
    return ok || (c->mode != SCHEMA_VERDICT && c->complaints < LIMIT_SCHEMA_COMPLAINTS && c->steps);
}

/* Takes n off the budget; false when it is used up. */
static bool spend(struct schema_check *c, size_t n)
{
    c->steps = c->steps > n ? c->steps - n : 0;
    return c->steps != 0;
}

static struct slice string_slice(const json_t *string)
{
    return (struct slice){json_string_value(string), json_string_length(string)};
}

/* A pattern that takes too long ends the check: the next one would as well. */
static bool matches(struct schema_check *c, const struct schema_pattern *p, struct slice text)
{
    enum schema_match match = schema_pattern_match(c->scratch, p, text);

    if (match == SCHEMA_MATCH_TOO_HARD) {
        c->steps = 0;
    }
    return match == SCHEMA_MATCH_YES;
}

/* ---- any value ---- */

static bool check_type(struct schema_check *c, const struct schema_node *n, const json_t *v,
                       const struct schema_path *path)
{
    if (n->never) {
        return schema_blame(c, path, "is not allowed here");
    }
    return n->types & schema_value_type(v) || schema_blame_type(c, n->types, v, path);
}

static bool check_allowed(struct schema_check *c, const struct schema_node *n, const json_t *v,
                          const struct schema_path *path)
{
    size_t i;
    json_t *one;

    if (n->constant && !schema_value_equal(n->constant, v, &c->steps)) {
        return schema_blame_constant(c, n->constant, path);
    }
    if (!n->allowed) {
        return true;
    }
    json_array_foreach(n->allowed, i, one)
    {
        if (schema_value_equal(one, v, &c->steps)) {
            return true;
        }
    }
    return schema_blame_choice(c, n->allowed, v, path);
}

/* ---- numbers and strings ---- */

static bool check_number(struct schema_check *c, const struct schema_node *n, const json_t *v,
                         const struct schema_path *path)
{
    const struct schema_number *k = n->number;

    if (!k || !json_is_number(v)) {
        return true;
    }
    if (k->minimum && schema_value_order(v, k->minimum) < 0) {
        return schema_blame_number(c, "at least", k->minimum, v, path);
    }
    if (k->maximum && schema_value_order(v, k->maximum) > 0) {
        return schema_blame_number(c, "at most", k->maximum, v, path);
    }
    if (k->above && schema_value_order(v, k->above) <= 0) {
        return schema_blame_number(c, "more than", k->above, v, path);
    }
    if (k->below && schema_value_order(v, k->below) >= 0) {
        return schema_blame_number(c, "less than", k->below, v, path);
    }
    if (k->multiple && !schema_value_is_multiple(v, k->multiple)) {
        return schema_blame_number(c, "a multiple of", k->multiple, v, path);
    }
    return true;
}

/* what: "character", "item", "field". */
static bool check_bounds(struct schema_check *c, const struct schema_bounds *b, size_t n, const char *what,
                         const struct schema_path *path)
{
    if (n < b->min && n == 0) {
        return schema_blame(c, path, "must not be empty");
    }
    if (n < b->min) {
        return schema_blame(c, path, "must have at least %zu %s%s, has %zu", b->min, what,
                            b->min == 1 ? "" : "s", n);
    }
    if (n > b->max) {
        return schema_blame(c, path, "must have at most %zu %s%s, has %zu", b->max, what,
                            b->max == 1 ? "" : "s", n);
    }
    return true;
}

static bool check_string(struct schema_check *c, const struct schema_node *n, const json_t *v,
                         const struct schema_path *path)
{
    const struct schema_string *k = n->string;

    if (!k || !json_is_string(v)) {
        return true;
    }
    /* Long texts are read here, twice at most. */
    if (!spend(c, json_string_length(v) / 256) ||
        !check_bounds(c, &k->length, schema_value_length(v), "character", path)) {
        return false;
    }
    return !k->pattern || matches(c, k->pattern, string_slice(v)) || schema_blame_pattern(c, n, path);
}

/* ---- arrays ---- */

static bool check_unique(struct schema_check *c, const json_t *v, const struct schema_path *path)
{
    for (size_t i = 1; i < json_array_size(v); i++) {
        for (size_t j = 0; j < i; j++) {
            if (schema_value_equal(json_array_get(v, i), json_array_get(v, j), &c->steps)) {
                struct schema_path at = {path, NULL, i};
                return schema_blame(c, &at, "repeats item %zu; all must differ", j);
            }
        }
        if (!c->steps) {
            return false;
        }
    }
    return true;
}

static bool check_contains(struct schema_check *c, const struct schema_node *node, const json_t *v,
                           const struct schema_path *path)
{
    size_t i;
    json_t *item;

    json_array_foreach(v, i, item)
    {
        if (schema_check_as(c, SCHEMA_VERDICT, node, item, NULL)) {
            return true;
        }
    }
    return schema_blame(c, path, "must contain an item of the required form, and has none");
}

/* The schema of item i, or NULL. */
static const struct schema_node *item_node(const struct schema_array *k, size_t i)
{
    if (!k->is_tuple) {
        return k->each;
    }
    return i < k->tuple.n ? k->tuple.items[i] : k->more;
}

static bool check_items(struct schema_check *c, const struct schema_array *k, const json_t *v,
                        const struct schema_path *path)
{
    bool ok = true;
    size_t i;
    json_t *item;

    json_array_foreach(v, i, item)
    {
        const struct schema_node *node = item_node(k, i);
        struct schema_path at = {path, NULL, i};
        if (!spend(c, 1) || (node && !schema_check_node(c, node, item, &at))) {
            ok = false;
            if (!go_on(c, false)) {
                break;
            }
        }
    }
    return ok;
}

static bool check_array(struct schema_check *c, const struct schema_node *n, const json_t *v,
                        const struct schema_path *path)
{
    const struct schema_array *k = n->array;

    if (!k || !json_is_array(v)) {
        return true;
    }
    /* Too many items are not looked at one by one. */
    if (!check_bounds(c, &k->items, json_array_size(v), "item", path)) {
        return false;
    }
    bool ok = check_items(c, k, v, path);
    if (go_on(c, ok) && k->unique) {
        ok = check_unique(c, v, path) && ok;
    }
    if (go_on(c, ok) && k->contains) {
        ok = check_contains(c, k->contains, v, path) && ok;
    }
    return ok;
}

/* ---- objects ---- */

static bool check_name(struct schema_check *c, const struct schema_node *names, const char *name,
                       const struct schema_path *path)
{
    json_auto_t *text = json_string(name);

    return (text && schema_check_as(c, SCHEMA_VERDICT, names, text, NULL)) ||
           schema_blame(c, path, "is not a name that a field may have here");
}

static bool check_patterned(struct schema_check *c, const struct schema_object *k, const json_t *v,
                            const struct schema_path *path, bool *ret_known)
{
    bool ok = true;

    for (size_t i = 0; i < k->n_patterned && go_on(c, ok); i++) {
        if (matches(c, k->patterned[i].pattern, slice_of(path->key))) {
            *ret_known = true;
            ok = schema_check_node(c, k->patterned[i].node, v, path) && ok;
        }
    }
    return ok;
}

/* One field; path is its own. */
static bool check_field(struct schema_check *c, const struct schema_node *n, const json_t *v,
                        const struct schema_path *path)
{
    const struct schema_object *k = n->object;
    const struct schema_node *node = k->known ? map_find(k->known, path->key) : NULL;
    bool known = node != NULL;
    bool ok = !node || schema_check_node(c, node, v, path);

    if (k->n_patterned && go_on(c, ok)) {
        ok = check_patterned(c, k, v, path, &known) && ok;
    }
    if (!known && k->more) {
        ok = k->more->never ? schema_blame_field(c, n, path) : schema_check_node(c, k->more, v, path);
    }
    if (k->names && go_on(c, ok)) {
        ok = check_name(c, k->names, path->key, path) && ok;
    }
    return ok;
}

static bool check_fields(struct schema_check *c, const struct schema_node *n, const json_t *v,
                         const struct schema_path *path)
{
    bool ok = true;
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)v, key, value)
    {
        struct schema_path at = {path, key, 0};
        if (!spend(c, 1) || !check_field(c, n, value, &at)) {
            ok = false;
            if (!go_on(c, false)) {
                break;
            }
        }
    }
    return ok;
}

/* Each of names must be a field of v. because: the field that asks for them, or NULL. */
static bool check_required(struct schema_check *c, const json_t *names, const char *because, const json_t *v,
                           const struct schema_path *path)
{
    bool ok = true;
    size_t i;
    json_t *name;

    json_array_foreach(names, i, name)
    {
        struct schema_path at = {path, json_string_value(name), 0};
        if (json_object_get(v, at.key)) {
            continue;
        }
        ok = because ? schema_blame(c, &at, "is required when \"%.80s\" is given", because)
                     : schema_blame(c, &at, "is required");
        if (!go_on(c, false)) {
            break;
        }
    }
    return ok;
}

static bool check_dependencies(struct schema_check *c, const struct schema_object *k, const json_t *v,
                               const struct schema_path *path)
{
    bool ok = true;

    for (size_t i = 0; i < k->n_dependencies && go_on(c, ok); i++) {
        const struct schema_dependency *d = &k->dependencies[i];
        if (!json_object_get(v, d->name)) {
            continue;
        }
        ok = (d->node ? schema_check_node(c, d->node, v, path)
                      : check_required(c, d->names, d->name, v, path)) &&
             ok;
    }
    return ok;
}

static bool check_object(struct schema_check *c, const struct schema_node *n, const json_t *v,
                         const struct schema_path *path)
{
    const struct schema_object *k = n->object;

    if (!k || !json_is_object(v)) {
        return true;
    }
    if (!check_bounds(c, &k->fields, json_object_size(v), "field", path)) {
        return false;
    }
    bool ok = true;
    if (k->known || k->n_patterned || k->more || k->names) {
        ok = check_fields(c, n, v, path);
    }
    if (go_on(c, ok)) {
        ok = check_required(c, k->required, NULL, v, path) && ok;
    }
    if (go_on(c, ok)) {
        ok = check_dependencies(c, k, v, path) && ok;
    }
    return ok;
}

/* ---- schemas of schemas ---- */

static bool check_all(struct schema_check *c, const struct schema_list *list, const json_t *v,
                      const struct schema_path *path)
{
    bool ok = true;

    for (size_t i = 0; i < list->n && go_on(c, ok); i++) {
        ok = schema_check_node(c, list->items[i], v, path) && ok;
    }
    return ok;
}

/* How many of list fit; counts no further than enough. */
static size_t count_fitting(struct schema_check *c, const struct schema_list *list, const json_t *v,
                            size_t enough)
{
    size_t fitting = 0;

    for (size_t i = 0; i < list->n && fitting < enough; i++) {
        fitting += schema_check_as(c, SCHEMA_VERDICT, list->items[i], v, NULL);
    }
    return fitting;
}

static bool check_one(struct schema_check *c, const struct schema_list *list, const json_t *v,
                      const struct schema_path *path)
{
    switch (count_fitting(c, list, v, 2)) {
    case 0:
        return schema_branch_none(c, list, true, v, path);
    case 1:
        return true;
    default:
        return schema_branch_many(c, list, path);
    }
}

static bool check_when(struct schema_check *c, const struct schema_logic *k, const json_t *v,
                       const struct schema_path *path)
{
    if (!k->then && !k->otherwise) {
        return true;
    }
    const struct schema_node *next =
        schema_check_as(c, SCHEMA_VERDICT, k->when, v, NULL) ? k->then : k->otherwise;
    return !next || schema_check_node(c, next, v, path);
}

static bool check_logic(struct schema_check *c, const struct schema_node *n, const json_t *v,
                        const struct schema_path *path)
{
    const struct schema_logic *k = n->logic;

    if (!k) {
        return true;
    }
    bool ok = check_all(c, &k->all, v, path);
    if (go_on(c, ok) && k->any.n && !count_fitting(c, &k->any, v, 1)) {
        ok = schema_branch_none(c, &k->any, false, v, path);
    }
    if (go_on(c, ok) && k->one.n) {
        ok = check_one(c, &k->one, v, path) && ok;
    }
    if (go_on(c, ok) && k->no && schema_check_as(c, SCHEMA_VERDICT, k->no, v, NULL)) {
        ok = schema_branch_not(c, k->no, path);
    }
    if (go_on(c, ok) && k->when) {
        ok = check_when(c, k, v, path) && ok;
    }
    return ok;
}

/* ---- one schema ---- */

static bool check_families(struct schema_check *c, const struct schema_node *n, const json_t *v,
                           const struct schema_path *path)
{
    static check_fn *const families[] = {check_allowed, check_number, check_string,
                                         check_array,   check_object, check_logic};
    bool ok = true;

    /* A value of the wrong type has no other mistake worth telling. */
    if (!check_type(c, n, v, path)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]) && go_on(c, ok); i++) {
        ok = families[i](c, n, v, path) && ok;
    }
    return ok;
}

bool schema_check_node(struct schema_check *c, const struct schema_node *n, const json_t *v,
                       const struct schema_path *path)
{
    if (!spend(c, c->depth < LIMIT_SCHEMA_CHECK_DEPTH ? 1 : LIMIT_SCHEMA_STEPS)) {
        return false;
    }
    c->depth++;
    bool ok = n->target ? schema_check_node(c, n->target, v, path) : check_families(c, n, v, path);
    c->depth--;
    return ok;
}

bool schema_check_as(struct schema_check *c, enum schema_mode mode, const struct schema_node *n,
                     const json_t *v, size_t *ret_complaints)
{
    struct schema_check other = *c;

    other.mode = mode;
    other.complaints = 0;
    bool ok = schema_check_node(&other, n, v, NULL);
    c->steps = other.steps;
    if (ret_complaints) {
        *ret_complaints = other.complaints;
    }
    return ok;
}
