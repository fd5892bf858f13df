/* adapter.c - a vendor as data: reading, compiling and asking an adapter. */
#include "core/adapter.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/adapter_parts.h"
#include "wire/schema.h"
#include "wire/schemas.h"

const char *adapter_step_text(enum adapter_step step)
{
    static const char *const names[STEP_COUNT] = {"submit",   "poll",   "fetch", "cancel",
                                                  "download", "lookup", "upload"};

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
    adapter_auth_done(&a->auth);
    adapter_uploads_done(a);
    json_decref(a->options);
    for (size_t i = 0; i < a->file_count; i++) {
        free(a->files[i]);
    }
    free(a->files);
    free(a->name);
    free(a->base);
    free(a->places);
    free(a->rule_places);
    free(a);
}

/* ---- reading ---- */

static void on_schema(void *arg, const char *pointer, const char *text)
{
    struct load *l = arg;
    const char *file;
    char dotted[256];
    int line, column;

    l->bad = true;
    if (!l->complain) {
        return;
    }
    schema_dotted("", pointer, dotted, sizeof(dotted));
    load_where(l, pointer, &file, &line, &column);
    char *whole = mem_printf("%s %s", dotted[0] ? dotted : "the file", text);
    l->complain(l->arg, file, line, column, whole);
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

/* Expressions are told with the name of their file, which the adapter keeps. */
static struct adapter *new_adapter(struct adapter_merged *m)
{
    struct adapter *a = mem_new(sizeof(*a));

    atomic_init(&a->references, 1);
    a->mapping = mapping_new();
    memcpy(a->digest, m->digest, sizeof(a->digest));
    a->files = mem_new(m->text_count * sizeof(*a->files));
    for (size_t i = 0; i < m->text_count; i++) {
        a->files[a->file_count++] = m->texts[i].file;
        m->texts[i].file = mem_text(m->texts[i].file);
    }
    return a;
}

static void keep_files(struct adapter *a, const struct load *l, struct load_place *places, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < l->text_count; k++) {
            if (places[i].file == l->texts[k].file) {
                places[i].file = a->files[k];
            }
        }
    }
}

/* The complaints of now name the texts' files, those of later the adapter's own copies. */
static void keep_places(struct adapter *a, const struct load *l)
{
    keep_files(a, l, l->places, l->place_count);
    keep_files(a, l, l->rules, l->rule_count);
    a->rule_places = l->rules;
    a->rule_count = l->rule_count;
    a->places = l->places;
    a->place_count = l->place_count;
}

enum fault adapter_read_source(const struct adapter_source *source, struct adapter **ret_adapter)
{
    struct adapter_merged m = {0};

    *ret_adapter = NULL;
    if (adapter_merge(source, &m)) {
        adapter_merge_done(&m);
        return FAULT_CONFIG;
    }
    struct adapter *a = new_adapter(&m);
    struct load l = {.texts = m.texts,
                     .text_count = m.text_count,
                     .mapping = a->mapping,
                     .complain = source->complain,
                     .arg = source->arg};
    enum fault fault = check_schema(&l, m.root);
    if (!fault) {
        adapter_load_root(&l, m.root, a);
        adapter_check_root(&l, a, m.root);
        fault = l.bad ? FAULT_CONFIG : FAULT_OK;
    }
    keep_places(a, &l);
    adapter_merge_done(&m);
    if (fault) {
        adapter_drop(&a);
    }
    *ret_adapter = a;
    return fault;
}

enum fault adapter_read(struct slice text, const char *file, adapter_complain_fn *complain, void *arg,
                        struct adapter **ret_adapter)
{
    const struct adapter_source source = {.text = text, .file = file, .complain = complain, .arg = arg};

    return adapter_read_source(&source, ret_adapter);
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
        struct load_place place = known ? a->places[number] : (struct load_place){.file = a->files[0]};
        char *text = mem_printf("jq does not take this expression: %s", note.text);
        complain(arg, place.file, place.line, place.column, text);
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

bool adapter_step_hex(const struct adapter_op *op, enum adapter_step step)
{
    return shape_member(op->steps[step].outputs.members, "hex") != NULL;
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

bool adapter_can_lookup(const struct adapter_op *op)
{
    return op->steps[STEP_LOOKUP].there;
}

int64_t adapter_lag_ms(const struct adapter_op *op)
{
    return op->lag_ms;
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
