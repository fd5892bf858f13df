/* sim_video.c - an MP4 with one H.264 track: a grey picture, then pictures that repeat it. */
#include "sim_media.h"

#include <string.h>

/* Why by hand: an intra macroblock that predicts its mean and has no residue takes exactly 8 bits in CAVLC,
 * and a picture in which every macroblock is skipped takes two numbers. So a video of any size and length is
 * a few KiB, and no encoder is needed. Sources: ITU-T H.264 sections 7.3 and 9.1; ISO/IEC 14496-12 and -15.
 */

#define FPS         24
#define TIMESCALE   24000
#define TRACK_BYTES (64u << 20)
#define LONG_START  16 /* frame numbers before they begin again */

/* ---- H.264 ---- */

struct bits {
    struct buf *out;
    unsigned held;
    int n;
};

static void bits_add(struct bits *b, uint32_t v, int n)
{
    while (n--) {
        b->held = b->held << 1 | (v >> n & 1);
        if (++b->n == 8) {
            buf_char(b->out, (char)b->held);
            b->held = 0;
            b->n = 0;
        }
    }
}

/* ue(v), section 9.1. */
static void bits_ue(struct bits *b, uint32_t v)
{
    int n = 0;

    while ((v + 1) >> (n + 1)) {
        n++;
    }
    bits_add(b, 0, n);
    bits_add(b, v + 1, n + 1);
}

static void bits_trail(struct bits *b)
{
    bits_add(b, 1, 1);
    while (b->n) {
        bits_add(b, 0, 1);
    }
}

/* Appends a NAL unit: the raw bytes with emulation prevention (section 7.4.1.1). */
static void nal_add(struct buf *out, unsigned char header, const struct buf *raw)
{
    int zeros = 0;

    buf_char(out, (char)header);
    for (size_t i = 0; i < raw->n; i++) {
        unsigned char c = (unsigned char)raw->p[i];
        if (zeros >= 2 && c <= 3) {
            buf_char(out, 3);
            zeros = 0;
        }
        buf_char(out, (char)c);
        zeros = c ? 0 : zeros + 1;
    }
}

struct frame {
    uint32_t across; /* macroblocks */
    uint32_t down;
    uint32_t crop_right; /* in units of two pixels */
    uint32_t crop_bottom;
};

static struct frame frame_of(const struct sim_media_spec *spec)
{
    struct frame f = {((uint32_t)spec->width + 15) / 16, ((uint32_t)spec->height + 15) / 16, 0, 0};

    f.crop_right = (f.across * 16 - (uint32_t)spec->width) / 2;
    f.crop_bottom = (f.down * 16 - (uint32_t)spec->height) / 2;
    return f;
}

static unsigned char frame_level(const struct frame *f)
{
    uint32_t blocks = f->across * f->down;

    return blocks <= 3600 ? 31 : blocks <= 8192 ? 40 : blocks <= 36864 ? 51 : 62;
}

static void h264_sps(struct buf *out, const struct frame *f)
{
    struct buf raw;
    struct bits b = {&raw, 0, 0};

    buf_init(&raw, 256);
    bits_add(&b, 66, 8);   /* baseline */
    bits_add(&b, 0xc0, 8); /* constrained */
    bits_add(&b, frame_level(f), 8);
    bits_ue(&b, 0);
    bits_ue(&b, 0); /* frame_num has 4 bits */
    bits_ue(&b, 2); /* output order is decoding order */
    bits_ue(&b, 1); /* one reference frame */
    bits_add(&b, 0, 1);
    bits_ue(&b, f->across - 1);
    bits_ue(&b, f->down - 1);
    bits_add(&b, 3, 2); /* frames only; direct_8x8_inference */
    bool crop = f->crop_right || f->crop_bottom;
    bits_add(&b, crop, 1);
    if (crop) {
        bits_ue(&b, 0);
        bits_ue(&b, f->crop_right);
        bits_ue(&b, 0);
        bits_ue(&b, f->crop_bottom);
    }
    bits_add(&b, 0, 1); /* no VUI */
    bits_trail(&b);
    nal_add(out, 0x67, &raw);
    buf_done(&raw);
}

static void h264_pps(struct buf *out)
{
    struct buf raw;
    struct bits b = {&raw, 0, 0};

    buf_init(&raw, 256);
    bits_ue(&b, 0);
    bits_ue(&b, 0);
    bits_add(&b, 0, 2); /* CAVLC, no field order */
    bits_ue(&b, 0);     /* one slice group */
    bits_ue(&b, 0);
    bits_ue(&b, 0);
    bits_add(&b, 0, 3); /* no weighting */
    bits_ue(&b, 0);
    bits_ue(&b, 0);
    bits_ue(&b, 0);
    bits_add(&b, 4, 3); /* deblocking is told per slice */
    bits_trail(&b);
    nal_add(out, 0x68, &raw);
    buf_done(&raw);
}

