/* sim_check.c - is a request's body what the vendor takes? */
#include "sim_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

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

bool sim_check_fields(const json_t *fields, const json_t *body, bool form, bool others_refused,
                      struct sim_complaint *ret)
{
    const char *name;
    json_t *rule, *value;

    json_object_foreach((json_t *)fields, name, rule)
    {
        struct check c = {name, rule, json_object_get(body, name), form, ret};
        if (!c.value || json_is_null(c.value)) {
            if (json_is_true(json_object_get(rule, "need"))) {
                return check_fail(&c, "missing", "Missing required parameter");
            }
        } else if (!check_type(&c) || !check_range(&c) || !check_choice(&c)) {
            return false;
        }
    }
    json_object_foreach((json_t *)body, name, value)
    {
        if (others_refused && !json_object_get(fields, name)) {
            struct check c = {name, NULL, value, form, ret};
            return check_fail(&c, "unknown", "Unknown parameter");
        }
    }
    return true;
}
