/* agent.c - one agent: what it is made of, how it starts without NATS, takes a new configuration, and ends.
 */
#include "app/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/admin.h"
#include "app/api.h"
#include "app/asset.h"
#include "app/connect.h"
#include "app/deliver.h"
#include "app/exec.h"
#include "app/fleet.h"
#include "app/intake.h"
#include "app/ledger.h"
#include "app/metrics.h"
#include "app/parts.h"
#include "app/rates.h"
#include "app/reload.h"
#include "app/setup.h"
#include "app/snapshot.h"
#include "app/standing.h"
#include "app/sweep.h"
#include "app/tokens.h"
#include "base/clock.h"
#include "base/mem.h"
#include "edge/front.h"

#define VERIFY_AGAIN_MS 5000
#define SAMPLE_MS       1000
#define LEAVE_AGAIN_MS  50
#define TIDY_MS         30000   /* between looks whether freed memory can be given back */
#define TIDY_BUSY       8       /* runs and polls under way above which it is left for later */
#define OLD_SERVER      2010023 /* below: no sync_interval, and bugs that the notes on operation name */

struct agent {
    struct parts parts;
    struct config *config;
    const char *file;
    struct intake *intake;
    struct deliver *deliver;
    struct exec *exec;
    struct setup *setup; /* while the streams are verified */
    struct reload *reload;
    struct sweep *sweep;
    struct api *api;
    struct front *front, *admin;
    struct admin *admin_page;
    struct timer verify, sample, grace, leave;
    int64_t tidied_ms;
    bool verified, serving, draining;
    int waiting;     /* parts of the drain that are not done */
    char state[256]; /* why it is not ready, for people */
    int code;
};

static bool agent_has_role(const struct agent *a, const char *role)
{
    return config_list_has(&a->config->roles, role);
}

/* ---- the streams ---- */

static void agent_verify(struct timer *t);

/* The streams are as they should be, and what was changed while running is known. */
static void agent_serve(void *arg)
{
    struct agent *a = arg;

    log_info(a->parts.log, "ready", LOG_TEXT("instance", fleet_instance(a->parts.fleet)),
             LOG_TEXT("server", bus_server_text(a->parts.bus)));
    a->serving = true;
    intake_set_ready(a->intake, true, NULL);
    if (agent_has_role(a, "execute") && !a->draining) {
        exec_start(a->exec);
        sweep_start(a->sweep);
    }
}

static void agent_read_standing(void *arg)
{
    struct agent *a = arg;

    standing_start(a->parts.standing, agent_serve, a);
}

static void agent_on_verified(void *arg, enum fault fault, const char *text)
{
    struct agent *a = arg;

    a->setup = NULL;
    snprintf(a->state, sizeof(a->state), "%s", text);
    if (fault != FAULT_OK) {
        log_error(a->parts.log, "the streams cannot be used", LOG_TEXT("fault", fault_code(fault)),
                  LOG_TEXT("why", text), LOG_INT("again_ms", VERIFY_AGAIN_MS));
        intake_set_ready(a->intake, false, text);
        timer_start(a->parts.loop, &a->verify, VERIFY_AGAIN_MS, agent_verify);
        return;
    }
    a->verified = true;
    reload_first(a->reload, agent_read_standing, a);
}

static void agent_verify(struct timer *t)
{
    struct agent *a = container_of(t, struct agent, verify);

    if (!a->setup && !a->verified && !a->draining) {
        a->setup = setup_run(a->parts.bus, a->parts.loop, a->config, false, NULL, agent_on_verified, a);
    }
}

