/* answer_read.c - a vendor's answer -> what it means. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/answer_fields.h"
#include "core/answer_internal.h"
#include "core/answer_outputs.h"
#include "core/verdict.h"

#define CODE_BYTES 100
#define TEXT_BYTES 500

static bool good_status(const struct reading *r)
{
    return r->in->status >= 200 && r->in->status < 300;
}

static bool asynchronous(const struct reading *r)
{
    return !adapter_synchronous(r->op);
}

static void make_context(struct reading *r)
{
    const struct answer_in *in = r->in;

    r->context = json_object();
    json_object_set_new(r->context, "status", json_integer(in->status));
    if (in->headers) {
        json_object_set(r->context, "headers", (json_t *)in->headers);
    }
    if (in->body) {
        json_object_set(r->context, "body", (json_t *)in->body);
    }
    if (in->raw_blob >= 0) {
        json_object_set_new(r->context, "raw", json_pack("{s:I}", "bytes", (json_int_t)in->raw_bytes));
    }
    if (in->vars) {
        json_object_set(r->context, "vars", (json_t *)in->vars);
    }
    if (in->input) {
        json_object_set(r->context, "input", (json_t *)in->input);
    }
    if (in->options) {
        json_object_set(r->context, "options", (json_t *)in->options);
    }
    if (in->medium) {
        json_object_set(r->context, "medium", (json_t *)in->medium);
    }
    json_object_set_new(r->context, "model", in->model ? json_string(in->model) : json_null());
    r->view = (struct mapping_view){.value = r->context};
    r->shapes = (struct shape_in){r->a->mapping, &r->view};
}

/* ---- what went wrong ---- */

static enum answer_accepted accepted(const struct reading *r)
{
    if (r->step != STEP_SUBMIT) {
        return ACCEPTED_YES;
    }
    if (r->matched && r->rule.accepted >= 0) {
        return (enum answer_accepted)r->rule.accepted;
    }
    if (r->out->class == CLASS_UNKNOWN || r->out->class == CLASS_CONFLICT_POLL_EXISTING) {
        return ACCEPTED_UNKNOWN;
    }
    if (good_status(r)) {
        return asynchronous(r) && r->out->state == STATE_FAILED ? ACCEPTED_YES : ACCEPTED_NO;
    }
    return verdict_accepted(!asynchronous(r), r->in->status);
}

static int64_t later(const struct reading *r)
{
    int64_t ms = reader_ms(r->a->later, r->in->headers, &r->shapes, r->in->wall_ms);

    return ms < 0 && r->matched ? r->rule.later_ms : ms;
}

static void set_words(struct reading *r)
{
    struct answer *out = r->out;

    out->code = answer_fields_bounded(shape_text(r->a->error_code, &r->shapes), CODE_BYTES);
    if (r->matched && r->rule.text) {
        out->text = mem_text(r->rule.text);
        return;
    }
    out->text = answer_fields_bounded(shape_text(r->a->error_text, &r->shapes), TEXT_BYTES);
    if (out->text) {
        return;
    }
    out->text = out->state == STATE_FAILED ? mem_text("the vendor reports that its work failed")
                : out->state == STATE_EXPIRED
                    ? mem_text("the vendor reports that the task expired there")
                    : mem_printf("the vendor answered with HTTP status %d", r->in->status);
}

/* Settles an answer that is none: class and state are set already. */
static void refuse(struct reading *r)
{
    struct answer *out = r->out;
    enum answer_action action = answer_class_action(out->class);

    out->accepted = accepted(r);
    out->later_ms = action == ACTION_WAIT || action == ACTION_RETRY ? later(r) : -1;
    set_words(r);
}

/* An answer that fits nothing the adapter knows. On submission it may well have been accepted. */
static void nonsense(struct reading *r, const char *text)
{
    struct answer *out = r->out;

    for (size_t i = 0; i < out->output_count; i++) {
        answer_outputs_done(&out->outputs[i]);
    }
    out->output_count = 0;
    out->fetch = false;
    out->state = STATE_NONE;
    out->class = r->step == STEP_SUBMIT ? CLASS_UNKNOWN : CLASS_RETRY;
    out->accepted = r->step == STEP_SUBMIT ? ACCEPTED_UNKNOWN : ACCEPTED_YES;
    free(out->text);
    out->text = answer_fields_bounded(
        mem_printf("the vendor's answer makes no sense to %s: %s", r->a->name, text), TEXT_BYTES);
}

/* ---- what it says ---- */

static bool match(struct reading *r, const char *code)
{
    struct rule_in in = {r->step, r->in->status, r->in->headers, code, &r->shapes, r->in->wall_ms};

    return rule_match(r->e->rules, &in, &r->rule) || rule_match(r->op->rules, &in, &r->rule) ||
           rule_match(r->a->rules, &in, &r->rule);
}

