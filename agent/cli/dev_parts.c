/* dev_parts.c - starts and ends the programs of `sluice dev`. */
#include "cli/dev_parts.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/config.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cli/interrupt.h"
#include "app/places.h"
#include "cli/print.h"

#define START_MS   60000 /* for each of them: a machine may be busy */
#define LOOK_MS    50
#define GRACE_MS   15000
#define JOB_MS     "3000" /* how long the simulator pretends to render */
#define TAIL_LINES 6

static char *in_folder(const struct dev_parts *d, const char *name)
{
    return mem_printf("%s/%s", d->files.folder, name);
}

/* A program's log so far; NULL when there is none. The caller frees it. */
static char *read_log(const struct dev_parts *d, const char *name)
{
    AUTO(auto_free) char *path = mem_printf("%s/%s.log", d->files.folder, name);

    return config_read_text(path, true);
}

static void pause_a_little(void)
{
    const struct timespec pause = {0, LOOK_MS * 1000000};

    nanosleep(&pause, NULL);
}

/* ---- what must be there ---- */

int dev_parts_find(struct dev_parts *d)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self));

    d->self = n > 0 ? mem_textn(self, (size_t)n) : NULL;
    d->nats_server = places_program("nats-server");
    d->simulator = places_program("sluice-sim");
    d->files.adapters = places_adapters();
    if (!d->nats_server) {
        return cli_fail(d->cli,
                        "nats-server is not on the PATH; install it (Debian: apt install nats-server)");
    }
    if (!d->self || !d->simulator) {
        return cli_fail(d->cli, "sluice-sim is neither beside sluice nor on the PATH; `make` builds both");
    }
    if (!d->files.adapters) {
        return cli_fail(d->cli, "no folder with adapters was found; name it in SLUICE_ADAPTERS");
    }
    return CLI_DONE;
}

void dev_parts_done(struct dev_parts *d)
{
    free(d->self);
    free(d->nats_server);
    free(d->simulator);
    free(d->files.adapters);
}

/* ---- starting ---- */

/* The last lines of what a program said, for one that has ended. */
static int tell_end(const struct dev_parts *d, const struct child *child)
{
    AUTO(auto_free) char *text = read_log(d, child->name);
    const char *from = text ? text + strlen(text) : "";

    for (int lines = 0; text && from > text && lines < TAIL_LINES; lines++) {
        const char *end = memrchr(text, '\n', (size_t)(from - text));
        from = end ? end : text;
    }
    cli_fail(d->cli, "%s ended with status %d; its log %s/%s.log ends:", child->name, child->status,
             d->files.folder, child->name);
    fprintf(stderr, "%s\n", *from == '\n' ? from + 1 : from);
    return CLI_FAILED;
}

/* Starts a program and waits until is_up says so. */
static int start(struct dev_parts *d, struct child *child, const char *name, const char *const *argv,
                 bool (*is_up)(struct dev_parts *d))
{
    AUTO(auto_free) char *log = mem_printf("%s/%s.log", d->files.folder, name);
    int64_t end = clock_mono_ms() + START_MS;

    if (!child_start(child, name, argv, log)) {
        return cli_fail(d->cli, "%s cannot be started: %s", name, strerror(errno));
    }
    while (!interrupt_seen() && clock_mono_ms() < end) {
        if (!child_alive(child)) {
            return tell_end(d, child);
        }
        if (is_up(d)) {
            return CLI_DONE;
        }
        pause_a_little();
    }
    return interrupt_seen() ? CLI_FAILED : cli_fail(d->cli, "%s does not get ready; see %s", name, log);
}

static bool nats_is_up(struct dev_parts *d)
{
    static const char listens[] = "Listening for client connections on ";
    AUTO(auto_free) char *text = read_log(d, "nats-server");
    const char *at = text ? strstr(text, listens) : NULL;
    const char *colon = at ? strchr(at + sizeof(listens) - 1, ':') : NULL;

    if (!colon || !strstr(text, "Server is ready")) {
        return false;
    }
    d->files.nats_port = (int)strtol(colon + 1, NULL, 10);
    return d->files.nats_port > 0;
}

static int start_nats(struct dev_parts *d, int port)
{
    AUTO(auto_free) char *store = in_folder(d, "nats");
    AUTO(auto_free) char *number = mem_printf("%d", port ? port : -1);
    const char *const argv[] = {d->nats_server, "-a", "127.0.0.1", "-p", number, "-js", "-sd", store, NULL};

    return start(d, &d->nats, "nats-server", argv, nats_is_up);
}

