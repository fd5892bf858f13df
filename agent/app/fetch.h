/* fetch.h - one medium into a spool file: from the object store, or from a URL that an app gave, through the
 * address guard. */
#ifndef APP_FETCH_H
#define APP_FETCH_H

#include "app/parts.h"

struct fetch;

/* fault OK: file is the receiver's, type is sniffed ("" when not known). Else INPUT_UNAVAILABLE,
 * HOST_REFUSED, TOO_LARGE, OVERLOADED, BUS_DOWN, BUS_TIMEOUT. Never from inside; the fetch is gone then. */
typedef void fetch_fn(void *arg, enum fault fault, const struct note *note, struct spool_file *file,
                      const char *type);

/* fetch_url - a host that is not reached, in trouble (5xx) or busy (429, its Retry-After obeyed) is asked
 * five times in all, with growing waits; whoever has a deadline calls fetch_stop. */
struct fetch *fetch_media(struct parts *parts, const char *digest, fetch_fn *fn, void *arg);
struct fetch *fetch_url(struct parts *parts, const char *url, fetch_fn *fn, void *arg);
void fetch_stop(struct fetch **f);

/* fetch_json - reads a spooled JSON text (LIMIT_TEXT_BYTES at most). Faults: BAD_DATA, TOO_LARGE. */
enum fault fetch_json(const struct spool_file *file, json_t **ret_value, struct note *note) MUSTCHECK;

#endif
