/* registry_build.c - builds the snapshot of models, targets, adapters and keys. */
#include "app/registry.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/adapter_file.h"
#include "app/changes.h"
#include "app/config_internal.h"
#include "app/places.h"
#include "app/registry_internal.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/account.h"
#include "core/credential.h"
#include "wire/field.h"

#define COMPILERS 3 /* threads beside the calling one */

/* What a build needs at hand. */
struct builder {
    const struct registry_in *in;
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

/* Takes a over what has its name. */
static void builder_put(struct builder *b, const char *path, struct adapter *a)
{
    struct adapter *before = map_find(b->registry->adapters, adapter_name(a));
    if (!map_put(b->registry->adapters, adapter_name(a), a)) {
        adapter_told(b, path, 0, 0, "too many adapters");
        adapter_drop(&a);
        return;
    }
    adapter_drop(&before);
}

static struct adapter *builder_read_text(struct builder *b, const char *path, struct slice text)
{
    struct adapter_file_places places = {&b->config->adapters, b->in->changes};
    const struct adapter_source source = {text, path, adapter_file_find, &places, adapter_told, b};
    struct adapter *a = NULL;

    if (adapter_read_source(&source, &a) != FAULT_OK) {
        b->complain.bad = true;
    }
    return a;
}

/* Some model names it. Reading one costs milliseconds, and most of those that are shipped nobody uses. */
static bool builder_wants(const struct builder *b, const char *name)
{
    const char *model;
    json_t *doc;

    json_object_foreach(b->config->models, model, doc)
    {
        if (!strcmp(json_string_value(json_object_get(doc, "adapter")), name)) {
            return true;
        }
    }
    return false;
}

/* A file of a folder, unless no model names it: files are called by their adapters' names. */
static void builder_read_adapter(struct builder *b, const char *path)
{
    const char *file = strrchr(path, '/') + 1;
    AUTO(auto_free) char *name = mem_textn(file, strcspn(file, "."));
    if (!builder_wants(b, name)) {
        return;
    }
    AUTO(auto_free) char *text = config_read_text(path, false);

    if (!text) {
        adapter_told(b, path, 0, 0, errno ? strerror(errno) : "cannot be read");
        return;
    }
    struct adapter *a = builder_read_text(b, path, slice_of(text));
    if (a && strcmp(adapter_name(a), name) != 0) {
        adapter_told(b, path, 1, 1, "the adapter in it has another name than its file");
        adapter_drop(&a);
    }
    if (a) {
        builder_put(b, path, a);
    }
}

/* An adapter that was changed while running: its key must be its name, or two changes could mean one adapter.
 */
static void builder_read_change(struct builder *b, const char *key, const json_t *text)
{
    const char *name = key + strlen(CHANGES_ADAPTER);
    char path[160];

    changes_name(key, path, sizeof(path));
    struct adapter *a =
        builder_read_text(b, path, (struct slice){json_string_value(text), json_string_length(text)});
    if (a && strcmp(adapter_name(a), name) != 0) {
        adapter_told(b, path, 1, 1, "the adapter in it has another name than its key");
        adapter_drop(&a);
    }
    if (a) {
        builder_put(b, path, a);
    }
}

static void builder_read_changes(struct builder *b)
{
    const char *key;
    json_t *text;

    json_object_foreach((json_t *)b->in->changes, key, text)
    {
        if (!strncmp(key, CHANGES_ADAPTER, strlen(CHANGES_ADAPTER))) {
            builder_read_change(b, key, text);
        }
    }
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

char *registry_key_secret(const json_t *key)
{
    const char *env = json_string_value(json_object_get(key, "env"));
    const char *file = json_string_value(json_object_get(key, "file"));

    return env ? mem_text(getenv(env)) : config_read_text(file, true);
}

static char *key_secret(struct builder *b, const char *pointer, const json_t *key)
{
    const char *env = json_string_value(json_object_get(key, "env"));
    const char *file = json_string_value(json_object_get(key, "file"));
    char *secret = b->in->no_secrets ? mem_text("none") : registry_key_secret(key);

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

/* A secret without the parts that its adapter wants is of no use. */
static void check_secret(struct builder *b, const char *pointer, const struct adapter *a,
                         const struct registry_key *key)
{
    struct credential_secret *secret = NULL;
    struct note note = {0};

    if (!b->in->no_secrets && *key->secret && credential_secret_read(a, key->secret, &secret, &note)) {
        config_complain(&b->complain, pointer, "key %s for adapter %s: %s", key->id, adapter_name(a),
                        note.text);
    }
    credential_secret_free(&secret);
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
    t->pool = mem_text(pool);
    t->keys = mem_new(json_array_size(list) * sizeof(*t->keys));
    json_array_foreach((json_t *)list, i, key)
    {
        snprintf(pointer, sizeof(pointer), "/keys/%.100s/%zu", pool, i);
        t->keys[i].id = mem_text(json_string_value(json_object_get(key, "id")));
        t->keys[i].secret = key_secret(b, pointer, key);
        t->keys[i].account = account_name(pool, t->keys[i].id, t->keys[i].secret);
        check_secret(b, pointer, t->adapter, &t->keys[i]);
        t->key_count++;
    }
}

/* ---- models ---- */

static const char *member(const json_t *object, const char *name, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : otherwise;
}

/* What the adapter makes of the model's options, and the base with them in place. */
static void builder_read_options(struct builder *b, const char *pointer, const json_t *doc,
                                 struct registry_target *t)
{
    const char *unsupported = member(doc, "unsupported", NULL);
    struct note note = {0};

    t->unsupported = mem_text(unsupported);
    if (adapter_options(t->adapter, json_object_get(doc, "options"), &t->options, &note) != FAULT_OK ||
        adapter_target_base(t->adapter, member(doc, "base", NULL), t->options, &t->base, &note) != FAULT_OK) {
        config_complain(&b->complain, pointer, "%s", note.text);
        t->base = t->base ? t->base : mem_text(adapter_base(t->adapter));
    }
}

static void builder_check_base(struct builder *b, const char *pointer, const struct registry_target *t)
{
    const char *base = t->base;
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
    m->target.token = account_token(m->target.name);
    builder_read_options(b, pointer, doc, &m->target);
    account_mark(adapter_digest(a), m->target.base, m->target.mark);
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

static void builder_list_lanes(struct registry *r, struct registry_model *const *models, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!config_list_has(&r->lanes, models[i]->lane)) {
            r->lanes.items = mem_grow(r->lanes.items, (r->lanes.n + 2) * sizeof(char *));
            r->lanes.items[r->lanes.n++] = models[i]->lane; /* borrowed from the model */
            r->lanes.items[r->lanes.n] = NULL;
        }
    }
}

enum fault registry_build(const struct registry_in *in, struct registry **ret_registry)
{
    const struct config *config = in->config;
    struct builder b = {
        .in = in,
        .config = config,
        .complain = {.config = (struct config *)config, .complain = in->complain, .arg = in->arg},
        .registry = mem_new(sizeof(struct registry))};
    const char *name;
    json_t *doc;

    atomic_init(&b.registry->refs, 1);
    b.registry->adapters = map_new(LIMIT_ADAPTERS);
    b.registry->by_name = map_new(LIMIT_MODELS);
    builder_read_dirs(&b);
    builder_read_changes(&b);
    json_object_foreach(config->models, name, doc)
    {
        builder_read_model(&b, name, doc);
    }
    if (!b.complain.bad) {
        builder_compile(&b);
    }
    if (!b.complain.bad && in->before) {
        registry_keep_past(b.registry, in->before, config);
    }
    builder_list_lanes(b.registry, b.registry->models, b.registry->count);
    builder_list_lanes(b.registry, b.registry->retired, b.registry->retired_count);
    if (b.complain.bad) {
        registry_drop(&b.registry);
        return FAULT_CONFIG;
    }
    *ret_registry = b.registry;
    return FAULT_OK;
}
