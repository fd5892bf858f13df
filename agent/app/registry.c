/* registry.c - builds the snapshot of models, targets, adapters and keys. */
#include "app/registry.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/config_internal.h"
#include "app/places.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "wire/field.h"

#define COMPILERS 3 /* threads beside the calling one */

struct registry {
    atomic_int refs;
    struct map *adapters; /* name -> struct adapter, those that were read */
    struct map *by_name;  /* model name -> struct registry_model */
    struct registry_model **models;
    size_t count;
    struct config_list lanes;
};

/* What a build needs at hand. */
struct builder {
    const struct config *config;
    struct config_reader complain; /* lends config_complain its shape; reads nothing */
    struct registry *registry;
};

/* ---- adapters ---- */

static void adapter_told(void *arg, const char *file, int line, int column, const char *text)
{
    struct builder *b = arg;

    b->complain.bad = true;
    if (b->complain.complain) {
        b->complain.complain(b->complain.arg, file, line, column, text);
    }
}

static void builder_read_adapter(struct builder *b, const char *path)
{
    struct adapter *a = NULL;
    AUTO(auto_free) char *text = config_read_text(path, false);

    if (!text) {
        adapter_told(b, path, 0, 0, errno ? strerror(errno) : "cannot be read");
        return;
    }
    if (adapter_read(slice_of(text), path, adapter_told, b, &a) != FAULT_OK) {
        b->complain.bad = true;
        return;
    }
    struct adapter *before = map_find(b->registry->adapters, adapter_name(a));
    if (!map_put(b->registry->adapters, adapter_name(a), a)) {
        adapter_told(b, path, 0, 0, "too many adapters");
        adapter_drop(&a);
        return;
    }
    adapter_drop(&before);
}

static bool is_yaml(const char *name)
{
    size_t n = strlen(name);
    return name[0] != '.' &&
           ((n > 5 && !strcmp(name + n - 5, ".yaml")) || (n > 4 && !strcmp(name + n - 4, ".yml")));
}

static void builder_read_dir(struct builder *b, const char *dir)
{
    DIR *d = opendir(dir);
    const struct dirent *e;

    if (!d) {
        config_complain(&b->complain, "/adapters", "adapter directory %.200s: %s", dir, strerror(errno));
        return;
    }
    while ((e = readdir(d)) != NULL) {
        if (is_yaml(e->d_name)) {
            AUTO(auto_free) char *path = mem_printf("%s/%s", dir, e->d_name);
            builder_read_adapter(b, path);
        }
    }
    closedir(d);
}

static void builder_read_dirs(struct builder *b)
{
    const struct config_list *dirs = &b->config->adapters;

    if (!dirs->n) {
        AUTO(auto_free) char *own = places_adapters();
        if (own) {
            builder_read_dir(b, own);
        } else {
            config_complain(&b->complain, NULL,
                            "no adapters are where this program is installed: name their directories in the "
                            "setting adapters");
        }
    }
    for (size_t i = 0; i < dirs->n; i++) {
        builder_read_dir(b, dirs->items[i]);
    }
}

/* ---- keys ---- */

static char *key_secret(struct builder *b, const char *pointer, const json_t *key)
{
    const char *env = json_string_value(json_object_get(key, "env"));
    const char *file = json_string_value(json_object_get(key, "file"));
    char *secret = env ? mem_text(getenv(env)) : config_read_text(file, true);

    if (!secret || !*secret) {
        config_complain(&b->complain, pointer, "key %s: %s %.200s %s",
                        json_string_value(json_object_get(key, "id")),
                        env ? "the environment variable" : "the file", env ? env : file,
                        env ? "is not set" : "is missing or empty");
        free(secret);
        return mem_text("");
    }
    return secret;
}

static void builder_read_keys(struct builder *b, struct registry_target *t, const char *model,
                              const char *pool)
{
    const json_t *list = json_object_get(b->config->keys, pool);
    size_t i;
    json_t *key;
    char pointer[256];

    if (!list) {
        snprintf(pointer, sizeof(pointer), "/models/%.100s", model);
        config_complain(&b->complain, pointer,
                        "model %.80s wants the keys of pool %.80s, but keys: has no such pool", model, pool);
        return;
    }
    t->keys = mem_new(json_array_size(list) * sizeof(*t->keys));
    json_array_foreach((json_t *)list, i, key)
    {
        snprintf(pointer, sizeof(pointer), "/keys/%.100s/%zu", pool, i);
        t->keys[i].id = mem_text(json_string_value(json_object_get(key, "id")));
        t->keys[i].secret = key_secret(b, pointer, key);
        t->key_count++;
    }
}

