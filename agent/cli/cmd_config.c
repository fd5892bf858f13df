/* cmd_config.c - `sluice config`: models and adapters of a running fleet, changed in NATS. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/changes.h"
#include "app/setup.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/direct.h"
#include "cli/print.h"
#include "edge/kv.h"
#include "edge/kv_history.h"
#include "edge/process.h"

enum { REVISION = 256, TIMEOUT };

#define CHECK_MS    90000
#define CHECK_BYTES (256 * KIB)
#define PUT_MS      10000

/* One of the words behind `sluice config`. */
struct verb;

struct changing {
    struct direct direct;
    const struct verb *verb;
    const char *file, *key;
    char *text;       /* to be put; NULL: the key is to be deleted */
    int64_t revision; /* asked for; 0: none */
    struct changes_reading reading;
    json_t *entries; /* [{"key", "revision", "time_ms", "bytes", "deleted"?, "text"}] */
    struct process *check;
};

struct verb {
    const char *name;
    size_t min, max; /* words behind it */
    bool keyed;      /* the first of them is a key */
    void (*begin)(struct changing *c);
};

static int failed(struct changing *c, enum fault fault)
{
    return cli_fail(c->direct.cli, "NATS: %s", fault_text(fault));
}

/* ---- what is there ---- */

static bool on_entry(void *arg, const char *key, const struct kv_entry *entry)
{
    struct changing *c = arg;
    json_t *text = json_stringn(entry->value.n ? entry->value.p : "", entry->value.n);

    json_array_append_new(c->entries,
                          json_pack("{s:s,s:I,s:I,s:I,s:b,s:o}", "key", key, "revision",
                                    (json_int_t)entry->revision, "time_ms", (json_int_t)entry->time_ms,
                                    "bytes", (json_int_t)entry->value.n, "deleted", entry->deleted, "text",
                                    text ? text : json_string("")));
    return true;
}

static void print_entries(const struct changing *c)
{
    char when[32];
    json_t *entry;
    size_t i;

    printf("%-10s%-22s%-8s%s\n", "REVISION", "TIME", "BYTES", "KEY");
    json_array_foreach(c->entries, i, entry)
    {
        printf("%-10" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(entry, "revision")));
        print_time(when, sizeof(when), json_integer_value(json_object_get(entry, "time_ms")));
        printf("%-20s  ", when);
        printf("%-8" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(entry, "bytes")));
        print_text(stdout, json_string_value(json_object_get(entry, "key")));
        printf("%s\n", json_is_true(json_object_get(entry, "deleted")) ? "  (deleted)" : "");
    }
}

static void show(struct changing *c)
{
    json_t *entry;
    size_t i;

    json_array_foreach(c->entries, i, entry)
    {
        json_object_del(entry, "text");
    }
    if (c->direct.cli->json) {
        print_json(c->entries);
    } else if (json_array_size(c->entries)) {
        print_entries(c);
    } else {
        printf("nothing was changed: agents do what their files say\n");
    }
}

static void on_listed(void *arg, enum fault fault)
{
    struct changing *c = arg;

    if (!fault) {
        show(c);
    }
    direct_end(&c->direct, fault ? failed(c, fault) : CLI_DONE);
}

static void list_begin(struct changing *c)
{
    kv_scan(c->direct.bus, BUCKET_CONFIG, ">", on_entry, on_listed, c);
}

static void history_begin(struct changing *c)
{
    kv_history(c->direct.bus, BUCKET_CONFIG, c->key, on_entry, on_listed, c);
}

/* The entry of the revision asked for; without one, the newest but `back`. NULL: there is none. */
static const json_t *find_entry(const struct changing *c, size_t back)
{
    size_t n = json_array_size(c->entries), i;
    json_t *entry;

    json_array_foreach(c->entries, i, entry)
    {
        if (c->revision && json_integer_value(json_object_get(entry, "revision")) == c->revision) {
            return entry;
        }
    }
    return c->revision || n <= back ? NULL : json_array_get(c->entries, n - 1 - back);
}

