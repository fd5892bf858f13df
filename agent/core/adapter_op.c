/* adapter_op.c - an operation of an adapter: reading it from the file, and finding the one for a task. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/adapter_parts.h"

void adapter_op_done(struct adapter_op *op)
{
    free(op->name);
    for (size_t i = 0; i < op->need_count; i++) {
        free(op->needs[i]);
    }
    free(op->needs);
    shape_free(&op->when);
    shape_free(&op->found);
    adapter_media_done(op);
    json_decref(op->used);
    json_decref(op->vendor_used);
    json_decref(op->unsupported);
    for (size_t i = 0; i < op->refusal_count; i++) {
        free(op->refusals[i].field);
        shape_free(&op->refusals[i].when);
        free(op->refusals[i].text);
    }
    free(op->refusals);
    free(op->idem_header);
    free(op->idem_field);
    for (int step = 0; step < STEP_COUNT; step++) {
        adapter_exchange_done(&op->steps[step]);
    }
    reader_free(&op->hint);
    rule_free(&op->rules);
}

/* ---- what of the input a submission uses ---- */

static size_t name_length(const char *at)
{
    size_t n = 0;

    while (at[n] == '_' || isalnum((unsigned char)at[n])) {
        n++;
    }
    return n;
}

/* Notes every name behind prefix in text. False: prefix stands alone somewhere, so that anything may be used.
 */
static bool note_names(const char *text, const char *prefix, json_t *names)
{
    size_t skip = strlen(prefix);

    for (const char *at = strstr(text, prefix); at; at = strstr(at, prefix)) {
        bool inner = at > text && (isalnum((unsigned char)at[-1]) || strchr("_]\")?", at[-1]));
        at += skip;
        if (inner) {
            continue; /* a member of that name: .input.vendor.input */
        }
        if (name_length(at)) {
            continue; /* a longer word: .inputs */
        }
        bool bracket = at[0] == '[' && at[1] == '"';
        const char *name = at + (bracket ? 2 : 1);
        size_t n = at[0] == '.' || bracket ? name_length(name) : 0;
        if (!n) {
            return false;
        }
        char *copy = mem_textn(name, n);
        json_object_set_new(names, copy, json_true());
        free(copy);
    }
    return true;
}

bool adapter_note_names(const json_t *value, const char *prefix, json_t *names)
{
    const char *key;
    json_t *child;
    size_t i;
    bool all_named = true;

    if (json_is_string(value)) {
        return note_names(json_string_value(value), prefix, names);
    }
    json_object_foreach((json_t *)value, key, child)
    {
        all_named &= adapter_note_names(child, prefix, names);
    }
    json_array_foreach(value, i, child)
    {
        all_named &= adapter_note_names(child, prefix, names);
    }
    return all_named;
}

static void note_used(struct adapter_op *op, const json_t *request)
{
    op->used = json_object();
    op->vendor_used = json_object();
    (void)adapter_note_names(request, ".input.vendor", op->vendor_used);
    if (!adapter_note_names(request, ".input", op->used)) {
        json_decref(op->used);
        op->used = NULL;
    }
}

/* ---- reading ---- */

static void load_needs(const json_t *value, struct adapter_op *op)
{
    json_t *item;
    size_t i;

    op->needs = mem_new((json_array_size(value) + 1) * sizeof(*op->needs));
    json_array_foreach(value, i, item)
    {
        op->needs[op->need_count++] = mem_text(json_string_value(item));
    }
}

static void load_refusals(struct load *l, const json_t *value, struct adapter_op *op)
{
    json_t *item;
    size_t i;

    op->refusals = mem_new((json_array_size(value) + 1) * sizeof(*op->refusals));
    json_array_foreach(value, i, item)
    {
        struct adapter_refusal *r = &op->refusals[op->refusal_count++];
        size_t before = load_enter_index(l, i), inner = load_enter(l, "when");
        r->field = mem_text(json_string_value(json_object_get(item, "field")));
        r->when = shape_load(l, json_object_get(item, "when"));
        r->text = mem_text(json_string_value(json_object_get(item, "text")));
        load_leave(l, inner);
        load_leave(l, before);
    }
}

