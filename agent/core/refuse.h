/* refuse.h - what of a task's input a vendor does not take. */
#ifndef CORE_REFUSE_H
#define CORE_REFUSE_H

#include "core/adapter_parts.h"

/* refuse_check - in->input has nothing that op refuses: no value its `refuse` rules catch, and no field that
 * neither its request nor its `unsupported` list knows, unless in->unsupported lets them pass. Faults:
 * VENDOR_REJECTED; the note's field is the culprit. */
enum fault refuse_check(const struct adapter_op *op, const struct render_in *in,
                        const struct shape_in *shapes, struct note *note) MUSTCHECK;

/* refuse_field - VENDOR_REJECTED for a field that op has no use for. */
enum fault refuse_field(const struct adapter_op *op, const char *field, struct note *note);

#endif