static void on_got(void *arg, enum fault fault)
{
    struct changing *c = arg;
    const json_t *entry = find_entry(c, 0);
    int code = CLI_DONE;

    if (fault) {
        code = failed(c, fault);
    } else if (!entry || json_is_true(json_object_get(entry, "deleted"))) {
        code = cli_fail(c->direct.cli, "%s is not there; `sluice config list` shows what is", c->key);
    } else if (c->direct.cli->json) {
        print_json(entry);
    } else {
        fputs(json_string_value(json_object_get(entry, "text")), stdout);
    }
    direct_end(&c->direct, code);
}

static void get_begin(struct changing *c)
{
    kv_history(c->direct.bus, BUCKET_CONFIG, c->key, on_entry, on_got, c);
}

/* ---- changing: checked as the agents will, then written ---- */

static void on_written(void *arg, enum fault fault, uint64_t revision)
{
    struct changing *c = arg;

    if (fault) {
        direct_end(&c->direct, failed(c, fault));
        return;
    }
    if (c->direct.cli->json) {
        json_t *said = json_pack("{s:s,s:I}", "key", c->key, "revision", (json_int_t)revision);
        print_json(said);
        json_decref(said);
    } else {
        printf("%s %s: revision %" PRIu64 "\nagents take it over by themselves; %s\n", c->key,
               c->text ? "put" : "deleted", revision,
               c->text ? "their metric sluice_config_revision and their logs tell" : "their logs tell");
    }
    direct_end(&c->direct, CLI_DONE);
}

static void write_change(struct changing *c)
{
    if (c->text) {
        kv_put(c->direct.bus, BUCKET_CONFIG, c->key, slice_of(c->text), -1, PUT_MS, on_written, c);
    } else {
        kv_delete(c->direct.bus, BUCKET_CONFIG, c->key, PUT_MS, on_written, c);
    }
}

static void tell_mistakes(struct changing *c, const struct process_end *end)
{
    json_t *list = json_loadb(end->output.n ? end->output.p : "", end->output.n, 0, NULL), *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        const char *file = json_string_value(json_object_get(item, "file"));
        const char *text = json_string_value(json_object_get(item, "text"));
        direct_complain(NULL, file ? file : "", (int)json_integer_value(json_object_get(item, "line")),
                        (int)json_integer_value(json_object_get(item, "column")), text);
    }
    cli_fail(c->direct.cli, "%s; nothing was changed",
             json_array_size(list) ? "agents would refuse this" : end->text);
    json_decref(list);
}

static void on_checked(void *arg, const struct process_end *end)
{
    struct changing *c = arg;

    c->check = NULL;
    if (end->code == 0) {
        write_change(c);
    } else {
        tell_mistakes(c, end);
        direct_end(&c->direct, CLI_FAILED);
    }
}

static void check_change(struct changing *c, json_t *set)
{
    const char *const argv[] = {"/proc/self/exe",
                                "check",
                                "--json",
                                "--no-secrets",
                                "--rehearse",
                                c->file ? c->file : "/dev/null",
                                NULL};
    char *text = json_dumps(set, JSON_COMPACT);
    const struct process_in in = {
        .argv = argv, .input = slice_of(text), .max_bytes = CHECK_BYTES, .limit_ms = CHECK_MS};

    c->check = process_start(c->direct.loop, &in, on_checked, c);
    free(text);
}

static void on_read(void *arg, enum fault fault, const json_t *set, uint64_t revision)
{
    struct changing *c = arg;

    (void)revision;
    if (fault) {
        direct_end(&c->direct, failed(c, fault));
        return;
    }
    if (!c->text && !json_object_get(set, c->key)) {
        direct_end(&c->direct,
                   cli_fail(c->direct.cli, "%s is not there; `sluice config list` shows what is", c->key));
        return;
    }
    json_t *changed = json_copy((json_t *)set);
    json_object_del(changed, c->key);
    if (c->text) {
        json_object_set_new(changed, c->key, json_string(c->text));
    }
    check_change(c, changed);
    json_decref(changed);
}

static void change_begin(struct changing *c)
{
    changes_read(&c->reading, c->direct.bus, on_read, c);
}

static void put_begin(struct changing *c)
{
    const char *file = c->direct.cli->options.rest[2];

    c->text = config_read_text(strcmp(file, "-") ? file : "/dev/stdin", false);
    if (!c->text) {
        direct_end(&c->direct, cli_fail(c->direct.cli, "%s: %s", file, strerror(errno)));
        return;
    }
    if ((int64_t)strlen(c->text) > bus_max_payload(c->direct.bus) - (int64_t)KIB) {
        direct_end(&c->direct, cli_fail(c->direct.cli, "%s: larger than a message of NATS may be", file));
        return;
    }
    change_begin(c);
}

