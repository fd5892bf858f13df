/* test_sim_media.c - media of the simulator: right sizes, right checksums, the same bytes however they are
 * read. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim_body.h"
#include "sim_media.h"
#include "wire/base64.h"
#include "wire/sniff.h"

#define MOST (4u << 20)

/* All bytes of a medium, read in steps; the caller frees. */
static char *read_all(const struct sim_media_spec *spec, size_t step, size_t *ret_n)
{
    struct sim_media *m = sim_media_new(spec);
    char *bytes = mem_new(MOST);
    size_t n = 0, got;

    assert_true(sim_media_size(m) < MOST);
    while ((got = sim_media_read(m, bytes + n, step)) > 0) {
        n += got;
    }
    assert_int_equal(n, sim_media_size(m));
    sim_media_free(&m);
    assert_null(m);
    *ret_n = n;
    return bytes;
}

static void same_bytes_in_any_steps(void **state)
{
    /* A medium does not depend on how its reader cuts it, padding and all. */
    (void)state;
    for (int kind = 0; kind < SIM_MEDIA_KINDS; kind++) {
        struct sim_media_spec spec = {
            .kind = (enum sim_media_kind)kind, .width = 64, .height = 48, .bytes = 150001, .seed = 9};
        size_t n, m;
        char *whole = read_all(&spec, MOST, &n);
        static const size_t steps[] = {1, 7, 4096, 32768, 100000};
        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
            char *again = read_all(&spec, steps[i], &m);
            assert_int_equal(n, m);
            assert_memory_equal(whole, again, n);
            free(again);
        }
        free(whole);
    }
}

static void sizes_are_as_asked(void **state)
{
    /* Above its smallest size a medium has the bytes asked for (WebP and WAV: an even number), also where
     * pieces of padding begin and end. */
    (void)state;
    for (int kind = 0; kind < SIM_MEDIA_KINDS; kind++) {
        bool even = kind == SIM_MEDIA_WEBP || kind == SIM_MEDIA_WAV || kind == SIM_MEDIA_PCM;
        for (uint64_t bytes = 60000; bytes < 60000 + 3 * 32768; bytes += kind == SIM_MEDIA_MP4 ? 997 : 331) {
            struct sim_media_spec spec = {
                .kind = (enum sim_media_kind)kind, .width = 64, .height = 48, .bytes = bytes};
            struct sim_media *m = sim_media_new(&spec);
            uint64_t got = sim_media_size(m);
            assert_true(got == bytes || (even && got / 2 == bytes / 2) || (even && got == bytes + 1));
            sim_media_free(&m);
        }
    }
}

/* CRC-32 a bit at a time: not the way the maker does it. */
static uint32_t crc(const unsigned char *p, size_t n)
{
    uint32_t c = 0xffffffffu;

    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++) {
            c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
        }
    }
    return ~c;
}

static uint32_t be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void png_chunks_are_whole(void **state)
{
    /* Every chunk of a padded PNG has a right length and a right checksum, from IHDR to IEND. */
    (void)state;
    static const uint64_t sizes[] = {0, 70000, 98321, 131072, 300000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct sim_media_spec spec = {.kind = SIM_MEDIA_PNG, .width = 300, .height = 200, .bytes = sizes[i]};
        size_t n, at = 8, chunks = 0;
        unsigned char *b = (unsigned char *)read_all(&spec, MOST, &n);
        assert_memory_equal(b, "\x89PNG\r\n\x1a\n", 8);
        assert_memory_equal(b + 12, "IHDR", 4);
        while (at < n) {
            uint32_t length = be32(b + at);
            assert_true(length <= n - at - 12);
            assert_int_equal(be32(b + at + 8 + length), crc(b + at + 4, length + 4));
            at += 12 + length;
            chunks++;
        }
        assert_int_equal(at, n);
        assert_memory_equal(b + n - 8, "IEND", 4);
        assert_true(chunks >= 5);
        free(b);
    }
}