/* The state that the answer tells, NONE when it tells none. */
enum answer_state answer_read_state(struct reading *r)
{
    const struct adapter_state *rule = &r->e->state;
    char *word = shape_text(rule->from, &r->shapes);
    char status[12];

    if (word) {
        const json_t *state = json_object_get(rule->words, word);
        free(r->out->word);
        r->out->word = word;
        r->out->state_unknown = !state;
        return state ? (enum answer_state)json_integer_value(state) : STATE_IN_PROGRESS;
    }
    snprintf(status, sizeof(status), "%d", r->in->status);
    return (enum answer_state)json_integer_value(json_object_get(rule->statuses, status));
}

bool answer_has_state(const struct reading *r)
{
    return r->e->state.from || r->e->state.statuses;
}

void answer_read_save(struct reading *r)
{
    r->out->save = answer_fields_save(r->e, &r->shapes);
    r->out->vendor_id = mem_text(json_string_value(json_object_get(r->out->save, "id")));
}

static void read_extras(struct reading *r)
{
    r->out->usage = answer_fields_value(r->e->usage, &r->shapes);
    r->out->cost = answer_fields_cost(r->e, &r->shapes);
    r->out->extra = answer_fields_value(r->e->extra, &r->shapes);
}

static bool has_outputs(const struct reading *r)
{
    return r->e->outputs.stream || r->e->outputs.members;
}

static bool all_failed(const struct answer *a)
{
    for (size_t i = 0; i < a->output_count; i++) {
        if (!a->outputs[i].error) {
            return false;
        }
    }
    return a->output_count > 0;
}

/* No output came out: the task has failed, for the reason that its first output gives. */
static void fail_by_items(struct reading *r)
{
    struct answer *out = r->out;
    char *word = mem_text(out->outputs[0].error);

    r->matched = match(r, word);
    r->out->rule = r->matched ? r->rule.number : r->out->rule;
    out->class = r->matched ? r->rule.class : CLASS_VENDOR_INTERNAL;
    out->state = STATE_FAILED;
    refuse(r);
    if (!out->code) {
        out->code = answer_fields_bounded(mem_text(word), CODE_BYTES);
    }
    free(word);
}

/* Reads the outputs of a task that has ended well. */
static void read_outputs(struct reading *r)
{
    struct note note = {0};

    r->out->state = STATE_COMPLETED;
    if (answer_outputs_read(r->e, &r->shapes, r->context, r->in->raw_blob, r->op->download_secret, r->out,
                            &note)) {
        nonsense(r, note_text(&note, FAULT_BAD_VALUE));
        return;
    }
    if (!r->out->output_count) {
        nonsense(r, "it has no outputs");
        return;
    }
    if (all_failed(r->out)) {
        fail_by_items(r);
    }
}

/* ---- the steps ---- */

/* A state that ends the task without a result. */
static void end_badly(struct reading *r, enum answer_state state)
{
    r->out->state = state;
    read_extras(r);
    if (state != STATE_CANCELLED) {
        r->out->class = CLASS_VENDOR_INTERNAL;
        refuse(r);
    }
}

static void complete(struct reading *r)
{
    const struct adapter_exchange *fetch = &r->op->steps[STEP_FETCH];

    read_extras(r);
    if (r->step != STEP_FETCH && fetch->there) {
        r->out->state = STATE_COMPLETED;
        r->out->fetch = true;
    } else if (has_outputs(r)) {
        read_outputs(r);
    } else {
        /* Done at once, says the submission; where the outputs are, only poll knows. */
        r->out->state = STATE_IN_PROGRESS;
    }
}

/* Goes on with a task that the vendor has, by the state it is in there. */
static void go_on(struct reading *r, enum answer_state state)
{
    switch (state) {
    case STATE_COMPLETED:
        complete(r);
        break;
    case STATE_FAILED:
    case STATE_CANCELLED:
    case STATE_EXPIRED:
        end_badly(r, state);
        break;
    default:
        r->out->state = state;
        r->out->progress = answer_fields_progress(r->e, &r->shapes);
        break;
    }
}

/* An answer without something that it must have. */
void answer_lacks(struct reading *r, const char *name)
{
    AUTO(auto_free) char *text = mem_printf("it has no %.64s", name);

    nonsense(r, text);
}

static void read_submit(struct reading *r)
{
    enum answer_state state = answer_has_state(r) ? answer_read_state(r) : STATE_NONE;

    answer_read_save(r);
    if (!asynchronous(r)) {
        complete(r);
        return;
    }
    go_on(r, state == STATE_NONE ? STATE_QUEUED : state);
    bool waits = r->out->state == STATE_QUEUED || r->out->state == STATE_IN_PROGRESS || r->out->fetch;
    const char *missing = waits ? answer_fields_missing(r->op, r->e, r->out->save) : NULL;
    if (missing) {
        answer_lacks(r, missing);
    }
}

