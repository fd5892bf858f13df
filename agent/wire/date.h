/* date.h - dates in the forms in which HTTP and NATS write them. */
#ifndef WIRE_DATE_H
#define WIRE_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* date_http - a date in one of the three forms of RFC 9110 section 5.6.7 as Unix ms; false: none of them.
 * wall_ms is Unix time now, which tells the century of a year with two digits. */
bool date_http(struct slice value, int64_t wall_ms, int64_t *ret_ms);

/* date_stamp_ms - "2026-01-31T23:59:59.123456789Z" (RFC 3339; Go's "2026-01-31 23:59:59.1 +0000 UTC" too) as
 * Unix ms; 0 when text is NULL or none of these. */
int64_t date_stamp_ms(const char *text);

#endif
