/* cmd_dev.c - `sluice dev`: everything on this machine, started and ended together. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/dev_parts.h"
#include "cli/interrupt.h"
#include "cli/print.h"

#define SETTLE_MS 10000

/* The folder, locked for this process: two at once would share one socket and one store. */
static int open_folder(struct cli *c, char **ret_folder, int *ret_lock)
{
    const char *told = options_text(&c->options, 'd', NULL);
    AUTO(auto_free) char *wanted = told ? mem_text(told) : dev_files_default();

    if (!wanted) {
        return cli_usage(c, "HOME is not set; name a folder with --dir");
    }
    if (!dev_files_make(wanted) || !(*ret_folder = realpath(wanted, NULL))) {
        return cli_fail(c, "%s cannot be made: %s", wanted, strerror(errno));
    }
    if (strlen(*ret_folder) + strlen("/agent.sock") > LIMIT_SOCKET_PATH_CHARS) {
        return cli_fail(c, "%s is too long for a socket in it; name another folder with --dir", *ret_folder);
    }
    AUTO(auto_free) char *lock = mem_printf("%s/lock", *ret_folder);
    *ret_lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*ret_lock == -1) {
        return cli_fail(c, "%s: %s", lock, strerror(errno));
    }
    if (flock(*ret_lock, LOCK_EX | LOCK_NB)) {
        return cli_fail(c, "`sluice dev` runs in %s already; its socket is %s/agent.sock", *ret_folder,
                        *ret_folder);
    }
    return CLI_DONE;
}

/* Settings in the shell's environment are for other agents than this one. */
static void forget_settings(void)
{
    char **e = environ;

    while (e && *e) {
        if (strncmp(*e, "SLUICE_", 7) != 0) {
            e++;
            continue;
        }
        AUTO(auto_free) char *name = mem_textn(*e, strcspn(*e, "="));
        unsetenv(name);
        e = environ; /* it was moved */
    }
}

static void tell_ready(const struct dev_parts *d)
{
    const char *folder = d->files.folder;

    if (d->cli->json) {
        AUTO(auto_free) char *socket = mem_printf("%s/agent.sock", folder);
        json_t *ready =
            json_pack("{s:s,s:s,s:i,s:i,s:i}", "socket", socket, "folder", folder, "nats_port",
                      d->files.nats_port, "simulator_port", d->files.sim_port, "admin_port", d->admin_port);
        print_json_line(ready);
        json_decref(ready);
        return;
    }
    printf("Ready. Everything is kept in %s\n\n"
           "  socket     %s/agent.sock\n"
           "  NATS       nats://127.0.0.1:%d\n"
           "  simulator  http://127.0.0.1:%d\n"
           "  metrics    http://127.0.0.1:%d/metrics\n\n",
           folder, folder, d->files.nats_port, d->files.sim_port, d->admin_port);
    printf("Try in another terminal:\n\n"
           "  export SLUICE_SOCKET=%s/agent.sock\n"
           "  %s run gpt-image-2 -f prompt='a lock on a canal at dawn' -o canal.png\n"
           "  %s run sora-2 -f prompt='water runs out of the lock' -f duration_s=4 -o lock.mp4\n\n"
           "Ctrl-C ends all of it. Tasks and results are kept for the next start.\n",
           folder, d->self, d->self);
    fflush(stdout);
}

/* Some task is with the simulator. An agent that does not answer has none that could be waited for. */
static bool is_busy(struct client *client)
{
    const struct client_request request = {
        .method = "GET", .path = "/v1/tasks?status=in_progress&limit=1", .timeout_ms = 2000};
    struct client_answer answer;
    bool busy = false;

    if (client_do(client, &request, &answer, NULL) == FAULT_OK && answer.status == 200) {
        struct slice text = buf_slice(&answer.body);
        json_t *list = json_loadb(text.p, text.n, 0, NULL);
        busy = json_array_size(json_object_get(list, "data")) > 0;
        json_decref(list);
    }
    client_answer_done(&answer);
    return busy;
}

/* Vendors remember what they were given, the simulator does not: what is with it now may end first. */
static void wait_for_tasks(const struct dev_parts *d)
{
    const struct timespec pause = {0, 200 * 1000000};
    AUTO(auto_free) char *socket = mem_printf("%s/agent.sock", d->files.folder);
    struct client *client = client_new(socket);
    int64_t end = clock_mono_ms() + SETTLE_MS;

    fprintf(stderr, "\nending; tasks under way may end first (Ctrl-C again: at once)\n");
    while (is_busy(client) && clock_mono_ms() < end) {
        nanosleep(&pause, NULL);
    }
    client_free(&client);
}

static int run_parts(struct dev_parts *d)
{
    int code = dev_parts_find(d);

    forget_settings();
    interrupt_catch();
    code = code ? code : dev_parts_start(d);
    if (!code) {
        tell_ready(d);
        code = dev_parts_wait(d);
        if (!code) {
            wait_for_tasks(d);
        }
    }
    dev_parts_stop(d);
    return code;
}

static int run_dev(struct cli *c)
{
    struct dev_parts d = {.cli = c};
    char *folder = NULL;
    int lock = -1;
    int code = open_folder(c, &folder, &lock);

    d.files.folder = folder;
    code = code ? code : run_parts(&d);
    dev_parts_done(&d);
    if (lock != -1) {
        close(lock);
    }
    free(folder);
    return code;
}

static const struct options_row rows[] = {
    {'d', "dir", "DIR", "where it keeps its state (default: ~/.local/state/sluice)"}, {0, NULL, NULL, NULL}};

const struct command cmd_dev = {
    .name = "dev",
    .words = "[--dir DIR]",
    .summary = "start NATS, a vendor simulator and an agent on this machine, for trying things",
    .more = "Needs no keys and costs nothing: the simulator answers as the vendors do, with real media. The "
            "configuration it writes\n"
            "(DIR/sluice.yaml) has a few models; a copy of it with more, and `sluice agent`, try the other "
            "adapters. Logs are in DIR.\n",
    .rows = rows,
    .without = "s",
    .run = run_dev,
};
