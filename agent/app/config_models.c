/* config_models.c - checks the models and keys of a configuration. */
#include <stdio.h>
#include <string.h>

#include "app/config_internal.h"
#include "base/limits.h"
#include "base/mem.h"
#include "core/task.h"
#include "wire/field.h"

static bool word_of(const char *const *words, const char *text)
{
    for (; *words; words++) {
        if (!strcmp(*words, text)) {
            return true;
        }
    }
    return false;
}

/* Complains of members that are not in words and of values that are not texts. A number becomes the text it
 * was written as. */
static void check_members(struct config_reader *r, const char *pointer, json_t *object,
                          const char *const *words, const char *what)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        char at[512];
        snprintf(at, sizeof(at), "%.300s/%.100s", pointer, key);
        if (!word_of(words, key)) {
            config_complain(r, at, "%s has no member %.80s", what, key);
        } else if (json_is_integer(value)) {
            json_object_set_new(object, key,
                                json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value)));
        } else if (!json_is_string(value)) {
            config_complain(r, at, "%.80s must be a text", key);
        }
    }
}

/* Which options there are, and which must be given, the adapter knows. */
static void check_options(struct config_reader *r, const char *pointer, json_t *options)
{
    char at[512];
    const char *name;
    json_t *value;

    snprintf(at, sizeof(at), "%.300s/options", pointer);
    if (!json_is_object(options)) {
        config_complain(r, at, "options must be a mapping from an option's name to a text");
    }
    json_object_foreach(options, name, value)
    {
        if (json_is_integer(value)) {
            json_object_set_new(options, name,
                                json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value)));
        } else if (!json_is_string(value)) {
            config_complain(r, at, "option %.80s must be a text", name);
        }
    }
}

static void check_model(struct config_reader *r, const char *name, json_t *model)
{
    static const char *const members[] = {"adapter", "model",    "base",        "key",
                                          "lane",    "deadline", "unsupported", NULL};
    char pointer[256];

    snprintf(pointer, sizeof(pointer), "/models/%.100s", name);
    if (strlen(name) > LIMIT_NAME_CHARS || !*name) {
        config_complain(r, pointer, "a model's name has 1 to %d chars", LIMIT_NAME_CHARS);
    }
    if (!json_is_object(model) || !json_is_string(json_object_get(model, "adapter"))) {
        config_complain(r, pointer, "model %.80s needs `adapter: NAME`", name);
        return;
    }
    json_t *options = json_incref(json_object_get(model, "options"));
    json_object_del(model, "options");
    check_members(r, pointer, model, members, "a model");
    if (options) {
        check_options(r, pointer, options);
        json_object_set_new(model, "options", options);
    }
    const char *lane = json_string_value(json_object_get(model, "lane"));
    const char *deadline = json_string_value(json_object_get(model, "deadline"));
    if (lane && !task_name_valid(lane)) {
        config_complain(r, pointer, "lane %.80s: 1 to %d of letters, digits, _ and -", lane,
                        LIMIT_NAME_CHARS);
    }
    const char *unsupported = json_string_value(json_object_get(model, "unsupported"));
    if (unsupported && strcmp(unsupported, "ignore") != 0 && strcmp(unsupported, "reject") != 0) {
        config_complain(r, pointer, "unsupported must be ignore or reject (got %.40s)", unsupported);
    }
    int64_t ms = deadline ? field_duration_ms(slice_of(deadline)) : 1000;
    if (ms < 1000 || ms > LIMIT_DEADLINE_MS) {
        config_complain(r, pointer, "deadline must be 1s to 7d (got %.40s)", deadline);
    }
}

void config_read_models(struct config_reader *r, json_t *models)
{
    const char *name;
    json_t *model;

    if (!json_is_object(models) || json_object_size(models) > LIMIT_MODELS) {
        config_complain(r, "/models", "models must be a mapping of at most %d models", LIMIT_MODELS);
        return;
    }
    json_object_foreach(models, name, model)
    {
        check_model(r, name, model);
    }
    json_decref(r->config->models);
    r->config->models = json_incref(models);
}

