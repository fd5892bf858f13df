/* test_pack.c - MessagePack both ways, its limits, and bombs that must not reach the library. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "wire/pack.h"

#define BYTES(text) ((struct slice){text, sizeof(text) - 1})

static const struct pack_limits small = {.bytes = 4096, .depth = 4, .elements = 20};

/* The packed bytes read as the value that json spells, and that value packs to want (NULL: the same bytes).
 */
static void goes_both_ways(struct slice packed, const char *json, const struct slice *want)
{
    json_t *expected = json_loads(json, JSON_DECODE_ANY, NULL), *value = NULL;
    struct note note = {0};
    struct buf out;

    assert_non_null(expected);
    if (pack_read(packed, &pack_default, &value, NULL, &note)) {
        fail_msg("%s: %s", json, note.text);
    }
    assert_true(json_equal(value, expected));
    buf_init(&out, 4096);
    pack_write(&out, value, NULL);
    assert_true(buf_ok(&out));
    struct slice bytes = want ? *want : packed;
    assert_int_equal(out.n, bytes.n);
    assert_memory_equal(out.p, bytes.p, bytes.n);
    buf_done(&out);
    json_decref(value);
    json_decref(expected);
}

static void refuses(struct slice packed, const struct pack_limits *limits, enum fault fault)
{
    json_t *value = NULL;
    struct note note = {0};
    struct pack_bins bins = {0};
    enum fault got = pack_read(packed, limits, &value, &bins, &note);

    if (got != fault) {
        fail_msg("%s (%s) and not %s", fault_code(got), note.text, fault_code(fault));
    }
    assert_null(value);
    assert_true(note.text[0]);
}

