/* sim_template.c - fills the holes of JSON templates. */
#include "sim_template.h"

#include <assert.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/buf.h"

#define MAX_REPEAT 64
#define MAX_TEXT   (4u << 20)

static void template_drop(json_t **value)
{
    json_decref(*value);
    *value = NULL;
}

void sim_scope_push(struct sim_scope *scope, const json_t *object)
{
    if (object) {
        assert(scope->count < SIM_SCOPE_FRAMES);
        scope->frames[scope->count++] = object;
    }
}

/* Follows the rest of a path down from value; borrowed, or NULL. */
static json_t *scope_walk(json_t *value, struct slice rest)
{
    struct slice part;

    while (value && slice_cut(&rest, '.', &part)) {
        if (json_is_array(value)) {
            char number[16];
            snprintf(number, sizeof(number), "%.*s", (int)(part.n < 15 ? part.n : 15), part.p);
            value = json_array_get(value, strtoul(number, NULL, 10));
        } else {
            value = json_object_getn(value, part.p, part.n);
        }
    }
    return value;
}

json_t *sim_scope_find(const struct sim_scope *scope, struct slice path)
{
    struct slice rest = path, first = {"", 0};

    slice_cut(&rest, '.', &first);
    for (size_t i = scope->count; i; i--) {
        json_t *value = json_object_getn(scope->frames[i - 1], first.p, first.n);
        if (value) {
            return json_incref(scope_walk(value, rest));
        }
    }
    return scope->builtin ? scope->builtin(scope->arg, path) : NULL;
}

/* One alternative of a hole; NULL when it is not there. */
static json_t *template_term(struct slice term, const struct sim_scope *scope)
{
    char number[32];

    if (term.n >= 2 && term.p[0] == '\'' && term.p[term.n - 1] == '\'') {
        return json_stringn(term.p + 1, term.n - 2);
    }
    if (term.n && term.n < sizeof(number) && strchr("-0123456789", term.p[0])) {
        memcpy(number, term.p, term.n);
        number[term.n] = '\0';
        return strchr(number, '.') ? json_real(strtod(number, NULL))
                                   : json_integer(strtoll(number, NULL, 10));
    }
    if (slice_is(term, "true") || slice_is(term, "false")) {
        return json_boolean(term.n == 4);
    }
    return sim_scope_find(scope, term);
}

/* A whole hole without its braces; a new reference, json_null when no alternative is there. */
static json_t *template_hole(struct slice hole, const struct sim_scope *scope)
{
    struct slice term;

    while (slice_cut(&hole, '|', &term)) {
        json_t *value = template_term(term, scope);
        if (value && !json_is_null(value)) {
            return value;
        }
        json_decref(value);
    }
    return json_null();
}

static void template_add_text(struct buf *out, const json_t *value)
{
    if (json_is_string(value)) {
        buf_add(out, json_string_value(value), json_string_length(value));
    } else if (!json_is_null(value)) {
        AUTO(auto_free)
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        buf_text(out, text ? text : "");
    }
}

static json_t *template_string(const json_t *template, const struct sim_scope *scope)
{
    struct slice text = {json_string_value(template), json_string_length(template)};
    const char *open = memchr(text.p, '{', text.n);

    if (!open) {
        return json_incref((json_t *)template);
    }
    if (open == text.p && memchr(text.p, '}', text.n) == text.p + text.n - 1) {
        return template_hole((struct slice){text.p + 1, text.n - 2}, scope);
    }
    struct buf out;
    buf_init(&out, MAX_TEXT);
    while (open) {
        const char *end = text.p + text.n, *close = memchr(open, '}', (size_t)(end - open));
        if (!close) {
            break;
        }
        AUTO(template_drop)
        json_t *value = template_hole((struct slice){open + 1, (size_t)(close - open - 1)}, scope);
        buf_add(&out, text.p, (size_t)(open - text.p));
        template_add_text(&out, value);
        text = (struct slice){close + 1, (size_t)(end - close - 1)};
        open = memchr(text.p, '{', text.n);
    }
    buf_add(&out, text.p, text.n);
    json_t *value = json_stringn(out.n ? out.p : "", out.n);
    buf_done(&out);
    return value ? value : json_null();
}

