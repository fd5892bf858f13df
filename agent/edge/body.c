/* body.c - a request body made of pieces of memory and files, of known length and readable again. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "edge/spool.h"
#include "wire/base64.h"

/* One read of a file that is sent as base64; a multiple of 3, so that only its last part has padding. */
#define RAW_BYTES 3072

struct piece {
    uint64_t start; /* place in the body */
    uint64_t bytes; /* as sent */
    char *text;     /* or */
    struct spool_file *file;
    uint64_t raw_bytes; /* of the file when it was added as base64; else 0 */
};

struct body {
    struct piece *pieces;
    size_t count;
    uint64_t bytes;
};

struct body *body_new(void)
{
    return mem_new(sizeof(struct body));
}

void body_free(struct body **b)
{
    if (*b) {
        for (size_t i = 0; i < (*b)->count; i++) {
            free((*b)->pieces[i].text);
            spool_file_drop(&(*b)->pieces[i].file);
        }
        free((*b)->pieces);
        free(*b);
    }
    *b = NULL;
}

/* Takes what the piece owns. An empty one is left out, so that every piece gives at least one byte to a read.
 */
static void body_add(struct body *b, struct piece piece)
{
    if (!piece.bytes) {
        free(piece.text);
        spool_file_drop(&piece.file);
        return;
    }
    b->pieces = mem_grow(b->pieces, (b->count + 1) * sizeof(*b->pieces));
    piece.start = b->bytes;
    b->bytes += piece.bytes;
    b->pieces[b->count++] = piece;
}

void body_add_text(struct body *b, struct slice bytes)
{
    body_add(b, (struct piece){.bytes = bytes.n, .text = mem_textn(bytes.p, bytes.n)});
}

void body_add_file(struct body *b, struct spool_file *f)
{
    body_add(b, (struct piece){.bytes = spool_file_bytes(f), .file = spool_file_keep(f)});
}

void body_add_file_base64(struct body *b, struct spool_file *f)
{
    uint64_t raw = spool_file_bytes(f);

    body_add(b, (struct piece){.bytes = BASE64_CHARS(raw), .file = spool_file_keep(f), .raw_bytes = raw});
}

uint64_t body_bytes(const struct body *b)
{
    return b->bytes;
}

/* Up to n chars of the file's base64 text from place on: the groups of four around them are made anew. */
static long body_read_base64(const struct piece *piece, uint64_t place, char *out, size_t n)
{
    unsigned char raw[RAW_BYTES];
    char chars[BASE64_CHARS(RAW_BYTES) + 1];
    size_t skip = place % 4;
    uint64_t from = place / 4 * 3;
    uint64_t want = (n + skip + 3) / 4 * 3;

    want = want < sizeof(raw) ? want : sizeof(raw);
    want = want < piece->raw_bytes - from ? want : piece->raw_bytes - from;
    long got = spool_file_read(piece->file, from, raw, (size_t)want);
    if (got <= 0) {
        return -1;
    }
    size_t made = base64_write(chars, (struct slice){(const char *)raw, (size_t)got}, false) - skip;
    made = made < n ? made : n;
    memcpy(out, chars + skip, made);
    return (long)made;
}

static long body_read_piece(const struct piece *piece, uint64_t place, char *out, size_t n)
{
    if (n > piece->bytes - place) {
        n = (size_t)(piece->bytes - place);
    }
    if (piece->text) {
        memcpy(out, piece->text + place, n);
        return (long)n;
    }
    return piece->raw_bytes ? body_read_base64(piece, place, out, n)
                            : spool_file_read(piece->file, place, out, n);
}

/* The last piece that starts at or before offset, which lies inside the body. */
static size_t body_find(const struct body *b, uint64_t offset)
{
    size_t low = 0, high = b->count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (b->pieces[middle].start <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

long body_read(const struct body *b, uint64_t offset, void *out, size_t n)
{
    size_t got = 0;

    if (offset >= b->bytes) {
        return 0;
    }
    size_t i = body_find(b, offset);
    while (got < n && i < b->count) {
        const struct piece *piece = &b->pieces[i];
        uint64_t place = offset + got - piece->start;
        if (place == piece->bytes) {
            i++;
            continue;
        }
        long k = body_read_piece(piece, place, (char *)out + got, n - got);
        if (k <= 0) {
            return -1;
        }
        got += (size_t)k;
    }
    return (long)got;
}
