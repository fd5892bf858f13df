/* yaml.c - YAML 1.2 (core schema) to values. */
#include "wire/yaml_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/limits.h"
#include "base/mem.h"

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the one under the cursor; zeroed when there is none */
    struct slice text;
    struct yaml_marks *marks; /* NULL: nobody asked */
    json_t *anchors;          /* name -> the value as it was when the anchor ended */
    size_t nodes;
    size_t alias_bytes;
    size_t depth;
    struct note *note;
};

static enum fault read_value(struct reader *r, size_t mark, json_t **ret_value);

/* ---- faults ---- */

static enum fault fail_at(struct reader *r, size_t line, size_t column, const char *text)
{
    char field[48];

    snprintf(field, sizeof(field), "%zu:%zu", line, column);
    note_field(r->note, field);
    return note_set(r->note, FAULT_BAD_VALUE, "line %zu, column %zu: %s", line, column, text);
}

/* As fail_at, at the start of the event under the cursor. */
static enum fault fail(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static enum fault fail(struct reader *r, const char *format, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    return fail_at(r, r->event.start_mark.line + 1, r->event.start_mark.column + 1, text);
}

/* The reader of libyaml gives a byte offset only. */
static enum fault fail_bytes(struct reader *r)
{
    size_t line = 1, column = 1;
    size_t end = r->parser.problem_offset < r->text.n ? r->parser.problem_offset : r->text.n;

    for (size_t i = 0; i < end; i++) {
        unsigned char c = (unsigned char)r->text.p[i];
        if (c == '\n') {
            line++;
            column = 1;
        } else if ((c & 0xc0) != 0x80) {
            column++;
        }
    }
    return fail_at(r, line, column, r->parser.problem ? r->parser.problem : "this is not UTF-8 text");
}

/* The line (from 0) is indented with a tab: the most common cause of an error that never says so. */
static bool has_tab(const struct reader *r, size_t line)
{
    struct slice rest = r->text;
    struct slice one = {NULL, 0};

    for (size_t i = 0; i <= line; i++) {
        if (!slice_cut(&rest, '\n', &one)) {
            return false;
        }
    }
    size_t i = 0;
    while (i < one.n && one.p[i] == ' ') {
        i++;
    }
    return i < one.n && one.p[i] == '\t';
}

static enum fault fail_parser(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    char text[256];

    if (p->error == YAML_READER_ERROR) {
        return fail_bytes(r);
    }
    if (has_tab(r, p->problem_mark.line)) {
        snprintf(text, sizeof(text), "a tab cannot indent; use spaces");
    } else {
        snprintf(text, sizeof(text), "%s%s%s", p->problem ? p->problem : "not YAML", p->context ? ", " : "",
                 p->context ? p->context : "");
    }
    return fail_at(r, p->problem_mark.line + 1, p->problem_mark.column + 1, text);
}

/* ---- the parts of a document ---- */

/* Moves the cursor to the next event. */
static enum fault next_event(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (!yaml_parser_parse(&r->parser, &r->event)) {
        return fail_parser(r);
    }
    return FAULT_OK;
}

static enum fault too_deep(struct reader *r)
{
    return fail(r, "nested deeper than %d levels", LIMIT_YAML_DEPTH);
}

static enum fault count_node(struct reader *r)
{
    if (++r->nodes > LIMIT_YAML_NODES) {
        return fail(r, "more than %d values", LIMIT_YAML_NODES);
    }
    return FAULT_OK;
}

static struct slice scalar_text(const yaml_event_t *e)
{
    return (struct slice){(const char *)e->data.scalar.value, e->data.scalar.length};
}

/* What tag (NULL: none) makes of a scalar: 's' text, 'p' by its look, 0 a tag that nobody knows. */
static char scalar_rule(const yaml_event_t *e)
{
    static const char prefix[] = "tag:yaml.org,2002:";
    const char *tag = (const char *)e->data.scalar.tag;

    if (!tag) {
        return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? 'p' : 's';
    }
    if (!strcmp(tag, "!")) {
        return 's';
    }
    if (strncmp(tag, prefix, sizeof(prefix) - 1) != 0) {
        return 0;
    }
    return strcmp(tag + sizeof(prefix) - 1, "str") ? 0 : 's';
}

static enum fault read_scalar(struct reader *r, json_t **ret_value)
{
    const char *why = NULL;
    char rule = scalar_rule(&r->event);

    if (!rule) {
        return fail(r, "the tag %.80s is not known; only !!str is", (const char *)r->event.data.scalar.tag);
    }
    struct slice text = scalar_text(&r->event);
    *ret_value = rule == 'p' ? yaml_scalar_plain(text, &why) : yaml_scalar_text(text, &why);
    return *ret_value ? FAULT_OK : fail(r, "%s", why ? why : "out of memory");
}

/* ---- anchors and aliases ---- */

/* Pays for a copy of value at depth: in nodes, in bytes of text, in levels. */
static enum fault charge(struct reader *r, json_t *value, size_t depth)
{
    enum fault fault = depth > LIMIT_YAML_DEPTH ? too_deep(r) : count_node(r);
    const char *key;
    json_t *part;
    size_t i;

    r->alias_bytes += json_string_length(value);
    if (!fault && r->alias_bytes > LIMIT_YAML_ALIAS_BYTES) {
        return fail(r, "aliases repeat more than %u bytes of text", LIMIT_YAML_ALIAS_BYTES);
    }
    json_array_foreach(value, i, part)
    {
        fault = fault ? fault : charge(r, part, depth + 1);
    }
    json_object_foreach(value, key, part)
    {
        r->alias_bytes += strlen(key);
        fault = fault ? fault : charge(r, part, depth + 1);
    }
    return fault;
}

/* The value that an alias names is copied, so that no two places share one and nobody multiplies by sharing.
 */
static enum fault read_alias(struct reader *r, json_t **ret_value)
{
    const char *name = (const char *)r->event.data.alias.anchor;
    json_t *value = json_object_get(r->anchors, name);

    if (!value) {
        return fail(r, "the alias *%.80s has no finished anchor before it", name);
    }
    enum fault fault = charge(r, value, r->depth);
    if (fault) {
        return fault;
    }
    *ret_value = json_deep_copy(value);
    return *ret_value ? FAULT_OK : fail(r, "out of memory");
}

/* The anchor of the event under the cursor, or NULL. The caller frees it. */
static char *anchor_of(const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return mem_text((const char *)e->data.scalar.anchor);
    case YAML_SEQUENCE_START_EVENT:
        return mem_text((const char *)e->data.sequence_start.anchor);
    case YAML_MAPPING_START_EVENT:
        return mem_text((const char *)e->data.mapping_start.anchor);
    default:
        return NULL;
    }
}

