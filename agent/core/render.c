/* render.c - an adapter's step and a task -> the request to send. */
#include "core/render.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/mem.h"
#include "core/adapter_parts.h"
#include "core/request_body.h"
#include "core/host.h"
#include "core/refuse.h"

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
    struct request *r;
    struct note *note;
};

/* ---- tokens ---- */

#define TOKEN_START "@sluice:"

void render_token(const char nonce[17], unsigned index, char *out, size_t size)
{
    snprintf(out, size, TOKEN_START "%.16s:%u@", nonce, index);
}

/* ---- what expressions and templates see ---- */

static void set_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, text ? json_string(text) : json_null());
}

static void make_context(struct making *m)
{
    const struct render_in *in = m->in;

    m->context = json_object();
    json_object_set(m->context, "input", (json_t *)in->input);
    if (in->vars) {
        json_object_set(m->context, "vars", (json_t *)in->vars);
    }
    set_text(m->context, "model", in->model);
    set_text(m->context, "task", in->task);
    set_text(m->context, "kind", in->kind ? in->kind : task_kind_text(m->op->kind));
    set_text(m->context, "idempotency_key", in->idem);
    m->view = (struct mapping_view){.value = m->context};
    m->shapes = (struct shape_in){m->a->mapping, &m->view};
}

/* The value of a template's variable. */
static const char *find_variable(void *arg, const char *name)
{
    const struct making *m = arg;

    if (!strcmp(name, "base")) {
        return m->in->base ? m->in->base : m->a->base;
    }
    const json_t *value = json_object_get(m->let, name);
    value = value ? value : json_object_get(m->in->vars, name);
    return json_string_value(value ? value : json_object_get(m->context, name));
}

static enum fault make_let(struct making *m)
{
    json_t *values = NULL, *value;
    const char *name;

    m->let = json_object();
    if (!m->rule->let) {
        return FAULT_OK;
    }
    enum fault fault = shape_make(m->rule->let, &m->shapes, &values, m->note);
    if (fault) {
        return fault;
    }
    json_object_foreach(values, name, value)
    {
        char *text = shape_value_text(value);
        if (text) {
            json_object_set_new(m->let, name, json_string(text));
        } else if (!json_is_null(value)) {
            note_field(m->note, name);
            fault = note_set(m->note, FAULT_BAD_VALUE, "let.%s is no text", name);
        }
        free(text);
    }
    json_decref(values);
    return fault;
}

/* ---- the parts of a request ---- */

/* The members of input.vendor that no expression has taken up. */
static void take_vendor(struct making *m)
{
    json_t *vendor = json_object_get(m->in->input, "vendor");
    const char *name;
    json_t *value;

    if (m->step != STEP_SUBMIT || !json_object_size(vendor)) {
        return;
    }
    m->vendor = json_copy(vendor);
    json_object_foreach(m->op->vendor_used, name, value)
    {
        json_object_del(m->vendor, name);
    }
    json_object_foreach(m->op->unsupported, name, value)
    {
        if (!strncmp(name, "vendor.", 7)) {
            json_object_del(m->vendor, name + 7);
        }
    }
}

/* A vendor field with the name of a query parameter is that parameter. */
static void vendor_query(struct making *m, json_t *query)
{
    void *after;
    const char *name;
    json_t *value;

    json_object_foreach_safe(query, after, name, value)
    {
        json_t *given = json_object_get(m->vendor, name);
        if (given) {
            json_object_set(query, name, given);
            json_object_del(m->vendor, name);
        }
    }
}

static enum fault make_query(struct making *m, struct buf *url)
{
    json_t *query = NULL;

    if (!m->rule->query) {
        return FAULT_OK;
    }
    enum fault fault = shape_make(m->rule->query, &m->shapes, &query, m->note);
    if (!fault) {
        vendor_query(m, query);
        fault = request_body_query(url, query, m->note);
    }
    json_decref(query);
    return fault;
}

static enum fault make_url(struct making *m)
{
    struct buf url, whole;

