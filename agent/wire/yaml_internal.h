/* yaml_internal.h - what the files of the YAML reader share. */
#ifndef WIRE_YAML_INTERNAL_H
#define WIRE_YAML_INTERNAL_H

#include <jansson.h>

#include "base/slice.h"
#include "wire/yaml.h"

/* yaml_scalar_plain - what an unquoted scalar means in the core schema (YAML 1.2.2 section 10.3.2): null,
 * true or false, an integer, a number, else text. The caller decrefs. NULL: a number that JSON cannot hold
 * (*ret_why says which) or text that is not UTF-8. */
json_t *yaml_scalar_plain(struct slice text, const char **ret_why);

/* yaml_scalar_text - text as it stands. NULL: it holds a NUL or is not UTF-8 (*ret_why says which). */
json_t *yaml_scalar_text(struct slice text, const char **ret_why);

/* yaml_marks_new - no marks yet. yaml_marks_free releases it. */
struct yaml_marks *yaml_marks_new(void);

/* yaml_marks_add - notes where a child of parent stands, line and column from 1. The first call makes the
 * root (its parent and key are ignored). key NULL: the next item of a list. Gives the new mark, to be a
 * parent. marks NULL: nothing happens. */
size_t yaml_marks_add(struct yaml_marks *marks, size_t parent, const char *key, size_t line, size_t column);

#endif
