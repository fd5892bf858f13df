/* dev_parts.h - the programs that `sluice dev` runs: NATS, the simulator, an agent. */
#ifndef CLI_DEV_PARTS_H
#define CLI_DEV_PARTS_H

#include "cli/child.h"
#include "cli/cli.h"
#include "cli/dev_files.h"

struct dev_parts {
    struct cli *cli;
    struct dev_files files;               /* folder and adapters are set before; ports by starting */
    char *self, *nats_server, *simulator; /* programs; owned */
    struct child nats, sim, agent;
    int admin_port;
};

/* dev_parts_find - finds the programs and the adapters. dev_parts_start - starts one after the other, each
 * when the one before is ready; makes the streams. dev_parts_stop - ends those that run, the agent first.
 * Exit codes; what went wrong was told. */
int dev_parts_find(struct dev_parts *d);
int dev_parts_start(struct dev_parts *d);
void dev_parts_stop(struct dev_parts *d);
void dev_parts_done(struct dev_parts *d);

/* dev_parts_wait - until Ctrl-C (CLI_DONE) or until one of them ends by itself (CLI_FAILED, and told). */
int dev_parts_wait(struct dev_parts *d);

#endif
