/* http.c - HTTP/1.1 requests from bytes, and answer heads to bytes. */
#include "wire/http.h"

#include <assert.h>
#include <llhttp.h>
#include <stdlib.h>

#include "base/mem.h"
#include "wire/crlf.h"
#include "wire/field.h"
#include "wire/target.h"

/* Framing may cost this many bytes per byte of the body on top of the fixed part: enough for chunks of a
 * single byte, not for bombs of chunk extensions. */
#define FRAMING_PER_BYTE 8

/* Where in a message the parser stands. The head is collected whole and then parsed at once, so that its
 * slices point into one buffer. Of the rest llhttp gets one line or one stretch of body at a time: this file
 * knows by itself where each ends, and a message on whose end the two disagree is refused. */
enum phase {
    PHASE_HEAD,
    PHASE_BODY, /* of Content-Length */
    PHASE_CHUNK_SIZE,
    PHASE_CHUNK,
    PHASE_CHUNK_END,
    PHASE_TRAILERS,
    PHASE_DONE
};

struct http {
    llhttp_t parser;
    struct http_limits limits;
    const struct http_events *events;
    void *arg;
    enum phase phase;
    enum fault fault;  /* the parser has stopped */
    struct note *note; /* of the feed that runs */
    bool ended;        /* the feed that runs came to the end of a message */

    /* the head */
    struct buf text; /* what all slices of head point into */
    struct crlf guard;
    bool begun; /* a byte of the request line came */
    struct slice target;
    struct http_field *fields;
    size_t field_cap;
    struct http_head head;

    /* the body */
    uint64_t body_limit;
    uint64_t body_bytes; /* handed on so far */
    uint64_t framing_bytes;
    uint64_t left; /* of the body or of this chunk */

    /* what llhttp told during the run before */
    bool told_head;
    bool told_chunk;
    bool told_end;
};

static enum fault http_bad(struct http *h, const char *why)
{
    return note_set(h->note, FAULT_BAD_REQUEST, "the request is not valid HTTP/1.1: %s", why);
}

/* ---- what llhttp calls ---- */

/* Any error from a callback stops llhttp; which fault it is stands in the struct. */
static int on_method(llhttp_t *parser, const char *at, size_t n)
{
    struct http *h = parser->data;

    h->head.method = (struct slice){at, n};
    return 0;
}

static int on_url(llhttp_t *parser, const char *at, size_t n)
{
    struct http *h = parser->data;

    h->target = (struct slice){at, n};
    return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t n)
{
    struct http *h = parser->data;

    if (h->phase != PHASE_HEAD) {
        return 0; /* Trailers are checked and thrown away (RFC 9110 section 6.5.1). */
    }
    if (h->head.field_count == h->limits.header_count) {
        h->fault = note_set(h->note, FAULT_HEADERS_TOO_LARGE, "the request has more than %zu header fields",
                            h->limits.header_count);
        return -1;
    }
    if (h->head.field_count == h->field_cap) {
        h->field_cap = h->field_cap ? h->field_cap * 2 : 16;
        h->fields = mem_grow(h->fields, h->field_cap * sizeof(*h->fields));
    }
    h->fields[h->head.field_count++] = (struct http_field){{at, n}, {"", 0}};
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t n)
{
    struct http *h = parser->data;

    if (h->phase == PHASE_HEAD) {
        assert(h->head.field_count);
        h->fields[h->head.field_count - 1].value = slice_trim((struct slice){at, n});
    }
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct http *h = parser->data;
    struct http_head *head = &h->head;
    bool chunked = parser->flags & F_CHUNKED;
    bool sized = parser->flags & F_CONTENT_LENGTH;

    h->told_head = true;
    h->left = sized && !chunked ? parser->content_length : 0;
    head->http_1_0 = parser->http_minor == 0;
    head->keep_alive = !head->http_1_0 && llhttp_should_keep_alive(parser);
    head->has_body = chunked || h->left > 0;
    head->content_length = sized && !chunked && h->left <= INT64_MAX ? (int64_t)h->left : -1;
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t n)
{
    struct http *h = parser->data;

    h->left -= n;
    h->body_bytes += n;
    h->fault = h->events->body(h->arg, (struct slice){at, n});
    return h->fault ? -1 : 0;
}

