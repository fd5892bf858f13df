/* storerig.h - the streams and buckets of the fleet on a real server, and what works on them: for the tests
 * of what makes tasks durable. Include first. */
#ifndef TESTS_STORERIG_H
#define TESTS_STORERIG_H

#include "busrig.h"

#include "app/ledger.h"
#include "app/metrics.h"
#include "app/parts.h"
#include "app/setup.h"

#define STORE_APP "demo"

/* As rig_group_setup, with room for what setup reserves. */
static inline int store_group_setup(void **state)
{
    char path[128];

    (void)state;
    if (!natsd_find()) {
        printf("SKIPPED: there is no nats-server; nothing of the store is tested here\n");
        return 0;
    }
    natsd_prepare(&rig_server, NULL);
    snprintf(path, sizeof(path), "%s/conf", rig_server.dir);
    FILE *f = fopen(path, "ae");
    fprintf(f, "jetstream { store_dir: \"%s/js\", max_file: 20G }\n", rig_server.dir);
    fclose(f);
    natsd_start(&rig_server);
    return 0;
}

struct store {
    struct rig *rig;
    struct config config;
    struct parts parts;
};

struct store_made {
    struct store *store;
    bool came;
    enum fault fault;
};

static inline void store_on_made(void *arg, enum fault fault, const char *text)
{
    struct store_made *m = arg;

    if (fault != FAULT_OK) {
        print_error("setup: %s\n", text);
    }
    m->fault = fault;
    m->came = true;
    rig_done(m->store->rig);
}

/* The fleet's streams, made if they are missing. */
static inline struct store *store_new(struct rig *rig)
{
    static char app[] = STORE_APP, lane[] = "default", *lanes[] = {lane, NULL};
    struct store *s = mem_new(sizeof(*s));
    struct store_made made = {.store = s};

    s->rig = rig;
    s->config = (struct config){.app = app,
                                .replicas = 1,
                                .lanes = {lanes, 1},
                                .max_bytes_tasks = 64 * MIB,
                                .max_bytes_results = 64 * MIB,
                                .max_bytes_media = 64 * MIB,
                                .media_age_ms = 3600000};
    s->parts = (struct parts){.loop = rig->loop, .log = rig->log, .config = &s->config, .bus = rig->bus};
    s->parts.metrics = metrics_new();
    s->parts.ledger = ledger_new(rig->bus, rig->loop);
    (void)setup_run(rig->bus, rig->loop, &s->config, true, NULL, store_on_made, &made);
    rig_until(rig, &made.came);
    assert_int_equal(made.fault, FAULT_OK);
    return s;
}

static inline void store_free(struct store **ps)
{
    struct store *s = *ps;

    ledger_free(&s->parts.ledger);
    metrics_free(&s->parts.metrics);
    free(s);
    *ps = NULL;
}

/* A task of its own; the caller frees it. */
static inline struct task *store_task(void)
{
    struct task *t = mem_new(sizeof(*t));
    struct id id = id_new(1700000000000);

    memcpy(t->id, id.text, sizeof(t->id));
    snprintf(t->app, sizeof(t->app), "%s", STORE_APP);
    snprintf(t->lane, sizeof(t->lane), "default");
    t->model = mem_text("m");
    t->kind = KIND_IMAGE_GENERATE;
    t->priority = PRIORITY_NORMAL;
    t->input = json_pack("{s:s}", "prompt", "a red fox");
    t->accepted_ms = 1700000000000;
    t->deadline_ms = 60000;
    return t;
}

/* The message with that subject in its stream, as STREAM.MSG.GET gives it, or NULL. The caller gives it back.
 */
static inline json_t *store_message(struct store *s, const char *stream, const char *subject)
{
    char api[128];

    snprintf(api, sizeof(api), "$JS.API.STREAM.MSG.GET.%s", stream);
    json_t *answer = rig_api(s->rig, api, json_pack("{s:s}", "last_by_subj", subject));
    json_t *message = json_incref(json_object_get(answer, "message"));
    json_decref(answer);
    return message;
}

#endif
