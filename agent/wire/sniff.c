/* sniff.c - what kind of media bytes are, by their magic numbers, and the size of a picture. */
#include "wire/sniff.h"

#include <stdint.h>

#include "wire/picture.h"

/* The media types that have a file name extension here, with the spellings that vendors use. */
static const struct media {
    const char *type;
    const char *ext;
} media[] = {
    {"image/png", "png"},        {"image/jpeg", "jpg"},      {"image/jpg", "jpg"},
    {"image/gif", "gif"},        {"image/webp", "webp"},     {"image/avif", "avif"},
    {"image/bmp", "bmp"},        {"image/tiff", "tiff"},     {"image/svg+xml", "svg"},
    {"video/mp4", "mp4"},        {"video/quicktime", "mov"}, {"video/webm", "webm"},
    {"video/x-matroska", "mkv"}, {"video/matroska", "mkv"},  {"audio/mpeg", "mp3"},
    {"audio/mp3", "mp3"},        {"audio/wav", "wav"},       {"audio/x-wav", "wav"},
    {"audio/wave", "wav"},       {"audio/vnd.wave", "wav"},  {"audio/flac", "flac"},
    {"audio/x-flac", "flac"},    {"audio/ogg", "ogg"},       {"audio/opus", "opus"},
    {"audio/aac", "aac"},        {"audio/aiff", "aiff"},     {"audio/x-aiff", "aiff"},
    {"audio/mp4", "m4a"},        {"audio/x-m4a", "m4a"},     {"audio/webm", "weba"},
    {"application/pdf", "pdf"},  {"application/zip", "zip"}, {"application/json", "json"},
    {"text/plain", "txt"},       {"text/vtt", "vtt"},        {"application/x-subrip", "srt"},
};

/* Bytes at the beginning, and for the RIFF-like containers their kind, which stands behind a length. */
struct magic {
    const char *type;
    const char *bytes;
    size_t n;
    const char *kind; /* at byte 8; NULL: none */
};

#define MAGIC(type, bytes, kind)                                                                             \
    {                                                                                                        \
        type, bytes, sizeof(bytes) - 1, kind                                                                 \
    }

static const struct magic magics[] = {
    MAGIC("image/png", "\x89PNG\r\n\x1a\n", NULL),
    MAGIC("image/jpeg", "\xff\xd8\xff", NULL),
    MAGIC("image/gif", "GIF87a", NULL),
    MAGIC("image/gif", "GIF89a", NULL),
    MAGIC("image/webp", "RIFF", "WEBP"),
    MAGIC("image/tiff", "II*\0", NULL),
    MAGIC("image/tiff", "MM\0*", NULL),
    MAGIC("audio/wav", "RIFF", "WAVE"),
    MAGIC("audio/wav", "RF64", "WAVE"),
    MAGIC("audio/aiff", "FORM", "AIFF"),
    MAGIC("audio/aiff", "FORM", "AIFC"),
    MAGIC("audio/flac", "fLaC", NULL),
    MAGIC("audio/ogg", "OggS", NULL),
    MAGIC("application/pdf", "%PDF-", NULL),
    MAGIC("application/zip", "PK\x03\x04", NULL),
    MAGIC("application/zip", "PK\x05\x06", NULL),
};

static uint32_t byte_at(struct slice s, size_t at)
{
    return at < s.n ? (unsigned char)s.p[at] : 0;
}

static bool has_at(struct slice s, size_t at, const char *p, size_t n)
{
    return at <= s.n && s.n - at >= n && memcmp(s.p + at, p, n) == 0;
}

static const char *type_by_magic(struct slice s)
{
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        const struct magic *m = &magics[i];
        if (has_at(s, 0, m->bytes, m->n) && (!m->kind || has_at(s, 8, m->kind, 4))) {
            return m->type;
        }
    }
    return NULL;
}

/* BMP has two letters of magic only: its header's length must be one of those that exist. */
static const char *type_of_bmp(struct slice s)
{
    static const uint8_t lengths[] = {12, 40, 52, 56, 64, 108, 124};
    bool fits = has_at(s, 0, "BM", 2) && has_at(s, 15, "\0\0\0", 3);

    return fits && memchr(lengths, (int)byte_at(s, 14), sizeof(lengths)) ? "image/bmp" : NULL;
}

/* Whether brand is among the compatible ones of an ftyp box, which follow the major brand and its version. */
static bool has_brand(struct slice s, const char *brand)
{
    size_t end = byte_at(s, 2) << 8 | byte_at(s, 3);

    for (size_t at = 16; at + 4 <= end && at + 4 <= s.n; at += 4) {
        if (has_at(s, at, brand, 4)) {
            return true;
        }
    }
    return false;
}

