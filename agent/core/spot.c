/* spot.c - where media may stand in a task's input. */
#include "core/spot.h"

#include <stdio.h>
#include <string.h>

#define PATH_CHARS 128

struct walk {
    spot_fn *fn;
    void *arg;
    const char *field;
};

bool spot_field(const char *name)
{
    static const char *const names[] = {"image", "images", "last_image", "mask",
                                        "audio", "video",  "background"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!strcmp(names[i], name)) {
            return true;
        }
    }
    return false;
}

bool spot_is_medium(const json_t *value)
{
    return json_is_object(value) &&
           (json_is_string(json_object_get(value, "media")) || json_is_string(json_object_get(value, "url")));
}

void spot_set(const struct spot *spot, json_t *value)
{
    if (spot->key) {
        json_object_set_new(spot->parent, spot->key, value);
    } else {
        json_array_set_new(spot->parent, spot->index, value);
    }
}

static enum fault walk_list(const struct walk *w, json_t *list)
{
    char path[PATH_CHARS];
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        snprintf(path, sizeof(path), "%s[%zu]", w->field, i);
        const struct spot spot = {.parent = list, .index = i, .value = item, .field = w->field, .path = path};
        enum fault fault = w->fn(w->arg, &spot);
        if (fault) {
            return fault;
        }
    }
    return FAULT_OK;
}

/* A part of a message holds at most one medium, under a name that depends on its kind. at is the part's own
 * path. */
static enum fault walk_part(const struct walk *w, const json_t *part, const char *at)
{
    static const struct {
        const char *outer, *inner;
        bool bytes;
    } kinds[] = {{"image_url", "url", false},
                 {"video_url", "url", false},
                 {"input_audio", "data", true},
                 {"file", "file_data", true}};
    char path[PATH_CHARS];

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        json_t *holder = json_object_get(part, kinds[i].outer),
               *value = json_object_get(holder, kinds[i].inner);
        if (!value) {
            continue;
        }
        snprintf(path, sizeof(path), "%s.%s.%s", at, kinds[i].outer, kinds[i].inner);
        const struct spot spot = {.parent = holder,
                                  .key = kinds[i].inner,
                                  .value = value,
                                  .field = w->field,
                                  .path = path,
                                  .bytes = kinds[i].bytes};
        enum fault fault = w->fn(w->arg, &spot);
        if (fault) {
            return fault;
        }
    }
    return FAULT_OK;
}

static enum fault walk_messages(const struct walk *w, const json_t *messages)
{
    char at[PATH_CHARS / 2];
    size_t m, p;
    json_t *message, *part;

    json_array_foreach(messages, m, message)
    {
        json_array_foreach(json_object_get(message, "content"), p, part)
        {
            snprintf(at, sizeof(at), "messages[%zu].content[%zu]", m, p);
            enum fault fault = walk_part(w, part, at);
            if (fault) {
                return fault;
            }
        }
    }
    return FAULT_OK;
}

static enum fault walk_field(const struct walk *w, json_t *input, json_t *value)
{
    if (!strcmp(w->field, "messages")) {
        return walk_messages(w, value);
    }
    if (!spot_field(w->field)) {
        return FAULT_OK;
    }
    if (json_is_array(value)) {
        return walk_list(w, value);
    }
    const struct spot spot = {
        .parent = input, .key = w->field, .value = value, .field = w->field, .path = w->field};
    return w->fn(w->arg, &spot);
}

enum fault spot_each(json_t *input, spot_fn *fn, void *arg)
{
    const char *field;
    json_t *value;

    json_object_foreach(input, field, value)
    {
        const struct walk w = {fn, arg, field};
        enum fault fault = walk_field(&w, input, value);
        if (fault) {
            return fault;
        }
    }
    return FAULT_OK;
}
