/* bus_internal.h - what the files of the bus share.
 *
 *   bus.c          its life: connecting, the state, plain sends, subscriptions
 *   bus_conf.c     how to connect, checked once and turned into the library's options for each connection
 *   bus_link.c     one connection on the loop: the event-loop adapter
 *   bus_link_io.c  its traffic
 *   bus_tls.c      when a TLS connection may be read and written
 *   bus_info.c     the server's INFO line
 *   bus_slot.c     what waits for an answer, found by its token
 *   bus_ask.c      requests
 *   bus_publish.c  publishes and requests that are repeated until they are acknowledged
 *   bus_ack.c      reads an acknowledgement
 *   bus_inbox.c    what arrives in the inbox: answers and deliveries
 *   bus_refusal.c  the answer "no responders"
 *   bus_msg.c      messages of ours to messages of the library and back
 */
#ifndef EDGE_BUS_INTERNAL_H
#define EDGE_BUS_INTERNAL_H

#include <nats/nats.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "edge/bus.h"
#include "edge/bus_conf.h"

/* ---- bus_link.c: one connection, from the attempt to its loss; never used again after that ---- */

struct bus_link;

/* What a link tells, on the loop thread, never from inside bus_link_open. Exactly one of failed and lost
 * comes, once: the link is gone then. */
struct bus_link_events {
    void (*opened)(void *arg);
    void (*failed)(void *arg, const char *why);
    void (*lost)(void *arg, const char *why);
    void (*message)(void *arg, size_t subscription, natsMsg *msg); /* msg is borrowed */
    void (*room)(void *arg);                                       /* bytes went out */
    void (*complaint)(void *arg, const char *text); /* the server refused something (permissions) */
};

struct bus_link *bus_link_open(struct loop *loop, struct bus_conf *conf, const struct bus_link_events *events,
                               void *arg);
/* bus_link_close - writes what fits into the socket and ends; no event comes any more. */
void bus_link_close(struct bus_link **link);

/* After opened: */
const struct bus_info *bus_link_info(const struct bus_link *link);
/* bus_link_subscribe - subscriptions are numbered from 0 in the order of these calls. */
bool bus_link_subscribe(struct bus_link *link, const char *subject);
natsStatus bus_link_publish(struct bus_link *link, natsMsg *msg);
/* bus_link_bury - destroys msg (NULL: nothing) soon, together with others. link NULL: now. */
void bus_link_bury(struct bus_link *link, natsMsg *msg);
/* bus_link_room - the socket keeps up: the next of many may go out. bus_link_full - so much waits for the
 * socket that even single messages are refused. */
bool bus_link_room(const struct bus_link *link);
bool bus_link_full(const struct bus_link *link);
int64_t bus_link_buffered(const struct bus_link *link);
/* bus_link_position - bytes published so far; bus_link_flushed - those up to position are in the socket. */
int64_t bus_link_position(const struct bus_link *link);
bool bus_link_flushed(const struct bus_link *link, int64_t position);

/* ---- bus_info.c ---- */

/* What a server says of itself. */
struct bus_info {
    char version_text[32];
    int version;
    bool tls;
    int64_t max_payload;
    char address[64]; /* "10.0.0.7:4222" */
};

/* bus_info_read - connects to the peer of fd a second time and reads its first line, since the library does
 * not show it. Blocks for a second at most: for the pool. What is not learnt stays as it is. */
void bus_info_read(int fd, struct bus_info *info);

/* bus_info_parse - an INFO line's JSON. */
void bus_info_parse(const char *json, size_t n, struct bus_info *info);

/* ---- bus_tls.c ---- */

/* What keeps a TLS connection from stopping the loop. */
struct bus_tls {
    int fd;
    bool waits; /* for more than one byte */
};

void bus_tls_init(struct bus_tls *tls, int fd);
/* bus_tls_readable - a whole record waits, so that reading it does not wait for its rest. Else the socket is
 * told to become readable when it is whole. */
bool bus_tls_readable(struct bus_tls *tls);
/* bus_tls_writable - n bytes fit into the send buffer, as records. */
bool bus_tls_writable(const struct bus_tls *tls, int64_t n);

/* ---- bus_slot.c ---- */

enum bus_slot_kind { BUS_FREE, BUS_ASK, BUS_PUBLISH, BUS_INBOX, BUS_RETURNING };

enum bus_publish_state {
    BUS_WAITING, /* in bus->waiting: not connected, or the socket is full */
    BUS_SENT,    /* in bus->sent: an ack is due */
    BUS_RESTING, /* in no list: sent again when the timer fires */
    BUS_REFUSED  /* in no list: ends with verdict when the timer fires */
};

