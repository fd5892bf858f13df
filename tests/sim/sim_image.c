/* sim_image.c - pictures of any size in a few bytes: PNG, JPEG, WebP. */
#include "sim_media.h"

#include <string.h>

#include "base/auto.h"
#include "base/mem.h"

#define HEAD_BYTES  (8u << 20) /* far over the core of the largest picture */
#define ADLER_MOD   65521u
#define MATCH_BYTES 258 /* deflate's longest */

/* ---- PNG (PNG specification, second edition; deflate is RFC 1951, zlib RFC 1950) ---- */

static uint32_t image_crc(uint32_t crc, const char *p, size_t n)
{
    static const uint32_t nibble[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};

    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc ^= (unsigned char)p[i];
        crc = (crc >> 4) ^ nibble[crc & 15];
        crc = (crc >> 4) ^ nibble[crc & 15];
    }
    return ~crc;
}

static void png_chunk(struct buf *out, const char *type, struct slice data)
{
    size_t at = out->n + 4;

    sim_media_be(out, data.n, 4);
    buf_text(out, type);
    buf_add(out, data.p, data.n);
    sim_media_be(out, image_crc(0, out->p + at, data.n + 4), 4);
}

/* The letter cases of the type say: ancillary, private, safe to copy. */
static void png_pad_frame(char *piece, size_t n)
{
    static const char type[] = {'s', 'i', 'M', 'p'};
    uint32_t data = (uint32_t)n - 12;

    for (int i = 0; i < 4; i++) {
        piece[i] = (char)(data >> (24 - 8 * i));
    }
    memcpy(piece + 4, type, sizeof(type));
}

static void png_pad_number(char *piece, size_t n, uint64_t number)
{
    for (size_t i = 0; i < 8 && 8 + i < n - 4; i++) {
        piece[8 + i] = (char)(number >> (56 - 8 * i));
    }
    uint32_t crc = image_crc(0, piece + 4, n - 8);
    for (int i = 0; i < 4; i++) {
        piece[n - 4 + (size_t)i] = (char)(crc >> (24 - 8 * i));
    }
}

/* Bits as deflate wants them: numbers from their low end, Huffman codes from their high end. */
struct bits {
    struct buf *out;
    uint32_t held;
    int n;
};

static void bits_number(struct bits *b, uint32_t v, int n)
{
    b->held |= v << b->n;
    for (b->n += n; b->n >= 8; b->n -= 8) {
        buf_char(b->out, (char)b->held);
        b->held >>= 8;
    }
}

static void bits_code(struct bits *b, uint32_t code, int n)
{
    while (n--) {
        bits_number(b, code >> n & 1, 1);
    }
}

/* A match of the longest length, `back` bytes ago (RFC 1951 section 3.2.5). */
static void deflate_match(struct bits *b, uint32_t back)
{
    uint32_t code = back - 1, extra = 0;

    for (; code >= 4; code >>= 1) {
        extra++;
    }
    bits_code(b, 0xc5, 8); /* symbol 285 */
    if (extra) {
        uint32_t symbol = 2 * (extra + 1) + (code & 1);
        bits_code(b, symbol, 5);
        bits_number(b, (back - 1) & ((1u << extra) - 1), (int)extra);
    } else {
        bits_code(b, code, 5);
    }
}

/* zlib's stream of `rows` rows that are all alike: the first in letters, the others as matches one row back.
 */
static void png_deflate(struct buf *out, struct slice row, size_t rows)
{
    struct bits b = {out, 0, 0};
    uint64_t total = (uint64_t)row.n * rows, at = 0;

    buf_add(out, "\x78\x01", 2);
    bits_number(&b, 1, 1); /* the last block */
    bits_number(&b, 1, 2); /* fixed codes */
    while (at < total) {
        if (at >= row.n && total - at >= MATCH_BYTES) {
            deflate_match(&b, (uint32_t)row.n);
            at += MATCH_BYTES;
        } else {
            bits_code(&b, 0x30u + (unsigned char)row.p[at % row.n], 8); /* bytes of a row are below 144 */
            at++;
        }
    }
    bits_code(&b, 0, 7); /* end of block */
    bits_number(&b, 0, 7);

    uint64_t sum = 0, weighted = 0, low = 1, high = 0;
    for (size_t i = 0; i < row.n; i++) {
        sum += (unsigned char)row.p[i];
        weighted += (uint64_t)(unsigned char)row.p[i] * (row.n - i);
    }
    for (size_t i = 0; i < rows; i++) { /* Adler-32 of a row at a time: sums are linear */
        high = (high + low * row.n + weighted) % ADLER_MOD;
        low = (low + sum) % ADLER_MOD;
    }
    sim_media_be(out, high << 16 | low, 4);
}

