/* standing_store.c - the bucket SLUICE_FLEET: heard, read and written, so that every agent knows what all do.
 */
#include <stdlib.h>
#include <string.h>

#include "app/fleet.h"
#include "app/setup.h"
#include "app/standing_internal.h"
#include "base/mem.h"
#include "edge/kv.h"
#include "wire/date.h"
#include "wire/envelope.h"

#define WRITE_MS 5000
#define CLOCK_MS 10
#define SCAN_MS  60000 /* what was missed in spite of all is found then */

static const char *const kinds[ENTRY_KINDS] = {"key", "breaker", "force"};

static void entry_write(struct standing_entry *e);

/* ---- entries ---- */

static int kind_of(const char *key)
{
    for (int i = 0; i < ENTRY_KINDS; i++) {
        size_t n = strlen(kinds[i]);
        if (!strncmp(key, kinds[i], n) && key[n] == '.') {
            return i;
        }
    }
    return -1;
}

struct standing_entry *standing_entry(struct standing *s, const char *key)
{
    struct standing_entry *e = map_find(s->entries, key);
    int kind = kind_of(key);

    if (e || kind < 0 || map_count(s->entries) >= STANDING_ENTRIES) {
        return e;
    }
    e = mem_new(sizeof(*e));
    e->standing = s;
    e->key = mem_text(key);
    e->kind = (enum standing_kind)kind;
    map_put(s->entries, key, e);
    list_push(&s->list, &e->link);
    return e;
}

void standing_names(struct standing_entry *e, const char *target, const char *pool, const char *id)
{
    if (!e->target && target) {
        e->target = mem_text(target);
    }
    if (!e->label && pool && id) {
        e->label = mem_printf("%s/%s", pool, id);
    }
}

/* ---- records ---- */

static json_t *entry_pack(const struct standing_entry *e)
{
    int64_t now = fleet_now_ms(e->standing->parts->fleet);
    json_t *record = json_object();
    const char *slash = e->label ? strchr(e->label, '/') : NULL;

    if (e->target) {
        json_object_set_new(record, "target", json_string(e->target));
    }
    if (slash) {
        json_object_set_new(record, "pool", json_stringn(e->label, (size_t)(slash - e->label)));
        json_object_set_new(record, "key", json_string(slash + 1));
    }
    if (e->kind == ENTRY_ACCOUNT) {
        account_pack(record, &e->account, now);
    } else {
        breaker_pack(record, &e->breaker.facts, now);
    }
    return record;
}

static void force_read(struct standing_entry *e, const json_t *record, int64_t time_ms)
{
    const char *state = json_string_value(json_object_get(record, "state"));
    int64_t for_ms = json_integer_value(json_object_get(record, "for_ms"));

    e->force = !state                    ? FORCE_NONE
               : !strcmp(state, "open")  ? FORCE_OPEN
               : !strcmp(state, "close") ? FORCE_CLOSED
                                         : FORCE_NONE;
    e->force_until_ms = for_ms > 0 && for_ms < INT64_MAX / 4 ? time_ms + for_ms : 0;
}

/* What somebody wrote at time_ms goes on top of what is known here. True: it is less than what we know. */
static bool entry_join(struct standing_entry *e, const json_t *record, int64_t time_ms)
{
    struct account account;
    struct breaker_facts facts;
    const char *target = json_string_value(json_object_get(record, "target"));

    standing_names(e, target, json_string_value(json_object_get(record, "pool")),
                   json_string_value(json_object_get(record, "key")));
    if (e->kind == ENTRY_FORCE) {
        force_read(e, record, time_ms);
    } else if (e->kind == ENTRY_ACCOUNT && account_unpack(record, &account, time_ms)) {
        int before = e->account.refused_n;
        account_join(&e->account, &account);
        if (e->account.refused_n > before || e->account.spent_ms > e->account.out_ms) {
            e->account.out_ms = fleet_now_ms(e->standing->parts->fleet);
        }
        return !account_same(&e->account, &account);
    } else if (e->kind == ENTRY_BREAKER && breaker_unpack(record, &facts, time_ms)) {
        breaker_hear(&e->breaker, &facts);
        return !breaker_same(&e->breaker.facts, &facts);
    }
    return false;
}

/* An operator took the entry away: it begins anew. */
static void entry_reset(struct standing_entry *e)
{
    if (!e->dirty) {
        e->account = (struct account){0};
        e->breaker.facts = (struct breaker_facts){0};
        breaker_probe_drop(&e->breaker);
        e->force = FORCE_NONE;
    }
}

/* True: the bucket knows less than we do. */
static bool entry_hear(struct standing_entry *e, const struct kv_entry *entry)
{
    json_t *record = NULL;
    bool more = false;
    int64_t time_ms = entry->time_ms ? entry->time_ms : fleet_now_ms(e->standing->parts->fleet);

    e->revision = entry->revision;
    if (entry->deleted || !entry->revision) {
        entry_reset(e);
        return e->dirty;
    }
    if (envelope_read(entry->value, kinds[e->kind], &record, NULL) == FAULT_OK) {
        more = entry_join(e, record, time_ms);
    }
    json_decref(record);
    return more;
}

/* ---- writing ---- */

/* Somebody wrote first, or it is not known who: what stands there is joined, and what it lacks written again.
 */
