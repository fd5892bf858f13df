/* call.c - one step of an adapter over the wire. */
#include "app/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/call_wire.h"
#include "app/fleet.h"
#include "app/metrics.h"
#include "base/clock.h"
#include "base/mem.h"
#include "wire/jsonscan.h"

struct call {
    struct parts *parts;
    struct call_in in;
    struct call_wire *wire;
    bool without_secret;
    bool renewed;       /* its token was refused, and it went again with another */
    struct timer timer; /* tells what failed before anything was sent */
    struct call_out out;
    struct spool_file *blobs[LIMIT_BLOBS + 1];
    /* the answer as it arrives */
    json_t *headers;
    struct jsonscan *json; /* NULL: not JSON */
    bool started;          /* the body's first byte was seen */
    int raw_blob;          /* -1: none */
    bool declared_json;
    bool unreadable; /* it was to be JSON, and the note says what is wrong with it */
    call_fn *fn;
    void *arg;
};

/* ---- the request ---- */

enum fault call_request(const struct call_in *in, const json_t *vars, struct request **ret_request,
                        struct note *note)
{
    const struct render_in render = {.input = in->inputs ? in->inputs->input : in->task->input,
                                     .vars = vars,
                                     .base = in->target->base,
                                     .model = in->target->vendor_model,
                                     .task = in->task->id,
                                     .idem = in->idem,
                                     .kind = task_kind_text(in->task->kind),
                                     .media = in->inputs ? in->inputs->media : NULL,
                                     .options = in->target->options,
                                     .deadline_s = in->deadline_s,
                                     .medium = in->medium,
                                     .unsupported = in->target->unsupported};

    return in->step == STEP_UPLOAD
               ? render_upload(in->op, in->upload, in->upload_step, &render, ret_request, note)
               : render_request(in->target->adapter, in->op, in->step, &render, ret_request, note);
}

/* ---- the answer ---- */

static enum fault blob_begin(void *arg, size_t index)
{
    struct call *c = arg;

    c->blobs[index] = spool_file_new(c->parts->spool, LIMIT_ANSWER_BYTES);
    c->out.blob_count = index + 1;
    return c->blobs[index] ? FAULT_OK : FAULT_OVERLOADED;
}

static enum fault blob_data(void *arg, struct slice bytes)
{
    struct call *c = arg;

    return spool_file_add(c->blobs[c->out.blob_count - 1], bytes);
}

static enum fault blob_end(void *arg)
{
    (void)arg;
    return FAULT_OK;
}

static enum fault on_head(void *arg, int status, const struct vendor_field *fields, size_t n)
{
    struct call *c = arg;

    c->out.status = status;
    json_decref(c->headers);
    c->headers = json_object();
    for (size_t i = 0; i < n; i++) {
        json_object_set_new(c->headers, fields[i].name, json_string(fields[i].value));
    }
    const char *type = json_string_value(json_object_get(c->headers, "content-type"));
    c->declared_json = type && strcasestr(type, "json");
    return FAULT_OK;
}

/* The first bytes tell whether the body is JSON: declared so, or not declared as media and beginning like it.
 */
static void answer_begin(struct call *c, struct slice bytes)
{
    static const struct jsonscan_sink sink = {blob_begin, blob_data, blob_end};
    const char *type = json_string_value(json_object_get(c->headers, "content-type"));
    bool media =
        type && (!strncasecmp(type, "image/", 6) || !strncasecmp(type, "audio/", 6) ||
                 !strncasecmp(type, "video/", 6) || !strncasecmp(type, "application/octet-stream", 24));
    size_t at = strspn(bytes.p, " \t\r\n");
    bool looks = at < bytes.n && (bytes.p[at] == '{' || bytes.p[at] == '[');

    c->started = true;
    if (c->declared_json || (!media && looks)) {
        c->json = jsonscan_new(&jsonscan_default, &sink, c);
        if (adapter_step_hex(c->in.op, c->in.step)) {
            jsonscan_hex(c->json);
        }
    } else {
        c->raw_blob = 0;
        c->blobs[0] = spool_file_new(c->parts->spool, LIMIT_ANSWER_BYTES);
        c->out.blob_count = 1;
    }
}

