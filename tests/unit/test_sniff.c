/* test_sniff.c - media by their magic numbers, the sizes of pictures, file name extensions. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "wire/sniff.h"

#define HEAD(text)                                                                                           \
    {                                                                                                        \
        text, sizeof(text) - 1                                                                               \
    }

/* Heads of real files made by ffmpeg, cut short. */
static const struct sample {
    const char *type;
    const char *ext;
    int width;
    int height;
    struct slice head;
} samples[] = {
    {"image/png", "png", 322, 122,
     HEAD("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x01\x42\0\0\0\x7a\x08\x02\0\0\0")},
    {"image/jpeg", "jpg", 322, 122,
     HEAD("\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xfe\0\x04Lc\xff\xdb\0\x05\0\x08\x04\xff"
          "\xff\xc2"
          "\0\x11\x08\0\x7a\x01\x42\x03\x01")},
    {"image/gif", "gif", 322, 122, HEAD("GIF89a\x42\x01\x7a\0\xf7\x1f")},
    {"image/gif", "gif", 1, 2, HEAD("GIF87a\x01\0\x02\0")},
    {"image/webp", "webp", 322, 122,
     HEAD("RIFF\xaa\0\0\0WEBPVP8 \x9e\0\0\0\x70\x0c\0\x9d\x01\x2a\x42\x01\x7a\0\x3e\x91")},
    {"image/webp", "webp", 322, 124,
     HEAD("RIFF\x26\0\0\0WEBPVP8L\x1a\0\0\0\x2f\x41\xc1\x1e\0\x07\x10\xf5\x8f\xfe\x07")},
    {"image/webp", "webp", 400, 300,
     HEAD("RIFF\x26\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\x8f\x01\0\x2b\x01\0ALPH")},
    {"image/avif", "avif", 322, 122,
     HEAD("\0\0\0\x20"
          "ftypavif\0\0\0\0avifmif1miafMA1B\0\0\0\x30meta\0\0\0\x14ispe\0\0\0\0\0\0\0\x10\0\0\0\x10"
          "\0\0\0\x14ispe\0\0\0\0\0\0\x01\x42\0\0\0\x7a")},
    {"image/avif", "avif", 0, 0,
     HEAD("\0\0\0\x18"
          "ftypmif1\0\0\0\0mif1avif")},
    {"image/bmp", "bmp", 322, 122,
     HEAD("BM\x86\xcd\x01\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x42\x01\0\0\x7a\0\0\0\x01\0\x18\0")},
    {"image/bmp", "bmp", 322, 122,
     HEAD("BM\x86\xcd\x01\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x42\x01\0\0\x86\xff\xff\xff\x01\0\x18\0")},
    {"image/bmp", "bmp", 16, 17,
     HEAD("BM\x86\xcd\x01\0\0\0\0\0\x1a\0\0\0\x0c\0\0\0\x10\0\x11\0\x01\0\x18\0")},
    {"image/tiff", "tiff", 322, 122,
     HEAD("II*\0\x08\0\0\0\x03\0\xfe\0\x04\0\x01\0\0\0\0\0\0\0\0\x01\x04\0\x01\0\0\0\x42\x01\0\0"
          "\x01\x01\x03\0\x01\0\0\0\x7a\0\xff\xff")},
    {"image/tiff", "tiff", 322, 122,
     HEAD("MM\0*\0\0\0\x08\0\x02\x01\0\0\x03\0\0\0\x01\x01\x42\0\0\x01\x01\0\x04\0\0\0\x01\0\0\0\x7a")},
    {"video/mp4", "mp4", 0, 0,
     HEAD("\0\0\0\x20"
          "ftypisom\0\0\x02\0isomiso2avc1mp41")},
    {"video/mp4", "mp4", 0, 0,
     HEAD("\0\0\0\x14"
          "ftypmp42\0\0\0\0mp42")},
    {"video/quicktime", "mov", 0, 0,
     HEAD("\0\0\0\x14"
          "ftypqt  \0\0\x02\0qt  ")},
    {"video/quicktime", "mov", 0, 0, HEAD("\0\0\x12\x34moov\0\0\0\x6cmvhd")},
    {"audio/mp4", "m4a", 0, 0,
     HEAD("\0\0\0\x1c"
          "ftypM4A \0\0\x02\0M4A isomiso2")},
    {"video/webm", "webm", 0, 0,
     HEAD("\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\x82\x84webmB\x87\x81")},
    {"video/x-matroska", "mkv", 0, 0,
     HEAD("\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska\x42\x87")},
    {"audio/mpeg", "mp3", 0, 0, HEAD("ID3\x04\0\0\0\0\0\x23TSSE")},
    {"audio/mpeg", "mp3", 0, 0, HEAD("\xff\xfb\x50\xc4\0\0")},
    {"audio/mpeg", "mp3", 0, 0, HEAD("\xff\xf3\x44\xc4")},
    {"audio/wav", "wav", 0, 0, HEAD("RIFF\xa2\x67\0\0WAVEfmt ")},
    {"audio/wav", "wav", 0, 0, HEAD("RF64\xff\xff\xff\xffWAVEds64")},
    {"audio/flac", "flac", 0, 0, HEAD("fLaC\0\0\0\x22")},
    {"audio/flac", "flac", 0, 0, HEAD("ID3\x04\0\0\0\0\0\x02..fLaC\0\0\0\x22")},
    {"audio/ogg", "ogg", 0, 0, HEAD("OggS\0\x02")},
    {"audio/aac", "aac", 0, 0, HEAD("\xff\xf1\x50\x40\x01\x7f\xfc")},
    {"audio/aac", "aac", 0, 0, HEAD("ID3\x04\0\0\0\0\0\x02..\xff\xf1\x50\x40\x01\x7f\xfc")},
    {"audio/aiff", "aiff", 0, 0,
     HEAD("FORM\0\0\x67\xc0"
          "AIFFCOMM")},
    {"audio/aiff", "aiff", 0, 0,
     HEAD("FORM\0\0\x67\xc0"
          "AIFCFVER")},
    {"application/pdf", "pdf", 0, 0, HEAD("%PDF-1.7\n")},
    {"application/zip", "zip", 0, 0, HEAD("PK\x03\x04\x14\0")},
};