/* ---- models ---- */

static const char *member(const json_t *object, const char *name, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : otherwise;
}

static void builder_check_base(struct builder *b, const char *pointer, const struct registry_target *t)
{
    const char *base = t->base ? t->base : adapter_base(t->adapter);
    bool plain = !strncmp(base, "http://", 7);

    if (strncmp(base, "https://", 8) != 0 && !(plain && b->config->allow_http)) {
        config_complain(&b->complain, pointer,
                        "base %.200s must be https; `allow_http: true` lets http through for a simulator or "
                        "a private gateway",
                        base);
    }
}

static void builder_read_model(struct builder *b, const char *name, const json_t *doc)
{
    char pointer[256];
    const char *adapter = json_string_value(json_object_get(doc, "adapter"));
    struct adapter *a = map_find(b->registry->adapters, adapter);
    struct registry_model *m = mem_new(sizeof(*m));
    struct registry *r = b->registry;

    r->models = mem_grow(r->models, (r->count + 1) * sizeof(struct registry_model *));
    r->models[r->count++] = m;
    snprintf(pointer, sizeof(pointer), "/models/%.100s", name);
    m->name = mem_text(name);
    m->lane = mem_text(member(doc, "lane", b->config->lanes.items[0]));
    m->deadline_ms = json_object_get(doc, "deadline")
                         ? field_duration_ms(slice_of(member(doc, "deadline", "")))
                         : b->config->deadline_ms;
    if (!config_list_has(&b->config->lanes, m->lane)) {
        config_complain(&b->complain, pointer, "model %.80s is on lane %.80s, which `lanes` does not name",
                        name, m->lane);
    }
    if (!a) {
        config_complain(
            &b->complain, pointer,
            "model %.80s wants adapter %.80s, but no file in the adapter directories has that name", name,
            adapter);
        return;
    }
    m->target.adapter = adapter_keep(a);
    m->target.vendor_model = mem_text(member(doc, "model", name));
    m->target.name = mem_printf("%s/%s", adapter, m->target.vendor_model);
    m->target.base = mem_text(member(doc, "base", NULL));
    builder_check_base(b, pointer, &m->target);
    builder_read_keys(b, &m->target, name, member(doc, "key", adapter));
    map_put(r->by_name, name, m);
}

/* Compiling costs tens of milliseconds each, so the adapters are shared out to a few threads. */
struct compiling {
    struct builder *builder;
    struct adapter *adapters[LIMIT_ADAPTERS];
    size_t count;
    atomic_size_t next;
    atomic_bool bad;
    pthread_mutex_t telling;
};

static void compiling_told(void *arg, const char *file, int line, int column, const char *text)
{
    struct compiling *c = arg;

    pthread_mutex_lock(&c->telling);
    adapter_told(c->builder, file, line, column, text);
    pthread_mutex_unlock(&c->telling);
}

static void *compiling_run(void *arg)
{
    struct compiling *c = arg;

    for (size_t i; (i = atomic_fetch_add(&c->next, 1)) < c->count;) {
        if (adapter_compile(c->adapters[i], compiling_told, c) != FAULT_OK) {
            atomic_store(&c->bad, true);
        }
    }
    return NULL;
}

/* The adapters that models name, each once. */
static void compiling_collect(struct compiling *c)
{
    struct map *seen = map_new(LIMIT_ADAPTERS);

    for (size_t i = 0; i < c->builder->registry->count; i++) {
        struct adapter *a = c->builder->registry->models[i]->target.adapter;
        if (a && !map_find(seen, adapter_name(a))) {
            map_put(seen, adapter_name(a), a);
            c->adapters[c->count++] = a;
        }
    }
    map_free(&seen);
}

static void builder_compile(struct builder *b)
{
    struct compiling *c = mem_new(sizeof(*c));
    pthread_t threads[COMPILERS];
    size_t started = 0;

    c->builder = b;
    pthread_mutex_init(&c->telling, NULL);
    compiling_collect(c);
    while (started < COMPILERS && started + 1 < c->count &&
           pthread_create(&threads[started], NULL, compiling_run, c) == 0) {
        started++;
    }
    compiling_run(c);
    while (started) {
        pthread_join(threads[--started], NULL);
    }
    b->complain.bad |= atomic_load(&c->bad);
    pthread_mutex_destroy(&c->telling);
    free(c);
}

