/* http.h - HTTP/1.1 requests from bytes, and answer heads to bytes (RFC 9112), strict where smuggling lives.
 *
 * llhttp does the grammar. In front of it stands a guard over the header bytes that refuses what llhttp 8.1.0
 * lets through (CVE-2023-30589, CVE-2024-27982): a CR not followed by LF, a bare LF, a NUL, a header line
 * that starts with white space. Behind it stand the rules that llhttp leaves to its user: header bytes and
 * count, body bytes (also chunk extensions), one Host, no Transfer-Encoding on HTTP/1.0, origin-form targets
 * only. */
#ifndef WIRE_HTTP_H
#define WIRE_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/fault.h"
#include "base/slice.h"

struct http_limits {
    size_t header_bytes;
    size_t header_count;
    uint64_t body_bytes;
};

struct http_field {
    struct slice name;
    struct slice value;
};

/* The head of a request. Slices live until the next message begins. */
struct http_head {
    struct slice method;
    struct slice path;  /* percent-decoded, starts with '/', no control characters, no dot segments */
    struct slice query; /* raw, without '?' */
    const struct http_field *fields;
    size_t field_count;
    int64_t content_length; /* -1: unknown (chunked) or none */
    bool has_body;
    bool keep_alive;
    bool expect_continue; /* once http_feed came back OK and the body is not there yet, "100 Continue" is due
                           */
    bool http_1_0;        /* the answer may not be chunked: length -2 and close */
};

/* http_find - the value of the first field of that name (ASCII case ignored), p NULL when there is none. */
struct slice http_find(const struct http_head *head, const char *name);

/* http_query - the percent-decoded value of a query parameter into out (NUL-ended), '+' being a space.
 * False: absent, badly escaped or too long. */
bool http_query(const struct http_head *head, const char *name, char *out, size_t size);

/* What the parser tells, in this order: head, body any number of times, end. A fault from one of them stops
 * the parser. They must neither free the parser nor feed it. */
struct http_events {
    enum fault (*head)(void *arg, const struct http_head *head);
    enum fault (*body)(void *arg, struct slice bytes);
    enum fault (*end)(void *arg);
};

struct http;

struct http *http_new(const struct http_limits *limits, const struct http_events *events, void *arg);
void http_free(struct http **h);

/* http_feed - takes bytes up to the end of the current message; *ret_used tells how many. After `end` it
 * takes nothing until http_next: one message at a time. After a fault it takes nothing ever. Faults:
 * BAD_REQUEST, HEADERS_TOO_LARGE, TOO_LARGE, and what events gave back. */
enum fault http_feed(struct http *h, struct slice bytes, size_t *ret_used, struct note *note) MUSTCHECK;

/* http_next - the answer is out: the next message may begin. Also allowed in the end event; bytes are taken
 * by the next feed only. */
void http_next(struct http *h);

/* http_in_message - bytes of a message came and its end did not: for deadlines. http_in_head - and not even
 * its head is whole. Empty lines before a request line are no message yet. */
bool http_in_message(const struct http *h);
bool http_in_head(const struct http *h);

/* http_body_limit - changes how large this message's body may be; for use in the head event, after which a
 * larger Content-Length is TOO_LARGE. */
void http_body_limit(struct http *h, uint64_t bytes);

/* http_status_text - the reason phrase. */
const char *http_status_text(int status);

/* http_write_head - "HTTP/1.1 200 OK", Date left out, fields, the blank line. length >= 0: Content-Length;
 * -1: chunked; -2: neither (204, 304, an answer that ends with the connection). CR, LF and NUL in fields are
 * written as spaces. */
void http_write_head(struct buf *out, int status, const struct http_field *fields, size_t n, int64_t length,
                     bool keep_alive);

/* http_write_chunk - one chunk; an empty slice writes the last chunk. */
void http_write_chunk(struct buf *out, struct slice bytes);

#endif
