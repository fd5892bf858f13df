/* schema_build.c - the text of a schema to nodes: where each stands, and what its references mean. */
#include "wire/schema_internal.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

/* Where a node stands: references are resolved against it. */
struct place {
    char *where; /* JSON pointer from the root of the text */
    char *base;  /* URI that references inside are relative to; "" is none */
};

struct reference {
    size_t from; /* the number of its node */
    const char *text;
};

struct schema_build {
    struct schema *schema;
    struct place *places;     /* place i is that of node i */
    size_t cap_nodes;         /* of the nodes, the places and the references */
    struct map *by_where;     /* pointer -> node */
    struct map *by_uri;       /* $id -> node */
    struct reference *wanted; /* one of a node at most */
    size_t n_wanted;
    struct note *note;
};

/* ---- faults ---- */

enum fault schema_build_fail(const struct schema_at *at, const char *format, ...)
{
    char text[256], field[128];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    schema_dotted("", at->where, field, sizeof(field));
    note_field(at->build->note, field);
    return note_set(at->build->note, FAULT_BAD_VALUE, "the schema at #%s %s", at->where, text);
}

/* ---- nodes and places ---- */

/* The number of a node is kept one higher in the maps, where NULL is "not there". */
static void *as_pointer(size_t i)
{
    return (void *)(uintptr_t)(i + 1);
}

static bool look_up(const struct map *m, const char *key, size_t *ret_i)
{
    uintptr_t found = (uintptr_t)map_find(m, key);

    *ret_i = (size_t)found - 1;
    return found != 0;
}

static size_t add_node(struct schema_build *b, const json_t *text, const struct schema_at *at)
{
    struct schema *s = b->schema;
    size_t i = s->n_nodes;

    if (i >= b->cap_nodes) {
        b->cap_nodes = i ? i * 2 : 16;
        s->nodes = mem_grow(s->nodes, b->cap_nodes * sizeof(struct schema_node *));
        b->places = mem_grow(b->places, b->cap_nodes * sizeof(*b->places));
        b->wanted = mem_grow(b->wanted, b->cap_nodes * sizeof(*b->wanted));
    }
    s->nodes[i] = mem_new(sizeof(*s->nodes[i]));
    s->nodes[i]->text = text;
    s->nodes[i]->types = SCHEMA_ANY;
    b->places[i] = (struct place){mem_text(at->where), mem_text(at->base)};
    s->n_nodes++;
    map_put(b->by_where, at->where, as_pointer(i));
    return i;
}

/* $id: a URI that begins a new base, or "#name", which only names the node. */
static enum fault take_id(struct schema_build *b, size_t i, const struct schema_at *at, const json_t *id)
{
    if (!json_is_string(id)) {
        return schema_build_fail(at, "has a $id that is no string");
    }
    AUTO(auto_free) char *uri = schema_ref_join(at->base, json_string_value(id));
    size_t n = strlen(uri);
    if (n && uri[n - 1] == '#') {
        uri[n - 1] = '\0';
    }
    map_put(b->by_uri, uri, as_pointer(i));
    if (!strchr(uri, '#')) {
        free(b->places[i].base);
        b->places[i].base = mem_text(uri);
    }
    return FAULT_OK;
}

static enum fault take_ref(struct schema_build *b, size_t i, const struct schema_at *at, const json_t *ref)
{
    if (!json_is_string(ref)) {
        return schema_build_fail(at, "has a $ref that is no string");
    }
    b->wanted[b->n_wanted++] = (struct reference){i, json_string_value(ref)};
    return FAULT_OK;
}

static enum fault read_keywords(struct schema_build *b, size_t i, const struct schema_at *at)
{
    json_t *text = (json_t *)b->schema->nodes[i]->text;
    bool is_ref = json_object_get(text, "$ref") != NULL;
    enum fault fault = FAULT_OK;
    const char *name;
    json_t *value;

    json_object_foreach(text, name, value)
    {
        /* Beside $ref everything is ignored, but others may refer to what is defined there. */
        if (fault || (is_ref && strcmp(name, "definitions") != 0)) {
            continue;
        }
        AUTO(auto_free) char *where = schema_ref_push(at->where, name);
        struct schema_at keyword = {b, where, b->places[i].base, at->depth};
        fault = schema_keyword_read(&keyword, b->schema->nodes[i], name, value);
    }
    return fault;
}

static enum fault build_node(const struct schema_at *at, const json_t *text, size_t *ret_i)
{
    struct schema_build *b = at->build;
    const json_t *id = json_object_get(text, "$id");
    const json_t *ref = json_object_get(text, "$ref");
    enum fault fault = FAULT_OK;

