/* cmd_check.c - `sluice check`: configurations and adapters, without starting anything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/config.h"
#include "app/registry.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "core/adapter.h"
#include "wire/yaml.h"

enum { NO_SECRETS = 256 };

/* Set for the time of a check without secrets; see forget_secrets. */
#define STAND_IN "SLUICE_CHECK_SECRET"

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
    print_text(stderr, file);
    if (line > 0) {
        fprintf(stderr, ":%d:%d", line, column);
    }
    fputs(": ", stderr);
    print_text(stderr, text);
    fputc('\n', stderr);
}

static void check_adapter(struct checking *k, const char *file, struct slice text)
{
    struct adapter *a = NULL;

    if (adapter_read(text, file, complain, k, &a) == FAULT_OK &&
        adapter_compile(a, complain, k) != FAULT_OK && !json_array_size(k->mistakes)) {
        complain(k, file, 0, 0, "the expressions cannot be compiled");
    }
    adapter_drop(&a);
}

/* Points all keys to a variable that is set: their files and variables are at home where the agent runs, the
 * rest can be checked anywhere. */
static void forget_secrets(struct config *config)
{
    const char *pool;
    json_t *keys, *key;
    size_t i;

    setenv(STAND_IN, "none", 1);
    json_object_foreach(config->keys, pool, keys)
    {
        json_array_foreach(keys, i, key)
        {
            json_object_del(key, "file");
            json_object_set_new(key, "env", json_string(STAND_IN));
        }
    }
}

static void check_config(struct checking *k, const char *file)
{
    struct config *config = NULL;
    struct registry *registry = NULL;

    if (config_read(file, complain, k, &config)) {
        return;
    }
    if (options_has(&k->cli->options, NO_SECRETS)) {
        forget_secrets(config);
    }
    if (registry_build(config, complain, k, &registry) && !json_array_size(k->mistakes)) {
        complain(k, file, 0, 0, "the models cannot be served");
    }
    registry_drop(&registry);
    config_free(&config);
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
