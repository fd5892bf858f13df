/* pack.h - MessagePack to values and back, behind a scanner that bounds what the library may allocate.
 *
 * JSON has no bytes, MessagePack has. A bin becomes {"$bin": index} with the bytes in a side table, and the
 * other way round. An input map with a key "$bin" or "$blob" (see jsonscan.h) is BAD_REQUEST: nobody may
 * forge one, in either format. Maps need text keys; a key that comes twice, text that is not UTF-8 or holds
 * U+0000, ext types, NaN and infinities are BAD_REQUEST; a uint over int64 becomes a real. Source: msgpack
 * spec (github.com/msgpack/msgpack, spec.md). */
#ifndef WIRE_PACK_H
#define WIRE_PACK_H

#include <jansson.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/fault.h"
#include "base/limits.h"

struct pack_limits {
    size_t bytes;
    size_t depth;    /* at most 32, the library's own bound */
    size_t elements; /* values and keys */
};

/* pack_default - limits of an RPC frame. */
extern const struct pack_limits pack_default;

/* An incremental frame scanner: finds where a value ends without allocating. Embedded; pack_scan_init first.
 */
struct pack_scan {
    struct pack_limits limits;
    uint64_t left[LIMIT_DEPTH + 1];
    size_t depth;
    uint64_t elements;
    uint64_t at;
};

void pack_scan_init(struct pack_scan *s, const struct pack_limits *limits);

/* pack_scan - bytes are all of the frame so far (from its first byte; may grow between calls). *ret_length is
 * the frame's length, or 0 when more is needed. Faults: BAD_REQUEST (0xc1), TOO_LARGE, TOO_DEEP,
 * TOO_MANY_ELEMENTS: known from the announcing header alone. */
enum fault pack_scan(struct pack_scan *s, struct slice bytes, size_t *ret_length,
                     struct note *note) MUSTCHECK;

/* Pieces for a reader that walks. pack_scan_cut - takes the first value off rest, unread. Faults: BAD_REQUEST
 * (it is not there whole) and those of pack_scan. pack_scan_array - takes an array's header off rest; false:
 * rest begins otherwise. */
enum fault pack_scan_cut(struct slice *rest, const struct pack_limits *limits, struct slice *ret_value,
                         struct note *note) MUSTCHECK;
bool pack_scan_array(struct slice *rest, size_t *ret_members) MUSTCHECK;

/* The bins of one value: slices into the bytes that were read. Embedded, zero-initialised. */
struct pack_bins {
    struct slice items[LIMIT_BLOBS];
    size_t n;
};

/* pack_read - exactly one value; trailing bytes are BAD_REQUEST. bins may be NULL: a bin is BAD_REQUEST then;
 * more than LIMIT_BLOBS are TOO_MANY_ELEMENTS. The caller decrefs *ret_value; bins borrow from bytes. */
enum fault pack_read(struct slice bytes, const struct pack_limits *limits, json_t **ret_value,
                     struct pack_bins *bins, struct note *note) MUSTCHECK;

/* pack_write - appends value; {"$bin": i} is written as bins->items[i] (bins may be NULL). The buffer's
 * sticky error tells whether it fitted; a marker without its bin, a "$blob" and containers nested deeper than
 * LIMIT_DEPTH set it too, because nobody could read them back. Reals with an integral value stay reals. */
void pack_write(struct buf *out, const json_t *value, const struct pack_bins *bins);

/* Pieces for a writer that streams: the header of a map of n pairs, of an array of n values or of a bin of n
 * bytes; a whole text or integer. n is below 2^32. */
void pack_write_map(struct buf *out, size_t n);
void pack_write_array(struct buf *out, size_t n);
void pack_write_text(struct buf *out, struct slice text);
void pack_write_int(struct buf *out, int64_t number);
void pack_write_bin_head(struct buf *out, size_t n);

#endif