static void load_every(struct load *l, const json_t *value, struct adapter_op *op)
{
    const json_t *growth = json_object_get(value, "growth");
    size_t before = load_enter(l, "poll"), inner = load_enter(l, "every");

    op->every = (struct adapter_every){
        .first_ms = load_duration(l, json_object_get(value, "first"), 2000),
        .min_ms = load_duration(l, json_object_get(value, "min"), 2000),
        .max_ms = load_duration(l, json_object_get(value, "max"), 15000),
        .growth = growth ? json_number_value(growth) : 1.5,
    };
    if (op->every.min_ms > op->every.max_ms) {
        load_complain(l, "min is longer than max");
    }
    size_t hint = load_enter(l, "hint");
    l->roots = LOAD_ANSWER;
    op->hint = reader_load(l, json_object_get(value, "hint"));
    load_leave(l, hint);
    load_leave(l, inner);
    load_leave(l, before);
}

static void load_steps(struct load *l, const json_t *value, struct adapter_op *op)
{
    for (int step = 0; step < STEP_COUNT; step++) {
        const char *name = adapter_step_text(step);
        const json_t *part = json_object_get(value, name);
        size_t before = load_enter(l, name);
        if (step != STEP_UPLOAD && (part || step == STEP_DOWNLOAD)) {
            adapter_exchange_load(l, step, part, &op->steps[step]);
        }
        load_leave(l, before);
    }
}

/* The download's own members: whether it needs the credentials, and what makes a fresh URL when one has run
 * out. */
static void load_download(const json_t *value, struct adapter_op *op)
{
    const char *refresh = json_string_value(json_object_get(value, "refresh"));
    const char *last = op->steps[STEP_FETCH].there ? "fetch" : op->steps[STEP_POLL].there ? "poll" : "none";

    op->download_secret = json_is_true(json_object_get(value, "secret"));
    op->steps[STEP_DOWNLOAD].request.secret |= op->download_secret;
    refresh = refresh ? refresh : last;
    op->refresh = !strcmp(refresh, "poll") ? STEP_POLL : !strcmp(refresh, "fetch") ? STEP_FETCH : STEP_COUNT;
}

static void load_lookup(struct load *l, const json_t *value, struct adapter_op *op)
{
    size_t before = load_enter(l, "lookup"), inner = load_enter(l, "found");

    l->roots = LOAD_ANSWER;
    op->found = shape_load(l, json_object_get(value, "found"));
    load_leave(l, inner);
    inner = load_enter(l, "lag");
    op->lag_ms = load_duration(l, json_object_get(value, "lag"), 10000);
    load_leave(l, inner);
    load_leave(l, before);
}

static void load_idempotency(const json_t *value, struct adapter_op *op)
{
    op->idem_header = mem_text(json_string_value(json_object_get(value, "header")));
    op->idem_field = mem_text(json_string_value(json_object_get(value, "field")));
    op->idem_uuid = json_is_true(json_object_get(value, "uuid"));
}

void adapter_op_load(struct load *l, const json_t *value, struct adapter_op *op)
{
    const json_t *submit = json_object_get(value, "submit");

    load_needs(json_object_get(value, "needs"), op);
    l->roots = LOAD_INPUT;
    size_t before = load_enter(l, "when");
    op->when = shape_load(l, json_object_get(value, "when"));
    load_leave(l, before);
    before = load_enter(l, "inputs");
    adapter_media_load(l, json_object_get(value, "inputs"), op);
    load_leave(l, before);
    l->roots = LOAD_REQUEST;
    before = load_enter(l, "refuse");
    load_refusals(l, json_object_get(value, "refuse"), op);
    load_leave(l, before);
    l->roots = LOAD_ANSWER;
    before = load_enter(l, "errors");
    op->rules = rule_load(l, json_object_get(value, "errors"));
    load_leave(l, before);
    op->unsupported = json_incref(json_object_get(value, "unsupported"));
    note_used(op, json_object_get(submit, "request"));
    load_idempotency(json_object_get(value, "idempotency"), op);
    load_steps(l, value, op);
    load_every(l, json_object_get(json_object_get(value, "poll"), "every"), op);
    load_lookup(l, json_object_get(value, "lookup"), op);
    op->cancel_queued_only = json_is_true(json_object_get(json_object_get(value, "cancel"), "queued_only"));
    load_download(json_object_get(value, "download"), op);
}

