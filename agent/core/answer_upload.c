/* answer_upload.c - good answers of the steps that are not about the task's work: lookup and uploads. */
#include "base/mem.h"
#include "core/answer_fields.h"
#include "core/answer_internal.h"

/* Whether the vendor says that it has the task. What it surely has not is sent again, and paid again: a page
 * of a gateway does not say so, nor a body in which the expression finds nothing to judge by. */
static bool is_found(struct reading *r)
{
    json_t *found = r->in->body ? shape_try(r->op->found, &r->shapes) : NULL;
    bool told = found != NULL, truth = told && !json_is_false(found);

    json_decref(found);
    if (!told) {
        answer_lacks(r, "word on whether it has the task");
    } else if (!truth) {
        r->out->class = CLASS_NOT_FOUND;
        r->out->text = mem_text("the vendor does not have the task");
    }
    return truth;
}

/* Our name for the task, asked of the vendor: it has it, or never took it. */
void answer_read_lookup(struct reading *r)
{
    enum answer_state state = answer_has_state(r) ? answer_read_state(r) : STATE_NONE;

    if (r->op->found && !is_found(r)) {
        return;
    }
    answer_read_save(r);
    const char *missing = answer_fields_missing(r->op, r->e, r->out->save);
    if (missing) {
        answer_lacks(r, missing);
        return;
    }
    r->out->found = true;
    r->out->state = state == STATE_NONE ? STATE_QUEUED : state;
}

/* The name of the first value that an upload's step should save and that is not there; or NULL. */
static const char *save_any(struct reading *r)
{
    const char *name;

    r->out->save = json_object();
    for (size_t i = 0; (name = shape_name(r->e->save, i)); i++) {
        json_t *value = shape_try(shape_member(r->e->save, name), &r->shapes);
        if (!value) {
            return name;
        }
        json_object_set_new(r->out->save, name, value);
    }
    return NULL;
}

void answer_take_upload(struct reading *r)
{
    const struct shape *until = r->upload->steps[r->number].until;

    if (until && !shape_true(until, &r->shapes)) {
        r->out->state = STATE_IN_PROGRESS;
        return;
    }
    const char *missing = save_any(r);
    if (missing) {
        answer_lacks(r, missing);
        return;
    }
    r->out->state = STATE_COMPLETED;
    if (r->number + 1 == r->upload->step_count) {
        json_t *vars = r->in->vars ? json_copy((json_t *)r->in->vars) : json_object();
        json_object_update(vars, r->out->save);
        json_object_set_new(r->context, "vars", vars);
        mapping_view_done(&r->view);
        r->view = (struct mapping_view){.value = r->context};
        r->out->value = shape_try(r->upload->value, &r->shapes);
        if (!r->out->value) {
            answer_lacks(r, "value");
        }
    }
}