struct bus_asking {
    bus_answer_fn *fn;
    bus_json_fn *json_fn; /* instead of fn */
    enum fault verdict;   /* when the timer fires */
};

struct bus_publishing {
    struct list link;
    enum bus_publish_state state;
    enum fault verdict;
    bool once;
    unsigned sent;
    unsigned refused; /* of them surely not received */
    int64_t deadline_ms;
    int64_t position; /* of the link after the last send */
    size_t bytes;
    natsMsg *msg;
    bus_ack_fn *fn;
    bus_insist_fn *insist_fn; /* instead of fn: any answer will do */
};

struct bus_receiving {
    bus_in_fn *fn;
    int64_t silence_ms; /* 0: not watched */
    struct list routes; /* consumers whose deliveries come here */
};

/* What a token stands for. */
struct bus_slot {
    struct bus *bus;
    enum bus_slot_kind kind;
    uint32_t index;
    uint32_t generation;
    uint32_t next_free;
    struct timer timer;
    void *arg;
    void *owned; /* freed with the slot's use */
    union {
        struct bus_asking ask;
        struct bus_publishing publish;
        struct bus_receiving inbox;
    };
};

#define BUS_SLOTS_PER_CHUNK 256

struct bus_slots {
    struct bus_slot **chunks;
    uint32_t count;    /* slots that exist */
    uint32_t live;     /* of them in use */
    uint32_t free_one; /* index + 1 of a free one; 0: none */
};

struct bus_slot *bus_slot_new(struct bus *bus, enum bus_slot_kind kind, void *arg);
uint64_t bus_slot_token(const struct bus_slot *slot);
/* bus_slot_find - NULL when token's use is over. */
struct bus_slot *bus_slot_find(struct bus *bus, uint64_t token);
/* bus_slot_free - ends the use: stops the timer, frees owned. */
void bus_slot_free(struct bus_slot *slot);
/* bus_slot_subject - the reply subject of slot, into out[BUS_INBOX_CHARS + 1]. */
void bus_slot_subject(const struct bus_slot *slot, char *out);
void bus_slots_free(struct bus *bus);

/* ---- the bus ---- */

struct bus_watcher {
    struct list link;
    bus_state_fn *fn; /* NULL: to be forgotten */
    void *arg;
};

struct bus_listener {
    char *subject;
    bus_in_fn *fn;
    void *arg;
};

struct bus {
    struct loop *loop;
    struct log *log;
    struct bus_conf *conf;
    struct bus_link *link; /* being made, or live */
    bool up;
    int64_t down_since_ms;
    struct timer retry;
    unsigned attempts; /* since the last time that it was up */
    char last_failure[256];
    struct bus_info info;
    struct list watchers;
    bool telling; /* them */
    struct bus_listener *listeners;
    size_t listener_count;

    char prefix[32]; /* of the inbox, with its dot */
    size_t prefix_n;
    struct bus_slots slots;
    struct map *routes; /* "<stream>.<consumer>" to struct bus_route */

    struct list waiting; /* publishes */
    struct list sent;
    size_t held_bytes;
};

/* bus.c: bus_send with a reply subject or NULL. */
enum fault bus_send_msg(struct bus *bus, const struct bus_out *out, const char *reply) MUSTCHECK;

/* bus_ask.c: the answer to an ASK slot came. */
void bus_ask_answered(struct bus_slot *slot, natsMsg *msg);
/* bus_ask_drop - ends an ASK slot without a callback. */
void bus_ask_drop(struct bus_slot *slot);

/* bus_publish.c */
void bus_publish_answered(struct bus_slot *slot, natsMsg *msg);
void bus_publish_drop(struct bus_slot *slot);
/* bus_publish_lost - what is under way waits for the next connection. */
void bus_publish_lost(struct bus *bus);
/* bus_publish_pump - sends what waits, as far as the socket has room. */
void bus_publish_pump(struct bus *bus);

/* bus_inbox.c */
void bus_inbox_arrived(struct bus *bus, natsMsg *msg);
void bus_inbox_drop(struct bus_slot *slot);

/* bus_msg.c: with a reply subject or NULL; expect: whether expect_last_seq counts. Faults: INTERNAL (bad
 * subject or headers). */
enum fault bus_msg_make(const struct bus_out *out, const char *reply, bool expect,
                        natsMsg **ret_msg) MUSTCHECK;
bool bus_msg_subject_valid(const char *subject);
struct bus_in bus_msg_in(const natsMsg *msg);

/* bus_refusal.c: "no responders", which says that surely nobody received the request. */
bool bus_refusal_is(const struct bus_in *in);

#endif
