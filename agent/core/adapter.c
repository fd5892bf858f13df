/* adapter.c - a vendor as data: reading, compiling and asking an adapter. */
#include "core/adapter.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/adapter_parts.h"
#include "core/host.h"
#include "wire/digest.h"
#include "wire/schema.h"
#include "wire/schemas.h"

const char *adapter_step_text(enum adapter_step step)
{
    static const char *const names[STEP_COUNT] = {"submit", "poll", "fetch", "cancel", "download"};

    return names[step];
}

struct adapter *adapter_keep(struct adapter *a)
{
    atomic_fetch_add(&a->references, 1);
    return a;
}

void adapter_drop(struct adapter **pa)
{
    struct adapter *a = *pa;

    *pa = NULL;
    if (!a || atomic_fetch_sub(&a->references, 1) > 1) {
        return;
    }
    for (size_t i = 0; i < a->op_count; i++) {
        adapter_op_done(&a->ops[i]);
    }
    for (size_t i = 0; i < a->host_count; i++) {
        free(a->hosts[i]);
    }
    adapter_exchange_headers_done(a->headers, a->header_count);
    shape_free(&a->error_code);
    shape_free(&a->error_text);
    reader_free(&a->later);
    rule_free(&a->rules);
    mapping_free(&a->mapping);
    free(a->ops);
    free(a->hosts);
    free(a->auth_name);
    free(a->auth_value);
    free(a->file);
    free(a->name);
    free(a->base);
    free(a->places);
    free(a);
}

/* ---- reading ---- */

static void on_schema(void *arg, const char *pointer, const char *text)
{
    struct load *l = arg;
    char dotted[256];
    int line = 0, column = 0;

    l->bad = true;
    if (!l->complain) {
        return;
    }
    schema_dotted("", pointer, dotted, sizeof(dotted));
    yaml_mark(l->marks, pointer, &line, &column);
    char *whole = mem_printf("%s %s", dotted[0] ? dotted : "the file", text);
    l->complain(l->arg, l->file, line, column, whole);
    free(whole);
}

/* Checks root against schemas/adapter.json. */
static enum fault check_schema(struct load *l, const json_t *root)
{
    struct schema *schema = NULL;
    const char *text = schemas_find("adapter");
    json_t *value = text ? json_loads(text, 0, NULL) : NULL;
    enum fault fault = value ? schema_new(value, &schema, NULL) : FAULT_INTERNAL;

    json_decref(value);
    if (fault) {
        return FAULT_INTERNAL;
    }
    schema_check(schema, root, on_schema, l);
    schema_free(&schema);
    return l->bad ? FAULT_CONFIG : FAULT_OK;
}

/* Tells what the YAML reader said; its note's field is "line:column". */
static void complain_yaml(const struct note *note, const char *file, adapter_complain_fn *complain, void *arg)
{
    char *end;
    long line = strtol(note->field, &end, 10);
    long column = *end == ':' ? strtol(end + 1, NULL, 10) : 0;

    if (complain) {
        complain(arg, file, (int)line, (int)column, note->text);
    }
}

static struct adapter *new_adapter(struct slice text, const char *file)
{
    struct adapter *a = mem_new(sizeof(*a));
    unsigned char digest[DIGEST_BYTES];
    char hex[DIGEST_HEX_CHARS + 1];

    atomic_init(&a->references, 1);
    a->file = mem_text(file);
    a->mapping = mapping_new();
    digest_of(text, digest);
    digest_hex(digest, hex);
    memcpy(a->digest, hex, sizeof(a->digest) - 1);
    return a;
}

enum fault adapter_read(struct slice text, const char *file, adapter_complain_fn *complain, void *arg,
                        struct adapter **ret_adapter)
{
    struct yaml_marks *marks = NULL;
    struct note note = {0};
    json_t *root = NULL;

    *ret_adapter = NULL;
    if (yaml_read(text, &root, &marks, &note)) {
        complain_yaml(&note, file, complain, arg);
        return FAULT_CONFIG;
    }
    struct adapter *a = new_adapter(text, file);
    struct load l = {.file = file, .marks = marks, .mapping = a->mapping, .complain = complain, .arg = arg};
    enum fault fault = check_schema(&l, root);
    if (!fault) {
        adapter_load_root(&l, root, a);
        adapter_check_root(&l, a, root);
        fault = l.bad ? FAULT_CONFIG : FAULT_OK;
    }
    a->places = l.places;
    a->place_count = l.place_count;
    json_decref(root);
    yaml_marks_free(&marks);
    if (fault) {
        adapter_drop(&a);
    }
    *ret_adapter = a;
    return fault;
}

enum fault adapter_compile(struct adapter *a, adapter_complain_fn *complain, void *arg)
{
    struct note note = {0};
    int number = -1;

    if (!mapping_compile(a->mapping, &number, &note)) {
        return FAULT_OK;
    }
    if (complain) {
        bool known = number >= 0 && (size_t)number < a->place_count;
        char *text = mem_printf("jq does not take this expression: %s", note.text);
        complain(arg, a->file, known ? a->places[number].line : 0, known ? a->places[number].column : 0,
                 text);
        free(text);
    }
    return FAULT_CONFIG;
}

/* ---- asking ---- */

const char *adapter_name(const struct adapter *a)
{
    return a->name;
}

const char *adapter_digest(const struct adapter *a)
{
    return a->digest;
}

const char *adapter_base(const struct adapter *a)
{
    return a->base;
}

bool adapter_host_allowed(const struct adapter *a, const char *base, const char *host)
{
    struct host own;

    if (host_of(slice_of(base ? base : a->base), &own) && host_fits(own.name, host)) {
        return true;
    }
    for (size_t i = 0; i < a->host_count; i++) {
        if (host_fits(a->hosts[i], host)) {
            return true;
        }
    }
    return false;
}

bool adapter_idempotent(const struct adapter_op *op)
{
    return op->idem_header || op->idem_field;
}

bool adapter_synchronous(const struct adapter_op *op)
{
    return !op->steps[STEP_POLL].there;
}

bool adapter_can_cancel(const struct adapter_op *op)
{
    return op->steps[STEP_CANCEL].there;
}

bool adapter_cancels_running(const struct adapter_op *op)
{
    return op->steps[STEP_CANCEL].there && !op->cancel_queued_only;
}

enum adapter_step adapter_refresh(const struct adapter_op *op)
{
    return op->refresh;
}

bool adapter_serves(const struct adapter *a, enum task_kind kind)
{
    for (size_t i = 0; i < a->op_count; i++) {
        if (a->ops[i].kind == kind) {
            return true;
        }
    }
    return false;
}

int adapter_forms(const struct adapter_op *op, const char *field, enum adapter_form ret_forms[FORM_COUNT],
                  uint64_t *ret_max_bytes)
{
    *ret_max_bytes = 0;
    for (size_t i = 0; i < op->media_count; i++) {
        const struct adapter_media *m = &op->media[i];
        if (!strcmp(m->field, field)) {
            memcpy(ret_forms, m->forms, sizeof(m->forms));
            *ret_max_bytes = m->max_bytes;
            return m->form_count;
        }
    }
    return 0;
}

struct adapter_every adapter_every(const struct adapter_op *op)
{
    return op->every;
}

int64_t adapter_timeout_ms(const struct adapter_op *op, enum adapter_step step)
{
    int64_t ms = op->steps[step].timeout_ms;

    if (ms >= 0) {
        return ms;
    }
    switch (step) {
    case STEP_SUBMIT:
        return adapter_synchronous(op) ? 600000 : 60000;
    case STEP_DOWNLOAD:
        return 0;
    default:
        return 30000;
    }
}