static void test_scalars_both_ways(void **state)
{
    /* Each scalar in its shortest form reads as its value and is written the same. */
    (void)state;
    goes_both_ways(BYTES("\xc0"), "null", NULL);
    goes_both_ways(BYTES("\xc2"), "false", NULL);
    goes_both_ways(BYTES("\xc3"), "true", NULL);
    goes_both_ways(BYTES("\x00"), "0", NULL);
    goes_both_ways(BYTES("\x7f"), "127", NULL);
    goes_both_ways(BYTES("\xcc\x80"), "128", NULL);
    goes_both_ways(BYTES("\xcd\x01\x00"), "256", NULL);
    goes_both_ways(BYTES("\xce\x00\x01\x00\x00"), "65536", NULL);
    goes_both_ways(BYTES("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"), "9223372036854775807", NULL);
    goes_both_ways(BYTES("\xff"), "-1", NULL);
    goes_both_ways(BYTES("\xe0"), "-32", NULL);
    goes_both_ways(BYTES("\xd0\xdf"), "-33", NULL);
    goes_both_ways(BYTES("\xd1\xff\x7f"), "-129", NULL);
    goes_both_ways(BYTES("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), "-9223372036854775808", NULL);
    goes_both_ways(BYTES("\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00"), "1.5", NULL);
    goes_both_ways(BYTES("\xcb\x40\x00\x00\x00\x00\x00\x00\x00"), "2.0", NULL);
    goes_both_ways(BYTES("\xa0"), "\"\"", NULL);
    goes_both_ways(BYTES("\xa3"
                         "abc"),
                   "\"abc\"", NULL);
    goes_both_ways(BYTES("\xa2\xc3\xa9"), "\"\\u00e9\"", NULL);
}

static void test_other_spellings_are_read(void **state)
{
    /* Longer forms than needed, float32 and str8 to str32 read as the same values. */
    (void)state;
    struct slice one = BYTES("\x01"), minus = BYTES("\xff"),
                 half = BYTES("\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00");
    struct slice text = BYTES("\xa1"
                              "a"),
                 list = BYTES("\x91\x01"),
                 map = BYTES("\x81\xa1"
                             "a\x01");

    goes_both_ways(BYTES("\xcc\x01"), "1", &one);
    goes_both_ways(BYTES("\xd2\x00\x00\x00\x01"), "1", &one);
    goes_both_ways(BYTES("\xcf\x00\x00\x00\x00\x00\x00\x00\x01"), "1", &one);
    goes_both_ways(BYTES("\xd2\xff\xff\xff\xff"), "-1", &minus);
    goes_both_ways(BYTES("\xca\x3f\x00\x00\x00"), "0.5", &half);
    goes_both_ways(BYTES("\xd9\x01"
                         "a"),
                   "\"a\"", &text);
    goes_both_ways(BYTES("\xda\x00\x01"
                         "a"),
                   "\"a\"", &text);
    goes_both_ways(BYTES("\xdb\x00\x00\x00\x01"
                         "a"),
                   "\"a\"", &text);
    goes_both_ways(BYTES("\xdc\x00\x01\x01"), "[1]", &list);
    goes_both_ways(BYTES("\xdd\x00\x00\x00\x01\x01"), "[1]", &list);
    goes_both_ways(BYTES("\xde\x00\x01\xa1"
                         "a\x01"),
                   "{\"a\":1}", &map);
    goes_both_ways(BYTES("\xdf\x00\x00\x00\x01\xa1"
                         "a\x01"),
                   "{\"a\":1}", &map);
}

static void test_containers_both_ways(void **state)
{
    /* Nested containers keep their order and are written in the shortest form. */
    (void)state;
    goes_both_ways(BYTES("\x90"), "[]", NULL);
    goes_both_ways(BYTES("\x80"), "{}", NULL);
    goes_both_ways(BYTES("\x81\xa0\xa0"), "{\"\":\"\"}", NULL);
    goes_both_ways(BYTES("\x93\x01\xa1"
                         "b\x91\xc0"),
                   "[1,\"b\",[null]]", NULL);
    goes_both_ways(BYTES("\x82\xa1"
                         "z\x81\xa0\x90\xa1"
                         "a\xc3"),
                   "{\"z\":{\"\":[]},\"a\":true}", NULL);
}

static void test_large_uint_becomes_a_real(void **state)
{
    /* A uint64 that no int64 holds is a real, as from JSON. */
    (void)state;
    struct slice least = BYTES("\xcb\x43\xe0\x00\x00\x00\x00\x00\x00");
    struct slice most = BYTES("\xcb\x43\xf0\x00\x00\x00\x00\x00\x00");

    goes_both_ways(BYTES("\xcf\x80\x00\x00\x00\x00\x00\x00\x00"), "9223372036854775808.0", &least);
    goes_both_ways(BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), "18446744073709551616.0", &most);
}

static void test_what_no_value_holds(void **state)
{
    /* NaN, infinities, ext, bad UTF-8, NUL in texts and keys, keys that are no text, and keys that come
     * twice. */
    (void)state;
    refuses(BYTES("\xca\x7f\x80\x00\x00"), &small, FAULT_BAD_REQUEST);
    refuses(BYTES("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"), &small, FAULT_BAD_REQUEST);
    refuses(BYTES("\xcb\xff\xf0\x00\x00\x00\x00\x00\x00"), &small, FAULT_BAD_REQUEST);
    refuses(BYTES("\xd4\x01\x02"), &small, FAULT_BAD_REQUEST);
    refuses(BYTES("\xc7\x00\x01"), &small, FAULT_BAD_REQUEST);
    refuses(BYTES("\x92\x01\xd6\xff\x00\x00\x00\x00"), &small, FAULT_BAD_REQUEST);
    refuses(BYTES("\xa1\xff"), &small, FAULT_BAD_REQUEST);
    refuses(BYTES("\xa3\xed\xa0\xbd"), &small, FAULT_BAD_REQUEST);
    refuses(BYTES("\xa3"
                  "a\0b"),
            &small, FAULT_BAD_REQUEST);
    refuses(BYTES("\x81\xa1\xff\x01"), &small, FAULT_BAD_REQUEST);
    refuses(BYTES("\x81\xa2"
                  "a\0\x01"),
            &small, FAULT_BAD_REQUEST);
    refuses(BYTES("\x81\x01\x01"), &small, FAULT_BAD_REQUEST);
    refuses(BYTES("\x81\xc4\x01"
                  "a\x01"),
            &small, FAULT_BAD_REQUEST);
    refuses(BYTES("\x82\xa1"
                  "a\x01\xa1"
                  "a\x02"),
            &small, FAULT_BAD_REQUEST);
    refuses(BYTES("\xc1"), &small, FAULT_BAD_REQUEST);
    refuses(BYTES("\x92\x01\xc1"), &small, FAULT_BAD_REQUEST);
}

static void test_exactly_one_value(void **state)
{
    /* Nothing, a part, and more than one value are all BAD_REQUEST. */
    (void)state;
    struct slice whole = BYTES("\x82\xa1"
                               "z\x81\xa0\x90\xa1"
                               "a\xcd\x01\x00");

    refuses((struct slice){NULL, 0}, &small, FAULT_BAD_REQUEST);
    for (size_t n = 0; n < whole.n; n++) {
        refuses((struct slice){whole.p, n}, &small, FAULT_BAD_REQUEST);
    }
    refuses(BYTES("\x01\x01"), &small, FAULT_BAD_REQUEST);
    refuses(BYTES("\x90\xc0"), &small, FAULT_BAD_REQUEST);
}

static void test_nobody_forges_a_marker(void **state)
{
    /* The keys of markers are refused at any level; as texts they are allowed. */
    (void)state;
    refuses(BYTES("\x81\xa4$bin\x00"), &small, FAULT_BAD_REQUEST);
    refuses(BYTES("\x91\x82\xa1"
                  "a\x00\xa5$blob\x00"),
            &small, FAULT_BAD_REQUEST);
    goes_both_ways(BYTES("\x81\xa5$bins\xa4$bin"), "{\"$bins\":\"$bin\"}", NULL);
}

static void test_bins_both_ways(void **state)
{
    /* Bins of all three forms become markers with slices into the input, and are written back as bins. */
    (void)state;
    struct slice packed = BYTES("\x93\xc4\x02\0\xff\xc5\x00\x01"
                                "b\x81\xa1"
                                "k\xc6\x00\x00\x00\x00");
    struct slice short_form = BYTES("\x93\xc4\x02\0\xff\xc4\x01"
                                    "b\x81\xa1"
                                    "k\xc4\x00");
    struct pack_bins bins = {0};
    json_t *value = NULL, *expected = json_loads("[{\"$bin\":0},{\"$bin\":1},{\"k\":{\"$bin\":2}}]", 0, NULL);
    struct buf out;

    assert_int_equal(pack_read(packed, &small, &value, &bins, NULL), FAULT_OK);
    assert_true(json_equal(value, expected));
    assert_int_equal(bins.n, 3);
    assert_ptr_equal(bins.items[0].p, packed.p + 3);
    assert_int_equal(bins.items[0].n, 2);
    assert_int_equal(bins.items[2].n, 0);
    buf_init(&out, 100);
    pack_write(&out, value, &bins);
    assert_int_equal(out.n, short_form.n);
    assert_memory_equal(out.p, short_form.p, out.n);
    buf_done(&out);
    json_decref(value);
    json_decref(expected);
}

static void test_bins_are_bounded(void **state)
{
    /* Without a table a bin is BAD_REQUEST; a table of LIMIT_BLOBS takes so many and no more. */
    (void)state;
    char packed[3 + 2 * (LIMIT_BLOBS + 1)] = {(char)0xdc, 0, LIMIT_BLOBS};
    struct pack_bins bins = {0};
    json_t *value = NULL;

    for (size_t i = 3; i < sizeof(packed); i += 2) {
        packed[i] = (char)0xc4;
    }
    assert_int_equal(pack_read(BYTES("\xc4\x00"), &small, &value, NULL, NULL), FAULT_BAD_REQUEST);
    assert_int_equal(
        pack_read((struct slice){packed, sizeof(packed) - 2}, &pack_default, &value, &bins, NULL), FAULT_OK);
    assert_int_equal(bins.n, LIMIT_BLOBS);
    json_decref(value);
    value = NULL;
    packed[2]++;
    bins.n = 0;
    assert_int_equal(pack_read((struct slice){packed, sizeof(packed)}, &pack_default, &value, &bins, NULL),
                     FAULT_TOO_MANY_ELEMENTS);
    assert_null(value);
}

static void test_bombs_are_known_by_their_header(void **state)
{
    /* Five bytes that announce gigabytes are refused when they arrive; nothing is waited for or allocated. */
    (void)state;
    static const struct bomb {
        const char *bytes;
        enum fault fault;
    } bombs[] = {
        {"\xdd\xff\xff\xff\xff", FAULT_TOO_MANY_ELEMENTS}, {"\xdf\xff\xff\xff\xff", FAULT_TOO_MANY_ELEMENTS},
        {"\xdd\x02\xfa\xf0\x80", FAULT_TOO_MANY_ELEMENTS}, {"\xdb\xff\xff\xff\xff", FAULT_TOO_LARGE},
        {"\xc6\xff\xff\xff\xff", FAULT_TOO_LARGE},         {"\xc9\xff\xff\xff\xff", FAULT_TOO_LARGE},
    };

    for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
        struct pack_scan scan;
        size_t length;
        for (size_t n = 1; n <= 5; n++) {
            pack_scan_init(&scan, &pack_default);
            assert_int_equal(pack_scan(&scan, (struct slice){bombs[i].bytes, n}, &length, NULL),
                             n < 5 ? FAULT_OK : bombs[i].fault);
            assert_int_equal(length, 0);
        }
    }
}

