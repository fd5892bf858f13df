/* config_models.c - checks the models and keys of a configuration. */
#include <stdio.h>
#include <string.h>

#include "app/config_internal.h"
#include "base/limits.h"
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

static void check_model(struct config_reader *r, const char *name, json_t *model)
{
    static const char *const members[] = {"adapter", "model", "base", "key", "lane", "deadline", NULL};
    char pointer[256];

    snprintf(pointer, sizeof(pointer), "/models/%.100s", name);
    if (strlen(name) > LIMIT_NAME_CHARS || !*name) {
        config_complain(r, pointer, "a model's name has 1 to %d chars", LIMIT_NAME_CHARS);
    }
    if (!json_is_object(model) || !json_is_string(json_object_get(model, "adapter"))) {
        config_complain(r, pointer, "model %.80s needs `adapter: NAME`", name);
        return;
    }
    check_members(r, pointer, model, members, "a model");
    const char *lane = json_string_value(json_object_get(model, "lane"));
    const char *deadline = json_string_value(json_object_get(model, "deadline"));
    if (lane && !task_name_valid(lane)) {
        config_complain(r, pointer, "lane %.80s: 1 to %d of letters, digits, _ and -", lane,
                        LIMIT_NAME_CHARS);
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
