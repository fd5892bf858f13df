/* jsonescape.c - the escapes of JSON strings (RFC 8259 section 7): found, read char by char, and written. */
#include "wire/jsonescape.h"

#include <stdint.h>

/* The chars of the short escapes and what each means, at the same place. */
static const char short_names[] = "\"\\/bfnrt";
static const char short_values[] = "\"\\/\b\f\n\r\t";

void jsonescape_begin(struct jsonescape *e)
{
    e->open = true;
    e->digits = 0;
    e->unit = 0;
}

static int hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int utf8_write(unsigned point, char out[4])
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xc0 | point >> 6);
        out[1] = (char)(0x80 | (point & 63));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xe0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 63));
        out[2] = (char)(0x80 | (point & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 63));
    out[2] = (char)(0x80 | (point >> 6 & 63));
    out[3] = (char)(0x80 | (point & 63));
    return 4;
}

/* Four hex digits are together: a char, or half of one. */
static int jsonescape_unit(struct jsonescape *e, char out[4])
{
    unsigned unit = e->unit, high = e->high;
    bool second = unit >= 0xdc00 && unit <= 0xdfff;

    e->open = false;
    e->high = 0;
    if (unit == 0 || second != (high != 0)) {
        return -1;
    }
    if (second) {
        return utf8_write(0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00), out);
    }
    if (unit >= 0xd800 && unit <= 0xdbff) {
        e->high = unit;
        return 0;
    }
    return utf8_write(unit, out);
}

int jsonescape_feed(struct jsonescape *e, unsigned char c, char out[4])
{
    if (e->digits > 0) {
        int value = hex_value(c);
        if (value < 0) {
            return -1;
        }
        e->unit = e->unit << 4 | (unsigned)value;
        return --e->digits == 0 ? jsonescape_unit(e, out) : 0;
    }
    if (c == 'u') {
        e->digits = 4;
        return 0;
    }
    const char *at = c ? strchr(short_names, c) : NULL;
    if (!at || e->high) {
        return -1;
    }
    e->open = false;
    out[0] = short_values[at - short_names];
    return 1;
}

static void jsonescape_char(struct buf *out, char c)
{
    const char *at = c ? strchr(short_values, c) : NULL;

    if (at) {
        buf_char(out, '\\');
        buf_char(out, short_names[at - short_values]);
    } else {
        buf_printf(out, "\\u%04x", (unsigned)(unsigned char)c);
    }
}

/* True where any of the eight bytes of word is zero (Hacker's Delight, section 6-1). */
static bool has_zero(uint64_t word)
{
    return ((word - 0x0101010101010101u) & ~word & 0x8080808080808080u) != 0;
}

/* Eight bytes at a time, because a medium is a hundred million of them. */
size_t jsonescape_plain(struct slice text)
{
    const uint64_t each = 0x0101010101010101u;
    const char *p = text.p;
    size_t i = 0;

    for (; text.n - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, p + i, 8);
        if (has_zero(word ^ each * '"') || has_zero(word ^ each * '\\') || has_zero(word & each * 0xe0)) {
            break;
        }
    }
    while (i < text.n && p[i] != '"' && p[i] != '\\' && (unsigned char)p[i] >= 0x20) {
        i++;
    }
    return i;
}

void jsonescape_write(struct buf *out, struct slice text)
{
    buf_char(out, '"');
    while (text.n > 0) {
        size_t n = jsonescape_plain(text);
        buf_add(out, text.p, n);
        if (n < text.n) {
            jsonescape_char(out, text.p[n++]);
        }
        text.p += n;
        text.n -= n;
    }
    buf_char(out, '"');
}