static void png_head(struct buf *out, const struct sim_media_spec *spec)
{
    struct buf data;

    buf_init(&data, 256);
    buf_add(out, "\x89PNG\r\n\x1a\n", 8);
    sim_media_be(&data, (uint64_t)spec->width, 4);
    sim_media_be(&data, (uint64_t)spec->height, 4);
    buf_add(&data, "\x01\x03\x00\x00\x00", 5); /* one bit a pixel, a palette */
    png_chunk(out, "IHDR", buf_slice(&data));
    buf_reset(&data);
    sim_media_be(&data, 0xf0f0f0, 3);
    sim_media_be(&data, spec->seed >> 8, 3);
    png_chunk(out, "PLTE", buf_slice(&data));
    buf_reset(&data);
    buf_add(&data, "Comment\0", 8);
    buf_printf(&data, "sluice-sim %016llx", (unsigned long long)spec->seed);
    png_chunk(out, "tEXt", buf_slice(&data));
    buf_done(&data);
}

void sim_image_png(struct sim_media *m, const struct sim_media_spec *spec)
{
    static const struct sim_media_pad pad = {20, png_pad_frame, png_pad_number};
    struct buf head, tail, data;
    size_t stride = 1 + ((size_t)spec->width + 7) / 8;
    AUTO(auto_free) char *row = mem_new(stride);

    buf_init(&head, HEAD_BYTES);
    buf_init(&tail, HEAD_BYTES);
    buf_init(&data, HEAD_BYTES);
    png_head(&head, spec);
    for (size_t i = 1; i < stride; i++) { /* row[0] is the filter: none */
        row[i] = i & 8 ? 0x7f : 0x0f;
    }
    png_deflate(&data, (struct slice){row, stride}, (size_t)spec->height);
    png_chunk(&tail, "IDAT", buf_slice(&data));
    png_chunk(&tail, "IEND", (struct slice){"", 0});
    sim_media_add(m, buf_slice(&head), 1);
    sim_media_fill(m, spec->bytes, tail.n, &pad);
    sim_media_add(m, buf_slice(&tail), 1);
    buf_done(&head);
    buf_done(&tail);
    buf_done(&data);
}

/* ---- JPEG (ITU-T T.81): grey, all blocks alike but for the first ---- */

static void jpeg_pad_frame(char *piece, size_t n)
{
    piece[0] = (char)0xff;
    piece[1] = (char)0xfe;
    piece[2] = (char)((n - 2) >> 8);
    piece[3] = (char)(n - 2);
}

static void jpeg_pad_number(char *piece, size_t n, uint64_t number)
{
    for (size_t i = 0; i < 8 && 4 + i < n; i++) {
        piece[4 + i] = (char)(number >> (56 - 8 * i));
    }
}

static void jpeg_tables(struct buf *b, const struct sim_media_spec *spec)
{
    static const char quant[] = "\xff\xdb\x00\x43\x00";
    /* One code each: '0' is "no difference" for DC and "end of block" for AC. */
    static const char dc[] = "\xff\xc4\x00\x14\x00\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x00";
    static const char ac[] = "\xff\xc4\x00\x14\x10\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x00";

    buf_add(b, quant, sizeof(quant) - 1);
    for (int i = 0; i < 64; i++) {
        buf_char(b, 1);
    }
    buf_add(b, "\xff\xc0\x00\x0b\x08", 5);
    sim_media_be(b, (uint64_t)spec->height, 2);
    sim_media_be(b, (uint64_t)spec->width, 2);
    buf_add(b, "\x01\x01\x11\x00", 4);
    buf_add(b, dc, sizeof(dc) - 1);
    buf_add(b, ac, sizeof(ac) - 1);
    buf_add(b, "\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00", 10);
}

