/* call.c - one step of an adapter over the wire. */
#include "app/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/fleet.h"
#include "app/metrics.h"
#include "base/clock.h"
#include "base/mem.h"
#include "wire/jsonscan.h"

#define HIDDEN "****" /* what stands for the secret */

struct call {
    struct parts *parts;
    struct call_in in;
    struct vendor_call *vendor;
    struct timer timer; /* tells what failed before anything was sent */
    struct call_out out;
    struct spool_file *blobs[LIMIT_BLOBS + 1];
    /* the answer as it arrives */
    json_t *headers;
    struct jsonscan *json; /* NULL: not JSON */
    bool started;          /* the body's first byte was seen */
    int raw_blob;          /* -1: none */
    bool declared_json;
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
                                     .media = in->inputs ? in->inputs->media : NULL};

    return render_request(in->target->adapter, in->op, in->step, &render, ret_request, note);
}

void call_wire_init(struct call_wire *w, const struct parts *parts, const struct request *r,
                    const struct registry_key *key)
{
    size_t n = r->field_count < sizeof(w->fields) / sizeof(w->fields[0])
                   ? r->field_count
                   : sizeof(w->fields) / sizeof(w->fields[0]);

    memset(w, 0, sizeof(*w));
    for (size_t i = 0; i < n; i++) {
        w->fields[i] = (struct vendor_field){r->fields[i].name, r->fields[i].value};
    }
    w->request = (struct vendor_request){.method = r->method,
                                         .url = r->url,
                                         .fields = w->fields,
                                         .field_count = n,
                                         .timeout_ms = r->timeout_ms,
                                         .max_bytes = LIMIT_ANSWER_BYTES,
                                         .guarded = !r->secret_allowed, /* a URL that the vendor gave */
                                         .insecure_ok = parts->config->allow_http};
    if (!r->secret_allowed || !key) {
        return;
    }
    if (r->secret_name) {
        w->secret_value = request_secret_header(r, key->secret);
        w->secret = (struct vendor_field){r->secret_name, w->secret_value};
        w->request.secret = &w->secret;
    }
    if (r->secret_query) {
        w->secret_url = request_secret_url(r, key->secret);
        w->request.url = w->secret_url;
    }
}

static void wipe(char **text)
{
    if (*text) {
        explicit_bzero(*text, strlen(*text));
    }
    free(*text);
    *text = NULL;
}

void call_wire_done(struct call_wire *w)
{
    wipe(&w->secret_value);
    wipe(&w->secret_url);
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
        jsonscan_free(&c->json); /* nonsense: the answer is read as one without a body */
        note_set(&c->out.note, FAULT_VENDOR_ANSWER, "%s", note.text);
    }
    return FAULT_OK;
}

static void hide_in_text(json_t *text, const char *secret)
{
    size_t n = strlen(secret);
    const char *from = json_string_value(text), *at;
    struct buf out;

    if (!from || !strstr(from, secret)) {
        return;
    }
    buf_init(&out, json_string_length(text));
    for (; (at = strstr(from, secret)) != NULL; from = at + n) {
        buf_add(&out, from, (size_t)(at - from));
        buf_text(&out, HIDDEN);
    }
    buf_text(&out, from);
    json_string_setn(text, out.p, out.n);
    buf_done(&out);
}

/* What a vendor says ends in records, results and logs, and some repeat the key in it ("Incorrect API key
 * provided: …"). */
static void hide_secret(json_t *value, const char *secret)
{
    const char *name;
    json_t *item;
    size_t i;

    hide_in_text(value, secret);
    json_array_foreach(value, i, item)
    {
        hide_secret(item, secret);
    }
    json_object_foreach(value, name, item)
    {
        hide_secret(item, secret);
    }
}

