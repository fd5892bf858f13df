/* answer_internal.h - between the files that read answers: the answer in the reading. */
#ifndef CORE_ANSWER_INTERNAL_H
#define CORE_ANSWER_INTERNAL_H

#include "core/adapter_parts.h"

/* An answer in the reading. */
struct reading {
    const struct adapter *a;
    const struct adapter_op *op;
    enum adapter_step step;
    const struct adapter_exchange *e;
    const struct adapter_upload *upload; /* STEP_UPLOAD, and which of its steps */
    int number;
    const struct answer_in *in;
    json_t *context; /* what expressions see */
    struct mapping_view view;
    struct shape_in shapes;
    struct rule_out rule;
    bool matched; /* rule says something */
    struct answer *out;
};

/* answer_has_state - the step says where the task's state is. answer_read_state - the state that the answer
 * tells, NONE when it tells none. */
bool answer_has_state(const struct reading *r);
enum answer_state answer_read_state(struct reading *r);
/* answer_read_save - what the answer gives for later steps. */
void answer_read_save(struct reading *r);
/* answer_lacks - the answer makes no sense: it is without something that it must have. */
void answer_lacks(struct reading *r, const char *name);

/* answer_read_lookup, answer_take_upload - a good answer of those steps. */
void answer_read_lookup(struct reading *r);
void answer_take_upload(struct reading *r);

#endif
