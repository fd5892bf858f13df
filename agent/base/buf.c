/* buf.c - growing bytes with a mandatory maximum and a sticky error. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_BYTES  (64u << 10)
#define SMALL_BYTES 1024 /* the thread's cache of the allocator holds blocks of about so many bytes */

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_done(struct buf *b)
{
    free(b->p);
    *b = (struct buf){.max = b->max};
}

void buf_reset(struct buf *b)
{
    if (b->cap > KEEP_BYTES) {
        buf_done(b);
    }
    b->n = 0;
    b->bad = false;
}

/* realloc, but small blocks come from the thread's cache, past which realloc goes: it would sweep all of the
 * allocator's free lists each time a buffer grows to a KiB. */
static char *buf_move(const struct buf *b, size_t cap)
{
    if (cap > SMALL_BYTES) {
        return realloc(b->p, cap);
    }
    char *p = malloc(cap);
    if (p && b->n) {
        memcpy(p, b->p, b->n);
    }
    if (p) {
        free(b->p);
    }
    return p;
}

static bool buf_grow(struct buf *b, size_t n)
{
    if (b->bad || n > b->max || b->n > b->max - n) {
        b->bad = true;
        return false;
    }
    size_t cap = b->cap ? b->cap * 2 : 256;
    if (cap < b->n + n + 1) {
        cap = b->n + n + 1;
    }
    if (cap > b->max + 1) {
        cap = b->max + 1;
    }
    char *p = buf_move(b, cap);
    if (!p) {
        b->bad = true;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

/* Makes room for n more bytes and the closing NUL; false sets the sticky error. cap is at most max + 1. */
static bool buf_room(struct buf *b, size_t n)
{
    return (!b->bad && n < b->cap - b->n) || buf_grow(b, n);
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    if (!buf_room(b, n)) {
        return;
    }
    if (n) {
        memcpy(b->p + b->n, p, n);
    }
    b->n += n;
    b->p[b->n] = '\0';
}

void buf_text(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list ap, again;

    va_start(ap, format);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (n >= 0 && buf_room(b, (size_t)n)) {
        vsnprintf(b->p + b->n, (size_t)n + 1, format, again);
        b->n += (size_t)n;
    } else {
        b->bad = true;
    }
    va_end(again);
}

void buf_cut(struct buf *b, size_t n)
{
    if (n) {
        memmove(b->p, b->p + n, b->n - n);
        b->n -= n;
        b->p[b->n] = '\0';
    }
}

bool buf_ok(const struct buf *b)
{
    return !b->bad;
}

struct slice buf_slice(const struct buf *b)
{
    return (struct slice){b->n ? b->p : "", b->n};
}

char *buf_take(struct buf *b)
{
    if (b->bad || !buf_room(b, 0)) {
        return NULL;
    }
    char *p = b->p;
    p[b->n] = '\0';
    *b = (struct buf){.max = b->max};
    return p;
}
