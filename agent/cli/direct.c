/* direct.c - a command that talks to NATS itself, without an agent. */
#include "cli/direct.h"

#include <stdio.h>
#include <unistd.h>

#include "app/connect.h"
#include "base/auto.h"
#include "cli/print.h"

void direct_complain(void *arg, const char *file, int line, int column, const char *text)
{
    (void)arg;
    print_mistake(file, line, column, text);
}

bool direct_open(struct direct *d, const char *file, const char *name)
{
    struct note note = {0};

    d->code = CLI_FAILED;
    if (config_read(file, direct_complain, NULL, &d->config)) {
        return false;
    }
    d->log = log_new(STDERR_FILENO, LOG_ERROR);
    d->loop = loop_new();
    if (!d->loop) {
        cli_fail(d->cli, "no more file descriptors");
        return false;
    }
    if (connect_bus(d->loop, d->log, d->config, name, &d->bus, &note)) {
        cli_fail(d->cli, "%s", note.text);
        return false;
    }
    return true;
}

void direct_close(struct direct *d)
{
    timer_stop(&d->late);
    timer_stop(&d->away);
    bus_free(&d->bus);
    loop_free(&d->loop);
    log_free(&d->log);
    config_free(&d->config);
}

static void tell_away(struct direct *d)
{
    cli_fail(d->cli, "NATS cannot be reached at %s", d->config->nats_url);
    fprintf(stderr, "start it, or correct nats.url (or SLUICE_NATS_URL)\n");
    direct_end(d, CLI_AWAY);
}

static void on_late(struct timer *t)
{
    struct direct *d = container_of(t, struct direct, late);

    if (bus_up(d->bus)) {
        cli_fail(d->cli, "NATS did not answer everything in time; look at its log, then run this again");
        direct_end(d, CLI_FAILED);
    } else {
        tell_away(d);
    }
}

static void on_away(struct timer *t)
{
    struct direct *d = container_of(t, struct direct, away);

    if (!bus_up(d->bus)) {
        tell_away(d);
    }
}

static void on_bus(void *arg, bool up)
{
    struct direct *d = arg;
    direct_begin_fn *begin = d->begin;

    if (up && begin) {
        d->begin = NULL;
        begin(d->arg);
    }
}

void direct_run(struct direct *d, direct_begin_fn *begin, void *arg)
{
    d->begin = begin;
    d->arg = arg;
    bus_watch(d->bus, on_bus, d);
    timer_start(d->loop, &d->late, d->timeout_ms, on_late);
    if (d->connect_ms) {
        timer_start(d->loop, &d->away, d->connect_ms, on_away);
    }
    loop_run(d->loop);
    timer_stop(&d->late);
    timer_stop(&d->away);
}

void direct_end(struct direct *d, int code)
{
    d->code = code;
    loop_stop(d->loop);
}
