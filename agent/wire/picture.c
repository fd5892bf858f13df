/* picture.c - the width and height of a picture from its first bytes. */
#include "wire/picture.h"

#include <limits.h>
#include <stdint.h>

struct size {
    uint32_t width;
    uint32_t height;
};

/* ---- numbers out of a head that may be too short: 0 beyond its end ---- */

static uint32_t byte_at(struct slice s, size_t at)
{
    return at < s.n ? (unsigned char)s.p[at] : 0;
}

static uint32_t le16(struct slice s, size_t at)
{
    return byte_at(s, at) | byte_at(s, at + 1) << 8;
}

static uint32_t le24(struct slice s, size_t at)
{
    return le16(s, at) | byte_at(s, at + 2) << 16;
}

static uint32_t le32(struct slice s, size_t at)
{
    return le16(s, at) | le16(s, at + 2) << 16;
}

static uint32_t be16(struct slice s, size_t at)
{
    return byte_at(s, at) << 8 | byte_at(s, at + 1);
}

static uint32_t be32(struct slice s, size_t at)
{
    return be16(s, at) << 16 | be16(s, at + 2);
}

static bool has_at(struct slice s, size_t at, const char *text)
{
    size_t n = strlen(text);

    return at <= s.n && s.n - at >= n && memcmp(s.p + at, text, n) == 0;
}

/* ---- one function per format ---- */

/* PNG (RFC 2083 section 4.1.1): IHDR is the first chunk. */
static struct size size_of_png(struct slice s)
{
    if (!has_at(s, 12, "IHDR") || s.n < 24) {
        return (struct size){0, 0};
    }
    return (struct size){be32(s, 16), be32(s, 20)};
}

static struct size size_of_gif(struct slice s)
{
    return s.n < 10 ? (struct size){0, 0} : (struct size){le16(s, 6), le16(s, 8)};
}

/* BMP: the old header of 12 bytes has 16-bit sizes; a negative height means that rows go from top to bottom.
 */
static struct size size_of_bmp(struct slice s)
{
    if (s.n < 26) {
        return (struct size){0, 0};
    }
    if (le32(s, 14) == 12) {
        return (struct size){le16(s, 18), le16(s, 20)};
    }
    uint32_t height = le32(s, 22);
    return (struct size){le32(s, 18), height > INT_MAX ? 0u - height : height};
}

/* WebP (RFC 9649): lossy, lossless, extended. */
static struct size size_of_webp(struct slice s)
{
    if (s.n < 30) {
        return (struct size){0, 0};
    }
    if (has_at(s, 12, "VP8 ") && has_at(s, 23, "\x9d\x01\x2a")) {
        return (struct size){le16(s, 26) & 0x3fff, le16(s, 28) & 0x3fff};
    }
    if (has_at(s, 12, "VP8L") && byte_at(s, 20) == 0x2f) {
        uint32_t bits = le32(s, 21);
        return (struct size){(bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1};
    }
    if (has_at(s, 12, "VP8X")) {
        return (struct size){le24(s, 24) + 1, le24(s, 27) + 1};
    }
    return (struct size){0, 0};
}

/* A start-of-frame marker of JPEG: 0xc0 to 0xcf but for three that mean something else (ITU T.81, table B.1).
 */
static bool is_start_of_frame(uint32_t marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

/* JPEG: segments follow one another until the one that says the size. */
static struct size size_of_jpeg(struct slice s)
{
    size_t at = 2;

    while (at + 4 <= s.n && byte_at(s, at) == 0xff) {
        uint32_t marker = byte_at(s, at + 1);
        if (marker == 0xff) {
            at++; /* a fill byte */
            continue;
        }
        if (is_start_of_frame(marker)) {
            return at + 9 > s.n ? (struct size){0, 0} : (struct size){be16(s, at + 7), be16(s, at + 5)};
        }
        at += 2 + be16(s, at + 2);
    }
    return (struct size){0, 0};
}

/* AVIF: the size is in an `ispe` property (ISO 23008-12 section 6.5.3) of the `meta` box behind `ftyp`. With
 * tiles or a thumbnail there are several, and the whole picture is the largest, so the box must be there
 * whole. */
static struct size size_of_avif(struct slice s)
{
    struct size best = {0, 0};
    size_t meta = be32(s, 0), end = meta + be32(s, meta);

    if (!has_at(s, meta + 4, "meta") || end > s.n) {
        return best;
    }
    for (size_t at = meta + 8; at + 16 <= end; at++) {
        if (!has_at(s, at, "ispe") || be32(s, at - 4) != 20) {
            continue;
        }
        struct size size = {be32(s, at + 8), be32(s, at + 12)};
        if ((uint64_t)size.width * size.height > (uint64_t)best.width * best.height) {
            best = size;
        }
    }
    return best;
}

/* TIFF 6.0: the first directory has entries of 12 bytes: tag, type (3 is 16 bits, 4 is 32), count, value. */
static struct size size_of_tiff(struct slice s)
{
    bool little = byte_at(s, 0) == 'I';
    struct size size = {0, 0};
    size_t at = little ? le32(s, 4) : be32(s, 4);
    size_t entries = little ? le16(s, at) : be16(s, at);

    for (size_t i = 0; i < entries && at + 14 + 12 * i <= s.n; i++) {
        size_t entry = at + 2 + 12 * i;
        uint32_t tag = little ? le16(s, entry) : be16(s, entry);
        uint32_t type = little ? le16(s, entry + 2) : be16(s, entry + 2);
        uint32_t small = little ? le16(s, entry + 8) : be16(s, entry + 8);
        uint32_t large = little ? le32(s, entry + 8) : be32(s, entry + 8);
        if (tag == 256) {
            size.width = type == 3 ? small : large;
        } else if (tag == 257) {
            size.height = type == 3 ? small : large;
        }
    }
    return size;
}

static const struct format {
    const char *type;
    struct size (*size_of)(struct slice head);
} formats[] = {
    {"image/png", size_of_png},   {"image/jpeg", size_of_jpeg}, {"image/gif", size_of_gif},
    {"image/webp", size_of_webp}, {"image/avif", size_of_avif}, {"image/bmp", size_of_bmp},
    {"image/tiff", size_of_tiff},
};

bool picture_size(const char *type, struct slice head, int *ret_width, int *ret_height)
{
    struct size size = {0, 0};

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (!strcmp(formats[i].type, type)) {
            size = formats[i].size_of(head);
        }
    }
    if (size.width == 0 || size.height == 0 || size.width > INT_MAX || size.height > INT_MAX) {
        return false;
    }
    *ret_width = (int)size.width;
    *ret_height = (int)size.height;
    return true;
}
