/* jsonnumber.h - the numbers of JSON as text. */
#ifndef WIRE_JSONNUMBER_H
#define WIRE_JSONNUMBER_H

#include <stdbool.h>

/* jsonnumber_valid - text is a number as RFC 8259 section 6 writes it, and nothing else. */
bool jsonnumber_valid(const char *text);

/* jsonnumber_over_int64 - text is written as an integer, and no int64 can hold it. */
bool jsonnumber_over_int64(const char *text);

#endif
