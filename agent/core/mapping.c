/* mapping.c - a set of jq expressions, compiled once into one program. */
#include "core/mapping.h"

#include <float.h>
#include <jq.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "core/banned.h"
#include "core/path.h"

#define EXPRESSIONS_MAX 1024
#define PROGRAM_BYTES   (4 * MIB)
#define DEPTH_MAX       256

/* An expression: plain, or one that jq runs; slot counts those. */
struct item {
    char *text;
    struct path *path;
    int slot;
};

struct mapping {
    struct item *items;
    size_t count;
    int slots;
    jq_state *jq;
};

struct mapping *mapping_new(void)
{
    return mem_new(sizeof(struct mapping));
}

void mapping_free(struct mapping **m)
{
    if (!*m) {
        return;
    }
    for (size_t i = 0; i < (*m)->count; i++) {
        free((*m)->items[i].text);
        path_free(&(*m)->items[i].path);
    }
    if ((*m)->jq) {
        jq_teardown(&(*m)->jq);
    }
    free((*m)->items);
    free(*m);
    *m = NULL;
}

/* ---- values ---- */

/* jansson's value as jq's. Numbers become doubles, which is what jq 1.6 computes with. */
static jv to_jv(const json_t *value)
{
    const char *key;
    json_t *child;
    size_t i;
    jv out;

    switch (json_typeof(value)) {
    case JSON_OBJECT:
        out = jv_object();
        json_object_foreach((json_t *)value, key, child)
        {
            out = jv_object_set(out, jv_string(key), to_jv(child));
        }
        return out;
    case JSON_ARRAY:
        out = jv_array_sized((int)json_array_size(value));
        json_array_foreach(value, i, child)
        {
            out = jv_array_append(out, to_jv(child));
        }
        return out;
    case JSON_STRING:
        return jv_string_sized(json_string_value(value), (int)json_string_length(value));
    case JSON_INTEGER:
    case JSON_REAL:
        return jv_number(json_number_value(value));
    case JSON_TRUE:
        return jv_true();
    case JSON_FALSE:
        return jv_false();
    default:
        return jv_null();
    }
}

/* jq prints a whole number below 1e17 without an exponent, so it is an integer to whoever reads it. */
static json_t *from_number(double number)
{
    if (isnan(number)) {
        return json_null();
    }
    if (isinf(number)) {
        return json_real(number > 0 ? DBL_MAX : -DBL_MAX);
    }
    return number == floor(number) && fabs(number) < 1e17 ? json_integer((json_int_t)number)
                                                          : json_real(number);
}

static json_t *from_jv(jv value, int depth);

static json_t *from_array(jv value, int depth)
{
    json_t *out = json_array();

    jv_array_foreach(value, i, item)
    {
        json_t *child = from_jv(item, depth + 1);
        if (!child || json_array_append_new(out, child)) {
            json_decref(out);
            out = NULL;
            break;
        }
    }
    jv_free(value);
    return out;
}

static json_t *from_object(jv value, int depth)
{
    json_t *out = json_object();

    jv_object_foreach(value, key, item)
    {
        json_t *child = from_jv(item, depth + 1);
        int bad = !child || json_object_set_new_nocheck(out, jv_string_value(key), child);
        jv_free(key);
        if (bad) {
            json_decref(out);
            out = NULL;
            break;
        }
    }
    jv_free(value);
    return out;
}

/* jq's value as jansson's; NULL when it is nested too deep. Consumes value. */
static json_t *from_jv(jv value, int depth)
{
    json_t *out = NULL;

    switch (depth > DEPTH_MAX ? JV_KIND_INVALID : jv_get_kind(value)) {
    case JV_KIND_OBJECT:
        return from_object(value, depth);
    case JV_KIND_ARRAY:
        return from_array(value, depth);
    case JV_KIND_STRING:
        out = json_stringn_nocheck(jv_string_value(value), (size_t)jv_string_length_bytes(jv_copy(value)));
        break;
    case JV_KIND_NUMBER:
        out = from_number(jv_number_value(value));
        break;
    case JV_KIND_NULL:
        out = json_null();
        break;
    case JV_KIND_TRUE:
        out = json_true();
        break;
    case JV_KIND_FALSE:
        out = json_false();
        break;
    default:
        break;
    }
    jv_free(value);
    return out;
}

