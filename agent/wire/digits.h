/* digits.h - decimal digits off the front of a slice. */
#ifndef WIRE_DIGITS_H
#define WIRE_DIGITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* Numbers of outsiders are cut off here: far beyond all use, and a thousand of it still fits 64 bits. */
#define DIGITS_MAX 1000000000000000u

/* digits_cut - takes decimal digits off s; a number too large becomes UINT64_MAX. False: there is none. */
static inline bool digits_cut(struct slice *s, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t i = 0;

    for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
        uint64_t digit = (uint64_t)(s->p[i] - '0');
        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
    }
    *ret_value = value;
    if (!i) {
        return false;
    }
    *s = (struct slice){s->p + i, s->n - i};
    return true;
}

#endif
