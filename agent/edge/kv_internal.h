/* kv_internal.h - what the files of the key-value buckets share: the server's delete markers. */
#ifndef EDGE_KV_INTERNAL_H
#define EDGE_KV_INTERNAL_H

#include <stdbool.h>

/* kv.c: kv_is_marker - the value of a KV-Operation header (NULL: none) says that the key was deleted. */
bool kv_is_marker(const char *operation);

#endif
