/* inputs.c - finds the media in a task's input, chooses a form for each, and fetches their bytes one after
 * the other. */
#include "app/inputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/fetch.h"
#include "app/metrics.h"
#include "base/id.h"
#include "base/mem.h"
#include "core/render.h"

/* Where a medium stands and what becomes of it. */
struct place {
    json_t *parent;      /* object or array in the new input; borrowed */
    char *key;           /* member of an object, or NULL */
    size_t index;        /* element of an array */
    const json_t *value; /* as the app gave it; owned by the original input */
    enum adapter_form form;
    uint64_t max_bytes;
};

struct inputs_work {
    struct parts *parts;
    struct inputs_for what;
    json_t *original;
    struct inputs *out;
    struct place places[LIMIT_BLOBS];
    size_t n, at;
    char nonce[17];
    struct fetch *fetch;
    struct timer timer;
    enum fault fault;
    struct note note;
    inputs_fn *fn;
    void *arg;
};

static void work_next(struct inputs_work *w);

/* ---- finding ---- */

/* {"media": …} or {"url": …}: a medium as intake leaves it. */
static bool is_medium(const json_t *value)
{
    return json_is_object(value) &&
           (json_is_string(json_object_get(value, "media")) || json_is_string(json_object_get(value, "url")));
}

/* The first of the adapter's forms that this medium can take: a URL only if we have one. */
static bool choose_form(const struct inputs_work *w, const char *field, struct place *p)
{
    enum adapter_form forms[FORM_COUNT];
    int n = adapter_forms(w->out->op, field, forms, &p->max_bytes);
    bool has_url = json_is_string(json_object_get(p->value, "url"));

    for (int i = 0; i < n; i++) {
        if (forms[i] != FORM_URL || has_url) {
            p->form = forms[i];
            return true;
        }
    }
    return false;
}

static void work_fail(struct inputs_work *w, enum fault fault)
{
    if (w->fault == FAULT_OK) {
        w->fault = fault;
    }
}

static void add_place(struct inputs_work *w, const char *field, struct place p)
{
    if (w->n == LIMIT_BLOBS) {
        work_fail(w, note_set(&w->note, FAULT_VENDOR_REJECTED, "more than %d input media", LIMIT_BLOBS));
    } else if (!choose_form(w, field, &p)) {
        note_field(&w->note, field);
        work_fail(w, note_set(&w->note, FAULT_VENDOR_REJECTED,
                              "this model takes no medium in %s, or not in a form that can be made of it",
                              field));
    } else {
        w->places[w->n++] = p;
        return;
    }
    free(p.key);
}

/* Walks the members of the input; media stand at the top level or in lists there. */
static void find_media(struct inputs_work *w)
{
    const char *field;
    json_t *value, *item;
    size_t i;

    json_object_foreach(w->out->input, field, value)
    {
        if (is_medium(value)) {
            add_place(w, field,
                      (struct place){.parent = w->out->input,
                                     .key = mem_text(field),
                                     .value = json_object_get(w->original, field)});
        }
        json_array_foreach(value, i, item)
        {
            if (is_medium(item)) {
                const json_t *list = json_object_get(w->original, field);
                add_place(w, field,
                          (struct place){.parent = value, .index = i, .value = json_array_get(list, i)});
            }
        }
    }
}

/* ---- replacing ---- */

static void replace(const struct place *p, json_t *value)
{
    if (p->key) {
        json_object_set_new(p->parent, p->key, value);
    } else {
        json_array_set_new(p->parent, p->index, value);
    }
}

static void replace_by_form(struct inputs_work *w, const struct place *p, size_t index)
{
    const struct inputs_medium *m = &w->out->items[index];
    AUTO(auto_free) char *uri = mem_printf("data:%s;base64,%s", m->type, m->token);

    switch (p->form) {
    case FORM_DATA_URI:
        replace(p, json_string(uri));
        break;
    case FORM_BASE64:
        replace(p, json_string(m->token));
        break;
    case FORM_PART:
    case FORM_URL:
    case FORM_COUNT:
        replace(p, json_pack("{s:I}", "$part", (json_int_t)index));
        break;
    }
}

static void keep_medium(struct inputs_work *w, const struct place *p, struct spool_file *file,
                        const char *type)
{
    struct inputs *out = w->out;
    const char *name = json_string_value(json_object_get(p->value, "name"));
    const char *told = json_string_value(json_object_get(p->value, "type"));
    struct inputs_medium *m;

    out->items = mem_grow(out->items, (out->n + 1) * sizeof(*out->items));
    m = &out->items[out->n];
    *m = (struct inputs_medium){.file = file, .name = mem_text(name)};
    m->type = mem_text(type && *type ? type : told ? told : "application/octet-stream");
    render_token(w->nonce, (unsigned)out->n, m->token, sizeof(m->token));
    json_t *about = json_pack("{s:s,s:I}", "type", m->type, "bytes", (json_int_t)spool_file_bytes(file));
    if (name) {
        json_object_set_new(about, "name", json_string(name));
    }
    json_array_append_new(out->media, about);
    replace_by_form(w, p, out->n++);
}