static void on_past(void *arg, enum fault fault)
{
    struct changing *c = arg;
    const json_t *entry = find_entry(c, 1);

    if (fault) {
        direct_end(&c->direct, failed(c, fault));
    } else if (!entry) {
        direct_end(&c->direct, cli_fail(c->direct.cli,
                                        "%s has no such revision any more; `sluice config history %s` shows "
                                        "what is kept",
                                        c->key, c->key));
    } else {
        bool deleted = json_is_true(json_object_get(entry, "deleted"));
        c->text = deleted ? NULL : mem_text(json_string_value(json_object_get(entry, "text")));
        change_begin(c);
    }
}

static void rollback_begin(struct changing *c)
{
    kv_history(c->direct.bus, BUCKET_CONFIG, c->key, on_entry, on_past, c);
}

/* ---- the command ---- */

static const struct verb verbs[] = {
    {"list", 0, 0, false, list_begin},        {"get", 1, 1, true, get_begin},
    {"put", 2, 2, true, put_begin},           {"history", 1, 1, true, history_begin},
    {"rollback", 1, 1, true, rollback_begin}, {"delete", 1, 1, true, change_begin},
};

static void begin(void *arg)
{
    struct changing *c = arg;

    c->verb->begin(c);
}

static const struct verb *find_verb(const struct cli *c)
{
    size_t words = c->options.rest_count - 1;

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (!strcmp(verbs[i].name, c->options.rest[0])) {
            return words >= verbs[i].min && words <= verbs[i].max ? &verbs[i] : NULL;
        }
    }
    return NULL;
}

static void run(struct changing *c)
{
    c->entries = json_array();
    if (direct_open(&c->direct, c->file, "sluice-config")) {
        direct_run(&c->direct, begin, c);
    }
    process_stop(&c->check);
    direct_close(&c->direct);
    changes_done(&c->reading);
    json_decref(c->entries);
    free(c->text);
}

static int run_config(struct cli *c)
{
    struct changing m = {.direct = {.cli = c, .connect_ms = 10000, .timeout_ms = CHECK_MS}};
    struct note note = {0};

    m.verb = find_verb(c);
    m.key = m.verb && m.verb->keyed ? c->options.rest[1] : NULL;
    m.file = options_text(&c->options, 'c', NULL);
    if (!m.verb) {
        return cli_usage(c, "say one of: list, get KEY, put KEY FILE, history KEY, rollback KEY, delete KEY");
    }
    if (m.key && !changes_key_valid(m.key)) {
        return cli_usage(c, "%.80s is no key: `models`, or `adapter.` and the name of an adapter", m.key);
    }
    if (options_ms(&c->options, c->rows, TIMEOUT, &m.direct.timeout_ms, &note) ||
        options_number(&c->options, c->rows, REVISION, 1, INT64_MAX, &m.revision, &note)) {
        return cli_usage(c, "%s", note.text);
    }
    run(&m);
    return m.direct.code;
}

static const struct options_row rows[] = {
    {'c', "config", "FILE", "the agents' configuration: where NATS is, and what a change is checked against"},
    {REVISION, "revision", "N",
     "get, rollback: this revision instead of the newest, or of the one before it"},
    {TIMEOUT, "timeout", "TIME", "how long it may take (90s)"},
    {0, NULL, NULL, NULL},
};

const struct command cmd_config = {
    .name = "config",
    .words = "list | get KEY | put KEY FILE | history KEY | rollback KEY | delete KEY",
    .summary = "change models and adapters of a running fleet, without a deploy",
    .more = "A change goes over what the agents' files say. KEY is\n"
            "  models          a YAML mapping as `models:` of the configuration; null takes a model away\n"
            "  adapter.NAME    an adapter file\n"
            "FILE may be - for standard input. It is checked as the agents will check it before it is "
            "written, and the\n"
            "last five of each key are kept. A model in `models` takes the place of the whole entry in the "
            "file.\n"
            "Tasks under way end on the adapter that they began with.\n",
    .rows = rows,
    .min = 1,
    .max = 3,
    .without = "s",
    .run = run_config,
};
