/* ledger.c - compare-and-set on the journal, repeated until it is known whether a write stands. */
#include "app/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/setup.h"
#include "base/buf.h"
#include "base/id.h"
#include "base/list.h"
#include "base/mem.h"
#include "wire/envelope.h"

#define AGAIN_MS 250
#define PUT_MS   10000 /* one compare-and-set, an election included */

/* A record leaves room for a message's headers, which count against the same limit of the server. */
#define RECORD_BYTES (LIMIT_MESSAGE_BYTES - 4 * KIB)

struct ledger {
    struct bus *bus;
    struct loop *loop;
    struct list writes;
    size_t pending;
    struct id_pool nonces;
};

/* One read. */
struct look {
    ledger_fn *fn;
    void *arg;
};

/* One write on its way. */
struct write {
    struct list link;
    struct ledger *ledger;
    char key[LIMIT_NAME_CHARS + ID_CHARS + 2];
    json_t *doc;  /* as read */
    json_t *next; /* as it shall be */
    uint64_t revision;
    char nonce[17]; /* one for all tries of this write, so that it knows itself */
    bool tried;     /* a put went out: it may stand */
    bool unsure;    /* a put may stand: it went unanswered, or met something that may be itself */
    bool create;
    enum fault refused;
    ledger_change_fn *change;
    void *change_arg;
    int64_t until_ms; /* -1: for ever */
    struct timer timer;
    ledger_fn *fn;
    void *arg;
};

struct ledger *ledger_new(struct bus *bus, struct loop *loop)
{
    struct ledger *l = mem_new(sizeof(*l));

    l->bus = bus;
    l->loop = loop;
    list_init(&l->writes);
    return l;
}

static void write_free(struct write *w)
{
    timer_stop(&w->timer);
    list_drop(&w->link);
    w->ledger->pending--;
    json_decref(w->doc);
    json_decref(w->next);
    free(w);
}

void ledger_free(struct ledger **pl)
{
    struct ledger *l = *pl;

    if (!l) {
        return;
    }
    list_each(link, after, &l->writes)
    {
        write_free(container_of(link, struct write, link));
    }
    free(l);
    *pl = NULL;
}

size_t ledger_pending(const struct ledger *l)
{
    return l->pending;
}

/* ---- reading ---- */

/* The record in an entry: OK, NO_TASK or BAD_DATA. */
static enum fault ledger_open(const struct kv_entry *entry, json_t **ret_doc)
{
    if (!entry->revision || entry->deleted) {
        return FAULT_NO_TASK;
    }
    enum fault fault = envelope_read(entry->value, "record", ret_doc, NULL);
    if (fault == FAULT_OK && journal_check(*ret_doc, NULL) != FAULT_OK) {
        json_decref(*ret_doc);
        *ret_doc = NULL;
        fault = FAULT_BAD_DATA;
    }
    return fault;
}

static void look_done(void *arg, enum fault fault, const struct kv_entry *entry)
{
    struct look look = *(struct look *)arg;
    json_t *doc = NULL;

    free(arg);
    if (fault == FAULT_OK) {
        fault = ledger_open(entry, &doc);
    }
    look.fn(look.arg, fault, doc, doc ? entry->revision : 0);
    json_decref(doc);
}

void ledger_get(struct ledger *l, const char *app, const char *id, bool leader, ledger_fn *fn, void *arg)
{
    struct look *look = mem_new(sizeof(*look));
    char key[LIMIT_NAME_CHARS + ID_CHARS + 2];

    *look = (struct look){fn, arg};
    snprintf(key, sizeof(key), "%s.%s", app, id);
    kv_get(l->bus, BUCKET_JOURNAL, key, leader, look_done, look);
}

/* ---- writing ---- */

static void write_read(struct write *w);
static void write_put(struct write *w);

static void write_done(struct write *w, enum fault fault, const json_t *doc, uint64_t revision)
{
    ledger_fn *fn = w->fn;
    void *arg = w->arg;
    json_t *kept = doc ? json_incref((json_t *)doc) : NULL;

    write_free(w);
    fn(arg, fault, kept, revision);
    json_decref(kept);
}

static bool write_late(const struct write *w)
{
    return w->until_ms >= 0 && loop_now_ms(w->ledger->loop) >= w->until_ms;
}

static void write_on_timer(struct timer *t)
{
    write_read(container_of(t, struct write, timer));
}

/* The bus failed us: again in a moment, unless time is up. */
static void write_again(struct write *w, enum fault fault)
{
    if (write_late(w)) {
        write_done(w, w->unsure ? FAULT_BUS_TIMEOUT : fault, NULL, 0);
    } else {
        timer_start(w->ledger->loop, &w->timer, AGAIN_MS, write_on_timer);
    }
}

