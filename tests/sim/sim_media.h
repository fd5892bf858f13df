/* sim_media.h - made-up media of any size, read as a stream: pictures, videos and sounds that real decoders
 * take.
 *
 * A medium is a row of parts; a part is a piece of bytes that comes once or many times. Large media are small
 * media plus padding that the format allows (a PNG chunk, an MP4 free box, a JPEG comment, more MP3 frames),
 * so that a GiB costs a piece of 32 KiB. Padding pieces are numbered: one that is lost, doubled or moved
 * changes the digest. */
#ifndef SIM_MEDIA_H
#define SIM_MEDIA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Most that a medium may have: pixels on a side, milliseconds, bytes. */
#define SIM_MEDIA_SIDE  16384
#define SIM_MEDIA_MS    (3600 * 1000)
#define SIM_MEDIA_BYTES (16ull << 30)

enum sim_media_kind {
    SIM_MEDIA_PNG,
    SIM_MEDIA_JPEG,
    SIM_MEDIA_WEBP,
    SIM_MEDIA_MP4,
    SIM_MEDIA_WAV,
    SIM_MEDIA_PCM,
    SIM_MEDIA_MP3,
    SIM_MEDIA_TEXT, /* the letter x, for answers that are too large */
    SIM_MEDIA_KINDS
};

struct sim_media_spec {
    enum sim_media_kind kind;
    int width; /* pictures and videos; 0: 1024 (videos 1280) */
    int height;
    int64_t ms;     /* videos and sounds; 0: 1000 */
    uint64_t bytes; /* the size wanted; smaller than the smallest possible: that. 0: the smallest */
    uint64_t seed;  /* media of different seeds have different digests */
};

struct sim_media;

/* sim_media_new - a medium to be read once. Values over the bounds are cut to them. Never NULL. */
struct sim_media *sim_media_new(const struct sim_media_spec *spec);
void sim_media_free(struct sim_media **m);

/* sim_media_size - all bytes, read or not. */
uint64_t sim_media_size(const struct sim_media *m);

/* sim_media_read - the next bytes, at most n; 0 at the end. */
size_t sim_media_read(struct sim_media *m, char *out, size_t n);

/* sim_media_find - the kind of that name ("png", "mp4" …), or -1. */
int sim_media_find(const char *name);
const char *sim_media_name(enum sim_media_kind kind);
const char *sim_media_type(enum sim_media_kind kind);

/* sim_media_sides - reads "1024x768" (also with ':' or '*') into two sides; false leaves them as they are. */
bool sim_media_sides(const char *text, int *ret_width, int *ret_height);

/* ---- for the makers of one format ---- */

/* How a format pads. A padding piece has at least `least` bytes; frame writes its head and tail into a piece
 * that is already full of filler; number puts the piece's number into it (and mends a checksum). Both may be
 * NULL. */
struct sim_media_pad {
    size_t least;
    void (*frame)(char *piece, size_t n);
    void (*number)(char *piece, size_t n, uint64_t number);
};

/* sim_media_add - bytes (copied) that come `times` times. */
void sim_media_add(struct sim_media *m, struct slice bytes, uint64_t times);

/* sim_media_fill - padding, so that with rest more bytes the medium has wanted bytes; none when it has them
 * already. */
void sim_media_fill(struct sim_media *m, uint64_t wanted, uint64_t rest, const struct sim_media_pad *pad);

/* sim_media_be - the n low bytes of v, most significant first; sim_media_le - least significant first. */
void sim_media_be(struct buf *b, uint64_t v, int n);
void sim_media_le(struct buf *b, uint64_t v, int n);

/* The makers: they add parts to an empty medium. */
void sim_image_png(struct sim_media *m, const struct sim_media_spec *spec);
void sim_image_jpeg(struct sim_media *m, const struct sim_media_spec *spec);
void sim_image_webp(struct sim_media *m, const struct sim_media_spec *spec);
void sim_video_mp4(struct sim_media *m, const struct sim_media_spec *spec);
void sim_audio_wav(struct sim_media *m, const struct sim_media_spec *spec);
void sim_audio_pcm(struct sim_media *m, const struct sim_media_spec *spec);
void sim_audio_mp3(struct sim_media *m, const struct sim_media_spec *spec);

#endif
