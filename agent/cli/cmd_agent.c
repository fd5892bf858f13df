/* cmd_agent.c - `sluice agent`: the sidecar itself. */
#include "app/agent.h"
#include "cli/cli.h"

static int run_agent(struct cli *c)
{
    return agent_run(options_text(&c->options, 'c', NULL)) ? CLI_FAILED : CLI_DONE;
}

static const struct options_row rows[] = {
    {'c', "config", "FILE", "the configuration: docs/configuration.md lists the settings"},
    {0, NULL, NULL, NULL},
};

const struct command cmd_agent = {
    .name = "agent",
    .words = "-c FILE",
    .summary = "run the sidecar",
    .more = "Logs JSON lines on stderr. SIGTERM finishes or hands over what it holds, then ends; SIGHUP "
            "reads the\n"
            "configuration again.\n",
    .rows = rows,
    .without = "sj",
    .run = run_agent,
};
