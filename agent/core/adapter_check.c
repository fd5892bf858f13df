/* adapter_check.c - what a schema cannot say of an adapter file. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/adapter_parts.h"
#include "core/host.h"
#include "wire/schemas.h"

/* ---- templates ---- */

/* Where a template stands, and hence which variables it may name. */
struct scope {
    const struct adapter *a;
    const struct adapter_op *op; /* NULL: the adapter's own headers, or an upload */
    enum adapter_step step;
    const struct adapter_upload *upload; /* STEP_UPLOAD, and which of its steps */
    int number;
};

static bool shape_has(const struct shape *s, const char *name)
{
    return shape_member(s, name) != NULL;
}

static bool saved_before(const struct scope *scope, const char *name)
{
    bool after_submit = scope->step != STEP_SUBMIT && scope->step != STEP_LOOKUP;
    bool after_poll = after_submit && scope->step != STEP_POLL;

    return (after_submit && shape_has(scope->op->steps[STEP_SUBMIT].save, name)) ||
           (after_poll && shape_has(scope->op->steps[STEP_POLL].save, name));
}

static bool uploaded_before(const struct scope *scope, const char *name)
{
    const struct adapter_upload_step *steps = scope->upload->steps;
    bool known = shape_has(steps[scope->number].exchange.request.let, name);

    for (int i = 0; i < scope->number; i++) {
        known |= shape_has(steps[i].exchange.save, name);
    }
    return known;
}

static bool variable_known(const struct scope *scope, const char *name)
{
    static const char *const always[] = {"base", "model", "task", "kind", "deadline_s"};

    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
        if (!strcmp(always[i], name)) {
            return true;
        }
    }
    if (json_object_get(scope->a->options, name)) {
        return true;
    }
    if (!scope->op) {
        return scope->upload && uploaded_before(scope, name);
    }
    return ((scope->step == STEP_SUBMIT || scope->step == STEP_LOOKUP) &&
            (!strcmp(name, "idempotency_key") || !strcmp(name, "idempotency_uuid"))) ||
           (scope->step == STEP_DOWNLOAD && !strcmp(name, "url")) ||
           shape_has(scope->op->steps[scope->step].request.let, name) || saved_before(scope, name);
}

static void check_template(struct load *l, const struct scope *scope, const struct template *t)
{
    const char *name;

    for (size_t i = 0; t && (name = template_name(t, i)); i++) {
        if (!strcmp(name, "token") || !strncmp(name, "secret", 6)) {
            load_complain(l, "{%s} stands only in auth: the agent puts it into the request itself", name);
        } else if (!variable_known(scope, name)) {
            load_complain(l,
                          "nothing sets {%s}: save it in an earlier step, or compute it under let; known are "
                          "{base}, {model}, {task}, {kind}, {deadline_s}, the options%s",
                          name, scope->step == STEP_DOWNLOAD && scope->op ? " and {url}" : "");
        }
    }
}

static void check_headers(struct load *l, const struct scope *scope, const struct adapter_header *headers,
                          size_t count)
{
    size_t before = load_enter(l, "headers");

    for (size_t i = 0; i < count; i++) {
        size_t inner = load_enter(l, headers[i].name);
        check_template(l, scope, headers[i].value);
        load_leave(l, inner);
    }
    load_leave(l, before);
}

/* Options that a target might have. */
static json_t *sample_options(const struct adapter *a)
{
    json_t *out = json_object(), *option;
    const char *name;

    json_object_foreach(a->options, name, option)
    {
        json_t *usual = json_object_get(option, "default");
        json_object_set_new(out, name, usual ? json_incref(usual) : json_string("x"));
    }
    return out;
}

/* A URL that names its host in the file: that host must be one that may see the secret, or the step must go
 * without. */
