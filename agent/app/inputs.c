/* inputs.c - finds the media in a task's input, chooses a form for each, and fetches their bytes one after
 * the other. */
#include "app/inputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/asset.h"
#include "app/fetch.h"
#include "app/metrics.h"
#include "base/id.h"
#include "base/mem.h"
#include "core/render.h"
#include "core/spot.h"

#define SOON_MS 5000 /* the bus or the spool are in trouble */

/* Where a medium stands and what becomes of it. */
struct place {
    struct spot spot;
    char *path;             /* spot.path, kept */
    json_t *value;          /* as the app gave it; a reference */
    enum adapter_form form; /* FORM_COUNT: not known before it is measured */
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
    struct asset *asset;
    struct timer timer;
    enum fault fault;
    struct note note;
    int64_t again_ms;
    inputs_fn *fn;
    void *arg;
};

static void work_next(struct inputs_work *w);

/* ---- finding ---- */

/* The first of the adapter's forms that fits the medium; FORM_COUNT: that depends on its size. A URL only if
 * we have one, and where it has a meaning. */
static enum fault choose_form(struct inputs_work *w, struct place *p, const struct spool_file *file,
                              const char *type)
{
    const struct adapter_medium *m = adapter_medium(w->out->op, p->spot.field);
    const struct adapter_given given = {
        .url = !p->spot.bytes && json_is_string(json_object_get(p->value, "url")),
        .measured = file,
        .bytes = file ? spool_file_bytes(file) : 0,
        .type = type && *type ? type : json_string_value(json_object_get(p->value, "type")),
        .path = p->path};

    if (!m) {
        note_field(&w->note, p->path);
        return note_set(&w->note, FAULT_VENDOR_REJECTED, "this model takes no medium in %s", p->path);
    }
    return adapter_medium_form(m, &given, &p->form, &w->note);
}

static void place_done(struct place *p)
{
    json_decref(p->value);
    free(p->path);
}

static enum fault find_one(void *arg, const struct spot *spot)
{
    struct inputs_work *w = arg;
    struct place p = {.spot = *spot};

    if (!spot_is_medium(spot->value)) {
        return FAULT_OK;
    }
    if (w->n == LIMIT_BLOBS) {
        return note_set(&w->note, FAULT_VENDOR_REJECTED, "more than %d input media", LIMIT_BLOBS);
    }
    p.value = json_incref(spot->value);
    p.spot.path = p.path = mem_text(spot->path);
    enum fault fault = choose_form(w, &p, NULL, NULL);
    if (fault != FAULT_OK) {
        place_done(&p);
        return fault;
    }
    w->places[w->n++] = p;
    return FAULT_OK;
}

static void work_fail(struct inputs_work *w, enum fault fault)
{
    if (w->fault == FAULT_OK) {
        w->fault = fault;
    }
}

/* ---- replacing ---- */

