/* outputs.c - stores outputs one after the other: from spool files, from short texts, from URLs. */
#include "app/outputs_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/events.h"
#include "app/ledger.h"
#include "app/metrics.h"
#include "base/mem.h"
#include "wire/base64.h"
#include "wire/hex.h"

#define PIECE_BYTES (48 * 1024) /* read from a spool file at once; a multiple of nothing in particular */
#define STORE_MS    10000       /* how long the store may be away before this try ends */
#define LONG_MS     2000        /* after which the record says what takes so long */

static struct answer_output *outputs_current(const struct outputs *o)
{
    return &o->answer->outputs[json_array_size(o->list)];
}

static void outputs_drop_blobs(struct outputs *o)
{
    for (size_t i = 0; i < LIMIT_BLOBS; i++) {
        spool_file_drop(&o->blobs[i]);
    }
}

void outputs_take(struct outputs *o, struct answer *answer, struct spool_file **blobs, size_t blob_count)
{
    outputs_drop_blobs(o);
    answer_free(&o->answer);
    o->answer = answer;
    if (answer->save) {
        json_object_update(o->vars, answer->save);
    }
    for (size_t i = 0; i < blob_count && i < LIMIT_BLOBS; i++) {
        o->blobs[i] = blobs[i];
        blobs[i] = NULL;
    }
}

struct outputs *outputs_new(struct parts *parts, const struct call_in *in, struct answer *answer,
                            struct spool_file **blobs, size_t blob_count)
{
    struct outputs *o = mem_new(sizeof(*o));

    *o = (struct outputs){.parts = parts, .in = *in, .list = json_array()};
    o->vars = in->vars ? json_copy((json_t *)in->vars) : json_object();
    outputs_take(o, answer, blobs, blob_count);
    return o;
}

void outputs_resume(struct outputs *o, const json_t *list)
{
    if (json_array_size(list) <= o->answer->output_count) {
        json_array_extend(o->list, (json_t *)list);
    }
}

bool outputs_passing(const struct outputs *o)
{
    return o->passing;
}

const struct answer *outputs_answer(const struct outputs *o)
{
    return o->answer;
}

static void outputs_tell(struct timer *t)
{
    struct outputs *o = container_of(t, struct outputs, timer);

    o->fn(o->arg, o->fault, &o->note, o->list);
}

void outputs_end(struct outputs *o, enum fault fault)
{
    o->fault = fault;
    timer_stop(&o->long_timer);
    timer_start(o->parts->loop, &o->timer, 0, outputs_tell);
}

/* ---- one that is stored ---- */

static json_t *describe(const struct answer_output *from, const struct media_info *info)
{
    const char *type = info->type[0] ? info->type : from->type ? from->type : "application/octet-stream";
    int width = info->width ? info->width : from->width, height = info->height ? info->height : from->height;
    json_t *out = json_pack("{s:s,s:I,s:s,s:s}", "type", type, "bytes", (json_int_t)info->bytes, "digest",
                            info->digest, "media", info->digest);
    json_object_set_new(out, "url", json_sprintf("/v1/media/%s", info->digest));

    if (width > 0 && height > 0) {
        json_object_set_new(out, "width", json_integer(width));
        json_object_set_new(out, "height", json_integer(height));
    }
    if (from->duration_s > 0) {
        json_object_set_new(out, "duration_s", json_real(from->duration_s));
    }
    return out;
}

static void on_stored(void *arg, enum fault fault, const struct media_info *info)
{
    struct outputs *o = arg;

    o->put = NULL;
    spool_file_drop(&o->text);
    if (o->fault != FAULT_OK) {
        return; /* the download failed first, and told */
    }
    if (fault != FAULT_OK) {
        call_wire_stop(&o->call);
        outputs_end(o, fault);
        return;
    }
    metrics_media(o->parts->metrics, MEDIA_FROM_VENDOR, info->bytes);
    json_array_append_new(o->list, describe(outputs_current(o), info));
    outputs_next(o);
}

/* ---- from a spool file ---- */

static void store_more(void *arg)
{
    struct outputs *o = arg;
    char piece[PIECE_BYTES];
    long n;

    if (!o->source) {
        call_wire_resume(o->call);
        return;
    }
    while ((n = spool_file_read(o->source, o->at, piece, sizeof(piece))) > 0) {
        o->at += (uint64_t)n;
        if (!media_put_add(o->put, (struct slice){piece, (size_t)n})) {
            return;
        }
    }
    o->source = NULL;
    if (n < 0) {
        media_put_stop(&o->put);
        outputs_end(o, note_set(&o->note, FAULT_IO, "the spool file cannot be read back"));
        return;
    }
    media_put_end(o->put);
}