/* One picture with its 4-byte length in front. number 0: the first, of intra macroblocks; else a repetition.
 */
static void h264_picture(struct buf *out, const struct frame *f, uint32_t number)
{
    struct buf raw, nal;
    struct bits b = {&raw, 0, 0};
    uint32_t blocks = f->across * f->down;

    buf_init(&raw, TRACK_BYTES);
    buf_init(&nal, TRACK_BYTES);
    bits_ue(&b, 0);
    bits_ue(&b, number ? 5 : 7); /* all slices P, or I */
    bits_ue(&b, 0);
    bits_add(&b, number % LONG_START, 4);
    if (number) {
        bits_add(&b, 0, 3); /* default references, no reordering, sliding window */
    } else {
        bits_ue(&b, 0);
        bits_add(&b, 0, 2); /* an ordinary reference */
    }
    bits_ue(&b, 0);
    bits_ue(&b, 1); /* no deblocking */
    if (number) {
        bits_ue(&b, blocks); /* all skipped */
    } else {
        for (uint32_t i = 0; i < blocks; i++) {
            bits_add(&b, 0x27,
                     8); /* I_16x16 predicting the mean, chroma too, same quantiser, no coefficients */
        }
    }
    bits_trail(&b);
    nal_add(&nal, number ? 0x41 : 0x65, &raw);
    sim_media_be(out, nal.n, 4);
    buf_add(out, nal.p, nal.n);
    buf_done(&raw);
    buf_done(&nal);
}

/* ---- MP4 ---- */

static size_t box_open(struct buf *b, const char *type)
{
    size_t at = b->n;

    sim_media_be(b, 0, 4);
    buf_text(b, type);
    return at;
}

static void box_close(struct buf *b, size_t at)
{
    for (int i = 0; i < 4; i++) {
        b->p[at + (size_t)i] = (char)((b->n - at) >> (24 - 8 * i));
    }
}

/* A box that holds only numbers: `words` has 4 bytes each. */
static void box_words(struct buf *b, const char *type, const uint32_t *words, size_t n)
{
    size_t at = box_open(b, type);

    for (size_t i = 0; i < n; i++) {
        sim_media_be(b, words[i], 4);
    }
    box_close(b, at);
}

struct movie {
    const struct sim_media_spec *spec;
    struct frame frame;
    uint32_t frames;
    uint32_t ms;
    uint32_t first_bytes;       /* of the first picture */
    uint32_t bytes[LONG_START]; /* of the repetition with that frame number */
    size_t chunk_at;            /* where the offset of the pictures stands in the head */
};

static void mp4_sample_entry(struct buf *b, const struct movie *v)
{
    static const char zeros[64];
    struct buf sps, pps;
    size_t stsd = box_open(b, "stsd");

    buf_init(&sps, 256);
    buf_init(&pps, 256);
    h264_sps(&sps, &v->frame);
    h264_pps(&pps);
    sim_media_be(b, 0, 4);
    sim_media_be(b, 1, 4);
    size_t avc1 = box_open(b, "avc1");
    buf_add(b, zeros, 6);
    sim_media_be(b, 1, 2);
    buf_add(b, zeros, 16);
    sim_media_be(b, (uint64_t)v->spec->width, 2);
    sim_media_be(b, (uint64_t)v->spec->height, 2);
    sim_media_be(b, 0x00480000, 4); /* 72 dots an inch */
    sim_media_be(b, 0x00480000, 4);
    sim_media_be(b, 0, 4);
    sim_media_be(b, 1, 2);
    buf_add(b, zeros, 32);
    sim_media_be(b, 0x0018ffff, 4);
    size_t avcc = box_open(b, "avcC");
    sim_media_be(b, 1, 1);
    buf_add(b, sps.p + 1, 3);
    sim_media_be(b, 0xffe1, 2); /* lengths of 4 bytes, one SPS */
    sim_media_be(b, sps.n, 2);
    buf_add(b, sps.p, sps.n);
    sim_media_be(b, 1, 1);
    sim_media_be(b, pps.n, 2);
    buf_add(b, pps.p, pps.n);
    box_close(b, avcc);
    box_close(b, avc1);
    box_close(b, stsd);
    buf_done(&sps);
    buf_done(&pps);
}

static void mp4_samples(struct buf *b, struct movie *v)
{
    size_t stbl = box_open(b, "stbl");

    mp4_sample_entry(b, v);
    box_words(b, "stts", (uint32_t[]){0, 1, v->frames, TIMESCALE / FPS}, 4);
    box_words(b, "stss", (uint32_t[]){0, 1, 1}, 3);
    box_words(b, "stsc", (uint32_t[]){0, 1, 1, v->frames, 1}, 5);
    size_t stsz = box_open(b, "stsz");
    sim_media_be(b, 0, 8);
    sim_media_be(b, v->frames, 4);
    sim_media_be(b, v->first_bytes, 4);
    for (uint32_t i = 1; i < v->frames; i++) {
        sim_media_be(b, v->bytes[i % LONG_START], 4);
    }
    box_close(b, stsz);
    v->chunk_at = b->n + 16;
    box_words(b, "stco", (uint32_t[]){0, 1, 0}, 3);
    box_close(b, stbl);
}

