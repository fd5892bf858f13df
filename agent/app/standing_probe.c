/* standing_probe.c - the one probe of a half-open breaker: a lease that one agent of the fleet can get. */
#include <inttypes.h>
#include <stdlib.h>

#include "app/fleet.h"
#include "app/setup.h"
#include "app/standing_internal.h"
#include "base/mem.h"
#include "edge/kv.h"

#define ASK_MS   2000
#define RENEW_MS (SETUP_LEASE_MS / 3)

static void on_lease(void *arg, enum fault fault, uint64_t revision)
{
    struct standing_entry *e = arg;
    int64_t now = fleet_now_ms(e->standing->parts->fleet);

    e->probe_asking = 0;
    if (e->breaker.probe != PROBE_ASKED) { /* the breaker has gone on meanwhile */
        return;
    }
    e->probe_revision = revision;
    e->probe_renewed_ms = loop_now_ms(e->standing->parts->loop);
    breaker_answered(&e->breaker, fault == FAULT_OK, now);
}

void standing_probe_ask(struct standing_entry *e)
{
    struct parts *parts = e->standing->parts;

    bus_ask_stop(parts->bus, e->probe_asking);
    free(e->probe_key);
    e->probe_key = mem_printf("probe.%s.%" PRId64, e->key, e->breaker.facts.epoch);
    breaker_asked(&e->breaker);
    e->probe_asking = kv_put(parts->bus, BUCKET_LEASE, e->probe_key, slice_of(fleet_instance(parts->fleet)),
                             0, ASK_MS, on_lease, e);
}

static void on_forgotten(void *arg, enum fault fault)
{
    (void)arg; /* when it failed, it ages */
    (void)fault;
}

void standing_probe_back(struct standing_entry *e)
{
    breaker_probe_drop(&e->breaker);
    bus_ask_stop(e->standing->parts->bus, e->probe_asking);
    e->probe_asking = 0;
    kv_forget(e->standing->parts->bus, BUCKET_LEASE, e->probe_key, e->probe_revision, on_forgotten, NULL);
}

static void on_renewed(void *arg, enum fault fault, uint64_t revision)
{
    struct standing_entry *e = arg;

    e->probe_asking = 0;
    if (fault == FAULT_OK) {
        e->probe_revision = revision;
    }
}

void standing_probe_tick(struct standing_entry *e)
{
    struct parts *parts = e->standing->parts;
    enum breaker_probe probe = e->breaker.probe;
    int64_t now = loop_now_ms(parts->loop);

    if (probe == PROBE_OURS && fleet_now_ms(parts->fleet) >= e->breaker.probe_ms) {
        standing_probe_back(e);
    } else if (probe == PROBE_OUT && !e->probe_asking && now - e->probe_renewed_ms >= RENEW_MS) {
        e->probe_renewed_ms = now;
        e->probe_asking =
            kv_put(parts->bus, BUCKET_LEASE, e->probe_key, slice_of(fleet_instance(parts->fleet)),
                   (int64_t)e->probe_revision, ASK_MS, on_renewed, e);
    }
}
