/* packsift.c - takes the media out of MessagePack as it arrives. */
#include "wire/packsift.h"

#include "base/limits.h"
#include "base/mem.h"
#include "wire/jsonblob.h"
#include "wire/pack_internal.h"

/* What the next byte belongs to. */
enum within { IN_HEAD, IN_REST, IN_BIN, IN_TEXT };

struct packsift {
    struct buf *out;
    struct jsonblob blob; /* of a long text; counts bins, too */
    enum within within;
    unsigned char head[PACK_HEAD_BYTES];
    size_t head_n;
    uint64_t left; /* of the body */
    char first[JSONBLOB_HEAD_CHARS];
    size_t first_n;
    enum fault fault;
};

struct packsift *packsift_new(const struct jsonscan_sink *sink, void *arg, struct buf *out)
{
    struct packsift *s = mem_new(sizeof(*s));

    s->out = out;
    s->blob.sink = *sink;
    s->blob.arg = arg;
    return s;
}

void packsift_free(struct packsift **s)
{
    free(*s);
    *s = NULL;
}

const char *packsift_type(const struct packsift *s)
{
    return s->within == IN_TEXT ? s->blob.type : "";
}

static bool is_bin(unsigned char lead)
{
    return lead >= 0xc4 && lead <= 0xc6;
}

static bool is_text(unsigned char lead)
{
    return lead >= 0xd9 && lead <= 0xdb;
}

/* The medium is over: an empty bin stands for it. */
static enum fault sift_end(struct packsift *s, struct note *note)
{
    struct buf unused; /* jsonblob writes what stands for it in JSON */
    enum fault fault;

    if (s->within == IN_BIN) {
        fault = s->blob.sink.end(s->blob.arg);
    } else {
        buf_init(&unused, 1 * KIB);
        fault = jsonblob_end(&s->blob, &unused, note);
        buf_done(&unused);
    }
    pack_write_bin_head(s->out, 0);
    s->within = IN_HEAD;
    return fault;
}

static enum fault sift_begin(struct packsift *s, uint64_t body, struct note *note)
{
    bool bin = is_bin(s->head[0]), text = is_text(s->head[0]) && body > LIMIT_STRING_BYTES;

    s->left = body;
    if (body > LIMIT_BODY_BYTES) {
        return note_set(note, FAULT_TOO_LARGE, "a value of the MessagePack is longer than %llu bytes",
                        LIMIT_BODY_BYTES);
    }
    if ((bin || text) && s->blob.count == LIMIT_BLOBS) {
        return note_set(note, FAULT_TOO_MANY_ELEMENTS, "more than %d media", LIMIT_BLOBS);
    }
    if (bin) {
        s->within = IN_BIN;
        enum fault fault = s->blob.sink.begin(s->blob.arg, s->blob.count++);
        return fault || body ? fault : sift_end(s, note);
    }
    if (text) {
        s->within = IN_TEXT;
        s->first_n = 0;
        return FAULT_OK;
    }
    buf_add(s->out, s->head, s->head_n);
    s->within = body ? IN_REST : IN_HEAD;
    return FAULT_OK;
}

/* One byte more of a value's header. */
static enum fault feed_head(struct packsift *s, unsigned char byte, struct note *note)
{
    s->head[s->head_n++] = byte;
    struct pack_head head = pack_head_of(s->head, s->head_n);
    if (!head.bytes) {
        return FAULT_OK;
    }
    /* Behind the lead and the length come the bytes of a number or the type of an ext: the rest, as it is. */
    enum fault fault = sift_begin(s, head.bytes - s->head_n, note);
    s->head_n = 0;
    return fault;
}

static enum fault feed_text(struct packsift *s, struct slice bytes, struct note *note)
{
    if (s->blob.open) {
        return jsonblob_data(&s->blob, bytes, note);
    }
    size_t room = sizeof(s->first) - s->first_n, n = bytes.n < room ? bytes.n : room;
    memcpy(s->first + s->first_n, bytes.p, n);
    s->first_n += n;
    if (s->first_n < sizeof(s->first)) {
        return FAULT_OK;
    }
    enum fault fault = jsonblob_begin(&s->blob, (struct slice){s->first, s->first_n}, note);
    return fault ? fault : jsonblob_data(&s->blob, (struct slice){bytes.p + n, bytes.n - n}, note);
}

/* Bytes of a body, all of them s->left at most. */
static enum fault feed_body(struct packsift *s, struct slice bytes, struct note *note)
{
    enum fault fault = FAULT_OK;

    s->left -= bytes.n;
    if (s->within == IN_BIN) {
        fault = s->blob.sink.data(s->blob.arg, bytes);
    } else if (s->within == IN_TEXT) {
        fault = feed_text(s, bytes, note);
    } else {
        buf_add(s->out, bytes.p, bytes.n);
    }
    if (fault || s->left) {
        return fault;
    }
    if (s->within != IN_REST) {
        return sift_end(s, note);
    }
    s->within = IN_HEAD;
    return FAULT_OK;
}

enum fault packsift_feed(struct packsift *s, struct slice bytes, struct note *note)
{
    while (bytes.n && !s->fault) {
        size_t n = s->within == IN_HEAD ? 1 : bytes.n < s->left ? bytes.n : (size_t)s->left;
        if (s->within == IN_HEAD) {
            s->fault = feed_head(s, (unsigned char)bytes.p[0], note);
        } else {
            s->fault = feed_body(s, (struct slice){bytes.p, n}, note);
        }
        if (!s->fault && !buf_ok(s->out)) {
            s->fault = note_set(note, FAULT_TOO_LARGE,
                                "the MessagePack is longer than %zu bytes without its media", s->out->max);
        }
        bytes.p += n;
        bytes.n -= n;
    }
    return s->fault;
}

enum fault packsift_end(struct packsift *s, struct note *note)
{
    if (!s->fault && (s->within != IN_HEAD || s->head_n)) {
        s->fault = note_set(note, FAULT_BAD_REQUEST, "the MessagePack ends early");
    }
    return s->fault;
}
