/* outputs.c - stores outputs one after the other: from spool files, from short base64, from URLs. */
#include "app/outputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/fleet.h"
#include "app/metrics.h"
#include "base/mem.h"
#include "wire/base64.h"

#define PIECE_BYTES (48 * 1024) /* read from a spool file at once; a multiple of nothing in particular */
#define MIN_MS      1000        /* for a download, however late it is */
#define STORE_MS    10000       /* how long the store may be away before this try ends */

struct outputs {
    struct parts *parts;
    struct call_in in;
    struct answer *answer;
    struct spool_file *blobs[LIMIT_BLOBS];
    json_t *list; /* one entry per output that is done */
    struct media_put *put;
    struct vendor_call *call;
    struct spool_file
        *source; /* the spool file that is being stored; borrowed from blobs or owned by us as text */
    struct spool_file *text; /* short base64, decoded */
    uint64_t at;
    struct timer timer;
    enum fault fault;
    struct note note;
    outputs_fn *fn;
    void *arg;
};

static void outputs_next(struct outputs *o);

static struct answer_output *outputs_current(const struct outputs *o)
{
    return &o->answer->outputs[json_array_size(o->list)];
}

struct outputs *outputs_new(struct parts *parts, const struct call_in *in, struct answer *answer,
                            struct spool_file **blobs, size_t blob_count)
{
    struct outputs *o = mem_new(sizeof(*o));