/* ---- models that were changed while running ---- */

/* Splits {name: model or null} into those that are set and those that are taken away. */
static json_t *set_of(const json_t *changes, json_t *ret_names)
{
    json_t *set = json_object(), *model;
    const char *name;

    json_object_foreach((json_t *)changes, name, model)
    {
        json_object_set_new(ret_names, name, json_true());
        if (!json_is_null(model)) {
            json_object_set(set, name, model);
        }
    }
    return set;
}

static void merge(struct config *c, const json_t *names, json_t *set)
{
    const char *name;
    json_t *value, *models = json_copy(c->models);

    json_object_foreach((json_t *)names, name, value)
    {
        json_object_del(models, name);
    }
    json_object_update(models, set);
    json_decref(c->models);
    c->models = models;
}

enum fault config_change_models(struct config *c, const char *name, struct slice text,
                                config_complain_fn *complain, void *arg)
{
    struct config only = {.file = (char *)name, .models = json_object()}; /* for its checks and complaints */
    struct config_reader r = {.config = &only, .complain = complain, .arg = arg};
    json_t *changes = NULL, *names = json_object(), *set = NULL;
    struct note note = {0};

    if (yaml_read(text, &changes, &only.marks, &note) != FAULT_OK) {
        config_complain_yaml(&r, &note);
    } else if (!json_is_object(changes)) {
        config_complain(&r, "", "must be a mapping from a model's name to the model, or to null");
    } else {
        set = set_of(changes, names);
        only.changed = json_incref(names); /* so that complaints find their places in this text */
        only.changed_marks = only.marks;
        only.changed_name = only.file;
        config_read_models(&r, set);
    }
    if (!r.bad) {
        merge(c, names, set);
        c->changed = json_incref(names);
        c->changed_name = mem_text(name);
        c->changed_marks = only.marks;
    } else {
        yaml_marks_free(&only.marks);
    }
    json_decref(only.changed);
    json_decref(only.models);
    json_decref(set);
    json_decref(names);
    json_decref(changes);
    return r.bad ? FAULT_CONFIG : FAULT_OK;
}

/* ---- keys ---- */

static void check_key(struct config_reader *r, const char *pool, size_t i, json_t *key)
{
    static const char *const members[] = {"id", "env", "file", NULL};
    char pointer[256];

    snprintf(pointer, sizeof(pointer), "/keys/%.100s/%zu", pool, i);
    bool env = json_is_string(json_object_get(key, "env")),
         file = json_is_string(json_object_get(key, "file"));
    if (!json_is_object(key) || !task_name_valid(json_string_value(json_object_get(key, "id"))) ||
        env == file) {
        config_complain(r, pointer,
                        "a key of pool %.80s needs `id: NAME` and one of `env: VARIABLE` and `file: PATH`",
                        pool);
        return;
    }
    check_members(r, pointer, key, members, "a key");
}

void config_read_keys(struct config_reader *r, json_t *keys)
{
    const char *pool;
    json_t *list;

    if (!json_is_object(keys)) {
        config_complain(r, "/keys", "keys must be a mapping from a pool's name to a list of keys");
        return;
    }
    json_object_foreach(keys, pool, list)
    {
        size_t i;
        json_t *key;
        if (!json_is_array(list) || json_array_size(list) == 0) {
            char pointer[256];
            snprintf(pointer, sizeof(pointer), "/keys/%.100s", pool);
            config_complain(r, pointer, "pool %.80s must be a list of keys", pool);
            continue;
        }
        json_array_foreach(list, i, key)
        {
            check_key(r, pool, i, key);
        }
    }
    json_decref(r->config->keys);
    r->config->keys = json_incref(keys);
}
