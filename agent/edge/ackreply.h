/* ackreply.h - reads the "$JS.ACK…" subjects that JetStream puts into the reply of what it delivers. */
#ifndef EDGE_ACKREPLY_H
#define EDGE_ACKREPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* What the subject says; the slices lie in it. */
struct ackreply {
    struct slice consumer; /* "<stream>.<consumer>" */
    uint64_t delivered;    /* times */
    uint64_t stream_seq;
    uint64_t consumer_seq;
    int64_t time_ns; /* of the message in the stream, Unix */
    uint64_t pending;
};

/* ackreply_is - reply (NULL: none) belongs to a delivery. */
bool ackreply_is(const char *reply);

/* ackreply_parse - the short form (9 tokens) and the long one (11 and more), ADR-15. False: not such a
 * subject. */
bool ackreply_parse(const char *reply, struct ackreply *ret_reply);

#endif
