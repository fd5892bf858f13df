/* percent.c - percent-encoding for URLs and forms. */
#include "core/percent.h"

#include <ctype.h>
#include <string.h>

void percent_write(struct buf *out, const char *text, bool keep_slash)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c < 0x80 && isalnum(c)) || strchr("-._~", c) || (keep_slash && c == '/');
        if (plain) {
            buf_char(out, (char)c);
        } else {
            buf_printf(out, "%%%02X", c);
        }
    }
}