/* ---- values ---- */

/* A list or mapping may carry no tag but its own. */
static enum fault check_tag(struct reader *r, const yaml_char_t *tag, const char *own)
{
    if (tag && strcmp((const char *)tag, own) != 0) {
        return fail(r, "the tag %.80s is not known; only !!str is", (const char *)tag);
    }
    return FAULT_OK;
}

/* A value inside a list or mapping, with its mark. */
static enum fault read_child(struct reader *r, size_t parent, const char *key, yaml_mark_t at,
                             json_t **ret_value)
{
    size_t mark = yaml_marks_add(r->marks, parent, key, at.line + 1, at.column + 1);

    return read_value(r, mark, ret_value);
}

static enum fault read_list(struct reader *r, size_t mark, json_t **ret_value)
{
    enum fault fault = check_tag(r, r->event.data.sequence_start.tag, YAML_SEQ_TAG);
    json_auto_t *list = json_array();

    while (!fault && !(fault = next_event(r)) && r->event.type != YAML_SEQUENCE_END_EVENT) {
        json_t *item = NULL;
        fault = read_child(r, mark, NULL, r->event.start_mark, &item);
        json_array_append_new(list, item);
    }
    *ret_value = fault ? NULL : json_incref(list);
    return fault;
}

/* The key under the cursor into *ret_key, which the caller frees. */
static enum fault read_key(struct reader *r, const json_t *mapping, char **ret_key)
{
    if (r->event.type != YAML_SCALAR_EVENT) {
        return fail(r, "a key must be plain text");
    }
    struct slice text = scalar_text(&r->event);
    if (slice_is(text, "<<") && r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        return fail(r, "merge keys (<<) are not supported; write the fields out");
    }
    json_auto_t *key = NULL;
    enum fault fault = read_scalar(r, &key);
    if (fault) {
        return fault;
    }
    if (!json_is_string(key)) {
        return fail(r, "a key must be text; write \"%.*s\"", text.n < 40 ? (int)text.n : 40, text.p);
    }
    if (json_object_get(mapping, json_string_value(key))) {
        return fail(r, "the key \"%.80s\" is there twice", json_string_value(key));
    }
    *ret_key = mem_text(json_string_value(key));
    return FAULT_OK;
}

