/* media.h - media as ordinary objects of a JetStream object store (ADR-20), streamed both ways with bounded
 * memory.
 *
 * An object is named by its SHA-256 in hex: the same bytes are stored once. Any NATS client can read and
 * write the bucket. */
#ifndef EDGE_MEDIA_H
#define EDGE_MEDIA_H

#include "edge/bus.h"
#include "wire/digest.h"

struct media;

/* media_new - on its own connection, so that megabytes do not stand before small messages. bus is borrowed.
 */
struct media *media_new(struct bus *bus, struct loop *loop, const char *bucket);
void media_free(struct media **m);

struct media_info {
    char digest[DIGEST_HEX_CHARS + 1];
    uint64_t bytes;
    char type[64];     /* media type, "" when not known */
    int width, height; /* 0: not known */
    int64_t stored_ms; /* Unix ms by the server; 0: not known, or stored just now */
};

/* ---- writing ---- */
struct media_put;

/* OK: stored, info is whole. Else TOO_LARGE, BUS_DOWN, BUS_TIMEOUT, FLEET_FULL (the store is full): nothing
 * remains. The put is gone when this is called. */
typedef void media_put_fn(void *arg, enum fault fault, const struct media_info *info);
/* room: more may be added without growing past the window. */
typedef void media_room_fn(void *arg);

/* media_put_start - type "" or NULL: sniffed from the bytes. limit: bytes at most. An object of that digest
 * that is there already is kept and its age renewed by writing it again only when it is older than half the
 * bucket's age. limit_ms: how long NATS may be away. */
struct media_put *media_put_start(struct media *m, const char *type, uint64_t limit, int64_t limit_ms,
                                  media_room_fn *room, media_put_fn *done, void *arg);
/* media_put_add - copies bytes. Gives false when the window is full: add no more until room is called (one
 * more add is still taken). */
bool media_put_add(struct media_put *p, struct slice bytes);
/* media_put_end - all bytes were added; done will come. media_put_stop - drops it (chunks are purged); no
 * callback. */
void media_put_end(struct media_put *p);
void media_put_stop(struct media_put **p);

/* ---- reading ---- */
struct media_get;

/* head comes first, once: fault NO_MEDIA, BUS_DOWN, BUS_TIMEOUT (then nothing else comes and the get is
 * gone), or OK. data gives true to go on, false to pause until media_get_resume. end comes once: OK after the
 * digest was right (whole reads only), else BAD_DATA, BUS_TIMEOUT; the get is gone then. */
struct media_get_events {
    void (*head)(void *arg, enum fault fault, const struct media_info *info);
    bool (*data)(void *arg, struct slice bytes);
    void (*end)(void *arg, enum fault fault);
};

/* media_get_start - length 0: all from first on. Reads at most LIMIT_MEDIA_WINDOW chunks ahead. */
struct media_get *media_get_start(struct media *m, const char *digest, uint64_t first, uint64_t length,
                                  const struct media_get_events *events, void *arg);
void media_get_resume(struct media_get *g);
void media_get_stop(struct media_get **g);

/* media_stat - the info only. */
uint64_t media_stat(struct media *m, const char *digest,
                    void (*fn)(void *arg, enum fault fault, const struct media_info *info), void *arg);
void media_stat_stop(struct media *m, uint64_t token);

#endif
