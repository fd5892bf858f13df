/* base64.h - base64 (RFC 4648 sections 4 and 5), in steps, so that no medium is held whole. */
#ifndef WIRE_BASE64_H
#define WIRE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* The chars that n bytes become, with padding. */
#define BASE64_CHARS(n) (((n) + 2) / 3 * 4)

/* base64_write - encodes bytes into out[BASE64_CHARS(n) + 1], NUL-ended; url picks the alphabet of
 * section 5 (still padded). Gives the chars written. Encode long media in pieces of a multiple of 3 bytes. */
size_t base64_write(char *out, struct slice bytes, bool url);

/* A decoder that is fed in pieces. Takes both alphabets, padding optional, no white space. Embedded;
 * zero-initialise it. */
struct base64 {
    unsigned bits;
    int have;    /* chars in bits, 0 to 3 */
    int padding; /* '=' seen */
    bool bad;
};

/* base64_feed - decodes chars into out, which has room for n / 4 * 3 + 3 bytes. Gives the bytes written;
 * -1 on a char that is not base64 (the decoder stays bad). */
long base64_feed(struct base64 *d, const char *chars, size_t n, unsigned char *out);

/* base64_end - the input was whole: false when chars are missing or the decoder is bad. */
bool base64_end(const struct base64 *d);

#endif
