/* jwt.h - signed JSON Web Tokens (RFC 7519) in the compact form of RFC 7515 section 7.1. */
#ifndef WIRE_JWT_H
#define WIRE_JWT_H

#include <jansson.h>

#include "base/auto.h"
#include "base/fault.h"
#include "base/slice.h"

/* HMAC with SHA-256, the key being any bytes, or RSA with PKCS #1 v1.5 and SHA-256, the key being a private
 * key in PEM (RFC 7518 section 3). */
enum jwt_alg { JWT_HS256, JWT_RS256 };

/* A claim set is this long at most, written out. */
#define JWT_CLAIMS_BYTES 8192

struct jwt_in {
    enum jwt_alg alg;
    struct slice key;
    const char *key_id;   /* the header's kid, or NULL */
    const json_t *claims; /* an object */
};

/* jwt_sign - the token, with the header {"alg", "typ": "JWT", "kid"?}. The caller wipes and frees it. Faults:
 * BAD_VALUE (no key, one that is no RSA key, claims too long), INTERNAL (the library failed). No text of the
 * key is in the note. */
enum fault jwt_sign(const struct jwt_in *in, char **ret_token, struct note *note) MUSTCHECK;

#endif
