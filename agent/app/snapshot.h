/* snapshot.h - all that a configuration says, read whole or not at all: the file, what was changed while
 * running, the adapters and the keys. */
#ifndef APP_SNAPSHOT_H
#define APP_SNAPSHOT_H

#include "app/config.h"
#include "app/registry.h"

/* What to read. Everything is borrowed. */
struct snapshot_in {
    const char *file;        /* NULL: defaults and the environment */
    const json_t *changes;   /* {key: text} as app/changes.h has them; NULL: none */
    struct registry *before; /* whose adapters tasks under way may need; NULL: none */
    bool no_secrets;         /* do not ask for the keys' variables and files */
    config_complain_fn *complain;
    void *arg;
};

/* snapshot_read - every mistake is told to complain. Any thread. Faults: CONFIG: nothing was made. */
enum fault snapshot_read(const struct snapshot_in *in, struct config **ret_config,
                         struct registry **ret_registry) MUSTCHECK;

#endif
