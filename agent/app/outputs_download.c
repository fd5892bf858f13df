/* outputs_download.c - an output that is a URL: into the store while it comes, and a fresh URL for one that
 * has expired. */
#include "app/outputs_internal.h"

#include "app/fleet.h"
#include "app/metrics.h"
#include "base/clock.h"

#define MIN_MS    1000 /* for a download, however late it is */
#define REFRESHES 3    /* of URLs that have expired, in one try */

/* A host that gives a byte now and then does not hold the task beyond its deadline. */
static int64_t outputs_left_ms(const struct outputs *o)
{
    const struct task *t = o->in.task;
    int64_t left = t->accepted_ms + t->deadline_ms - fleet_now_ms(o->parts->fleet);

    return left > MIN_MS ? left : MIN_MS;
}

static enum fault download_head(void *arg, int status, const struct vendor_field *fields, size_t n)
{
    struct outputs *o = arg;

    if (status >= 200 && status <= 299) {
        return FAULT_OK;
    }
    json_t *headers = json_object();
    for (size_t i = 0; i < n; i++) {
        json_object_set_new(headers, fields[i].name, json_string(fields[i].value));
    }
    json_decref(o->head);
    o->head = json_pack("{s:i,s:o}", "status", status, "headers", headers);
    return note_set(&o->note, FAULT_OUTPUT_LOST, "the download of an output was answered with status %d",
                    status);
}

static enum fault download_data(void *arg, struct slice bytes, bool *pause)
{
    struct outputs *o = arg;

    o->at += bytes.n;
    *pause = !media_put_add(o->put, bytes);
    return FAULT_OK;
}

/* What the answer that was no download means by the adapter's rules; CLASS_COUNT: there was none. */
static enum answer_class download_class(struct outputs *o)
{
    const struct answer_in in = {.status = (int)json_integer_value(json_object_get(o->head, "status")),
                                 .headers = json_object_get(o->head, "headers"),
                                 .raw_blob = -1,
                                 .vars = o->vars,
                                 .input = o->in.task->input,
                                 .options = o->in.target->options,
                                 .model = o->in.target->vendor_model,
                                 .wall_ms = clock_wall_ms()};
    enum answer_class class = CLASS_COUNT;
    struct answer *a = NULL;

    if (o->head &&
        answer_read(o->in.target->adapter, o->in.op, STEP_DOWNLOAD, &in, &a, &o->note) == FAULT_OK) {
        class = a->class;
    }
    answer_free(&a);
    json_decref(o->head);
    o->head = NULL;
    return class;
}

/* Fresh URLs have come: those of outputs that are not stored yet are used. */
static void on_refreshed(void *arg, struct call_out *out)
{
    struct outputs *o = arg;
    struct answer *a = out->answer;

    o->refresh = NULL;
    if (out->fault != FAULT_OK || a->class != CLASS_OK || a->output_count != o->answer->output_count) {
        log_info(o->parts->log, "asking for fresh output URLs failed", LOG_TEXT("task", o->in.task->id),
                 LOG_TEXT("why", a && a->text ? a->text : out->note.text));
        outputs_end(o, FAULT_OUTPUT_LOST); /* the note is the download's */
        return;
    }
    out->answer = NULL;
    outputs_take(o, a, out->blobs, out->blob_count);
    o->note = (struct note){0};
    outputs_next(o);
}

/* The URL has expired. False: no step gives another, or several others have expired as well. */
static bool download_refresh(struct outputs *o)
{
    struct call_in in = o->in;

    in.step = adapter_refresh(o->in.op);
    if (in.step == STEP_COUNT || o->refreshes >= REFRESHES) {
        return false;
    }
    o->refreshes++;
    in.vars = o->vars;
    in.inputs = NULL;
    in.before_send = NULL;
    in.limit_ms = outputs_left_ms(o);
    log_info(o->parts->log, "an output's URL has expired", LOG_TEXT("task", o->in.task->id),
             LOG_TEXT("why", o->note.text), LOG_TEXT("next", adapter_step_text(in.step)));
    o->refresh = call_start(o->parts, &in, on_refreshed, o);
    return true;
}

static bool class_passes(enum answer_class class)
{
    enum answer_action action = answer_class_action(class);

    return action == ACTION_RETRY || action == ACTION_WAIT;
}

static void download_end(void *arg, const struct vendor_end *end)
{
    struct outputs *o = arg;
    enum fault fault = end->fault;
    enum answer_class class = download_class(o);

    bool again = class == CLASS_REAUTH_ONCE && !o->renewed && call_wire_refused(o->call);
    o->call = NULL; /* it ends when this returns */
    if (fault == FAULT_OK && o->at == 0) {
        fault = note_set(&o->note, FAULT_OUTPUT_LOST, "the download of an output gave no bytes");
    }
    metrics_vendor(o->parts->metrics, adapter_name(o->in.target->adapter), STEP_DOWNLOAD,
                   fault == FAULT_OK ? CLASS_OK : class, end->total_ms);
    if (fault == FAULT_OK) {
        media_put_end(o->put);
        return;
    }
    media_put_stop(&o->put);
    o->passing = class != CLASS_COUNT ? class_passes(class) : fault == FAULT_VENDOR_UNAVAILABLE;
    if (again) {
        o->renewed = true;
        o->note = (struct note){0};
        outputs_next(o);
        return;
    }
    if (class == CLASS_NOT_FOUND && download_refresh(o)) {
        return;
    }
    if (fault != FAULT_HOST_REFUSED && fault != FAULT_TOO_LARGE) {
        fault = FAULT_OUTPUT_LOST;
    }
    outputs_end(o, note_set(&o->note, fault, "the download of an output failed: %s", end->text));
}

/* The download's request by the adapter's rule; a URL that is not one of the vendor's hosts goes without the
 * secret and through the guard. */
void outputs_download(struct outputs *o, const struct answer_output *from)
{
    static const struct vendor_events events = {download_head, download_data, download_end};
    json_t *vars = json_copy(o->vars);
    struct call_in in = o->in;
    struct request *r = NULL;

    in.step = STEP_DOWNLOAD;
    json_object_set_new(vars, "url", json_string(from->url));
    enum fault fault = call_request(&in, vars, &r, &o->note);
    json_decref(vars);
    if (fault != FAULT_OK) { /* its text may quote what stands in the URL */
        o->note = (struct note){0};
        outputs_end(o, note_set(&o->note, FAULT_HOST_REFUSED,
                                "the vendor gave an output URL that is not one that may be fetched"));
        return;
    }
    const struct call_wire_in wire = {.target = o->in.target,
                                      .key = from->secret ? o->in.key : NULL,
                                      .request = r,
                                      .timeout_ms = outputs_left_ms(o),
                                      .max_bytes = (uint64_t)o->parts->config->max_media_bytes,
                                      .media = true,
                                      .events = &events,
                                      .arg = o};
    o->at = 0;
    outputs_put(o);
    o->call = call_wire_start(o->parts, &wire);
}
