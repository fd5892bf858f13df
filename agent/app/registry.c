/* registry.c - the snapshot of models, targets, adapters and keys: asking it, keeping it, dropping it. */
#include "app/registry.h"

#include <stdlib.h>
#include <string.h>

#include "app/registry_internal.h"

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
        free(m->target.keys[i].account);
    }
    for (size_t i = 0; i < m->target.version_count; i++) {
        adapter_drop(&m->target.versions[i].adapter);
        json_decref(m->target.versions[i].options);
        free(m->target.versions[i].base);
    }
    free(m->target.versions);
    free(m->target.keys);
    free(m->target.name);
    free(m->target.pool);
    free(m->target.token);
    free(m->target.vendor_model);
    free(m->target.base);
    free(m->target.unsupported);
    json_decref(m->target.options);
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
    for (size_t i = 0; i < r->retired_count; i++) {
        model_free(r->retired[i]);
    }
    free(r->retired);
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

/* The model of a list with that target; of a model with that name when it is given. */
static const struct registry_target *find_target(struct registry_model *const *models, size_t n,
                                                 const char *model, const char *name)
{
    for (size_t i = 0; name && i < n; i++) {
        if (!strcmp(models[i]->target.name, name) && (!model || !strcmp(models[i]->name, model))) {
            return &models[i]->target;
        }
    }
    return NULL;
}

const struct registry_target *registry_target_find(const struct registry *r, const char *name)
{
    const struct registry_target *t = find_target(r->models, r->count, NULL, name);

    return t ? t : find_target(r->retired, r->retired_count, NULL, name);
}

const struct registry_target *registry_target_of(const struct registry *r, const char *model,
                                                 const char *name)
{
    const struct registry_target *t = find_target(r->models, r->count, model, name);

    t = t ? t : find_target(r->retired, r->retired_count, model, name);
    return t ? t : registry_target_find(r, name);
}

const struct registry_target *registry_target_version(const struct registry_target *t, const char *digest)
{
    for (size_t i = 0; digest && i < t->version_count; i++) {
        if (!strcmp(adapter_digest(t->versions[i].adapter), digest)) {
            return &t->versions[i];
        }
    }
    return t;
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

const struct config_list *registry_lanes(const struct registry *r)
{
    return &r->lanes;
}
