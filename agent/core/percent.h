/* percent.h - percent-encoding for URLs and forms. */
#ifndef CORE_PERCENT_H
#define CORE_PERCENT_H

#include "base/buf.h"

/* percent_write - appends text with all but unreserved chars (RFC 3986 section 2.3) percent-encoded; '/'
 * stays when keep_slash. */
void percent_write(struct buf *out, const char *text, bool keep_slash);

#endif
