/* bus.h - the connection to NATS: requests, acknowledged publishes, subscriptions. Only bus*.c include
 * nats.h.
 *
 * nats.c in event-loop mode with our own adapter on libuv: one thread, SendAsap, one wildcard inbox
 * subscription drained after each read. Connecting blocks, so it runs on the pool; a connection that is lost
 * is given up and a new one made, over and over, instead of the library's own reconnect, whose thread would
 * hold the connection's lock for a connect time-out and replay messages that we had given up. Messages wait
 * here, bounded, until the connection is back. Facts: nats.c 3.4.1 conn.c, sock.c; measured traps 2, 3, 5, 8
 * of the design notes. */
#ifndef EDGE_BUS_H
#define EDGE_BUS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/slice.h"
#include "edge/loop.h"

struct bus;

/* How to connect; all texts are copied, NULL: not used. */
struct bus_options {
    const char *urls; /* comma-separated nats:// or tls:// */
    const char *name; /* shown by the server */
    const char *user, *password, *token;
    const char *creds_file;     /* JWT and seed */
    const char *nkey_seed_file; /* seed only */
    const char *tls_ca_file, *tls_cert_file, *tls_key_file;
};

/* up is told after the inbox subscription is in place, at the first connect and at each reconnect; down at
 * each loss. */
typedef void bus_state_fn(void *arg, bool up);

/* bus_new - starts to connect and returns at once; it keeps trying for ever, also when no server is there
 * yet. Watchers are added with bus_watch; nothing is told before the loop runs. Faults: CONFIG (bad URL,
 * unreadable file; the note says which). */
enum fault bus_new(struct loop *loop, struct log *log, const struct bus_options *options,
                   struct bus **ret_bus, struct note *note) MUSTCHECK;
/* bus_free - closes; callbacks of whatever is pending do not come any more. Not from inside a callback of the
 * bus. */
void bus_free(struct bus **bus);

/* bus_watch - tells fn of each change from now on; bus_unwatch ends that. */
void bus_watch(struct bus *bus, bus_state_fn *fn, void *arg);
void bus_unwatch(struct bus *bus, bus_state_fn *fn, void *arg);
struct loop *bus_loop(const struct bus *bus);
bool bus_up(const struct bus *bus);
/* bus_down_ms - how long it has been down, 0 when up. */
int64_t bus_down_ms(const struct bus *bus);
/* The server's version as 2009010 for 2.9.10; 0 before the first connect or when it does not tell.
 * bus_server_text: "2.9.10". */
int bus_server_version(const struct bus *bus);
const char *bus_server_text(const struct bus *bus);
/* bus_max_payload - what the server takes in one message, bytes; 1 MiB before the first connect. */
int64_t bus_max_payload(const struct bus *bus);

/* A message to send. Copied by the call. */
struct bus_out {
    const char *subject;
    struct slice payload;
    const char *msg_id;         /* Nats-Msg-Id, or NULL */
    int64_t expect_last_seq;    /* Nats-Expected-Last-Subject-Sequence; negative: not sent. Only bus_publish
                                   looks at it */
    const char *rollup;         /* Nats-Rollup, or NULL */
    const char *const *headers; /* name, value, name, value, …, NULL; or NULL */
};

/* A received message: slices live until the callback returns. */
struct bus_in {
    const char *subject;
    const char *reply; /* NULL: none */
    struct slice payload;
    const void *raw; /* for bus_header */
};

/* bus_header - a header's value, or NULL; lives as long as in. */
const char *bus_header(const struct bus_in *in, const char *name);

/* bus_send - publishes without an answer. Faults: BUS_DOWN (not connected; nothing is kept), OVERLOADED (too
 * much is waiting in the socket), TOO_LARGE, INTERNAL (the subject has spaces or control characters). */
enum fault bus_send(struct bus *bus, const struct bus_out *out) MUSTCHECK;

/* The answer to a request. fault: OK; BUS_DOWN (surely not received: no responders, never sent, or too much
 * waits); BUS_TIMEOUT; TOO_LARGE and INTERNAL as bus_send. in is NULL unless OK. Comes exactly once, on the
 * loop thread, never from inside bus_ask. */
typedef void bus_answer_fn(void *arg, enum fault fault, const struct bus_in *in);

/* bus_ask - a request with one answer within timeout_ms. Gives a token (never 0) for bus_ask_stop, after
 * which the callback will not come. When the connection is down the answer is BUS_DOWN at once (from the
 * loop, not from inside). A loss of the connection while waiting ends in BUS_TIMEOUT at the time-out, since
 * the server may have acted. */
