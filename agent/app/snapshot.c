/* snapshot.c - all that a configuration says, read whole or not at all. */
#include "app/snapshot.h"

#include "app/changes.h"

static enum fault change_models(const struct snapshot_in *in, struct config *config)
{
    const json_t *text = json_object_get(in->changes, CHANGES_MODELS);
    char name[64];

    if (!text) {
        return FAULT_OK;
    }
    changes_name(CHANGES_MODELS, name, sizeof(name));
    return config_change_models(config, name,
                                (struct slice){json_string_value(text), json_string_length(text)},
                                in->complain, in->arg);
}

enum fault snapshot_read(const struct snapshot_in *in, struct config **ret_config,
                         struct registry **ret_registry)
{
    struct config *config = NULL;
    enum fault fault = config_read(in->file, in->complain, in->arg, &config);

    fault = fault ? fault : change_models(in, config);
    if (!fault) {
        const struct registry_in what = {.config = config,
                                         .changes = in->changes,
                                         .before = in->before,
                                         .no_secrets = in->no_secrets,
                                         .complain = in->complain,
                                         .arg = in->arg};
        fault = registry_build(&what, ret_registry);
    }
    if (fault) {
        config_free(&config);
    }
    *ret_config = config;
    return fault;
}