void outputs_put(struct outputs *o)
{
    /* What the bytes are is read from the bytes; the vendor's word counts only for what cannot be told by
     * them. */
    o->put = media_put_start(o->parts->media, NULL, (uint64_t)o->parts->config->max_media_bytes, STORE_MS,
                             store_more, on_stored, o);
}

static void store_file(struct outputs *o, struct spool_file *file)
{
    o->source = file;
    o->at = 0;
    outputs_put(o);
    store_more(o);
}

/* The bytes of a short text: base64 or hex. Gives how many, -1 when it is neither. */
static long decode(const struct answer_output *from, size_t n, unsigned char *out)
{
    struct base64 d = {0};
    struct hex h = {0};

    if (from->text_hex) {
        long got = hex_feed(&h, from->text_hex, n, out);
        return hex_end(&h) ? got : -1;
    }
    long got = base64_feed(&d, from->text64, n, out);
    return base64_end(&d) ? got : -1;
}

static void store_text(struct outputs *o, const struct answer_output *from)
{
    const size_t n = strlen(from->text_hex ? from->text_hex : from->text64);
    AUTO(auto_free) unsigned char *bytes = mem_new(n + 4);
    long got = decode(from, n, bytes);

    o->text = spool_file_new(o->parts->spool, n);
    if (got <= 0) {
        outputs_end(o, note_set(&o->note, FAULT_VENDOR_ANSWER, "an output is not %s",
                                from->text_hex ? "hex" : "base64"));
    } else if (!o->text || spool_file_add(o->text, (struct slice){(char *)bytes, (size_t)got}) != FAULT_OK) {
        outputs_end(o, note_set(&o->note, FAULT_OVERLOADED, "the spool directory takes no more files"));
    } else {
        store_file(o, o->text);
    }
}

/* ---- the row of them ---- */

void outputs_next(struct outputs *o)
{
    while (json_array_size(o->list) < o->answer->output_count && outputs_current(o)->error) {
        json_array_append_new(o->list, json_pack("{s:{s:s,s:s}}", "error", "code", "vendor_failed", "message",
                                                 outputs_current(o)->error));
    }
    if (json_array_size(o->list) >= o->answer->output_count) {
        outputs_end(o, FAULT_OK);
        return;
    }
    const struct answer_output *from = outputs_current(o);
    if (from->text) {
        json_array_append_new(o->list, json_pack("{s:s,s:s}", "type", "text/plain", "text", from->text));
        outputs_next(o);
    } else if (from->blob >= 0 && from->blob < (int)LIMIT_BLOBS && o->blobs[from->blob]) {
        store_file(o, o->blobs[from->blob]);
    } else if (from->text64 || from->text_hex) {
        store_text(o, from);
    } else if (from->url) {
        outputs_download(o, from);
    } else {
        outputs_end(o, note_set(&o->note, FAULT_VENDOR_ANSWER, "an output has neither bytes nor a URL"));
    }
}

/* ---- what takes long is told ---- */

struct telling {
    struct parts *parts;
    enum task_stage stage;
};

static enum fault change_stage(json_t *doc, void *arg)
{
    const struct telling *t = arg;

    return journal_stage(doc) == STAGE_CANCELLING ? FAULT_CONFLICT : journal_progress(doc, t->stage, -1);
}

static void on_told(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    const struct telling *t = arg;

    if (fault == FAULT_OK) {
        events_status(t->parts, doc, revision, 0);
    }
    free(arg);
}

static void on_long(struct timer *timer)
{
    struct outputs *o = container_of(timer, struct outputs, long_timer);
    struct telling *t = mem_new(sizeof(*t));

    *t = (struct telling){o->parts, o->call || o->refresh ? STAGE_DOWNLOADING : STAGE_STORING};
    const struct ledger_update update = {.app = o->in.task->app,
                                         .id = o->in.task->id,
                                         .change = change_stage,
                                         .change_arg = t,
                                         .limit_ms = LIMIT_ACCEPT_MS};
    ledger_update(o->parts->ledger, &update, on_told, t);
}

void outputs_start(struct outputs *o, outputs_fn *fn, void *arg)
{
    o->fn = fn;
    o->arg = arg;
    o->fault = FAULT_OK;
    o->note = (struct note){0};
    o->refreshes = 0;
    o->passing = false;
    timer_start(o->parts->loop, &o->long_timer, LONG_MS, on_long);
    outputs_next(o);
}

void outputs_free(struct outputs **po)
{
    struct outputs *o = *po;

    if (!o) {
        return;
    }
    timer_stop(&o->timer);
    timer_stop(&o->long_timer);
    media_put_stop(&o->put);
    call_wire_stop(&o->call);
    call_stop(&o->refresh);
    outputs_drop_blobs(o);
    spool_file_drop(&o->text);
    answer_free(&o->answer);
    json_decref(o->list);
    json_decref(o->vars);
    json_decref(o->head);
    free(o);
    *po = NULL;
}
