/* cmd_breaker.c - `sluice breaker`: an operator's hand on a target: leave it alone, use it, by the rules
 * again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/setup.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/direct.h"
#include "cli/print.h"
#include "core/account.h"
#include "core/task.h"
#include "edge/kv.h"
#include "wire/envelope.h"

enum { KEY = 256, FOR, TIMEOUT };

#define WRITE_MS 10000

/* One order. */
struct ordering {
    struct direct direct;
    const char *state, *target, *key;
    int64_t for_ms; /* 0: until it is ordered otherwise */
    char *entry;    /* in the bucket */
};

/* The model's target is "<adapter>/<the vendor's name of the model>". */
static bool is_target(const char *name, const json_t *model, const char *target)
{
    const char *adapter = json_string_value(json_object_get(model, "adapter"));
    const char *vendor = json_string_value(json_object_get(model, "model"));
    AUTO(auto_free) char *own = mem_printf("%s/%s", adapter ? adapter : "", vendor ? vendor : name);

    return !strcmp(own, target);
}

/* A target may come from a change that this configuration does not know, so that the order stands; but a slip
 * of the pen must not go unnoticed. */
static void warn_unknown(const struct ordering *o)
{
    const char *name;
    json_t *model;

    json_object_foreach(o->direct.config->models, name, model)
    {
        if (is_target(name, model, o->target)) {
            return;
        }
    }
    fputs("sluice breaker: warning: this configuration has no target ", stderr);
    print_text(stderr, o->target);
    fputs("; targets are ADAPTER/VENDOR-MODEL, as `sluice fleet` shows them\n", stderr);
}

static void tell(const struct ordering *o)
{
    char time[32];

    if (o->direct.cli->json) {
        json_t *said = json_pack("{s:s,s:s,s:s*}", "target", o->target, "state", o->state, "key", o->key);
        if (o->for_ms) {
            json_object_set_new(said, "for_ms", json_integer(o->for_ms));
        }
        print_json(said);
        json_decref(said);
        return;
    }
    print_text(stdout, o->target);
    if (o->key) {
        fputs(" with key ", stdout);
        print_text(stdout, o->key);
    }
    if (!strcmp(o->state, "auto")) {
        printf(": by the rules again\n");
        return;
    }
    print_seconds(time, sizeof(time), o->for_ms / 1000);
    printf(": %s by hand %s%s: %s\n", !strcmp(o->state, "open") ? "open" : "closed",
           o->for_ms ? "for " : "until `sluice breaker auto`", o->for_ms ? time : "",
           !strcmp(o->state, "open") ? "nothing is submitted" : "everything passes");
}

static void on_written(void *arg, enum fault fault, uint64_t revision)
{
    struct ordering *o = arg;

    (void)revision;
    if (fault) {
        direct_end(&o->direct, cli_fail(o->direct.cli, "NATS: %s; it is not known whether the order stands",
                                        fault_text(fault)));
        return;
    }
    tell(o);
    direct_end(&o->direct, CLI_DONE);
}

static void order(struct ordering *o)
{
    json_t *record = json_pack("{s:s,s:s,s:s*}", "target", o->target, "state", o->state, "key", o->key);
    struct buf b;

    if (!strcmp(o->state, "auto")) {
        kv_delete(o->direct.bus, BUCKET_FLEET, o->entry, WRITE_MS, on_written, o);
    } else {
        if (o->for_ms) {
            json_object_set_new(record, "for_ms", json_integer(o->for_ms));
        }
        buf_init(&b, 64 * KIB);
        envelope_write(&b, "force", record);
        kv_put(o->direct.bus, BUCKET_FLEET, o->entry, buf_slice(&b), -1, WRITE_MS, on_written, o);
        buf_done(&b);
    }
    json_decref(record);
}

static void begin(void *arg)
{
    order(arg);
}

static void run(struct ordering *o)
{
    AUTO(auto_free) char *token = account_token(o->target);

    o->entry = mem_printf("force.%s%s%s", token, o->key ? "." : "", o->key ? o->key : "");
    if (direct_open(&o->direct, options_text(&o->direct.cli->options, 'c', NULL), "sluice-breaker")) {
        warn_unknown(o);
        direct_run(&o->direct, begin, o);
    }
    direct_close(&o->direct);
    free(o->entry);
}

static int run_breaker(struct cli *c)
{
    const struct options *options = &c->options;
    struct ordering o = {.direct = {.cli = c, .timeout_ms = 15000},
                         .state = options->rest[0],
                         .target = options->rest[1],
                         .key = options_text(options, KEY, NULL)};
    struct note note = {0};

    if (strcmp(o.state, "open") != 0 && strcmp(o.state, "close") != 0 && strcmp(o.state, "auto") != 0) {
        return cli_usage(c, "say one of: open, close, auto");
    }
    if (options_ms(options, c->rows, FOR, &o.for_ms, &note) ||
        options_ms(options, c->rows, TIMEOUT, &o.direct.timeout_ms, &note)) {
        return cli_usage(c, "%s", note.text);
    }
    if (o.key && !task_name_valid(o.key)) {
        return cli_usage(c, "%.80s is no id of a key", o.key);
    }
    run(&o);
    return o.direct.code;
}

static const struct options_row rows[] = {
    {'c', "config", "FILE", "the agents' configuration: where NATS is"},
    {KEY, "key", "ID", "only with this key; counts more than what is said of the target"},
    {FOR, "for", "TIME", "open, close: by the rules again after that (30m, 2h); else until `auto`"},
    {TIMEOUT, "timeout", "TIME", "how long it may take (15s)"},
    {0, NULL, NULL, NULL},
};

const struct command cmd_breaker = {
    .name = "breaker",
    .words = "open | close | auto TARGET",
    .summary = "stop using a target in the whole fleet, or use it whatever happens",
    .more = "TARGET is ADAPTER/VENDOR-MODEL, as `sluice fleet` shows it.\n"
            "  open   nothing new is submitted; tasks wait, what the vendor has already is polled on\n"
            "  close  everything passes, and a key that was refused is tried again\n"
            "  auto   by the rules again\n"
            "All agents obey at once; tasks that wait already look again within a minute.\n",
    .rows = rows,
    .min = 2,
    .max = 2,
    .without = "s",
    .run = run_breaker,
};
