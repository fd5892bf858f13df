/* refuse.c - what of a task's input a vendor does not take. */
#include "core/refuse.h"

#include <string.h>

static bool is_given(const json_t *input, const char *field)
{
    const json_t *value = !strncmp(field, "vendor.", 7)
                              ? json_object_get(json_object_get(input, "vendor"), field + 7)
                              : json_object_get(input, field);

    return value && !json_is_null(value);
}

static enum fault check_refusals(const struct adapter_op *op, const json_t *input,
                                 const struct shape_in *shapes, struct note *note)
{
    for (size_t i = 0; i < op->refusal_count; i++) {
        const struct adapter_refusal *refusal = &op->refusals[i];
        bool refused = refusal->when ? shape_true(refusal->when, shapes) : is_given(input, refusal->field);
        if (refused) {
            note_field(note, refusal->field);
            return note_set(note, FAULT_VENDOR_REJECTED, "%s: %s", refusal->field, refusal->text);
        }
    }
    return FAULT_OK;
}

/* A field that the file speaks of somewhere: it has been thought of. */
static bool field_known(const struct adapter_op *op, const char *field)
{
    bool known = !op->used || json_object_get(op->used, field) || !strcmp(field, "vendor") ||
                 adapter_medium(op, field);

    for (size_t i = 0; i < op->need_count; i++) {
        known |= !strcmp(op->needs[i], field);
    }
    for (size_t i = 0; i < op->refusal_count; i++) {
        known |= !strcmp(op->refusals[i].field, field);
    }
    return known;
}

enum fault refuse_field(const struct adapter_op *op, const char *field, struct note *note)
{
    note_field(note, field);
    return note_set(note, FAULT_VENDOR_REJECTED, "%s is not supported by %s (%s)", field, op->adapter->name,
                    op->name);
}

/* What the app asked for is never dropped in silence: it is used, ignored because the file says so, or
 * rejected. */
static enum fault check_unsupported(const struct adapter_op *op, const struct render_in *in,
                                    struct note *note)
{
    const char *field, *others = in->unsupported ? in->unsupported
                                                 : json_string_value(json_object_get(op->unsupported, "*"));
    const json_t *input = in->input;
    json_t *value;

    json_object_foreach((json_t *)input, field, value)
    {
        const char *what = json_string_value(json_object_get(op->unsupported, field));
        what = what || field_known(op, field) ? what : others ? others : "reject";
        if (what && !strcmp(what, "reject") && !json_is_null(value)) {
            return refuse_field(op, field, note);
        }
    }
    json_object_foreach(op->unsupported, field, value)
    {
        bool vendor = !strncmp(field, "vendor.", 7);
        if (vendor && is_given(input, field) && !strcmp(json_string_value(value), "reject")) {
            return refuse_field(op, field, note);
        }
    }
    return FAULT_OK;
}

enum fault refuse_check(const struct adapter_op *op, const struct render_in *in,
                        const struct shape_in *shapes, struct note *note)
{
    enum fault fault = check_refusals(op, in->input, shapes, note);

    return fault ? fault : check_unsupported(op, in, note);
}
