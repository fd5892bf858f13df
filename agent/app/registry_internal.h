/* registry_internal.h - the insides of a snapshot, for who builds it and who answers from it. */
#ifndef APP_REGISTRY_INTERNAL_H
#define APP_REGISTRY_INTERNAL_H

#include <stdatomic.h>

#include "app/registry.h"
#include "base/map.h"

struct registry {
    atomic_int refs;
    struct map *adapters; /* name -> struct adapter, those that were read */
    struct map *by_name;  /* model name -> struct registry_model */
    struct registry_model **models;
    size_t count;
    struct registry_model **retired; /* those whose targets tasks under way may need, and nobody else */
    size_t retired_count;
    struct config_list lanes;
};

/* registry_key_secret - what the key's variable or file holds; NULL when it is not there. Caller frees. */
char *registry_key_secret(const json_t *key);

/* registry_keep_past - takes over from before what tasks under way need and r has not got. */
void registry_keep_past(struct registry *r, const struct registry *before, const struct config *config);

#endif
