/* map.c - text to pointer: open addressing, linear probing, tombstones reclaimed on growth. */
#include "base/map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"

struct entry {
    char *key; /* NULL: never used; DEAD: dropped */
    void *value;
};

struct map {
    struct entry *entries;
    size_t cap;   /* a power of two */
    size_t used;  /* live and dead */
    size_t count; /* live */
    size_t max;
    uint64_t seed; /* so that nobody outside can choose keys that collide */
};

static char dead_mark;
#define DEAD (&dead_mark)

static uint64_t map_hash(const struct map *m, const char *key)
{
    uint64_t h = 1469598103934665603u ^ m->seed;

    for (; *key; key++) {
        h = (h ^ (unsigned char)*key) * 1099511628211u;
    }
    return h ^ (h >> 29);
}

struct map *map_new(size_t max)
{
    struct map *m = mem_new(sizeof(*m));

    m->max = max;
    m->cap = 16;
    m->entries = mem_new(m->cap * sizeof(*m->entries));
    if (getrandom(&m->seed, sizeof(m->seed), GRND_NONBLOCK) != sizeof(m->seed)) {
        m->seed = (uint64_t)(uintptr_t)m;
    }
    return m;
}

void map_free(struct map **pm)
{
    struct map *m = *pm;

    if (!m) {
        return;
    }
    for (size_t i = 0; i < m->cap; i++) {
        if (m->entries[i].key != DEAD) {
            free(m->entries[i].key);
        }
    }
    free(m->entries);
    free(m);
    *pm = NULL;
}

/* The slot of key, or the first free one in its run. */
static struct entry *map_slot(const struct map *m, const char *key)
{
    size_t mask = m->cap - 1;
    struct entry *grave = NULL;

    for (size_t i = map_hash(m, key) & mask;; i = (i + 1) & mask) {
        struct entry *e = &m->entries[i];
        if (!e->key) {
            return grave ? grave : e;
        }
        if (e->key == DEAD) {
            grave = grave ? grave : e;
        } else if (!strcmp(e->key, key)) {
            return e;
        }
    }
}

static void map_rehash(struct map *m)
{
    struct entry *old = m->entries;
    size_t old_cap = m->cap;

    while (m->count * 2 >= m->cap) {
        m->cap *= 2;
    }
    m->entries = mem_new(m->cap * sizeof(*m->entries));
    m->used = m->count;
    for (size_t i = 0; i < old_cap; i++) {
        if (old[i].key && old[i].key != DEAD) {
            *map_slot(m, old[i].key) = old[i];
        }
    }
    free(old);
}

static bool map_is_live(const struct entry *e)
{
    return e->key && e->key != DEAD;
}

bool map_put(struct map *m, const char *key, void *value)
{
    struct entry *e = map_slot(m, key);

    if (map_is_live(e)) {
        e->value = value;
        return true;
    }
    if (m->count >= m->max) {
        return false;
    }
    if ((m->used + 1) * 4 >= m->cap * 3) {
        map_rehash(m);
        e = map_slot(m, key);
    }
    if (!e->key) {
        m->used++;
    }
    *e = (struct entry){mem_text(key), value};
    m->count++;
    return true;
}

void *map_find(const struct map *m, const char *key)
{
    const struct entry *e = map_slot(m, key);

    return map_is_live(e) ? e->value : NULL;
}

void *map_drop(struct map *m, const char *key)
{
    struct entry *e = map_slot(m, key);

    if (!map_is_live(e)) {
        return NULL;
    }
    void *value = e->value;
    free(e->key);
    *e = (struct entry){DEAD, NULL};
    m->count--;
    return value;
}

size_t map_count(const struct map *m)
{
    return m->count;
}

void *map_next(const struct map *m, size_t *cursor, const char **ret_key)
{
    while (*cursor < m->cap) {
        const struct entry *e = &m->entries[(*cursor)++];
        if (map_is_live(e)) {
            if (ret_key) {
                *ret_key = e->key;
            }
            return e->value;
        }
    }
    return NULL;
}