static enum fault on_data(void *arg, struct slice bytes, bool *pause)
{
    struct call *c = arg;
    struct note note = {0};

    (void)pause;
    if (!c->started && bytes.n) {
        char first[64];
        size_t n = bytes.n < sizeof(first) - 1 ? bytes.n : sizeof(first) - 1;
        memcpy(first, bytes.p, n);
        first[n] = '\0';
        answer_begin(c, (struct slice){first, n});
    }
    if (c->raw_blob >= 0) {
        return c->blobs[0] ? spool_file_add(c->blobs[0], bytes) : FAULT_OVERLOADED;
    }
    if (c->json && jsonscan_feed(c->json, bytes, &note) != FAULT_OK) {
        c->unreadable = true;
        jsonscan_free(&c->json); /* nonsense: the answer is read as one without a body */
        note_set(&c->out.note, FAULT_VENDOR_ANSWER, "%s", note.text);
    }
    return FAULT_OK;
}

/* An answer without a body says little. Why it has none is what people need to know; the reason may quote the
 * answer. */
static void call_blame(const struct call *c, struct answer *a)
{
    json_t *why = c->unreadable && a && a->class != CLASS_OK ? json_string(c->out.note.text) : NULL;

    if (why) {
        call_wire_hide(c->wire, why);
        free(a->text);
        a->text = mem_printf("the vendor's answer (HTTP status %d) cannot be read: %s", c->out.status,
                             json_string_value(why));
    }
    json_decref(why);
}

static void call_read(struct call *c)
{
    json_t *body = NULL;

    if (c->json && jsonscan_end(c->json, &body, &c->out.note) != FAULT_OK) {
        c->unreadable = true;
        body = NULL;
    }
    call_wire_hide(c->wire, body);
    call_wire_hide(c->wire, c->headers);
    const struct answer_in in = {.status = c->out.status,
                                 .headers = c->headers,
                                 .body = body,
                                 .raw_blob = c->raw_blob,
                                 .raw_bytes =
                                     c->raw_blob >= 0 && c->blobs[0] ? spool_file_bytes(c->blobs[0]) : 0,
                                 .vars = c->in.vars,
                                 .input = c->in.task->input,
                                 .options = c->in.target->options,
                                 .model = c->in.target->vendor_model,
                                 .medium = c->in.medium,
                                 .without_secret = c->without_secret,
                                 .wall_ms = clock_wall_ms()};
    c->out.fault =
        c->in.step == STEP_UPLOAD
            ? answer_read_upload(c->in.op, c->in.upload, c->in.upload_step, &in, &c->out.answer, &c->out.note)
            : answer_read(c->in.target->adapter, c->in.op, c->in.step, &in, &c->out.answer, &c->out.note);
    call_blame(c, c->out.answer);
    json_decref(body);
}

static void call_count(const struct call *c)
{
    const char *adapter = adapter_name(c->in.target->adapter);
    enum answer_class class = c->out.answer ? c->out.answer->class : CLASS_COUNT;

    if (c->out.progress != VENDOR_NOT_SENT || c->out.fault == FAULT_OK) {
        metrics_vendor(c->parts->metrics, adapter, c->in.step, class, c->out.ms);
    }
    if (c->out.answer && c->out.answer->state_unknown) {
        metrics_unknown_word(c->parts->metrics, adapter);
    }
}

static void call_tell(struct call *c)
{
    call_count(c);
    c->out.blobs = c->blobs;
    c->fn(c->arg, &c->out);
    call_stop(&c);
}

/* ---- the exchange ---- */

static void on_not_sent(struct timer *t)
{
    call_tell(container_of(t, struct call, timer));
}

static bool on_before_send(void *arg)
{
    struct call *c = arg;

    return !c->in.before_send || c->in.before_send(c->arg);
}

