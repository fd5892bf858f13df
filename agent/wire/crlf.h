/* crlf.h - the guard that walks over header lines before anybody parses them.
 *
 * Where two parsers disagree about the end of a line, a request can be smuggled. The guard lets only one
 * reading through: lines end in CRLF, no other CR or LF and no NUL occur, and no line starts with white
 * space. */
#ifndef WIRE_CRLF_H
#define WIRE_CRLF_H

#include <stdbool.h>

#include "base/slice.h"

/* Where the guard stands. Embedded; all zero is the start of a line. */
struct crlf {
    enum { CRLF_AT_START, CRLF_IN_LINE, CRLF_LINE_CR, CRLF_BLANK_CR } state;
};

enum crlf_end {
    CRLF_MORE,  /* all bytes were taken, the line goes on */
    CRLF_LINE,  /* a line with something in it ended */
    CRLF_BLANK, /* an empty line ended */
    CRLF_BAD    /* the next byte, not taken, may not stand there */
};

/* crlf_scan - takes bytes up to the end of one line, which may have begun in earlier bytes. *ret_used tells
 * how many. */
enum crlf_end crlf_scan(struct crlf *c, struct slice bytes, size_t *ret_used);

/* crlf_in_line - something other than a line end came since the last line ended. */
static inline bool crlf_in_line(const struct crlf *c)
{
    return c->state == CRLF_IN_LINE || c->state == CRLF_LINE_CR;
}

#endif
