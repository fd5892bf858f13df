/* pull.h - a durable pull consumer served by credit: at most as many messages as there are free slots are
 * under way.
 *
 * Raw MSG.NEXT requests, raw acks. A standing request dies silently with its server: after a reconnect, or
 * when the idle heartbeats stay away for twice their time, the inbox is replaced, the credit counted anew and
 * the pulls sent again. */
#ifndef EDGE_PULL_H
#define EDGE_PULL_H

#include "edge/bus.h"

struct pull;

/* A delivered message; the receiver owns it until one of pull_ack, pull_nak, pull_term, pull_forget. */
struct pull_msg {
    char *subject;
    char *payload; /* n bytes and a NUL */
    size_t n;
    uint64_t seq;       /* of the stream */
    uint64_t delivered; /* times delivered; proves nothing */
    int64_t time_ms;    /* the server's time stamp of the message, Unix ms */
    uint64_t pending;   /* messages of this consumer that wait behind it */
    struct pull *pull;
    char *reply;
};

/* fn gets ownership of msg. */
typedef void pull_fn(void *arg, struct pull_msg *msg);

/* pull_new - nothing is asked for until pull_want. */
struct pull *pull_new(struct bus *bus, const char *stream, const char *consumer, pull_fn *fn, void *arg);
/* pull_free - outstanding requests are left to expire, messages that still come for them are given back
 * (NAK). Messages in the receiver's hands stay valid: acks go to the bus. */
void pull_free(struct pull **p);

/* pull_want - the number of messages that may be delivered from now on (not added up: the credit itself).
 * Each delivery takes one; call again as slots come free. 0 stops. What is asked already and exceeds a
 * lowered want is given back by NAK on arrival. */
void pull_want(struct pull *pull, int credit);
int pull_credit(const struct pull *pull);

/* pull_ack - double ack: fn(arg, OK) when the server has confirmed (fn may be NULL); repeated after 2 s until
 * it does, 10 s at most, then fn(arg, BUS_TIMEOUT). Takes msg. */
typedef void pull_acked_fn(void *arg, enum fault fault);
void pull_ack(struct pull_msg **msg, pull_acked_fn *fn, void *arg);
/* pull_nak - give it back, to be delivered again after delay_ms (0: at once). Takes msg. */
void pull_nak(struct pull_msg **msg, int64_t delay_ms);
/* pull_term - never deliver it again. Takes msg. */
void pull_term(struct pull_msg **msg);
/* pull_working - "+WPI": the ack time-out starts anew. Keeps msg. */
void pull_working(struct pull_msg *msg);
/* pull_forget - drops msg without a word: the server delivers it again after its ack time-out. */
void pull_forget(struct pull_msg **msg);

/* pull_parse_reply - the numbers in a "$JS.ACK…" subject, the short (9 tokens) and the long form (11, 12
 * tokens) of ADR-15. */
bool pull_parse_reply(const char *reply, struct pull_msg *ret_numbers);

#endif
