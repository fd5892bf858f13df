/* task.c - the words of a task and its shape in messages. */
#include "core/task.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char *const kinds[] = {
#define KIND(name, text, media) text,
#include "core/kind.def"
#undef KIND
};

static const struct {
    const char *text;
    bool terminal;
} statuses[] = {
#define STATUS(name, text, terminal) {text, terminal},
#include "core/status.def"
#undef STATUS
};

static const struct {
    const char *text;
    enum task_status status;
} stages[] = {
#define STAGE(name, text, status) {text, TASK_##status},
#include "core/status.def"
#undef STAGE
};

static const char *const priorities[] = {"high", "normal", "low"};
static const char *const places[] = {"tasks", "wait", "vendor"};

static int task_word(const char *const *words, int n, const char *text)
{
    for (int i = 0; text && i < n; i++) {
        if (!strcmp(words[i], text)) {
            return i;
        }
    }
    return -1;
}

const char *task_kind_text(enum task_kind kind)
{
    return kinds[kind];
}

int task_kind_find(const char *text)
{
    return task_word(kinds, KIND_COUNT, text);
}

const char *task_status_text(enum task_status status)
{
    return statuses[status].text;
}

int task_status_find(const char *text)
{
    for (int i = 0; text && i < TASK_STATUS_COUNT; i++) {
        if (!strcmp(statuses[i].text, text)) {
            return i;
        }
    }
    return -1;
}

bool task_status_terminal(enum task_status status)
{
    return statuses[status].terminal;
}

const char *task_stage_text(enum task_stage stage)
{
    return stages[stage].text;
}

int task_stage_find(const char *text)
{
    for (int i = 0; text && i < STAGE_COUNT; i++) {
        if (!strcmp(stages[i].text, text)) {
            return i;
        }
    }
    return -1;
}

enum task_status task_stage_status(enum task_stage stage)
{
    return stages[stage].status;
}

const char *task_priority_text(enum task_priority priority)
{
    return priorities[priority];
}

int task_priority_find(const char *text)
{
    return task_word(priorities, PRIORITY_COUNT, text);
}

const char *task_place_text(enum task_place place)
{
    return places[place];
}

int task_place_find(const char *text)
{
    return task_word(places, PLACE_COUNT, text);
}

bool task_name_valid(const char *text)
{
    size_t n = text ? strlen(text) : 0;

    return n >= 1 && n <= LIMIT_NAME_CHARS &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

void task_subject(const struct task *t, enum task_place place, char *out, size_t size)
{
    int n;

    if (place == PLACE_TASKS) {
        n = snprintf(out, size, "sluice.task.%s.%s.%s.%s", t->lane, task_priority_text(t->priority), t->app,
                     t->id);
    } else {
        n = snprintf(out, size, "sluice.poll.%s.%s.%s.%s", t->lane, task_place_text(place), t->app, t->id);
    }
    if (n < 0 || (size_t)n >= size) {
        abort(); /* the parts are bounded: only a caller's small buffer gets here */
    }
}

/* Members that task_to_json writes itself; all others are a newer agent's. */
static const char *const own_members[] = {"id",          "app",         "lane",       "model",
                                          "kind",        "priority",    "input",      "metadata",
                                          "traceparent", "accepted_ms", "deadline_ms"};

json_t *task_to_json(const struct task *t)
{
    json_t *value = t->rest ? json_copy(t->rest) : json_object();

    json_object_set_new_nocheck(value, "id", json_string(t->id));
    json_object_set_new_nocheck(value, "app", json_string(t->app));
    json_object_set_new_nocheck(value, "lane", json_string(t->lane));
    json_object_set_new_nocheck(value, "model", json_string(t->model));
    json_object_set_new_nocheck(value, "kind", json_string(task_kind_text(t->kind)));
    json_object_set_new_nocheck(value, "priority", json_string(task_priority_text(t->priority)));
    json_object_set_nocheck(value, "input", t->input);
    if (t->metadata) {
        json_object_set_nocheck(value, "metadata", t->metadata);
    }
    if (t->traceparent) {
        json_object_set_new_nocheck(value, "traceparent", json_string(t->traceparent));
    }
    json_object_set_new_nocheck(value, "accepted_ms", json_integer(t->accepted_ms));
    json_object_set_new_nocheck(value, "deadline_ms", json_integer(t->deadline_ms));
    return value;
}

static bool task_read_name(const json_t *value, const char *member, char out[LIMIT_NAME_CHARS + 1])
{
    const char *text = json_string_value(json_object_get(value, member));

    if (!task_name_valid(text)) {
        return false;
    }
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static json_t *task_read_rest(const json_t *value)
{
    json_t *rest = json_copy((json_t *)value);

    for (size_t i = 0; i < sizeof(own_members) / sizeof(own_members[0]); i++) {
        json_object_del(rest, own_members[i]);
    }
    if (json_object_size(rest) == 0) {
        json_decref(rest);
        return NULL;
    }
    return rest;
}

enum fault task_from_json(const json_t *value, struct task **ret_task, struct note *note)
{
    struct task *t = mem_new(sizeof(*t));
    const char *id = json_string_value(json_object_get(value, "id"));
    const char *model = json_string_value(json_object_get(value, "model"));
    int kind = task_kind_find(json_string_value(json_object_get(value, "kind")));
    int priority = task_priority_find(json_string_value(json_object_get(value, "priority")));
    json_t *input = json_object_get(value, "input");

    if (!id || !id_valid(id) || !model || kind < 0 || priority < 0 || !json_is_object(input) ||
        !task_read_name(value, "app", t->app) || !task_read_name(value, "lane", t->lane)) {
        task_free(&t);
        return note_set(note, FAULT_BAD_DATA,
                        "the stored task lacks id, app, lane, model, kind, priority or input");
    }
    memcpy(t->id, id, sizeof(t->id));
    t->model = mem_text(model);
    t->kind = (enum task_kind)kind;
    t->priority = (enum task_priority)priority;
    t->input = json_incref(input);
    t->metadata = json_incref(json_object_get(value, "metadata"));
    t->traceparent = mem_text(json_string_value(json_object_get(value, "traceparent")));
    t->accepted_ms = json_integer_value(json_object_get(value, "accepted_ms"));
    t->deadline_ms = json_integer_value(json_object_get(value, "deadline_ms"));
    t->rest = task_read_rest(value);
    *ret_task = t;
    return FAULT_OK;
}

void task_free(struct task **pt)
{
    struct task *t = *pt;

    if (!t) {
        return;
    }
    free(t->model);
    free(t->traceparent);
    json_decref(t->input);
    json_decref(t->metadata);
    json_decref(t->rest);
    free(t);
    *pt = NULL;
}