static void check_filled_url(struct load *l, const struct adapter *a, const struct adapter_request *r,
                             const json_t *options, const char *text)
{
    struct host host;

    if (text[0] == '{' && text[1] != '{') {
        return;
    }
    if (strncmp(text, "https://", 8) != 0) {
        load_complain(l, "a URL begins with {base}, with https:// or with a variable that holds a whole URL");
        return;
    }
    size_t n = strcspn(text + 8, "/?#");
    if (memchr(text + 8, '{', n)) {
        if (r->secret) {
            load_complain(
                l, "a host made from a variable could be anybody's: write the host out, or put it into base");
        }
        return;
    }
    if (!host_of((struct slice){text, n + 8}, &host)) {
        load_complain(l, "%.*s is no host", (int)n, text + 8);
    } else if (r->secret && a->auth.kind != AUTH_NONE &&
               !adapter_host_allowed_for(a, NULL, options, host.name)) {
        load_complain(l, "%s would never see the secret: add it to hosts, or say secret: false", host.name);
    }
}

static void check_url(struct load *l, const struct adapter *a, const struct adapter_request *r)
{
    const char *written = r->url ? template_text(r->url) : "{base}";
    json_t *options = sample_options(a);
    AUTO(auto_free) char *text = adapter_fill(written, options);

    check_filled_url(l, a, r, options, text);
    json_decref(options);
}

/* The request at the loader's position. */
static void check_request(struct load *l, const struct scope *scope, const struct adapter_request *r)
{
    size_t before = load_enter(l, "request"), inner = load_enter(l, "url");

    check_template(l, scope, r->url);
    check_url(l, scope->a, r);
    load_leave(l, inner);
    check_headers(l, scope, r->headers, r->header_count);
    if (r->sign_as && scope->a->auth.kind != AUTH_AWS) {
        load_complain_at(l, "sign_as", "means something with auth: aws_sigv4 only");
    }
    load_leave(l, before);
}

static void check_exchange(struct load *l, const struct adapter *a, const struct adapter_op *op,
                           enum adapter_step step)
{
    struct scope scope = {.a = a, .op = op, .step = step};
    size_t before = load_enter(l, adapter_step_text(step));

    check_request(l, &scope, &op->steps[step].request);
    load_leave(l, before);
}

static void check_upload(struct load *l, const struct adapter *a, const struct adapter_upload *u)
{
    struct scope scope = {.a = a, .step = STEP_UPLOAD, .upload = u};
    size_t before = load_enter(l, "uploads"), inner = load_enter(l, u->name), steps = load_enter(l, "steps");

    for (scope.number = 0; scope.number < u->step_count; scope.number++) {
        size_t one = load_enter_index(l, (size_t)scope.number);
        check_request(l, &scope, &u->steps[scope.number].exchange.request);
        load_leave(l, one);
    }
    load_leave(l, steps);
    load_leave(l, inner);
    load_leave(l, before);
}

/* ---- flow ---- */

static bool has_outputs(const struct adapter_exchange *e)
{
    return e->outputs.stream || e->outputs.members;
}

static bool reaches(const json_t *map, enum answer_state state)
{
    const char *word;
    json_t *value;

    json_object_foreach((json_t *)map, word, value)
    {
        if (json_integer_value(value) == (json_int_t)state) {
            return true;
        }
    }
    return false;
}

static void check_synchronous(struct load *l, const struct adapter_op *op)
{
    if (shape_has(op->steps[STEP_SUBMIT].save, "id")) {
        load_complain_at(l, "submit",
                         "saves an id, but there is no poll step: how would the result be got? Add poll, or "
                         "leave save out");
    } else if (!has_outputs(&op->steps[STEP_SUBMIT])) {
        load_complain_at(
            l, "submit",
            "without a poll step its answer is the result: say where the outputs are, under outputs");
    }
    if (op->steps[STEP_FETCH].there) {
        load_complain_at(l, "fetch", "comes after poll, and there is no poll step");
    }
    if (op->steps[STEP_CANCEL].there) {
        load_complain_at(
            l, "cancel",
            "a task without a poll step is over when its answer comes: there is nothing to cancel");
    }
}

