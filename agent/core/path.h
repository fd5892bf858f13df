/* path.h - the plain jq expressions that need no jq: paths such as .body.data[0]."x-y", and JSON scalars. */
#ifndef CORE_PATH_H
#define CORE_PATH_H

#include <jansson.h>

#include "base/auto.h"
#include "base/fault.h"
#include "base/slice.h"

struct path;

/* path_parse - text as a path or scalar; NULL when it is anything else, which is then jq's to judge. */
struct path *path_parse(struct slice text);
void path_free(struct path **p);

/* path_walk - the value there, exactly as jq 1.6 gives it: null for what is missing, an error for a key into
 * a number. Caller decrefs. Faults: BAD_VALUE. Source: jq 1.6 src/jv_aux.c, jv_get. */
enum fault path_walk(const struct path *p, const json_t *input, json_t **ret_value,
                     struct note *note) MUSTCHECK;

#endif
