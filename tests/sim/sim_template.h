/* sim_template.h - answers as data: JSON with holes that are filled from a scope.
 *
 *   "{prompt}"                  a string that is one hole: the value itself, of whatever type; null when
 * there is none "video of {prompt}"         holes inside a text: the values as text
 *   "{body.size|size|'auto'|4}" alternatives: the first that is there and not null; texts in quotes and
 * numbers are constants "name?": …                  the key is left out when its value is null
 *   {"$pick": V, "case": {…}, "else": …}     the case named by V
 *   {"$repeat": N, "item": …}                an array; {i} counts from 0 (at most 64 items)
 *   {"$json": V}                             V as a text of JSON
 *   {"$media": {…}}                          handed to the scope's media function */
#ifndef SIM_TEMPLATE_H
#define SIM_TEMPLATE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/slice.h"

#define SIM_SCOPE_FRAMES 8

/* Where names are looked up: objects from the last to the first, then the function `builtin`. Embedded, all
 * borrowed. builtin gives a new reference or NULL, media what stands in place of a medium (a new reference).
 */
struct sim_scope {
    const json_t *frames[SIM_SCOPE_FRAMES];
    size_t count;
    json_t *(*builtin)(void *arg, struct slice path);
    json_t *(*media)(void *arg, const json_t *spec);
    void *arg;
};

/* sim_scope_push - object (may be NULL: nothing happens) goes in front. At most SIM_SCOPE_FRAMES. */
void sim_scope_push(struct sim_scope *scope, const json_t *object);

/* sim_scope_find - the value of a path ("body.images.0.url"), a new reference, or NULL. */
json_t *sim_scope_find(const struct sim_scope *scope, struct slice path);

/* sim_template_value - template with its holes filled; a new reference, never NULL. */
json_t *sim_template_value(const json_t *template, struct sim_scope *scope);

/* sim_template_test - every key of when, a path, has the value that stands there, or one of a list. A text
 * with "*" is a glob, "*" alone is any value but null, null is none. A missing when is true. */
bool sim_template_test(const json_t *when, struct sim_scope *scope);

#endif
