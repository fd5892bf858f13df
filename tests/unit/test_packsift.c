/* test_packsift.c - media out of MessagePack as it arrives: what is left, what the sink gets, limits, cuts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "wire/base64.h"
#include "wire/packsift.h"
#include "wire/pack.h"

struct seen {
    struct packsift *sift;
    struct buf blobs[LIMIT_BLOBS];
    char types[LIMIT_BLOBS][64];
    size_t begun, ended;
    bool refuse;
};

static enum fault on_begin(void *arg, size_t index)
{
    struct seen *seen = arg;

    assert_int_equal(index, seen->begun);
    assert_int_equal(seen->begun, seen->ended);
    buf_init(&seen->blobs[seen->begun++], 1u << 24);
    return FAULT_OK;
}

static enum fault on_data(void *arg, struct slice bytes)
{
    struct seen *seen = arg;

    buf_add(&seen->blobs[seen->ended], bytes.p, bytes.n);
    return seen->refuse ? FAULT_IO : FAULT_OK;
}

static enum fault on_end(void *arg)
{
    struct seen *seen = arg;

    snprintf(seen->types[seen->ended], sizeof(seen->types[0]), "%s", packsift_type(seen->sift));
    assert_int_equal(seen->begun, ++seen->ended);
    return FAULT_OK;
}

static const struct jsonscan_sink sink = {on_begin, on_data, on_end};

struct outcome {
    enum fault fault;
    struct note note;
    struct seen seen;
    struct buf left;
    json_t *value;
};

static void outcome_done(struct outcome *o)
{
    for (size_t i = 0; i < o->seen.begun; i++) {
        buf_done(&o->seen.blobs[i]);
    }
    buf_done(&o->left);
    json_decref(o->value);
}

/* Sifts text in pieces of step bytes, then reads what is left. */
static void sift(struct outcome *o, struct slice text, size_t step)
{
    struct pack_bins bins = {0};

    *o = (struct outcome){0};
    buf_init(&o->left, LIMIT_TEXT_BYTES);
    o->seen.sift = packsift_new(&sink, &o->seen, &o->left);
    while (text.n && !o->fault) {
        size_t n = text.n < step ? text.n : step;
        char *piece = mem_textn(text.p, n);
        o->fault = packsift_feed(o->seen.sift, (struct slice){piece, n}, &o->note);
        free(piece);
        text.p += n;
        text.n -= n;
    }
    if (!o->fault) {
        o->fault = packsift_end(o->seen.sift, &o->note);
    }
    packsift_free(&o->seen.sift);
    if (!o->fault) {
        o->fault = pack_read(buf_slice(&o->left), &pack_default, &o->value, &bins, &o->note);
        assert_true(o->fault || bins.n == o->seen.ended);
        for (size_t i = 0; i < bins.n; i++) {
            assert_int_equal(bins.items[i].n, 0);
        }
    }
}

static void add_text32(struct buf *b, struct slice text)
{
    const unsigned char head[] = {0xdb, (unsigned char)(text.n >> 24), (unsigned char)(text.n >> 16),
                                  (unsigned char)(text.n >> 8), (unsigned char)text.n};

    buf_add(b, head, sizeof(head));
    buf_add(b, text.p, text.n);
}

static void expect_json(const json_t *value, const char *text)
{
    char *got = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);

    assert_string_equal(got, text);
    free(got);
}

static void test_media_are_taken_out(void **state)
{
    /* Bins of all sizes, long base64 and long data URIs go to the sink in their order, however the frame is
     * cut; all else stays; a data URI's type is told. */
    static const size_t steps[] = {1, 2, 3, 7, 1000, 65536, SIZE_MAX};
    const size_t n = 90000;
    unsigned char *bytes = mem_new(n);
    char *text64 = mem_new(BASE64_CHARS(n) + 1);
    struct buf frame, uri;

    (void)state;
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (unsigned char)(i * 7 + i / 251);
    }
    base64_write(text64, (struct slice){(char *)bytes, n}, false);
    buf_init(&uri, 1u << 20);
    buf_printf(&uri, "data:audio/x-odd;rate=8;base64,%s", text64);
    buf_init(&frame, 1u << 22);
    pack_write_array(&frame, 8);
    pack_write_bin_head(&frame, 3);
    buf_add(&frame, "abc", 3);
    pack_write_text(&frame, slice_of("short"));
    add_text32(&frame, slice_of(text64));
    pack_write_int(&frame, -123456789012345);
    add_text32(&frame, buf_slice(&uri));
    pack_write_map(&frame, 1);
    pack_write_text(&frame, slice_of("k"));
    pack_write_bin_head(&frame, n);
    buf_add(&frame, bytes, n);
    pack_write_bin_head(&frame, 0);
    buf_add(&frame, "\xcb\x40\x09\x21\xfb\x54\x44\x2d\x18", 9); /* pi */
    for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
        struct outcome o;
        sift(&o, buf_slice(&frame), steps[s]);
        assert_int_equal(o.fault, FAULT_OK);
        json_array_remove(o.value, 7);
        expect_json(o.value, "[{\"$bin\":0},\"short\",{\"$bin\":1},-123456789012345,{\"$bin\":2},"
                             "{\"k\":{\"$bin\":3}},{\"$bin\":4}]");
        assert_int_equal(o.seen.ended, 5);
        assert_memory_equal(o.seen.blobs[0].p, "abc", 3);
        for (size_t i = 1; i < 4; i++) {
            assert_int_equal(o.seen.blobs[i].n, n);
            assert_memory_equal(o.seen.blobs[i].p, bytes, n);
            assert_string_equal(o.seen.types[i], i == 2 ? "audio/x-odd" : "");
        }
        assert_int_equal(o.seen.blobs[4].n, 0);
        outcome_done(&o);
    }
    buf_done(&frame);
    buf_done(&uri);
    free(bytes);
    free(text64);
}

