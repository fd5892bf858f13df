/* standing_internal.h - between the files of standing: an entry of the fleet's bucket and what is known of
 * it.
 */
#ifndef APP_STANDING_INTERNAL_H
#define APP_STANDING_INTERNAL_H

#include "app/standing.h"
#include "base/list.h"
#include "base/map.h"
#include "core/account.h"

#define STANDING_ENTRIES 8192
#define STANDING_LIVE    "sluice.live.fleet."

enum standing_kind { ENTRY_ACCOUNT, ENTRY_BREAKER, ENTRY_FORCE, ENTRY_KINDS };

struct standing_entry {
    struct list link;
    struct standing *standing;
    char *key; /* in the bucket */
    enum standing_kind kind;
    char *target, *label; /* for people: the target's name, the key as "<pool>/<id>"; NULL: not known */
    uint64_t revision;    /* last seen; 0: it is not in the bucket */
    bool dirty;           /* we know more than the bucket */
    uint64_t asking;      /* token of the write or read under way; 0: none */
    struct account account;
    struct breaker breaker;
    /* ordered by hand */
    enum breaker_force force;
    int64_t force_until_ms; /* 0: until it is ordered otherwise */
    uint64_t turn;          /* of the account: when it was last used */
    int64_t doubted_ms;     /* of the breaker: when somebody last told of a failure */
    int64_t assured_ms;     /* when we last told of a success */
    /* the probe that is ours or asked for */
    char *probe_key;
    uint64_t probe_asking, probe_revision;
    int64_t probe_renewed_ms;
};

struct standing {
    struct parts *parts;
    struct map *entries; /* key in the bucket -> struct standing_entry */
    struct list list;    /* the same */
    struct timer tick, known;
    bool scanning, scan_again;
    int64_t scanned_ms; /* when the last scan began */
    uint64_t turns;
    void (*ready)(void *arg);
    void *ready_arg;
};

/* standing_entry - the entry of that key in the bucket, made if it is new; NULL: there are too many, or key
 * is none of ours. */
struct standing_entry *standing_entry(struct standing *s, const char *key);
/* standing_names - notes whose entry it is, for people. */
void standing_names(struct standing_entry *e, const char *target, const char *pool, const char *id);

/* standing_tell - the entry's facts changed here: they are written until the bucket has them. */
void standing_tell(struct standing_entry *e);

/* standing_doubt - tells the fleet what a submission of ours came to, while there is doubt. */
void standing_doubt(struct standing_entry *e, const struct breaker_ticket *t, uint64_t task,
                    enum breaker_verdict verdict);
enum fault standing_doubt_open(struct standing *s) MUSTCHECK;

/* standing_store_open - listens, and reads the bucket at each connect and now and then. standing_store_tick -
 * what failed is tried again. */
enum fault standing_store_open(struct standing *s) MUSTCHECK;
void standing_store_close(struct standing *s);
void standing_store_tick(struct standing *s);

/* standing_probe_ask - asks for the fleet's probe of the breaker's epoch. standing_probe_back - ours is for
 * somebody else. standing_probe_tick - keeps leases that are in use, gives back those that nobody used. */
void standing_probe_ask(struct standing_entry *e);
void standing_probe_back(struct standing_entry *e);
void standing_probe_tick(struct standing_entry *e);

#endif
