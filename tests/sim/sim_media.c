/* sim_media.c - made-up media as rows of parts, read as a stream. */
#include "sim_media.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PIECE_BYTES (32u << 10) /* a JPEG comment holds less than 64 KiB */
#define MAX_PARTS   8

struct part {
    char *bytes;
    size_t n;
    uint64_t times;
    uint64_t first; /* the number of the first piece, when they are numbered */
    void (*number)(char *piece, size_t n, uint64_t number);
};

struct sim_media {
    struct part parts[MAX_PARTS];
    size_t count;
    uint64_t size;
    /* where reading is */
    size_t part;
    uint64_t piece;
    size_t at;
};

static void media_text(struct sim_media *m, const struct sim_media_spec *spec);

static const struct kind {
    const char *name;
    const char *type;
    void (*make)(struct sim_media *m, const struct sim_media_spec *spec);
} kinds[SIM_MEDIA_KINDS] = {
    [SIM_MEDIA_PNG] = {"png", "image/png", sim_image_png},
    [SIM_MEDIA_JPEG] = {"jpeg", "image/jpeg", sim_image_jpeg},
    [SIM_MEDIA_WEBP] = {"webp", "image/webp", sim_image_webp},
    [SIM_MEDIA_MP4] = {"mp4", "video/mp4", sim_video_mp4},
    [SIM_MEDIA_WAV] = {"wav", "audio/wav", sim_audio_wav},
    [SIM_MEDIA_PCM] = {"pcm", "audio/pcm", sim_audio_pcm},
    [SIM_MEDIA_MP3] = {"mp3", "audio/mpeg", sim_audio_mp3},
    [SIM_MEDIA_TEXT] = {"text", "text/plain", media_text},
};

void sim_media_be(struct buf *b, uint64_t v, int n)
{
    while (n--) {
        buf_char(b, (char)(v >> (8 * n)));
    }
}

void sim_media_le(struct buf *b, uint64_t v, int n)
{
    for (; n; n--, v >>= 8) {
        buf_char(b, (char)v);
    }
}

static struct part *media_part(struct sim_media *m, size_t n, uint64_t times)
{
    struct part *part = &m->parts[m->count++];

    *part = (struct part){.bytes = mem_new(n), .n = n, .times = times};
    m->size += n * times;
    return part;
}

void sim_media_add(struct sim_media *m, struct slice bytes, uint64_t times)
{
    if (bytes.n && times && m->count < MAX_PARTS) {
        memcpy(media_part(m, bytes.n, times)->bytes, bytes.p, bytes.n);
    }
}

/* One part of padding; the filler does not compress, so that a link or a store cannot cheat in a measurement.
 */
static void media_pad(struct sim_media *m, size_t n, uint64_t times, uint64_t first,
                      const struct sim_media_pad *pad)
{
    if (!times || m->count >= MAX_PARTS) {
        return;
    }
    struct part *part = media_part(m, n, times);
    uint32_t x = 2463534242u;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        part->bytes[i] = (char)x;
    }
    if (pad->frame) {
        pad->frame(part->bytes, n);
    }
    part->first = first;
    part->number = pad->number;
}

void sim_media_fill(struct sim_media *m, uint64_t wanted, uint64_t rest, const struct sim_media_pad *pad)
{
    if (wanted <= m->size + rest) {
        return;
    }
    uint64_t bytes = wanted - m->size - rest;
    if (bytes < pad->least) {
        bytes = pad->least;
    }
    uint64_t full = bytes / PIECE_BYTES;
    size_t odd = (size_t)(bytes % PIECE_BYTES);
    if (odd && odd < pad->least) {
        full--; /* too short for a piece of its own: the first one takes it along */
        odd += PIECE_BYTES;
    }
    media_pad(m, odd, odd ? 1 : 0, 0, pad);
    media_pad(m, PIECE_BYTES, full, 1, pad);
}

static void media_text(struct sim_media *m, const struct sim_media_spec *spec)
{
    char *piece = mem_new(PIECE_BYTES);

    memset(piece, 'x', PIECE_BYTES);
    sim_media_add(m, (struct slice){piece, PIECE_BYTES}, spec->bytes / PIECE_BYTES);
    sim_media_add(m, (struct slice){piece, spec->bytes % PIECE_BYTES}, 1);
    free(piece);
}

static int64_t media_clamp(int64_t value, int64_t otherwise, int64_t max)
{
    return value <= 0 ? otherwise : value > max ? max : value;
}

struct sim_media *sim_media_new(const struct sim_media_spec *spec)
{
    struct sim_media *m = mem_new(sizeof(*m));
    struct sim_media_spec s = *spec;
    bool video = s.kind == SIM_MEDIA_MP4;

    s.width = (int)media_clamp(s.width, video ? 1280 : 1024, SIM_MEDIA_SIDE);
    s.height = (int)media_clamp(s.height, video ? 720 : 1024, SIM_MEDIA_SIDE);
    s.ms = media_clamp(s.ms, 1000, SIM_MEDIA_MS);
    s.bytes = s.bytes > SIM_MEDIA_BYTES ? SIM_MEDIA_BYTES : s.bytes;
    kinds[s.kind].make(m, &s);
    return m;
}

void sim_media_free(struct sim_media **pm)
{
    struct sim_media *m = *pm;

    if (!m) {
        return;
    }
    for (size_t i = 0; i < m->count; i++) {
        free(m->parts[i].bytes);
    }
    free(m);
    *pm = NULL;
}

uint64_t sim_media_size(const struct sim_media *m)
{
    return m->size;
}

size_t sim_media_read(struct sim_media *m, char *out, size_t n)
{
    size_t done = 0;

    while (done < n && m->part < m->count) {
        struct part *part = &m->parts[m->part];
        if (m->at == 0 && part->number) {
            part->number(part->bytes, part->n, part->first + m->piece);
        }
        size_t take = part->n - m->at < n - done ? part->n - m->at : n - done;
        memcpy(out + done, part->bytes + m->at, take);
        done += take;
        m->at += take;
        if (m->at == part->n) {
            m->at = 0;
            if (++m->piece == part->times) {
                m->piece = 0;
                m->part++;
            }
        }
    }
    return done;
}

int sim_media_find(const char *name)
{
    if (!strcmp(name, "jpg")) {
        return SIM_MEDIA_JPEG;
    }
    for (int i = 0; i < SIM_MEDIA_KINDS; i++) {
        if (!strcmp(name, kinds[i].name)) {
            return i;
        }
    }
    return -1;
}

const char *sim_media_name(enum sim_media_kind kind)
{
    return kinds[kind].name;
}

const char *sim_media_type(enum sim_media_kind kind)
{
    return kinds[kind].type;
}

bool sim_media_sides(const char *text, int *ret_width, int *ret_height)
{
    char *end;
    long width = strtol(text, &end, 10);

    if (end == text || !*end || !strchr("xX:*", *end)) {
        return false;
    }
    const char *second = end + 1;
    long height = strtol(second, &end, 10);
    if (end == second || *end || width < 1 || height < 1 || width > SIM_MEDIA_SIDE ||
        height > SIM_MEDIA_SIDE) {
        return false;
    }
    *ret_width = (int)width;
    *ret_height = (int)height;
    return true;
}
