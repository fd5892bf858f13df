/* reload.c - a new configuration, taken over whole or not at all, while tasks are under way. */
#include "app/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/changes.h"
#include "app/metrics.h"
#include "app/setup.h"
#include "app/snapshot.h"
#include "app/watch.h"
#include "base/mem.h"
#include "edge/process.h"

#define SELF            "/proc/self/exe" /* also when its file was replaced meanwhile */
#define SETTLE_MS       200   /* for more changes to come: several keys are often put one after the other */
#define SETTLE_MAX_MS   2000  /* and if they do not end */
#define REHEARSE_MS     60000 /* a child that takes longer has met an expression that does not end */
#define REHEARSE_BYTES  (256 * KIB)
#define MISTAKES_LOGGED 20
#define AGAIN_MS        2000 /* the bucket could not be read */

/* One reading on the pool. */
struct reading {
    struct reload *reload; /* NULL: it is gone */
    const char *file;
    struct log *log;
    json_t *changes;
    struct registry *before;
    struct config *config;
    struct registry *registry;
};

struct reload {
    struct parts *parts;
    const char *file;
    struct watch *watch;
    struct changes_reading asking;
    json_t *changes; /* as last read from the bucket */
    uint64_t revision;
    struct timer soon;
    int64_t asked_ms; /* since when it is running */
    struct process *child;
    struct reading *reading;
    bool busy, again;
    bool files;            /* they may have changed; else only the bucket has */
    bool listening, known; /* the bucket is listened to; its changes have been read once */
    char why[64];
    reload_fn *fn, *then;
    void *arg, *then_arg;
};

static void reload_begin(struct timer *t);

/* ---- the end of one ---- */

static void reload_then(struct reload *r)
{
    reload_fn *then = r->then;

    r->then = NULL;
    if (then) {
        then(r->then_arg);
    }
}

static void reload_over(struct reload *r, bool good)
{
    metrics_reload(r->parts->metrics, good);
    if (!good) {
        log_error(r->parts->log, "not reloaded", LOG_TEXT("because_of", r->why),
                  LOG_TEXT("next", "the configuration of before stays in force"));
    }
    r->busy = false;
    reload_then(r);
    if (r->again) {
        r->again = false;
        timer_start(r->parts->loop, &r->soon, SETTLE_MS, reload_begin);
    }
}

static void swap(struct reload *r, struct reading *reading)
{
    struct parts *p = r->parts;
    int level = log_level_find(reading->config->log_level);

    registry_drop(&p->registry);
    p->registry = reading->registry;
    log_set_level(p->log, level < 0 ? LOG_INFO : (enum log_level)level);
    watch_set(r->watch, reading->config);
    log_info(p->log, "reloaded", LOG_TEXT("because_of", r->why),
             LOG_INT("models", registry_count(p->registry)), LOG_INT("changes_revision", r->revision));
    r->fn(r->arg);
}

/* ---- reading here ---- */

static void tell_mistake(void *arg, const char *file, int line, int column, const char *text)
{
    log_error(arg, "the configuration has a mistake", LOG_TEXT("file", file), LOG_INT("line", line),
              LOG_INT("column", column), LOG_TEXT("why", text));
}

static void reading_work(void *arg)
{
    struct reading *k = arg;
    const struct snapshot_in in = {
        .file = k->file, .changes = k->changes, .before = k->before, .complain = tell_mistake, .arg = k->log};

    if (snapshot_read(&in, &k->config, &k->registry)) {
        k->registry = NULL;
    }
}

static void reading_done(void *arg)
{
    struct reading *k = arg;
    struct reload *r = k->reload;
    bool good = k->registry != NULL;

    if (r && good) {
        swap(r, k); /* models, keys and adapters; sockets, NATS and limits need a restart */
    } else {
        registry_drop(&k->registry);
    }
    registry_drop(&k->before);
    config_free(&k->config);
    json_decref(k->changes);
    free(k);
    if (r) {
        r->reading = NULL;
        reload_over(r, good);
    }
}

static void reload_read(struct reload *r)
{
    struct reading *k = mem_new(sizeof(*k));

    *k = (struct reading){.reload = r,
                          .file = r->file,
                          .log = r->parts->log,
                          .changes = json_incref(r->changes),
                          .before = registry_keep(r->parts->registry)};
    r->reading = k;
    loop_work(r->parts->loop, reading_work, reading_done, k);
}

/* ---- the rehearsal ---- */

static void log_mistakes(struct reload *r, const struct process_end *end)
{
    json_t *list = json_loadb(end->output.n ? end->output.p : "", end->output.n, 0, NULL), *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        if (i < MISTAKES_LOGGED) {
            const char *file = json_string_value(json_object_get(item, "file"));
            const char *text = json_string_value(json_object_get(item, "text"));
            tell_mistake(r->parts->log, file, (int)json_integer_value(json_object_get(item, "line")),
                         (int)json_integer_value(json_object_get(item, "column")), text);
        }
    }
    if (!json_array_size(list)) {
        log_error(r->parts->log, "the configuration was not rehearsed", LOG_TEXT("why", end->text));
    }
    json_decref(list);
}