static int on_chunk_header(llhttp_t *parser)
{
    struct http *h = parser->data;

    h->told_chunk = true;
    h->left = parser->content_length;
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    struct http *h = parser->data;

    h->told_end = true;
    return HPE_PAUSED; /* One message at a time: what follows waits for the answer. */
}

static const llhttp_settings_t callbacks = {
    .on_method = on_method,
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_header = on_chunk_header,
    .on_message_complete = on_message_complete,
};

/* Gives llhttp bytes that it must take to the last one. */
static enum fault http_run(struct http *h, struct slice bytes)
{
    llhttp_errno_t error = llhttp_execute(&h->parser, bytes.p, bytes.n);

    if (h->fault) {
        return h->fault;
    }
    if (error == HPE_PAUSED && h->told_end) {
        bool whole = llhttp_get_error_pos(&h->parser) == bytes.p + bytes.n;
        return whole ? FAULT_OK : http_bad(h, "it ends before its end");
    }
    return error == HPE_OK ? FAULT_OK : http_bad(h, llhttp_get_error_reason(&h->parser));
}

/* ---- the head ---- */

/* The rules about one field that llhttp leaves to its user; NULL, or what is wrong. */
static const char *http_check_field(struct http_head *head, const struct http_field *f)
{
    if (!field_token(f->name)) {
        return "a field name is not a token";
    }
    if (slice_is_nocase(f->name, "content-length") && !f->value.n) {
        return "Content-Length is empty";
    }
    if (slice_is_nocase(f->name, "transfer-encoding") &&
        (head->http_1_0 || !slice_is_nocase(f->value, "chunked"))) {
        /* Any other coding would reach the app undecoded. */
        return "the only Transfer-Encoding is chunked, and not on HTTP/1.0";
    }
    if (slice_is_nocase(f->name, "expect") && slice_is_nocase(f->value, "100-continue")) {
        head->expect_continue = head->has_body && !head->http_1_0;
    }
    return NULL;
}

static size_t http_count(const struct http *h, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < h->head.field_count; i++) {
        n += slice_is_nocase(h->fields[i].name, name);
    }
    return n;
}

static enum fault http_check_fields(struct http *h)
{
    for (size_t i = 0; i < h->head.field_count; i++) {
        const char *wrong = http_check_field(&h->head, &h->fields[i]);
        if (wrong) {
            return http_bad(h, wrong);
        }
    }
    size_t hosts = http_count(h, "host");
    if (hosts > 1 || (!hosts && !h->head.http_1_0)) {
        return http_bad(h, hosts ? "more than one Host" : "no Host");
    }
    return http_count(h, "transfer-encoding") > 1 ? http_bad(h, "more than one Transfer-Encoding") : FAULT_OK;
}

static enum fault http_end(struct http *h)
{
    h->phase = PHASE_DONE;
    h->ended = true;
    return h->events->end(h->arg);
}

static enum fault http_too_large(struct http *h)
{
    return note_set(h->note, FAULT_TOO_LARGE, "the request body is larger than %llu bytes",
                    (unsigned long long)h->body_limit);
}

static enum fault http_parse_head(struct http *h)
{
    enum fault fault = http_run(h, buf_slice(&h->text));

