/* cmd_setup.c - `sluice setup`: makes the streams, consumers and buckets, or verifies that they are there. */
#include <stdio.h>

#include "app/setup.h"
#include "cli/direct.h"
#include "cli/print.h"

enum { VERIFY = 256, TIMEOUT };

struct making {
    struct direct direct;
    struct setup *setup; /* NULL when it is over */
    json_t *lines;       /* with --json */
};

static void on_line(void *arg, const char *line)
{
    struct making *m = arg;

    if (m->direct.cli->json) {
        json_array_append_new(m->lines, json_string(line));
    } else {
        printf("%s\n", line);
    }
}

static void on_done(void *arg, enum fault fault, const char *text)
{
    struct making *m = arg;
    struct cli *c = m->direct.cli;

    m->setup = NULL;
    if (!fault && !c->json) {
        printf("%s\n", text);
    }
    direct_end(&m->direct, fault ? cli_fail(c, "%s", text) : CLI_DONE);
}

static void make(struct making *m)
{
    struct direct *d = &m->direct;
    bool create = !options_has(&d->cli->options, VERIFY);

    m->setup = setup_run(d->bus, d->loop, d->config, create, on_line, on_done, m);
    direct_run(d, NULL, NULL);
    setup_stop(&m->setup);
}

static int run_setup(struct cli *c)
{
    struct making m = {.direct = {.cli = c, .timeout_ms = 60000}};
    struct note note = {0};

    if (options_ms(&c->options, c->rows, TIMEOUT, &m.direct.timeout_ms, &note)) {
        return cli_usage(c, "%s", note.text);
    }
    m.lines = json_array();
    if (direct_open(&m.direct, options_text(&c->options, 'c', NULL), "sluice-setup")) {
        make(&m);
        if (c->json) {
            print_json(m.lines);
        }
    }
    json_decref(m.lines);
    direct_close(&m.direct);
    return m.direct.code;
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
