/* answer.c - what a vendor's answer means, as a thing: its words, its end, and how people read it. */
#include "core/answer.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/answer_outputs.h"

static const struct row {
    const char *text;
    enum answer_action action;
    enum fault fault;
} rows[] = {
#define CLASS(name, text, action, fault) {text, ACTION_##action, FAULT_##fault},
#include "core/class.def"
#undef CLASS
};

const char *answer_class_text(enum answer_class c)
{
    return rows[c].text;
}

int answer_class_find(const char *text)
{
    for (int i = 0; text && i < CLASS_COUNT; i++) {
        if (!strcmp(rows[i].text, text)) {
            return i;
        }
    }
    return -1;
}

enum answer_action answer_class_action(enum answer_class c)
{
    return rows[c].action;
}

enum fault answer_class_fault(enum answer_class c)
{
    return rows[c].fault;
}

struct answer *answer_refused(enum answer_class class, const char *text)
{
    struct answer *a = mem_new(sizeof(*a));

    *a = (struct answer){.class = class,
                         .accepted = ACCEPTED_NO,
                         .progress = -1,
                         .later_ms = -1,
                         .poll_ms = -1,
                         .text = mem_text(text)};
    return a;
}

enum answer_accepted answer_lost(bool sent)
{
    return sent ? ACCEPTED_UNKNOWN : ACCEPTED_NO;
}

const char *answer_state_text(enum answer_state state)
{
    static const char *const names[] = {
        [STATE_NONE] = "none",           [STATE_QUEUED] = "queued", [STATE_IN_PROGRESS] = "in_progress",
        [STATE_COMPLETED] = "completed", [STATE_FAILED] = "failed", [STATE_CANCELLED] = "cancelled",
        [STATE_EXPIRED] = "expired"};

    return names[state];
}

void answer_free(struct answer **a)
{
    struct answer *gone = *a;

    if (!gone) {
        return;
    }
    for (size_t i = 0; i < gone->output_count; i++) {
        answer_outputs_done(&gone->outputs[i]);
    }
    free(gone->outputs);
    free(gone->code);
    free(gone->text);
    free(gone->vendor_id);
    json_decref(gone->save);
    json_decref(gone->usage);
    json_decref(gone->cost);
    json_decref(gone->extra);
    json_decref(gone->value);
    free(gone->word);
    free(gone);
    *a = NULL;
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text) {
        json_object_set_new(object, key, json_string(text));
    }
}

static void set_value(json_t *object, const char *key, json_t *value)
{
    if (value) {
        json_object_set(object, key, value);
    }
}

static void set_flag(json_t *object, const char *key, bool flag)
{
    if (flag) {
        json_object_set_new(object, key, json_true());
    }
}

static void set_number(json_t *object, const char *key, double number)
{
    if (number >= 0) {
        bool whole = number == (double)(json_int_t)number;
        json_object_set_new(object, key, whole ? json_integer((json_int_t)number) : json_real(number));
    }
}

json_t *answer_to_json(const struct answer *a)
{
    json_t *out = json_object();

    set_text(out, "class", answer_class_text(a->class));
    if (a->accepted != ACCEPTED_YES) {
        set_text(out, "accepted", a->accepted == ACCEPTED_NO ? "no" : "unknown");
    }
    set_text(out, "state", a->state == STATE_NONE ? NULL : answer_state_text(a->state));
    set_flag(out, "state_unknown", a->state_unknown);
    set_number(out, "progress", a->progress);
    set_number(out, "later_ms", (double)a->later_ms);
    set_number(out, "poll_ms", (double)a->poll_ms);
    set_text(out, "code", a->code);
    set_text(out, "text", a->text);
    set_text(out, "vendor_id", a->vendor_id);
    set_value(out, "save", a->save);
    if (a->output_count) {
        json_object_set_new(out, "outputs", answer_outputs_to_json(a));
    }
    set_value(out, "usage", a->usage);
    set_value(out, "cost", a->cost);
    set_value(out, "extra", a->extra);
    set_flag(out, "fetch", a->fetch);
    set_flag(out, "found", a->found);
    set_value(out, "value", a->value);
    return out;
}