#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

static void test_each_kind_is_known(void **state)
{
    /* Type, extension and, of pictures, the size. */
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        struct sniff found = sniff_media(samples[i].head);
        if (!found.type || strcmp(found.type, samples[i].type) != 0) {
            fail_msg("sample %zu is %s and not %s", i, found.type ? found.type : "unknown", samples[i].type);
        }
        assert_string_equal(found.ext, samples[i].ext);
        if (found.width != samples[i].width || found.height != samples[i].height) {
            fail_msg("sample %zu (%s) is %d x %d", i, found.type, found.width, found.height);
        }
    }
}

static void test_a_short_head_is_safe(void **state)
{
    /* Every prefix of every sample, in memory of exactly its size, gives its type or none, and no size but
     * the right. */
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        for (size_t n = 0; n < samples[i].head.n; n++) {
            char *copy = malloc(n + (n == 0));
            memcpy(copy, samples[i].head.p, n);
            struct sniff found = sniff_media((struct slice){copy, n});
            if (found.width) {
                assert_int_equal(found.height, samples[i].height);
            }
            assert_int_equal(!found.type, !found.ext);
            free(copy);
        }
    }
    assert_null(sniff_media((struct slice){NULL, 0}).type);
}

static void test_the_rest_is_unknown(void **state)
{
    /* Text, markup, other containers of RIFF and HEIF, and what only looks like sync bits. */
    (void)state;
    static const struct slice others[] = {
        HEAD("hello world, this is text"),
        HEAD("{\"error\":\"not an image\"}"),
        HEAD("<svg xmlns=\"http://www.w3.org/2000/svg\">"),
        HEAD("<?xml version=\"1.0\"?><svg>"),
        HEAD("<!DOCTYPE html>"),
        HEAD("RIFF\0\0\0\0AVI LIST"),
        HEAD("\0\0\0\x18"
             "ftypheic\0\0\0\0mif1heic"),
        HEAD("\0\0\0\x18"
             "ftypmif1\0\0\0\0mif1heic"),
        HEAD("BM is short for something"),
        HEAD("\xff\xfe\0a\0b\0c"),
        HEAD("\xff\xff\xff\xff"),
        HEAD("\xff\xfb\xf0\xc4"),
        HEAD("\xff\xf1\xff\x40\x01"),
        HEAD("\x1a\x45\xdf\xa3\x9f\x42\x82\x84\x66oobar"),
        HEAD("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct sniff found = sniff_media(others[i]);
        if (found.type) {
            fail_msg("other %zu is taken for %s", i, found.type);
        }
        assert_null(found.ext);
        assert_int_equal(found.width, 0);
    }
}

static void test_sizes_that_make_no_sense(void **state)
{
    /* A zero or a size beyond int is "not known", both of them; a directory or segment outside of the head
     * too. */
    (void)state;
    static const struct slice heads[] = {
        HEAD("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\0\0\0\0\x7a\x08"),
        HEAD("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\xff\xff\xff\xff\0\0\0\x7a\x08"),
        HEAD("\x89PNG\r\n\x1a\n\0\0\0\x0dtEXt\0\0\0\x10\0\0\0\x7a\x08"),
        HEAD("II*\0\xff\xff\xff\xff\x03\0"),
        HEAD("II*\0\x08\0\0\0\xff\xff\0\x01\x04\0\x01\0\0\0\x42\x01\0\0"),
        HEAD("\xff\xd8\xff\xe1\xff\xff"
             "Exif"),
        HEAD("\xff\xd8\xff\xe0\0\0\xff\xd9"),
        HEAD("\xff\xd8\xff\xff\xff\xff"),
        HEAD("\xff\xd8\xff\xc4\0\x11\x08\0\x7a\x01\x42\x03\x01"),
        HEAD("BM\x86\xcd\x01\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x42\x01\0\x80\x7a\0\0\0\x01\0\x18\0"),
    };

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct sniff found = sniff_media(heads[i]);
        assert_non_null(found.type);
        if (found.width || found.height) {
            fail_msg("head %zu is %d x %d", i, found.width, found.height);
        }
    }
}

static void test_extensions(void **state)
{
    /* Types of answers in any case and with parameters; what is not known is "bin". */
    (void)state;
    assert_string_equal(sniff_ext("image/png"), "png");
    assert_string_equal(sniff_ext("Audio/X-WAV; rate=24000"), "wav");
    assert_string_equal(sniff_ext("audio/mp3"), "mp3");
    assert_string_equal(sniff_ext("video/quicktime ;a=b"), "mov");
    assert_string_equal(sniff_ext("application/octet-stream"), "bin");
    assert_string_equal(sniff_ext("image/pn"), "bin");
    assert_string_equal(sniff_ext("image/pngx"), "bin");
    assert_string_equal(sniff_ext(""), "bin");
    assert_string_equal(sniff_ext(NULL), "bin");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_is_known),  cmocka_unit_test(test_a_short_head_is_safe),
        cmocka_unit_test(test_the_rest_is_unknown), cmocka_unit_test(test_sizes_that_make_no_sense),
        cmocka_unit_test(test_extensions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