static bool template_is(const json_t *a, const json_t *b)
{
    if (json_is_string(a) != json_is_string(b)) { /* a form has only texts: "2" is 2 there */
        AUTO(auto_free) char *text = json_dumps(json_is_string(a) ? b : a, JSON_ENCODE_ANY | JSON_COMPACT);
        return text && !strcmp(text, json_string_value(json_is_string(a) ? a : b));
    }
    return json_equal(a, b);
}

static json_t *template_pick(const json_t *template, struct sim_scope *scope)
{
    AUTO(template_drop) json_t *value = sim_template_value(json_object_get(template, "$pick"), scope);
    AUTO(auto_free)
    char *dump = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    const char *name = dump ? dump : json_string_value(value);
    json_t *found = name ? json_object_get(json_object_get(template, "case"), name) : NULL;

    found = found ? found : json_object_get(template, "else");
    return found ? sim_template_value(found, scope) : json_null();
}

static json_t *template_repeat(const json_t *template, struct sim_scope *scope)
{
    AUTO(template_drop) json_t *times = sim_template_value(json_object_get(template, "$repeat"), scope);
    long long n =
        json_is_string(times) ? strtoll(json_string_value(times), NULL, 10) : json_integer_value(times);
    json_t *list = json_array();

    for (long long i = 0; i < n && i < MAX_REPEAT; i++) {
        AUTO(template_drop) json_t *frame = json_pack("{s:I}", "i", (json_int_t)i);
        sim_scope_push(scope, frame);
        json_array_append_new(list, sim_template_value(json_object_get(template, "item"), scope));
        scope->count--;
    }
    return list;
}

static json_t *template_text_of(const json_t *template, struct sim_scope *scope)
{
    AUTO(template_drop) json_t *value = sim_template_value(template, scope);
    AUTO(auto_free) char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    return json_string(text ? text : "null");
}

static json_t *template_object(const json_t *template, struct sim_scope *scope)
{
    json_t *out = json_object(), *item;
    const char *key;

    json_object_foreach((json_t *)template, key, item)
    {
        json_t *value = sim_template_value(item, scope);
        size_t n = strlen(key);
        bool optional = n > 1 && key[n - 1] == '?';
        if (optional && json_is_null(value)) {
            json_decref(value);
            continue;
        }
        json_object_setn_new(out, key, optional ? n - 1 : n, value);
    }
    return out;
}

json_t *sim_template_value(const json_t *template, struct sim_scope *scope)
{
    if (json_is_string(template)) {
        return template_string(template, scope);
    }
    if (json_is_array(template)) {
        json_t *list = json_array(), *item;
        size_t i;
        json_array_foreach((json_t *)template, i, item)
        {
            json_array_append_new(list, sim_template_value(item, scope));
        }
        return list;
    }
    if (!json_is_object(template)) {
        return template ? json_incref((json_t *)template) : json_null();
    }
    if (json_object_get(template, "$pick")) {
        return template_pick(template, scope);
    }
    if (json_object_get(template, "$repeat")) {
        return template_repeat(template, scope);
    }
    if (json_object_get(template, "$json")) {
        return template_text_of(json_object_get(template, "$json"), scope);
    }
    if (json_object_get(template, "$media") && scope->media) {
        AUTO(template_drop) json_t *spec = template_object(json_object_get(template, "$media"), scope);
        return scope->media(scope->arg, spec);
    }
    return template_object(template, scope);
}

/* value is what stands in a condition: a constant, "*", null, or a list of them. */
static bool template_matches(const json_t *wanted, const json_t *value)
{
    bool there = value && !json_is_null(value);
    size_t i;
    json_t *one;

    if (json_is_array(wanted)) {
        json_array_foreach((json_t *)wanted, i, one)
        {
            if (template_matches(one, value)) {
                return true;
            }
        }
        return false;
    }
    if (json_is_null(wanted)) {
        return !there;
    }
    const char *pattern = json_string_value(wanted);
    if (pattern && strchr(pattern, '*') && (json_is_string(value) || !strcmp(pattern, "*"))) {
        return there && (!pattern[1] || !fnmatch(pattern, json_string_value(value), 0));
    }
    return there && template_is(wanted, value);
}

bool sim_template_test(const json_t *when, struct sim_scope *scope)
{
    const char *path;
    json_t *wanted;

    json_object_foreach((json_t *)when, path, wanted)
    {
        AUTO(template_drop) json_t *value = sim_scope_find(scope, slice_of(path));
        if (!template_matches(wanted, value)) {
            return false;
        }
    }
    return true;
}
