/* jsonescape.h - the escapes of JSON strings (RFC 8259 section 7): found, read char by char, and written. */
#ifndef WIRE_JSONESCAPE_H
#define WIRE_JSONESCAPE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

/* Where a reader stands inside an escape. Embedded; zero-initialise it for each string. */
struct jsonescape {
    bool open;     /* a backslash came and its escape is not whole */
    int digits;    /* hex digits still wanted by \u */
    unsigned unit; /* what they made so far */
    unsigned high; /* the first half of a surrogate pair that waits for the second; 0: none */
};

/* jsonescape_begin - a backslash came. */
void jsonescape_begin(struct jsonescape *e);

/* jsonescape_feed - the next char after the backslash; e->open is false when the escape is whole. Gives the
 * bytes of UTF-8 written to out, -1 on a char that makes no escape, on half a surrogate pair and on \u0000,
 * which the texts of C cannot hold. */
int jsonescape_feed(struct jsonescape *e, unsigned char c, char out[4]);

/* jsonescape_plain - how many bytes at the beginning of text stand in a JSON string as they are: up to a
 * quote, a backslash or a control character. */
size_t jsonescape_plain(struct slice text);

/* jsonescape_write - appends text as a JSON string with its quotes, escaping only what must be. */
void jsonescape_write(struct buf *out, struct slice text);

#endif
