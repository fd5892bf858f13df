/* cli.h - the commands: their table, what each of them is given, how they end. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "cli/options.h"
#include "edge/client.h"

/* Exit codes. */
enum { CLI_DONE, CLI_FAILED, CLI_USAGE, CLI_AWAY };

struct command;

/* What a command is given. */
struct cli {
    const struct command *command;
    const struct options_row *rows; /* the command's options and the common ones */
    struct options options;         /* words: without the command's name */
    const char *socket;
    bool json;
    struct client *client; /* NULL when the command takes no socket */
};

struct command {
    const char *name;
    const char *words;   /* what stands behind the name, for the usage line */
    const char *summary; /* one line for the list of commands */
    const char *more;    /* sentences and examples for its own help; may be NULL */
    const struct options_row *rows;
    size_t min, max;     /* how many words it takes */
    const char *without; /* the common options that it does not take, by letter; NULL: it takes all */
    int (*run)(struct cli *c);
};

/* The commands, each in the file of its name (cmd_tasks.c: those that show or end one task). */
extern const struct command cmd_agent, cmd_run, cmd_submit, cmd_get, cmd_watch, cmd_cancel, cmd_list,
    cmd_output, cmd_models, cmd_health, cmd_check, cmd_try, cmd_setup, cmd_dev, cmd_config, cmd_dead,
    cmd_fleet, cmd_breaker;

/* cli_main - runs the command that argv[1] names. Gives the process's exit code. */
int cli_main(int argc, char **argv);

/* cli_usage - tells what is wrong with the command line and how it should be. Gives CLI_USAGE. */
int cli_usage(const struct cli *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* cli_fail - tells what went wrong. Gives CLI_FAILED. */
int cli_fail(const struct cli *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