void mapping_view_done(struct mapping_view *view)
{
    if (view->made) {
        jv_free(*(jv *)view->made);
        free(view->made);
        view->made = NULL;
    }
}

static jv view_jv(struct mapping_view *view)
{
    if (!view->made) {
        view->made = mem_new(sizeof(jv));
        *(jv *)view->made = to_jv(view->value);
    }
    return jv_copy(*(jv *)view->made);
}

/* ---- building ---- */

enum fault mapping_add(struct mapping *m, const char *text, int *ret_number, struct note *note)
{
    for (size_t i = 0; i < m->count; i++) {
        if (!strcmp(m->items[i].text, text)) {
            *ret_number = (int)i;
            return FAULT_OK;
        }
    }
    if (m->count == EXPRESSIONS_MAX || strlen(text) > LIMIT_EXPRESSION_BYTES) {
        return note_set(note, FAULT_BAD_VALUE, "an expression has at most %u bytes and a set %d expressions",
                        LIMIT_EXPRESSION_BYTES, EXPRESSIONS_MAX);
    }
    if (!text[strspn(text, " \t\r\n")]) {
        return note_set(note, FAULT_BAD_VALUE, "the expression is empty; write a path such as .body.id");
    }
    enum fault fault = banned_check(text, note);
    if (fault) {
        return fault;
    }
    struct path *path = path_parse(slice_of(text));
    m->items = mem_grow(m->items, (m->count + 1) * sizeof(*m->items));
    m->items[m->count] = (struct item){mem_text(text), path, path ? -1 : m->slots++};
    *ret_number = (int)m->count++;
    return FAULT_OK;
}

/* Branches for the slots from first up to end, as a tree: a flat chain would cost each run a comparison per
 * expression. */
static void write_tree(struct buf *out, const char *const *texts, int first, int end)
{
    if (end - first == 1) {
        buf_printf(out, "(%s\n)", texts[first]);
        return;
    }
    int middle = first + (end - first) / 2;
    buf_printf(out, "(if $sluice_slot < %d then ", middle);
    write_tree(out, texts, first, middle);
    buf_text(out, " else ");
    write_tree(out, texts, middle, end);
    buf_text(out, " end)");
}

/* Keeps jq's first message. */
static void keep_message(void *arg, jv message)
{
    struct note *note = arg;
    const char *text =
        jv_get_kind(message) == JV_KIND_STRING ? jv_string_value(message) : "it does not compile";

    if (!strncmp(text, "jq: error: ", 11)) {
        text += 11;
    }
    /* What follows is about the program that the expression was put into, and would only confuse. */
    const char *end = strstr(text, " (Unix shell quoting issues?)");
    size_t n = end ? (size_t)(end - text) : strcspn(text, "\n");
    const char *where = strstr(text, " at <top-level>");
    n = where && (size_t)(where - text) < n ? (size_t)(where - text) : n;
    (void)note_set(note, FAULT_BAD_VALUE, "%.*s", (int)n, text);
    jv_free(message);
}

/* Compiles expressions into *ret_jq; NULL and a note when they do not compile. */
static enum fault compile(const char *const *texts, int n, jq_state **ret_jq, struct note *note)
{
    struct buf program;

    buf_init(&program, PROGRAM_BYTES);
    buf_text(&program, "{} as $ENV | .[0] as $sluice_slot | .[1] | ");
    write_tree(&program, texts, 0, n);
    char *text = buf_take(&program);
    buf_done(&program);
    if (!text) {
        return note_set(note, FAULT_BAD_VALUE, "the expressions together have more than %u bytes",
                        PROGRAM_BYTES);
    }
    /* libjq loads ~/.jq, which could redefine any function. */
    unsetenv("HOME");
    jq_state *jq = jq_init();
    if (!jq) {
        free(text);
        return note_set(note, FAULT_INTERNAL, "jq does not start");
    }
    jq_set_error_cb(jq, keep_message, note);
    jq_set_attr(jq, jv_string("JQ_LIBRARY_PATH"), jv_array());
    bool good = jq_compile(jq, text);
    free(text);
    if (!good) {
        jq_teardown(&jq);
        return note_set(note, FAULT_BAD_VALUE, "it does not compile");
    }
    jq_set_error_cb(jq, NULL, NULL);
    *ret_jq = jq;
    return FAULT_OK;
}

