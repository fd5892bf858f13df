/* render.c - an adapter's step and a task -> the request to send. */
#include "core/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/id.h"
#include "wire/digest.h"
#include "core/render_internal.h"
#include "core/request_body.h"
#include "core/host.h"
#include "core/refuse.h"

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
    if (in->idem) {
        unsigned char digest[DIGEST_BYTES];
        digest_of(slice_of(in->idem), digest);
        json_object_set_new(m->context, "idempotency_uuid", json_string(id_from_hash(digest).text));
    }
    if (in->deadline_s > 0) {
        json_object_set_new(m->context, "deadline_s", json_integer(in->deadline_s));
        snprintf(m->deadline, sizeof(m->deadline), "%lld", (long long)in->deadline_s);
    }
    if (in->options) {
        json_object_set(m->context, "options", (json_t *)in->options);
    }
    if (in->medium) {
        json_object_set(m->context, "medium", (json_t *)in->medium);
    }
    m->view = (struct mapping_view){.value = m->context};
    m->shapes = (struct shape_in){m->a->mapping, &m->view};
}

const char *render_idem(const struct making *m)
{
    return m->op->idem_uuid ? json_string_value(json_object_get(m->context, "idempotency_uuid"))
                            : m->in->idem;
}

/* The value of a template's variable. */
const char *render_variable(void *arg, const char *name)
{
    const struct making *m = arg;

    if (!strcmp(name, "base")) {
        return m->in->base ? m->in->base : m->a->base;
    }
    if (!strcmp(name, "deadline_s")) {
        return m->deadline[0] ? m->deadline : NULL;
    }
    const json_t *value = json_object_get(m->let, name);
    value = value ? value : json_object_get(m->in->vars, name);
    value = value ? value : json_object_get(m->in->options, name);
    return json_string_value(value ? value : json_object_get(m->context, name));
}

/* The numbers that an upload has saved, as texts for templates. */
static json_t *saved_texts(const struct making *m)
{
    json_t *texts = json_object(), *value;
    const char *name;

    if (m->step != STEP_UPLOAD) {
        return texts;
    }
    json_object_foreach((json_t *)m->in->vars, name, value)
    {
        char *text = shape_value_text(value);
        if (text) {
            json_object_set_new(texts, name, json_string(text));
        }
        free(text);
    }
    return texts;
}

static enum fault make_let(struct making *m)
{
    json_t *values = NULL, *value;
    const char *name;

    m->let = saved_texts(m);
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
    enum fault fault = template_url(m->rule->url, render_variable, m, &url, m->note);
    if (!fault && url.n && url.p[0] == '/') {
        buf_text(&whole, render_variable(m, "base"));
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
    const char *base = render_variable((void *)m, "base");
    struct host to, own;

    if (!host_of(slice_of(m->r->url), &to)) {
        return false;
    }
    if (host_of(slice_of(base), &own) && own.secure == to.secure && !strcmp(own.name, to.name)) {
        return true;
    }
    return to.secure && adapter_host_allowed_for(m->a, base, m->in->options, to.name);
}

/* The value of a variable as people may see it. */
static const char *find_masked(void *arg, const char *name)
{
    bool hidden = !strcmp(name, "token") || !strncmp(name, "secret", 6);

    return hidden ? "****" : render_variable(arg, name);
}

/* Says what credentials the request needs, and how they look to people. */
static enum fault make_secret(struct making *m)
{
    const struct adapter_auth *auth = &m->a->auth;
    struct request *r = m->r;
    struct buf mask;

    r->secret_allowed = secret_allowed(m);
    if (!r->secret_allowed || !m->rule->secret || auth->kind == AUTH_NONE) {
        return FAULT_OK;
    }
    r->auth = auth->kind;
    r->auth_name = mem_text(auth->name);
    if (r->auth == AUTH_AWS) {
        r->sign_as = mem_text(m->rule->sign_as ? m->rule->sign_as : auth->service);
        r->auth_mask = mem_text("AWS4-HMAC-SHA256 ****");
        return FAULT_OK;
    }
    if (r->auth == AUTH_BASIC) {
        r->auth_mask = mem_text("Basic ****");
        return FAULT_OK;
    }
    buf_init(&mask, LIMIT_HEADER_BYTES);
    enum fault fault = template_header(auth->value, find_masked, m, &mask, m->note);
    r->auth_mask = fault ? NULL : buf_take(&mask);
    buf_done(&mask);
    return fault;
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
        json_object_set_new(body, m->op->idem_field, json_string(render_idem(m)));
    }
    if (!fault) {
        fault = write_body(m, body);
    }
    json_decref(body);
    return fault;
}

/* ---- the whole ---- */

static enum fault make_request(struct making *m)
{
    enum fault fault = FAULT_OK;

    if (m->step == STEP_SUBMIT) {
        fault = refuse_check(m->op, m->in, &m->shapes, m->note);
    }
    fault = fault ? fault : make_let(m);
    fault = fault ? fault : make_url(m);
    if (fault) {
        return fault;
    }
    fault = make_secret(m);
    fault = fault ? fault : make_body(m);
    return fault ? fault : render_head(m);
}

/* Makes the request of e, a step of that kind. */
static enum fault render(struct making *m, const struct adapter_exchange *e, struct request **ret_request)
{
    m->rule = &e->request;
    m->r = mem_new(sizeof(*m->r));
    m->r->method = mem_text(e->request.method);
    m->r->timeout_ms =
        m->step == STEP_UPLOAD ? adapter_upload_timeout_ms(e) : adapter_timeout_ms(m->op, m->step);
    m->r->medium = -1;
    make_context(m);
    take_vendor(m);
    enum fault fault = make_request(m);
    mapping_view_done(&m->view);
    json_decref(m->context);
    json_decref(m->let);
    json_decref(m->vendor);
    if (fault) {
        request_free(&m->r);
    }
    *ret_request = m->r;
    return fault;
}

enum fault render_request(const struct adapter *a, const struct adapter_op *op, enum adapter_step step,
                          const struct render_in *in, struct request **ret_request, struct note *note)
{
    struct making m = {.a = a, .op = op, .step = step, .in = in, .note = note};

    *ret_request = NULL;
    if (!op->steps[step].there) {
        return note_set(note, FAULT_BAD_VALUE, "%s (%s) has no step %s", a->name, op->name,
                        adapter_step_text(step));
    }
    return render(&m, &op->steps[step], ret_request);
}

enum fault render_upload(const struct adapter_op *op, const struct adapter_upload *u, int step,
                         const struct render_in *in, struct request **ret_request, struct note *note)
{
    struct making m = {.a = op->adapter, .op = op, .step = STEP_UPLOAD, .in = in, .note = note};

    return render(&m, &u->steps[step].exchange, ret_request);
}
