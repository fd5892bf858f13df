/* fuzz_pack.c - MessagePack: the scanner agrees with the library, and what is read survives being written.
 *
 * Input: the bytes of a frame, and maybe more behind it. */
#include <assert.h>
#include <msgpack.h>
#include <stdint.h>
#include <stdlib.h>

#include "wire/pack.h"

static const struct pack_limits limits = {.bytes = 1u << 16, .depth = LIMIT_DEPTH, .elements = 5000};

/* The scanner with step bytes more at each call. */
static enum fault scan(struct slice bytes, size_t step, size_t *ret_length)
{
    struct pack_scan s;
    enum fault fault = FAULT_OK;

    *ret_length = 0;
    pack_scan_init(&s, &limits);
    for (size_t n = 0; !fault && *ret_length == 0 && n < bytes.n;) {
        n = bytes.n - n < step ? bytes.n : n + step;
        fault = pack_scan(&s, (struct slice){bytes.p, n}, ret_length, NULL);
    }
    return fault;
}

static void assert_library_agrees(struct slice bytes, size_t length)
{
    msgpack_unpacked unpacked;
    size_t offset = 0;

    msgpack_unpacked_init(&unpacked);
    assert(msgpack_unpack_next(&unpacked, bytes.p, bytes.n, &offset) == MSGPACK_UNPACK_SUCCESS);
    assert(offset == length);
    msgpack_unpacked_destroy(&unpacked);
}

static void assert_same_bins(const struct pack_bins *a, const struct pack_bins *b)
{
    assert(a->n == b->n);
    for (size_t i = 0; i < a->n; i++) {
        assert(a->items[i].n == b->items[i].n);
        assert(a->items[i].n == 0 || !memcmp(a->items[i].p, b->items[i].p, a->items[i].n));
    }
}

/* Written, read and written again: the same value and the same bytes. */
static void assert_survives(const json_t *value, const struct pack_bins *bins)
{
    struct pack_bins again = {0};
    json_t *back = NULL;
    struct buf first, second;

    buf_init(&first, 1u << 18);
    buf_init(&second, 1u << 18);
    pack_write(&first, value, bins);
    assert(buf_ok(&first));
    struct pack_limits wide = {.bytes = 1u << 18, .depth = limits.depth, .elements = limits.elements};
    assert(pack_read(buf_slice(&first), &wide, &back, &again, NULL) == FAULT_OK);
    assert(json_equal(value, back));
    assert_same_bins(bins, &again);
    pack_write(&second, back, &again);
    assert(first.n == second.n && !memcmp(first.p, second.p, first.n));
    json_decref(back);
    buf_done(&first);
    buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = {(const char *)data, size};
    size_t length, stepped;
    enum fault fault = scan(bytes, SIZE_MAX, &length);

    for (size_t step = 1; step < 5; step++) {
        assert(scan(bytes, step, &stepped) == fault);
        assert(stepped == length);
    }
    if (fault || length == 0) {
        struct note note = {0};
        json_t *none = NULL;
        assert(pack_read(bytes, &limits, &none, NULL, &note) == (fault ? fault : FAULT_BAD_REQUEST));
        assert(!none && note.text[0]);
        return 0;
    }
    assert_library_agrees(bytes, length);
    struct pack_bins bins = {0};
    struct note note = {0};
    json_t *value = NULL;
    fault = pack_read((struct slice){bytes.p, length}, &limits, &value, &bins, &note);
    assert(!fault == (value != NULL) && !fault == !note.text[0]);
    if (value) {
        assert_survives(value, &bins);
        json_decref(value);
    }
    return 0;
}