/* One key with its value; the cursor is on the key. */
static enum fault read_member(struct reader *r, size_t mark, json_t *mapping)
{
    AUTO(auto_free) char *key = NULL;
    yaml_mark_t at = r->event.start_mark;
    json_t *value = NULL;
    enum fault fault = read_key(r, mapping, &key);

    if (fault || (fault = next_event(r)) || (fault = read_child(r, mark, key, at, &value))) {
        return fault;
    }
    return json_object_set_new(mapping, key, value) ? fail(r, "out of memory") : FAULT_OK;
}

static enum fault read_mapping(struct reader *r, size_t mark, json_t **ret_value)
{
    enum fault fault = check_tag(r, r->event.data.mapping_start.tag, YAML_MAP_TAG);
    json_auto_t *mapping = json_object();

    while (!fault && !(fault = next_event(r)) && r->event.type != YAML_MAPPING_END_EVENT) {
        fault = read_member(r, mark, mapping);
    }
    *ret_value = fault ? NULL : json_incref(mapping);
    return fault;
}

static enum fault read_event(struct reader *r, size_t mark, json_t **ret_value)
{
    switch (r->event.type) {
    case YAML_ALIAS_EVENT:
        return read_alias(r, ret_value);
    case YAML_SCALAR_EVENT:
        return read_scalar(r, ret_value);
    case YAML_SEQUENCE_START_EVENT:
        return read_list(r, mark, ret_value);
    default:
        return read_mapping(r, mark, ret_value);
    }
}

/* The value whose first event is under the cursor; the cursor ends on its last. */
static enum fault read_value(struct reader *r, size_t mark, json_t **ret_value)
{
    AUTO(auto_free) char *anchor = anchor_of(&r->event);
    enum fault fault = r->depth == LIMIT_YAML_DEPTH ? too_deep(r) : FAULT_OK;

    if (!fault && r->event.type != YAML_ALIAS_EVENT) {
        fault = count_node(r);
    }
    if (fault) {
        return fault;
    }
    r->depth++;
    fault = read_event(r, mark, ret_value);
    r->depth--;
    /* Stored only now, so that a value can never hold itself. */
    if (!fault && anchor && json_object_set(r->anchors, anchor, *ret_value)) {
        return fail(r, "the anchor &%.80s is not UTF-8 text", anchor);
    }
    return fault;
}

/* ---- the document ---- */

static enum fault read_document(struct reader *r, json_t **ret_value)
{
    enum fault fault = next_event(r); /* the start of the stream */

    if (fault || (fault = next_event(r))) {
        return fault;
    }
    if (r->event.type == YAML_STREAM_END_EVENT) {
        yaml_marks_add(r->marks, 0, NULL, 1, 1);
        *ret_value = json_null();
        return FAULT_OK;
    }
    if ((fault = next_event(r))) {
        return fault;
    }
    yaml_mark_t at = r->event.start_mark;
    if ((fault = read_child(r, 0, NULL, at, ret_value)) || (fault = next_event(r)) ||
        (fault = next_event(r))) {
        return fault;
    }
    return r->event.type == YAML_STREAM_END_EVENT ? FAULT_OK : fail(r, "a second document; one is allowed");
}

enum fault yaml_read(struct slice text, json_t **ret_value, struct yaml_marks **ret_marks, struct note *note)
{
    struct reader r = {.text = text, .note = note};
    AUTO(yaml_marks_free) struct yaml_marks *marks = ret_marks ? yaml_marks_new() : NULL;
    json_t *value = NULL;

    *ret_value = NULL;
    if (text.n > LIMIT_FILE_BYTES) {
        return note_set(note, FAULT_BAD_VALUE, "the file is larger than %u bytes", LIMIT_FILE_BYTES);
    }
    if (!yaml_parser_initialize(&r.parser)) {
        return note_set(note, FAULT_INTERNAL, "out of memory");
    }
    r.marks = marks;
    r.anchors = json_object();
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.n ? text.p : ""), text.n);
    enum fault fault = read_document(&r, &value);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    json_decref(r.anchors);
    if (fault) {
        json_decref(value);
        return fault;
    }
    *ret_value = value;
    if (ret_marks) {
        *ret_marks = marks;
        marks = NULL;
    }
    return FAULT_OK;
}
