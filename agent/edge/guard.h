/* guard.h - which addresses a URL that came from outside must not reach (server-side request forgery).
 *
 * Judged is the address that a socket is about to connect to, never the spelling of a host: so redirects,
 * rebinding names, octal, hex and short forms, and addresses inside addresses all end at one question.
 * Everything that is not plainly public is forbidden. Sources: the IANA special-purpose address registries
 * (RFC 6890 and what was added since), RFC 6052 (NAT64), RFC 4291 section 2.5.5 (mapped), RFC 3056 (6to4),
 * RFC 4380 (Teredo); clouds' metadata services that live on public addresses. */
#ifndef EDGE_GUARD_H
#define EDGE_GUARD_H

#include <stdbool.h>

struct sockaddr;

/* guard_forbids - whether address is private, loopback, link-local, a metadata service, multicast, reserved,
 * or of another family than IPv4 and IPv6. An IPv6 address that carries an IPv4 one (mapped, NAT64) is judged
 * by what it carries. Any thread. */
bool guard_forbids(const struct sockaddr *address);

/* guard_allows - whether host and port are on the NULL-ended list of "host" or "host:port" (IPv6 as "[::1]"
 * or "[::1]:80"): an operator's exception to the above. ASCII case ignored, no wildcards. list may be NULL.
 */
bool guard_allows(const char *const *list, const char *host, int port);

#endif