    *o = (struct outputs){.parts = parts, .in = *in, .answer = answer, .list = json_array()};
    for (size_t i = 0; i < blob_count && i < LIMIT_BLOBS; i++) {
        o->blobs[i] = blobs[i];
        blobs[i] = NULL;
    }
    return o;
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

static void outputs_end(struct outputs *o, enum fault fault)
{
    o->fault = fault;
    timer_start(o->parts->loop, &o->timer, 0, outputs_tell);
}

/* ---- one that is stored ---- */

static json_t *describe(const struct answer_output *from, const struct media_info *info)
{
    const char *type = info->type[0] ? info->type : from->type ? from->type : "application/octet-stream";
    int width = info->width ? info->width : from->width, height = info->height ? info->height : from->height;
    json_t *out = json_pack("{s:s,s:I,s:s,s:s}", "type", type, "bytes", (json_int_t)info->bytes, "digest",
                            info->digest, "media", info->digest);

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
        vendor_call_stop(&o->call);
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
        vendor_call_resume(o->call);
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

static void store_begin(struct outputs *o)
{
    const struct answer_output *from = outputs_current(o);

    /* What the bytes are is read from the bytes; the vendor's word counts only for what cannot be told by
     * them. */
    (void)from;
    o->put = media_put_start(o->parts->media, NULL, (uint64_t)o->parts->config->max_media_bytes, STORE_MS,
                             store_more, on_stored, o);
}

static void store_file(struct outputs *o, struct spool_file *file)
{
    o->source = file;
    o->at = 0;
    store_begin(o);
    store_more(o);
}

static void store_text64(struct outputs *o, const char *text64)
{
    size_t n = strlen(text64);
    struct base64 d = {0};
    unsigned char *bytes = mem_new(n / 4 * 3 + 4);
    long got = base64_feed(&d, text64, n, bytes);

    o->text = spool_file_new(o->parts->spool, n);
    if (got <= 0 || !base64_end(&d)) {
        outputs_end(o, note_set(&o->note, FAULT_VENDOR_ANSWER, "an output is not base64"));
    } else if (!o->text || spool_file_add(o->text, (struct slice){(char *)bytes, (size_t)got}) != FAULT_OK) {
        outputs_end(o, note_set(&o->note, FAULT_OVERLOADED, "the spool directory takes no more files"));
    } else {
        store_file(o, o->text);
    }
    free(bytes);
}

/* ---- from a URL ---- */

static enum fault download_head(void *arg, int status, const struct vendor_field *fields, size_t n)
{
    struct outputs *o = arg;

    (void)fields;
    (void)n;
    if (status < 200 || status > 299) {
        return note_set(&o->note, FAULT_OUTPUT_LOST, "the download of an output was answered with status %d",
                        status);
    }
    return FAULT_OK;
}

static enum fault download_data(void *arg, struct slice bytes, bool *pause)
{
    struct outputs *o = arg;

    *pause = !media_put_add(o->put, bytes);
    return FAULT_OK;
}

static void download_end(void *arg, const struct vendor_end *end)
{
    struct outputs *o = arg;
    enum fault fault = end->fault;

    o->call = NULL;
    metrics_vendor(o->parts->metrics, adapter_name(o->in.target->adapter), STEP_DOWNLOAD,
                   fault == FAULT_OK ? CLASS_OK : CLASS_COUNT, end->total_ms);
    if (fault == FAULT_OK) {
        media_put_end(o->put);
        return;
    }
    media_put_stop(&o->put);
    if (fault != FAULT_HOST_REFUSED && fault != FAULT_TOO_LARGE) {
        fault = note_set(&o->note, FAULT_OUTPUT_LOST, "the download of an output failed: %s", end->text);
    }
    outputs_end(o, fault);
}

/* A host that gives a byte now and then does not hold the task beyond its deadline. */
static int64_t outputs_left_ms(const struct outputs *o)
{
    const struct task *t = o->in.task;
    int64_t left = t->accepted_ms + t->deadline_ms - fleet_now_ms(o->parts->fleet);

    return left > MIN_MS ? left : MIN_MS;
}

/* The download's request by the adapter's rule; a URL that is not one of the vendor's hosts goes without the
 * secret and through the guard. */
static void download(struct outputs *o, const struct answer_output *from)
{
    static const struct vendor_events events = {download_head, download_data, download_end};
    json_t *vars = o->in.vars ? json_copy((json_t *)o->in.vars) : json_object();
    struct call_in in = o->in;
    struct request *r = NULL;
    struct call_wire wire;

    in.step = STEP_DOWNLOAD;
    json_object_set_new(vars, "url", json_string(from->url));
    enum fault fault = call_request(&in, vars, &r, &o->note);
    json_decref(vars);
    if (fault != FAULT_OK) {
        outputs_end(o, fault);
        return;
    }
    call_wire_init(&wire, o->parts, r, o->in.key);
    if (!from->secret) {
        wire.request.secret = NULL;
        wire.request.url = r->url;
    }
    wire.request.media = true;
    wire.request.timeout_ms = outputs_left_ms(o);
    wire.request.max_bytes = (uint64_t)o->parts->config->max_media_bytes;
    store_begin(o);
    o->call = vendor_call_start(o->parts->vendor, &wire.request, &events, NULL, o);
    call_wire_done(&wire);
    request_free(&r);
}

/* ---- the row of them ---- */

static void outputs_next(struct outputs *o)
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
    } else if (from->text64) {
        store_text64(o, from->text64);
    } else if (from->url) {
        download(o, from);
    } else {
        outputs_end(o, note_set(&o->note, FAULT_VENDOR_ANSWER, "an output has neither bytes nor a URL"));
    }
}

void outputs_start(struct outputs *o, outputs_fn *fn, void *arg)
{
    o->fn = fn;
    o->arg = arg;
    o->fault = FAULT_OK;
    o->note = (struct note){0};
    outputs_next(o);
}

void outputs_free(struct outputs **po)
{
    struct outputs *o = *po;

    if (!o) {
        return;
    }
    timer_stop(&o->timer);
    media_put_stop(&o->put);
    vendor_call_stop(&o->call);
    for (size_t i = 0; i < LIMIT_BLOBS; i++) {
        spool_file_drop(&o->blobs[i]);
    }
    spool_file_drop(&o->text);
    answer_free(&o->answer);
    json_decref(o->list);
    free(o);
    *po = NULL;
}
