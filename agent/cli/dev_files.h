/* dev_files.h - the state folder of `sluice dev`: the generated configuration, the ports of the time before.
 */
#ifndef CLI_DEV_FILES_H
#define CLI_DEV_FILES_H

#include <stdbool.h>

#include "base/auto.h"

/* What the generated configuration names. */
struct dev_files {
    const char *folder;
    char *adapters; /* owned by whoever found them */
    int nats_port;
    int sim_port;
};

/* dev_files_config - the configuration as text: every model of the adapters that come along, against the
 * simulator. The caller frees it. */
char *dev_files_config(const struct dev_files *f);

/* dev_files_write - a file of the folder, whole or not at all, for its owner only. False: errno says why. */
bool dev_files_write(const char *folder, const char *name, const char *text);

/* dev_files_port - the number in a file of the folder, or 0. */
int dev_files_port(const char *folder, const char *name);

/* dev_files_default - the folder when none is named: $XDG_STATE_HOME/sluice or ~/.local/state/sluice. The
 * caller frees it; NULL: no home. */
char *dev_files_default(void);

/* dev_files_make - makes the folder with those above it. False: errno says why. */
bool dev_files_make(const char *folder);

#endif
