/* registry.h - a snapshot of what this agent can serve: models, their targets, adapters and keys. All or
 * none.
 *
 * Built from a configuration on any thread, immutable afterwards, counted: a run keeps the snapshot it began
 * with; a reload makes a new one and swaps. Secrets live here and nowhere else. */
#ifndef APP_REGISTRY_H
#define APP_REGISTRY_H

#include "app/config.h"
#include "core/adapter.h"

struct registry;

/* A vendor account. */
struct registry_key {
    char *id;
    char *secret;
    char *account; /* its name in the fleet's records: core/account.h */
};

/* Where a model's tasks go: adapter, the vendor's model name, base URL, keys. */
struct registry_target {
    char *name; /* "<adapter>/<vendor model>" */
    char *pool;
    char *token;   /* the name as a part of names in the fleet's records */
    char mark[12]; /* of what its keys are used with: core/account.h */
    struct adapter *adapter;
    char *vendor_model;
    char *base;        /* with its options in place */
    json_t *options;   /* {name: text}, complete */
    char *unsupported; /* "ignore", "reject", NULL: as the adapter says */
    struct registry_key *keys;
    size_t key_count;
    struct registry_target
        *versions; /* the same with older versions of the adapter, for tasks under way, each
                      with its own base and options; the rest is borrowed from this one */
    size_t version_count;
};

struct registry_model {
    char *name;
    char *lane;
    int64_t deadline_ms;
    struct registry_target target;
};

/* What to build from. Everything is borrowed. */
struct registry_in {
    const struct config *config;
    const json_t *changes; /* {"adapter.<name>": text, …}: adapters over those of the folders; NULL: none */
    const struct registry *before; /* whose versions of adapters tasks under way may need; NULL: none */
    bool no_secrets;               /* keys have a stand-in, and their variables and files are not asked for */
    config_complain_fn *complain;
    void *arg;
};

/* registry_build - reads adapter folders and key sources, compiles the adapters that models name. Every
 * mistake is told to complain. Any thread. Faults: CONFIG: nothing was made. */
enum fault registry_build(const struct registry_in *in, struct registry **ret_registry) MUSTCHECK;
struct registry *registry_keep(struct registry *r);
void registry_drop(struct registry **r);

/* registry_model - by the name an app asks for, or NULL. */
const struct registry_model *registry_model(const struct registry *r, const char *name);
size_t registry_count(const struct registry *r);
const struct registry_model *registry_at(const struct registry *r, size_t i);

/* registry_target_find - the target of that name (for a task submitted earlier), or NULL. It may be one that
 * no model has any more. */
const struct registry_target *registry_target_find(const struct registry *r, const char *name);
/* registry_target_of - the same for a task of that model: several models may have targets of one name, each
 * with its own keys and base. */
const struct registry_target *registry_target_of(const struct registry *r, const char *model,
                                                 const char *name);
/* registry_target_version - the target with the version of its adapter that has this digest; the target as it
 * is now when digest is NULL or there is no such version here. */
const struct registry_target *registry_target_version(const struct registry_target *t, const char *digest);
const struct registry_key *registry_key_find(const struct registry_target *t, const char *id);
/* registry_serves - this agent can carry out a task of the model on that lane. registry_lanes - the lanes of
 * its models, without repeats; the list lives as long as the snapshot. */
const struct config_list *registry_lanes(const struct registry *r);

#endif
