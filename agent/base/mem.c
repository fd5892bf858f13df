/* mem.c - memory that is there or the process is not. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void mem_die(void)
{
    static const char line[] = "{\"level\":\"error\",\"event\":\"out of memory\"}\n";

    (void)!write(STDERR_FILENO, line, sizeof(line) - 1);
    abort();
}

void *mem_new(size_t n)
{
    void *p = calloc(1, n ? n : 1);

    if (!p) {
        mem_die();
    }
    return p;
}

void *mem_grow(void *p, size_t n)
{
    void *q = realloc(p, n);

    if (!q) {
        mem_die();
    }
    return q;
}

char *mem_text(const char *text)
{
    return text ? mem_textn(text, strlen(text)) : NULL;
}

char *mem_textn(const char *p, size_t n)
{
    char *copy = mem_new(n + 1);

    if (n) {
        memcpy(copy, p, n);
    }
    return copy;
}

char *mem_printf(const char *format, ...)
{
    char *text = NULL;
    va_list ap;

    va_start(ap, format);
    int n = vasprintf(&text, format, ap);
    va_end(ap);
    if (n < 0) {
        mem_die();
    }
    return text;
}
