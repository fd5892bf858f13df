/* fuzz_jsonscan.c - JSON from a stream: cuts change nothing, and jansson agrees about what has no blobs.
 *
 * Input: a byte for string_bytes, a byte that seeds the cuts and when odd asks for hex, the text. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "wire/jsonscan.h"

#define BLOBS 8

struct seen {
    struct buf blobs[BLOBS];
    size_t begun;
    size_t ended;
};

static enum fault on_begin(void *arg, size_t index)
{
    struct seen *seen = arg;

    assert(index == seen->begun && seen->begun == seen->ended && index < BLOBS);
    buf_init(&seen->blobs[seen->begun++], 1u << 20);
    return FAULT_OK;
}

static enum fault on_data(void *arg, struct slice bytes)
{
    struct seen *seen = arg;

    assert(seen->begun == seen->ended + 1 && bytes.n > 0);
    buf_add(&seen->blobs[seen->ended], bytes.p, bytes.n);
    return FAULT_OK;
}

static enum fault on_end(void *arg)
{
    struct seen *seen = arg;

    assert(seen->begun == ++seen->ended);
    return FAULT_OK;
}

struct outcome {
    enum fault fault;
    json_t *value;
    struct note note;
    struct seen seen;
};

static void outcome_done(struct outcome *o)
{
    json_decref(o->value);
    for (size_t i = 0; i < o->seen.begun; i++) {
        buf_done(&o->seen.blobs[i]);
    }
}

/* Pieces of 1 to most bytes, by a generator that seed starts. */
static struct outcome scan(struct slice text, const struct jsonscan_limits *limits, bool hex, uint32_t seed,
                           size_t most)
{
    static const struct jsonscan_sink sink = {on_begin, on_data, on_end};
    struct outcome o = {0};
    struct jsonscan *s = jsonscan_new(limits, &sink, &o.seen);

    if (hex) {
        jsonscan_hex(s);
    }
    while (text.n > 0 && !o.fault) {
        seed = seed * 1103515245u + 12345u;
        size_t n = 1 + (seed >> 16) % most;
        n = n < text.n ? n : text.n;
        o.fault = jsonscan_feed(s, (struct slice){text.p, n}, &o.note);
        text.p += n;
        text.n -= n;
    }
    if (!o.fault) {
        o.fault = jsonscan_end(s, &o.value, &o.note);
    } else {
        json_t *none = NULL;
        assert(jsonscan_end(s, &none, NULL) == o.fault && !none);
    }
    jsonscan_free(&s);
    return o;
}

static void assert_same(const struct outcome *a, const struct outcome *b)
{
    assert(a->fault == b->fault);
    assert(!strcmp(a->note.text, b->note.text));
    if (a->fault) {
        return;
    }
    assert(json_equal(a->value, b->value));
    assert(a->seen.begun == b->seen.begun && a->seen.ended == a->seen.begun &&
           b->seen.ended == b->seen.begun);
    for (size_t i = 0; i < a->seen.begun; i++) {
        struct slice x = buf_slice(&a->seen.blobs[i]), y = buf_slice(&b->seen.blobs[i]);
        assert(x.n == y.n && memcmp(x.p, y.p, x.n) == 0);
    }
}

static bool has_marker(const json_t *value)
{
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (has_marker(json_array_get(value, i))) {
                return true;
            }
        }
        return false;
    }
    for (void *i = json_object_iter((json_t *)value); i; i = json_object_iter_next((json_t *)value, i)) {
        const char *key = json_object_iter_key(i);
        if (!strcmp(key, "$blob") || !strcmp(key, "$bin") || has_marker(json_object_iter_value(i))) {
            return true;
        }
    }
    return false;
}

/* What jansson makes of the text as it stands. */
static void assert_jansson_agrees(struct slice text, const struct outcome *o)
{
    json_error_t error = {0};
    json_t *value =
        json_loadb(text.n ? text.p : "", text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

    if (!o->fault && o->seen.begun == 0) {
        assert(value ? json_equal(value, o->value) : json_error_code(&error) == json_error_numeric_overflow);
    }
    if (value && o->fault == FAULT_BAD_REQUEST) {
        /* jansson also overlooks a NUL behind a number. */
        assert(memchr(text.p, '\0', text.n) || has_marker(value) ||
               strstr(o->note.text, "the number is too long"));
    }
    assert(!o->fault || o->fault == FAULT_BAD_REQUEST || o->fault == FAULT_TOO_LARGE ||
           o->fault == FAULT_TOO_DEEP || o->fault == FAULT_TOO_MANY_ELEMENTS);
    assert(!o->fault == !o->note.text[0]);
    json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct jsonscan_limits limits = {
        .text_bytes = 4096, .string_bytes = data[0], .depth = 6, .elements = 100, .blobs = BLOBS - 1};
    struct slice text = {(const char *)data + 2, size - 2};
    const bool hex = data[1] % 2;
    struct outcome whole = scan(text, &limits, hex, 0, SIZE_MAX), bytes = scan(text, &limits, hex, 0, 1);
    struct outcome cut = scan(text, &limits, hex, data[1], 40);

    assert_same(&whole, &bytes);
    assert_same(&whole, &cut);
    assert_jansson_agrees(text, &whole);
    outcome_done(&whole);
    outcome_done(&bytes);
    outcome_done(&cut);
    return 0;
}
