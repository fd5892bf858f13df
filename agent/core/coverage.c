/* coverage.c - what the cases of an adapter exercise of it, and what they do not. */
#include "core/coverage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/adapter_parts.h"
#include "core/case.h"

#define PLACE_CHARS 48

struct coverage {
    const struct adapter *a;
    json_t *seen; /* {"operation step", "operation step word", "operation ends", "upload": true} */
    bool *rules;  /* by number */
};

struct coverage *coverage_new(const struct adapter *a)
{
    struct coverage *c = mem_new(sizeof(*c));

    *c = (struct coverage){a, json_object(), mem_new(a->rule_count + 1)};
    return c;
}

void coverage_free(struct coverage **c)
{
    if (*c) {
        json_decref((*c)->seen);
        free((*c)->rules);
        free(*c);
        *c = NULL;
    }
}

/* ---- running ---- */

static void note(struct coverage *c, const char *op, const char *what, const char *word)
{
    AUTO(auto_free) char *key = mem_printf("%s %s%s%s", op, what, word ? " " : "", word ? word : "");

    json_object_set_new(c->seen, key, json_true());
}

static void on_answer(void *arg, const struct case_answer *told)
{
    struct coverage *c = arg;
    const struct answer *a = told->answer;
    const char *op = adapter_op_name(told->op), *step = adapter_step_text(told->step);

    note(c, op, step, NULL);
    if (a->word) {
        note(c, op, step, a->word);
    }
    if (a->class == CLASS_OK && a->state == STATE_COMPLETED && a->output_count) {
        note(c, op, "ends", NULL);
    }
    if (a->rule >= 0 && (size_t)a->rule < c->a->rule_count) {
        c->rules[a->rule] = true;
    }
    if (told->upload && a->value) {
        json_object_set_new(c->seen, adapter_upload_name(told->upload), json_true());
    }
}

enum fault coverage_case(struct coverage *c, const json_t *one, size_t *ret_differences,
                         struct note *ret_note)
{
    const struct case_events events = {.answer = on_answer};

    return case_run(c->a, one, &events, c, ret_differences, ret_note);
}

/* ---- telling ---- */

/* What cases exercise: what several operations share, as an anchor and its aliases, is exercised by one. */
struct telling {
    const struct coverage *c;
    const struct yaml_marks *marks;
    json_t *covered; /* {what: true} */
    json_t *told;    /* {"line:column": true} */
    bool first;      /* of two rounds: finds what is covered */
    adapter_complain_fn *complain;
    void *arg;
};

/* The thing at pointer, which is what; equal things have equal whats. */
static void tell(struct telling *t, const char *pointer, const char *what, bool seen, const char *text)
{
    char place[PLACE_CHARS];
    int line, column;

    if (t->first && seen) {
        json_object_set_new(t->covered, what, json_true());
    }
    if (t->first || json_object_get(t->covered, what) || !yaml_mark(t->marks, pointer, &line, &column)) {
        return;
    }
    snprintf(place, sizeof(place), "%d:%d", line, column);
    if (!json_object_get(t->told, place)) {
        json_object_set_new(t->told, place, json_true());
        t->complain(t->arg, t->c->a->files[0], line, column, text);
    }
}

static char *dump(const json_t *value)
{
    return json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}

static bool seen(const struct telling *t, const char *op, const char *what, const char *word)
{
    AUTO(auto_free) char *key = mem_printf("%s %s%s%s", op, what, word ? " " : "", word ? word : "");

    return json_object_get(t->c->seen, key) != NULL;
}

