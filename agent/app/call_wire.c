/* call_wire.c - gets a request's credentials, puts them in, and sends it. */
#include "app/call_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/tokens.h"
#include "base/clock.h"
#include "base/mem.h"
#include "wire/digest.h"

#define HASH_HERE_BYTES (256 * KIB) /* a longer body is hashed on another thread */
#define PIECE_BYTES     (64 * KIB)

struct call_wire {
    struct parts *parts;
    struct call_wire_in in;
    struct credential_secret *secret; /* NULL: it goes without */
    struct tokens_wait *waiting;
    char *token;
    struct hashing *hashing;
    char digest[DIGEST_HEX_CHARS + 1]; /* of the body; empty until it is hashed */
    struct vendor_call *call;
    struct timer timer; /* tells what failed before the vendor was called */
    struct vendor_end end;
};

static struct credential_in wire_credential(const struct call_wire *w)
{
    return (struct credential_in){.adapter = w->in.target->adapter,
                                  .secret = w->secret,
                                  .base = w->in.target->base,
                                  .options = w->in.target->options,
                                  .token = w->token};
}

static struct tokens_for wire_token(const struct call_wire *w)
{
    return (struct tokens_for){
        .in = wire_credential(w), .key = w->in.key->id, .insecure_ok = w->parts->config->allow_http};
}

/* ---- ends ---- */

static void wire_free(struct call_wire *w)
{
    timer_stop(&w->timer);
    tokens_stop(&w->waiting);
    body_free(&w->in.body);
    request_free(&w->in.request);
    credential_secret_free(&w->secret);
    if (w->token) {
        explicit_bzero(w->token, strlen(w->token));
    }
    free(w->token);
    free(w);
}

static void wire_end(struct call_wire *w, const struct vendor_end *end)
{
    w->call = NULL;
    w->in.events->end(w->in.arg, end);
    wire_free(w);
}

static void on_failed(struct timer *t)
{
    struct call_wire *w = container_of(t, struct call_wire, timer);

    wire_end(w, &w->end);
}

/* Without credentials nothing is sent. Whatever it was, it is either the key's fault or will pass. */
static void wire_fail(struct call_wire *w, enum fault fault, const struct note *note)
{
    bool key = fault == FAULT_VENDOR_AUTH || fault == FAULT_BAD_VALUE || fault == FAULT_CONFIG;

    w->end = (struct vendor_end){.fault = key ? FAULT_VENDOR_AUTH : FAULT_VENDOR_UNAVAILABLE,
                                 .progress = VENDOR_NOT_SENT,
                                 .local = !key};
    snprintf(w->end.text, sizeof(w->end.text), "%s", note_text(note, fault));
    timer_start(w->parts->loop, &w->timer, 0, on_failed);
}

/* ---- sending ---- */

static enum fault on_head(void *arg, int status, const struct vendor_field *fields, size_t n)
{
    const struct call_wire *w = arg;

    return w->in.events->head(w->in.arg, status, fields, n);
}

static enum fault on_data(void *arg, struct slice bytes, bool *pause)
{
    const struct call_wire *w = arg;

    return w->in.events->data(w->in.arg, bytes, pause);
}

static void on_end(void *arg, const struct vendor_end *end)
{
    wire_end(arg, end);
}

static bool on_before_send(void *arg)
{
    const struct call_wire *w = arg;

    return !w->in.before_send || w->in.before_send(w->in.arg);
}

/* Fields of a request as the vendor edge takes them; they live as long as from. */
static size_t wire_fields(const struct request_field *from, size_t n, struct vendor_field *out, size_t max)
{
    for (size_t i = 0; i < n && i < max; i++) {
        out[i] = (struct vendor_field){from[i].name, from[i].value};
    }
    return n < max ? n : max;
}

static void wire_call(struct call_wire *w, const struct credential_put *put)
{
    static const struct vendor_events events = {on_head, on_data, on_end};
    const struct request *r = w->in.request;
    struct vendor_field fields[REQUEST_FIELDS_MAX], secrets[CREDENTIAL_FIELDS];
    const struct vendor_request request = {
        .method = r->method,
        .url = put->url ? put->url : r->url,
        .fields = fields,
        .field_count = wire_fields(r->fields, r->field_count, fields, REQUEST_FIELDS_MAX),
        .secrets = secrets,
        .secret_count = wire_fields(put->fields, put->field_count, secrets, CREDENTIAL_FIELDS),
        .body = w->in.body,
        .timeout_ms = w->in.timeout_ms,
        .max_bytes = w->in.max_bytes,
        .media = w->in.media,
        .guarded = !r->secret_allowed,
        .insecure_ok = w->parts->config->allow_http};

    w->in.body = NULL;
    w->call = vendor_call_start(w->parts->vendor, &request, &events, on_before_send, w);
}

