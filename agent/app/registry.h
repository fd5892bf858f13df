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
};

/* Where a model's tasks go: adapter, the vendor's model name, base URL, keys. */
struct registry_target {
    char *name; /* "<adapter>/<vendor model>" */
    struct adapter *adapter;
    char *vendor_model;
    char *base; /* NULL: the adapter's */
    struct registry_key *keys;
    size_t key_count;
};

struct registry_model {
    char *name;
    char *lane;
    int64_t deadline_ms;
    struct registry_target target;
};

/* registry_build - reads adapter directories and key sources, compiles the adapters that models name. Every
 * mistake is told to complain. Any thread. Faults: CONFIG: nothing was made. */
enum fault registry_build(const struct config *config, config_complain_fn *complain, void *arg,
                          struct registry **ret_registry) MUSTCHECK;
struct registry *registry_keep(struct registry *r);
void registry_drop(struct registry **r);

/* registry_model - by the name an app asks for, or NULL. */
const struct registry_model *registry_model(const struct registry *r, const char *name);
size_t registry_count(const struct registry *r);
const struct registry_model *registry_at(const struct registry *r, size_t i);

/* registry_target_find - the target of that name (for a task submitted earlier), or NULL. */
const struct registry_target *registry_target_find(const struct registry *r, const char *name);
/* registry_target_of - the same for a task of that model: several models may have targets of one name, each
 * with its own keys and base. */
const struct registry_target *registry_target_of(const struct registry *r, const char *model,
                                                 const char *name);
const struct registry_key *registry_key_find(const struct registry_target *t, const char *id);
/* registry_key_pick - the key for a new submission: in turn, by counter. */
const struct registry_key *registry_key_pick(const struct registry_target *t, uint64_t counter);

/* registry_serves - this agent can carry out a task of the model on that lane. registry_lanes - the lanes of
 * its models, without repeats; the list lives as long as the snapshot. */
const struct config_list *registry_lanes(const struct registry *r);

#endif
