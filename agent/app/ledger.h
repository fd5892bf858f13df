/* ledger.h - the journal in KV: reads records, and writes them by compare-and-set with the rules of
 * core/journal. */
#ifndef APP_LEDGER_H
#define APP_LEDGER_H

#include "core/journal.h"
#include "edge/kv.h"

struct ledger;

struct ledger *ledger_new(struct bus *bus, struct loop *loop);
void ledger_free(struct ledger **l);

/* doc is borrowed and may be NULL (a fault before anything was read); a callback that keeps it takes a
 * reference and does not change it. fault: OK; NO_TASK; BAD_DATA; BUS_DOWN; BUS_TIMEOUT; FLEET_FULL;
 * TOO_LARGE (the record would not fit into a message); what the change gave. */
typedef void ledger_fn(void *arg, enum fault fault, const json_t *doc, uint64_t revision);

/* ledger_get - the record of a task. leader: not from a follower. */
void ledger_get(struct ledger *l, const char *app, const char *id, bool leader, ledger_fn *fn, void *arg);

/* ledger_create - the first record (takes doc). CONFLICT: there is one already; the callback gets that one.
 * BUS_DOWN: surely not stored; BUS_TIMEOUT: not known within limit_ms. */
void ledger_create(struct ledger *l, json_t *doc, int64_t limit_ms, ledger_fn *fn, void *arg);

/* A change to a record: one of core/journal's writes. It may be called several times, each time on a fresh
 * copy of what is there now, and refuses with a fault when it does not apply (any more): the callback then
 * gets that fault and the record as it is. */
typedef enum fault ledger_change_fn(json_t *doc, void *arg);

/* ledger_update - writes change's outcome. doc and revision are what the caller knows (borrowed); NULL: read
 * first. limit_ms -1: repeated until it stands, however long NATS is away or refuses: for verdicts, which
 * must not be lost (only TOO_LARGE ends it, and what the record itself says). A write whose ack was lost is
 * recognised by its nonce. */
struct ledger_update {
    const char *app, *id;
    const json_t *doc;
    uint64_t revision;
    ledger_change_fn *change;
    void *change_arg;
    int64_t limit_ms;
};
void ledger_update(struct ledger *l, const struct ledger_update *update, ledger_fn *fn, void *arg);

/* ledger_pending - updates under way: a drain waits for them. */
size_t ledger_pending(const struct ledger *l);

#endif
