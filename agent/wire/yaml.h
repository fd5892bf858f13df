/* yaml.h - YAML 1.2 (core schema) to values, with the position of each for messages. */
#ifndef WIRE_YAML_H
#define WIRE_YAML_H

#include <jansson.h>

#include "base/auto.h"
#include "base/fault.h"
#include "base/slice.h"

/* Where each value stands: JSON pointer -> line and column. */
struct yaml_marks;

/* yaml_read - one document. Duplicate keys, keys that are not text, merge keys (<<), tags other than !!str,
 * NUL characters, numbers that JSON cannot hold, and documents over the size, node, depth or alias budget are
 * refused: BAD_VALUE with a note "line N, column M: …" whose field is "N:M". An empty document is null.
 * Aliases are copies. The caller decrefs *ret_value and frees *ret_marks (ret_marks may be NULL). Source:
 * YAML 1.2.2 section 10.3. */
enum fault yaml_read(struct slice text, json_t **ret_value, struct yaml_marks **ret_marks,
                     struct note *note) MUSTCHECK;
void yaml_marks_free(struct yaml_marks **m);

/* yaml_mark - line and column (from 1) of the value at pointer, or of its nearest ancestor: false then. A
 * member of a mapping stands where its key does: that is the word to look at when the value begins lines
 * below. */
bool yaml_mark(const struct yaml_marks *marks, const char *pointer, int *ret_line, int *ret_column);

#endif