static void padding_is_numbered(void **state)
{
    /* No two pieces of padding are alike: a lost, doubled or moved piece shows in the digest. */
    (void)state;
    for (int kind = 0; kind < SIM_MEDIA_MP3; kind++) {
        if (kind == SIM_MEDIA_PCM) {
            continue; /* more sound, not padding */
        }
        struct sim_media_spec spec = {
            .kind = (enum sim_media_kind)kind, .width = 16, .height = 16, .ms = 40, .bytes = 40 * 32768};
        size_t n;
        char *b = read_all(&spec, MOST, &n);
        for (size_t i = 8192; i + 2 * 32768 <= n; i += 32768) {
            assert_memory_not_equal(b + i, b + i + 32768, 32768);
        }
        free(b);
    }
}

static void sniffed_as_what_they_are(void **state)
{
    /* Our own sniffer, which never saw the makers, knows each kind and the sides of pictures. */
    (void)state;
    for (int kind = 0; kind < SIM_MEDIA_TEXT; kind++) {
        if (kind == SIM_MEDIA_PCM) {
            continue; /* raw samples have no mark */
        }
        struct sim_media_spec spec = {.kind = (enum sim_media_kind)kind, .width = 320, .height = 180};
        size_t n;
        char *b = read_all(&spec, MOST, &n);
        struct sniff s = sniff_media((struct slice){b, n < SNIFF_BYTES ? n : SNIFF_BYTES});
        assert_non_null(s.type);
        assert_string_equal(s.type, sim_media_type(spec.kind));
        if (kind <= SIM_MEDIA_WEBP) {
            assert_int_equal(s.width, 320);
            assert_int_equal(s.height, 180);
        }
        free(b);
    }
}

static void seeds_differ(void **state)
{
    /* Another seed is another medium; the same seed is the same. */
    (void)state;
    for (int kind = 0; kind < SIM_MEDIA_TEXT; kind++) {
        struct sim_media_spec a = {.kind = (enum sim_media_kind)kind, .width = 32, .height = 32, .seed = 1},
                              b = a;
        size_t n, m;
        b.seed = 2;
        char *first = read_all(&a, MOST, &n), *second = read_all(&b, MOST, &m),
             *third = read_all(&a, MOST, &m);
        assert_memory_equal(first, third, n);
        assert_true(n != m || memcmp(first, second, n) != 0);
        free(first);
        free(second);
        free(third);
    }
}

static void wild_values_are_cut(void **state)
{
    /* Sides, lengths and sizes out of bounds make a medium within them. */
    (void)state;
    for (int kind = 0; kind < SIM_MEDIA_KINDS; kind++) {
        struct sim_media_spec spec = {
            .kind = (enum sim_media_kind)kind, .width = -5, .height = 0, .ms = -1, .bytes = UINT64_MAX};
        struct sim_media *m = sim_media_new(&spec);
        assert_true(sim_media_size(m) <= SIM_MEDIA_BYTES + 64);
        assert_true(sim_media_size(m) > 1u << 30);
        sim_media_free(&m);
    }
    struct sim_media_spec spec = {.kind = SIM_MEDIA_JPEG, .width = 1 << 30, .height = 1 << 30};
    struct sim_media *m = sim_media_new(&spec);
    assert_true(sim_media_size(m) < 64u << 20);
    sim_media_free(&m);
}

static void sides_are_read(void **state)
{
    /* "WxH" in the spellings of vendors; anything else leaves the sides alone. */
    (void)state;
    static const char *const good[] = {"640x480", "640X480", "640:480", "640*480"};
    static const char *const bad[] = {"",          "auto", "640",  "640x",    "x480",
                                      "640x480x1", "0x5",  "-1x5", "99999x5", "640 x 480"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        int w = 0, h = 0;
        assert_true(sim_media_sides(good[i], &w, &h));
        assert_int_equal(w, 640);
        assert_int_equal(h, 480);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int w = 7, h = 8;
        assert_false(sim_media_sides(bad[i], &w, &h));
        assert_int_equal(w * 10 + h, 78);
    }
}

/* ---- bodies: media inside text ---- */

static char *read_body(struct sim_body *b, size_t step, size_t *ret_n)
{
    char *out = mem_new(MOST);
    size_t n = 0, got;

    while ((got = sim_body_read(b, out + n, step)) > 0) {
        n += got;
    }
    *ret_n = n;
    return out;
}

