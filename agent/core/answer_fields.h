/* answer_fields.h - the plain fields of an answer: what is saved, how far it is, what it cost. */
#ifndef CORE_ANSWER_FIELDS_H
#define CORE_ANSWER_FIELDS_H

#include "core/adapter_parts.h"

/* answer_fields_bounded - text cut to at most max bytes, between characters; NULL for an empty one. Consumes
 * text. */
char *answer_fields_bounded(char *text, size_t max);

/* answer_fields_progress - 0 to 100, or -1 when nothing that makes sense is told. "45%" is 45. */
double answer_fields_progress(const struct adapter_exchange *e, const struct shape_in *shapes);

/* answer_fields_save - {name: text} of what later steps need; names without a value are left out, NULL when
 * none has one. */
json_t *answer_fields_save(const struct adapter_exchange *e, const struct shape_in *shapes);

/* answer_fields_missing - the first name that e should save, that poll or fetch of op cannot do without, and
 * that is not in save; or NULL. */
const char *answer_fields_missing(const struct adapter_op *op, const struct adapter_exchange *e,
                                  const json_t *save);

/* answer_fields_value - an object or list without nulls; NULL when nothing is left or s is NULL. */
json_t *answer_fields_value(const struct shape *s, const struct shape_in *shapes);

/* answer_fields_cost - {"amount", "unit"}, or NULL. */
json_t *answer_fields_cost(const struct adapter_exchange *e, const struct shape_in *shapes);

#endif
