/* sim_check.c - is a request's body what the vendor takes? */
#include "sim_check.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/mem.h"

struct check {
    const char *name;
    const json_t *rule;
    const json_t *value;
    bool form;
    struct sim_complaint *complaint;
};

static bool check_fail(const struct check *c, const char *reason, const char *text)
{
    c->complaint->reason = reason;
    snprintf(c->complaint->param, sizeof(c->complaint->param), "%s", c->name);
    snprintf(c->complaint->message, sizeof(c->complaint->message), "%s: '%s'.", text, c->name);
    return false;
}

/* A text of a form that spells a number. */
static bool check_spells(const struct check *c)
{
    const char *text = c->form ? json_string_value(c->value) : NULL;
    char *end;

    return text && *text && (strtod(text, &end), *end == '\0');
}

static double check_number(const json_t *value)
{
    return json_is_string(value) ? strtod(json_string_value(value), NULL) : json_number_value(value);
}

static bool check_kind(const struct check *c, const char *kind)
{
    const json_t *v = c->value;
    const char *text = json_string_value(v);

    if (!strcmp(kind, "text")) {
        return text != NULL;
    }
    if (!strcmp(kind, "integer")) {
        return json_is_integer(v) || (check_spells(c) && !strpbrk(text, ".eE"));
    }
    if (!strcmp(kind, "number")) {
        return json_is_number(v) || check_spells(c);
    }
    if (!strcmp(kind, "boolean")) {
        return json_is_boolean(v) || (c->form && text && (!strcmp(text, "true") || !strcmp(text, "false")));
    }
    if (!strcmp(kind, "file")) {
        return json_object_get(v, "file") != NULL;
    }
    return !strcmp(kind, "list") ? json_is_array(v) : json_is_object(v);
}

static bool check_type(const struct check *c)
{
    const json_t *is = json_object_get(c->rule, "is");
    size_t i;
    json_t *one;

    if (!is) {
        return true;
    }
    if (json_is_string(is)) {
        return check_kind(c, json_string_value(is)) || check_fail(c, "type", "Invalid type for parameter");
    }
    json_array_foreach((json_t *)is, i, one)
    {
        if (json_is_string(one) && check_kind(c, json_string_value(one))) {
            return true;
        }
    }
    return check_fail(c, "type", "Invalid type for parameter");
}

/* UTF-8 code points. */
static double check_chars(const char *text)
{
    double n = 0;

    for (; *text; text++) {
        n += (*text & 0xc0) != 0x80;
    }
    return n;
}

static bool check_range(const struct check *c)
{
    const json_t *least = json_object_get(c->rule, "least"), *most = json_object_get(c->rule, "most");
    const char *is = json_string_value(json_object_get(c->rule, "is"));
    const char *text = json_string_value(c->value);
    bool counts = is && (!strcmp(is, "integer") || !strcmp(is, "number"));
    double n = counts ? check_number(c->value) : text ? check_chars(text) : (double)json_array_size(c->value);

    if ((least && n < json_number_value(least)) || (most && n > json_number_value(most))) {
        return check_fail(c, "range",
                          counts ? "Value out of range for parameter" : "Wrong length of parameter");
    }
    return true;
}

static bool check_like(const struct check *c)
{
    const json_t *like = json_object_get(c->rule, "like");
    const char *text = json_string_value(c->value);
    size_t i;
    json_t *one;

    if (!like || !text) {
        return true;
    }
    if (json_is_string(like)) {
        return !fnmatch(json_string_value(like), text, 0) ||
               check_fail(c, "choice", "Invalid value for parameter");
    }
    json_array_foreach((json_t *)like, i, one)
    {
        if (json_is_string(one) && !fnmatch(json_string_value(one), text, 0)) {
            return true;
        }
    }
    return check_fail(c, "choice", "Invalid value for parameter");
}

static bool check_choice(const struct check *c)
{
    const json_t *one_of = json_object_get(c->rule, "one_of");
    size_t i;
    json_t *one;

    if (!one_of) {
        return true;
    }
    json_array_foreach((json_t *)one_of, i, one)
    {
        if (json_equal(one, c->value)) {
            return true;
        }
    }
    return check_fail(c, "choice", "Invalid value for parameter");
}

static bool check_map(const struct check *c, const json_t *fields, bool others_refused);