static void test_limits_are_exact(void **state)
{
    /* Depth, elements (values and keys, announced) and bytes: the limit is taken and one more is not. */
    (void)state;
    struct pack_limits limits = {.bytes = 10, .depth = 4, .elements = 5};
    json_t *value = NULL;

    assert_int_equal(pack_read(BYTES("\x91\x91\x91\x90"), &limits, &value, NULL, NULL), FAULT_OK);
    json_decref(value);
    value = NULL;
    refuses(BYTES("\x91\x91\x91\x91\x90"), &limits, FAULT_TOO_DEEP);
    assert_int_equal(pack_read(BYTES("\x82\xa1"
                                     "a\x01\xa1"
                                     "b\x01"),
                               &limits, &value, NULL, NULL),
                     FAULT_OK);
    json_decref(value);
    value = NULL;
    refuses(BYTES("\x95\x01\x01\x01\x01\x01"), &limits, FAULT_TOO_MANY_ELEMENTS);
    refuses(BYTES("\x92\x92\x01\x01\x91\x01"), &limits, FAULT_TOO_MANY_ELEMENTS);
    assert_int_equal(pack_read(BYTES("\xa9"
                                     "123456789"),
                               &limits, &value, NULL, NULL),
                     FAULT_OK);
    json_decref(value);
    value = NULL;
    refuses(BYTES("\xaa"
                  "1234567890"),
            &limits, FAULT_TOO_LARGE);
    refuses(BYTES("\xdc\x00\x08"), &(struct pack_limits){.bytes = 10, .depth = 4, .elements = 50},
            FAULT_TOO_LARGE);
    refuses(BYTES("\x92\xa8"
                  "12345678\x01"),
            &limits, FAULT_TOO_LARGE);
}