static void replace_by_form(struct inputs_work *w, const struct place *p, size_t index)
{
    const struct inputs_medium *m = &w->out->items[index];
    AUTO(auto_free) char *uri = mem_printf("data:%s;base64,%s", m->type, m->token);

    switch (p->form) {
    case FORM_DATA_URI:
        spot_set(&p->spot, json_string(uri));
        break;
    case FORM_BASE64:
        spot_set(&p->spot, json_string(m->token));
        break;
    case FORM_PART:
    case FORM_ASSET:
    case FORM_URL:
    case FORM_COUNT:
        spot_set(&p->spot, json_pack("{s:I}", "$part", (json_int_t)index));
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

/* ---- uploading ---- */

static void on_asset(void *arg, const struct asset_out *out)
{
    struct inputs_work *w = arg;
    const struct place *p = &w->places[w->at - 1];

    w->asset = NULL;
    if (out->fault == FAULT_OK) {
        w->out->assets = true;
        spot_set(&p->spot, json_incref(out->value));
    } else {
        note_field(&w->note, p->path);
        work_fail(w, note_set(&w->note, out->fault, "input.%s: %s", p->path, out->note->text));
        w->again_ms = out->again_ms;
    }
    work_next(w);
}

/* The medium that was fetched last becomes an asset. */
static void upload(struct inputs_work *w, const struct place *p)
{
    const struct asset_for what = {.task = &w->what,
                                   .upload = adapter_medium(w->out->op, p->spot.field)->upload,
                                   .inputs = w->out,
                                   .index = (unsigned)w->out->n - 1,
                                   .digest = json_string_value(json_object_get(p->value, "media"))};

    w->asset = asset_start(w->parts, &what, on_asset, w);
}

/* ---- fetching ---- */

/* When a fault may be over; -1: it stays. */
static int64_t again_ms(enum fault fault)
{
    return fault == FAULT_BUS_DOWN || fault == FAULT_BUS_TIMEOUT || fault == FAULT_OVERLOADED ? SOON_MS : -1;
}

static void work_end(struct timer *t)
{
    struct inputs_work *w = container_of(t, struct inputs_work, timer);
    inputs_fn *fn = w->fn;
    void *arg = w->arg;
    struct note note = w->note;
    struct inputs_end end = {w->fault, &note, w->fault == FAULT_OK ? w->out : NULL, w->again_ms};

    if (end.inputs) {
        w->out = NULL;
    }
    inputs_stop(&w);
    fn(arg, &end);
}

static void on_fetched(void *arg, enum fault fault, const struct note *note, struct spool_file *file,
                       const char *type)
{
    struct inputs_work *w = arg;
    struct place *p = &w->places[w->at++];

    w->fetch = NULL;
    if (fault != FAULT_OK) {
        note_field(&w->note, p->path);
        work_fail(w, note_set(&w->note, fault, "input.%s: %s", p->path, note_text(note, fault)));
        w->again_ms = again_ms(fault);
    } else if ((fault = choose_form(w, p, file, type)) != FAULT_OK) {
        spool_file_drop(&file);
        work_fail(w, fault);
    } else if (p->form == FORM_URL) { /* too large for all other forms */
        spool_file_drop(&file);
        spot_set(&p->spot, json_incref(json_object_get(p->value, "url")));
    } else {
        metrics_media(w->parts->metrics, MEDIA_TO_VENDOR, spool_file_bytes(file));
        keep_medium(w, p, file, type);
    }
    if (w->fault == FAULT_OK && p->form == FORM_ASSET) {
        upload(w, p);
    } else {
        work_next(w);
    }
}

static void work_next(struct inputs_work *w)
{
    while (w->fault == FAULT_OK && w->at < w->n && w->places[w->at].form == FORM_URL) {
        const struct place *p = &w->places[w->at++];
        spot_set(&p->spot, json_incref(json_object_get(p->value, "url")));
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
    const struct adapter_want want = {what->task->kind, w->original, what->target->vendor_model,
                                      what->target->options};

    w->out->op = what->op ? what->op : adapter_op_choose(what->target->adapter, &want, &w->note);
    w->out->input = json_deep_copy(w->original);
    if (w->out->op) {
        work_fail(w, spot_each(w->out->input, find_one, w));
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
        w->again_ms = again_ms(fault);
        timer_start(w->parts->loop, &w->timer, 0, work_end);
        return;
    }
    json_decref(w->original);
    w->original = whole;
    work_begin(w);
}

struct inputs_work *inputs_prepare(struct parts *parts, const struct inputs_for *what, inputs_fn *fn,
                                   void *arg)
{
    struct inputs_work *w = mem_new(sizeof(*w));
    const json_t *input = what->task->input;
    const char *aside = json_string_value(json_object_get(input, "$input"));

    *w = (struct inputs_work){.parts = parts,
                              .what = *what,
                              .original = json_incref((json_t *)input),
                              .fn = fn,
                              .arg = arg,
                              .again_ms = -1};
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
    asset_stop(&w->asset);
    timer_stop(&w->timer);
    for (size_t i = 0; i < w->n; i++) {
        place_done(&w->places[i]);
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
