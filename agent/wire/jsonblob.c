/* jsonblob.c - a long base64 or hex string or data URI on its way through jsonscan into a sink. */
#include "wire/jsonblob.h"

#include <inttypes.h>

static enum fault jsonblob_refuse(struct note *note)
{
    return note_set(note, FAULT_TOO_LARGE, "a string of that length must be base64 or a base64 data URI");
}

static bool all_hex(struct slice chars)
{
    for (size_t i = 0; i < chars.n; i++) {
        if (hex_digit(chars.p[i]) < 0) {
            return false;
        }
    }
    return true;
}

/* Keeps the type in lower case, as all of the agent compares it. */
static void jsonblob_set_type(struct jsonblob *b, struct slice type)
{
    for (size_t i = 0; i < type.n; i++) {
        char c = type.p[i];
        b->type[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    b->type[type.n] = '\0';
}

enum fault jsonblob_begin(struct jsonblob *b, struct slice head, struct note *note)
{
    struct slice type = {"", 0}, data = head;

    datauri_read(head, &type, &data);
    jsonblob_set_type(b, type);
    b->decoder = (struct base64){0};
    b->is_hex = b->may_be_hex && all_hex(data);
    b->hex = (struct hex){0};
    b->bytes = 0;
    b->open = true;
    enum fault fault = b->sink.begin(b->arg, b->count++);
    return fault ? fault : jsonblob_data(b, data, note);
}

enum fault jsonblob_data(struct jsonblob *b, struct slice chars, struct note *note)
{
    unsigned char piece[JSONBLOB_PIECE_CHARS / 4 * 3 + 3];

    while (chars.n > 0) {
        size_t n = chars.n < JSONBLOB_PIECE_CHARS ? chars.n : JSONBLOB_PIECE_CHARS;
        long got =
            b->is_hex ? hex_feed(&b->hex, chars.p, n, piece) : base64_feed(&b->decoder, chars.p, n, piece);
        if (got < 0) {
            return jsonblob_refuse(note);
        }
        if (got > 0) {
            enum fault fault = b->sink.data(b->arg, (struct slice){(const char *)piece, (size_t)got});
            if (fault) {
                return fault;
            }
        }
        b->bytes += (uint64_t)got;
        chars.p += n;
        chars.n -= n;
    }
    return FAULT_OK;
}

enum fault jsonblob_end(struct jsonblob *b, struct buf *text, struct note *note)
{
    b->open = false;
    if (b->is_hex ? !hex_end(&b->hex) : !base64_end(&b->decoder)) {
        return jsonblob_refuse(note);
    }
    buf_printf(text, "{\"$blob\":%zu,\"bytes\":%" PRIu64, b->count - 1, b->bytes);
    if (b->type[0]) {
        buf_printf(text, ",\"type\":\"%s\"", b->type);
    }
    buf_char(text, '}');
    return b->sink.end(b->arg);
}
