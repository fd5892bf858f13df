/* sigv4.h - AWS Signature Version 4 in the Authorization header.
 *
 * By AWS's "Create a signed AWS API request" and checked with its published vectors. What is signed is what
 * is sent: the URL's path and query stand as they go over the wire, the signature's own form of them is made
 * here. */
#ifndef WIRE_SIGV4_H
#define WIRE_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/fault.h"
#include "wire/digest.h"

#define SIGV4_DATE_CHARS  16 /* 20150830T123600Z */
#define SIGV4_QUERY_MAX   64 /* parameters of a URL */
#define SIGV4_HEADERS_MAX 16 /* that are signed, those that the signer adds included */

struct sigv4_header {
    const char *name;
    const char *value;
};

struct sigv4_in {
    const char *access_key_id;
    const char *secret_access_key;
    const char *session_token; /* or NULL */
    const char *region;
    const char *service; /* "s3": the path is encoded once, by whoever made the URL; all others: once more */
    const char *method;
    const char *url;                    /* http(s)://host[:port][/path][?query], percent-encoded as sent */
    const struct sigv4_header *headers; /* further ones to be signed: Content-Type */
    size_t header_count;
    const char *body_digest; /* SHA-256 of the body in hex */
    bool digest_header;      /* x-amz-content-sha256 is sent and signed, too */
    int64_t wall_ms;         /* the signature is good for some minutes around it */
};

/* What is sent: x-amz-date, Authorization, x-amz-content-sha256 with digest_header, x-amz-security-token
 * where there is a session token. */
struct sigv4_out {
    char date[SIGV4_DATE_CHARS + 1];
    char *authorization;
};

/* sigv4_sign - the caller frees ret->authorization. Faults: BAD_VALUE (no http(s) URL, too many parameters or
 * headers, a time outside the years 1970 to 9999). */
enum fault sigv4_sign(const struct sigv4_in *in, struct sigv4_out *ret, struct note *note) MUSTCHECK;

/* sigv4_canonical - the canonical request alone, for whoever looks for the reason of a refused signature. The
 * caller frees it. ret_signed gets the signed headers' names, joined by semicolons; freed as well. */
enum fault sigv4_canonical(const struct sigv4_in *in, char **ret_text, char **ret_signed,
                           struct note *note) MUSTCHECK;

#endif
