/* registry_past.c - what tasks under way need of the snapshot before: older versions of adapters, and targets
 * that no model has any more. */
#include <stdlib.h>
#include <string.h>

#include "app/config_internal.h"
#include "app/registry_internal.h"
#include "base/mem.h"
#include "core/account.h"

#define VERSIONS_KEPT 3  /* older ones of an adapter */
#define RETIRED_KEPT  32 /* targets; the newest stay */

/* ---- versions ---- */

/* Whether t can do with one more version, and has not got this one. */
static bool wants_version(const struct registry_target *t, const struct adapter *a)
{
    if (t->version_count == VERSIONS_KEPT || strcmp(adapter_name(a), adapter_name(t->adapter)) != 0) {
        return false;
    }
    return registry_target_version(t, adapter_digest(a))->adapter == t->adapter &&
           strcmp(adapter_digest(a), adapter_digest(t->adapter)) != 0;
}

/* The older version has its own base and options: what it says about hosts and addresses fits those. Where it
 * does not know what doc says, the model as it is configured now (NULL: it is not), it stays as it was. */
static void version_settle(struct registry_target *v, const struct registry_target *was, const json_t *doc)
{
    const char *base = json_string_value(json_object_get(doc, "base"));
    struct note note = {0};

    v->options = NULL;
    v->base = NULL;
    if (!doc ||
        adapter_options(v->adapter, json_object_get(doc, "options"), &v->options, &note) != FAULT_OK) {
        v->options = json_deep_copy(was->options);
    }
    if (!doc || adapter_target_base(v->adapter, base, v->options, &v->base, &note) != FAULT_OK) {
        v->base = mem_text(was->base);
    }
}

static void add_version(struct registry_target *t, const struct registry_target *was, const json_t *doc)
{
    struct registry_target *v;

    if (!wants_version(t, was->adapter)) {
        return;
    }
    t->versions = mem_grow(t->versions, (t->version_count + 1) * sizeof(*t->versions));
    v = &t->versions[t->version_count++];
    *v = *t;
    v->adapter = adapter_keep(was->adapter);
    v->versions = NULL;
    v->version_count = 0;
    version_settle(v, was, doc);
}

static void add_versions(struct registry_target *t, const struct registry_target *was, const json_t *doc)
{
    add_version(t, was, doc);
    for (size_t i = 0; i < was->version_count; i++) {
        add_version(t, &was->versions[i], doc);
    }
}

/* ---- targets that are gone ---- */

/* The secret that a key of that id has now, or had. */
static char *secret_now(const struct config *config, const char *pool, const struct registry_key *was)
{
    json_t *key;
    size_t i;

    json_array_foreach(json_object_get(config->keys, pool), i, key)
    {
        const char *id = json_string_value(json_object_get(key, "id"));
        char *secret = id && !strcmp(id, was->id) ? registry_key_secret(key) : NULL;
        if (secret && *secret) {
            return secret;
        }
        free(secret);
    }
    return mem_text(was->secret);
}

static struct adapter *find_same(struct registry_model *const *models, size_t n, const struct adapter *a)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(adapter_digest(models[i]->target.adapter), adapter_digest(a))) {
            return models[i]->target.adapter;
        }
    }
    return NULL;
}

/* One compiled adapter of a digest is enough for all. */
static struct adapter *keep_same(const struct registry *r, struct adapter *a)
{
    struct adapter *same = find_same(r->models, r->count, a);

    same = same ? same : find_same(r->retired, r->retired_count, a);
    return adapter_keep(same ? same : a);
}

static struct registry_model *retire(const struct registry *r, const struct registry_model *was,
                                     const struct config *config)
{
    struct registry_model *m = mem_new(sizeof(*m));
    const struct registry_target *from = &was->target;
    struct registry_target *t = &m->target;

    *m = (struct registry_model){
        .name = mem_text(was->name), .lane = mem_text(was->lane), .deadline_ms = was->deadline_ms};
    *t = (struct registry_target){.name = mem_text(from->name),
                                  .adapter = keep_same(r, from->adapter),
                                  .vendor_model = mem_text(from->vendor_model),
                                  .base = mem_text(from->base),
                                  .options = json_deep_copy(from->options),
                                  .unsupported = mem_text(from->unsupported),
                                  .pool = mem_text(from->pool),
                                  .token = mem_text(from->token),
                                  .keys = mem_new((from->key_count + 1) * sizeof(*t->keys)),
                                  .key_count = from->key_count};
    memcpy(t->mark, from->mark, sizeof(t->mark));
    for (size_t i = 0; i < from->key_count; i++) {
        struct registry_key *key = &t->keys[i];
        key->id = mem_text(from->keys[i].id);
        key->secret = secret_now(config, from->pool, &from->keys[i]);
        key->account = account_name(from->pool, key->id, key->secret);
    }
    add_versions(t, from, NULL);
    return m;
}

/* Whether a task that was submitted to the target of was finds it no more. */
static bool is_gone(const struct registry *r, const struct registry_model *was)
{
    return r->retired_count < RETIRED_KEPT && !registry_target_of(r, was->name, was->target.name);
}

static void retire_all(struct registry *r, struct registry_model *const *models, size_t n,
                       const struct config *config)
{
    for (size_t i = 0; i < n; i++) {
        if (is_gone(r, models[i])) {
            struct registry_model *m = retire(r, models[i], config);
            r->retired = mem_grow(r->retired, (r->retired_count + 1) * sizeof(struct registry_model *));
            r->retired[r->retired_count++] = m;
        }
    }
}

void registry_keep_past(struct registry *r, const struct registry *before, const struct config *config)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct registry_model *m = registry_model(before, r->models[i]->name);
        if (m) {
            add_versions(&r->models[i]->target, &m->target, json_object_get(config->models, m->name));
        }
    }
    retire_all(r, before->models, before->count, config);
    retire_all(r, before->retired, before->retired_count, config);
}