    if (!json_is_object(text) && !json_is_boolean(text)) {
        return schema_build_fail(at, "must be an object, true or false");
    }
    if (at->depth > LIMIT_SCHEMA_DEPTH || b->schema->n_nodes == LIMIT_SCHEMA_NODES) {
        return schema_build_fail(at, "is nested too deep or has too many parts");
    }
    size_t i = add_node(b, text, at);
    *ret_i = i;
    b->schema->nodes[i]->never = json_is_false(text);
    if (ref) {
        fault = take_ref(b, i, at, ref);
    } else if (id) {
        fault = take_id(b, i, at, id);
    }
    return fault ? fault : read_keywords(b, i, at);
}

enum fault schema_build_child(const struct schema_at *at, const char *key, const json_t *text,
                              struct schema_node **ret_node)
{
    AUTO(auto_free) char *where = key ? schema_ref_push(at->where, key) : mem_text(at->where);
    struct schema_at child = {at->build, where, at->base, at->depth + 1};
    size_t i = 0;
    enum fault fault = build_node(&child, text, &i);

    *ret_node = fault ? NULL : at->build->schema->nodes[i];
    return fault;
}

/* ---- references ---- */

/* The node at pointer below root, which is compiled now when it stands where no keyword is. */
static enum fault find_pointer(const struct schema_at *at, size_t root, const char *pointer, size_t *ret_i)
{
    struct schema_build *b = at->build;
    AUTO(auto_free) char *where = mem_printf("%s%s", b->places[root].where, pointer);

    if (look_up(b->by_where, where, ret_i)) {
        return FAULT_OK;
    }
    const json_t *text = schema_ref_walk((json_t *)b->schema->nodes[root]->text, pointer);
    if (!text) {
        return schema_build_fail(at, "refers to #%.100s, and nothing is there", where);
    }
    struct schema_at there = {b, where, b->places[root].base, 0};
    return build_node(&there, text, ret_i);
}

static enum fault resolve(struct schema_build *b, const struct reference *r)
{
    const struct place *from = &b->places[r->from];
    struct schema_at at = {b, from->where, from->base, 0};
    AUTO(auto_free) char *uri = schema_ref_join(from->base, r->text);
    AUTO(auto_free) char *whole = mem_text(uri);
    AUTO(auto_free) char *fragment = schema_ref_fragment(uri);
    enum fault fault = FAULT_OK;
    size_t i = 0;

    if (*fragment && *fragment != '/') {
        if (!look_up(b->by_uri, whole, &i)) {
            return schema_build_fail(&at, "refers to %.100s, and nothing has that $id", whole);
        }
    } else if (*uri && !look_up(b->by_uri, uri, &i)) {
        return schema_build_fail(&at, "refers to %.100s, which is not inside this schema", whole);
    } else if (*fragment) {
        fault = find_pointer(&at, i, fragment, &i);
    }
    if (!fault) {
        b->schema->nodes[r->from]->target = b->schema->nodes[i];
    }
    return fault;
}

/* A reference that leads only to references says nothing about any value. */
static enum fault check_circle(struct schema_build *b, const struct reference *r)
{
    const struct schema_node *n = b->schema->nodes[r->from];
    struct schema_at at = {b, b->places[r->from].where, "", 0};

    for (int hops = 0; n->target; hops++) {
        if (hops == LIMIT_SCHEMA_DEPTH) {
            return schema_build_fail(&at, "refers to itself");
        }
        n = n->target;
    }
    return FAULT_OK;
}

enum fault schema_build_nodes(struct schema *s, struct note *note)
{
    struct schema_build b = {.schema = s, .note = note};
    struct schema_at at = {&b, "", "", 0};
    size_t i = 0;

    b.by_where = map_new(LIMIT_SCHEMA_NODES);
    b.by_uri = map_new(LIMIT_SCHEMA_NODES);
    enum fault fault = build_node(&at, s->text, &i);
    /* Resolving may find more of them. */
    for (i = 0; i < b.n_wanted && !fault; i++) {
        struct reference r = b.wanted[i];
        fault = resolve(&b, &r);
    }
    for (i = 0; i < b.n_wanted && !fault; i++) {
        fault = check_circle(&b, &b.wanted[i]);
    }
    for (i = 0; i < s->n_nodes; i++) {
        free(b.places[i].where);
        free(b.places[i].base);
    }
    free(b.places);
    free(b.wanted);
    map_free(&b.by_where);
    map_free(&b.by_uri);
    return fault;
}