uint64_t bus_ask(struct bus *bus, const struct bus_out *out, int64_t timeout_ms, bus_answer_fn *fn,
                 void *arg);
/* bus_ask_stop - for the token of anything here that has one callback; 0 or a token whose callback came is
 * harmless. */
void bus_ask_stop(struct bus *bus, uint64_t token);
/* bus_ask_own - memory is free()d after token's callback came or was stopped, with its inbox, or with the
 * bus: for the context of a step that may be stopped by whoever has the token. Only right after the call that
 * gave token. */
void bus_ask_own(struct bus *bus, uint64_t token, void *memory);

/* What JetStream said to a publish. */
struct bus_ack {
    enum fault fault; /* OK; CONFLICT (10071 wrong last sequence); FLEET_FULL (10077 maximum messages, bytes
                         …; also 10023, 10047 and the like); TOO_LARGE; BUS_DOWN (surely not stored: never
                         sent, or only ever answered "no responders", or too much waits); BUS_TIMEOUT
                         (unknown: may be stored); INTERNAL (another error) */
    bool duplicate;
    bool subject_full; /* with FLEET_FULL: "maximum messages per subject exceeded": something is on this
                          subject already */
    uint64_t seq;
    int error_code; /* err_code of the server, 0: none */
    char text[160]; /* its description */
};
typedef void bus_ack_fn(void *arg, const struct bus_ack *ack);

/* bus_publish - publishes to a stream and reports its ack. The same message is sent again (same msg_id, which
 * should be given unless expect_last_seq makes a repeat harmless) when no ack came within 2 s, after a
 * reconnect, and with back-off after "no responders", until limit_ms is over. limit_ms 0: one try of 2 s.
 * While down the message waits. The callback comes exactly once, on the loop thread, never from inside. The
 * token is for bus_ask_stop (the message may still arrive). */
uint64_t bus_publish(struct bus *bus, const struct bus_out *out, int64_t limit_ms, bus_ack_fn *fn, void *arg);

/* bus_insist - a request that is repeated as bus_publish does, until anything answers it: for acks that must
 * be confirmed. fn (may be NULL) gets OK, or BUS_TIMEOUT when limit_ms is over. */
typedef void bus_insist_fn(void *arg, enum fault fault);
uint64_t bus_insist(struct bus *bus, const struct bus_out *out, int64_t limit_ms, bus_insist_fn *fn,
                    void *arg);

/* bus_listen - a core subscription for as long as the bus lives (renewed after a reconnect). Messages that
 * were published while disconnected are missed: the caller catches up. Faults: INTERNAL. May be called before
 * the first connect. */
typedef void bus_in_fn(void *arg, const struct bus_in *in);
enum fault bus_listen(struct bus *bus, const char *subject, bus_in_fn *fn, void *arg) MUSTCHECK;

/* A stream of answers to one inbox: what pull consumers use. bus_inbox_open gives a reply subject under our
 * inbox (BUS_INBOX_CHARS and a NUL); every message sent to it, or delivered for it, comes to fn until
 * bus_inbox_close. JetStream delivers under the subject of the stream: whose delivery it is tells the
 * consumer's name in its reply, so the inbox that last asked a consumer by bus_send_from gets what that
 * consumer delivers. fn may close the inbox. */
#define BUS_INBOX_CHARS 46
uint64_t bus_inbox_open(struct bus *bus, bus_in_fn *fn, void *arg, char *ret_subject, size_t size);
void bus_inbox_close(struct bus *bus, uint64_t token);
/* bus_inbox_silence - when nothing came for ms, fn is called once with in NULL; each arrival starts the time
 * anew. 0: off. */
void bus_inbox_silence(struct bus *bus, uint64_t token, int64_t ms);
/* bus_inbox_return - as bus_inbox_close, but for linger_ms deliveries that still come for it are given back
 * (NAK). */
void bus_inbox_return(struct bus *bus, uint64_t token, int64_t linger_ms);

/* bus_send_from - as bus_send, with a reply subject from bus_inbox_open. */
enum fault bus_send_from(struct bus *bus, const struct bus_out *out, const char *reply) MUSTCHECK;

/* bus_api - a JetStream API request with a JSON answer: fn gets the parsed answer (borrowed) with FAULT_OK
 * also when it holds
 * {"error": {"code", "err_code", "description"}}. request NULL: empty payload. */
typedef void bus_json_fn(void *arg, enum fault fault, const json_t *answer);
uint64_t bus_api(struct bus *bus, const char *subject, const json_t *request, int64_t timeout_ms,
                 bus_json_fn *fn, void *arg);

/* bus_buffered - bytes waiting to be written to the socket. */
int64_t bus_buffered(const struct bus *bus);

#endif