static void builder_list_lanes(struct registry *r)
{
    for (size_t i = 0; i < r->count; i++) {
        if (!config_list_has(&r->lanes, r->models[i]->lane)) {
            r->lanes.items = mem_grow(r->lanes.items, (r->lanes.n + 2) * sizeof(char *));
            r->lanes.items[r->lanes.n++] = r->models[i]->lane; /* borrowed from the model */
            r->lanes.items[r->lanes.n] = NULL;
        }
    }
}

enum fault registry_build(const struct config *config, config_complain_fn *complain, void *arg,
                          struct registry **ret_registry)
{
    struct builder b = {.config = config,
                        .complain = {.config = (struct config *)config, .complain = complain, .arg = arg},
                        .registry = mem_new(sizeof(struct registry))};
    const char *name;
    json_t *doc;

    atomic_init(&b.registry->refs, 1);
    b.registry->adapters = map_new(LIMIT_ADAPTERS);
    b.registry->by_name = map_new(LIMIT_MODELS);
    builder_read_dirs(&b);
    json_object_foreach(config->models, name, doc)
    {
        builder_read_model(&b, name, doc);
    }
    if (!b.complain.bad) {
        builder_compile(&b);
    }
    builder_list_lanes(b.registry);
    if (b.complain.bad) {
        registry_drop(&b.registry);
        return FAULT_CONFIG;
    }
    *ret_registry = b.registry;
    return FAULT_OK;
}

struct registry *registry_keep(struct registry *r)
{
    atomic_fetch_add(&r->refs, 1);
    return r;
}

static void model_free(struct registry_model *m)
{
    for (size_t i = 0; i < m->target.key_count; i++) {
        if (m->target.keys[i].secret) {
            explicit_bzero(m->target.keys[i].secret, strlen(m->target.keys[i].secret));
        }
        free(m->target.keys[i].secret);
        free(m->target.keys[i].id);
    }
    free(m->target.keys);
    free(m->target.name);
    free(m->target.vendor_model);
    free(m->target.base);
    adapter_drop(&m->target.adapter);
    free(m->name);
    free(m->lane);
    free(m);
}

void registry_drop(struct registry **pr)
{
    struct registry *r = *pr;
    size_t cursor = 0;
    struct adapter *a;

    *pr = NULL;
    if (!r || atomic_fetch_sub(&r->refs, 1) > 1) {
        return;
    }
    for (size_t i = 0; i < r->count; i++) {
        model_free(r->models[i]);
    }
    while ((a = map_next(r->adapters, &cursor, NULL)) != NULL) {
        adapter_drop(&a);
    }
    map_free(&r->adapters);
    map_free(&r->by_name);
    free(r->models);
    free(r->lanes.items);
    free(r);
}

const struct registry_model *registry_model(const struct registry *r, const char *name)
{
    return map_find(r->by_name, name);
}

size_t registry_count(const struct registry *r)
{
    return r->count;
}

const struct registry_model *registry_at(const struct registry *r, size_t i)
{
    return r->models[i];
}

const struct registry_target *registry_target_find(const struct registry *r, const char *name)
{
    for (size_t i = 0; name && i < r->count; i++) {
        if (!strcmp(r->models[i]->target.name, name)) {
            return &r->models[i]->target;
        }
    }
    return NULL;
}

const struct registry_target *registry_target_of(const struct registry *r, const char *model,
                                                 const char *name)
{
    const struct registry_model *m = registry_model(r, model);

    return m && name && !strcmp(m->target.name, name) ? &m->target : registry_target_find(r, name);
}

const struct registry_key *registry_key_find(const struct registry_target *t, const char *id)
{
    for (size_t i = 0; id && i < t->key_count; i++) {
        if (!strcmp(t->keys[i].id, id)) {
            return &t->keys[i];
        }
    }
    return NULL;
}

const struct registry_key *registry_key_pick(const struct registry_target *t, uint64_t counter)
{
    return &t->keys[counter % t->key_count];
}

const struct config_list *registry_lanes(const struct registry *r)
{
    return &r->lanes;
}