static void agent_on_bus(void *arg, bool up)
{
    struct agent *a = arg;

    if (!up) {
        log_warn(a->parts.log, "NATS is away",
                 LOG_TEXT("next", "nothing is accepted, nothing is lost, trying to reconnect for ever"));
        return;
    }
    log_info(a->parts.log, "NATS is there", LOG_TEXT("server", bus_server_text(a->parts.bus)));
    if (bus_server_version(a->parts.bus) < OLD_SERVER) {
        log_warn(a->parts.log, "this NATS server is old", LOG_TEXT("server", bus_server_text(a->parts.bus)),
                 LOG_TEXT("why", "below 2.10.23 it cannot sync every write to disk and can lose a stream "
                                 "when power fails; upgrade for production"));
    }
    timer_start(a->parts.loop, &a->verify, 0, agent_verify);
}

/* ---- what the admin port says ---- */

static bool agent_ready(void *arg, struct buf *why)
{
    struct agent *a = arg;

    if (a->draining) {
        buf_text(why, "draining\n");
    } else if (!bus_up(a->parts.bus)) {
        buf_printf(why, "NATS is away for %lld ms\n", (long long)bus_down_ms(a->parts.bus));
    } else if (!a->serving) {
        buf_printf(why, "%s\n",
                   a->verified   ? "what was changed in SLUICE_CONFIG is being read"
                   : a->state[0] ? a->state
                                 : "the streams are being verified");
    } else {
        return true;
    }
    return false;
}

static void agent_sample(struct timer *t)
{
    struct agent *a = container_of(t, struct agent, sample);
    struct metrics *m = a->parts.metrics;

    metrics_gauge(m, GAUGE_BUS_UP, bus_up(a->parts.bus));
    metrics_gauge(m, GAUGE_SPOOL_BYTES, (int64_t)spool_used(a->parts.spool));
    if (a->front) {
        metrics_gauge(m, GAUGE_CONNECTIONS, (int64_t)front_connections(a->front));
        metrics_gauge(m, GAUGE_IN_FLIGHT, (int64_t)front_in_flight(a->front));
    }
    if (loop_now_ms(a->parts.loop) - a->tidied_ms > TIDY_MS &&
        exec_running(a->exec) + exec_polling(a->exec) <= TIDY_BUSY) {
        a->tidied_ms = loop_now_ms(a->parts.loop);
        vendor_idle(a->parts.vendor);
    }
    timer_start(a->parts.loop, &a->sample, SAMPLE_MS, agent_sample);
}

/* ---- a new configuration ---- */

static void agent_on_reloaded(void *arg)
{
    struct agent *a = arg;

    if (a->serving && agent_has_role(a, "execute") && !a->draining) {
        exec_reload(a->exec);
    }
}

static void agent_on_hup(void *arg, int signum)
{
    struct agent *a = arg;

    (void)signum;
    if (!a->draining) {
        reload_ask(a->reload, "SIGHUP");
    }
}

/* ---- the end ---- */

static void agent_stop(void *arg)
{
    struct agent *a = arg;

    loop_stop(a->parts.loop);
}

static void agent_on_grace(struct timer *t)
{
    struct agent *a = container_of(t, struct agent, grace);

    log_warn(a->parts.log, "the grace period is over", LOG_INT("running", exec_running(a->exec)),
             LOG_INT("polling", exec_polling(a->exec)), LOG_INT("writes", ledger_pending(a->parts.ledger)),
             LOG_TEXT("next", "peers go on with what was held"));
    loop_stop(a->parts.loop);
}

/* A task that is being taken back is held by nobody, and yet must be written down. */
static void agent_leave(struct timer *t)
{
    struct agent *a = container_of(t, struct agent, leave);

    if (ledger_pending(a->parts.ledger)) {
        timer_start(a->parts.loop, &a->leave, LEAVE_AGAIN_MS, agent_leave);
        return;
    }
    log_info(a->parts.log, "drained");
    fleet_leave(a->parts.fleet, agent_stop, a);
}

static void agent_on_drained(void *arg)
{
    struct agent *a = arg;

    if (--a->waiting == 0) {
        agent_leave(&a->leave);
    }
}

