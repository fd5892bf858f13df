/* sim_main.c - sluice-sim: the command line of the vendor simulator. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "sim_engine.h"
#include "sim_server.h"
#include "wire/yaml.h"

#define MAX_KEYS 64

static const char usage[] =
    "usage: sluice-sim [options]\n"
    "Speaks the wire dialects of generative media vendors, so that apps and tests need no keys.\n"
    "\n"
    "  --listen HOST:PORT   where (127.0.0.1:0: a free port)\n"
    "  --key TEXT           a secret that is good; may be repeated (none: any secret is good)\n"
    "  --latency MS         before every answer (0)\n"
    "  --job-ms MS          how long an asynchronous job takes (1000)\n"
    "  --config FILE        YAML with latency_ms, job_ms, keys, faults, limits\n"
    "  --dialects DIR       vendors from these files instead of the built-in ones\n"
    "  --port-file FILE     the port is written there once it listens\n"
    "  --seed N             ids and chances come the same each time\n"
    "  --help, --version\n";

struct options {
    struct sim_engine_options engine;
    const char *keys[MAX_KEYS + 1];
    size_t key_count;
    const char *listen;
    const char *config;
    const char *port_file;
};

/* ---- the command line ---- */

static bool read_number(const char *text, uint64_t *ret)
{
    char *end;

    *ret = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end;
}

static bool read_option(struct options *o, int option, const char *value)
{
    uint64_t n = 0;
    bool good = true;

    switch (option) {
    case 'l':
        o->listen = value;
        break;
    case 'k':
        good = o->key_count < MAX_KEYS;
        if (good) {
            o->keys[o->key_count++] = value;
        }
        break;
    case 't':
        good = read_number(value, &n);
        o->engine.latency_ms = (int64_t)n;
        break;
    case 'j':
        good = read_number(value, &n);
        o->engine.job_ms = (int64_t)n;
        break;
    case 's':
        good = read_number(value, &o->engine.seed);
        break;
    case 'c':
        o->config = value;
        break;
    case 'd':
        o->engine.dialects = value;
        break;
    case 'p':
        o->port_file = value;
        break;
    default:
        return false;
    }
    if (!good) {
        fprintf(stderr, "sluice-sim: \"%s\" is not a value that fits\n", value);
    }
    return good;
}

/* -1: go on; else the exit code. */
static int read_options(struct options *o, int argc, char **argv)
{
    static const struct option known[] = {
        {"listen", 1, NULL, 'l'}, {"key", 1, NULL, 'k'},       {"latency", 1, NULL, 't'},
        {"job-ms", 1, NULL, 'j'}, {"config", 1, NULL, 'c'},    {"dialects", 1, NULL, 'd'},
        {"seed", 1, NULL, 's'},   {"port-file", 1, NULL, 'p'}, {"version", 0, NULL, 'v'},
        {"help", 0, NULL, 'h'},   {NULL, 0, NULL, 0}};

    *o = (struct options){.listen = "127.0.0.1:0", .engine = {.job_ms = 1000}};
    for (int option; (option = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        if (option == 'h' || option == 'v') {
            fputs(option == 'h' ? usage : "sluice-sim " SLUICE_VERSION "\n", stdout);
            return 0;
        }
        if (!read_option(o, option, optarg)) {
            fputs(usage, stderr);
            return 2;
        }
    }
    if (optind < argc) {
        fputs(usage, stderr);
        return 2;
    }
    o->engine.keys = o->keys;
    return -1;
}

static enum fault configure(struct sim_engine *e, const char *path, struct note *note)
{
    char piece[8192];
    struct buf text;
    json_t *config = NULL;
    FILE *file = fopen(path, "rb");

    if (!file) {
        return note_set(note, FAULT_IO, "%s cannot be opened", path);
    }
    buf_init(&text, LIMIT_FILE_BYTES);
    for (size_t n; (n = fread(piece, 1, sizeof(piece), file)) > 0;) {
        buf_add(&text, piece, n);
    }
    fclose(file);
    enum fault fault = buf_ok(&text) ? yaml_read(buf_slice(&text), &config, NULL, note)
                                     : note_set(note, FAULT_BAD_VALUE, "%s is larger than 1 MiB", path);
    fault = fault ? fault : sim_engine_configure(e, config, note);
    json_decref(config);
    buf_done(&text);
    return fault;
}

/* ---- running ---- */

/* Written whole under another name first: who waits for the file never reads half of it. */
static enum fault write_port(const struct sim_server *server, const char *path, struct note *note)
{
    AUTO(auto_free) char *part = mem_printf("%s.part", path);
    FILE *file = fopen(part, "w");
    bool good = file && fprintf(file, "%d\n", sim_server_port(server)) > 0;

    good = file && !fclose(file) && good;
    return good && !rename(part, path) ? FAULT_OK : note_set(note, FAULT_IO, "%s cannot be written", path);
}

static void on_signal(uv_signal_t *handle, int signum)
{
    (void)signum;
    sim_server_stop(handle->data);
}

static void serve(uv_loop_t *loop, struct sim_server *server)
{
    uv_signal_t signals[2];
    const int which[2] = {SIGTERM, SIGINT};
    char address[96];

    for (int i = 0; i < 2; i++) {
        uv_signal_init(loop, &signals[i]);
        signals[i].data = server;
        uv_signal_start(&signals[i], on_signal, which[i]);
        uv_unref((uv_handle_t *)&signals[i]); /* the loop ends with the last connection */
    }
    sim_server_address(server, address, sizeof(address));
    printf("sluice-sim listening on http://%s\n", address);
    fflush(stdout);
    uv_run(loop, UV_RUN_DEFAULT);
    for (int i = 0; i < 2; i++) {
        uv_close((uv_handle_t *)&signals[i], NULL);
    }
    uv_run(loop, UV_RUN_DEFAULT);
}

/* As many files as allowed: a connection each. */
static void raise_files(void)
{
    struct rlimit files;

    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

int main(int argc, char **argv)
{
    struct options options;
    struct note note = {0};
    struct sim_engine *engine = NULL;
    struct sim_server *server = NULL;
    uv_loop_t loop;
    int code = read_options(&options, argc, argv);

    if (code >= 0) {
        return code;
    }
    signal(SIGPIPE, SIG_IGN);
    raise_files();
    uv_loop_init(&loop);
    enum fault fault = sim_engine_new(&options.engine, &engine, &note);
    if (!fault && options.config) {
        fault = configure(engine, options.config, &note);
    }
    if (!fault) {
        fault = sim_server_new(&loop, engine, options.listen, &server, &note);
    }
    if (!fault && options.port_file) {
        fault = write_port(server, options.port_file, &note);
    }
    if (fault) {
        fprintf(stderr, "sluice-sim: %s\n", note_text(&note, fault));
        code = fault == FAULT_IO ? 1 : 2;
        if (server) {
            sim_server_stop(server);
            uv_run(&loop, UV_RUN_DEFAULT);
        }
    } else {
        serve(&loop, server);
        code = 0;
    }
    uv_loop_close(&loop);
    sim_server_free(&server);
    sim_engine_free(&engine);
    return code;
}
