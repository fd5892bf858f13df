/* field.h - values of HTTP header fields: ranges, preferences, types, dates and the many spellings of
 * "later". */
#ifndef WIRE_FIELD_H
#define WIRE_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* field_token - s is a token (RFC 9110 section 5.6.2): a method, the name of a field or of a parameter. */
bool field_token(struct slice s);

/* field_param - the value of a parameter (`boundary=x`, `wait=5`, quotes taken off) in a list or after ';',
 * into out. False: absent, badly quoted or too long. */
bool field_param(struct slice value, const char *name, char *out, size_t size);

/* field_media_type - "type/subtype" in lower case without parameters, into out. False: not of that form. */
bool field_media_type(struct slice value, char *out, size_t size);

enum field_accept { FIELD_JSON, FIELD_MSGPACK, FIELD_NEITHER };

/* field_accept - which of application/json and application/msgpack (also x-msgpack) an Accept value asks for,
 * by q then order; absent, empty and wildcards mean JSON (RFC 9110 section 12.5.1). */
enum field_accept field_accept(struct slice value);

enum field_range { FIELD_RANGE_NONE, FIELD_RANGE_OK, FIELD_RANGE_BAD };

/* field_range - a single "bytes=" range against size bytes (RFC 9110 section 14.2); several ranges, other
 * units and malformed values are NONE (serve all), one that lies outside is BAD. */
enum field_range field_range(struct slice value, uint64_t size, uint64_t *ret_first, uint64_t *ret_length);

/* field_prefer_wait - N of `Prefer: wait=N` (RFC 7240) in ms, or -1. */
int64_t field_prefer_wait(struct slice value);

/* field_later_ms - how long to wait, from any form vendors send: seconds ("2", "0.5"), HTTP date (all three
 * forms of RFC 9110 section 5.6.7), Go duration ("6m0s", "12ms"), Unix time (>= 1e9; in ms: >= 1e11). -1: no
 * such form, negative, or past. At most 24 h is given. wall_ms is Unix time now. */
int64_t field_later_ms(struct slice value, int64_t wall_ms);

/* field_duration_ms - settings and adapters: "500ms", "10s", "2m", "1h", "7d", or a bare number of seconds.
 * -1: none. */
int64_t field_duration_ms(struct slice value);

/* field_bytes - settings and adapters: "10MiB", "64KiB", "1GiB", "10MB", "500", or -1. */
int64_t field_bytes(struct slice value);

/* field_traceparent - value is a valid W3C traceparent of version 00. */
bool field_traceparent(struct slice value);

#endif
