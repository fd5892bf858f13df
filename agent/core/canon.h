/* canon.h - brings the media of a task's input into one form: {"url"} or {"media"} or a marker that stands
 * for bytes on their way into the store. */
#ifndef CORE_CANON_H
#define CORE_CANON_H

#include <jansson.h>
#include <stdbool.h>

#include "base/auto.h"
#include "base/fault.h"
#include "base/slice.h"

/* Takes bytes that stood in the request as base64 and gives the value that stands for them (new reference).
 * name may be NULL, type may be NULL. */
typedef enum fault canon_inline_fn(void *arg, struct slice bytes, const char *type, const char *name,
                                   json_t **ret_value, struct note *note);

/* canon_input - changes input in place: a text that is a URL becomes {"url"}; base64 and data URIs, alone or
 * as {"base64"}, go to fn. Objects that name a url or media stay; so do markers ({"$blob"}, {"$bin"}). Where
 * media stand, spot.h says. Faults: BAD_VALUE (the place named), what fn gives. */
enum fault canon_input(json_t *input, canon_inline_fn *fn, void *arg, struct note *note) MUSTCHECK;

/* canon_dump - value as JSON text with sorted keys: equal values give equal texts. Caller frees. */
char *canon_dump(const json_t *value);

#endif