static void agent_on_term(void *arg, int signum)
{
    struct agent *a = arg;

    if (a->draining) {
        loop_stop(a->parts.loop); /* asked twice: now */
        return;
    }
    log_info(a->parts.log, "draining", LOG_INT("signal", signum), LOG_INT("grace_ms", a->config->drain_ms));
    a->draining = true;
    timer_start(a->parts.loop, &a->grace, a->config->drain_ms, agent_on_grace);
    intake_drain(a->intake);
    sweep_stop(a->sweep);
    a->waiting = a->front ? 2 : 1;
    exec_drain(a->exec, agent_on_drained, a);
    if (a->front) {
        api_drain(a->api);
        front_drain(a->front, agent_on_drained, a);
    }
}

/* ---- the beginning ---- */

static const char *or_null(const char *text)
{
    return *text ? text : NULL;
}

static bool agent_connect(struct agent *a, const char *name, struct bus **ret_bus)
{
    struct note note = {0};

    if (connect_bus(a->parts.loop, a->parts.log, a->config, name, ret_bus, &note) != FAULT_OK) {
        log_error(a->parts.log, "the connection to NATS cannot be set up", LOG_TEXT("why", note.text));
        return false;
    }
    return true;
}

static bool agent_open_front(struct agent *a)
{
    struct front_limits limits = front_default;
    struct note note = {0};

    limits.connections = (size_t)a->config->max_connections;
    limits.in_flight = (size_t)a->config->max_in_flight;
    limits.http.body_bytes = (uint64_t)a->config->max_body_bytes;
    if (front_open_unix(a->parts.loop, a->parts.log, a->config->socket_path,
                        (mode_t)strtol(a->config->socket_mode, NULL, 8), &limits, api_handler(), a->api,
                        &a->front, &note) != FAULT_OK) {
        log_error(a->parts.log, "the socket cannot be opened", LOG_TEXT("path", a->config->socket_path),
                  LOG_TEXT("why", note.text));
        return false;
    }
    api_set_front(a->api, a->front);
    return true;
}

static bool agent_open_admin(struct agent *a)
{
    struct note note = {0};
    const struct admin_options options = {.parts = &a->parts, .ready = agent_ready, .arg = a};

    if (!*a->config->admin) {
        return true;
    }
    a->admin_page = admin_new(&options);
    if (front_open_tcp(a->parts.loop, a->parts.log, a->config->admin, &front_default, admin_handler(),
                       a->admin_page, &a->admin, &note) != FAULT_OK) {
        log_error(a->parts.log, "the admin port cannot be opened", LOG_TEXT("address", a->config->admin),
                  LOG_TEXT("why", note.text));
        return false;
    }
    log_info(a->parts.log, "admin port", LOG_INT("port", front_port(a->admin)));
    return true;
}

static bool agent_open_edges(struct agent *a)
{
    struct parts *p = &a->parts;
    struct note note = {0};
    struct bus *media_bus = NULL;
    const struct vendor_options vendor = {.ca_file = or_null(a->config->ca_file),
                                          .allow = (const char *const *)a->config->allow_hosts.items};

    if (!agent_connect(a, "sluice", &p->bus) || !agent_connect(a, "sluice-media", &media_bus)) {
        return false;
    }
    p->media = media_new(media_bus, p->loop, BUCKET_MEDIA);
    p->media_bus = media_bus;
    p->vendor = vendor_new(p->loop, p->log, &vendor);
    p->tokens = tokens_new(p->loop, p->log, p->vendor);
    p->assets = assets_new(p->loop);
    p->rates = rates_new(p->loop);
    if (spool_new(a->config->spool_dir, (uint64_t)a->config->spool_bytes, &p->spool, &note) != FAULT_OK) {
        log_error(p->log, "the spool directory cannot be used", LOG_TEXT("why", note.text));
        return false;
    }
    return true;
}

