/* multipart.h - multipart/form-data (RFC 7578) from a stream, and the pieces for writing it. */
#ifndef WIRE_MULTIPART_H
#define WIRE_MULTIPART_H

#include "base/auto.h"
#include "base/buf.h"
#include "base/fault.h"
#include "base/slice.h"

struct multipart_limits {
    size_t parts;
    size_t part_header_bytes;
};

/* A part's head; slices live until the part's begin event returns. filename.p NULL: a plain field. filename*
 * is not read (RFC 7578 section 4.2). type.p NULL: none was given. */
struct multipart_head {
    struct slice name;
    struct slice filename;
    struct slice type;
};

/* begin, data any number of times, end; parts follow one another. A fault stops the parser. */
struct multipart_events {
    enum fault (*begin)(void *arg, const struct multipart_head *head);
    enum fault (*data)(void *arg, struct slice bytes);
    enum fault (*end)(void *arg);
};

struct multipart;

/* multipart_new - boundary of 1 to 70 chars (RFC 2046); NULL when it is not. */
struct multipart *multipart_new(const char *boundary, const struct multipart_limits *limits,
                                const struct multipart_events *events, void *arg);
void multipart_free(struct multipart **m);

/* multipart_feed - the next bytes, cut anywhere; memory stays within two part headers.
 * Faults: BAD_REQUEST, TOO_MANY_PARTS, HEADERS_TOO_LARGE, what events gave back. */
enum fault multipart_feed(struct multipart *m, struct slice bytes, struct note *note) MUSTCHECK;

/* multipart_end - the body was whole: the closing boundary was seen. */
enum fault multipart_end(struct multipart *m, struct note *note) MUSTCHECK;

/* multipart_write_head - "--boundary", Content-Disposition with name and filename (NULL: none), Content-Type
 * (NULL: none), blank line. Quotes, CR and LF in names are percent-encoded as browsers do; in the type they
 * become spaces. multipart_write_close - the closing boundary. Between parts the writer adds CRLF itself.
 * first: no CRLF before. */
void multipart_write_head(struct buf *out, const char *boundary, bool first, const char *name,
                          const char *filename, const char *type);
void multipart_write_close(struct buf *out, const char *boundary);

#endif