static void test_all_heads(void **state)
{
    /* Every kind of value but media passes unchanged: what pack_read makes of it is the same. */
    static const char *const values[] = {"\xc0",
                                         "\xc2",
                                         "\x7f",
                                         "\xff",
                                         "\xcc\x01",
                                         "\xcd\x01\x02",
                                         "\xce\x01\x02\x03\x04",
                                         "\xcf\x01\x02\x03\x04\x05\x06\x07\x08",
                                         "\xd0\x81",
                                         "\xd1\x81\x02",
                                         "\xd2\x81\x02\x03\x04",
                                         "\xd3\x81\x02\x03\x04\x05\x06\x07\x08",
                                         "\xca\x3f\x80\x01\x01",
                                         "\xa3"
                                         "abc",
                                         "\xd9\x03"
                                         "abc",
                                         "\x92\x01\xa1"
                                         "x",
                                         "\x81\xa1"
                                         "k\xa1"
                                         "v"};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct outcome o;
        json_t *direct = NULL;
        assert_int_equal(pack_read(slice_of(values[i]), &pack_default, &direct, NULL, NULL), FAULT_OK);
        sift(&o, slice_of(values[i]), 1);
        assert_int_equal(o.fault, FAULT_OK);
        assert_true(json_equal(o.value, direct));
        assert_int_equal(o.left.n, strlen(values[i]));
        json_decref(direct);
        outcome_done(&o);
    }
}

static void fails(struct slice frame, enum fault fault)
{
    struct outcome o;

    sift(&o, frame, 1000);
    if (o.fault != fault) {
        fail_msg("%s (%s) and not %s", fault_code(o.fault), o.note.text, fault_code(fault));
    }
    outcome_done(&o);
}

static void test_what_is_refused(void **state)
{
    /* Long texts that are no base64, more text than is held, too many media, values that announce too much,
     * frames that end early, reserved keys, bins as keys. */
    struct buf frame;
    char *text = mem_new(100000);

    (void)state;
    memset(text, '*', 100000);
    buf_init(&frame, 1u << 24);
    add_text32(&frame, (struct slice){text, 100000});
    fails(buf_slice(&frame), FAULT_TOO_LARGE);
    buf_reset(&frame);
    pack_write_array(&frame, 30);
    for (int i = 0; i < 30; i++) {
        add_text32(&frame, (struct slice){text, 60000});
    }
    fails(buf_slice(&frame), FAULT_TOO_LARGE);
    buf_reset(&frame);
    pack_write_array(&frame, LIMIT_BLOBS + 1);
    for (int i = 0; i <= LIMIT_BLOBS; i++) {
        pack_write_bin_head(&frame, 0);
    }
    fails(buf_slice(&frame), FAULT_TOO_MANY_ELEMENTS);
    fails((struct slice){"\xc6\x7f\xff\xff\xff", 5}, FAULT_TOO_LARGE);
    fails((struct slice){"\xdb\x7f\xff\xff\xff", 5}, FAULT_TOO_LARGE);
    fails((struct slice){"\xdd\x7f\xff\xff\xff", 5}, FAULT_TOO_MANY_ELEMENTS);
    fails((struct slice){"\xc4\x05"
                         "abc",
                         5},
          FAULT_BAD_REQUEST);
    fails((struct slice){"\xc6\0\0", 3}, FAULT_BAD_REQUEST);
    fails((struct slice){"\x81\xa4"
                         "$bin\x01",
                         7},
          FAULT_BAD_REQUEST);
    fails((struct slice){"\x81\xc4\x01k\x01", 5}, FAULT_BAD_REQUEST);
    fails((struct slice){"\x01\x01", 2}, FAULT_BAD_REQUEST);
    fails((struct slice){"\xc1", 1}, FAULT_BAD_REQUEST);
    fails((struct slice){"\x05\xdd", 2}, FAULT_BAD_REQUEST);
    buf_done(&frame);
    free(text);
}

static void test_the_sink_refuses(void **state)
{
    /* The sink's fault ends it, and no more is taken. */
    struct seen seen = {.refuse = true};
    struct buf left;

    (void)state;
    buf_init(&left, 1000);
    seen.sift = packsift_new(&sink, &seen, &left);
    assert_int_equal(packsift_feed(seen.sift,
                                   (struct slice){"\xc4\x02"
                                                  "ab",
                                                  4},
                                   NULL),
                     FAULT_IO);
    assert_int_equal(packsift_feed(seen.sift, (struct slice){"\x01", 1}, NULL), FAULT_IO);
    assert_int_equal(left.n, 0);
    assert_int_equal(seen.ended, 0);
    packsift_free(&seen.sift);
    buf_done(&seen.blobs[0]);
    buf_done(&left);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_media_are_taken_out),
        cmocka_unit_test(test_all_heads),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_the_sink_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
