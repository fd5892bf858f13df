/* cmd_check.c - `sluice check`: configurations and adapters, without starting anything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "app/adapter_file.h"
#include "app/snapshot.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/check_cases.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "core/adapter.h"
#include "core/rehearse.h"
#include "wire/yaml.h"

enum { NO_SECRETS = 256, REHEARSE, CASES };

struct checking {
    struct cli *cli;
    json_t *mistakes;
};

static void complain(void *arg, const char *file, int line, int column, const char *text)
{
    struct checking *k = arg;

    json_array_append_new(k->mistakes, json_pack("{s:s%,s:i,s:i,s:s%}", "file", file, strlen(file), "line",
                                                 line, "column", column, "text", text, strlen(text)));
    if (k->cli->json) {
        return;
    }
    print_mistake(file, line, column, text);
}

/* The rate limits that an adapter knows of, for people. */
static void tell_limits(const struct adapter *a)
{
    const struct adapter_limit *limit;

    for (size_t i = 0; (limit = adapter_limit(a, i)); i++) {
        printf("  limit for one key%s%s:", limit->models ? " and models " : "",
               limit->models ? limit->models : "");
        if (limit->requests) {
            printf(" %d requests in %lld ms", limit->requests, (long long)limit->per_ms);
        }
        if (limit->concurrent) {
            printf("%s %d at once", limit->requests ? "," : "", limit->concurrent);
        }
        fputc('\n', stdout);
    }
}

static void check_adapter(struct checking *k, const char *file, struct slice text)
{
    const char *cases = options_text(&k->cli->options, CASES, NULL);
    struct adapter *a = NULL;

    if (adapter_file_read(text, file, complain, k, &a) == FAULT_OK) {
        if (adapter_compile(a, complain, k) == FAULT_OK) {
            if (cases) {
                check_cases(a, text, cases, complain, k);
            }
            if (options_has(&k->cli->options, 'v') && !k->cli->json) {
                tell_limits(a);
            }
        } else if (!json_array_size(k->mistakes)) {
            complain(k, file, 0, 0, "the expressions cannot be compiled");
        }
    }
    adapter_drop(&a);
}

/* ---- rehearsals ---- */

/* The bounds of a rehearsal: an expression may want to run for ever, or all memory. */
#define REHEARSE_CPU_S 30
#define REHEARSE_BYTES (1024ull * MIB)
#define CHANGES_BYTES  (64 * MIB)

static void limit_self(void)
{
    const struct rlimit cpu = {REHEARSE_CPU_S, REHEARSE_CPU_S}, memory = {REHEARSE_BYTES, REHEARSE_BYTES},
                        core = {0, 0};

    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_CORE, &core);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they want terabytes */
    setrlimit(RLIMIT_AS, &memory);
#else
    (void)memory;
#endif
}

/* {key: text} from standard input; NULL: it is none. */
static json_t *read_changes(void)
{
    char piece[8192];
    struct buf text;
    size_t n;

    buf_init(&text, CHANGES_BYTES);
    while ((n = fread(piece, 1, sizeof(piece), stdin)) > 0) {
        buf_add(&text, piece, n);
    }
    json_t *changes = buf_ok(&text) && text.n ? json_loadb(text.p, text.n, 0, NULL) : NULL;
    buf_done(&text);
    return changes;
}

static void rehearse(const struct registry *registry)
{
    for (size_t i = 0; i < registry_count(registry); i++) {
        const struct registry_target *t = &registry_at(registry, i)->target;
        rehearse_adapter(t->adapter, t->options);
    }
}

/* ---- files ---- */

static void check_config(struct checking *k, const char *file)
{
    bool rehearsal = options_has(&k->cli->options, REHEARSE);
    json_t *changes = rehearsal ? read_changes() : NULL;
    const struct snapshot_in in = {.file = file,
                                   .changes = changes,
                                   .no_secrets = options_has(&k->cli->options, NO_SECRETS),
                                   .complain = complain,
                                   .arg = k};
    struct config *config = NULL;
    struct registry *registry = NULL;

    if (rehearsal) {
        limit_self();
    }
    if (snapshot_read(&in, &config, &registry) != FAULT_OK && !json_array_size(k->mistakes)) {
        complain(k, file, 0, 0, "the models cannot be served");
    }
    if (rehearsal && registry) {
        rehearse(registry);
    }
    registry_drop(&registry);
    config_free(&config);
    json_decref(changes);
}

/* What a file is, is told by what stands in it. */
static void check_file(struct checking *k, const char *file)
{
    AUTO(auto_free) char *text = config_read_text(file, false);
    json_t *document = NULL;

    if (text && yaml_read(slice_of(text), &document, NULL, NULL)) {
        document = NULL; /* a configuration that is no YAML: told below, with its place */
    }
    if (json_object_get(document, "adapter")) {
        check_adapter(k, file, slice_of(text));
    } else if (json_object_get(document, "steps")) {
        complain(k, file, 1, 1, "this is a case; `sluice try ADAPTER CASE` runs it");
    } else {
        check_config(k, file);
    }
    json_decref(document);
}

static int run_check(struct cli *c)
{
    json_t *all = json_array();
    int code = CLI_DONE;

    unsetenv("HOME"); /* libjq would load ~/.jq */
    for (size_t i = 0; i < c->options.rest_count; i++) {
        struct checking k = {c, json_array()};
        check_file(&k, c->options.rest[i]);
        if (json_array_size(k.mistakes)) {
            code = CLI_FAILED;
        } else if (!c->json) {
            printf("%s: ok\n", c->options.rest[i]);
        }
        json_array_extend(all, k.mistakes);
        json_decref(k.mistakes);
    }
    if (c->json) {
        print_json(all);
    }
    json_decref(all);
    return code;
}

static const struct options_row rows[] = {
    {NO_SECRETS, "no-secrets", NULL,
     "do not ask for the keys' variables and files: for checks away from the agent"},
    {REHEARSE, "rehearse", NULL,
     "as an agent does before it takes a configuration over: with changes as JSON {key: text} on standard "
     "input, "
     "each adapter run through samples, time and memory bounded"},
    {CASES, "cases", "DIR",
     "run an adapter's cases, DIR/<adapter>/*.yaml, and tell of operations, rules, states and steps that "
     "none of "
     "them has"},
    {'v', "verbose", NULL, "print the limits that an adapter knows of as well"},
    {0, NULL, NULL, NULL}};

const struct command cmd_check = {
    .name = "check",
    .words = "FILE…",
    .summary = "check configurations and adapters: file:line:column and what to do",
    .more = "A file with `adapter:` is an adapter, anything else a configuration, which is checked with the "
            "adapters it\n"
            "names and with the environment as the agent would see it. Exit code 1: there are mistakes.\n",
    .rows = rows,
    .min = 1,
    .max = 1000,
    .without = "s",
    .run = run_check,
};
