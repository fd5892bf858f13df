/* jsonblob.h - a long base64 or hex string or data URI on its way through jsonscan into a sink. */
#ifndef WIRE_JSONBLOB_H
#define WIRE_JSONBLOB_H

#include <stdint.h>

#include "base/buf.h"
#include "wire/base64.h"
#include "wire/datauri.h"
#include "wire/hex.h"
#include "wire/jsonscan.h"

/* How much of a long string must be at hand before it is known whether it is a data URI. */
#define JSONBLOB_HEAD_CHARS 256

/* Chars decoded at a time, on the stack: memory for the sink's piece, whatever the size of the medium. */
#define JSONBLOB_PIECE_CHARS 16384

/* The blobs of one scan, one after another. Embedded; set sink, arg and may_be_hex, the rest zero. */
struct jsonblob {
    struct jsonscan_sink sink;
    void *arg;
    bool may_be_hex; /* a string whose head has hex digits only is hex, not base64 */
    bool open;
    size_t count; /* begun so far: the next one's index */
    uint64_t bytes;
    char type[DATAURI_TYPE_CHARS + 1];
    struct base64 decoder;
    bool is_hex; /* the open one */
    struct hex hex;
};

/* jsonblob_begin - opens the next blob with the first chars of its string, JSONBLOB_HEAD_CHARS of them or
 * all. jsonblob_data - the chars that follow. jsonblob_end - no more will follow: appends the object that
 * stands for the blob to text. Faults of all three: TOO_LARGE when the string is not base64 or hex (it is
 * too long to stay a string), and the sink's. */
enum fault jsonblob_begin(struct jsonblob *b, struct slice head, struct note *note) MUSTCHECK;
enum fault jsonblob_data(struct jsonblob *b, struct slice chars, struct note *note) MUSTCHECK;
enum fault jsonblob_end(struct jsonblob *b, struct buf *text, struct note *note) MUSTCHECK;

#endif
