/* case.c - runs a sample task and sample answers through an adapter, without network. */
#include "core/case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/answer.h"
#include "core/case_media.h"
#include "core/case_upload.h"
#include "core/render.h"

#define NONCE   "0000000000000000"
#define WALL_MS 1760000000000ll

#define DEADLINE_S 900

struct running {
    const struct adapter *a;
    const struct adapter_op *op;
    const json_t *c;
    const json_t *task;
    const struct case_events *events;
    void *arg;
    json_t *options; /* of the task, complete */
    char *base;
    json_t *input; /* with its media placed */
    json_t *media;
    json_t *vars;
    struct case_upload uploads[LIMIT_BLOBS]; /* by medium */
    bool without_secret;                     /* the last request */
    char *url;                               /* of the first output so far */
    size_t differences;
    struct note *note;
};

static const char *text_of(const json_t *value, const char *key)
{
    return json_string_value(json_object_get(value, key));
}

/* ---- comparing ---- */

static void differs(struct running *r, const char *pointer, const json_t *want, const json_t *got)
{
    r->differences++;
    if (r->events->differs) {
        r->events->differs(r->arg, pointer, want, got);
    }
}

static bool same_scalar(const json_t *want, const json_t *got)
{
    if (json_is_number(want) && json_is_number(got)) {
        return json_number_value(want) == json_number_value(got);
    }
    return json_equal(want, got);
}

static void compare(struct running *r, const char *pointer, const json_t *want, const json_t *got);

static void compare_objects(struct running *r, const char *pointer, const json_t *want, const json_t *got)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)want, key, value)
    {
        char *inner = mem_printf("%s/%s", pointer, key);
        compare(r, inner, value, json_object_get(got, key));
        free(inner);
    }
    json_object_foreach((json_t *)got, key, value)
    {
        char *inner = mem_printf("%s/%s", pointer, key);
        if (!json_object_get(want, key)) {
            differs(r, inner, NULL, value);
        }
        free(inner);
    }
}

static void compare_arrays(struct running *r, const char *pointer, const json_t *want, const json_t *got)
{
    size_t n = json_array_size(want) > json_array_size(got) ? json_array_size(want) : json_array_size(got);

    for (size_t i = 0; i < n; i++) {
        char *inner = mem_printf("%s/%zu", pointer, i);
        compare(r, inner, json_array_get(want, i), json_array_get(got, i));
        free(inner);
    }
}

static void compare(struct running *r, const char *pointer, const json_t *want, const json_t *got)
{
    if (json_is_object(want) && json_is_object(got)) {
        compare_objects(r, pointer, want, got);
    } else if (json_is_array(want) && json_is_array(got)) {
        compare_arrays(r, pointer, want, got);
    } else if (!want || !got || !same_scalar(want, got)) {
        differs(r, pointer, want, got);
    }
}

/* Compares got with what step i wants under key, when it wants anything. */
static void compare_step(struct running *r, size_t i, const json_t *step, const char *key, const json_t *got)
{
    char pointer[64];

    if (json_object_get(step, key)) {
        snprintf(pointer, sizeof(pointer), "/steps/%zu/%s", i, key);
        compare(r, pointer, json_object_get(step, key), got);
    }
}

/* ---- the case itself ---- */

/* A misspelt member would check nothing. */
static enum fault known_members(const json_t *object, const char *const *names, const char *where,
                                struct note *note)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object)) {
        return note_set(note, FAULT_BAD_VALUE, "%s must be an object", where);
    }
    json_object_foreach((json_t *)object, key, value)
    {
        bool known = false;
        for (size_t i = 0; names[i]; i++) {
            known |= !strcmp(names[i], key);
        }
        if (!known) {
            return note_set(note, FAULT_BAD_VALUE, "%s has a member %s, which means nothing", where, key);
        }
    }
    return FAULT_OK;
}

static enum fault check_step(const json_t *step, size_t i, enum adapter_step *ret_step, struct note *note)
{
    static const char *const names[] = {"step",    "medium", "url",     "request",
                                        "refused", "answer", "meaning", NULL};
    static const char *const parts[] = {"status", "headers", "body", "raw_bytes", NULL};
    const json_t *answer = json_object_get(step, "answer");
    const char *name = text_of(step, "step");
    char where[32];

    snprintf(where, sizeof(where), "steps[%zu]", i);
    enum fault fault = known_members(step, names, where, note);
    if (fault || (answer && (fault = known_members(answer, parts, where, note)))) {
        return fault;
    }
    for (int s = 0; name && s < STEP_COUNT; s++) {
        if (!strcmp(name, adapter_step_text(s))) {
            *ret_step = s;
            return FAULT_OK;
        }
    }
    return note_set(note, FAULT_BAD_VALUE,
                    "%s.step must be upload, submit, lookup, poll, fetch, cancel or download", where);
}

static enum fault check_case(const json_t *c, int *ret_kind, struct note *note)
{
    static const char *const names[] = {"about", "task", "op", "vars", "wall_ms", "steps", NULL};
    static const char *const parts[] = {"kind",    "model",      "input", "id", "base", "idempotency_key",
                                        "options", "deadline_s", NULL};
    enum fault fault = known_members(c, names, "the case", note);

