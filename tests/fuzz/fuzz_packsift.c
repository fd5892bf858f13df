/* fuzz_packsift.c - media out of MessagePack: cuts change nothing, and what is left reads as the whole would.
 *
 * Input: a byte that seeds the cuts, the frame. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/limits.h"
#include "wire/pack.h"
#include "wire/packsift.h"

struct seen {
    struct buf blobs[LIMIT_BLOBS];
    size_t begun;
    size_t ended;
};

static enum fault on_begin(void *arg, size_t index)
{
    struct seen *seen = arg;

    assert(index == seen->begun && seen->begun == seen->ended && index < LIMIT_BLOBS);
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
    struct buf left;
    struct seen seen;
};

static void outcome_done(struct outcome *o)
{
    for (size_t i = 0; i < o->seen.begun; i++) {
        buf_done(&o->seen.blobs[i]);
    }
    buf_done(&o->left);
}

/* Pieces of 1 to most bytes, by a generator that seed starts. */
static struct outcome sift(struct slice frame, uint32_t seed, size_t most)
{
    static const struct jsonscan_sink sink = {on_begin, on_data, on_end};
    struct outcome o = {0};
    struct packsift *s;

    buf_init(&o.left, LIMIT_TEXT_BYTES);
    s = packsift_new(&sink, &o.seen, &o.left);
    while (frame.n > 0 && !o.fault) {
        seed = seed * 1103515245u + 12345u;
        size_t n = 1 + (seed >> 16) % most;
        n = n < frame.n ? n : frame.n;
        o.fault = packsift_feed(s, (struct slice){frame.p, n}, NULL);
        frame.p += n;
        frame.n -= n;
    }
    if (!o.fault) {
        o.fault = packsift_end(s, NULL);
    } else {
        assert(packsift_end(s, NULL) == o.fault);
    }
    packsift_free(&s);
    return o;
}

static void assert_same(const struct outcome *a, const struct outcome *b)
{
    assert(a->fault == b->fault);
    if (a->fault) {
        return;
    }
    assert(a->left.n == b->left.n && (!a->left.n || !memcmp(a->left.p, b->left.p, a->left.n)));
    assert(a->seen.begun == b->seen.begun && a->seen.ended == b->seen.ended);
    for (size_t i = 0; i < a->seen.ended; i++) {
        struct slice x = buf_slice(&a->seen.blobs[i]), y = buf_slice(&b->seen.blobs[i]);
        assert(x.n == y.n && (!x.n || !memcmp(x.p, y.p, x.n)));
    }
}

/* The library's reading of the whole frame, whose bins are what the sink got. Only a frame with long texts
 * reads differently: these are media. */
static void assert_reads_alike(struct slice frame, const struct outcome *o)
{
    struct pack_bins bins = {0}, empty = {0};
    json_t *whole = NULL, *left = NULL;
    enum fault a = pack_read(frame, &pack_default, &whole, &bins, NULL);
    enum fault b = pack_read(buf_slice(&o->left), &pack_default, &left, &empty, NULL);

    assert(!a == !b);
    if (!a) {
        assert(json_equal(whole, left));
        assert(bins.n == empty.n && bins.n == o->seen.ended);
    }
    for (size_t i = 0; !a && i < bins.n; i++) {
        assert(empty.items[i].n == 0 && bins.items[i].n == o->seen.blobs[i].n);
        assert(!bins.items[i].n || !memcmp(bins.items[i].p, o->seen.blobs[i].p, bins.items[i].n));
    }
    json_decref(whole);
    json_decref(left);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    struct slice frame = {(const char *)data + 1, size - 1};
    struct outcome whole = sift(frame, 0, SIZE_MAX / 2);

    for (size_t most = 1; most < 50; most += 8) {
        struct outcome cut = sift(frame, data[0], most);
        assert_same(&whole, &cut);
        outcome_done(&cut);
    }
    if (!whole.fault && frame.n <= LIMIT_STRING_BYTES) {
        assert_reads_alike(frame, &whole);
    }
    assert(!whole.fault || whole.fault == FAULT_TOO_LARGE || whole.fault == FAULT_TOO_MANY_ELEMENTS ||
           whole.fault == FAULT_BAD_REQUEST);
    outcome_done(&whole);
    return 0;
}
