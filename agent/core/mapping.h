/* mapping.h - a set of jq expressions, compiled once into one program: value -> value. The only includer of
 * jq.h.
 *
 * jq is powerful and trusting, so what reaches out of an expression or may never end is refused when it is
 * added (core/banned.h has the list); HOME is unset before the first compile (libjq loads ~/.jq); the library
 * path is empty; inputs are bounded by whoever makes them. Plain paths such as .body.data[0].id and JSON
 * scalars never reach jq (core/path.h). One compiled state per set: compiling costs about 14 ms with jq 1.6
 * and 0.4 ms for each expression. A set is used by one thread at a time. Facts: jq 1.6 jv.h, jq.h. */
#ifndef CORE_MAPPING_H
#define CORE_MAPPING_H

#include <jansson.h>
#include <stdbool.h>

#include "base/auto.h"
#include "base/fault.h"

struct mapping;

struct mapping *mapping_new(void);
void mapping_free(struct mapping **m);

/* mapping_add - checks text lightly (length, banned words, balanced quotes) and gives its number for
 * mapping_run. Equal texts share one number. Before mapping_compile. Faults: BAD_VALUE. */
enum fault mapping_add(struct mapping *m, const char *text, int *ret_number, struct note *note) MUSTCHECK;

/* mapping_compile - builds the program (not for paths only). Any one thread, once. A syntax error is
 * BAD_VALUE; the note holds jq's message and *ret_number the expression at fault (found by compiling each
 * alone; -1 when it cannot be told). */
enum fault mapping_compile(struct mapping *m, int *ret_number, struct note *note) MUSTCHECK;

/* mapping_run - expression number on input (borrowed). Gives its first result (null when there is none), or
 * with all an array of all results, at most LIMIT_ELEMENTS. A jq error is BAD_VALUE with jq's message. Before
 * mapping_compile only plain paths and scalars run; anything else is BAD_VALUE. Caller decrefs. */
enum fault mapping_run(struct mapping *m, int number, const json_t *input, bool all, json_t **ret_value,
                       struct note *note) MUSTCHECK;

/* mapping_true - runs it as a condition: false and null and errors are false. */
bool mapping_true(struct mapping *m, int number, const json_t *input);

/* An input for several expressions: it is turned into jq's own form once, by the first expression that needs
 * it. value is borrowed and must outlive the view unchanged. Embedded; mapping_view_done releases it. */
struct mapping_view {
    const json_t *value;
    void *made;
};

/* mapping_view_run - as mapping_run. */
enum fault mapping_view_run(struct mapping *m, int number, struct mapping_view *view, bool all,
                            json_t **ret_value, struct note *note) MUSTCHECK;
void mapping_view_done(struct mapping_view *view);

#endif
