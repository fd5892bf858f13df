/* jsonscan.c - reads JSON from a stream, and takes long base64 strings out of it before any JSON library sees
 * them.
 *
 * Three layers, from the outside in. The lexer cuts the bytes into tokens and checks the order of them, so
 * that what reaches `text` is JSON with small strings only. A string is undone of its escapes as it comes,
 * and is either kept (then written to `text` when it ends) or, once it is too long to keep, decoded into the
 * sink. In the end jansson turns `text` into a value and finds what only it can see: repeated keys and bad
 * UTF-8.
 *
 *     bytes -> structure -> string -> (short) text -> jansson -> value
 *                                 \-> (long)  jsonblob -> sink
 *
 * Everything is decided byte by byte in the order of the input: how it is cut changes nothing. */
#include "wire/jsonscan.h"

#include <assert.h>
#include <inttypes.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "wire/jsonblob.h"
#include "wire/jsonescape.h"
#include "wire/jsonnumber.h"

#define SCALAR_CHARS 512 /* a longer number has no use */

const struct jsonscan_limits jsonscan_default = {
    .text_bytes = LIMIT_TEXT_BYTES,
    .string_bytes = LIMIT_STRING_BYTES,
    .depth = LIMIT_REQUEST_DEPTH,
    .elements = LIMIT_ELEMENTS,
    .blobs = LIMIT_BLOBS,
};

/* What may come next between two tokens. */
enum expect {
    EXPECT_VALUE,
    EXPECT_VALUE_OR_END, /* after '[' */
    EXPECT_KEY_OR_END,   /* after '{' */
    EXPECT_KEY,          /* after ',' in an object */
    EXPECT_COLON,
    EXPECT_COMMA_OR_END,
    EXPECT_NOTHING,
};

/* Which token the next byte belongs to. */
enum within { BETWEEN, IN_SCALAR, IN_STRING };

struct jsonscan {
    struct jsonscan_limits limits;
    uint64_t at; /* bytes taken */
    enum fault fault;

    enum expect expect;
    enum within within;
    size_t depth;
    char open[LIMIT_DEPTH]; /* '{' or '[' of each level */
    size_t elements;

    char scalar[SCALAR_CHARS + 1];
    size_t scalar_n;
    bool is_key;
    struct jsonescape escape;
    struct buf string; /* the string so far, without escapes, while it is short */
    struct jsonblob blob;
    struct buf text;
};

struct jsonscan *jsonscan_new(const struct jsonscan_limits *limits, const struct jsonscan_sink *sink,
                              void *arg)
{
    struct jsonscan *s = mem_new(sizeof(*s));
    size_t head = limits->string_bytes > JSONBLOB_HEAD_CHARS ? limits->string_bytes : JSONBLOB_HEAD_CHARS;

    assert(limits->depth <= LIMIT_DEPTH);
    s->limits = *limits;
    s->expect = EXPECT_VALUE;
    if (sink) {
        s->blob.sink = *sink;
        s->blob.arg = arg;
    }
    buf_init(&s->string, head);
    buf_init(&s->text, limits->text_bytes);
    return s;
}

void jsonscan_free(struct jsonscan **s)
{
    if (*s) {
        buf_done(&(*s)->string);
        buf_done(&(*s)->text);
        free(*s);
        *s = NULL;
    }
}

void jsonscan_hex(struct jsonscan *s)
{
    s->blob.may_be_hex = true;
}

static enum fault bad_json(const struct jsonscan *s, struct note *note, const char *what)
{
    return note_set(note, FAULT_BAD_REQUEST, "not JSON at byte %" PRIu64 ": %s", s->at, what);
}

/* Text that was appended must have found room. */
static enum fault check_text(const struct jsonscan *s, struct note *note)
{
    if (buf_ok(&s->text)) {
        return FAULT_OK;
    }
    return note_set(note, FAULT_TOO_LARGE, "the JSON is longer than %zu bytes without its media",
                    s->limits.text_bytes);
}

/* A value or a key begins. */
static enum fault count_element(struct jsonscan *s, struct note *note)
{
    if (s->elements < s->limits.elements) {
        s->elements++;
        return FAULT_OK;
    }
    return note_set(note, FAULT_TOO_MANY_ELEMENTS, "the JSON has more than %zu values and keys",
                    s->limits.elements);
}

static enum fault begin_value(struct jsonscan *s, struct note *note)
{
    if (s->expect != EXPECT_VALUE && s->expect != EXPECT_VALUE_OR_END) {
        return bad_json(s, note, "a value is out of place");
    }
    return count_element(s, note);
}

static void end_value(struct jsonscan *s)
{
    s->expect = s->depth ? EXPECT_COMMA_OR_END : EXPECT_NOTHING;
}

