/* base64.c - base64 (RFC 4648 sections 4 and 5), in steps, so that no medium is held whole. */
#include "wire/base64.h"

#include <stdint.h>

/* Set in every entry of `values` that is a char of either alphabet; the low six bits are its value. So four
 * chars are known to be good by one AND. */
#define GOOD 64

/* A table, because a 60 MB body goes through it char by char. */
/* clang-format off */
static const uint8_t values[256] = {
    ['A'] = 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89,
    ['a'] = 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112,
            113, 114, 115,
    ['0'] = 116, 117, 118, 119, 120, 121, 122, 123, 124, 125,
    ['+'] = 126, ['/'] = 127, ['-'] = 126, ['_'] = 127,
};
/* clang-format on */

size_t base64_write(char *out, struct slice bytes, bool url)
{
    const char *alphabet = url ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
                               : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = (const unsigned char *)bytes.p;
    char *o = out;

    for (size_t left = bytes.n; left > 0;) {
        size_t n = left < 3 ? left : 3;
        unsigned bits = (unsigned)p[0] << 16 | (n > 1 ? (unsigned)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);

        o[0] = alphabet[bits >> 18];
        o[1] = alphabet[bits >> 12 & 63];
        o[2] = n > 1 ? alphabet[bits >> 6 & 63] : '=';
        o[3] = n > 2 ? alphabet[bits & 63] : '=';
        o += 4;
        p += n;
        left -= n;
    }
    *o = '\0';
    return (size_t)(o - out);
}

/* Decodes groups of four up to the first that is not four chars of the alphabet. Gives the chars taken. */
static size_t base64_groups(const unsigned char *c, size_t n, unsigned char *out)
{
    size_t i = 0;

    for (; n - i >= 4; i += 4) {
        unsigned a = values[c[i]], b = values[c[i + 1]], e = values[c[i + 2]], f = values[c[i + 3]];

        if (!(a & b & e & f & GOOD)) {
            break;
        }
        unsigned bits = (a & 63) << 18 | (b & 63) << 12 | (e & 63) << 6 | (f & 63);
        *out++ = (unsigned char)(bits >> 16);
        *out++ = (unsigned char)(bits >> 8);
        *out++ = (unsigned char)bits;
    }
    return i;
}

/* One char. A byte is given as soon as its bits are there, because padding may never come. Gives 0 or 1. */
static size_t base64_char(struct base64 *d, unsigned char c, unsigned char *out)
{
    if (c == '=') {
        d->padding++;
        d->bad = d->have < 2 || d->padding > 4 - d->have;
        return 0;
    }
    if (!values[c] || d->padding) {
        d->bad = true;
        return 0;
    }
    d->bits = d->bits << 6 | (values[c] & 63);
    d->have++;
    if (d->have == 1) {
        return 0;
    }
    *out = (unsigned char)(d->bits >> (8 - 2 * d->have));
    if (d->have == 4) {
        d->bits = 0;
        d->have = 0;
    }
    return 1;
}

long base64_feed(struct base64 *d, const char *chars, size_t n, unsigned char *out)
{
    const unsigned char *c = (const unsigned char *)chars;
    unsigned char *o = out;

    for (size_t i = 0; i < n && !d->bad;) {
        if (d->have == 0) {
            size_t taken = base64_groups(c + i, n - i, o);
            i += taken;
            o += taken / 4 * 3;
        }
        if (i < n) {
            o += base64_char(d, c[i++], o);
        }
    }
    return d->bad ? -1 : (long)(o - out);
}

bool base64_end(const struct base64 *d)
{
    if (d->bad || d->have == 1) {
        return false;
    }
    return d->padding == 0 || d->padding == 4 - d->have;
}
