/* cli.c - finds the command, reads its options, runs it; help and version. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/print.h"

#define DEFAULT_SOCKET "/run/sluice/agent.sock"

static const struct command *const commands[] = {
    &cmd_agent,  &cmd_run,    &cmd_submit, &cmd_get,     &cmd_watch, &cmd_cancel,
    &cmd_list,   &cmd_output, &cmd_models, &cmd_health,  &cmd_dev,   &cmd_setup,
    &cmd_config, &cmd_dead,   &cmd_fleet,  &cmd_breaker, &cmd_check, &cmd_try,
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct options_row common[] = {
    {'s', "socket", "PATH", "the agent's socket (SLUICE_SOCKET; default " DEFAULT_SOCKET ")"},
    {'j', "json", NULL, "print JSON instead of text for people"},
    {'h', "help", NULL, "this text"},
    {0, NULL, NULL, NULL},
};

/* ---- help ---- */

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (!strcmp(commands[i]->name, name)) {
            return commands[i];
        }
    }
    return NULL;
}

static void help_all(FILE *out)
{
    fprintf(out, "usage: sluice COMMAND [options] …\n\n"
                 "Sluice hands generative media work to vendors: durably, once, by a fleet of agents.\n\n");
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
    }
    fprintf(out, "  %-9s %s\n  %-9s %s\n", "help", "this text, or that of a command: sluice help COMMAND",
            "version", "the version");
    fprintf(out, "\nOptions of all commands that talk to an agent:\n");
    print_options(out, common);
    fprintf(out, "\nExit codes: 0 done, 1 failed, 2 usage, 3 not reachable.\n"
                 "New here? `sluice dev` starts everything on this machine.\n");
}

static void print_usage(FILE *out, const struct command *command)
{
    fprintf(out, "usage: sluice %s%s%s\n", command->name, *command->words ? " " : "", command->words);
}

static void help_command(FILE *out, const struct command *command, const struct options_row *rows)
{
    print_usage(out, command);
    fprintf(out, "\n%s\n", command->summary);
    if (command->more) {
        fprintf(out, "\n%s", command->more);
    }
    fprintf(out, "\nOptions:\n");
    print_options(out, rows);
}

static bool is_without(const struct command *command, int letter)
{
    return command->without && strchr(command->without, letter);
}

/* The command's rows and the common ones that it takes, in one list that ends with letter 0. */
static void join_rows(const struct command *command, struct options_row *out)
{
    size_t n = 0;

    for (const struct options_row *r = command->rows; r && r->letter && n < OPTIONS_ROWS; r++) {
        out[n++] = *r;
    }
    for (const struct options_row *r = common; r->letter && n < OPTIONS_ROWS; r++) {
        if (!is_without(command, r->letter)) {
            out[n++] = *r;
        }
    }
    out[n] = (struct options_row){0, NULL, NULL, NULL};
}

static int help(const char *name)
{
    struct options_row rows[OPTIONS_ROWS + 1];
    const struct command *command = name ? command_find(name) : NULL;

    if (!name) {
        help_all(stdout);
        return CLI_DONE;
    }
    if (!command) {
        fprintf(stderr, "sluice: there is no command %s; `sluice help` lists them all\n", name);
        return CLI_USAGE;
    }
    join_rows(command, rows);
    help_command(stdout, command, rows);
    return CLI_DONE;
}

/* ---- errors ---- */

int cli_usage(const struct cli *c, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    print_complaint(c, format, ap);
    va_end(ap);
    print_usage(stderr, c->command);
    fprintf(stderr, "`sluice help %s` says more\n", c->command->name);
    return CLI_USAGE;
}

int cli_fail(const struct cli *c, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    print_complaint(c, format, ap);
    va_end(ap);
    return CLI_FAILED;
}

/* ---- running ---- */

static const char *default_socket(void)
{
    const char *env = getenv("SLUICE_SOCKET");

    return env && *env ? env : DEFAULT_SOCKET;
}

static int run_command(struct cli *c, int argc, char **argv)
{
    struct note note = {0};

    if (options_read(c->rows, argc, argv, &c->options, &note)) {
        return cli_usage(c, "%s", note.text);
    }
    if (options_has(&c->options, 'h')) {
        help_command(stdout, c->command, c->rows);
        return CLI_DONE;
    }
    size_t words = c->options.rest_count;
    if (words < c->command->min) {
        return cli_usage(c, words ? "something is missing behind %s" : "something is missing%s",
                         words ? c->options.rest[words - 1] : "");
    }
    if (words > c->command->max) {
        return cli_usage(c, "what is \"%s\"?", c->options.rest[c->command->max]);
    }
    c->socket = options_text(&c->options, 's', c->socket);
    c->json = c->json || options_has(&c->options, 'j');
    c->client = is_without(c->command, 's') ? NULL : client_new(c->socket);
    int code = c->command->run(c);
    client_free(&c->client);
    /* What was printed must have gone out: a full disk or a closed pipe is a failure, not a success. */
    return fflush(stdout) && code == CLI_DONE ? cli_fail(c, "the output cannot be written") : code;
}

/* Options before the command, as git has them: those that are common. Gives how many words they are, or -1.
 */
static int lead_options(struct cli *c, int argc, char **argv)
{
    int n = 0;

    while (n < argc && argv[n][0] == '-') {
        if ((!strcmp(argv[n], "-s") || !strcmp(argv[n], "--socket")) && n + 1 < argc) {
            c->socket = argv[n + 1];
            n += 2;
        } else if (!strncmp(argv[n], "--socket=", 9)) {
            c->socket = argv[n++] + 9;
        } else if (!strcmp(argv[n], "-j") || !strcmp(argv[n], "--json")) {
            c->json = true;
            n++;
        } else {
            return -1;
        }
    }
    return n;
}

/* help and version, in all the ways that people try. */
static int run_word(int argc, char **argv, bool *ret_done)
{
    const char *word = argv[0];

    *ret_done = true;
    if (!strcmp(word, "help") || !strcmp(word, "--help") || !strcmp(word, "-h")) {
        return help(argc > 1 ? argv[1] : NULL);
    }
    if (!strcmp(word, "version") || !strcmp(word, "--version") || !strcmp(word, "-V")) {
        printf("sluice %s\n", SLUICE_VERSION);
        return CLI_DONE;
    }
    *ret_done = false;
    return CLI_DONE;
}

int cli_main(int argc, char **argv)
{
    struct options_row rows[OPTIONS_ROWS + 1];
    struct cli c = {.rows = rows, .socket = default_socket()};
    bool done = false;

    if (argc < 2) {
        help_all(stderr);
        return CLI_USAGE;
    }
    int code = run_word(argc - 1, argv + 1, &done);
    if (done) {
        return code;
    }
    int lead = lead_options(&c, argc - 1, argv + 1);
    if (lead < 0 || lead + 1 >= argc) {
        fprintf(stderr, "sluice: a command is missing%s%s; `sluice help` lists them all\n",
                lead < 0 ? " before " : "", lead < 0 ? argv[1] : "");
        return CLI_USAGE;
    }
    argc -= lead + 1;
    argv += lead + 1;
    c.command = command_find(argv[0]);
    if (!c.command) {
        return help(argv[0]);
    }
    join_rows(c.command, rows);
    code = run_command(&c, argc, argv);
    options_done(&c.options);
    return code;
}
