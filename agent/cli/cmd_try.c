/* cmd_try.c - `sluice try`: an adapter's request for a sample task, and what it makes of sample answers. No
 * network. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/adapter_file.h"
#include "app/config.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "app/places.h"
#include "cli/print.h"
#include "core/adapter.h"
#include "core/case.h"
#include "wire/yaml.h"

struct trying {
    struct cli *cli;
    json_t *told; /* with --json: what happened, in order */
};

static void tell(struct trying *t, json_t *row)
{
    if (t->cli->json) {
        json_array_append(t->told, row);
    }
    json_decref(row);
}

static void on_op(void *arg, const char *name)
{
    struct trying *t = arg;

    tell(t, json_pack("{s:s}", "operation", name));
    if (!t->cli->json) {
        printf("operation %s\n", name);
    }
}

static void show(struct trying *t, const char *what, size_t i, const char *step, const json_t *value)
{
    tell(t, json_pack("{s:i,s:s,s:O}", "number", (int)i, "step", step, what, value));
    if (!t->cli->json) {
        printf("\n%zu. %s: %s\n", i + 1, step, what);
        print_json(value);
    }
}

static void on_request(void *arg, size_t i, const char *step, const json_t *request)
{
    show(arg, "request", i, step, request);
}

static void on_meaning(void *arg, size_t i, const char *step, const json_t *meaning)
{
    show(arg, "meaning", i, step, meaning);
}

static void on_difference(void *arg, const char *pointer, const json_t *want, const json_t *got)
{
    struct trying *t = arg;

    tell(t, json_pack("{s:s,s:O?,s:O?}", "differs", pointer, "want", want, "got", got));
    if (!t->cli->json) {
        AUTO(auto_free) char *wanted = want ? json_dumps(want, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
        AUTO(auto_free) char *given = got ? json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
        fprintf(stderr, "\n%s differs\n  case says: %s\n  adapter:   %s\n", pointer,
                wanted ? wanted : "nothing", given ? given : "nothing");
    }
}

static void complain(void *arg, const char *file, int line, int column, const char *text)
{
    (void)arg;
    fprintf(stderr, line > 0 ? "%s:%d:%d: %s\n" : "%s:%.0d%.0d %s\n", file, line, column, text);
}

/* ---- reading ---- */

static int read_adapter(struct cli *c, struct adapter **ret_adapter)
{
    const char *word = c->options.rest[0];
    AUTO(auto_free) char *file = places_adapter(word, options_text(&c->options, 'a', NULL));
    AUTO(auto_free) char *text = file ? config_read_text(file, false) : NULL;

    if (!file) {
        return cli_fail(c, "there is no adapter %s here; name its file, or its folder with --adapters", word);
    }
    if (!text) {
        return cli_fail(c, "%s: %s", file, strerror(errno));
    }
    if (adapter_file_read(slice_of(text), file, complain, NULL, ret_adapter) ||
        adapter_compile(*ret_adapter, complain, NULL)) {
        adapter_drop(ret_adapter);
        return cli_fail(c, "%s has mistakes", file);
    }
    return CLI_DONE;
}

static int read_case(struct cli *c, const char *file, json_t **ret_case)
{
    AUTO(auto_free) char *text = config_read_text(strcmp(file, "-") ? file : "/dev/stdin", false);
    struct note note = {0};

    if (!text) {
        return cli_fail(c, "%s: %s", file, strerror(errno));
    }
    if (yaml_read(slice_of(text), ret_case, NULL, &note)) {
        return cli_fail(c, "%s: %s", file, note.text);
    }
    return CLI_DONE;
}

/* ---- running ---- */

static int try_one(struct trying *t, const struct adapter *a, const char *file)
{
    const struct case_events events = {on_op, on_request, on_meaning, on_difference, NULL};
    json_t *one = NULL;
    struct note note = {0};
    size_t differences = 0;
    int code = read_case(t->cli, file, &one);

    if (code) {
        return code;
    }
    const char *about = json_string_value(json_object_get(one, "about"));
    tell(t, json_pack("{s:s%}", "case", file, strlen(file)));
    if (!t->cli->json) {
        printf("%s%s%s\n", file, about ? ": " : "", about ? about : "");
    }
    enum fault fault = case_run(a, one, &events, t, &differences, &note);
    json_decref(one);
    if (fault) {
        return cli_fail(t->cli, "%s cannot be run: %s%s%s", file, note_text(&note, fault),
                        note.field[0] ? " at " : "", note.field);
    }
    return differences
               ? cli_fail(t->cli, "%s: %zu difference%s", file, differences, differences == 1 ? "" : "s")
               : CLI_DONE;
}

static int run_try(struct cli *c)
{
    struct trying t = {c, json_array()};
    struct adapter *a = NULL;

    unsetenv("HOME"); /* libjq would load ~/.jq */
    int code = read_adapter(c, &a);
    for (size_t i = 1; a && i < c->options.rest_count; i++) {
        int one = try_one(&t, a, c->options.rest[i]);
        code = code ? code : one;
    }
    if (c->json && json_array_size(t.told)) {
        print_json(t.told);
    }
    json_decref(t.told);
    adapter_drop(&a);
    return code;
}

static const struct options_row rows[] = {{'a', "adapters", "DIR", "where adapters are looked for by name"},
                                          {0, NULL, NULL, NULL}};

const struct command cmd_try = {
    .name = "try",
    .words = "ADAPTER CASE…",
    .summary = "show an adapter's requests for a sample task and what it makes of sample answers",
    .more = "ADAPTER is a file or the name of one. CASE is a YAML file with `task:` and `steps:`. Nothing is "
            "sent anywhere. What\n"
            "the case says of requests and meanings is compared. Exit code 1: something differs.\n",
    .rows = rows,
    .min = 2,
    .max = 10000,
    .without = "s",
    .run = run_try,
};