static void tell_step(struct telling *t, const char *pointer, const char *op, const char *step,
                      const json_t *value)
{
    const json_t *map = json_object_get(json_object_get(value, "state"), "map");
    AUTO(auto_free) char *all = dump(map);
    AUTO(auto_free) char *request = dump(json_object_get(value, "request"));
    const char *word;
    json_t *state;

    if (strcmp(step, "submit") != 0 && strcmp(step, "poll") != 0) {
        AUTO(auto_free) char *at = mem_printf("%s/%s/request", pointer, step);
        AUTO(auto_free) char *text = mem_printf("no case has the step %s", step);
        tell(t, at, request, seen(t, op, step, NULL), text);
    }
    json_object_foreach((json_t *)map, word, state)
    {
        AUTO(auto_free) char *at = mem_printf("%s/%s/state/map/%s", pointer, step, word);
        AUTO(auto_free) char *text = mem_printf("no case has an answer of %s with the state %s", step, word);
        AUTO(auto_free) char *what = mem_printf("%s %s", word, all);
        if (!strpbrk(word, "~/")) {
            tell(t, at, what, seen(t, op, step, word), text);
        }
    }
}

static void tell_op(struct telling *t, const char *pointer, const char *kind, const json_t *value)
{
    static const char *const steps[] = {"submit", "lookup", "poll", "fetch", "cancel"};
    const char *own = json_string_value(json_object_get(value, "name"));
    AUTO(auto_free) char *op = own ? mem_printf("%s/%s", kind, own) : mem_text(kind);
    AUTO(auto_free) char *text = mem_printf("no case of %s ends with an output", op);
    AUTO(auto_free) char *all = dump(value);

    tell(t, pointer, all, seen(t, op, "ends", NULL), text);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        const json_t *step = json_object_get(value, steps[i]);
        if (step) {
            tell_step(t, pointer, op, steps[i], step);
        }
    }
}

static void tell_ops(struct telling *t, const json_t *root)
{
    const char *kind;
    json_t *value, *item;
    size_t i;

    json_object_foreach(json_object_get(root, "tasks"), kind, value)
    {
        AUTO(auto_free) char *at = mem_printf("/tasks/%s", kind);
        if (json_object_get(value, "submit")) {
            tell_op(t, at, kind, value);
        }
        json_array_foreach(value, i, item)
        {
            AUTO(auto_free) char *inner = mem_printf("%s/%zu", at, i);
            tell_op(t, inner, kind, item);
        }
    }
}

static void tell_uploads(struct telling *t, const json_t *root)
{
    const char *name;
    json_t *value;

    json_object_foreach(json_object_get(root, "uploads"), name, value)
    {
        AUTO(auto_free) char *at = mem_printf("/uploads/%s", name);
        AUTO(auto_free) char *text = mem_printf("no case uploads with %s", name);
        tell(t, at, at, json_object_get(t->c->seen, name) != NULL, text);
    }
}

static bool rule_seen(const struct coverage *c, const struct load_place *place)
{
    for (size_t i = 0; i < c->a->rule_count; i++) {
        const struct load_place *other = &c->a->rule_places[i];
        if (c->rules[i] && other->content == place->content) {
            return true;
        }
    }
    return false;
}

static void tell_rules(struct telling *t)
{
    const struct adapter *a = t->c->a;

    for (size_t i = 0; i < a->rule_count; i++) {
        const struct load_place *place = &a->rule_places[i];
        char key[PLACE_CHARS];
        snprintf(key, sizeof(key), "%d:%d", place->line, place->column);
        if (place->file == a->files[0] && !rule_seen(t->c, place) && !json_object_get(t->told, key)) {
            json_object_set_new(t->told, key, json_true());
            t->complain(t->arg, place->file, place->line, place->column,
                        "no case has an answer that this rule fits");
        }
    }
}

void coverage_tell(const struct coverage *c, const json_t *root, const struct yaml_marks *marks,
                   adapter_complain_fn *complain, void *arg)
{
    struct telling t = {c, marks, json_object(), json_object(), true, complain, arg};

    for (int round = 0; round < 2; round++) {
        t.first = round == 0;
        tell_ops(&t, root);
        tell_uploads(&t, root);
    }
    tell_rules(&t);
    json_decref(t.covered);
    json_decref(t.told);
}
