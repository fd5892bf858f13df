/* datauri.h - data URIs that carry base64 (RFC 2397). */
#ifndef WIRE_DATAURI_H
#define WIRE_DATAURI_H

#include <stdbool.h>

#include "base/slice.h"

#define DATAURI_TYPE_CHARS 127 /* RFC 6838 section 4.2 */

/* datauri_read - text is "data:" type parameters ";base64," data; type and data are slices of it. The type
 * comes without parameters, in the case it was written in, and is empty when the URI names none. text may be
 * the beginning of a longer URI, as long as the comma is in it. False: no data URI, or one that is not
 * base64. */
bool datauri_read(struct slice text, struct slice *ret_type, struct slice *ret_data);

#endif