static void read_poll(struct reading *r)
{
    enum answer_state state = answer_read_state(r);

    r->out->poll_ms = reader_ms(r->op->hint, r->in->headers, &r->shapes, r->in->wall_ms);
    if (state == STATE_NONE) {
        nonsense(r, "it does not say how the task stands");
        return;
    }
    answer_read_save(r);
    go_on(r, state);
}

static void read_cancel(struct reading *r)
{
    enum answer_state state = answer_has_state(r) ? answer_read_state(r) : STATE_NONE;

    r->out->state = state == STATE_NONE ? STATE_IN_PROGRESS : state;
}

static void read_good(struct reading *r)
{
    switch (r->step) {
    case STEP_SUBMIT:
        read_submit(r);
        break;
    case STEP_POLL:
        read_poll(r);
        break;
    case STEP_FETCH:
        complete(r);
        break;
    case STEP_CANCEL:
        read_cancel(r);
        break;
    case STEP_LOOKUP:
        answer_read_lookup(r);
        break;
    case STEP_UPLOAD:
        answer_take_upload(r);
        break;
    default:
        break;
    }
}

/* Steps whose answers may tell how the task has ended. */
static bool about_task(enum adapter_step step)
{
    return step == STEP_SUBMIT || step == STEP_POLL || step == STEP_FETCH;
}

/* Classes that speak of what was asked for: all others are about the key, a limit or a moment, and the same
 * question may be answered well later. */
static bool about_result(enum answer_class class)
{
    return class == CLASS_CONTENT_POLICY || class == CLASS_INVALID_REQUEST || class == CLASS_NOT_FOUND ||
           class == CLASS_VENDOR_INTERNAL;
}

/* An error: of this exchange alone, or of the task when the rule says so or the vendor's own word for it is
 * final. */
static void read_bad(struct reading *r)
{
    bool final = r->matched && r->rule.failed && r->step != STEP_UPLOAD && r->step != STEP_LOOKUP;

    if (good_status(r) && about_task(r->step)) {
        enum answer_state state = answer_has_state(r) ? answer_read_state(r) : STATE_NONE;
        r->out->state_unknown = false;
        final |= state == STATE_COMPLETED || state == STATE_FAILED || !asynchronous(r) ||
                 (r->step == STEP_FETCH && about_result(r->out->class));
    }
    if (final) {
        r->out->state = r->matched && r->rule.cancelled ? STATE_CANCELLED : STATE_FAILED;
        read_extras(r);
    }
    refuse(r);
}

static void read_answer(struct reading *r)
{
    char *code = r->step == STEP_DOWNLOAD ? NULL : shape_text(r->a->error_code, &r->shapes);

    r->matched = match(r, code);
    r->out->rule = r->matched ? r->rule.number : -1;
    free(code);
    if (r->matched) {
        r->out->class = r->rule.class;
    } else if (!good_status(r)) {
        r->out->class = verdict_class(r->step, r->in->status);
        if (r->out->class == CLASS_AUTH && r->in->without_secret && r->a->auth.kind != AUTH_NONE) {
            r->out->class = CLASS_RETRY; /* an address with an end of its own, most likely */
        }
    }
    if (r->out->class == CLASS_OK) {
        read_good(r);
    } else {
        read_bad(r);
    }
}

static void read_whole(struct reading *r, struct answer **ret_answer)
{
    r->out = mem_new(sizeof(*r->out));
    r->out->accepted = ACCEPTED_YES;
    r->out->progress = r->out->later_ms = r->out->poll_ms = -1;
    r->out->rule = -1;
    make_context(r);
    read_answer(r);
    mapping_view_done(&r->view);
    json_decref(r->context);
    *ret_answer = r->out;
}

enum fault answer_read(const struct adapter *a, const struct adapter_op *op, enum adapter_step step,
                       const struct answer_in *in, struct answer **ret_answer, struct note *note)
{
    struct reading r = {.a = a, .op = op, .step = step, .e = &op->steps[step], .in = in};

    *ret_answer = NULL;
    if (!r.e->there) {
        return note_set(note, FAULT_INTERNAL, "%s (%s) has no step %s", a->name, op->name,
                        adapter_step_text(step));
    }
    read_whole(&r, ret_answer);
    return FAULT_OK;
}

enum fault answer_read_upload(const struct adapter_op *op, const struct adapter_upload *u, int step,
                              const struct answer_in *in, struct answer **ret_answer, struct note *note)
{
    struct reading r = {.a = op->adapter,
                        .op = op,
                        .step = STEP_UPLOAD,
                        .e = &u->steps[step].exchange,
                        .upload = u,
                        .number = step,
                        .in = in};

    (void)note;
    read_whole(&r, ret_answer);
    return FAULT_OK;
}
