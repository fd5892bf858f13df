/* sniff.h - what kind of media bytes are, by their magic numbers, and the size of a picture. */
#ifndef WIRE_SNIFF_H
#define WIRE_SNIFF_H

#include <stdbool.h>

#include "base/slice.h"

/* How many leading bytes sniff_media wants to see; less is allowed. */
#define SNIFF_BYTES 4096

struct sniff {
    const char *type; /* "image/png" …; NULL: not known. Static. */
    const char *ext;  /* "png"; NULL with type */
    int width;        /* 0: not known */
    int height;
};

/* sniff_media - PNG, JPEG, GIF, WebP, AVIF, BMP, TIFF; MP4, MOV, M4A, WebM, Matroska; MP3, WAV, FLAC, OGG,
 * AAC (ADTS), AIFF; PDF and ZIP are known so that they can be refused; SVG is not taken. Never fails. */
struct sniff sniff_media(struct slice head);

/* sniff_ext - the file name extension for a media type, its parameters and case ignored, or "bin". type may
 * be NULL. */
const char *sniff_ext(const char *type);

#endif
