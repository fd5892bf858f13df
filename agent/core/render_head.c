/* render_head.c - the header fields of a request. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/mem.h"
#include "core/render_internal.h"

#define MORE_MAX                                                                                             \
    36 /* fields of the step, those that came in an answer with them; the adapter's own fit beside */
#define HEADER_NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

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
        if (!render_variable(m, name)) {
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
        enum fault fault = template_header(headers[i].value, render_variable, m, &value, m->note);
        if (!fault && value.n) {
            add_field(m->r, headers[i].name, value.p);
        }
        buf_done(&value);
        if (fault) {
            return fault;
        }
    }
    return FAULT_OK;
}

/* A header whose name came in an answer: not one that says how the message is framed or who asks. */
static bool may_set(const struct making *m, const char *name)
{
    static const char *const own[] = {"host",    "content-length", "transfer-encoding",   "connection",
                                      "te",      "upgrade",        "authorization",       "expect",
                                      "trailer", "cookie",         "proxy-authorization", "keep-alive"};
    bool may = *name && !name[strspn(name, HEADER_NAME_CHARS)] && !has_field(m->r, name) &&
               m->r->field_count < MORE_MAX && (!m->r->auth_name || strcasecmp(name, m->r->auth_name) != 0);

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        may &= strcasecmp(name, own[i]) != 0;
    }
    return may;
}

static enum fault make_more_headers(struct making *m)
{
    json_t *made = NULL, *value;
    const char *name;
    enum fault fault = shape_make(m->rule->more_headers, &m->shapes, &made, m->note);

    json_object_foreach(made, name, value)
    {
        AUTO(auto_free) char *text = shape_value_text(value);
        bool plain = text && strlen(text) < LIMIT_HEADER_BYTES;
        for (const char *at = text; plain && *at; at++) {
            plain = (unsigned char)*at >= 0x20 && *at != 0x7f;
        }
        if (plain && may_set(m, name)) {
            add_field(m->r, name, text);
        }
    }
    json_decref(made);
    return fault;
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

enum fault render_head(struct making *m)
{
    if (m->step == STEP_SUBMIT && m->op->idem_header && m->in->idem) {
        add_field(m->r, m->op->idem_header, render_idem(m));
    }
    enum fault fault = make_headers(m, m->rule->headers, m->rule->header_count);
    fault = fault ? fault : make_more_headers(m);
    if (!fault && m->r->secret_allowed && m->rule->secret) {
        fault = make_headers(m, m->a->headers, m->a->header_count);
    }
    set_type(m);
    return fault;
}
