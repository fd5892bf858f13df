/* reader.h - where a vendor says how long to wait: a header or a field, in one of many spellings. */
#ifndef CORE_READER_H
#define CORE_READER_H

#include "core/shape.h"

/* Readers in order of preference. */
struct reader_list;

/* reader_load - the list at the loader's position, NULL for a NULL value. Each item is a header's name, or
 * {header | from, unit}: unit ms means milliseconds; s and nothing mean seconds, a date, a duration or a Unix
 * time (field_later_ms). */
struct reader_list *reader_load(struct load *l, const json_t *value);
void reader_free(struct reader_list **r);

/* reader_ms - the first that gives a time, or -1; at most 24 h. headers: {lower-case name: text} or NULL; in
 * may be NULL when no reader needs the body; r may be NULL. wall_ms is Unix time now. */
int64_t reader_ms(const struct reader_list *r, const json_t *headers, const struct shape_in *in,
                  int64_t wall_ms);

#endif