/* ---- strings ---- */

static enum fault begin_string(struct jsonscan *s, struct note *note)
{
    s->is_key = s->expect == EXPECT_KEY || s->expect == EXPECT_KEY_OR_END;
    s->within = IN_STRING;
    s->escape = (struct jsonescape){0};
    buf_reset(&s->string);
    return s->is_key ? count_element(s, note) : begin_value(s, note);
}

/* The string is longer than a string may be: its first chars are in s->string, the rest will follow. */
static enum fault begin_blob(struct jsonscan *s, struct note *note)
{
    if (s->is_key || !s->blob.sink.begin) {
        return note_set(note, FAULT_TOO_LARGE, "a %s is longer than %zu bytes", s->is_key ? "key" : "string",
                        s->limits.string_bytes);
    }
    if (s->blob.count >= s->limits.blobs) {
        return note_set(note, FAULT_TOO_MANY_ELEMENTS, "more than %zu media", s->limits.blobs);
    }
    return jsonblob_begin(&s->blob, buf_slice(&s->string), note);
}

/* Bytes of a string, escapes undone. */
static enum fault add_string(struct jsonscan *s, struct slice bytes, struct note *note)
{
    if (!s->blob.open) {
        size_t room = s->string.max - s->string.n;
        size_t n = bytes.n < room ? bytes.n : room;

        buf_add(&s->string, bytes.p, n);
        if (!buf_ok(&s->string)) {
            return note_set(note, FAULT_TOO_LARGE, "no memory for a string");
        }
        bytes.p += n;
        bytes.n -= n;
        if (bytes.n == 0) {
            return FAULT_OK;
        }
        enum fault fault = begin_blob(s, note);
        if (fault) {
            return fault;
        }
    }
    return jsonblob_data(&s->blob, bytes, note);
}

static enum fault end_key(struct jsonscan *s, struct note *note)
{
    struct slice key = buf_slice(&s->string);

    if (slice_is(key, "$blob") || slice_is(key, "$bin")) {
        return note_set(note, FAULT_BAD_REQUEST, "the key %.5s is reserved", key.p);
    }
    jsonescape_write(&s->text, key);
    s->expect = EXPECT_COLON;
    return check_text(s, note);
}

static enum fault end_string(struct jsonscan *s, struct note *note)
{
    enum fault fault = FAULT_OK;

    s->within = BETWEEN;
    if (!s->blob.open && s->string.n > s->limits.string_bytes) {
        fault = begin_blob(s, note);
    }
    if (fault) {
        return fault;
    }
    if (s->is_key) {
        return end_key(s, note);
    }
    if (s->blob.open) {
        fault = jsonblob_end(&s->blob, &s->text, note);
    } else {
        jsonescape_write(&s->text, buf_slice(&s->string));
    }
    end_value(s);
    return fault ? fault : check_text(s, note);
}

static void take(struct jsonscan *s, struct slice *in, size_t n)
{
    in->p += n;
    in->n -= n;
    s->at += n;
}

static enum fault feed_escape(struct jsonscan *s, struct slice *in, struct note *note)
{
    char out[4];
    int n = jsonescape_feed(&s->escape, (unsigned char)in->p[0], out);

    if (n < 0) {
        return bad_json(s, note, "a bad escape");
    }
    take(s, in, 1);
    return n ? add_string(s, (struct slice){out, (size_t)n}, note) : FAULT_OK;
}

static enum fault feed_string(struct jsonscan *s, struct slice *in, struct note *note)
{
    if (s->escape.open) {
        return feed_escape(s, in, note);
    }
    size_t n = jsonescape_plain(*in);
    if (s->escape.high && (n > 0 || in->p[0] != '\\')) {
        return bad_json(s, note, "half a surrogate pair");
    }
    if (n > 0) {
        struct slice run = {in->p, n};
        take(s, in, n);
        return add_string(s, run, note);
    }
    if (in->p[0] == '\\') {
        jsonescape_begin(&s->escape);
        take(s, in, 1);
        return FAULT_OK;
    }
    if (in->p[0] != '"') {
        return bad_json(s, note, "a control character in a string");
    }
    take(s, in, 1);
    return end_string(s, note);
}

/* ---- numbers, true, false, null ---- */

static bool is_scalar(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '+' || c == '.';
}

static enum fault end_scalar(struct jsonscan *s, struct note *note)
{
    const char *word = s->scalar;

    s->within = BETWEEN;
    s->scalar[s->scalar_n] = '\0';
    bool name = !strcmp(word, "true") || !strcmp(word, "false") || !strcmp(word, "null");
    if (!name && !jsonnumber_valid(word)) {
        return bad_json(s, note, "neither a number nor true, false or null ends here");
    }
    buf_text(&s->text, word);
    if (jsonnumber_over_int64(word)) {
        /* jansson gives such an integer up, but takes a real of any length. */
        buf_text(&s->text, ".0");
    }
    end_value(s);
    return check_text(s, note);
}

