/* host.h - whom a URL would reach, and whether that is one of those named. */
#ifndef CORE_HOST_H
#define CORE_HOST_H

#include <stdbool.h>

#include "base/slice.h"

#define HOST_CHARS 300

/* An http(s) URL's origin. host is lower case, with ":port" only where it is not the scheme's own. */
struct host {
    bool secure; /* https */
    char name[HOST_CHARS];
};

/* host_of - the origin of url. False: not http or https, no host, user info, a port that is none, or chars
 * that cannot stand in a host (RFC 3986 section 3.2). */
bool host_of(struct slice url, struct host *ret);

/* host_fits - name ("host" or "host:port") is what pattern says: the same text, or for "*.rest" one or more
 * labels before
 * ".rest". Case is ignored; a port must be the same on both sides. */
bool host_fits(const char *pattern, const char *name);

/* host_pattern - text is fit to be a pattern: "host", "*.host", either with ":port". */
bool host_pattern(const char *text);

/* host_local - name is this very machine: a simulator. */
bool host_local(const char *name);

#endif
