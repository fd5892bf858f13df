/* adapter_media.c - the forms in which an operation takes media: reading them, and choosing one. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/adapter_parts.h"
#include "wire/field.h"

static const char *const form_names[FORM_COUNT] = {[FORM_URL] = "url",
                                                   [FORM_DATA_URI] = "data_uri",
                                                   [FORM_BASE64] = "base64",
                                                   [FORM_PART] = "part",
                                                   [FORM_ASSET] = "asset"};

void adapter_media_done(struct adapter_op *op)
{
    for (size_t i = 0; i < op->media_count; i++) {
        struct adapter_medium *m = &op->media[i];
        for (size_t k = 0; k < m->type_count; k++) {
            free(m->types[k]);
        }
        free(m->types);
        free(m->field);
    }
    free(op->media);
}

/* ---- reading ---- */

static enum adapter_form form_find(const char *text)
{
    for (int form = 0; form < FORM_COUNT; form++) {
        if (!strcmp(form_names[form], text)) {
            return (enum adapter_form)form;
        }
    }
    return FORM_COUNT;
}

/* The size here; 0 when there is none. */
static uint64_t load_size(struct load *l, const json_t *value)
{
    char *text = shape_value_text(value);
    int64_t bytes = text ? field_bytes(slice_of(text)) : 0;

    free(text);
    if (bytes < 0) {
        load_complain(l, "no size: write 10MiB, 64KiB, 10MB or a number of bytes");
        return 0;
    }
    return (uint64_t)bytes;
}

/* One size for all forms that are measured, or one for each. */
static void load_sizes(struct load *l, const json_t *value, struct adapter_medium *m)
{
    const json_t *sizes = json_object_get(value, "max_bytes");
    const char *name;
    json_t *item;

    size_t before = load_enter(l, "max_bytes");
    uint64_t all = json_is_object(sizes) ? 0 : load_size(l, sizes);
    for (int i = 0; i < m->form_count; i++) {
        m->max_bytes[i] = all;
    }
    json_object_foreach((json_t *)sizes, name, item)
    {
        size_t inner = load_enter(l, name);
        uint64_t max = load_size(l, item);
        bool there = false;
        for (int i = 0; i < m->form_count; i++) {
            if (m->forms[i] == form_find(name)) {
                m->max_bytes[i] = max;
                there = true;
            }
        }
        if (!there) {
            load_complain(l, "a limit of a form that is not in forms");
        }
        load_leave(l, inner);
    }
    load_leave(l, before);
}

static void load_types(const json_t *value, struct adapter_medium *m)
{
    json_t *item;
    size_t i;

    if (!json_array_size(value)) {
        return;
    }
    m->types = mem_new(json_array_size(value) * sizeof(*m->types));
    json_array_foreach(value, i, item)
    {
        m->types[m->type_count++] = mem_text(json_string_value(item));
    }
}

static void load_upload(struct load *l, const struct adapter *a, const json_t *value,
                        struct adapter_medium *m)
{
    const char *name = json_string_value(json_object_get(value, "upload"));
    bool asset = false;

    for (int i = 0; i < m->form_count; i++) {
        asset |= m->forms[i] == FORM_ASSET;
    }
    m->upload = name ? adapter_upload_named(a, name) : NULL;
    if (asset && !name) {
        load_complain_at(l, "forms", "asset needs upload: NAME, one of the adapter's uploads");
    } else if (name && !m->upload) {
        load_complain_at(l, "upload", "uploads has no %s", name);
    } else if (name && !asset) {
        load_complain_at(l, "upload", "is never used: the form asset is not in forms");
    }
}

static void load_medium(struct load *l, const struct adapter *a, const char *field, const json_t *value,
                        struct adapter_medium *m)
{
    json_t *form;
    size_t i;

    m->field = mem_text(field);
    json_array_foreach(json_object_get(value, "forms"), i, form)
    {
        if (m->form_count < FORM_COUNT) {
            m->forms[m->form_count++] = form_find(json_string_value(form));
        }
    }
    load_sizes(l, value, m);
    load_types(json_object_get(value, "types"), m);
    load_upload(l, a, value, m);
}

void adapter_media_load(struct load *l, const json_t *value, struct adapter_op *op)
{
    const char *field;
    json_t *item;

    op->media = mem_new((json_object_size(value) + 1) * sizeof(*op->media));
    json_object_foreach((json_t *)value, field, item)
    {
        size_t before = load_enter(l, field);
        load_medium(l, op->adapter, field, item, &op->media[op->media_count++]);
        load_leave(l, before);
    }
}

/* ---- choosing ---- */

const struct adapter_medium *adapter_medium(const struct adapter_op *op, const char *field)
{
    for (size_t i = 0; i < op->media_count; i++) {
        if (!strcmp(op->media[i].field, field)) {
            return &op->media[i];
        }
    }
    return NULL;
}

static bool type_fits(const char *pattern, const char *type)
{
    size_t n = strlen(pattern);

    return n > 1 && pattern[n - 1] == '*' ? !strncmp(pattern, type, n - 1) : !strcmp(pattern, type);
}

static bool type_taken(const struct adapter_medium *m, const char *type)
{
    bool taken = !m->type_count;

    for (size_t i = 0; i < m->type_count; i++) {
        taken |= type_fits(m->types[i], type);
    }
    return taken;
}

static enum fault refuse_type(const struct adapter_medium *m, const struct adapter_given *given,
                              struct note *note)
{
    struct buf taken;

    buf_init(&taken, sizeof(note->text));
    for (size_t i = 0; i < m->type_count; i++) {
        buf_printf(&taken, "%s%s", i ? ", " : "", m->types[i]);
    }
    note_field(note, given->path);
    enum fault fault = note_set(note, FAULT_VENDOR_REJECTED, "%s is %s; the vendor takes %s", given->path,
                                given->type, taken.p ? taken.p : "other types");
    buf_done(&taken);
    return fault;
}

static enum fault refuse_size(const struct adapter_given *given, uint64_t most, struct note *note)
{
    note_field(note, given->path);
    return most ? note_set(note, FAULT_VENDOR_REJECTED, "%s has %llu bytes; the vendor takes at most %llu",
                           given->path, (unsigned long long)given->bytes, (unsigned long long)most)
                : note_set(note, FAULT_VENDOR_REJECTED,
                           "%s takes no medium, or not in a form that can be made of it", given->path);
}

enum fault adapter_medium_form(const struct adapter_medium *m, const struct adapter_given *given,
                               enum adapter_form *ret_form, struct note *note)
{
    uint64_t most = 0;
    bool measurable = false;

    *ret_form = FORM_COUNT;
    if (given->measured && given->type && !type_taken(m, given->type)) {
        return refuse_type(m, given, note);
    }
    for (int i = 0; i < m->form_count; i++) {
        bool is_url = m->forms[i] == FORM_URL, small = !m->max_bytes[i] || given->bytes <= m->max_bytes[i];
        if (is_url && !given->url) {
            continue;
        }
        measurable |= !is_url;
        if (!is_url && !given->measured) {
            return FAULT_OK; /* what comes first depends on its size */
        }
        if (is_url || small) {
            *ret_form = m->forms[i];
            return FAULT_OK;
        }
        most = m->max_bytes[i] > most ? m->max_bytes[i] : most;
    }
    return refuse_size(given, measurable ? most : 0, note);
}
