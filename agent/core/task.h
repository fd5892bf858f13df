/* task.h - the unit of work as the fleet knows it: its words, its parts, its shape in messages. */
#ifndef CORE_TASK_H
#define CORE_TASK_H

#include <jansson.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/fault.h"
#include "base/id.h"
#include "base/limits.h"

enum task_kind {
#define KIND(name, text, media) KIND_##name,
#include "core/kind.def"
#undef KIND
    KIND_COUNT
};
const char *task_kind_text(enum task_kind kind);
int task_kind_find(const char *text); /* or -1 */

enum task_status {
#define STATUS(name, text, terminal) TASK_##name,
#include "core/status.def"
#undef STATUS
    TASK_STATUS_COUNT
};
const char *task_status_text(enum task_status status);
int task_status_find(const char *text); /* or -1 */
_Bool task_status_terminal(enum task_status status);

enum task_stage {
#define STAGE(name, text, status) STAGE_##name,
#include "core/status.def"
#undef STAGE
    STAGE_COUNT
};
const char *task_stage_text(enum task_stage stage);
int task_stage_find(const char *text); /* or -1 */
enum task_status task_stage_status(enum task_stage stage);

enum task_priority { PRIORITY_HIGH, PRIORITY_NORMAL, PRIORITY_LOW, PRIORITY_COUNT };
const char *task_priority_text(enum task_priority priority);
int task_priority_find(const char *text); /* or -1 */

/* A task from its acceptance on. Owned by whoever has the pointer. */
struct task {
    char id[ID_CHARS + 1];
    char app[LIMIT_NAME_CHARS + 1];
    char lane[LIMIT_NAME_CHARS + 1];
    char *model;
    enum task_kind kind;
    enum task_priority priority;
    json_t *input;       /* canonical; media as {"media": digest, "type"?, "name"?} or {"url"} */
    json_t *metadata;    /* the app's own texts, or NULL */
    char *traceparent;   /* W3C, or NULL */
    int64_t accepted_ms; /* Unix ms at intake, for people */
    int64_t deadline_ms; /* from acceptance */
    json_t *rest;        /* members that a newer agent wrote; kept */
};

/* task_to_json - new reference. task_from_json - a new task; Faults: BAD_DATA. */
json_t *task_to_json(const struct task *t);
enum fault task_from_json(const json_t *value, struct task **ret_task, struct note *note) MUSTCHECK;
void task_free(struct task **t);

/* task_name_valid - an app, lane or other subject token: 1 to 64 of [A-Za-z0-9_-]. */
_Bool task_name_valid(const char *text);

/* task_subject - "sluice.task.<lane>.<priority>.<app>.<id>" and the other subjects of DESIGN 5, into out. */
enum task_place { PLACE_TASKS, PLACE_WAIT, PLACE_VENDOR, PLACE_COUNT };
const char *task_place_text(enum task_place place); /* "tasks", "wait", "vendor" */
int task_place_find(const char *text);
void task_subject(const struct task *t, enum task_place place, char *out, size_t size);

#endif