/* ---- fetching ---- */

static void work_end(struct timer *t)
{
    struct inputs_work *w = container_of(t, struct inputs_work, timer);
    struct inputs *out = w->fault == FAULT_OK ? w->out : NULL;
    inputs_fn *fn = w->fn;
    void *arg = w->arg;
    enum fault fault = w->fault;
    struct note note = w->note;

    if (out) {
        w->out = NULL;
    }
    inputs_stop(&w);
    fn(arg, fault, &note, out);
}

static void on_fetched(void *arg, enum fault fault, const struct note *note, struct spool_file *file,
                       const char *type)
{
    struct inputs_work *w = arg;
    struct place *p = &w->places[w->at++];

    w->fetch = NULL;
    if (fault != FAULT_OK) {
        w->note = *note;
        work_fail(w, fault);
    } else if (p->max_bytes && spool_file_bytes(file) > p->max_bytes) {
        spool_file_drop(&file);
        work_fail(w, note_set(&w->note, FAULT_VENDOR_REJECTED,
                              "the vendor takes input media of at most %llu bytes",
                              (unsigned long long)p->max_bytes));
    } else {
        metrics_media(w->parts->metrics, MEDIA_TO_VENDOR, spool_file_bytes(file));
        keep_medium(w, p, file, type);
    }
    work_next(w);
}

static void work_next(struct inputs_work *w)
{
    while (w->fault == FAULT_OK && w->at < w->n && w->places[w->at].form == FORM_URL) {
        const struct place *p = &w->places[w->at++];
        replace(p, json_incref(json_object_get(p->value, "url")));
    }
    if (w->fault != FAULT_OK || w->at >= w->n) {
        timer_start(w->parts->loop, &w->timer, 0, work_end);
        return;
    }
    const json_t *value = w->places[w->at].value;
    const char *digest = json_string_value(json_object_get(value, "media")),
               *url = json_string_value(json_object_get(value, "url"));
    w->fetch =
        digest ? fetch_media(w->parts, digest, on_fetched, w) : fetch_url(w->parts, url, on_fetched, w);
}

/* ---- an input put aside as a whole ---- */

static void work_begin(struct inputs_work *w)
{
    const struct inputs_for *what = &w->what;

    w->out->op = what->op ? what->op : adapter_op_find(what->adapter, what->kind, w->original, &w->note);
    w->out->input = json_deep_copy(w->original);
    if (w->out->op) {
        find_media(w);
    } else {
        work_fail(w, FAULT_VENDOR_REJECTED);
    }
    work_next(w);
}

static void on_whole_input(void *arg, enum fault fault, const struct note *note, struct spool_file *file,
                           const char *type)
{
    struct inputs_work *w = arg;
    json_t *whole = NULL;

    (void)type;
    w->fetch = NULL;
    if (fault == FAULT_OK) {
        fault = fetch_json(file, &whole, &w->note);
        spool_file_drop(&file);
    } else {
        w->note = *note;
    }
    if (fault != FAULT_OK) {
        work_fail(w, fault);
        timer_start(w->parts->loop, &w->timer, 0, work_end);
        return;
    }
    json_decref(w->original);
    w->original = whole;
    work_begin(w);
}

struct inputs_work *inputs_prepare(struct parts *parts, const struct inputs_for *what, const json_t *input,
                                   inputs_fn *fn, void *arg)
{
    struct inputs_work *w = mem_new(sizeof(*w));
    const char *aside = json_string_value(json_object_get(input, "$input"));

    *w = (struct inputs_work){
        .parts = parts, .what = *what, .original = json_incref((json_t *)input), .fn = fn, .arg = arg};
    w->out = mem_new(sizeof(*w->out));
    w->out->media = json_array();
    id_random(w->nonce, 8);
    if (aside) {
        w->fetch = fetch_media(parts, aside, on_whole_input, w);
    } else {
        work_begin(w);
    }
    return w;
}

void inputs_stop(struct inputs_work **pw)
{
    struct inputs_work *w = *pw;

    if (!w) {
        return;
    }
    fetch_stop(&w->fetch);
    timer_stop(&w->timer);
    for (size_t i = 0; i < w->n; i++) {
        free(w->places[i].key);
    }
    inputs_free(&w->out);
    json_decref(w->original);
    free(w);
    *pw = NULL;
}

void inputs_free(struct inputs **pi)
{
    struct inputs *in = *pi;

    if (!in) {
        return;
    }
    for (size_t i = 0; i < in->n; i++) {
        spool_file_drop(&in->items[i].file);
        free(in->items[i].type);
        free(in->items[i].name);
    }
    free(in->items);
    json_decref(in->media);
    json_decref(in->input);
    free(in);
    *pi = NULL;
}