static void wire_send(struct call_wire *w)
{
    struct credential_put put = {.url = NULL};
    struct note note = {0};

    if (w->secret) {
        const struct credential_in in = wire_credential(w);
        if (credential_put(&in, w->in.request, w->digest, clock_wall_ms(), &put, &note)) {
            wire_fail(w, FAULT_VENDOR_AUTH, &note);
            return;
        }
    }
    wire_call(w, &put);
    credential_put_done(&put);
}

/* ---- hashing ---- */

/* A body that is being hashed on another thread, whose it is until then. */
struct hashing {
    struct call_wire *wire; /* NULL: it was stopped */
    struct body *body;
    char digest[DIGEST_HEX_CHARS + 1]; /* empty: the body cannot be read */
};

static void hash_body(const struct body *body, char out[DIGEST_HEX_CHARS + 1])
{
    unsigned char bytes[DIGEST_BYTES];
    char *piece = mem_new(PIECE_BYTES);
    struct digest *d = digest_new();
    uint64_t at = 0;
    long n = 0;

    while (body && (n = body_read(body, at, piece, PIECE_BYTES)) > 0) {
        digest_add(d, piece, (size_t)n);
        at += (uint64_t)n;
    }
    digest_end(d, bytes);
    digest_hex(bytes, out);
    if (n < 0) {
        out[0] = '\0';
    }
    digest_free(&d);
    free(piece);
}

static void wire_hashed(struct call_wire *w)
{
    struct note note = {0};

    if (w->digest[0]) {
        wire_send(w);
    } else {
        note_set(&note, FAULT_IO, "the request's body could not be read");
        wire_fail(w, FAULT_IO, &note);
    }
}

static void hash_work(void *arg)
{
    struct hashing *h = arg;

    hash_body(h->body, h->digest);
}

static void hash_done(void *arg)
{
    struct hashing *h = arg;
    struct call_wire *w = h->wire;

    if (w) {
        w->hashing = NULL;
        w->in.body = h->body;
        h->body = NULL;
        memcpy(w->digest, h->digest, sizeof(w->digest));
        wire_hashed(w);
    }
    body_free(&h->body);
    free(h);
}

/* A signature covers the very bytes that are sent. */
static void wire_hash(struct call_wire *w)
{
    if (!w->in.body || body_bytes(w->in.body) <= HASH_HERE_BYTES) {
        hash_body(w->in.body, w->digest);
        wire_hashed(w);
        return;
    }
    w->hashing = mem_new(sizeof(*w->hashing));
    *w->hashing = (struct hashing){.wire = w, .body = w->in.body};
    w->in.body = NULL;
    loop_work(w->parts->loop, hash_work, hash_done, w->hashing);
}

/* ---- credentials ---- */

static void on_token(void *arg, enum fault fault, const struct note *note, const char *token)
{
    struct call_wire *w = arg;

    w->waiting = NULL;
    if (fault) {
        wire_fail(w, fault, note);
        return;
    }
    w->token = mem_text(token);
    wire_send(w);
}

/* The key's secret, and what else the credentials of this request need before they can be put in. */
static void wire_begin(struct call_wire *w)
{
    bool with = w->in.request->auth != AUTH_NONE && w->in.key;
    struct note note = {0};

    if (with && credential_secret_read(w->in.target->adapter, w->in.key->secret, &w->secret, &note)) {
        wire_fail(w, FAULT_VENDOR_AUTH, &note);
    } else if (with && credential_has_token(w->in.target->adapter)) {
        const struct tokens_for what = wire_token(w);
        w->waiting = tokens_get(w->parts->tokens, &what, on_token, w);
    } else if (with && w->in.request->auth == AUTH_AWS) {
        wire_hash(w);
    } else {
        wire_send(w);
    }
}

struct call_wire *call_wire_start(struct parts *parts, const struct call_wire_in *in)
{
    struct call_wire *w = mem_new(sizeof(*w));

    *w = (struct call_wire){.parts = parts, .in = *in};
    wire_begin(w);
    return w;
}

void call_wire_resume(struct call_wire *w)
{
    if (w->call) {
        vendor_call_resume(w->call);
    }
}

enum vendor_progress call_wire_stop(struct call_wire **pw)
{
    struct call_wire *w = *pw;
    enum vendor_progress progress = VENDOR_NOT_SENT;

    if (!w) {
        return progress;
    }
    if (w->call) {
        progress = vendor_call_stop(&w->call);
    }
    if (w->hashing) {
        w->hashing->wire = NULL;
    }
    wire_free(w);
    *pw = NULL;
    return progress;
}

void call_wire_hide(const struct call_wire *w, json_t *value)
{
    if (w->secret) {
        const struct credential_in in = wire_credential(w);
        credential_hide(value, &in);
    }
}

bool call_wire_refused(struct call_wire *w)
{
    if (!w->token) {
        return false;
    }
    const struct tokens_for what = wire_token(w);
    tokens_refused(w->parts->tokens, &what, w->token);
    return true;
}
