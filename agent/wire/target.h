/* target.h - the target of a request line: its path and its query (RFC 9112 section 3.2.1, RFC 3986). */
#ifndef WIRE_TARGET_H
#define WIRE_TARGET_H

#include <stdbool.h>

#include "base/slice.h"

/* target_split - takes an origin-form target apart. The path is percent-decoded into text, which has room for
 * target.n bytes and may be the target's own; it starts with '/', holds no control character and no dot
 * segment. The query is raw, without '?', p NULL when there is none. Gives NULL, or what is wrong with the
 * target; then nothing is set. */
const char *target_split(struct slice target, char *text, struct slice *ret_path, struct slice *ret_query);

/* target_param - the decoded value of the query's first parameter of that name into out (NUL-ended); '+' is a
 * space, as forms have it. False: absent, badly escaped or too long. */
bool target_param(struct slice query, const char *name, char *out, size_t size);

#endif
