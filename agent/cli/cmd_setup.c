/* cmd_setup.c - `sluice setup`: makes the streams, consumers and buckets, or verifies that they are there. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/config.h"
#include "app/connect.h"
#include "app/setup.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/print.h"

enum { VERIFY = 256, TIMEOUT };

struct making {
    struct cli *cli;
    struct config *config;
    struct log *log;
    struct loop *loop;
    struct bus *bus;
    struct setup *setup; /* NULL when it is over */
    struct timer late;
    int64_t timeout_ms;
    json_t *lines; /* with --json */
    int code;
};

static void complain(void *arg, const char *file, int line, int column, const char *text)
{
    (void)arg;
    if (line > 0) {
        fprintf(stderr, "%s:%d:%d: %s\n", file, line, column, text);
    } else {
        fprintf(stderr, "%s: %s\n", file, text);
    }
}

static void on_line(void *arg, const char *line)
{
    struct making *m = arg;

    if (m->cli->json) {
        json_array_append_new(m->lines, json_string(line));
    } else {
        printf("%s\n", line);
    }
}

static void on_done(void *arg, enum fault fault, const char *text)
{
    struct making *m = arg;

    m->setup = NULL;
    m->code = fault ? cli_fail(m->cli, "%s", text) : CLI_DONE;
    if (!fault && !m->cli->json) {
        printf("%s\n", text);
    }
    loop_stop(m->loop);
}

static void on_late(struct timer *t)
{
    struct making *m = container_of(t, struct making, late);

    if (bus_up(m->bus)) {
        m->code =
            cli_fail(m->cli, "NATS did not answer everything in time; look at its log, then run this again");
    } else {
        cli_fail(m->cli, "NATS cannot be reached at %s", m->config->nats_url);
        fprintf(stderr, "start it, or correct nats.url (or SLUICE_NATS_URL)\n");
        m->code = CLI_AWAY;
    }
    loop_stop(m->loop);
}

static void make(struct making *m)
{
    struct note note = {0};

    if (connect_bus(m->loop, m->log, m->config, "sluice-setup", &m->bus, &note)) {
        m->code = cli_fail(m->cli, "%s", note.text);
        return;
    }
    m->setup =
        setup_run(m->bus, m->loop, m->config, !options_has(&m->cli->options, VERIFY), on_line, on_done, m);
    timer_start(m->loop, &m->late, m->timeout_ms, on_late);
    loop_run(m->loop);
    timer_stop(&m->late);
    setup_stop(&m->setup);
}

static void clean_up(struct making *m)
{
    bus_free(&m->bus);
    loop_free(&m->loop);
    log_free(&m->log);
    config_free(&m->config);
    json_decref(m->lines);
}

static int run_setup(struct cli *c)
{
    struct making m = {.cli = c, .timeout_ms = 60000, .code = CLI_FAILED};
    struct note note = {0};

    if (options_ms(&c->options, c->rows, TIMEOUT, &m.timeout_ms, &note)) {
        return cli_usage(c, "%s", note.text);
    }
    if (config_read(options_text(&c->options, 'c', NULL), complain, NULL, &m.config)) {
        return CLI_FAILED;
    }
    m.lines = json_array();
    m.log = log_new(STDERR_FILENO, LOG_ERROR);
    m.loop = loop_new();
    if (m.loop) {
        make(&m);
    }
    if (c->json) {
        print_json(m.lines);
    }
    clean_up(&m);
    return m.code;
}

static const struct options_row rows[] = {
    {'c', "config", "FILE", "the agent's configuration: NATS, lanes, sizes, replicas"},
    {VERIFY, "verify", NULL, "make nothing; say whether all is there as configured"},
    {TIMEOUT, "timeout", "TIME", "how long to wait for NATS (60s)"},
    {0, NULL, NULL, NULL},
};

const struct command cmd_setup = {
    .name = "setup",
    .words = "[-c FILE] [--verify]",
    .summary = "create the streams, consumers and buckets in NATS, or verify them",
    .more = "What is there already is compared and never altered. Exit code 1: something differs; 3: NATS "
            "does not answer.\n",
    .rows = rows,
    .without = "s",
    .run = run_setup,
};