    buf_init(&url, LIMIT_URL_BYTES);
    buf_init(&whole, LIMIT_URL_BYTES);
    enum fault fault = template_url(m->rule->url, find_variable, m, &url, m->note);
    if (!fault && url.n && url.p[0] == '/') {
        buf_text(&whole, find_variable(m, "base"));
    }
    buf_add(&whole, url.p, url.n);
    if (!fault) {
        fault = make_query(m, &whole);
    }
    m->r->url = buf_take(&whole);
    struct host host;
    if (!fault && (!m->r->url || !host_of(slice_of(m->r->url), &host))) {
        fault = note_set(m->note, FAULT_BAD_VALUE, "%.100s is not an http or https URL",
                         m->r->url ? m->r->url : "what the template gives");
    }
    buf_done(&url);
    buf_done(&whole);
    return fault;
}

/* The secret goes to the adapter's hosts over TLS, and to wherever the operator has put the base. */
static bool secret_allowed(const struct making *m)
{
    const char *base = find_variable((void *)m, "base");
    struct host to, own;

    if (!host_of(slice_of(m->r->url), &to)) {
        return false;
    }
    if (host_of(slice_of(base), &own) && own.secure == to.secure && !strcmp(own.name, to.name)) {
        return true;
    }
    return to.secure && adapter_host_allowed(m->a, base, to.name);
}

static void make_secret(struct making *m)
{
    const struct adapter *a = m->a;
    struct request *r = m->r;

    r->secret_allowed = secret_allowed(m);
    if (!r->secret_allowed || !m->rule->secret || a->auth == AUTH_NONE) {
        return;
    }
    r->secret_form = mem_text(a->auth_value);
    r->secret_basic = a->auth == AUTH_BASIC;
    if (a->auth == AUTH_QUERY) {
        r->secret_query = mem_text(a->auth_name);
    } else {
        r->secret_name = mem_text(a->auth_name);
    }
}

/* The schema bounds how many an adapter and a step may name, so that they always fit. */
static void add_field(struct request *r, const char *name, const char *value)
{
    assert(r->field_count < REQUEST_FIELDS_MAX);
    r->fields = mem_grow(r->fields, (r->field_count + 1) * sizeof(*r->fields));
    r->fields[r->field_count++] = (struct request_field){mem_text(name), mem_text(value)};
}

