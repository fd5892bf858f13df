/* shape.h - a value to be made: expressions, alone or as the leaves of an object. */
#ifndef CORE_SHAPE_H
#define CORE_SHAPE_H

#include "core/load.h"

/* In the file a text is an expression, a list is alternatives (the first that gives more than null counts,
 * one that fails is passed over), an object is an object whose members are shapes, and numbers, booleans and
 * null are themselves. */
struct shape;

/* shape_load - the shape at the loader's position; complains of what is wrong with it. NULL for a NULL value.
 */
struct shape *shape_load(struct load *l, const json_t *value);
void shape_free(struct shape **s);

/* What shapes are made from. */
struct shape_in {
    struct mapping *mapping;
    struct mapping_view *view;
};

/* shape_make - the value; an expression that fails is a fault and the note's field the member it was for. s
 * may be NULL: null. Caller decrefs. Faults: BAD_VALUE. */
enum fault shape_make(const struct shape *s, const struct shape_in *in, json_t **ret_value,
                      struct note *note) MUSTCHECK;

/* shape_try - as shape_make; NULL for null and for a fault. */
json_t *shape_try(const struct shape *s, const struct shape_in *in);

/* shape_text - as shape_try, as text: numbers and booleans are written out; NULL for null, lists and objects.
 * Caller frees. */
char *shape_text(const struct shape *s, const struct shape_in *in);

/* shape_true - as a condition: null, false and a fault are false. */
bool shape_true(const struct shape *s, const struct shape_in *in);

/* shape_stream - all results of an expression as an array (one result that is an array is that array). */
enum fault shape_stream(const struct shape *s, const struct shape_in *in, json_t **ret_list,
                        struct note *note) MUSTCHECK;

/* shape_is_object - it was written as an object. shape_member - its member, or NULL. shape_name - the i-th
 * member's name, NULL behind the last. */
bool shape_is_object(const struct shape *s);
const struct shape *shape_member(const struct shape *s, const char *name);
const char *shape_name(const struct shape *s, size_t i);

/* shape_value_text - a scalar as text, NULL for null, lists and objects. Caller frees. */
char *shape_value_text(const json_t *value);

#endif
