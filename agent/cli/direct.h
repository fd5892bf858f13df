/* direct.h - a command that talks to NATS itself, without an agent: connects, runs, ends in time. */
#ifndef CLI_DIRECT_H
#define CLI_DIRECT_H

#include "app/config.h"
#include "base/log.h"
#include "cli/cli.h"
#include "edge/bus.h"
#include "edge/loop.h"

/* Told once NATS is reached. */
typedef void direct_begin_fn(void *arg);

/* What such a command works with. Zero-initialised but for cli and timeout_ms. */
struct direct {
    struct cli *cli;
    int64_t timeout_ms; /* for everything */
    int64_t connect_ms; /* to reach NATS; 0: all of the time */
    struct config *config;
    struct log *log;
    struct loop *loop;
    struct bus *bus;
    struct timer late, away;
    direct_begin_fn *begin; /* NULL: begun, or nothing to begin */
    void *arg;
    int code; /* the exit code; CLI_FAILED until somebody says otherwise */
};

/* direct_open - reads the configuration (file NULL: defaults and the environment) and begins to connect as
 * name. False: it was told why, and code is set. direct_close releases, in any case. */
bool direct_open(struct direct *d, const char *file, const char *name);
void direct_close(struct direct *d);

/* direct_run - runs the loop until direct_end, or until the time is over, which is told. begin (may be NULL)
 * is called once, as soon as NATS is reached. */
void direct_run(struct direct *d, direct_begin_fn *begin, void *arg);
void direct_end(struct direct *d, int code);

/* direct_complain - a config_complain_fn that writes file:line:column and the text to stderr. */
void direct_complain(void *arg, const char *file, int line, int column, const char *text);

#endif
