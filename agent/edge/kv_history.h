/* kv_history.h - all revisions of one key that a bucket still keeps. */
#ifndef EDGE_KV_HISTORY_H
#define EDGE_KV_HISTORY_H

#include "edge/kv.h"

/* kv_history - every kept revision of key, oldest first, delete markers too, read from the stream's leader
 * one by one (buckets keep a handful). each gives false to stop early; done comes once, never from inside.
 * Faults as kv_get. Source: STREAM.MSG.GET with next_by_subj, ADR-8. */
void kv_history(struct bus *bus, const char *bucket, const char *key, kv_each_fn *each, kv_done_fn *done,
                void *arg);

#endif