static void check_asynchronous(struct load *l, const struct adapter_op *op)
{
    const struct adapter_exchange *poll = &op->steps[STEP_POLL], *fetch = &op->steps[STEP_FETCH];

    if (!op->steps[STEP_SUBMIT].save) {
        load_complain_at(
            l, "submit",
            "nothing is saved from its answer: say where the vendor's id is, as save: {id: .body.id}");
    }
    if (!poll->state.from && !poll->state.statuses) {
        load_complain_at(l, "poll",
                         "says not how the task stands: add state, with from and map, or with status");
    } else if (!reaches(poll->state.words, STATE_COMPLETED) &&
               !reaches(poll->state.statuses, STATE_COMPLETED)) {
        load_complain_at(l, "poll", "state: no word means completed, so the task would never end");
    }
    if (poll->state.from && !poll->state.words) {
        load_complain_at(l, "poll", "state: from gives a word; say under map what each word means");
    }
    if (fetch->there && !has_outputs(fetch)) {
        load_complain_at(l, "fetch", "says not where the outputs are: add outputs");
    } else if (!fetch->there && !has_outputs(poll)) {
        load_complain_at(l, "poll",
                         "says not where the outputs are, and there is no fetch step: add outputs");
    }
}

/* ---- fields ---- */

/* The canonical fields of all kinds of task together: operations of several kinds share parts of a file, so
 * that a field of another kind is no mistake, while a field that no kind has is one. */
static json_t *canonical_fields(void)
{
    json_t *all = json_object();

    for (int kind = 0; kind < KIND_COUNT; kind++) {
        char *name = mem_printf("input.%s", task_kind_text(kind));
        const char *text = schemas_find(name);
        json_t *schema = text ? json_loads(text, 0, NULL) : NULL;
        json_object_update_missing(all, json_object_get(schema, "properties"));
        json_decref(schema);
        free(name);
    }
    return all;
}

static void check_field(struct load *l, const json_t *fields, const char *field)
{
    bool special = !strncmp(field, "vendor.", 7) || !strcmp(field, "*");

    if (!special && !json_object_get(fields, field)) {
        load_complain(l,
                      "no kind of task has a field %s: see schemas/input.*.json; what only the vendor knows "
                      "is .input.vendor.%s",
                      field, field);
    }
}

/* The fields that are keys of the member called key. */
static void check_keys(struct load *l, const json_t *fields, const json_t *value, const char *key)
{
    const char *field;
    json_t *child;

    size_t before = load_enter(l, key);
    json_object_foreach(json_object_get(value, key), field, child)
    {
        size_t inner = load_enter(l, field);
        check_field(l, fields, field);
        load_leave(l, inner);
    }
    load_leave(l, before);
}

/* The field at element i of the list called key. */
static void check_element(struct load *l, const json_t *fields, const char *key, size_t i, const char *field)
{
    size_t before = load_enter(l, key), inner = load_enter_index(l, i);

    check_field(l, fields, field);
    load_leave(l, inner);
    load_leave(l, before);
}

/* Every field that the operation speaks of is a canonical one. */
static void check_fields(struct load *l, const json_t *fields, const struct adapter_op *op,
                         const json_t *value)
{
    const char *field;
    json_t *child;

    check_keys(l, fields, value, "inputs");
    check_keys(l, fields, value, "unsupported");
    for (size_t i = 0; i < op->need_count; i++) {
        check_element(l, fields, "needs", i, op->needs[i]);
    }
    for (size_t i = 0; i < op->refusal_count; i++) {
        check_element(l, fields, "refuse", i, op->refusals[i].field);
    }
    size_t before = load_enter(l, "submit"), request = load_enter(l, "request");
    json_object_foreach(op->used, field, child)
    {
        check_field(l, fields, field);
    }
    load_leave(l, request);
    load_leave(l, before);
}

/* A medium's form must be one that the body can carry. */
static void check_forms(struct load *l, const struct adapter_op *op)
{
    enum request_body kind = op->steps[STEP_SUBMIT].request.kind;

    for (size_t i = 0; i < op->media_count; i++) {
        const struct adapter_medium *m = &op->media[i];
        size_t before = load_enter(l, "inputs"), inner = load_enter(l, m->field);
        for (int k = 0; k < m->form_count; k++) {
            bool part = m->forms[k] == FORM_PART,
                 inside = m->forms[k] == FORM_DATA_URI || m->forms[k] == FORM_BASE64;
            if (part && kind != BODY_MULTIPART && kind != BODY_RAW) {
                load_complain(l, "a part needs a multipart or raw body in submit.request");
            } else if (inside && kind != BODY_JSON) {
                load_complain(l, "data_uri and base64 need a json body in submit.request");
            }
        }
        load_leave(l, inner);
        load_leave(l, before);
    }
    if (op->idem_field && kind != BODY_JSON) {
        load_complain_at(l, "submit", "idempotency.field needs a json body");
    }
}

