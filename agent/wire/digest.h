/* digest.h - SHA-256, in steps or at once. */
#ifndef WIRE_DIGEST_H
#define WIRE_DIGEST_H

#include <stddef.h>

#include "base/slice.h"

#define DIGEST_BYTES     32
#define DIGEST_HEX_CHARS 64

/* A running SHA-256 (FIPS 180-4, OpenSSL EVP). */
struct digest;

struct digest *digest_new(void);
void digest_free(struct digest **d);
void digest_add(struct digest *d, const void *p, size_t n);
/* digest_end - writes the 32 bytes; d takes no more after that. */
void digest_end(struct digest *d, unsigned char ret_bytes[DIGEST_BYTES]);

/* digest_of - the digest of one slice. */
void digest_of(struct slice bytes, unsigned char ret_bytes[DIGEST_BYTES]);

/* digest_hex - 64 lower-case hex digits and a NUL. */
void digest_hex(const unsigned char bytes[DIGEST_BYTES], char ret_text[DIGEST_HEX_CHARS + 1]);

/* digest_valid - text is 64 lower-case hex digits. */
_Bool digest_valid(const char *text);

#endif
