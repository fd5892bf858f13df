/* jsonscan.h - reads JSON from a stream, and takes long base64 strings out of it before any JSON library sees
 * them.
 *
 * A request body may hold a 60 MB image as a base64 string; a JSON library would hold it two or three times.
 * The scanner lexes the text as it arrives, checks depth and element count, and hands each string longer than
 * string_bytes to the sink, decoded, piece by piece (with jsonscan_hex from hex, too). In the value that
 * comes out, such a string is
 * {"$blob": index, "bytes": n} and, when it was a data URI (RFC 2397), "type": its media type. A string over
 * the limit that is not base64 is TOO_LARGE. An input with a key "$blob" or "$bin" (see pack.h) is
 * BAD_REQUEST: nobody may forge one, in either format. Shorter strings stay as they are, base64 or not. A
 * string is measured in UTF-8 without its escapes, and must not hold U+0000. Memory: text_bytes +
 * string_bytes + 1 KiB. */
#ifndef WIRE_JSONSCAN_H
#define WIRE_JSONSCAN_H

#include <jansson.h>

#include "base/auto.h"
#include "base/fault.h"
#include "base/slice.h"

struct jsonscan_limits {
    size_t text_bytes;   /* what stays as JSON */
    size_t string_bytes; /* a longer string is a blob */
    size_t depth;        /* at most LIMIT_DEPTH */
    size_t elements;     /* values and keys */
    size_t blobs;
};

/* jsonscan_default - the limits of base/limits.h for requests and answers. */
extern const struct jsonscan_limits jsonscan_default;

/* Where blobs go. Any of them may refuse with a fault, which jsonscan_feed gives back. Calls for one blob:
 * begin, data any number of times (decoded bytes), end. Blobs do not overlap; index counts from 0. After a
 * fault the open blob gets no end. */
struct jsonscan_sink {
    enum fault (*begin)(void *arg, size_t index);
    enum fault (*data)(void *arg, struct slice bytes);
    enum fault (*end)(void *arg);
};

struct jsonscan;

/* jsonscan_new - sink NULL: a long string is TOO_LARGE. The sink and limits are copied, arg is handed to the
 * sink. */
struct jsonscan *jsonscan_new(const struct jsonscan_limits *limits, const struct jsonscan_sink *sink,
                              void *arg);
void jsonscan_free(struct jsonscan **s);

/* jsonscan_hex - before the first feed: a long string that begins with hex digits only is hex (some vendors
 * write media so), and its bytes go to the sink as those of base64 do. */
void jsonscan_hex(struct jsonscan *s);

/* jsonscan_feed - the next bytes, cut anywhere. After a fault the scanner takes no more.
 * Faults: BAD_REQUEST (not JSON; the note says at which byte), TOO_DEEP, TOO_MANY_ELEMENTS (also: too many
 * blobs), TOO_LARGE, the sink's. The fault of an input does not depend on how it was cut. */
enum fault jsonscan_feed(struct jsonscan *s, struct slice bytes, struct note *note) MUSTCHECK;

/* jsonscan_end - the input was whole: gives the value (caller decrefs). Duplicate keys and bad UTF-8 are
 * BAD_REQUEST, an integer over int64 becomes a real. Top level may be any value. */
enum fault jsonscan_end(struct jsonscan *s, json_t **ret_value, struct note *note) MUSTCHECK;

/* jsonscan_read - a whole text at once, with the default limits and no sink. */
enum fault jsonscan_read(struct slice text, json_t **ret_value, struct note *note) MUSTCHECK;

#endif
