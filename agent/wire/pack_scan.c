/* pack_scan.c - finds where a MessagePack value ends, without allocating. */
#include <assert.h>
#include <inttypes.h>

#include "wire/pack_internal.h"

/* What follows a first byte: length_bytes of a big-endian length (of a body in bytes, of a container in
 * members), then fixed bytes, then the body. */
struct lead {
    enum pack_kind kind;
    unsigned length_bytes;
    unsigned fixed;
};

/* The first bytes from 0xc0 to 0xdf, in order. Source: msgpack spec.md, "Overview" of formats. */
static const struct lead leads[32] = {
    /* nil, never used, false, true */
    {PACK_PLAIN, 0, 0},
    {PACK_UNUSED, 0, 0},
    {PACK_PLAIN, 0, 0},
    {PACK_PLAIN, 0, 0},
    /* bin */
    {PACK_BODY, 1, 0},
    {PACK_BODY, 2, 0},
    {PACK_BODY, 4, 0},
    /* ext: its type */
    {PACK_BODY, 1, 1},
    {PACK_BODY, 2, 1},
    {PACK_BODY, 4, 1},
    /* float */
    {PACK_PLAIN, 0, 4},
    {PACK_PLAIN, 0, 8},
    /* uint */
    {PACK_PLAIN, 0, 1},
    {PACK_PLAIN, 0, 2},
    {PACK_PLAIN, 0, 4},
    {PACK_PLAIN, 0, 8},
    /* int */
    {PACK_PLAIN, 0, 1},
    {PACK_PLAIN, 0, 2},
    {PACK_PLAIN, 0, 4},
    {PACK_PLAIN, 0, 8},
    /* fixext: its type and 1 to 16 */
    {PACK_PLAIN, 0, 2},
    {PACK_PLAIN, 0, 3},
    {PACK_PLAIN, 0, 5},
    {PACK_PLAIN, 0, 9},
    {PACK_PLAIN, 0, 17},
    /* str */
    {PACK_BODY, 1, 0},
    {PACK_BODY, 2, 0},
    {PACK_BODY, 4, 0},
    {PACK_ARRAY, 2, 0},
    {PACK_ARRAY, 4, 0},
    {PACK_MAP, 2, 0},
    {PACK_MAP, 4, 0},
};

static struct pack_head head_of_fix(unsigned char c)
{
    if (c >= 0x80 && c <= 0x8f) {
        return (struct pack_head){PACK_MAP, 1, 2 * (c & 15u)};
    }
    if (c >= 0x90 && c <= 0x9f) {
        return (struct pack_head){PACK_ARRAY, 1, c & 15u};
    }
    if (c >= 0xa0 && c <= 0xbf) {
        return (struct pack_head){PACK_BODY, 1 + (c & 31u), 0};
    }
    return (struct pack_head){PACK_PLAIN, 1, 0};
}

struct pack_head pack_head_of(const unsigned char *p, size_t n)
{
    if (p[0] < 0xc0 || p[0] > 0xdf) {
        return head_of_fix(p[0]);
    }
    const struct lead *lead = &leads[p[0] - 0xc0];
    struct pack_head head = {.kind = lead->kind};
    if (n < 1 + lead->length_bytes) {
        return head;
    }
    uint64_t length = 0;
    for (unsigned i = 1; i <= lead->length_bytes; i++) {
        length = length << 8 | p[i];
    }
    head.bytes = 1 + lead->length_bytes + lead->fixed;
    if (lead->kind == PACK_BODY) {
        head.bytes += length;
    } else if (lead->kind == PACK_ARRAY || lead->kind == PACK_MAP) {
        head.members = lead->kind == PACK_MAP ? 2 * length : length;
    }
    return head;
}

void pack_scan_init(struct pack_scan *s, const struct pack_limits *limits)
{
    assert(limits->depth <= LIMIT_DEPTH);
    *s = (struct pack_scan){.limits = *limits, .left = {1}, .elements = 1};
}

/* Members are counted when they are announced, so that a bomb is known by its header. */
static enum fault check_head(struct pack_scan *s, const struct pack_head *head, struct note *note)
{
    if (head->kind == PACK_UNUSED) {
        return note_set(note, FAULT_BAD_REQUEST, "not MessagePack at byte %" PRIu64 ": 0xc1", s->at);
    }
    if (head->kind == PACK_ARRAY || head->kind == PACK_MAP) {
        if (s->depth >= s->limits.depth) {
            return note_set(note, FAULT_TOO_DEEP, "the MessagePack is nested more than %zu levels deep",
                            s->limits.depth);
        }
        if (s->elements + head->members > s->limits.elements) {
            return note_set(note, FAULT_TOO_MANY_ELEMENTS,
                            "the MessagePack has more than %zu values and keys", s->limits.elements);
        }
    }
    /* Each member takes at least a byte. */
    if (s->at + head->bytes + head->members > s->limits.bytes) {
        return note_set(note, FAULT_TOO_LARGE, "the MessagePack is longer than %zu bytes", s->limits.bytes);
    }
    return FAULT_OK;
}

enum fault pack_scan(struct pack_scan *s, struct slice bytes, size_t *ret_length, struct note *note)
{
    *ret_length = 0;
    for (;;) {
        while (s->left[s->depth] == 0) {
            if (s->depth == 0) {
                *ret_length = (size_t)s->at;
                return FAULT_OK;
            }
            s->depth--;
        }
        if (s->at >= bytes.n) {
            return FAULT_OK;
        }
        struct pack_head head = pack_head_of((const unsigned char *)bytes.p + s->at, bytes.n - (size_t)s->at);
        enum fault fault = check_head(s, &head, note);
        if (fault) {
            return fault;
        }
        if (head.bytes == 0 || bytes.n - s->at < head.bytes) {
            return FAULT_OK;
        }
        s->at += head.bytes;
        s->left[s->depth]--;
        if (head.kind == PACK_ARRAY || head.kind == PACK_MAP) {
            s->elements += head.members;
            s->left[++s->depth] = head.members;
        }
    }
}

enum fault pack_scan_cut(struct slice *rest, const struct pack_limits *limits, struct slice *ret_value,
                         struct note *note)
{
    struct pack_scan scan;
    size_t length = 0;

    pack_scan_init(&scan, limits);
    enum fault fault = pack_scan(&scan, *rest, &length, note);
    if (fault) {
        return fault;
    }
    if (length == 0) {
        return note_set(note, FAULT_BAD_REQUEST, "the MessagePack ends early");
    }
    *ret_value = (struct slice){rest->p, length};
    rest->p += length;
    rest->n -= length;
    return FAULT_OK;
}

bool pack_scan_array(struct slice *rest, size_t *ret_members)
{
    struct pack_head head = {.kind = PACK_UNUSED};

    if (rest->n > 0) {
        head = pack_head_of((const unsigned char *)rest->p, rest->n);
    }
    if (head.kind != PACK_ARRAY || head.bytes == 0) {
        return false;
    }
    *ret_members = (size_t)head.members;
    rest->p += head.bytes;
    rest->n -= (size_t)head.bytes;
    return true;
}