static void test_deepest_nesting_the_library_takes(void **state)
{
    /* LIMIT_DEPTH levels are read and written back; one more is neither. */
    (void)state;
    char packed[LIMIT_DEPTH + 2];
    json_t *value = NULL;
    struct pack_limits deep = pack_default;
    struct buf out;

    deep.depth = LIMIT_DEPTH;

    memset(packed, 0x91, sizeof(packed));
    packed[LIMIT_DEPTH] = 1;
    assert_int_equal(pack_read((struct slice){packed, LIMIT_DEPTH + 1}, &deep, &value, NULL, NULL), FAULT_OK);
    buf_init(&out, 100);
    pack_write(&out, value, NULL);
    assert_true(buf_ok(&out));
    assert_int_equal(out.n, LIMIT_DEPTH + 1);
    assert_memory_equal(out.p, packed, out.n);
    buf_reset(&out);
    value = json_pack("[o]", value);
    pack_write(&out, value, NULL);
    assert_false(buf_ok(&out));
    buf_done(&out);
    json_decref(value);
    packed[LIMIT_DEPTH] = (char)0x91;
    packed[LIMIT_DEPTH + 1] = 1;
    refuses((struct slice){packed, LIMIT_DEPTH + 2}, &deep, FAULT_TOO_DEEP);
}

