/* sim_replays.c - answers kept by idempotency key. */
#include "sim_replays.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "wire/digest.h"

struct entry {
    struct list link;
    char name[17];
    struct sim_replay replay;
};

struct sim_replays {
    struct list list; /* the oldest first */
    struct map *names;
    size_t max;
};

struct sim_replays *sim_replays_new(size_t max)
{
    struct sim_replays *r = mem_new(sizeof(*r));

    list_init(&r->list);
    r->max = max;
    r->names = map_new(max);
    return r;
}

static void replays_drop(struct sim_replays *r, struct entry *e)
{
    map_drop(r->names, e->name);
    list_drop(&e->link);
    json_decref(e->replay.reply);
    free(e);
}

void sim_replays_clear(struct sim_replays *r)
{
    list_each(link, after, &r->list)
    {
        replays_drop(r, container_of(link, struct entry, link));
    }
}

void sim_replays_free(struct sim_replays **r)
{
    if (*r) {
        sim_replays_clear(*r);
        map_free(&(*r)->names);
        free(*r);
        *r = NULL;
    }
}

void sim_replays_name(const char *scope, const char *key, char out[17])
{
    unsigned char digest[DIGEST_BYTES];
    char hex[DIGEST_HEX_CHARS + 1];
    AUTO(auto_free) char *text = mem_printf("%s\n%s", scope, key);

    digest_of(slice_of(text), digest);
    digest_hex(digest, hex);
    memcpy(out, hex, 16);
    out[16] = '\0';
}

struct sim_replay *sim_replays_find(const struct sim_replays *r, const char *name)
{
    return map_find(r->names, name);
}

void sim_replays_add(struct sim_replays *r, const char *name, json_t *reply)
{
    struct entry *e = mem_new(sizeof(*e));

    if (map_count(r->names) == r->max) {
        replays_drop(r, container_of(list_first(&r->list), struct entry, link));
    }
    memcpy(e->name, name, sizeof(e->name));
    e->replay = (struct sim_replay){.reply = json_incref(reply), .busy = true};
    list_push(&r->list, &e->link);
    map_put(r->names, e->name, &e->replay);
}
