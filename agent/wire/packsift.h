/* packsift.h - takes the media out of MessagePack as it arrives, before any library sees them.
 *
 * As jsonscan.h does it for JSON: each bin, and each text longer than LIMIT_STRING_BYTES, which must be
 * base64 or a base64 data URI, goes to the sink piece by piece. What is left is MessagePack with an empty bin
 * in the place of each, in the same order: pack_read of it gives {"$bin": index} with the sink's own index.
 * The order and nesting of values are pack_read's to judge. Memory: what is left, and 256 bytes. */
#ifndef WIRE_PACKSIFT_H
#define WIRE_PACKSIFT_H

#include "base/buf.h"
#include "wire/jsonscan.h"

struct packsift;

/* packsift_new - what is left is appended to out (borrowed). The sink is copied, arg is handed to it; at most
 * LIMIT_BLOBS go there. */
struct packsift *packsift_new(const struct jsonscan_sink *sink, void *arg, struct buf *out);
void packsift_free(struct packsift **s);

/* packsift_feed - the next bytes, cut anywhere. Faults: TOO_LARGE (a long text is not base64; out is full; a
 * header announces more than LIMIT_BODY_BYTES), TOO_MANY_ELEMENTS (media), the sink's. After one the sifter
 * takes no more. */
enum fault packsift_feed(struct packsift *s, struct slice bytes, struct note *note) MUSTCHECK;

/* packsift_end - the input was whole. Faults: BAD_REQUEST (it ends within a value), the one of before. */
enum fault packsift_end(struct packsift *s, struct note *note) MUSTCHECK;

/* packsift_type - inside the sink's end: the media type that a data URI named, "" when there is none. */
const char *packsift_type(const struct packsift *s);

#endif
