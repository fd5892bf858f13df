/* answer_outputs.h - the results in a vendor's answer. */
#ifndef CORE_ANSWER_OUTPUTS_H
#define CORE_ANSWER_OUTPUTS_H

#include "core/adapter_parts.h"

/* answer_outputs_read - the outputs that e's rules find in what shapes see, at most LIMIT_OUTPUTS. context is
 * the value that shapes look at; raw_blob is the index of a body that is not JSON, or -1. secret: downloads
 * need the credentials unless an output says otherwise. An output with no source and no error is BAD_VALUE,
 * with a text that says what is wrong. The caller frees each with answer_outputs_done. */
enum fault answer_outputs_read(const struct adapter_exchange *e, const struct shape_in *shapes,
                               const json_t *context, int raw_blob, bool secret, struct answer *ret_answer,
                               struct note *note) MUSTCHECK;

void answer_outputs_done(struct answer_output *o);

/* answer_outputs_to_json - for people and golden cases. */
json_t *answer_outputs_to_json(const struct answer *a);

#endif
