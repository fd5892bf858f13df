/* kv_internal.h - what the files of the key-value buckets share: names, delete markers, stored messages. */
#ifndef EDGE_KV_INTERNAL_H
#define EDGE_KV_INTERNAL_H

#include "edge/kv.h"

#define KV_SUBJECT_CHARS 512

/* kv.c: kv_subject - "<before>$KV.<bucket>.<key>"; empty, which the bus refuses, when the key cannot be one.
 */
void kv_subject(char out[KV_SUBJECT_CHARS], const char *before, const char *bucket, const char *key);

/* kv.c: kv_read_message - a message as STREAM.MSG.GET tells it. entry->value points into *ret_memory, which
 * the caller frees, also after a fault. Faults: INTERNAL (it is none). */
enum fault kv_read_message(const json_t *message, struct kv_entry *entry, char **ret_memory) MUSTCHECK;

/* kv.c: kv_is_marker - the value of a KV-Operation header (NULL: none) says that the key was deleted. */
bool kv_is_marker(const char *operation);

#endif
