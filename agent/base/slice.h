/* slice.h - borrowed bytes, by value. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Bytes that somebody else owns and that need not end in NUL. p may be NULL only when n is 0. */
struct slice {
    const char *p;
    size_t n;
};

static inline struct slice slice_of(const char *text)
{
    return (struct slice){text, text ? strlen(text) : 0};
}

static inline bool slice_is(struct slice s, const char *text)
{
    size_t n = strlen(text);

    return s.n == n && (n == 0 || memcmp(s.p, text, n) == 0);
}

/* As slice_is, ASCII case ignored: for header names and tokens. */
static inline bool slice_is_nocase(struct slice s, const char *text)
{
    size_t n = strlen(text);

    return s.n == n && (n == 0 || strncasecmp(s.p, text, n) == 0);
}

static inline bool slice_starts(struct slice s, const char *text)
{
    size_t n = strlen(text);

    return s.n >= n && memcmp(s.p, text, n) == 0;
}

/* The slice without spaces and tabs at either end. */
static inline struct slice slice_trim(struct slice s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) {
        s.n--;
    }
    return s;
}

/* slice_cut - takes the part before the first sep off *rest (which moves behind it); false when *rest is
 * spent. A slice without sep is given whole once. */
static inline bool slice_cut(struct slice *rest, char sep, struct slice *ret_part)
{
    if (!rest->p) {
        return false;
    }
    const char *at = rest->n ? memchr(rest->p, sep, rest->n) : NULL;
    if (!at) {
        *ret_part = *rest;
        *rest = (struct slice){NULL, 0};
        return true;
    }
    *ret_part = (struct slice){rest->p, (size_t)(at - rest->p)};
    rest->n -= ret_part->n + 1;
    rest->p = at + 1;
    return true;
}

#endif
