/* picture.h - the width and height of a picture from its first bytes. */
#ifndef WIRE_PICTURE_H
#define WIRE_PICTURE_H

#include <stdbool.h>

#include "base/slice.h"

/* picture_size - type is one of image/png, jpeg, gif, webp, avif, bmp, tiff, and head begins a picture of it.
 * False: another type, or the size stands further behind (a JPEG with a large EXIF block), or makes no sense.
 */
bool picture_size(const char *type, struct slice head, int *ret_width, int *ret_height);

#endif
