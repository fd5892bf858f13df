/* hex.h - hex digits to bytes, in steps, so that no medium is held whole. */
#ifndef WIRE_HEX_H
#define WIRE_HEX_H

#include <stdbool.h>
#include <stddef.h>

/* hex_digit - the value of a digit in either case, -1 for another char. */
int hex_digit(char c);

/* A decoder that is fed in pieces. Embedded; zero-initialise it. */
struct hex {
    unsigned high; /* the first digit of a pair whose second has not come */
    bool half;     /* there is one */
    bool bad;
};

/* hex_feed - decodes chars into out, which has room for n / 2 + 1 bytes. Gives the bytes written; -1 on a
 * char that is no digit (the decoder stays bad). */
long hex_feed(struct hex *d, const char *chars, size_t n, unsigned char *out);

/* hex_end - the input was whole: false when a digit is missing or the decoder is bad. */
bool hex_end(const struct hex *d);

#endif