static void on_rehearsed(void *arg, const struct process_end *end)
{
    struct reload *r = arg;

    r->child = NULL;
    if (end->code == 0) {
        reload_read(r);
    } else {
        log_mistakes(r, end);
        reload_over(r, false);
    }
}

static void reload_rehearse(struct reload *r)
{
    const char *argv[] = {SELF, "check", "--json", "--rehearse", r->file ? r->file : "/dev/null", NULL};
    char *changes = json_dumps(r->changes, JSON_COMPACT);
    const struct process_in in = {
        .argv = argv, .input = slice_of(changes), .max_bytes = REHEARSE_BYTES, .limit_ms = REHEARSE_MS};

    r->child = process_start(r->parts->loop, &in, on_rehearsed, r);
    free(changes);
}

/* ---- the changes ---- */

static void reload_rest(struct reload *r, int64_t delay_ms)
{
    r->busy = false;
    if (delay_ms || r->again) {
        r->again = false;
        timer_start(r->parts->loop, &r->soon, delay_ms ? delay_ms : SETTLE_MS, reload_begin);
    }
}

/* What stands in the bucket is unknown: files can be taken over with the changes of before, but nothing is
 * served until they have been read once. */
static void on_changes_unread(struct reload *r, enum fault fault)
{
    log_warn(r->parts->log, "the changes in NATS cannot be read", LOG_TEXT("fault", fault_code(fault)),
             LOG_INT("again_ms", AGAIN_MS));
    if (r->known && r->files) {
        reload_rehearse(r);
    } else {
        reload_rest(r, AGAIN_MS);
    }
}

static void on_changes(void *arg, enum fault fault, const json_t *set, uint64_t revision)
{
    struct reload *r = arg;

    if (fault != FAULT_OK) {
        on_changes_unread(r, fault);
        return;
    }
    bool same = json_equal(r->changes, (json_t *)set);
    json_decref(r->changes);
    r->changes = json_copy((json_t *)set);
    r->revision = revision;
    r->known = true;
    metrics_gauge(r->parts->metrics, GAUGE_CONFIG_REVISION, (int64_t)revision);
    if (same && !r->files) { /* nothing is new */
        reload_then(r);
        reload_rest(r, 0);
    } else {
        r->files = false;
        reload_rehearse(r);
    }
}

static void reload_begin(struct timer *t)
{
    struct reload *r = container_of(t, struct reload, soon);

    if (r->busy) {
        r->again = true;
        return;
    }
    r->busy = true;
    if (r->listening && bus_up(r->parts->bus)) {
        changes_read(&r->asking, r->parts->bus, on_changes, r);
    } else {
        reload_rehearse(r);
    }
}

static void ask(struct reload *r, const char *why, int64_t delay_ms)
{
    int64_t now = loop_now_ms(r->parts->loop);

    snprintf(r->why, sizeof(r->why), "%s", why);
    if (!timer_running(&r->soon)) {
        r->asked_ms = now;
    } else if (now - r->asked_ms > SETTLE_MAX_MS) {
        return; /* whoever writes all the time does not keep the others from being heard */
    }
    timer_start(r->parts->loop, &r->soon, delay_ms, reload_begin);
}

void reload_ask(struct reload *r, const char *why)
{
    r->files = true;
    ask(r, why, SETTLE_MS);
}

/* Somebody wrote to the bucket, or tried to: reading tells. */
static void on_hint(void *arg, const struct bus_in *in)
{
    (void)in;
    ask(arg, BUCKET_CONFIG, SETTLE_MS);
}

/* What was changed while NATS was away was not heard. */
static void on_bus(void *arg, bool up)
{
    if (up) {
        ask(arg, "NATS is there again", SETTLE_MS);
    }
}

static void on_files(void *arg)
{
    reload_ask(arg, "a changed file");
}

void reload_first(struct reload *r, reload_fn *then, void *arg)
{
    r->then = then;
    r->then_arg = arg;
    r->listening = bus_listen(r->parts->bus, "$KV." BUCKET_CONFIG ".>", on_hint, r) == FAULT_OK;
    bus_watch(r->parts->bus, on_bus, r);
    ask(r, BUCKET_CONFIG, 0);
}

struct reload *reload_new(struct parts *parts, const char *file, reload_fn *fn, void *arg)
{
    struct reload *r = mem_new(sizeof(*r));

    r->parts = parts;
    r->file = file;
    r->fn = fn;
    r->arg = arg;
    r->changes = json_object();
    r->watch = watch_new(parts->loop, parts->config, on_files, r);
    return r;
}

void reload_free(struct reload **pr)
{
    struct reload *r = *pr;

    *pr = NULL;
    if (!r) {
        return;
    }
    timer_stop(&r->soon);
    process_stop(&r->child);
    if (r->reading) {
        r->reading->reload = NULL;
    }
    watch_free(&r->watch);
    changes_done(&r->asking);
    json_decref(r->changes);
    free(r);
}