/* The first expression that does not compile alone, or -1; its message is put into note. */
static int find_culprit(const struct mapping *m, struct note *note)
{
    for (size_t i = 0; i < m->count; i++) {
        const char *text = m->items[i].text;
        jq_state *jq = NULL;
        if (m->items[i].path) {
            continue;
        }
        if (compile(&text, 1, &jq, note)) {
            return (int)i;
        }
        jq_teardown(&jq);
    }
    return -1;
}

enum fault mapping_compile(struct mapping *m, int *ret_number, struct note *note)
{
    struct note whole = {0};

    *ret_number = -1;
    if (!m->slots || m->jq) {
        return FAULT_OK;
    }
    const char **texts = mem_new((size_t)m->slots * sizeof(*texts));
    for (size_t i = 0; i < m->count; i++) {
        if (!m->items[i].path) {
            texts[m->items[i].slot] = m->items[i].text;
        }
    }
    enum fault fault = compile(texts, m->slots, &m->jq, &whole);
    free(texts);
    if (fault) {
        *ret_number = find_culprit(m, note);
        return note_set(note, fault, "%s", whole.text);
    }
    return FAULT_OK;
}

/* ---- running ---- */

static enum fault jq_fault(jv invalid, struct note *note)
{
    jv message = jv_invalid_get_msg(invalid);
    const char *text =
        jv_get_kind(message) == JV_KIND_STRING ? jv_string_value(message) : "the expression failed";
    enum fault fault = note_set(note, FAULT_BAD_VALUE, "%s", text);

    jv_free(message);
    return fault;
}

/* Takes results into *all, or only the first into *ret_value. */
static enum fault take_results(jq_state *jq, json_t *all, json_t **ret_value, struct note *note)
{
    for (;;) {
        jv result = jq_next(jq);
        if (!jv_is_valid(result)) {
            if (jv_invalid_has_msg(jv_copy(result))) {
                return jq_fault(result, note);
            }
            jv_free(result);
            *ret_value = all ? NULL : json_null();
            return FAULT_OK;
        }
        json_t *value = from_jv(result, 0);
        if (!value || (all && json_array_size(all) == LIMIT_ELEMENTS)) {
            json_decref(value);
            return note_set(note, FAULT_BAD_VALUE, "the expression's result is too large");
        }
        if (!all) {
            *ret_value = value;
            return FAULT_OK;
        }
        json_array_append_new(all, value);
    }
}

static enum fault run_jq(jq_state *jq, jv input, bool all, json_t **ret_value, struct note *note)
{
    json_t *list = all ? json_array() : NULL;

    jq_start(jq, input, 0);
    enum fault fault = take_results(jq, list, ret_value, note);
    /* Drops what a run that was not read to its end still holds. */
    jq_start(jq, jv_null(), 0);
    if (fault || !all) {
        json_decref(list);
        return fault;
    }
    *ret_value = list;
    return FAULT_OK;
}

enum fault mapping_view_run(struct mapping *m, int number, struct mapping_view *view, bool all,
                            json_t **ret_value, struct note *note)
{
    const struct item *item = &m->items[number];

    *ret_value = NULL;
    if (!item->path) {
        if (!m->jq) {
            return note_set(note, FAULT_BAD_VALUE, "the expressions are not compiled");
        }
        jv input = jv_array_append(jv_array_append(jv_array_sized(2), jv_number(item->slot)), view_jv(view));
        return run_jq(m->jq, input, all, ret_value, note);
    }
    enum fault fault = path_walk(item->path, view->value, ret_value, note);
    if (!fault && all) {
        json_t *list = json_array();
        json_array_append_new(list, *ret_value);
        *ret_value = list;
    }
    return fault;
}

enum fault mapping_run(struct mapping *m, int number, const json_t *input, bool all, json_t **ret_value,
                       struct note *note)
{
    struct mapping_view view = {.value = input};
    enum fault fault = mapping_view_run(m, number, &view, all, ret_value, note);

    mapping_view_done(&view);
    return fault;
}

bool mapping_true(struct mapping *m, int number, const json_t *input)
{
    json_t *value = NULL;

    if (mapping_run(m, number, input, false, &value, NULL)) {
        return false;
    }
    bool truth = !json_is_null(value) && !json_is_false(value);
    json_decref(value);
    return truth;
}
