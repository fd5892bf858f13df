/* kv.h - JetStream key-value buckets (ADR-8): read, compare-and-set, on the bus. */
#ifndef EDGE_KV_H
#define EDGE_KV_H

#include "edge/bus.h"

/* An entry: slices live until the callback returns. */
struct kv_entry {
    struct slice value;
    uint64_t revision; /* 0: there never was such a key, or it went without a marker; see also deleted */
    int64_t time_ms;   /* the server's time stamp of this revision, Unix ms; 0: none */
    int64_t age_ms;    /* how old it was by the server's clock when read; -1: not known (none tells so far) */
    bool deleted;      /* the last operation was a delete; revision is that of the marker, the value empty */
};

/* fault: OK (entry->revision 0: no such key), BUS_DOWN, BUS_TIMEOUT, INTERNAL. */
typedef void kv_get_fn(void *arg, enum fault fault, const struct kv_entry *entry);

/* kv_get - the last value of key. leader: by STREAM.MSG.GET from the stream's leader (after a conflict or a
 * lost ack), else by DIRECT.GET, which a follower may answer. Token for bus_ask_stop. */
uint64_t kv_get(struct bus *bus, const char *bucket, const char *key, bool leader, kv_get_fn *fn, void *arg);

/* fault: OK with the new revision; CONFLICT (somebody else wrote first, or this exact write stood already:
 * read again from the leader); BUS_DOWN (surely not written); BUS_TIMEOUT (unknown: read again from the
 * leader); FLEET_FULL; INTERNAL. */
typedef void kv_put_fn(void *arg, enum fault fault, uint64_t revision);

/* kv_put - writes value if the key's revision is still expect (0: there is no such key; -1: whatever it is).
 * The message id is "<key>@<expect>", so that a server below 2.9.21 with replicas cannot let two win: a
 * duplicate ack means CONFLICT. With expect 0, which every server checks properly, there is none (it would
 * outlive a key that expired), nor with -1. Repeated as bus_publish does, up to limit_ms. A nonce that tells
 * two writers of the same revision apart is in the value: the reader's business. */
uint64_t kv_put(struct bus *bus, const char *bucket, const char *key, struct slice value, int64_t expect,
                int64_t limit_ms, kv_put_fn *fn, void *arg);

/* kv_delete - writes a delete marker (KV-Operation: DEL). */
uint64_t kv_delete(struct bus *bus, const char *bucket, const char *key, int64_t limit_ms, kv_put_fn *fn,
                   void *arg);

/* kv_scan - every live entry whose key fits filter (NATS wildcards), oldest revision first: an ephemeral
 * consumer, bounded pulls. each gives false to stop early; done comes once. Faults as kv_get. */
typedef bool kv_each_fn(void *arg, const char *key, const struct kv_entry *entry);
typedef void kv_done_fn(void *arg, enum fault fault);
void kv_scan(struct bus *bus, const char *bucket, const char *filter, kv_each_fn *each, kv_done_fn *done,
             void *arg);
/* kv_scan_from - the same from a revision on, of a bucket that keeps one revision of each key. */
void kv_scan_from(struct bus *bus, const char *bucket, uint64_t from, kv_each_fn *each, kv_done_fn *done,
                  void *arg);
/* kv_forget - takes a key away without a marker, unless it was written after revision: for buckets whose keys
 * never come back. fault as kv_get. */
typedef void kv_forget_fn(void *arg, enum fault fault);
uint64_t kv_forget(struct bus *bus, const char *bucket, const char *key, uint64_t revision, kv_forget_fn *fn,
                   void *arg);

/* kv_key_valid - text can be a key: [A-Za-z0-9_=.-]+, no dot at either end. */
bool kv_key_valid(const char *text);

#endif
