/* sim_audio.c - sounds of any length: WAV and raw PCM of a sine, MP3 of silence. */
#include "sim_media.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/auto.h"
#include "base/mem.h"

#define RATE         24000 /* samples a second of WAV and PCM, one channel, 16 bits */
#define MP3_RATE     44100
#define MP3_SAMPLES  1152
#define MP3_FRAME    417 /* bytes of MPEG-1 layer III at 128 kbit/s without padding */
#define ID3_TAG      58  /* a tag that holds the seed and nothing else */
#define PERIODS      16  /* periods of the sine in one piece */
#define PERIOD_LEAST 40  /* samples; with PERIOD_MORE: 24000/40 = 600 Hz down to 200 Hz */
#define PERIOD_MORE  80

/* Whole periods as a piece that repeats, then what is left of one. */
static void audio_sine(struct sim_media *m, const struct sim_media_spec *spec, uint64_t samples)
{
    size_t period = PERIOD_LEAST + (size_t)(spec->seed % PERIOD_MORE);
    size_t n = period * PERIODS;
    AUTO(auto_free) char *piece = mem_new(n * 2);
    assert(n);

    for (size_t i = 0; i < n; i++) {
        int v = (int)lrint(8000 * sin(2 * M_PI * (double)(i % period) / (double)period));
        piece[2 * i] = (char)v;
        piece[2 * i + 1] = (char)(v >> 8);
    }
    sim_media_add(m, (struct slice){piece, n * 2}, samples / n);
    sim_media_add(m, (struct slice){piece, (size_t)(samples % n) * 2}, 1);
}

static uint64_t audio_samples(const struct sim_media_spec *spec, uint64_t rate)
{
    return (uint64_t)spec->ms * rate / 1000 + (spec->ms < 1);
}

void sim_audio_pcm(struct sim_media *m, const struct sim_media_spec *spec)
{
    uint64_t samples = audio_samples(spec, RATE);

    audio_sine(m, spec, samples * 2 < spec->bytes ? spec->bytes / 2 : samples);
}

static void wav_pad_number(char *piece, size_t n, uint64_t number)
{
    for (size_t i = 0; i < 8 && i < n; i++) {
        piece[i] = (char)(number >> (56 - 8 * i));
    }
}

/* RIFF with fmt, data, and a chunk of the seed and the padding, which players skip. */
void sim_audio_wav(struct sim_media *m, const struct sim_media_spec *spec)
{
    static const struct sim_media_pad pad = {1, NULL, wav_pad_number};
    struct buf b;
    uint64_t data = audio_samples(spec, RATE) * 2, base = 44 + data;
    uint64_t wanted = spec->bytes > UINT32_MAX - 64 ? UINT32_MAX - 64 : spec->bytes;
    uint64_t extra = wanted > base + 24 ? wanted - base - 8 : 16;

    extra += extra & 1;
    buf_init(&b, 512);
    buf_text(&b, "RIFF");
    sim_media_le(&b, base - 8 + 8 + extra, 4);
    buf_text(&b, "WAVEfmt ");
    sim_media_le(&b, 16, 4);
    sim_media_le(&b, 1, 2);
    sim_media_le(&b, 1, 2);
    sim_media_le(&b, RATE, 4);
    sim_media_le(&b, RATE * 2, 4);
    sim_media_le(&b, 2, 2);
    sim_media_le(&b, 16, 2);
    buf_text(&b, "data");
    sim_media_le(&b, data, 4);
    sim_media_add(m, buf_slice(&b), 1);
    audio_sine(m, spec, data / 2);
    buf_reset(&b);
    buf_text(&b, "seed");
    sim_media_le(&b, extra, 4);
    buf_printf(&b, "%016llx", (unsigned long long)spec->seed);
    sim_media_add(m, buf_slice(&b), 1);
    sim_media_fill(m, base + 8 + extra, 0, &pad);
    buf_done(&b);
}

/* ID3v2.3 with a TXXX frame for the seed, as long as wanted (at least ID3_TAG). */
static void mp3_tag(struct buf *b, const struct sim_media_spec *spec, size_t n)
{
    size_t inner = n - 10;
    size_t start = b->n;

    buf_add(b, "ID3\3\0\0", 6);
    for (int shift = 21; shift >= 0; shift -= 7) {
        buf_char(b, (char)(inner >> shift & 0x7f));
    }
    buf_text(b, "TXXX");
    sim_media_be(b, 28, 4);
    sim_media_be(b, 0, 2);
    buf_add(b, "\0sluice-sim\0", 12);
    buf_printf(b, "%016llx", (unsigned long long)spec->seed);
    while (b->n - start < n) {
        buf_char(b, 0);
    }
}

void sim_audio_mp3(struct sim_media *m, const struct sim_media_spec *spec)
{
    char frame[MP3_FRAME] = {(char)0xff, (char)0xfb, (char)0x90,
                             (char)0xc0}; /* side info of zeros: silence */
    struct buf tag;
    uint64_t frames = (audio_samples(spec, MP3_RATE) + MP3_SAMPLES - 1) / MP3_SAMPLES;
    uint64_t odd = 0;

    if (spec->bytes >
        ID3_TAG + frames * MP3_FRAME) { /* more bytes are more silence; what is less than a frame, tag */
        frames = (spec->bytes - ID3_TAG) / MP3_FRAME;
        odd = (spec->bytes - ID3_TAG) % MP3_FRAME;
    }
    buf_init(&tag, ID3_TAG + MP3_FRAME);
    mp3_tag(&tag, spec, ID3_TAG + (size_t)odd);
    sim_media_add(m, buf_slice(&tag), 1);
    sim_media_add(m, (struct slice){frame, sizeof(frame)}, frames);
    buf_done(&tag);
}
