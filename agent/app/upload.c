/* upload.c - streams the media of a request into the store. */
#include "app/upload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/metrics.h"
#include "base/mem.h"

struct item {
    struct upload *upload;
    struct media_put *put; /* NULL once it has ended */
    struct media_info info;
    char *name;
    char *told;
};

struct upload {
    struct parts *parts;
    struct item *items[LIMIT_BLOBS];
    size_t n, open; /* open: puts that have not ended */
    enum fault fault;
    struct note note;
    struct timer timer;
    upload_room_fn *room;
    void *room_arg;
    upload_done_fn *done;
    void *arg;
};

struct upload *upload_new(struct parts *parts, upload_room_fn *room, void *arg)
{
    struct upload *u = mem_new(sizeof(*u));

    u->parts = parts;
    u->room = room;
    u->room_arg = arg;
    return u;
}

void upload_free(struct upload **pu)
{
    struct upload *u = *pu;

    if (!u) {
        return;
    }
    timer_stop(&u->timer);
    for (size_t i = 0; i < u->n; i++) {
        media_put_stop(&u->items[i]->put);
        free(u->items[i]->name);
        free(u->items[i]->told);
        free(u->items[i]);
    }
    free(u);
    *pu = NULL;
}

static void upload_tell(struct timer *t)
{
    struct upload *u = container_of(t, struct upload, timer);
    upload_done_fn *done = u->done;

    u->done = NULL;
    done(u->arg, u->fault, &u->note);
}

static void upload_check(struct upload *u)
{
    if (u->done && (u->open == 0 || u->fault != FAULT_OK)) {
        timer_start(u->parts->loop, &u->timer, 0, upload_tell);
    }
}

static void upload_tell_room(struct upload *u)
{
    if (u->room) {
        u->room(u->room_arg);
    }
}

static void upload_on_stored(void *arg, enum fault fault, const struct media_info *info)
{
    struct item *item = arg;
    struct upload *u = item->upload;

    item->put = NULL;
    u->open--;
    if (fault == FAULT_OK) {
        item->info = *info;
        metrics_media(u->parts->metrics, MEDIA_FROM_APP, info->bytes);
    } else if (u->fault == FAULT_OK) {
        u->fault =
            note_set(&u->note, fault, "a medium of the request could not be stored: %s", fault_text(fault));
        upload_tell_room(u); /* let the request arrive, so that its end can be answered */
    }
    upload_check(u);
}

static void upload_on_room(void *arg)
{
    struct item *item = arg;

    upload_tell_room(item->upload);
}

enum fault upload_begin(struct upload *u, const char *type, const char *name)
{
    struct item *item;

    if (u->n == LIMIT_BLOBS) {
        return note_set(&u->note, FAULT_TOO_MANY_PARTS, "a request carries at most %d media", LIMIT_BLOBS);
    }
    item = mem_new(sizeof(*item));
    item->upload = u;
    item->name = mem_text(name);
    item->put = media_put_start(u->parts->media, type, (uint64_t)u->parts->config->max_media_bytes,
                                LIMIT_ACCEPT_MS, upload_on_room, upload_on_stored, item);
    u->items[u->n++] = item;
    u->open++;
    return FAULT_OK;
}

enum fault upload_data(struct upload *u, struct slice bytes, bool *ret_full)
{
    struct item *item = u->items[u->n - 1];

    *ret_full = item->put && !media_put_add(item->put, bytes);
    return FAULT_OK;
}

void upload_end(struct upload *u)
{
    if (u->items[u->n - 1]->put) {
        media_put_end(u->items[u->n - 1]->put);
    }
}

void upload_told(struct upload *u, const char *type)
{
    struct item *item = u->items[u->n - 1];

    free(item->told);
    item->told = mem_text(type);
}

void upload_detach(struct upload *u)
{
    u->room = NULL;
}

size_t upload_count(const struct upload *u)
{
    return u->n;
}

void upload_finish(struct upload *u, upload_done_fn *done, void *arg)
{
    u->done = done;
    u->arg = arg;
    upload_check(u);
}

json_t *upload_ref(const struct upload *u, size_t index)
{
    const struct item *item = u->items[index];
    json_t *ref = json_pack("{s:s}", "media", item->info.digest);

    if (item->info.type[0] || item->told) {
        json_object_set_new(ref, "type", json_string(item->info.type[0] ? item->info.type : item->told));
    }
    json_t *name = item->name ? json_string(item->name) : NULL;
    if (name) {
        json_object_set_new(ref, "name", name);
    }
    return ref;
}

const struct media_info *upload_info(const struct upload *u, size_t index)
{
    return &u->items[index]->info;
}

/* What the request says of a medium, such as a data URI's type, where the bytes do not tell it. */
static json_t *upload_ref_told(const struct upload *u, size_t index, const json_t *told)
{
    static const char *const members[] = {"type", "name"};
    json_t *ref = upload_ref(u, index);

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        json_t *value = json_object_get(told, members[i]);
        if (json_is_string(value) && !json_object_get(ref, members[i])) {
            json_object_set(ref, members[i], value);
        }
    }
    return ref;
}

/* The reference that stands for value if it is a marked one, NULL if it is not. */
static json_t *upload_marked(const struct upload *u, const json_t *value, const char *marker,
                             enum fault *ret_fault, struct note *note)
{
    const json_t *index = json_object_get(value, marker);

    if (!index) {
        return NULL;
    }
    if (!json_is_integer(index) || json_integer_value(index) < 0 ||
        (size_t)json_integer_value(index) >= u->n) {
        *ret_fault = note_set(note, FAULT_BAD_REQUEST, "the member %s is reserved", marker);
        return NULL;
    }
    return upload_ref_told(u, (size_t)json_integer_value(index), value);
}

static enum fault upload_replace_members(const struct upload *u, json_t *object, const char *marker,
                                         struct note *note)
{
    enum fault fault = FAULT_OK;
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        json_t *ref = upload_marked(u, value, marker, &fault, note);
        if (ref) {
            json_object_set_new(object, key, ref);
        } else if (fault == FAULT_OK) {
            fault = upload_replace(u, value, marker, note);
        }
        if (fault != FAULT_OK) {
            return fault;
        }
    }
    return FAULT_OK;
}

enum fault upload_replace(const struct upload *u, json_t *value, const char *marker, struct note *note)
{
    enum fault fault = FAULT_OK;
    size_t i;
    json_t *item;

    if (json_is_object(value)) {
        return upload_replace_members(u, value, marker, note);
    }
    json_array_foreach(value, i, item)
    {
        json_t *ref = upload_marked(u, item, marker, &fault, note);
        if (ref) {
            json_array_set_new(value, i, ref);
        } else if (fault == FAULT_OK) {
            fault = upload_replace(u, item, marker, note);
        }
        if (fault != FAULT_OK) {
            return fault;
        }
    }
    return FAULT_OK;
}