/* Everything in reading order: edges, rules, apps, doors. */
static bool agent_open(struct agent *a)
{
    struct parts *p = &a->parts;

    p->metrics = metrics_new();
    if (!agent_open_edges(a)) {
        return false;
    }
    p->ledger = ledger_new(p->bus, p->loop);
    p->fleet = fleet_new(p);
    p->standing = standing_new(p);
    a->intake = intake_new(p);
    a->exec = exec_new(p);
    if (deliver_new(p, &a->deliver) != FAULT_OK) {
        return false;
    }
    a->api = api_new(p, a->intake, a->deliver);
    a->sweep = sweep_new(p);
    a->reload = reload_new(p, a->file, agent_on_reloaded, a);
    bus_watch(p->bus, agent_on_bus, a);
    loop_signal(p->loop, SIGTERM, agent_on_term, a);
    loop_signal(p->loop, SIGINT, agent_on_term, a);
    loop_signal(p->loop, SIGHUP, agent_on_hup, a);
    timer_start(p->loop, &a->sample, 0, agent_sample);
    return (!agent_has_role(a, "ingress") || agent_open_front(a)) && agent_open_admin(a);
}

static void agent_close(struct agent *a)
{
    struct parts *p = &a->parts;

    timer_stop(&a->verify);
    setup_stop(&a->setup);
    timer_stop(&a->sample);
    timer_stop(&a->grace);
    timer_stop(&a->leave);
    if (a->sweep) {
        sweep_stop(a->sweep);
    }
    front_close(&a->front);
    front_close(&a->admin);
    admin_free(&a->admin_page);
    exec_free(&a->exec);
    intake_free(&a->intake);
    api_free(&a->api);
    deliver_free(&a->deliver);
    standing_free(&p->standing);
    fleet_free(&p->fleet);
    ledger_free(&p->ledger);
    media_free(&p->media);
    assets_free(&p->assets);
    rates_free(&p->rates);
    tokens_free(&p->tokens);
    vendor_free(&p->vendor);
    bus_free(&p->media_bus);
    bus_free(&p->bus);
    reload_free(&a->reload);
    sweep_free(&a->sweep);
    loop_free(&p->loop); /* waits for other threads, which may read files of the spool */
    spool_free(&p->spool);
    metrics_free(&p->metrics);
    registry_drop(&p->registry); /* a reload under way may have brought one more */
    config_free(&a->config);
    log_free(&p->log);
}

static void stderr_complain(void *arg, const char *file, int line, int column, const char *text)
{
    (void)arg;
    if (line) {
        fprintf(stderr, "%s:%d:%d: %s\n", file, line, column, text);
    } else {
        fprintf(stderr, "%s: %s\n", file, text);
    }
}

static bool agent_configure(struct agent *a)
{
    const struct snapshot_in in = {.file = a->file, .complain = stderr_complain};

    if (snapshot_read(&in, &a->config, &a->parts.registry) != FAULT_OK) {
        fprintf(stderr,
                "sluice agent: not started; mend the above and start again (`sluice check %s` checks without "
                "starting)\n",
                a->file ? a->file : "FILE");
        return false;
    }
    int level = log_level_find(a->config->log_level);
    a->parts.config = a->config;
    a->parts.log = log_new(STDERR_FILENO, level < 0 ? LOG_INFO : (enum log_level)level);
    return true;
}

int agent_run(const char *file)
{
    struct agent a = {.file = file, .code = 1};

    unsetenv("HOME"); /* libjq would load ~/.jq */
    if (agent_configure(&a)) {
        a.parts.loop = loop_new();
        if (agent_open(&a)) {
            log_info(a.parts.log, "started", LOG_TEXT("version", SLUICE_VERSION),
                     LOG_TEXT("app", a.config->app), LOG_INT("models", registry_count(a.parts.registry)));
            a.code = 0;
            loop_run(a.parts.loop);
        }
    }
    agent_close(&a);
    return a.code;
}