void sim_image_jpeg(struct sim_media *m, const struct sim_media_spec *spec)
{
    static const struct sim_media_pad pad = {12, jpeg_pad_frame, jpeg_pad_number};
    struct buf head, tail;
    uint64_t blocks = (uint64_t)((spec->width + 7) / 8) * (uint64_t)((spec->height + 7) / 8);
    size_t scan = (size_t)(blocks / 4), odd = (size_t)(blocks % 4);

    buf_init(&head, HEAD_BYTES);
    buf_init(&tail, HEAD_BYTES);
    buf_add(&head, "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00", 20);
    buf_add(&head, "\xff\xfe\x00\x12", 4);
    buf_printf(&head, "%016llx", (unsigned long long)spec->seed);
    jpeg_tables(&tail, spec);
    AUTO(auto_free) char *zeros = mem_new(scan + 1); /* two zero bits a block */
    buf_add(&tail, zeros, scan);
    if (odd) {
        buf_char(&tail, (char)(0xff >> (2 * odd)));
    }
    buf_add(&tail, "\xff\xd9", 2);
    sim_media_add(m, buf_slice(&head), 1);
    sim_media_fill(m, spec->bytes, tail.n, &pad);
    sim_media_add(m, buf_slice(&tail), 1);
    buf_done(&head);
    buf_done(&tail);
}

/* ---- WebP (RFC 9649): lossless, five codes of one symbol each, so that a pixel takes no bits ---- */

static void webp_pixels(struct buf *out, const struct sim_media_spec *spec)
{
    struct bits b = {out, 0, 0};
    const uint32_t symbols[] = {spec->seed >> 8 & 0xff, spec->seed >> 16 & 0xff, spec->seed & 0xff, 0xff, 0};

    buf_char(out, 0x2f);
    bits_number(&b, (uint32_t)spec->width - 1, 14);
    bits_number(&b, (uint32_t)spec->height - 1, 14);
    bits_number(&b, 0, 4); /* no alpha, version 0 */
    bits_number(&b, 0, 3); /* no transform, no colour cache, no meta codes */
    for (size_t i = 0; i < 5; i++) {
        bits_number(&b, 1, 1); /* a simple code */
        bits_number(&b, 0, 1); /* of one symbol */
        bits_number(&b, symbols[i] > 1, 1);
        bits_number(&b, symbols[i], symbols[i] > 1 ? 8 : 1);
    }
    bits_number(&b, 0, 7);
}

static void webp_pad_number(char *piece, size_t n, uint64_t number)
{
    for (size_t i = 0; i < 8 && i < n; i++) {
        piece[i] = (char)(number >> (56 - 8 * i));
    }
}

void sim_image_webp(struct sim_media *m, const struct sim_media_spec *spec)
{
    static const struct sim_media_pad pad = {1, NULL, webp_pad_number};
    struct buf pixels, out;
    uint64_t wanted = spec->bytes > UINT32_MAX - 16 ? UINT32_MAX - 16 : spec->bytes;

    buf_init(&pixels, 256);
    buf_init(&out, 512);
    webp_pixels(&pixels, spec);
    uint64_t base = 20 + ((pixels.n + 1) & ~1ull);
    uint64_t extra =
        wanted > base + 24 ? wanted - base - 8 : 16; /* an unknown chunk, with the seed and the padding */
    extra += extra & 1;
    buf_text(&out, "RIFF");
    sim_media_le(&out, base - 8 + 8 + extra, 4);
    buf_text(&out, "WEBPVP8L");
    sim_media_le(&out, pixels.n, 4);
    buf_add(&out, pixels.p, pixels.n);
    sim_media_be(&out, 0, (int)(pixels.n & 1));
    buf_text(&out, "seed");
    sim_media_le(&out, extra, 4);
    buf_printf(&out, "%016llx", (unsigned long long)spec->seed);
    sim_media_add(m, buf_slice(&out), 1);
    sim_media_fill(m, base + 8 + extra, 0, &pad);
    buf_done(&pixels);
    buf_done(&out);
}