static void on_read(void *arg, enum fault fault, const struct kv_entry *entry)
{
    struct standing_entry *e = arg;

    e->asking = 0;
    if (fault == FAULT_OK) {
        e->dirty = entry_hear(e, entry);
        if (e->dirty) {
            entry_write(e);
        }
    }
}

static void entry_read(struct standing_entry *e)
{
    e->asking = kv_get(e->standing->parts->bus, BUCKET_FLEET, e->key, true, on_read, e);
}

static void on_written(void *arg, enum fault fault, uint64_t revision)
{
    struct standing_entry *e = arg;

    e->asking = 0;
    if (fault == FAULT_OK) {
        e->revision = revision > e->revision ? revision : e->revision;
        if (e->dirty) { /* it changed meanwhile */
            entry_write(e);
        }
        return;
    }
    e->dirty = true;
    if (fault == FAULT_CONFLICT) {
        entry_read(e);
    } /* else the tick reads it when NATS is there again */
}

static void entry_write(struct standing_entry *e)
{
    json_t *record = entry_pack(e);
    struct buf b;

    e->dirty = false;
    buf_init(&b, 64 * KIB);
    envelope_write(&b, kinds[e->kind], record);
    e->asking = kv_put(e->standing->parts->bus, BUCKET_FLEET, e->key, buf_slice(&b), (int64_t)e->revision,
                       WRITE_MS, on_written, e);
    buf_done(&b);
    json_decref(record);
}

void standing_tell(struct standing_entry *e)
{
    e->dirty = true;
    if (!e->asking) {
        entry_write(e);
    }
}

/* ---- hearing ---- */

static bool on_entry(void *arg, const char *key, const struct kv_entry *entry)
{
    struct standing_entry *e = standing_entry(arg, key);

    if (e && entry->revision > e->revision) {
        entry_hear(e, entry);
    }
    return true;
}

/* A republished entry: the headers say what it was stored as. */
static void on_live(void *arg, const struct bus_in *in)
{
    const char *sequence = bus_header(in, "Nats-Sequence"), *operation = bus_header(in, "KV-Operation");
    const char *stamp = bus_header(in, "Nats-Time-Stamp");
    const struct kv_entry entry = {.value = in->payload,
                                   .revision = sequence ? strtoull(sequence, NULL, 10) : 0,
                                   .time_ms = stamp ? date_stamp_ms(stamp) : 0,
                                   .deleted = operation && strcmp(operation, "PUT") != 0};

    if (entry.revision && strlen(in->subject) > strlen(STANDING_LIVE)) {
        on_entry(arg, in->subject + strlen(STANDING_LIVE), &entry);
    }
}

static void store_scan(struct standing *s);

/* What the bucket says is known; by whose clock, too? */
static void on_known(struct timer *t)
{
    struct standing *s = container_of(t, struct standing, known);
    void (*ready)(void *arg) = s->ready;

    if (!fleet_timed(s->parts->fleet)) {
        timer_start(s->parts->loop, &s->known, CLOCK_MS, on_known);
    } else if (ready) {
        s->ready = NULL;
        ready(s->ready_arg);
    }
}

static void on_scanned(void *arg, enum fault fault)
{
    struct standing *s = arg;

    s->scanning = false;
    if (fault != FAULT_OK) {
        s->scanned_ms -= SCAN_MS - WRITE_MS; /* soon again */
    } else if (!s->scan_again && s->ready) {
        timer_start(s->parts->loop, &s->known, 0, on_known);
    }
    if (s->scan_again) {
        store_scan(s);
    }
}

static void store_scan(struct standing *s)
{
    s->scan_again = s->scanning;
    if (!s->scanning) {
        s->scanning = true;
        s->scanned_ms = loop_now_ms(s->parts->loop);
        kv_scan(s->parts->bus, BUCKET_FLEET, ">", on_entry, on_scanned, s);
    }
}

/* What was written while the connection was away was not heard. */
static void on_bus(void *arg, bool up)
{
    struct standing *s = arg;

    if (up && s->scanned_ms) {
        store_scan(s);
    }
}

/* ---- life ---- */

enum fault standing_store_open(struct standing *s)
{
    bus_watch(s->parts->bus, on_bus, s);
    return bus_listen(s->parts->bus, STANDING_LIVE ">", on_live, s);
}

void standing_store_close(struct standing *s)
{
    bus_unwatch(s->parts->bus, on_bus, s);
    list_each(link, after, &s->list)
    {
        const struct standing_entry *e = container_of(link, struct standing_entry, link);
        bus_ask_stop(s->parts->bus, e->asking);
        bus_ask_stop(s->parts->bus, e->probe_asking);
    }
}

void standing_store_tick(struct standing *s)
{
    if (!bus_up(s->parts->bus)) {
        return;
    }
    list_each(link, after, &s->list)
    {
        struct standing_entry *e = container_of(link, struct standing_entry, link);
        if (e->dirty && !e->asking) {
            entry_read(e);
        }
    }
    if (s->scanned_ms && !s->scanning && loop_now_ms(s->parts->loop) - s->scanned_ms >= SCAN_MS) {
        store_scan(s);
    }
}

void standing_start(struct standing *s, void (*ready)(void *arg), void *arg)
{
    s->ready = ready;
    s->ready_arg = arg;
    store_scan(s);
}