    fault = fault ? fault : known_members(json_object_get(c, "task"), parts, "task", note);
    if (fault) {
        return fault;
    }
    *ret_kind = task_kind_find(
        text_of(json_object_get(c, "task"), "kind") ? text_of(json_object_get(c, "task"), "kind") : "");
    if (*ret_kind < 0 || !json_is_object(json_object_get(json_object_get(c, "task"), "input"))) {
        return note_set(note, FAULT_BAD_VALUE, "task needs a kind, such as image.generate, and an input");
    }
    if (!json_array_size(json_object_get(c, "steps"))) {
        return note_set(note, FAULT_BAD_VALUE, "steps must list at least one step");
    }
    return FAULT_OK;
}

/* ---- running ---- */

static json_t *refusal(enum fault fault, const struct note *note)
{
    json_t *inner = json_pack("{s:s, s:s}", "code", fault_code(fault), "text", note_text(note, fault));

    if (note->field[0]) {
        json_object_set_new(inner, "field", json_string(note->field));
    }
    return json_pack("{s:o}", "refused", inner);
}

/* Tells that step i is refused, and compares it with what was wanted. */
static void tell_refusal(struct running *r, size_t i, const json_t *step, enum fault fault,
                         const struct note *note)
{
    json_t *told = refusal(fault, note);
    json_t *inner = json_copy(json_object_get(told, "refused"));

    if (r->events->request) {
        r->events->request(r->arg, i, text_of(step, "step"), told);
    }
    /* The words are for people: a case may leave them open. */
    if (!text_of(json_object_get(step, "refused"), "text")) {
        json_object_del(inner, "text");
    }
    if (json_object_get(step, "refused")) {
        compare_step(r, i, step, "refused", inner);
    } else {
        compare_step(r, i, step, "request", told);
    }
    json_decref(inner);
    json_decref(told);
}

static const char *text_or(const json_t *value, const char *key, const char *otherwise)
{
    const char *text = text_of(value, key);

    return text ? text : otherwise;
}

/* The medium that an upload step is about; the first one when it does not say. */
static unsigned medium_of(const json_t *step)
{
    json_int_t index = json_integer_value(json_object_get(step, "medium"));

    return index >= 0 && index < LIMIT_BLOBS ? (unsigned)index : 0;
}

static enum fault make_request(struct running *r, const json_t *step, enum adapter_step which,
                               struct request **ret_request, struct note *note)
{
    const struct case_upload *u = &r->uploads[medium_of(step)];
    const char *url = text_or(step, "url", r->url);
    const json_t *deadline = json_object_get(r->task, "deadline_s");
    json_t *vars = json_copy(which == STEP_UPLOAD ? u->vars : r->vars);
    struct render_in in = {
        .input = r->input,
        .vars = vars,
        .base = r->base,
        .model = text_or(r->task, "model", "model"),
        .task = text_or(r->task, "id", "00000000-0000-7000-8000-000000000000"),
        .idem = text_or(r->task, "idempotency_key", "sluice-key-1"),
        .kind = text_of(r->task, "kind"),
        .media = r->media,
        .options = r->options,
        .deadline_s = deadline ? json_integer_value(deadline) : DEADLINE_S,
        .medium = which == STEP_UPLOAD ? u->medium : NULL,
    };

    if (which == STEP_DOWNLOAD && url) {
        json_object_set_new(vars, "url", json_string(url));
    }
    enum fault fault = which == STEP_UPLOAD
                           ? render_upload(r->op, u->upload, u->number, &in, ret_request, note)
                           : render_request(r->a, r->op, which, &in, ret_request, note);
    json_decref(vars);
    return fault;
}

static void render(struct running *r, size_t i, const json_t *step, enum adapter_step which)
{
    struct request *request = NULL;
    struct note note = {0};
    enum fault fault = make_request(r, step, which, &request, &note);

    if (fault) {
        tell_refusal(r, i, step, fault, &note);
        return;
    }
    r->without_secret = request->auth == AUTH_NONE;
    json_t *told = request_to_json(request);
    if (r->events->request) {
        r->events->request(r->arg, i, adapter_step_text(which), told);
    }
    compare_step(r, i, step, json_object_get(step, "refused") ? "refused" : "request", told);
    json_decref(told);
    request_free(&request);
}

/* Header names come in lower case from the wire; in a case they may be written as people do. */
static json_t *lower_headers(const json_t *headers)
{
    json_t *out = json_object(), *value;
    const char *name;

    json_object_foreach((json_t *)headers, name, value)
    {
        char *low = mem_text(name);
        for (char *c = low; *c; c++) {
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 32) : *c;
        }
        json_object_set(out, low, value);
        free(low);
    }
    return out;
}

static void keep(struct running *r, const json_t *step, enum adapter_step which, const struct answer *answer)
{
    unsigned medium = medium_of(step);

    if (which == STEP_UPLOAD) {
        case_upload_take(&r->uploads[medium], medium, answer, r->input);
        return;
    }
    if (answer->save) {
        json_object_update(r->vars, answer->save);
    }
    if (answer->output_count && answer->outputs[0].url) {
        free(r->url);
        r->url = mem_text(answer->outputs[0].url);
    }
}

