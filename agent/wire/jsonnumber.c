/* jsonnumber.c - the numbers of JSON as text. */
#include "wire/jsonnumber.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* At least one digit must stand at *p, which moves behind all of them. */
static bool jsonnumber_digits(const char **p)
{
    const char *from = *p;

    while (**p >= '0' && **p <= '9') {
        (*p)++;
    }
    return *p > from;
}

bool jsonnumber_valid(const char *text)
{
    const char *p = text + (*text == '-');

    if (*p == '0') {
        p++;
    } else if (!jsonnumber_digits(&p)) {
        return false;
    }
    if (*p == '.') {
        p++;
        if (!jsonnumber_digits(&p)) {
            return false;
        }
    }
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '-' || *p == '+';
        if (!jsonnumber_digits(&p)) {
            return false;
        }
    }
    return *p == '\0';
}

bool jsonnumber_over_int64(const char *text)
{
    if (strpbrk(text, ".eE")) {
        return false;
    }
    errno = 0;
    (void)strtoll(text, NULL, 10);
    return errno == ERANGE;
}