/* ---- finding ---- */

static bool given(const json_t *input, const char *field)
{
    const json_t *value = json_object_get(input, field);

    return value && !json_is_null(value) && !(json_is_array(value) && !json_array_size(value));
}

/* The operation is for a task with this input. */
static bool op_fits(const struct adapter *a, const struct adapter_op *op, const struct adapter_want *want)
{
    for (size_t i = 0; i < op->need_count; i++) {
        if (!given(want->input, op->needs[i])) {
            return false;
        }
    }
    if (!op->when) {
        return true;
    }
    json_t *context = json_object();
    json_object_set(context, "input", (json_t *)want->input);
    json_object_set_new(context, "model", want->model ? json_string(want->model) : json_null());
    json_object_set(context, "options", (json_t *)want->options);
    struct mapping_view view = {.value = context};
    struct shape_in in = {a->mapping, &view};
    bool fits = shape_true(op->when, &in);
    mapping_view_done(&view);
    json_decref(context);
    return fits;
}

/* What the operations for kind need, for the app that gave something else. */
static void tell_needs(const struct adapter *a, enum task_kind kind, struct note *note)
{
    struct buf text;

    buf_init(&text, sizeof(note->text) - 1);
    for (size_t i = 0; i < a->op_count; i++) {
        const struct adapter_op *op = &a->ops[i];
        if (op->kind != kind) {
            continue;
        }
        buf_printf(&text, "%s%s", text.n ? "; or " : "", op->need_count ? "" : "other inputs");
        for (size_t k = 0; k < op->need_count; k++) {
            buf_printf(&text, "%s%s", k ? " and " : "", op->needs[k]);
        }
    }
    (void)note_set(note, FAULT_VENDOR_REJECTED, "%s does %s only with %s", a->name, task_kind_text(kind),
                   text.p ? text.p : "other inputs");
    buf_done(&text);
}

const struct adapter_op *adapter_op_find(const struct adapter *a, enum task_kind kind, const json_t *input,
                                         struct note *note)
{
    const struct adapter_want want = {.kind = kind, .input = input};

    return adapter_op_choose(a, &want, note);
}

const struct adapter_op *adapter_op_choose(const struct adapter *a, const struct adapter_want *want,
                                           struct note *note)
{
    enum task_kind kind = want->kind;
    struct buf kinds;

    for (size_t i = 0; i < a->op_count; i++) {
        if (a->ops[i].kind == kind && op_fits(a, &a->ops[i], want)) {
            return &a->ops[i];
        }
    }
    if (adapter_serves(a, kind)) {
        tell_needs(a, kind, note);
        return NULL;
    }
    buf_init(&kinds, 256);
    for (int k = 0; k < KIND_COUNT; k++) {
        if (adapter_serves(a, k)) {
            buf_printf(&kinds, "%s%s", kinds.n ? ", " : "", task_kind_text(k));
        }
    }
    (void)note_set(note, FAULT_UNSUPPORTED, "%s does not serve %s; it serves %s", a->name,
                   task_kind_text(kind), kinds.p ? kinds.p : "nothing");
    buf_done(&kinds);
    return NULL;
}

const char *adapter_op_name(const struct adapter_op *op)
{
    return op->name;
}

const struct adapter_op *adapter_op_named(const struct adapter *a, const char *name)
{
    for (size_t i = 0; i < a->op_count; i++) {
        if (!strcmp(a->ops[i].name, name)) {
            return &a->ops[i];
        }
    }
    return NULL;
}