static bool sim_is_up(struct dev_parts *d)
{
    d->files.sim_port = dev_files_port(d->files.folder, "sim.port");
    return d->files.sim_port > 0;
}

static int start_sim(struct dev_parts *d, int port)
{
    AUTO(auto_free) char *listen = mem_printf("127.0.0.1:%d", port);
    AUTO(auto_free) char *file = in_folder(d, "sim.port");
    const char *const argv[] = {d->simulator, "--listen", listen, "--port-file",
                                file,         "--job-ms", JOB_MS, NULL};

    unlink(file);
    return start(d, &d->sim, "sluice-sim", argv, sim_is_up);
}

/* On the port of the time before, so that what was under way finds it again and addresses that people noted
 * stay good; on any free one when another program has taken it. */
static int start_again(struct dev_parts *d, const char *file, int (*starter)(struct dev_parts *d, int port))
{
    int port = dev_files_port(d->files.folder, file);
    int code = starter(d, port);

    if (code && port && !interrupt_seen()) {
        fprintf(stderr, "again, on another port\n");
        code = starter(d, 0);
    }
    return code;
}

/* `sluice setup` as a program of its own, so that its output is kept like that of the others. */
static int make_streams(struct dev_parts *d, const char *config)
{
    const char *const argv[] = {d->self, "setup", "-c", config, NULL};
    AUTO(auto_free) char *log = in_folder(d, "setup.log");
    struct child setup;

    if (!child_start(&setup, "setup", argv, log)) {
        return cli_fail(d->cli, "setup cannot be started: %s", strerror(errno));
    }
    while (child_alive(&setup) && !interrupt_seen()) {
        pause_a_little();
    }
    child_stop(&setup, GRACE_MS);
    return setup.status && !interrupt_seen() ? tell_end(d, &setup) : setup.status ? CLI_FAILED : CLI_DONE;
}

/* The agent says in its log that it is ready, and which port metrics are on. */
static bool agent_is_up(struct dev_parts *d)
{
    AUTO(auto_free) char *text = read_log(d, "agent");
    struct slice rest = slice_of(text), line;
    bool ready = false;

    while (slice_cut(&rest, '\n', &line)) {
        json_t *entry = json_loadb(line.p, line.n, 0, NULL);
        const char *event = json_string_value(json_object_get(entry, "event"));
        ready = ready || (event && !strcmp(event, "ready"));
        if (event && !strcmp(event, "admin port")) {
            d->admin_port = (int)json_integer_value(json_object_get(entry, "port"));
        }
        json_decref(entry);
    }
    return ready;
}

static int start_agent(struct dev_parts *d)
{
    AUTO(auto_free) char *config = in_folder(d, "sluice.yaml");
    AUTO(auto_free) char *text = dev_files_config(&d->files);
    AUTO(auto_free) char *port = mem_printf("%d\n", d->files.nats_port);
    const char *const argv[] = {d->self, "agent", "-c", config, NULL};

    if (!dev_files_write(d->files.folder, "sluice.yaml", text) ||
        !dev_files_write(d->files.folder, "dev.key", "dev-key\n") ||
        !dev_files_write(d->files.folder, "nats.port", port)) {
        return cli_fail(d->cli, "%s cannot be written to: %s", d->files.folder, strerror(errno));
    }
    int code = make_streams(d, config);
    return code ? code : start(d, &d->agent, "agent", argv, agent_is_up);
}

int dev_parts_start(struct dev_parts *d)
{
    int code = start_again(d, "nats.port", start_nats);

    code = code ? code : start_again(d, "sim.port", start_sim);
    return code ? code : start_agent(d);
}

/* ---- running and ending ---- */

int dev_parts_wait(struct dev_parts *d)
{
    struct child *const children[] = {&d->agent, &d->sim, &d->nats};

    while (!interrupt_seen()) {
        for (size_t i = 0; i < sizeof(children) / sizeof(children[0]); i++) {
            if (!child_alive(children[i])) {
                return tell_end(d, children[i]);
            }
        }
        pause_a_little();
    }
    return CLI_DONE;
}

void dev_parts_stop(struct dev_parts *d)
{
    child_stop(&d->agent, GRACE_MS); /* hands over to nobody: the streams keep what it holds */
    child_stop(&d->sim, GRACE_MS);
    child_stop(&d->nats, GRACE_MS);
}