static void check_op(struct load *l, const json_t *fields, const struct adapter_op *op, const json_t *value)
{
    for (int step = 0; step < STEP_COUNT; step++) {
        if (op->steps[step].there) {
            check_exchange(l, op->adapter, op, step);
        }
    }
    if (adapter_synchronous(op)) {
        check_synchronous(l, op);
    } else {
        check_asynchronous(l, op);
    }
    if (op->steps[STEP_LOOKUP].there) {
        adapter_check_lookup(l, op, value);
    }
    check_fields(l, fields, op, value);
    check_forms(l, op);
}

/* ---- the whole ---- */

/* Among several operations each has its own name, and all but the last say when they are meant. */
static void check_list(struct load *l, const struct adapter *a, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        const struct adapter_op *op = &a->ops[i];
        size_t before = load_enter_index(l, i - first);
        if (adapter_op_named(a, op->name) != op) {
            load_complain(l, "two operations have the name %s: give each a name of its own", op->name);
        }
        if (i + 1 < first + count && !op->when && !op->need_count) {
            load_complain(l, "fits every task, so that the operations after it are never chosen: add needs "
                             "or when, or put it last");
        }
        load_leave(l, before);
    }
}

static void check_tasks(struct load *l, const struct adapter *a, const json_t *tasks)
{
    const char *kind;
    json_t *value, *item, *fields = canonical_fields();
    size_t next = 0, i;

    json_object_foreach((json_t *)tasks, kind, value)
    {
        size_t before = load_enter(l, kind);
        if (json_is_array(value)) {
            check_list(l, a, next, json_array_size(value));
            json_array_foreach(value, i, item)
            {
                size_t inner = load_enter_index(l, i);
                check_op(l, fields, &a->ops[next++], item);
                load_leave(l, inner);
            }
        } else {
            check_op(l, fields, &a->ops[next++], value);
        }
        load_leave(l, before);
    }
    json_decref(fields);
}

static void check_hosts(struct load *l, const struct adapter *a)
{
    json_t *options = sample_options(a);
    AUTO(auto_free) char *base = adapter_fill(a->base, options);
    struct host host;

    if (strpbrk(base, "{}")) {
        load_complain_at(l, "base", "a {variable} in it is no option: correct it, or name it under options");
    } else if (!host_of(slice_of(base), &host)) {
        load_complain_at(l, "base", "no address: write https://host, with a path if the vendor has one");
    } else if (!host.secure && !host_local(host.name)) {
        load_complain_at(l, "base", "the secret would go without TLS: write https://");
    } else if (a->base[strlen(a->base) - 1] == '/') {
        load_complain_at(l, "base", "ends in /: leave it out, so that {base}/x has one");
    }
    for (size_t i = 0; i < a->host_count; i++) {
        size_t before = load_enter(l, "hosts"), inner = load_enter_index(l, i);
        AUTO(auto_free) char *pattern = adapter_fill(a->hosts[i], options);
        if (!host_pattern(pattern)) {
            load_complain(
                l, "no host: write api.example.com, *.example.com or host:port, without https:// and path");
        }
        load_leave(l, inner);
        load_leave(l, before);
    }
    json_decref(options);
}

void adapter_check_root(struct load *l, const struct adapter *a, const json_t *root)
{
    struct scope scope = {.a = a};

    check_hosts(l, a);
    json_t *options = sample_options(a);
    adapter_auth_check(l, a, options);
    json_decref(options);
    check_headers(l, &scope, a->headers, a->header_count);
    for (size_t i = 0; i < a->upload_count; i++) {
        check_upload(l, a, &a->uploads[i]);
    }
    size_t before = load_enter(l, "tasks");
    check_tasks(l, a, json_object_get(root, "tasks"));
    load_leave(l, before);
    adapter_check_use(l, a, root);
}