static enum fault read_answer(struct running *r, size_t i, const json_t *step, enum adapter_step which)
{
    const json_t *given = json_object_get(step, "answer"), *raw = json_object_get(given, "raw_bytes");
    const json_t *wall = json_object_get(r->c, "wall_ms");
    const struct case_upload *u = &r->uploads[medium_of(step)];
    json_t *headers = lower_headers(json_object_get(given, "headers"));
    struct answer_in in = {
        .status = (int)json_integer_value(json_object_get(given, "status")),
        .headers = headers,
        .body = json_object_get(given, "body"),
        .raw_blob = raw ? 0 : -1,
        .raw_bytes = (uint64_t)json_integer_value(raw),
        .vars = which == STEP_UPLOAD ? u->vars : r->vars,
        .input = r->input,
        .options = r->options,
        .model = text_or(r->task, "model", "model"),
        .medium = which == STEP_UPLOAD ? u->medium : NULL,
        .without_secret = r->without_secret,
        .wall_ms = wall ? json_integer_value(wall) : WALL_MS,
    };
    struct answer *answer = NULL;
    enum fault fault = which == STEP_UPLOAD
                           ? answer_read_upload(r->op, u->upload, u->number, &in, &answer, r->note)
                           : answer_read(r->a, r->op, which, &in, &answer, r->note);

    json_decref(headers);
    if (fault) {
        return fault;
    }
    json_t *told = answer_to_json(answer);
    if (r->events->meaning) {
        r->events->meaning(r->arg, i, adapter_step_text(which), told);
    }
    compare_step(r, i, step, "meaning", told);
    if (r->events->answer) {
        const struct case_answer event = {r->op, which, which == STEP_UPLOAD ? u->upload : NULL, answer};
        r->events->answer(r->arg, &event);
    }
    json_decref(told);
    keep(r, step, which, answer);
    answer_free(&answer);
    return FAULT_OK;
}

static enum fault run_steps(struct running *r)
{
    enum adapter_step which = STEP_SUBMIT;
    json_t *step;
    size_t i;

    json_array_foreach(json_object_get(r->c, "steps"), i, step)
    {
        enum fault fault = check_step(step, i, &which, r->note);
        if (fault) {
            return fault;
        }
        if (which == STEP_UPLOAD) {
            unsigned medium = medium_of(step);
            fault = case_upload_begin(&r->uploads[medium], r->a, r->media, medium, r->note);
            if (fault) {
                return fault;
            }
        }
        render(r, i, step, which);
        if (json_object_get(step, "answer") && (fault = read_answer(r, i, step, which))) {
            return fault;
        }
    }
    return FAULT_OK;
}

/* Chooses the operation and places the media; a refusal there is told as the first step's. */
static enum fault prepare(struct running *r, enum task_kind kind, bool *ret_go)
{
    const json_t *first = json_array_get(json_object_get(r->c, "steps"), 0),
                 *input = json_object_get(r->task, "input");
    struct note note = {0};
    enum fault fault = FAULT_VENDOR_REJECTED;

    const struct adapter_want wanted = {kind, input, text_or(r->task, "model", "model"), r->options};
    r->op = adapter_op_choose(r->a, &wanted, &note);
    if (r->op) {
        if (r->events->op) {
            r->events->op(r->arg, adapter_op_name(r->op));
        }
        const json_t *want = json_object_get(r->c, "op");
        json_t *got = json_string(adapter_op_name(r->op));
        if (want) {
            compare(r, "/op", want, got);
        }
        json_decref(got);
        fault = case_media_place(r->op, input, NONCE, &r->input, &r->media, &note);
    }
    *ret_go = !fault;
    if (fault) {
        tell_refusal(r, 0, first, fault, &note);
    }
    return FAULT_OK;
}

enum fault case_run(const struct adapter *a, const json_t *c, const struct case_events *events, void *arg,
                    size_t *ret_differences, struct note *note)
{
    struct running r = {
        .a = a, .c = c, .task = json_object_get(c, "task"), .events = events, .arg = arg, .note = note};
    int kind = -1;
    bool go = false;
    enum fault fault = check_case(c, &kind, note);

    *ret_differences = 0;
    if (fault) {
        return fault;
    }
    if (adapter_options(a, json_object_get(r.task, "options"), &r.options, note) ||
        adapter_target_base(a, text_of(r.task, "base"), r.options, &r.base, note)) {
        json_decref(r.options);
        return FAULT_BAD_VALUE;
    }
    r.vars = json_object();
    json_object_update(r.vars, json_object_get(c, "vars"));
    fault = prepare(&r, (enum task_kind)kind, &go);
    if (!fault && go) {
        fault = run_steps(&r);
    }
    json_decref(r.input);
    json_decref(r.media);
    json_decref(r.vars);
    for (size_t i = 0; i < LIMIT_BLOBS; i++) {
        case_upload_done(&r.uploads[i]);
    }
    json_decref(r.options);
    free(r.base);
    free(r.url);
    *ret_differences = r.differences;
    return fault;
}