/* Major brands (mp4ra.org) by how they begin. HEIF with another codec than AV1 is not known here. */
static const struct brand {
    const char *name;
    const char *type;
} brands[] = {
    {"avif", "image/avif"},      {"avis", "image/avif"}, {"hei", NULL},         {"hev", NULL},
    {"qt  ", "video/quicktime"}, {"M4A ", "audio/mp4"},  {"M4B ", "audio/mp4"},
};

/* ISO base media (ISO 14496-12): the brands of the ftyp box tell what it is; any other brand is MP4. */
static const char *type_of_ftyp(struct slice s)
{
    if (has_at(s, 8, "mif1", 4) || has_at(s, 8, "msf1", 4)) {
        return has_brand(s, "avif") || has_brand(s, "avis") ? "image/avif" : NULL;
    }
    for (size_t i = 0; i < sizeof(brands) / sizeof(brands[0]); i++) {
        if (has_at(s, 8, brands[i].name, strlen(brands[i].name))) {
            return brands[i].type;
        }
    }
    return "video/mp4";
}

/* Old QuickTime files have no ftyp. */
static const char *type_of_boxes(struct slice s)
{
    if (has_at(s, 4, "ftyp", 4)) {
        return type_of_ftyp(s);
    }
    bool old = has_at(s, 4, "moov", 4) || has_at(s, 4, "mdat", 4) || has_at(s, 4, "wide", 4);
    return old ? "video/quicktime" : NULL;
}

/* EBML (RFC 8794): the DocType element 0x4282 is among the first. */
static const char *type_of_ebml(struct slice s)
{
    if (!has_at(s, 0, "\x1a\x45\xdf\xa3", 4)) {
        return NULL;
    }
    for (size_t at = 4; at < 64 && at + 3 <= s.n; at++) {
        if (!has_at(s, at, "\x42\x82", 2)) {
            continue;
        }
        if (has_at(s, at + 3, "webm", 4)) {
            return "video/webm";
        }
        return has_at(s, at + 3, "matroska", 8) ? "video/x-matroska" : NULL;
    }
    return NULL;
}

/* Streams that begin with a frame's sync bits: layer bits 00 are AAC (ADTS, ISO 13818-7), 01 are MP3 (ISO
 * 11172-3). Eleven bits are little proof, so impossible bit rates and sampling rates are refused. */
static const char *type_of_frames(struct slice s)
{
    uint32_t second = byte_at(s, 1), third = byte_at(s, 2);

    if (s.n < 4 || byte_at(s, 0) != 0xff) {
        return NULL;
    }
    if ((second & 0xf6) == 0xf0) {
        return (third >> 2 & 15) < 13 ? "audio/aac" : NULL;
    }
    bool layer3 = (second & 0xe6) == 0xe2 && (second & 0x18) != 0x08;
    bool rates = third >> 4 != 0 && third >> 4 != 15 && (third & 0x0c) != 0x0c;
    return layer3 && rates ? "audio/mpeg" : NULL;
}

/* A tag of ID3v2 (id3.org/id3v2.4.0-structure) stands before MP3, and now and then before AAC or FLAC: what
 * follows decides, if the tag is short enough to see it. */
static const char *type_of_tagged(struct slice s)
{
    if (!has_at(s, 0, "ID3", 3)) {
        return NULL;
    }
    size_t tag = 10 + (byte_at(s, 6) << 21 | byte_at(s, 7) << 14 | byte_at(s, 8) << 7 | byte_at(s, 9));
    struct slice rest = tag < s.n ? (struct slice){s.p + tag, s.n - tag} : (struct slice){"", 0};
    const char *type = has_at(rest, 0, "fLaC", 4) ? "audio/flac" : type_of_frames(rest);
    return type ? type : "audio/mpeg";
}

struct sniff sniff_media(struct slice head)
{
    static const char *(*const finders[])(struct slice) = {type_by_magic, type_of_bmp,    type_of_boxes,
                                                           type_of_ebml,  type_of_frames, type_of_tagged};
    struct sniff found = {0};

    for (size_t i = 0; i < sizeof(finders) / sizeof(finders[0]) && !found.type; i++) {
        found.type = finders[i](head);
    }
    if (found.type) {
        found.ext = sniff_ext(found.type);
        picture_size(found.type, head, &found.width, &found.height);
    }
    return found;
}

const char *sniff_ext(const char *type)
{
    struct slice rest = slice_of(type), name;

    if (!slice_cut(&rest, ';', &name)) {
        return "bin";
    }
    name = slice_trim(name);
    for (size_t i = 0; i < sizeof(media) / sizeof(media[0]); i++) {
        if (slice_is_nocase(name, media[i].type)) {
            return media[i].ext;
        }
    }
    return "bin";
}
