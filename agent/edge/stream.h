/* stream.h - messages of a stream by their sequence: for looking at what lies there, not for consuming it. */
#ifndef EDGE_STREAM_H
#define EDGE_STREAM_H

#include "edge/bus.h"

/* A stored message; all of it lives until the callback returns. */
struct stream_msg {
    const char *subject;
    struct slice payload;
    const char *headers; /* the raw block, "" when there is none */
    uint64_t seq;
    int64_t time_ms; /* the server's time stamp, Unix ms; 0: none */
};

/* msg is NULL unless fault is OK, and also when there is no such message. Faults: BUS_DOWN, BUS_TIMEOUT,
 * INTERNAL (no such stream, or an answer that makes no sense). */
typedef void stream_fn(void *arg, enum fault fault, const struct stream_msg *msg);

/* stream_next - the first message with a sequence of at least from whose subject fits filter (NATS
 * wildcards), read from the leader. Token for bus_ask_stop. Source: STREAM.MSG.GET with next_by_subj. */
uint64_t stream_next(struct bus *bus, const char *stream, const char *filter, uint64_t from, stream_fn *fn,
                     void *arg);

/* stream_delete - removes one message. fault: OK also when it was gone already. */
typedef void stream_gone_fn(void *arg, enum fault fault);
uint64_t stream_delete(struct bus *bus, const char *stream, uint64_t seq, stream_gone_fn *fn, void *arg);

/* stream_parse - a message as the API tells it: {subject, seq, time, hdrs, data}. *ret_memory is what msg
 * points into; the caller frees it, also after a fault. Faults: INTERNAL (it is none, or too large). */
enum fault stream_parse(const json_t *value, struct stream_msg *msg, char **ret_memory) MUSTCHECK;

/* stream_none - the server's error says that there is no (such) message. */
bool stream_none(const json_t *error);

#endif
