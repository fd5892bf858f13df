/* auto.h - scoped cleanup: AUTO(x_free) struct x *p frees p at the end of its scope. */
#ifndef BASE_AUTO_H
#define BASE_AUTO_H

#include <stdlib.h>

/* Calls fn(&variable) when the variable leaves its scope. Every x_free here has that shape. */
#define AUTO(fn)  __attribute__((cleanup(fn)))
#define MUSTCHECK __attribute__((warn_unused_result))

/* The owner of an embedded member: container_of(link, struct run, timer). */
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* auto_free - the destructor for plain memory: AUTO(auto_free) char *text. */
static inline void auto_free(void *pointer)
{
    void **p = pointer;
    free(*p);
    *p = NULL;
}

#endif