static enum fault feed_scalar(struct jsonscan *s, struct slice *in, struct note *note)
{
    if (!is_scalar(in->p[0])) {
        return end_scalar(s, note);
    }
    if (s->scalar_n == SCALAR_CHARS) {
        return bad_json(s, note, "the number is too long");
    }
    s->scalar[s->scalar_n++] = in->p[0];
    take(s, in, 1);
    return FAULT_OK;
}

/* ---- structure ---- */

static enum fault open_level(struct jsonscan *s, char c, struct note *note)
{
    enum fault fault = begin_value(s, note);

    if (fault) {
        return fault;
    }
    if (s->depth >= s->limits.depth) {
        return note_set(note, FAULT_TOO_DEEP, "the JSON is nested more than %zu levels deep",
                        s->limits.depth);
    }
    s->open[s->depth++] = c;
    s->expect = c == '{' ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
    return FAULT_OK;
}

static enum fault close_level(struct jsonscan *s, char c, struct note *note)
{
    enum expect empty = c == '}' ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
    char opener = c == '}' ? '{' : '[';

    if (s->depth == 0 || s->open[s->depth - 1] != opener ||
        (s->expect != EXPECT_COMMA_OR_END && s->expect != empty)) {
        return bad_json(s, note, "a bracket closes out of place");
    }
    s->depth--;
    end_value(s);
    return FAULT_OK;
}

static enum fault comma_or_colon(struct jsonscan *s, char c, struct note *note)
{
    if (c == ':' && s->expect == EXPECT_COLON) {
        s->expect = EXPECT_VALUE;
        return FAULT_OK;
    }
    if (c == ',' && s->expect == EXPECT_COMMA_OR_END) {
        s->expect = s->open[s->depth - 1] == '{' ? EXPECT_KEY : EXPECT_VALUE;
        return FAULT_OK;
    }
    return bad_json(s, note, c == ':' ? "a colon is out of place" : "a comma is out of place");
}

/* The first byte of a token, or white space. A scalar's first byte is left for feed_scalar. */
static enum fault feed_between(struct jsonscan *s, struct slice *in, struct note *note)
{
    char c = in->p[0];
    enum fault fault = FAULT_OK;

    switch (c) {
    case ' ':
    case '\t':
    case '\n':
    case '\r':
        take(s, in, 1);
        return FAULT_OK;
    case '"':
        fault = begin_string(s, note);
        break;
    case '{':
    case '[':
        fault = open_level(s, c, note);
        break;
    case '}':
    case ']':
        fault = close_level(s, c, note);
        break;
    case ',':
    case ':':
        fault = comma_or_colon(s, c, note);
        break;
    default:
        if (!is_scalar(c)) {
            return bad_json(s, note, "no token begins so");
        }
        s->within = IN_SCALAR;
        s->scalar_n = 0;
        return begin_value(s, note);
    }
    if (fault) {
        return fault;
    }
    take(s, in, 1);
    if (c != '"') {
        buf_char(&s->text, c);
    }
    return check_text(s, note);
}

enum fault jsonscan_feed(struct jsonscan *s, struct slice bytes, struct note *note)
{
    while (bytes.n > 0 && !s->fault) {
        switch (s->within) {
        case BETWEEN:
            s->fault = feed_between(s, &bytes, note);
            break;
        case IN_SCALAR:
            s->fault = feed_scalar(s, &bytes, note);
            break;
        case IN_STRING:
            s->fault = feed_string(s, &bytes, note);
            break;
        }
    }
    return s->fault;
}

enum fault jsonscan_end(struct jsonscan *s, json_t **ret_value, struct note *note)
{
    if (!s->fault && s->within == IN_SCALAR) {
        s->fault = end_scalar(s, note);
    }
    if (!s->fault && s->expect != EXPECT_NOTHING) {
        s->fault = bad_json(s, note, "it ends early");
    }
    if (s->fault) {
        return s->fault;
    }
    json_error_t error;
    json_t *value = json_loadb(s->text.p, s->text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!value) {
        return note_set(note, FAULT_BAD_REQUEST, "not JSON: %s", error.text);
    }
    *ret_value = value;
    return FAULT_OK;
}

enum fault jsonscan_read(struct slice text, json_t **ret_value, struct note *note)
{
    AUTO(jsonscan_free) struct jsonscan *s = jsonscan_new(&jsonscan_default, NULL, NULL);
    enum fault fault = jsonscan_feed(s, text, note);

    return fault ? fault : jsonscan_end(s, ret_value, note);
}
