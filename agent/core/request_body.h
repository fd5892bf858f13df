/* request_body.h - the body of a vendor's request from the value that an adapter's expressions gave. */
#ifndef CORE_REQUEST_BODY_H
#define CORE_REQUEST_BODY_H

#include "base/buf.h"
#include "core/render.h"

/* request_body_json, request_body_multipart, request_body_form, request_body_raw - set r's body from value
 * (borrowed). A medium in it is
 * {"$part": index, "type"?, "name"?}; what it does not say is looked up in media (by index, may be NULL).
 * Faults: BAD_VALUE (a value that such a body cannot hold, more than LIMIT_PARTS, more than
 * LIMIT_TEXT_BYTES); the note's field is the member at fault. */
enum fault request_body_json(struct request *r, const json_t *value, struct note *note) MUSTCHECK;
enum fault request_body_multipart(struct request *r, const json_t *value, const json_t *media,
                                  struct note *note) MUSTCHECK;
enum fault request_body_form(struct request *r, const json_t *value, struct note *note) MUSTCHECK;
enum fault request_body_raw(struct request *r, const json_t *value, struct note *note) MUSTCHECK;

/* request_body_tidy - a copy of value that vendors take: whole numbers without a fraction, which strict ones
 * refuse for integers, and no null members when drop_nulls. value is not touched: a plain path gives a part
 * of the task's own input. Caller decrefs. */
json_t *request_body_tidy(const json_t *value, bool drop_nulls);

/* request_body_query - appends value's members to the URL in out as query parameters: '?' or '&', names and
 * values percent-encoded, nulls left out, lists repeated. Faults as above. */
enum fault request_body_query(struct buf *out, const json_t *value, struct note *note) MUSTCHECK;

#endif
