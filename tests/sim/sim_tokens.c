/* sim_tokens.c - access tokens that a dialect's own endpoint gave out. */
#include "sim_tokens.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

struct entry {
    struct list link;
    char *name; /* "vendor/token" */
    char account[65];
    int64_t until_ms;
};

struct sim_tokens {
    struct list list; /* the oldest first */
    struct map *names;
    size_t max;
};

struct sim_tokens *sim_tokens_new(size_t max)
{
    struct sim_tokens *t = mem_new(sizeof(*t));

    list_init(&t->list);
    t->max = max;
    t->names = map_new(max);
    return t;
}

static void tokens_drop(struct sim_tokens *t, struct entry *e)
{
    map_drop(t->names, e->name);
    list_drop(&e->link);
    free(e->name);
    free(e);
}

void sim_tokens_clear(struct sim_tokens *t)
{
    list_each(link, after, &t->list)
    {
        tokens_drop(t, container_of(link, struct entry, link));
    }
}

void sim_tokens_free(struct sim_tokens **t)
{
    if (*t) {
        sim_tokens_clear(*t);
        map_free(&(*t)->names);
        free(*t);
        *t = NULL;
    }
}

void sim_tokens_add(struct sim_tokens *t, const char *vendor, const char *text, const char *account,
                    int64_t until_ms)
{
    struct entry *e = mem_new(sizeof(*e));

    e->name = mem_printf("%s/%s", vendor, text);
    struct entry *same = map_find(t->names, e->name);
    if (same) {
        tokens_drop(t, same);
    } else if (map_count(t->names) == t->max) {
        tokens_drop(t, container_of(list_first(&t->list), struct entry, link));
    }
    snprintf(e->account, sizeof(e->account), "%s", account);
    e->until_ms = until_ms;
    list_push(&t->list, &e->link);
    map_put(t->names, e->name, e);
}

const char *sim_tokens_find(const struct sim_tokens *t, const char *vendor, const char *text, int64_t now_ms)
{
    AUTO(auto_free) char *name = mem_printf("%s/%s", vendor, text);
    const struct entry *e = map_find(t->names, name);

    return e && e->until_ms > now_ms ? e->account : NULL;
}