    if (fault) {
        return fault;
    }
    if (!h->told_head || !h->target.n || h->told_end == h->head.has_body) {
        return http_bad(h, "its head does not end where it should");
    }
    /* llhttp knows other versions and protocols, and takes several spaces for one. */
    const char *version = h->target.p + h->target.n;
    if (h->target.p != h->head.method.p + h->head.method.n + 1 ||
        (strncmp(version, " HTTP/1.1\r\n", 11) != 0 && strncmp(version, " HTTP/1.0\r\n", 11) != 0)) {
        return http_bad(h, "the request line is not of HTTP/1.1 or HTTP/1.0");
    }
    /* In place: the text is ours, and llhttp is done with it. */
    char *path = h->text.p + (h->target.p - h->text.p);
    const char *wrong = target_split(h->target, path, &h->head.path, &h->head.query);
    if (wrong) {
        return http_bad(h, wrong);
    }
    h->head.fields = h->fields;
    return http_check_fields(h);
}

/* The head is whole: parses it, tells it, and finds out what follows. */
static enum fault http_tell_head(struct http *h)
{
    enum fault fault = http_parse_head(h);

    if (!fault) {
        fault = h->events->head(h->arg, &h->head);
    }
    if (fault) {
        return fault;
    }
    if (h->left > h->body_limit) {
        return http_too_large(h);
    }
    if (!h->head.has_body) {
        return http_end(h);
    }
    h->phase = h->left ? PHASE_BODY : PHASE_CHUNK_SIZE;
    return FAULT_OK;
}

static enum fault http_take_head(struct http *h, struct slice bytes, size_t *ret_used)
{
    size_t room = h->limits.header_bytes - h->text.n;
    size_t n = bytes.n < room ? bytes.n : room;
    size_t used = 0;
    bool whole = false;

    while (!whole && used < n) {
        size_t part;
        enum crlf_end end = crlf_scan(&h->guard, (struct slice){bytes.p + used, n - used}, &part);
        if (end == CRLF_BAD) {
            return http_bad(h, "a stray CR, LF, NUL or white space in its head");
        }
        /* Empty lines before the request line are skipped (RFC 9112 section 2.2). */
        whole = end == CRLF_BLANK && h->begun;
        h->begun = h->begun || end == CRLF_LINE || crlf_in_line(&h->guard);
        used += part;
    }
    buf_add(&h->text, bytes.p, used);
    *ret_used = used;
    if (whole) {
        return http_tell_head(h);
    }
    return used == bytes.n ? FAULT_OK
                           : note_set(h->note, FAULT_HEADERS_TOO_LARGE,
                                      "the request line and the headers are longer than %zu bytes",
                                      h->limits.header_bytes);
}

/* ---- the body ---- */

static enum fault http_take_body(struct http *h, struct slice bytes, size_t *ret_used)
{
    size_t n = bytes.n < h->left ? bytes.n : (size_t)h->left;
    uint64_t after = h->left - n;
    enum fault fault = http_run(h, (struct slice){bytes.p, n});

    *ret_used = n;
    if (fault) {
        return fault;
    }
    if (h->left != after || h->told_end != (h->phase == PHASE_BODY && !after)) {
        return http_bad(h, "its body does not end where it should");
    }
    if (h->phase == PHASE_BODY) {
        return after ? FAULT_OK : http_end(h);
    }
    h->phase = after ? PHASE_CHUNK : PHASE_CHUNK_END;
    return FAULT_OK;
}

/* A line of the framing is whole, and llhttp took it. */
static enum fault http_end_line(struct http *h, bool blank)
{
    switch (h->phase) {
    case PHASE_CHUNK_SIZE:
        if (blank || !h->told_chunk || h->told_end) {
            return http_bad(h, "a line that is no chunk size");
        }
        h->told_chunk = false;
        if (h->left > h->body_limit - h->body_bytes) {
            return http_too_large(h);
        }
        h->phase = h->left ? PHASE_CHUNK : PHASE_TRAILERS;
        return FAULT_OK;
    case PHASE_CHUNK_END:
        h->phase = PHASE_CHUNK_SIZE;
        return h->told_end ? http_bad(h, "it ends before its last chunk") : FAULT_OK;
    default:
        if (blank != h->told_end) {
            return http_bad(h, "its trailers do not end where they should");
        }
        return blank ? http_end(h) : FAULT_OK;
    }
}

