/* hex.c - hex digits to bytes, in steps. */
#include "wire/hex.h"

int hex_digit(char c)
{
    int digit = c - '0', letter = (c | 0x20) - 'a';

    if (digit >= 0 && digit <= 9) {
        return digit;
    }
    return letter >= 0 && letter <= 5 ? letter + 10 : -1;
}

long hex_feed(struct hex *d, const char *chars, size_t n, unsigned char *out)
{
    long got = 0;

    for (size_t i = 0; i < n && !d->bad; i++) {
        int digit = hex_digit(chars[i]);
        d->bad = digit < 0;
        if (!d->half) {
            d->high = (unsigned)digit;
        } else {
            out[got++] = (unsigned char)(d->high << 4 | (unsigned)digit);
        }
        d->half = !d->half;
    }
    return d->bad ? -1 : got;
}

bool hex_end(const struct hex *d)
{
    return !d->bad && !d->half;
}