static void body_holds_media(void **state)
{
    /* A medium in JSON comes out as base64, hex or data URI of exactly its bytes, whatever the steps. */
    (void)state;
    struct sim_media_spec spec = {
        .kind = SIM_MEDIA_PNG, .width = 20, .height = 10, .bytes = 50000, .seed = 3};
    size_t raw_n, n;
    char *raw = read_all(&spec, MOST, &raw_n);
    static const size_t steps[] = {1, 2, 3, 5, 17, 4096, MOST};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        json_t *value =
            json_pack("{s:s, s:[{s:{s:s,s:s,s:i,s:i,s:s}}, i, n]}", "a", "\"x\"\n", "b", "$media", "kind",
                      "png", "size", "20x10", "bytes", 50000, "seed", 3, "as", i % 2 ? "hex" : "base64", 5);
        struct sim_body b;
        sim_body_init(&b);
        sim_body_json(&b, value);
        uint64_t told = sim_body_size(&b);
        char *text = read_body(&b, steps[i], &n);
        assert_int_equal(told, n);
        json_t *back = json_loadb(text, n, 0, NULL);
        assert_non_null(back);
        assert_string_equal(json_string_value(json_object_get(back, "a")), "\"x\"\n");
        const char *coded = json_string_value(json_array_get(json_object_get(back, "b"), 0));
        if (i % 2) {
            assert_int_equal(strlen(coded), 2 * raw_n);
            char first[3];
            snprintf(first, sizeof(first), "%02x", (unsigned char)raw[1]);
            assert_memory_equal(coded + 2, first, 2);
        } else {
            struct base64 d = {0};
            unsigned char *bytes = mem_new(strlen(coded));
            assert_int_equal(base64_feed(&d, coded, strlen(coded), bytes), raw_n);
            assert_true(base64_end(&d));
            assert_memory_equal(bytes, raw, raw_n);
            free(bytes);
        }
        json_decref(back);
        json_decref(value);
        free(text);
        sim_body_done(&b);
    }
    free(raw);
}

static void body_ends_at_its_limit(void **state)
{
    /* A limited body tells and gives as many bytes, in text or in the middle of a medium. */
    (void)state;
    for (uint64_t limit = 0; limit < 3000; limit += 37) {
        json_t *value = json_pack("{s:{s:{s:s,s:s,s:s}}, s:s}", "a", "$media", "kind", "jpeg", "size",
                                  "100x100", "as", "data_uri", "z", "z");
        struct sim_body b;
        size_t n;
        sim_body_init(&b);
        sim_body_json(&b, value);
        uint64_t whole = sim_body_size(&b);
        b.limit = limit;
        char *text = read_body(&b, 100, &n);
        assert_int_equal(n, limit < whole ? limit : whole);
        assert_int_equal(n, sim_body_size(&b));
        if (n > 40) {
            assert_memory_equal(text, "{\"a\":\"data:image/jpeg;base64,/9j/", 33);
        }
        json_decref(value);
        free(text);
        sim_body_done(&b);
    }
}

static void body_bounds_media(void **state)
{
    /* More media than a body may hold, and a kind that does not exist, are left out without harm. */
    (void)state;
    struct sim_body b;
    size_t n;

    sim_body_init(&b);
    for (int i = 0; i < SIM_BODY_MEDIA + 5; i++) {
        struct sim_media_spec spec = {.kind = SIM_MEDIA_TEXT, .bytes = 1};
        sim_body_insert(&b, sim_media_new(&spec), SIM_RAW);
    }
    assert_int_equal(sim_body_size(&b), SIM_BODY_MEDIA);
    sim_body_done(&b);
    json_t *value = json_pack("[{s:{s:s}}]", "$media", "kind", "gif");
    sim_body_init(&b);
    sim_body_json(&b, value);
    char *text = read_body(&b, 100, &n);
    assert_string_equal(text, "[null]");
    free(text);
    json_decref(value);
    sim_body_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes_in_any_steps),  cmocka_unit_test(sizes_are_as_asked),
        cmocka_unit_test(png_chunks_are_whole),     cmocka_unit_test(padding_is_numbered),
        cmocka_unit_test(sniffed_as_what_they_are), cmocka_unit_test(seeds_differ),
        cmocka_unit_test(wild_values_are_cut),      cmocka_unit_test(sides_are_read),
        cmocka_unit_test(body_holds_media),         cmocka_unit_test(body_ends_at_its_limit),
        cmocka_unit_test(body_bounds_media),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
