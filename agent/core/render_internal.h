/* render_internal.h - between the files of render: the request in the making. */
#ifndef CORE_RENDER_INTERNAL_H
#define CORE_RENDER_INTERNAL_H

#include "core/adapter_parts.h"

/* A request in the making. */
struct making {
    const struct adapter *a;
    const struct adapter_op *op;
    enum adapter_step step;
    const struct adapter_request *rule;
    const struct render_in *in;
    json_t *context; /* what expressions see */
    struct mapping_view view;
    struct shape_in shapes;
    json_t *let;    /* {name: text} */
    json_t *vendor; /* members of input.vendor that are still to be passed on; NULL: none */
    char deadline[24];
    struct request *r;
    struct note *note;
};

/* render_variable - the value of a template's variable, a template_find_fn for struct making. */
const char *render_variable(void *arg, const char *name);

/* render_idem - the idempotency key as the vendor wants it. */
const char *render_idem(const struct making *m);

/* render_head - the header fields, once the body is made. Faults: BAD_VALUE. */
enum fault render_head(struct making *m) MUSTCHECK;

#endif
