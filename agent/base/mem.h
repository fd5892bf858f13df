/* mem.h - memory that is there or the process is not. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* What small, bounded objects are made of. A process that cannot get a few KiB cannot settle a task
 * either: these functions end it with one line on stderr, the journal knows how far each task is, and
 * a peer goes on. Anything whose size an outsider chooses goes through buf.h and its mandatory maximum. */

/* mem_new - zeroed memory of n bytes; free() releases it. Never NULL. */
void *mem_new(size_t n) __attribute__((malloc, returns_nonnull));

/* mem_grow - realloc that does not fail. n > 0. */
void *mem_grow(void *p, size_t n) __attribute__((returns_nonnull));

/* mem_text - a copy of text (NULL gives NULL); the caller frees it. */
char *mem_text(const char *text);

/* mem_textn - a copy of n bytes with a closing NUL; the caller frees it. Never NULL. */
char *mem_textn(const char *p, size_t n) __attribute__((returns_nonnull));

/* mem_printf - printf into fresh memory; the caller frees it. Never NULL. */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

#endif