static bool has_field(const struct request *r, const char *name)
{
    for (size_t i = 0; i < r->field_count; i++) {
        if (!strcasecmp(r->fields[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* All variables of t have values; a header without is left out. */
static bool complete(struct making *m, const struct template *t)
{
    const char *name;

    for (size_t i = 0; (name = template_name(t, i)); i++) {
        if (!find_variable(m, name)) {
            return false;
        }
    }
    return true;
}

static enum fault make_headers(struct making *m, const struct adapter_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct buf value;
        if (has_field(m->r, headers[i].name) || !complete(m, headers[i].value)) {
            continue;
        }
        buf_init(&value, LIMIT_HEADER_BYTES);
        enum fault fault = template_header(headers[i].value, find_variable, m, &value, m->note);
        if (!fault) {
            add_field(m->r, headers[i].name, value.n ? value.p : "");
        }
        buf_done(&value);
        if (fault) {
            return fault;
        }
    }
    return FAULT_OK;
}

static void set_type(struct making *m)
{
    struct request *r = m->r;
    const json_t *medium;
    const char *type;

    if (r->body == BODY_NONE || has_field(r, "Content-Type")) {
        return;
    }
    switch (r->body) {
    case BODY_JSON:
        add_field(r, "Content-Type", "application/json");
        break;
    case BODY_FORM:
        add_field(r, "Content-Type", "application/x-www-form-urlencoded");
        break;
    case BODY_RAW:
        medium = json_array_get(m->in->media, (size_t)r->medium);
        type = json_string_value(json_object_get(medium, "type"));
        add_field(r, "Content-Type", type ? type : "application/octet-stream");
        break;
    default: {
        char random[33];
        id_random(random, 16);
        snprintf(r->boundary, sizeof(r->boundary), "sluice-%s", random);
        char *value = mem_printf("multipart/form-data; boundary=%s", r->boundary);
        add_field(r, "Content-Type", value);
        free(value);
        break;
    }
    }
}

/* Merges the vendor's own fields over body: objects in depth, the rest replaced. */
static enum fault merge_vendor(struct making *m, json_t *body)
{
    if (json_object_size(m->vendor) && !json_is_object(body)) {
        note_field(m->note, "vendor");
        return note_set(m->note, FAULT_VENDOR_REJECTED, "vendor: %s (%s) has no place for such fields",
                        m->a->name, m->op->name);
    }
    if (!m->rule->vendor && json_object_size(m->vendor)) {
        char field[96];
        snprintf(field, sizeof(field), "vendor.%.80s", json_object_iter_key(json_object_iter(m->vendor)));
        return refuse_field(m->op, field, m->note);
    }
    if (m->vendor) {
        json_object_update_recursive(body, m->vendor);
    }
    return FAULT_OK;
}

static enum fault write_body(struct making *m, const json_t *body)
{
    switch (m->rule->kind) {
    case BODY_JSON:
        return request_body_json(m->r, body, m->note);
    case BODY_MULTIPART:
        return request_body_multipart(m->r, body, m->in->media, m->note);
    case BODY_FORM:
        return request_body_form(m->r, body, m->note);
    case BODY_RAW:
        return request_body_raw(m->r, body, m->note);
    default:
        return FAULT_OK;
    }
}

static enum fault make_body(struct making *m)
{
    json_t *made = NULL;
    enum fault fault = shape_make(m->rule->body, &m->shapes, &made, m->note);

    if (fault) {
        return fault;
    }
    json_t *body = request_body_tidy(made, m->rule->drop_nulls);
    json_decref(made);
    fault = merge_vendor(m, body);
    if (!fault && m->step == STEP_SUBMIT && m->op->idem_field && m->in->idem && json_is_object(body)) {
        json_object_set_new(body, m->op->idem_field, json_string(m->in->idem));
    }
    if (!fault) {
        fault = write_body(m, body);
    }
    json_decref(body);
    return fault;
}

/* ---- the whole ---- */

static enum fault make_all_headers(struct making *m)
{
    if (m->step == STEP_SUBMIT && m->op->idem_header && m->in->idem) {
        add_field(m->r, m->op->idem_header, m->in->idem);
    }
    enum fault fault = make_headers(m, m->rule->headers, m->rule->header_count);
    if (!fault && m->r->secret_allowed && m->rule->secret) {
        fault = make_headers(m, m->a->headers, m->a->header_count);
    }
    set_type(m);
    return fault;
}

static enum fault make_request(struct making *m)
{
    enum fault fault = FAULT_OK;

    if (m->step == STEP_SUBMIT) {
        fault = refuse_check(m->op, m->in->input, &m->shapes, m->note);
    }
    fault = fault ? fault : make_let(m);
    fault = fault ? fault : make_url(m);
    if (fault) {
        return fault;
    }
    make_secret(m);
    fault = make_body(m);
    return fault ? fault : make_all_headers(m);
}

enum fault render_request(const struct adapter *a, const struct adapter_op *op, enum adapter_step step,
                          const struct render_in *in, struct request **ret_request, struct note *note)
{
    const struct adapter_exchange *e = &op->steps[step];
    struct making m = {.a = a, .op = op, .step = step, .rule = &e->request, .in = in, .note = note};

    *ret_request = NULL;
    if (!e->there) {
        return note_set(note, FAULT_BAD_VALUE, "%s (%s) has no step %s", a->name, op->name,
                        adapter_step_text(step));
    }
    m.r = mem_new(sizeof(*m.r));
    m.r->method = mem_text(e->request.method);
    m.r->timeout_ms = adapter_timeout_ms(op, step);
    m.r->medium = -1;
    make_context(&m);
    take_vendor(&m);
    enum fault fault = make_request(&m);
    mapping_view_done(&m.view);
    json_decref(m.context);
    json_decref(m.let);
    json_decref(m.vendor);
    if (fault) {
        request_free(&m.r);
    }
    *ret_request = m.r;
    return fault;
}