static void on_end(void *arg, const struct vendor_end *end);

/* False: it cannot be rendered; the note says why. */
static bool call_send(struct call *c)
{
    static const struct vendor_events events = {on_head, on_data, on_end};
    static const struct inputs no_media;
    struct request *r = NULL;
    int64_t limit = c->in.limit_ms;

    c->out.fault = call_request(&c->in, c->in.vars, &r, &c->out.note);
    if (c->out.fault != FAULT_OK) {
        return false;
    }
    c->without_secret = r->auth == AUTH_NONE;
    const struct call_wire_in wire = {
        .target = c->in.target,
        .key = c->in.key,
        .request = r,
        .body = inputs_body(c->in.inputs ? c->in.inputs : &no_media, r),
        .timeout_ms = limit && (!r->timeout_ms || r->timeout_ms > limit) ? limit : r->timeout_ms,
        .max_bytes = LIMIT_ANSWER_BYTES,
        .events = &events,
        .before_send = on_before_send,
        .arg = c};
    c->wire = call_wire_start(c->parts, &wire);
    return true;
}

/* Forgets an answer, so that another one can come. */
static void call_clear(struct call *c)
{
    for (size_t i = 0; i < LIMIT_BLOBS; i++) {
        spool_file_drop(&c->blobs[i]);
    }
    answer_free(&c->out.answer);
    jsonscan_free(&c->json);
    json_decref(c->headers);
    c->headers = NULL;
    c->out = (struct call_out){.fault = FAULT_OK};
    c->started = c->declared_json = c->unreadable = false;
    c->raw_blob = -1;
}

/* An answer of class reauth_once: the token may have been taken back before its end. With a new one the same
 * request is sent once more, if this one was surely refused; else the key is at fault. */
static bool call_renews(struct call *c)
{
    struct answer *a = c->out.answer;

    if (!a || a->class != CLASS_REAUTH_ONCE) {
        return false;
    }
    bool refused = c->in.step != STEP_SUBMIT || a->accepted == ACCEPTED_NO;
    if (!c->renewed && refused && call_wire_refused(c->wire)) {
        return true;
    }
    a->class = CLASS_AUTH;
    return false;
}

static void call_again(struct call *c)
{
    call_count(c);
    call_clear(c);
    c->renewed = true;
    if (!call_send(c)) {
        timer_start(c->parts->loop, &c->timer, 0, on_not_sent);
    }
}

static void on_end(void *arg, const struct vendor_end *end)
{
    struct call *c = arg;

    c->out.progress = end->progress;
    c->out.local = end->local;
    c->out.ms = end->total_ms;
    if (end->fault == FAULT_OK) {
        call_read(c);
    } else if (end->fault == FAULT_VENDOR_AUTH) { /* of its token endpoint, or of the key's form */
        c->out.answer = answer_refused(CLASS_AUTH, end->text);
    } else {
        c->out.fault = end->fault;
        note_set(&c->out.note, end->fault, "%s", end->text);
    }
    bool again = call_renews(c);
    c->wire = NULL; /* it ends when this returns */
    if (again) {
        call_again(c);
    } else {
        call_tell(c);
    }
}

struct call *call_start(struct parts *parts, const struct call_in *in, call_fn *fn, void *arg)
{
    struct call *c = mem_new(sizeof(*c));

    *c = (struct call){.parts = parts, .in = *in, .fn = fn, .arg = arg, .raw_blob = -1};
    if (!call_send(c)) {
        timer_start(parts->loop, &c->timer, 0, on_not_sent);
    }
    return c;
}

enum vendor_progress call_stop(struct call **pc)
{
    struct call *c = *pc;
    if (!c) {
        return VENDOR_NOT_SENT;
    }
    enum vendor_progress progress = call_wire_stop(&c->wire);
    timer_stop(&c->timer);
    call_clear(c);
    free(c);
    *pc = NULL;
    return progress;
}
