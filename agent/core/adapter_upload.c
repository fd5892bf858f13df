/* adapter_upload.c - reads the uploads and the limits of an adapter file, and tells of them. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/adapter_parts.h"

#define EVERY_MS     2000
#define TIMEOUT_MS   600000 /* the medium goes along */
#define REPEAT_TIMES 30

void adapter_uploads_done(struct adapter *a)
{
    for (size_t i = 0; i < a->upload_count; i++) {
        struct adapter_upload *u = &a->uploads[i];
        for (int k = 0; k < u->step_count; k++) {
            adapter_exchange_done(&u->steps[k].exchange);
            shape_free(&u->steps[k].until);
        }
        free(u->steps);
        free(u->name);
        shape_free(&u->value);
    }
    for (size_t i = 0; i < a->limit_count; i++) {
        free(a->limits[i].models);
    }
    free(a->uploads);
    free(a->limits);
}

/* ---- uploads ---- */

static void load_repeat(struct load *l, const json_t *value, struct adapter_upload_step *s)
{
    const json_t *times = json_object_get(value, "times");
    size_t before = load_enter(l, "repeat"), inner = load_enter(l, "until");

    l->roots = LOAD_UPLOAD_ANSWER;
    s->until = shape_load(l, json_object_get(value, "until"));
    load_leave(l, inner);
    inner = load_enter(l, "every");
    s->every_ms = load_duration(l, json_object_get(value, "every"), EVERY_MS);
    load_leave(l, inner);
    s->times = times ? (int)json_integer_value(times) : REPEAT_TIMES;
    load_leave(l, before);
}

static void load_upload(struct load *l, const char *name, const json_t *value, struct adapter_upload *u)
{
    const json_t *steps = json_object_get(value, "steps");
    json_t *step;
    size_t i;

    u->name = mem_text(name);
    u->steps = mem_new((json_array_size(steps) + 1) * sizeof(*u->steps));
    size_t before = load_enter(l, "steps");
    json_array_foreach(steps, i, step)
    {
        struct adapter_upload_step *s = &u->steps[u->step_count++];
        size_t inner = load_enter_index(l, i);
        adapter_exchange_load(l, STEP_UPLOAD, step, &s->exchange);
        load_repeat(l, json_object_get(step, "repeat"), s);
        load_leave(l, inner);
    }
    load_leave(l, before);
    before = load_enter(l, "value");
    l->roots = LOAD_UPLOAD_ANSWER;
    u->value = shape_load(l, json_object_get(value, "value"));
    load_leave(l, before);
    before = load_enter(l, "lives");
    u->lives_ms = load_duration(l, json_object_get(value, "lives"), 0);
    load_leave(l, before);
}

/* ---- limits ---- */

static void load_limit(struct load *l, const json_t *value, struct adapter_limit *limit)
{
    json_t *kind;
    size_t i;

    limit->models = mem_text(json_string_value(json_object_get(value, "models")));
    limit->requests = (int)json_integer_value(json_object_get(value, "requests"));
    limit->concurrent = (int)json_integer_value(json_object_get(value, "concurrent"));
    size_t before = load_enter(l, "per");
    limit->per_ms = load_duration(l, json_object_get(value, "per"), 0);
    load_leave(l, before);
    if (!limit->requests != !limit->per_ms) {
        load_complain(l, "requests and per go together: 150 requests per 10s");
    }
    before = load_enter(l, "kinds");
    json_array_foreach(json_object_get(value, "kinds"), i, kind)
    {
        size_t inner = load_enter_index(l, i);
        int number = task_kind_find(json_string_value(kind));
        if (number < 0) {
            load_complain(l, "%s is no kind of task", json_string_value(kind));
        } else {
            limit->kinds |= 1u << number;
        }
        load_leave(l, inner);
    }
    load_leave(l, before);
}

void adapter_uploads_load(struct load *l, const json_t *root, struct adapter *a)
{
    const json_t *uploads = json_object_get(root, "uploads"), *limits = json_object_get(root, "limits");
    const char *name;
    json_t *value;
    size_t i;

    size_t before = load_enter(l, "uploads");
    a->uploads = mem_new((json_object_size(uploads) + 1) * sizeof(*a->uploads));
    json_object_foreach((json_t *)uploads, name, value)
    {
        size_t inner = load_enter(l, name);
        load_upload(l, name, value, &a->uploads[a->upload_count++]);
        load_leave(l, inner);
    }
    load_leave(l, before);
    before = load_enter(l, "limits");
    a->limits = mem_new((json_array_size(limits) + 1) * sizeof(*a->limits));
    json_array_foreach(limits, i, value)
    {
        size_t inner = load_enter_index(l, i);
        load_limit(l, value, &a->limits[a->limit_count++]);
        load_leave(l, inner);
    }
    load_leave(l, before);
}

/* ---- asking ---- */

const struct adapter_upload *adapter_upload_named(const struct adapter *a, const char *name)
{
    for (size_t i = 0; i < a->upload_count; i++) {
        if (!strcmp(a->uploads[i].name, name)) {
            return &a->uploads[i];
        }
    }
    return NULL;
}

int adapter_upload_steps(const struct adapter_upload *u)
{
    return u->step_count;
}

int64_t adapter_upload_lives_ms(const struct adapter_upload *u)
{
    return u->lives_ms;
}

int64_t adapter_upload_timeout_ms(const struct adapter_exchange *e)
{
    return e->timeout_ms >= 0 ? e->timeout_ms : TIMEOUT_MS;
}

const char *adapter_upload_name(const struct adapter_upload *u)
{
    return u->name;
}

int64_t adapter_upload_every_ms(const struct adapter_upload *u, int step)
{
    return u->steps[step].every_ms;
}

int adapter_upload_times(const struct adapter_upload *u, int step)
{
    return u->steps[step].times;
}

const struct adapter_limit *adapter_limit(const struct adapter *a, size_t i)
{
    return i < a->limit_count ? &a->limits[i] : NULL;
}

/* pattern with * for any chars is text. */
static bool glob_fits(const char *pattern, const char *text)
{
    const char *star = NULL, *back = text;

    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            back = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = ++back;
        } else {
            return false;
        }
    }
    return !pattern[strspn(pattern, "*")];
}

bool adapter_limit_fits(const struct adapter_limit *limit, enum task_kind kind, const char *model)
{
    return (!limit->kinds || limit->kinds & 1u << kind) &&
           (!limit->models || (model && glob_fits(limit->models, model)));
}