static bool check_value(const struct check *c)
{
    const json_t *fields = json_object_get(c->rule, "fields"), *items = json_object_get(c->rule, "items");
    size_t i;
    json_t *one;

    if (!check_type(c) || !check_range(c) || !check_choice(c) || !check_like(c)) {
        return false;
    }
    if (fields && json_is_object(c->value)) {
        struct check map = *c;
        map.form = false;
        return check_map(&map, fields, json_object_get(c->rule, "others") != NULL);
    }
    json_array_foreach((json_t *)(items ? c->value : NULL), i, one)
    {
        AUTO(auto_free) char *name = mem_printf("%s[%zu]", c->name, i);
        struct check item = {name, items, one, c->form, c->complaint};
        if (!check_value(&item)) {
            return false;
        }
    }
    return true;
}

/* Nothing comes behind name in the form. */
static bool check_last(const json_t *body, const char *name)
{
    void *at = json_object_iter_at((json_t *)body, name);

    return !at || !json_object_iter_next((json_t *)body, at);
}

static bool check_member(const struct check *c, const json_t *body, const char *name)
{
    if (!c->value || json_is_null(c->value)) {
        return !json_is_true(json_object_get(c->rule, "need")) ||
               check_fail(c, "missing", "Missing required parameter");
    }
    if (json_object_get(c->rule, "last") && !check_last(body, name)) {
        return check_fail(c, "range", "Nothing may come behind parameter");
    }
    return check_value(c);
}

/* c->value is the map. Names of members are told with the names of the maps around them. */
static bool check_map(const struct check *c, const json_t *fields, bool others_refused)
{
    const char *name, *dot = *c->name ? "." : "";
    json_t *rule, *value;

    json_object_foreach((json_t *)fields, name, rule)
    {
        AUTO(auto_free) char *whole = mem_printf("%s%s%s", c->name, dot, name);
        struct check one = {whole, rule, json_object_get(c->value, name), c->form, c->complaint};
        if (!check_member(&one, c->value, name)) {
            return false;
        }
    }
    json_object_foreach((json_t *)c->value, name, value)
    {
        if (others_refused && !json_object_get(fields, name)) {
            AUTO(auto_free) char *whole = mem_printf("%s%s%s", c->name, dot, name);
            struct check one = {whole, NULL, value, c->form, c->complaint};
            return check_fail(&one, "unknown", "Unknown parameter");
        }
    }
    return true;
}

bool sim_check_fields(const json_t *fields, const json_t *body, bool form, bool others_refused,
                      struct sim_complaint *ret)
{
    struct check whole = {"", NULL, body, form, ret};

    return check_map(&whole, fields, others_refused);
}

/* ---- rules ---- */

static bool rule_kind(const json_t *kind)
{
    static const char *const kinds[] = {"text", "integer", "number", "boolean", "list", "map", "file"};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (json_is_string(kind) && !strcmp(json_string_value(kind), kinds[i])) {
            return true;
        }
    }
    return false;
}

static bool rule_kinds(const json_t *is)
{
    size_t i;
    json_t *one;

    if (!json_is_array(is)) {
        return rule_kind(is);
    }
    json_array_foreach((json_t *)is, i, one)
    {
        if (!rule_kind(one)) {
            return false;
        }
    }
    return true;
}

/* Is the word of a rule known, and its value of the type that it needs? */
static bool rule_word(const char *word, const json_t *value)
{
    static const struct {
        const char *word;
        json_type types[2];
    } words[] = {
        {"need", {JSON_TRUE, JSON_FALSE}},      {"last", {JSON_TRUE, JSON_TRUE}},
        {"least", {JSON_INTEGER, JSON_REAL}},   {"most", {JSON_INTEGER, JSON_REAL}},
        {"one_of", {JSON_ARRAY, JSON_ARRAY}},   {"like", {JSON_STRING, JSON_ARRAY}},
        {"fields", {JSON_OBJECT, JSON_OBJECT}}, {"items", {JSON_OBJECT, JSON_OBJECT}},
        {"others", {JSON_STRING, JSON_STRING}},
    };

    if (!strcmp(word, "is")) {
        return rule_kinds(value);
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!strcmp(word, words[i].word)) {
            return json_typeof(value) == words[i].types[0] || json_typeof(value) == words[i].types[1];
        }
    }
    return false;
}

bool sim_check_rule(const json_t *rule, const char **ret_key)
{
    const char *word, *name;
    json_t *value, *member;

    *ret_key = "rule";
    if (!json_is_object(rule)) {
        return false;
    }
    json_object_foreach((json_t *)rule, word, value)
    {
        if (!rule_word(word, value) || (!strcmp(word, "items") && !sim_check_rule(value, ret_key))) {
            *ret_key = word;
            return false;
        }
        json_object_foreach(!strcmp(word, "fields") ? value : NULL, name, member)
        {
            if (!sim_check_rule(member, ret_key)) {
                return false;
            }
        }
    }
    return true;
}
