/* schema.h - JSON Schema draft-07 on values.
 *
 * All of draft-07 but remote references and `format` (an annotation there). Patterns are PCRE2 with a match
 * limit, and a check as a whole has a budget (LIMIT_SCHEMA_STEPS): a value that would take longer does not
 * fit, which a complaint says. Proven against Debian's json-schema-test-suite. */
#ifndef WIRE_SCHEMA_H
#define WIRE_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

#include "base/auto.h"
#include "base/fault.h"

struct schema;

/* schema_new - compiles patterns once. Keeps a reference to text. Faults: BAD_VALUE (the note says where). */
enum fault schema_new(json_t *text, struct schema **ret_schema, struct note *note) MUSTCHECK;
void schema_free(struct schema **s);

/* A complaint: the JSON pointer of the value at fault ("" is the root; of a missing or unknown field it is
 * the field's) and what is wrong and what would be right, to be read behind the field's name: "must be at
 * most 32, not 40". */
typedef void schema_complain_fn(void *arg, const char *pointer, const char *text);

/* schema_check - true when value fits. complain (may be NULL) is called for each mistake found, at most 20;
 * for an unknown property it names the nearest known one. In anyOf/oneOf the complaints of the best branch
 * are given (a `const` or `enum` discriminator decides which). Thread: one at a time per schema. */
bool schema_check(struct schema *s, const json_t *value, schema_complain_fn *complain, void *arg);

/* schema_check_note - as above, the first complaint into the note: field is the pointer written as a.b[0],
 * the text is a sentence that begins with it. */
enum fault schema_check_note(struct schema *s, const json_t *value, struct note *note) MUSTCHECK;

/* schema_check_field - as schema_check_note for a value that is itself the field called prefix:
 * "input.images[0].url". */
enum fault schema_check_field(struct schema *s, const json_t *value, const char *prefix,
                              struct note *note) MUSTCHECK;

/* schema_dotted - a JSON pointer as people write it, behind prefix ("" is none): "input", "/images/0/url" is
 * input.images[0].url. What does not fit into size is cut between steps. */
void schema_dotted(const char *prefix, const char *pointer, char *out, size_t size);

#endif