static void call_read(struct call *c)
{
    const char *secret = c->in.key->secret;
    json_t *body = NULL;

    if (c->json && jsonscan_end(c->json, &body, &c->out.note) != FAULT_OK) {
        body = NULL;
    }
    if (strlen(secret) > strlen(HIDDEN)) { /* a shorter one is a simulator's, and stands in many words */
        hide_secret(body, secret);
        hide_secret(c->headers, secret);
    }
    const struct answer_in in = {.status = c->out.status,
                                 .headers = c->headers,
                                 .body = body,
                                 .raw_blob = c->raw_blob,
                                 .raw_bytes =
                                     c->raw_blob >= 0 && c->blobs[0] ? spool_file_bytes(c->blobs[0]) : 0,
                                 .vars = c->in.vars,
                                 .input = c->in.task->input,
                                 .wall_ms = clock_wall_ms()};
    c->out.fault =
        answer_read(c->in.target->adapter, c->in.op, c->in.step, &in, &c->out.answer, &c->out.note);
    json_decref(body);
}

static void call_tell(struct call *c)
{
    const char *adapter = adapter_name(c->in.target->adapter);
    enum answer_class class = c->out.answer ? c->out.answer->class : CLASS_COUNT;

    if (c->out.progress != VENDOR_NOT_SENT || c->out.fault == FAULT_OK) {
        metrics_vendor(c->parts->metrics, adapter, c->in.step, class, c->out.ms);
    }
    if (c->out.answer && c->out.answer->state_unknown) {
        metrics_unknown_word(c->parts->metrics, adapter);
    }
    c->out.blobs = c->blobs;
    c->fn(c->arg, &c->out);
    call_stop(&c);
}

static void on_end(void *arg, const struct vendor_end *end)
{
    struct call *c = arg;

    c->vendor = NULL;
    c->out.progress = end->progress;
    c->out.local = end->local;
    c->out.ms = end->total_ms;
    if (end->fault == FAULT_OK) {
        call_read(c);
    } else {
        c->out.fault = end->fault;
        note_set(&c->out.note, end->fault, "%s", end->text);
    }
    call_tell(c);
}

static bool on_before_send(void *arg)
{
    struct call *c = arg;

    return !c->in.before_send || c->in.before_send(c->arg);
}

static void on_not_sent(struct timer *t)
{
    call_tell(container_of(t, struct call, timer));
}

struct call *call_start(struct parts *parts, const struct call_in *in, call_fn *fn, void *arg)
{
    static const struct vendor_events events = {on_head, on_data, on_end};
    struct call *c = mem_new(sizeof(*c));
    struct request *r = NULL;
    struct call_wire wire;

    *c = (struct call){.parts = parts, .in = *in, .fn = fn, .arg = arg, .raw_blob = -1};
    c->out.fault = call_request(in, in->vars, &r, &c->out.note);
    if (c->out.fault != FAULT_OK) {
        timer_start(parts->loop, &c->timer, 0, on_not_sent);
        return c;
    }
    call_wire_init(&wire, parts, r, in->key);
    if (in->limit_ms && (!wire.request.timeout_ms || wire.request.timeout_ms > in->limit_ms)) {
        wire.request.timeout_ms = in->limit_ms;
    }
    static const struct inputs no_media;
    wire.request.body = inputs_body(in->inputs ? in->inputs : &no_media, r);
    c->vendor = vendor_call_start(parts->vendor, &wire.request, &events, on_before_send, c);
    call_wire_done(&wire);
    request_free(&r);
    return c;
}

enum vendor_progress call_stop(struct call **pc)
{
    struct call *c = *pc;
    enum vendor_progress progress = VENDOR_NOT_SENT;

    if (!c) {
        return progress;
    }
    if (c->vendor) {
        progress = vendor_call_stop(&c->vendor);
    }
    timer_stop(&c->timer);
    for (size_t i = 0; i < LIMIT_BLOBS; i++) {
        spool_file_drop(&c->blobs[i]);
    }
    answer_free(&c->out.answer);
    jsonscan_free(&c->json);
    json_decref(c->headers);
    free(c);
    *pc = NULL;
    return progress;
}
