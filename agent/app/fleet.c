/* fleet.c - presence and the server's clock. */
#include "app/fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/setup.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/map.h"
#include "base/mem.h"
#include "edge/kv.h"
#include "wire/envelope.h"

#define RENEW_MS (SETUP_LEASE_MS / 3)
#define ASK_MS   2000
#define KEEP_MS  2000
#define KNOWN    1024 /* instances whose last answer is kept */

/* After a connection is made nobody is taken for gone for as long: when NATS was away for longer than a
 * presence lives, those of all agents have aged, and the living write theirs again as soon as they have
 * reconnected. */
#define SETTLE_MS 10000

struct fleet {
    struct parts *parts;
    char instance[17];
    char key[32];
    struct timer timer;
    struct map *known; /* instance -> struct seen */
    int64_t offset_ms; /* server's Unix ms minus our monotonic ms */
    bool clock_read;
    int64_t sent_ms;           /* monotonic, when the last presence was sent */
    int64_t written_ms;        /* the same of the last one that stands; -1: none */
    uint64_t writing, reading; /* tokens of its write and of the clock's reading */
    int64_t up_ms;             /* when the connection was made */
    bool left;
};

struct seen {
    int64_t at_ms;
    bool alive;
};

struct ask {
    struct fleet *fleet;
    char instance[17];
    fleet_alive_fn *fn;
    void *arg;
    bool alive;
};

/* ---- presence ---- */

static void fleet_renew(struct timer *t);

static void fleet_on_clock(void *arg, enum fault fault, const struct kv_entry *entry)
{
    struct fleet *f = arg;

    f->reading = 0;
    if (fault == FAULT_OK && entry->revision && entry->time_ms && f->written_ms >= 0) {
        f->offset_ms = entry->time_ms - f->written_ms;
        f->clock_read = true;
    }
}

static void fleet_on_written(void *arg, enum fault fault, uint64_t revision)
{
    struct fleet *f = arg;

    (void)revision;
    f->writing = 0;
    if (fault == FAULT_OK) {
        f->written_ms = f->sent_ms;
        bus_ask_stop(f->parts->bus, f->reading);
        f->reading = kv_get(f->parts->bus, BUCKET_LEASE, f->key, true, fleet_on_clock, f);
    }
    if (!f->left) {
        timer_start(f->parts->loop, &f->timer, fault == FAULT_OK ? RENEW_MS : 500, fleet_renew);
    }
}

static json_t *texts(const struct config_list *list)
{
    json_t *out = json_array();

    for (size_t i = 0; i < list->n; i++) {
        json_array_append_new(out, json_string(list->items[i]));
    }
    return out;
}

/* What this agent does, for people: `sluice fleet` shows it. */
static void fleet_tell_duties(const struct fleet *f, json_t *body)
{
    const struct config_list *roles = &f->parts->config->roles;
    static const struct config_list none;
    bool executes = config_list_has(roles, "execute") && f->parts->registry;

    json_object_set_new(body, "roles", texts(roles));
    json_object_set_new(body, "lanes", texts(executes ? registry_lanes(f->parts->registry) : &none));
}

static void fleet_renew(struct timer *t)
{
    struct fleet *f = container_of(t, struct fleet, timer);
    json_t *body = json_pack("{s:s,s:s,s:s,s:i}", "instance", f->instance, "app", f->parts->config->app,
                             "version", SLUICE_VERSION, "pid", (int)getpid());
    struct buf b;

    fleet_tell_duties(f, body);
    f->sent_ms = loop_now_ms(f->parts->loop);
    buf_init(&b, 16 * KIB);
    envelope_write(&b, "presence", body);
    f->writing = kv_put(f->parts->bus, BUCKET_LEASE, f->key, buf_slice(&b), -1, ASK_MS, fleet_on_written, f);
    buf_done(&b);
    json_decref(body);
}

static void fleet_on_bus(void *arg, bool up)
{
    struct fleet *f = arg;

    if (up) {
        f->up_ms = loop_now_ms(f->parts->loop);
    }
    if (up && timer_running(&f->timer)) { /* else a write waits for the connection already */
        timer_start(f->parts->loop, &f->timer, 0, fleet_renew);
    }
}

struct fleet *fleet_new(struct parts *parts)
{
    struct fleet *f = mem_new(sizeof(*f));

