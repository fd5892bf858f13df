/* rule.c - what an answer means: ordered rules from status, headers and body to a class. */
#include "core/rule.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

/* Statuses from low to high, both included. */
struct span {
    int low, high;
};

struct rule {
    struct span *spans;
    size_t span_count;
    json_t *codes;   /* list of texts, NULL: any */
    json_t *headers; /* {lower-case name: list of texts, or true: any value}, NULL: any */
    struct shape *when;
    int number;
    unsigned steps; /* bit per enum adapter_step, 0: all */
    enum answer_class class;
    int accepted;
    int64_t later_ms;
    bool failed, cancelled;
    char *text;
};

struct rule_list {
    struct rule *items;
    size_t count;
};

void rule_free(struct rule_list **r)
{
    if (!*r) {
        return;
    }
    for (size_t i = 0; i < (*r)->count; i++) {
        struct rule *rule = &(*r)->items[i];
        free(rule->spans);
        json_decref(rule->codes);
        json_decref(rule->headers);
        shape_free(&rule->when);
        free(rule->text);
    }
    free((*r)->items);
    free(*r);
    *r = NULL;
}

/* ---- loading; the schema has been through the file before, so that types are right ---- */

/* value as a list: itself, or a list of it alone. New reference, NULL for NULL. */
static json_t *as_list(const json_t *value)
{
    if (!value || json_is_array(value)) {
        return json_incref((json_t *)value);
    }
    json_t *list = json_array();
    json_array_append(list, (json_t *)value);
    return list;
}

/* 429, "5xx" or "500-599". */
static struct span read_span(const json_t *value)
{
    const char *text = json_string_value(value);
    char *end;

    if (!text) {
        int status = (int)json_integer_value(value);
        return (struct span){status, status};
    }
    if (strlen(text) == 3 && !strcasecmp(text + 1, "xx")) {
        int hundreds = (text[0] - '0') * 100;
        return (struct span){hundreds, hundreds + 99};
    }
    int low = (int)strtol(text, &end, 10);
    return (struct span){low, *end == '-' ? (int)strtol(end + 1, NULL, 10) : -1};
}

static void load_status(struct load *l, struct rule *rule, const json_t *value)
{
    json_t *list = as_list(value), *item;
    size_t i;

    rule->spans = mem_new((json_array_size(list) + 1) * sizeof(*rule->spans));
    json_array_foreach(list, i, item)
    {
        struct span span = read_span(item);
        if (span.low > span.high) {
            load_complain_at(l, "status", "fits no status: write 429, \"5xx\" or \"500-599\"");
        }
        rule->spans[rule->span_count++] = span;
    }
    json_decref(list);
}

static void load_header(struct rule *rule, const json_t *value)
{
    const char *name;
    json_t *want;

    if (!value) {
        return;
    }
    rule->headers = json_object();
    json_object_foreach((json_t *)value, name, want)
    {
        char *low = mem_text(name);
        for (char *c = low; *c; c++) {
            *c = (char)tolower((unsigned char)*c);
        }
        json_object_set_new(rule->headers, low, json_is_true(want) ? json_true() : as_list(want));
        free(low);
    }
}

static unsigned load_steps(const json_t *value)
{
    unsigned steps = 0;
    json_t *item;
    size_t i;

    json_array_foreach(value, i, item)
    {
        for (int step = 0; step < STEP_COUNT; step++) {
            steps |= strcmp(json_string_value(item), adapter_step_text(step)) ? 0 : 1u << step;
        }
    }
    return steps;
}

static int load_accepted(const json_t *value)
{
    const char *text = json_string_value(value);

    return !text                  ? -1
           : !strcmp(text, "no")  ? ACCEPTED_NO
           : !strcmp(text, "yes") ? ACCEPTED_YES
                                  : ACCEPTED_UNKNOWN;
}

static void read_rule(struct load *l, struct rule *rule, const json_t *value)
{
    int class = answer_class_find(json_string_value(json_object_get(value, "class")));

    rule->class = class < 0 ? CLASS_UNKNOWN : (enum answer_class) class;
    load_status(l, rule, json_object_get(value, "status"));
    load_header(rule, json_object_get(value, "header"));
    rule->codes = as_list(json_object_get(value, "code"));
    size_t before = load_enter(l, "when");
    rule->when = shape_load(l, json_object_get(value, "when"));
    load_leave(l, before);
    rule->steps = load_steps(json_object_get(value, "steps"));
    rule->accepted = load_accepted(json_object_get(value, "accepted"));
    before = load_enter(l, "later");
    rule->later_ms = load_duration(l, json_object_get(value, "later"), -1);
    load_leave(l, before);
    const char *state = json_string_value(json_object_get(value, "state"));
    rule->failed = state != NULL;
    rule->cancelled = state && !strcmp(state, "cancelled");
    rule->text = mem_text(json_string_value(json_object_get(value, "text")));
    if (!rule->span_count && !rule->codes && !rule->headers && !rule->when) {
        load_complain(l, "fits every answer, good ones too: say which with status, code, header or when");
    }
}

struct rule_list *rule_load(struct load *l, const json_t *value)
{
    json_t *item;
    size_t i;

    if (!value) {
        return NULL;
    }
    struct rule_list *r = mem_new(sizeof(*r));
    r->items = mem_new((json_array_size(value) + 1) * sizeof(*r->items));
    json_array_foreach(value, i, item)
    {
        size_t before = load_enter_index(l, i);
        r->items[r->count].number = load_rule(l, item);
        read_rule(l, &r->items[r->count++], item);
        load_leave(l, before);
    }
    return r;
}

/* ---- matching ---- */

static bool in_list(const json_t *list, const char *text, bool ignore_case)
{
    json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        char *want = shape_value_text(item);
        bool same = want && text && (ignore_case ? !strcasecmp(want, text) : !strcmp(want, text));
        free(want);
        if (same) {
            return true;
        }
    }
    return false;
}

static bool status_fits(const struct rule *rule, int status)
{
    for (size_t i = 0; i < rule->span_count; i++) {
        if (status >= rule->spans[i].low && status <= rule->spans[i].high) {
            return true;
        }
    }
    return !rule->span_count;
}

static bool headers_fit(const struct rule *rule, const json_t *headers)
{
    const char *name;
    json_t *want;

    json_object_foreach(rule->headers, name, want)
    {
        const char *value = json_string_value(json_object_get(headers, name));
        if (!value || (!json_is_true(want) && !in_list(want, value, true))) {
            return false;
        }
    }
    return true;
}

static bool fits(const struct rule *rule, const struct rule_in *in)
{
    return (!rule->steps || (rule->steps & 1u << in->step)) && status_fits(rule, in->status) &&
           (!rule->codes || in_list(rule->codes, in->code, false)) && headers_fit(rule, in->headers) &&
           (!rule->when || shape_true(rule->when, in->shapes));
}

bool rule_match(const struct rule_list *r, const struct rule_in *in, struct rule_out *ret)
{
    for (size_t i = 0; r && i < r->count; i++) {
        const struct rule *rule = &r->items[i];
        if (fits(rule, in)) {
            *ret = (struct rule_out){.class = rule->class,
                                     .accepted = rule->accepted,
                                     .later_ms = rule->later_ms,
                                     .failed = rule->failed,
                                     .cancelled = rule->cancelled,
                                     .text = rule->text,
                                     .number = rule->number};
            return true;
        }
    }
    return false;
}
