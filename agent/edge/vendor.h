/* vendor.h - HTTP calls to vendors: libcurl's multi interface on the loop. The only includer of curl.h.
 *
 * A call streams both ways. Secrets arrive here as header values and are sent only to the URL's own host: no
 * redirect carries them elsewhere. JSON API calls may use HTTP/2, media transfers use HTTP/1.1 (a paused
 * HTTP/2 stream makes libcurl buffer up to 64 MB). CA store cached (CAPATH unset). Names are resolved by
 * loop_resolve and pinned. Addresses are checked at connect by the guard when it is on, on a connection pool
 * of its own. Facts: curl 7.88 lib/multi.c, openssl.c; measured traps of the design notes. */
#ifndef EDGE_VENDOR_H
#define EDGE_VENDOR_H

#include "base/log.h"
#include "edge/loop.h"
#include "edge/spool.h"

struct vendor;

struct vendor_options {
    const char *ca_file; /* NULL: the system's bundle */
    const char *proxy;   /* NULL: from the environment */
    int max_connections; /* per host; 0: 64 */
    const char *const
        *allow; /* NULL-ended: hosts ("host" or "host:port") whose addresses the guard lets through */
};

struct vendor *vendor_new(struct loop *loop, struct log *log, const struct vendor_options *options);
void vendor_free(struct vendor **v);

struct vendor_field {
    const char *name;
    const char *value;
};

/* One request; everything is copied by vendor_call_start except body, which the call takes (may be NULL). The
 * length and the framing of the body are the library's: Content-Length, Transfer-Encoding, Connection,
 * Upgrade and Expect are refused as fields. */
struct vendor_request {
    const char *method;
    const char *url; /* http or https */
    const struct vendor_field *fields;
    size_t field_count;
    const struct vendor_field *secrets; /* headers for this origin only */
    size_t secret_count;
    struct body *body;
    int64_t timeout_ms; /* for the whole exchange; 0: only the stall limit (media) */
    int64_t stall_ms;   /* without a byte; 0: LIMIT_STALL_MS */
    uint64_t max_bytes; /* of the answer's body, after decompression */
    bool media;   /* HTTP/1.1, redirects followed (LIMIT_REDIRECTS), the secret dropped on another origin */
    bool guarded; /* refuse private, loopback, link-local, metadata and other special addresses unless
                     allowed; other hosts that this one redirects to are always guarded */
    bool insecure_ok; /* plain http allowed */
};

/* How far a failed exchange came: what an unknown outcome is decided by. */
enum vendor_progress {
    VENDOR_NOT_SENT, /* no connection, or not one byte of the request was written: surely not received */
    VENDOR_SENT,     /* bytes of the request were written */
    VENDOR_ANSWERED, /* the answer's head came */
    VENDOR_DONE      /* the answer is whole */
};

struct vendor_end {
    enum fault
        fault; /* OK: the answer is whole, whatever its status. VENDOR_UNAVAILABLE, TOO_LARGE (max_bytes),
                  HOST_REFUSED (the URL, its address, or a redirect's), VENDOR_ANSWER (no HTTP, head too
                  large, too many redirects), EXPIRED (before_send said no), CONFIG (a method or field that
                  cannot be sent), IO (the body's file); the fault a sink gave. CANCELLED is never given */
    enum vendor_progress progress;
    int status;     /* 0: no head came */
    char text[200]; /* the library's message, without URL query and secrets */
    int64_t total_ms;
    bool local; /* failed before the request for reasons of this machine (DNS, no route, no descriptors, TLS
                   trust); not when the vendor refuses connections or lets them time out */
};

/* head: once per exchange (of the last redirect), fields in order of arrival with lower-case names; a fault
 * ends the call. data: bytes; *pause = true stops the flow until vendor_call_resume; a fault ends the call.
 * end: once, the call is gone then; never from inside vendor_call_start and never after vendor_call_stop. It
 * may come while paused: when the last bytes are out already, or the deadline is over. Any call may be
 * stopped from inside any of these; the vendor object may not be freed there. */
struct vendor_events {
    enum fault (*head)(void *arg, int status, const struct vendor_field *fields, size_t n);
    enum fault (*data)(void *arg, struct slice bytes, bool *pause);
    void (*end)(void *arg, const struct vendor_end *end);
};

struct vendor_call;

/* vendor_call_start - before_send (may be NULL) is asked on the loop thread right before the request's first
 * byte can be written; false ends the call as NOT_SENT with fault EXPIRED. It is asked again when a request
 * that surely was not received is repeated on another connection; nothing else but GET and HEAD is ever sent
 * twice (RFC 9110 section 9.2.2 lets libcurl repeat more). */
struct vendor_call *vendor_call_start(struct vendor *v, const struct vendor_request *request,
                                      const struct vendor_events *events, bool (*before_send)(void *arg),
                                      void *arg);
void vendor_call_resume(struct vendor_call *c);
/* vendor_call_stop - ends it at once without a callback; gives how far it came. */
enum vendor_progress vendor_call_stop(struct vendor_call **c);

/* vendor_url_origin - "https://host[:port]" of a URL into out; false when it is not an http(s) URL with a
 * host and without user info. */
bool vendor_url_origin(const char *url, char *out, size_t size);
/* vendor_url_encode - percent-encodes everything but unreserved chars (RFC 3986 section 2.3), '/' kept when
 * keep_slash. Caller frees. */
char *vendor_url_encode(const char *text, bool keep_slash);

/* vendor_idle - gives freed memory back to the system; call when nothing is in flight for a while. */
void vendor_idle(struct vendor *v);

#endif
