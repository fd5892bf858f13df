/* media_internal.h - what the files behind media.h share: names, metadata, the last message of a subject,
 * streams of chunks, sweeping. */
#ifndef EDGE_MEDIA_INTERNAL_H
#define EDGE_MEDIA_INTERNAL_H

#include <jansson.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/list.h"
#include "edge/media.h"

#define MEDIA_NUID_BYTES 11 /* of randomness; ADR-20 names chunks by 22 chars */
#define MEDIA_NUID_CHARS 64 /* other writers' may be longer than ours */

#define MEDIA_SUBJECT_CHARS 256

struct media {
    struct bus *bus;
    struct loop *loop;
    char *bucket;
    char *stream; /* "OBJ_<bucket>" */
    struct list puts;
    struct list hungry;  /* puts with a chunk to send, when too many of all puts are on their way */
    unsigned chunks_out; /* of all puts, not let go */
    struct timer feed;
    struct list gets;
    size_t get_count;
    struct list stats;
    struct list sweeps;
    size_t sweep_count;
    uint64_t last_token;
};

/* ---- media_meta.c ---- */

/* What the metadata of an object say. */
struct media_meta {
    struct media_info info;
    char nuid[MEDIA_NUID_CHARS + 1];
    uint64_t chunks;
    uint64_t chunk_bytes; /* of all chunks but the last; 0: not known */
    uint64_t first_seq;   /* of the first chunk; 0: not known */
    uint64_t seq;         /* of the metadata in the stream */
    bool deleted;
};

struct media_last;

/* media_meta_write - the JSON of ADR-20; the caller frees it. */
char *media_meta_write(const struct media *m, const struct media_meta *meta);
/* media_meta_read - faults: BAD_DATA. Fills all but seq and info.stored_ms. */
enum fault media_meta_read(struct slice json, const char *digest, struct media_meta *ret_meta) MUSTCHECK;
/* media_meta_last - what the answer to a question for metadata means: OK with *ret_meta whole; NO_MEDIA also
 * when they make no sense. */
enum fault media_meta_last(enum fault fault, const struct media_last *last, const char *digest,
                           struct media_meta *ret_meta) MUSTCHECK;

/* Subjects of metadata and chunks. */
void media_meta_subject(const struct media *m, const char *digest, char ret_subject[MEDIA_SUBJECT_CHARS]);
void media_chunk_subject(const struct media *m, const char *nuid, char ret_subject[MEDIA_SUBJECT_CHARS]);

/* ---- media_ask.c ---- */

/* The last message on a subject. */
struct media_last {
    struct slice payload;
    uint64_t seq;
    int64_t time_ms;
};

/* fault: OK, NOT_FOUND (the leader says so), BUS_DOWN, BUS_TIMEOUT, BAD_DATA. */
typedef void media_last_fn(void *arg, enum fault fault, const struct media_last *last);

struct media_ask;

/* media_ask_last - asks any replica first, unless leader is set, and the leader when there is none: a replica
 * may be behind. */
struct media_ask *media_ask_last(struct media *m, const char *subject, bool leader, media_last_fn *fn,
                                 void *arg);
/* media_ask_stop - the callback will not come. The ask is gone after either. */
void media_ask_stop(struct media_ask **ask);

/* ---- media_chunks.c ---- */

/* The chunks of one object in their order, from one on, as many as were granted. fn gets OK with a chunk and
 * its number, or the fault that ends the stream: BUS_TIMEOUT (nothing came for LIMIT_BODY_IDLE_MS), BAD_DATA
 * (chunks are missing). It may stop the stream. */
struct media_chunks;
typedef void media_chunk_fn(void *arg, enum fault fault, uint64_t number, struct slice bytes);

struct media_chunks *media_chunks_start(struct media *m, const struct media_meta *meta, uint64_t from,
                                        media_chunk_fn *fn, void *arg);
void media_chunks_grant(struct media_chunks *c, int count);
void media_chunks_stop(struct media_chunks **chunks);

/* ---- media_sweep.c ---- */

/* media_sweep - removes the chunks of nuid in the background, repeated until it is done or too late. digest:
 * first also the metadata of that object, if they are those of nuid; NULL: chunks only. unsettled: some may
 * be stored yet, so once more a little later. */
void media_sweep(struct media *m, const char *nuid, const char *digest, bool unsettled);
void media_sweep_drop(struct media *m);

/* ---- media_put.c ---- */

/* A chunk on its way. It is kept until it and all before it are stored in their order. */
struct media_slot {
    struct media_put *put;
    char *bytes;
    size_t n;
    uint64_t number;
    uint64_t seq;   /* in the stream; 0: not stored */
    uint64_t token; /* of its publish, or of its removal */
    unsigned tries; /* how often it was removed to be sent again */
};

/* FILLING ─all bytes are out─► NAMING ─► NAMED ─► done
 *                                │ somebody has that digest already
 *                                └─► TAKEN ─► theirs is kept: done, or ours replaces it: NAMING */
enum media_put_state { MEDIA_PUT_FILLING, MEDIA_PUT_NAMING, MEDIA_PUT_NAMED, MEDIA_PUT_TAKEN };

struct media_put {
    struct list link;
    struct list hungry;
    struct media *media;
    media_room_fn *room;
    media_put_fn *done;
    void *arg;
    enum media_put_state state;
    struct media_meta meta;
    struct digest *digest;
    uint64_t limit;
    int64_t limit_ms;
    struct buf pending; /* bytes that were added */
    size_t taken;       /* of these in chunks already */
    struct media_slot slots[LIMIT_MEDIA_WINDOW];
    unsigned oldest, count;
    uint64_t last_seq; /* of the last chunk that was let go */
    bool full;         /* the feeder waits for room */
    bool ended;
    enum fault fault; /* how it will end */
    struct timer wake;

    /* media_name.c */
    uint64_t name_token;
    struct media_ask *name_ask;
    struct media_meta other; /* who has the name */
    int name_tries;
};

void media_put_drop(struct media *m);
/* media_put_settle - goes on when all chunks are stored, or when the only one is on its way. p may be gone
 * after it. */
void media_put_settle(struct media_put *p);
/* media_put_fail - ends p soon, and leaves nothing of it. The first fault stands. */
void media_put_fail(struct media_put *p, enum fault fault);
/* media_put_finish - frees p and tells that the object of info is stored. */
void media_put_finish(struct media_put *p, const struct media_info *info);

/* ---- media_name.c ---- */

/* media_name_start - publishes p's metadata, for p is new. media_name_decide - all chunks are stored, but
 * somebody else's metadata too. */
void media_name_start(struct media_put *p);
void media_name_decide(struct media_put *p);
void media_name_stop(struct media_put *p);

/* ---- media_get.c ---- */
void media_get_drop(struct media *m);

#endif
