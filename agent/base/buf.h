/* buf.h - growing bytes with a mandatory maximum and a sticky error. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* Append freely, ask buf_ok() once: after the first append that would pass max (or finds no memory) the
 * buffer keeps what it had, ignores further appends and buf_ok() is false. p[n] is always NUL once
 * something was appended. */
struct buf {
    char *p;
    size_t n;
    size_t cap;
    size_t max;
    bool bad;
};

/* buf_init - an empty buffer that never holds more than max bytes. Embedded; buf_done releases it. */
void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);

/* buf_reset - empty again, the error cleared, the memory kept up to 64 KiB. */
void buf_reset(struct buf *b);

void buf_add(struct buf *b, const void *p, size_t n);
void buf_text(struct buf *b, const char *text);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* buf_cut - drops the first n bytes (n <= b->n). */
void buf_cut(struct buf *b, size_t n);

bool buf_ok(const struct buf *b);

/* The bytes so far; valid until the next change. */
struct slice buf_slice(const struct buf *b);

/* buf_take - hands the memory over as a NUL-ended text that the caller frees; the buffer is empty then.
 * NULL when the buffer is bad. */
char *buf_take(struct buf *b);

#endif