static void mp4_media(struct buf *b, struct movie *v)
{
    size_t mdia = box_open(b, "mdia");

    box_words(b, "mdhd", (uint32_t[]){0, 0, 0, TIMESCALE, v->frames * (TIMESCALE / FPS), 0x55c40000}, 6);
    size_t hdlr = box_open(b, "hdlr");
    sim_media_be(b, 0, 8);
    buf_text(b, "vide");
    buf_add(b, "\0\0\0\0\0\0\0\0\0\0\0\0sluice-sim", 23);
    box_close(b, hdlr);
    size_t minf = box_open(b, "minf");
    box_words(b, "vmhd", (uint32_t[]){1, 0, 0}, 3);
    size_t dinf = box_open(b, "dinf");
    size_t dref = box_open(b, "dref");
    sim_media_be(b, 1, 8);
    box_words(b, "url ", (uint32_t[]){1}, 1);
    box_close(b, dref);
    box_close(b, dinf);
    mp4_samples(b, v);
    box_close(b, minf);
    box_close(b, mdia);
}

static void mp4_matrix(uint32_t *at)
{
    at[0] = 0x00010000;
    at[4] = 0x00010000;
    at[8] = 0x40000000;
}

static void mp4_head(struct buf *b, struct movie *v)
{
    uint32_t mvhd[25] = {0, 0, 0, 1000, v->ms, 0x00010000, 0x01000000};
    uint32_t tkhd[21] = {3, 0, 0, 1, 0, v->ms};

    mp4_matrix(mvhd + 9);
    mvhd[24] = 2; /* the next track's id */
    mp4_matrix(tkhd + 10);
    tkhd[19] = (uint32_t)v->spec->width << 16;
    tkhd[20] = (uint32_t)v->spec->height << 16;
    size_t ftyp = box_open(b, "ftyp");
    buf_add(b, "isom\0\0\2\0isomavc1mp42", 20);
    box_close(b, ftyp);
    size_t moov = box_open(b, "moov");
    box_words(b, "mvhd", mvhd, 25);
    size_t trak = box_open(b, "trak");
    box_words(b, "tkhd", tkhd, 21);
    mp4_media(b, v);
    box_close(b, trak);
    box_close(b, moov);
    size_t seed = box_open(b, "free");
    buf_printf(b, "%016llx", (unsigned long long)v->spec->seed);
    box_close(b, seed);
}

static void mp4_pad_frame(char *piece, size_t n)
{
    static const char type[] = {'f', 'r', 'e', 'e'};

    for (int i = 0; i < 4; i++) {
        piece[i] = (char)(n >> (24 - 8 * i));
    }
    memcpy(piece + 4, type, sizeof(type));
}

static void mp4_pad_number(char *piece, size_t n, uint64_t number)
{
    for (size_t i = 0; i < 8 && 8 + i < n; i++) {
        piece[8 + i] = (char)(number >> (56 - 8 * i));
    }
}

void sim_video_mp4(struct sim_media *m, const struct sim_media_spec *spec)
{
    static const struct sim_media_pad pad = {8, mp4_pad_frame, mp4_pad_number};
    struct sim_media_spec even = *spec; /* half-size chroma: no odd sides */
    struct movie v = {.spec = &even};
    struct buf head, one;

    even.width += even.width & 1;
    even.height += even.height & 1;
    v.frame = frame_of(&even);
    v.frames = (uint32_t)((spec->ms * FPS + 999) / 1000);
    v.ms = (uint32_t)((uint64_t)v.frames * 1000 / FPS);
    buf_init(&head, TRACK_BYTES);
    buf_init(&one, TRACK_BYTES);
    for (uint32_t i = 0; i < LONG_START; i++) {
        size_t before = one.n;
        h264_picture(&one, &v.frame, i ? i : LONG_START);
        v.bytes[i] = (uint32_t)(one.n - before);
    }
    buf_reset(&one);
    h264_picture(&one, &v.frame, 0);
    v.first_bytes = (uint32_t)one.n;
    for (uint32_t i = 1; i < v.frames; i++) {
        h264_picture(&one, &v.frame, i % LONG_START ? i % LONG_START : LONG_START);
    }
    mp4_head(&head, &v);
    size_t mdat = box_open(&head, "mdat");
    for (int i = 0; i < 4; i++) {
        head.p[v.chunk_at + (size_t)i] = (char)(head.n >> (24 - 8 * i));
    }
    buf_add(&head, one.p, one.n);
    box_close(&head, mdat);
    sim_media_add(m, buf_slice(&head), 1);
    sim_media_fill(m, spec->bytes, 0, &pad);
    buf_done(&head);
    buf_done(&one);
}