static void test_scan_may_stop_anywhere(void **state)
{
    /* Fed byte by byte, the scanner finds the same length as at once, and bytes behind the frame do not
     * matter. */
    (void)state;
    struct slice frames = BYTES("\x94\x00\xcd\x01\x02\xa4ping\x91\x82\xa1"
                                "a\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xd9\x01"
                                "b\xde\x00\x01\xa0\xc4\x03xyz\x93\x01");
    size_t whole = frames.n - 2, length;
    struct pack_scan scan;

    pack_scan_init(&scan, &pack_default);
    for (size_t n = 0; n < whole; n++) {
        assert_int_equal(pack_scan(&scan, (struct slice){frames.p, n}, &length, NULL), FAULT_OK);
        assert_int_equal(length, 0);
    }
    assert_int_equal(pack_scan(&scan, (struct slice){frames.p, whole}, &length, NULL), FAULT_OK);
    assert_int_equal(length, whole);
    pack_scan_init(&scan, &pack_default);
    assert_int_equal(pack_scan(&scan, frames, &length, NULL), FAULT_OK);
    assert_int_equal(length, whole);
}

static void test_every_first_byte_has_its_length(void **state)
{
    /* For each of the 256 first bytes, the length announced is what the format says. */
    (void)state;
    static const uint8_t lengths[32] = {1, 0, 1, 1, 2, 3, 5, 3,  4,  6, 5, 9, 2, 3, 5, 9,
                                        2, 3, 5, 9, 3, 4, 6, 10, 18, 2, 3, 5, 3, 5, 3, 5};
    char bytes[64] = {0};

    for (int c = 0; c < 256; c++) {
        size_t want = c >= 0xa0 && c <= 0xbf   ? (size_t)(c & 31) + 1
                      : c >= 0xc0 && c <= 0xdf ? lengths[c - 0xc0]
                                               : 1;
        if (c >= 0x80 && c <= 0x8f) {
            want = 1 + 2 * (size_t)(c & 15);
        } else if (c >= 0x90 && c <= 0x9f) {
            want = 1 + (size_t)(c & 15);
        }
        struct pack_scan scan;
        size_t length;
        pack_scan_init(&scan, &pack_default);
        bytes[0] = (char)c;
        assert_int_equal(pack_scan(&scan, (struct slice){bytes, sizeof(bytes)}, &length, NULL),
                         c == 0xc1 ? FAULT_BAD_REQUEST : FAULT_OK);
        assert_int_equal(length, want);
    }
}

static void test_cut_and_array_walk_a_value(void **state)
{
    /* A reader walks an array member by member; what is not there, or no array, is told. */
    (void)state;
    struct slice rest = BYTES("\xdc\x00\x02\xa1"
                              "a\x91\xc0\x05"),
                 member;
    size_t members = 0;

    assert_true(pack_scan_array(&rest, &members));
    assert_int_equal(members, 2);
    assert_int_equal(pack_scan_cut(&rest, &small, &member, NULL), FAULT_OK);
    assert_true(slice_is(member, "\xa1"
                                 "a"));
    assert_int_equal(pack_scan_cut(&rest, &small, &member, NULL), FAULT_OK);
    assert_true(slice_is(member, "\x91\xc0"));
    assert_false(pack_scan_array(&rest, &members));
    assert_int_equal(rest.n, 1);
    assert_int_equal(pack_scan_cut(&rest, &small, &member, NULL), FAULT_OK);
    assert_int_equal(pack_scan_cut(&rest, &small, &member, NULL), FAULT_BAD_REQUEST);
    assert_false(pack_scan_array(&rest, &members));
    rest = BYTES("\xdd\x00\x00\x00");
    assert_false(pack_scan_array(&rest, &members));
    rest = BYTES("\x81\x01\x01");
    assert_false(pack_scan_array(&rest, &members));
}