/* Takes framing: a chunk's size, the line end behind its bytes, or the trailers. */
static enum fault http_take_line(struct http *h, struct slice bytes, size_t *ret_used)
{
    uint64_t room = h->limits.header_bytes + FRAMING_PER_BYTE * h->body_bytes - h->framing_bytes;
    struct slice part = {bytes.p, bytes.n < room ? bytes.n : (size_t)room};
    enum crlf_end end = crlf_scan(&h->guard, part, &part.n);

    *ret_used = part.n;
    h->framing_bytes += part.n;
    enum fault fault = http_run(h, part);
    if (fault) {
        return fault;
    }
    if (h->phase == PHASE_CHUNK_END && (end == CRLF_LINE || crlf_in_line(&h->guard))) {
        return http_bad(h, "a chunk longer than its size");
    }
    switch (end) {
    case CRLF_BAD:
        return http_bad(h, "a stray CR, LF, NUL or white space in its chunks");
    case CRLF_MORE:
        return part.n == bytes.n
                   ? FAULT_OK
                   : note_set(h->note, FAULT_TOO_LARGE, "chunk extensions or trailers are too large");
    default:
        return http_end_line(h, end == CRLF_BLANK);
    }
}

/* ---- the parser ---- */

static void http_begin(struct http *h)
{
    /* A fresh llhttp for each message: nothing of the last one can leak into the next. */
    llhttp_init(&h->parser, HTTP_REQUEST, &callbacks);
    h->parser.data = h;
    h->phase = PHASE_HEAD;
    buf_reset(&h->text);
    h->guard = (struct crlf){0};
    h->begun = false;
    h->target = (struct slice){NULL, 0};
    h->head = (struct http_head){.content_length = -1};
    h->body_limit = h->limits.body_bytes;
    h->body_bytes = h->framing_bytes = h->left = 0;
    h->told_head = h->told_chunk = h->told_end = false;
}

struct http *http_new(const struct http_limits *limits, const struct http_events *events, void *arg)
{
    struct http *h = mem_new(sizeof(*h));

    h->limits = *limits;
    h->events = events;
    h->arg = arg;
    buf_init(&h->text, limits->header_bytes);
    http_begin(h);
    return h;
}

void http_free(struct http **h)
{
    if (*h) {
        buf_done(&(*h)->text);
        free((*h)->fields);
        free(*h);
        *h = NULL;
    }
}

enum fault http_feed(struct http *h, struct slice bytes, size_t *ret_used, struct note *note)
{
    size_t used = 0;

    h->note = note;
    h->ended = h->phase == PHASE_DONE;
    while (!h->fault && !h->ended && used < bytes.n) {
        struct slice rest = {bytes.p + used, bytes.n - used};
        size_t n = 0;
        if (h->phase == PHASE_HEAD) {
            h->fault = http_take_head(h, rest, &n);
        } else if (h->phase == PHASE_BODY || h->phase == PHASE_CHUNK) {
            h->fault = http_take_body(h, rest, &n);
        } else {
            h->fault = http_take_line(h, rest, &n);
        }
        used += n;
    }
    h->note = NULL;
    *ret_used = used;
    return h->fault;
}

void http_next(struct http *h)
{
    assert(h->phase == PHASE_DONE);
    http_begin(h);
}

bool http_in_message(const struct http *h)
{
    return h->phase != PHASE_DONE && h->begun;
}

bool http_in_head(const struct http *h)
{
    return h->phase == PHASE_HEAD && h->begun;
}

void http_body_limit(struct http *h, uint64_t bytes)
{
    h->body_limit = bytes;
}

/* ---- the head, asked ---- */

struct slice http_find(const struct http_head *head, const char *name)
{
    for (size_t i = 0; i < head->field_count; i++) {
        if (slice_is_nocase(head->fields[i].name, name)) {
            return head->fields[i].value;
        }
    }
    return (struct slice){NULL, 0};
}

bool http_query(const struct http_head *head, const char *name, char *out, size_t size)
{
    return target_param(head->query, name, out, size);
}