    f->parts = parts;
    f->known = map_new(KNOWN);
    f->written_ms = -1;
    f->up_ms = loop_now_ms(parts->loop);
    id_random(f->instance, 8);
    snprintf(f->key, sizeof(f->key), "agent.%s", f->instance);
    bus_watch(parts->bus, fleet_on_bus, f);
    timer_start(parts->loop, &f->timer, 0, fleet_renew);
    return f;
}

/* The process ends: the delete marker goes out if the socket takes it, or else the presence ages. */
static void fleet_gone(void *arg, enum fault fault, uint64_t revision)
{
    (void)arg;
    (void)fault;
    (void)revision;
}

static void fleet_forget(struct fleet *f)
{
    size_t cursor = 0;
    struct seen *s;

    while ((s = map_next(f->known, &cursor, NULL)) != NULL) {
        free(s);
    }
    map_free(&f->known);
}

void fleet_free(struct fleet **pf)
{
    struct fleet *f = *pf;

    if (f) {
        bus_ask_stop(f->parts->bus, f->writing);
        bus_ask_stop(f->parts->bus, f->reading);
        if (!f->left) {
            kv_delete(f->parts->bus, BUCKET_LEASE, f->key, 1000, fleet_gone, NULL);
        }
        bus_unwatch(f->parts->bus, fleet_on_bus, f);
        timer_stop(&f->timer);
        fleet_forget(f);
        free(f);
        *pf = NULL;
    }
}

const char *fleet_instance(const struct fleet *f)
{
    return f->instance;
}

int64_t fleet_now_ms(const struct fleet *f)
{
    return f->clock_read ? loop_now_ms(f->parts->loop) + f->offset_ms : clock_wall_ms();
}

bool fleet_timed(const struct fleet *f)
{
    return f->clock_read;
}

bool fleet_present(const struct fleet *f)
{
    /* It outlives the time in which a claim that is made now may still be sent. */
    return f->written_ms >= 0 &&
           loop_now_ms(f->parts->loop) - f->written_ms < SETUP_LEASE_MS - LIMIT_SEND_BY_MS;
}

/* ---- others ---- */

static void ask_tell(void *arg)
{
    struct ask *a = arg;

    a->fn(a->arg, FAULT_OK, a->alive);
    free(a);
}

static void fleet_remember(struct fleet *f, const char *instance, bool alive)
{
    struct seen *s = map_find(f->known, instance);

    if (!s) {
        if (map_count(f->known) >= KNOWN) {
            fleet_forget(f);
            f->known = map_new(KNOWN);
        }
        s = mem_new(sizeof(*s));
        map_put(f->known, instance, s);
    }
    *s = (struct seen){loop_now_ms(f->parts->loop), alive};
}

static void ask_on_entry(void *arg, enum fault fault, const struct kv_entry *entry)
{
    struct ask *a = arg;

    if (fault == FAULT_OK) {
        bool settled = loop_now_ms(a->fleet->parts->loop) - a->fleet->up_ms >= SETTLE_MS;
        a->alive = !entry->deleted && (entry->revision || !settled);
        fleet_remember(a->fleet, a->instance, a->alive);
        ask_tell(a);
        return;
    }
    a->fn(a->arg, fault, true);
    free(a);
}

void fleet_alive(struct fleet *f, const char *instance, fleet_alive_fn *fn, void *arg)
{
    struct ask *a = mem_new(sizeof(*a));
    const struct seen *s = map_find(f->known, instance);
    char key[32];

    *a = (struct ask){.fleet = f, .fn = fn, .arg = arg};
    snprintf(a->instance, sizeof(a->instance), "%s", instance);
    if (!strcmp(instance, f->instance) || (s && loop_now_ms(f->parts->loop) - s->at_ms < KEEP_MS)) {
        a->alive = s ? s->alive : true;
        loop_soon(f->parts->loop, ask_tell, a);
        return;
    }
    snprintf(key, sizeof(key), "agent.%s", a->instance);
    kv_get(f->parts->bus, BUCKET_LEASE, key, true, ask_on_entry, a);
}

/* ---- leaving ---- */

struct leave {
    void (*done)(void *arg);
    void *arg;
};

static void leave_done(void *arg, enum fault fault, uint64_t revision)
{
    struct leave l = *(struct leave *)arg;

    (void)fault;
    (void)revision;
    free(arg);
    l.done(l.arg);
}

void fleet_leave(struct fleet *f, void (*done)(void *arg), void *arg)
{
    struct leave *l = mem_new(sizeof(*l));

    *l = (struct leave){done, arg};
    f->left = true;
    timer_stop(&f->timer);
    kv_delete(f->parts->bus, BUCKET_LEASE, f->key, 1000, leave_done, l);
}