static void write_on_read(void *arg, enum fault fault, const struct kv_entry *entry)
{
    struct write *w = arg;
    json_t *doc = NULL;

    if (fault != FAULT_OK) {
        write_again(w, FAULT_BUS_DOWN);
        return;
    }
    fault = ledger_open(entry, &doc);
    json_decref(w->doc);
    w->doc = doc;
    w->revision = entry->revision;
    bool free_to_put = w->create ? fault == FAULT_NO_TASK : fault == FAULT_OK;
    if (doc && w->tried && journal_wrote(doc, w->nonce)) {
        write_done(w, FAULT_OK, doc, w->revision);
    } else if (!free_to_put) {
        write_done(w, w->create && doc ? FAULT_CONFLICT : fault, doc, w->revision);
    } else if (w->tried && write_late(w)) {
        write_done(w, FAULT_BUS_TIMEOUT, NULL, 0);
    } else {
        write_put(w);
    }
}

/* Reads from the leader what is there now. */
static void write_read(struct write *w)
{
    kv_get(w->ledger->bus, BUCKET_JOURNAL, w->key, true, write_on_read, w);
}

static void write_on_put(void *arg, enum fault fault, uint64_t revision)
{
    struct write *w = arg;

    w->unsure = w->unsure || fault == FAULT_BUS_TIMEOUT || fault == FAULT_CONFLICT;
    if (fault == FAULT_OK) {
        write_done(w, FAULT_OK, w->next, revision);
    } else if (fault == FAULT_CONFLICT || fault == FAULT_BUS_TIMEOUT) {
        write_read(w);
    } else if (fault == FAULT_BUS_DOWN || (w->until_ms < 0 && fault != FAULT_TOO_LARGE)) {
        write_again(w, fault);
    } else {
        write_done(w, fault, NULL, 0);
    }
}

static void write_on_refusal(struct timer *t)
{
    struct write *w = container_of(t, struct write, timer);

    write_done(w, w->refused, w->doc, w->revision);
}

/* Tells a refusal, but not from inside the call that began the write. */
static void write_refuse(struct write *w, enum fault fault)
{
    w->refused = fault;
    timer_start(w->ledger->loop, &w->timer, 0, write_on_refusal);
}

static int64_t write_left_ms(const struct write *w)
{
    int64_t left = w->until_ms < 0 ? PUT_MS : w->until_ms - loop_now_ms(w->ledger->loop);

    return left < 0 ? 0 : left < PUT_MS ? left : PUT_MS;
}

static void write_put(struct write *w)
{
    struct buf b;

    if (!w->create) {
        json_decref(w->next);
        w->next = json_deep_copy(w->doc);
        enum fault fault = w->change(w->next, w->change_arg);
        if (fault != FAULT_OK) {
            write_refuse(w, fault);
            return;
        }
    }
    w->tried = true;
    journal_sign(w->next, w->nonce);
    buf_init(&b, RECORD_BYTES);
    envelope_write(&b, "record", w->next);
    if (buf_ok(&b)) {
        kv_put(w->ledger->bus, BUCKET_JOURNAL, w->key, buf_slice(&b), (int64_t)w->revision, write_left_ms(w),
               write_on_put, w);
    } else {
        write_refuse(w, FAULT_TOO_LARGE);
    }
    buf_done(&b);
}

static struct write *write_new(struct ledger *l, const char *app, const char *id, int64_t limit_ms)
{
    struct write *w = mem_new(sizeof(*w));

    w->ledger = l;
    snprintf(w->key, sizeof(w->key), "%s.%s", app, id);
    w->until_ms = limit_ms < 0 ? -1 : loop_now_ms(l->loop) + limit_ms;
    id_pool_random(&l->nonces, w->nonce, 8);
    list_init(&w->link);
    list_push(&l->writes, &w->link);
    l->pending++;
    return w;
}

void ledger_create(struct ledger *l, json_t *doc, int64_t limit_ms, ledger_fn *fn, void *arg)
{
    struct write *w = write_new(l, json_string_value(json_object_get(doc, "app")),
                                json_string_value(json_object_get(doc, "id")), limit_ms);

    w->create = true;
    w->next = doc;
    w->fn = fn;
    w->arg = arg;
    write_put(w);
}

void ledger_update(struct ledger *l, const struct ledger_update *u, ledger_fn *fn, void *arg)
{
    struct write *w = write_new(l, u->app, u->id, u->limit_ms);

    w->change = u->change;
    w->change_arg = u->change_arg;
    w->fn = fn;
    w->arg = arg;
    if (u->doc) {
        w->doc = json_incref((json_t *)u->doc);
        w->revision = u->revision;
        write_put(w);
    } else {
        write_read(w);
    }
}