static void test_write_refuses_what_nobody_reads(void **state)
{
    /* A marker without its bin, with more than its key, of a wrong type, and a blob make the buffer bad. */
    (void)state;
    static const char *const values[] = {"{\"$bin\":1}",         "{\"$bin\":-1}",   "{\"$bin\":\"0\"}",
                                         "{\"$bin\":0,\"a\":1}", "{\"$bin\":null}", "[{\"$blob\":0}]"};
    struct pack_bins bins = {.n = 1, .items = {{"x", 1}}};
    struct buf out;

    buf_init(&out, 100);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        json_t *value = json_loads(values[i], 0, NULL);
        pack_write(&out, value, &bins);
        assert_false(buf_ok(&out));
        buf_reset(&out);
        json_decref(value);
    }
    json_t *good = json_loads("{\"$bin\":0}", 0, NULL);
    pack_write(&out, good, NULL);
    assert_false(buf_ok(&out));
    buf_reset(&out);
    pack_write(&out, good, &bins);
    assert_true(buf_ok(&out));
    assert_int_equal(out.n, 3);
    buf_done(&out);
    json_decref(good);
}

static void test_write_keeps_to_the_buffer(void **state)
{
    /* A value that does not fit makes the buffer bad, at every size below its own. */
    (void)state;
    json_t *value = json_loads("{\"a\":[1,2.5,\"text\",null,true,{\"b\":-70000}]}", 0, NULL);
    struct buf out;

    buf_init(&out, 1000);
    pack_write(&out, value, NULL);
    assert_true(buf_ok(&out));
    size_t n = out.n;
    buf_done(&out);
    for (size_t max = 0; max < n; max++) {
        buf_init(&out, max);
        pack_write(&out, value, NULL);
        assert_false(buf_ok(&out));
        buf_done(&out);
    }
    json_decref(value);
}

static void test_pieces_make_the_same_as_a_value(void **state)
{
    /* Headers, texts and integers written one by one are what pack_write writes, at the borders of each form.
     */
    (void)state;
    static const size_t sizes[] = {0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536};
    struct buf a, b;

    buf_init(&a, 1u << 20);
    buf_init(&b, 1u << 20);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char *chars = malloc(sizes[i] + 1);
        memset(chars, 'x', sizes[i]);
        struct pack_bins bins = {.n = 1, .items = {{chars, sizes[i]}}};
        json_t *value =
            json_pack("{s:s%,s:i,s:{s:i}}", "t", chars, sizes[i], "n", (int)sizes[i], "b", "$bin", 0);
        buf_reset(&a);
        buf_reset(&b);
        pack_write(&a, value, &bins);
        pack_write_map(&b, 3);
        pack_write_text(&b, slice_of("t"));
        pack_write_text(&b, (struct slice){chars, sizes[i]});
        pack_write_text(&b, slice_of("n"));
        pack_write_int(&b, (int64_t)sizes[i]);
        pack_write_text(&b, slice_of("b"));
        pack_write_bin_head(&b, sizes[i]);
        buf_add(&b, chars, sizes[i]);
        assert_true(buf_ok(&a));
        assert_int_equal(a.n, b.n);
        assert_memory_equal(a.p, b.p, a.n);
        json_decref(value);
        free(chars);
    }
    buf_reset(&b);
    pack_write_array(&b, 16);
    assert_memory_equal(b.p, "\xdc\x00\x10", 3);
    buf_done(&a);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars_both_ways),
        cmocka_unit_test(test_other_spellings_are_read),
        cmocka_unit_test(test_containers_both_ways),
        cmocka_unit_test(test_large_uint_becomes_a_real),
        cmocka_unit_test(test_what_no_value_holds),
        cmocka_unit_test(test_exactly_one_value),
        cmocka_unit_test(test_nobody_forges_a_marker),
        cmocka_unit_test(test_bins_both_ways),
        cmocka_unit_test(test_bins_are_bounded),
        cmocka_unit_test(test_bombs_are_known_by_their_header),
        cmocka_unit_test(test_limits_are_exact),
        cmocka_unit_test(test_deepest_nesting_the_library_takes),
        cmocka_unit_test(test_scan_may_stop_anywhere),
        cmocka_unit_test(test_every_first_byte_has_its_length),
        cmocka_unit_test(test_cut_and_array_walk_a_value),
        cmocka_unit_test(test_write_refuses_what_nobody_reads),
        cmocka_unit_test(test_write_keeps_to_the_buffer),
        cmocka_unit_test(test_pieces_make_the_same_as_a_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
