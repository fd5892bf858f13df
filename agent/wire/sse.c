/* sse.c - lines, then fields, then events. */
#include "wire/sse.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"

#define RETRY_MAX_MS (3600 * 1000)

struct sse {
    struct buf line;
    struct buf data; /* each line with its line feed */
    struct buf name;
    struct buf id; /* what the event that is being read says, taken over when it is complete */
    struct buf last_id;
    bool has_id;
    bool after_cr; /* a line feed that follows belongs to the same line's end */
    bool begun;    /* the place where a byte order mark may stand is behind us */
    bool stopped;
    int64_t retry_ms;
};

struct sse *sse_new(size_t max)
{
    struct sse *s = mem_new(sizeof(*s));

    buf_init(&s->line, max);
    buf_init(&s->data, max);
    buf_init(&s->name, max);
    buf_init(&s->id, max);
    buf_init(&s->last_id, max);
    s->retry_ms = -1;
    return s;
}

void sse_free(struct sse **ps)
{
    struct sse *s = *ps;

    if (!s) {
        return;
    }
    buf_done(&s->line);
    buf_done(&s->data);
    buf_done(&s->name);
    buf_done(&s->id);
    buf_done(&s->last_id);
    free(s);
    *ps = NULL;
}

void sse_restart(struct sse *s)
{
    buf_reset(&s->line);
    buf_reset(&s->data);
    buf_reset(&s->name);
    buf_reset(&s->id);
    s->has_id = s->after_cr = s->begun = s->stopped = false;
}

const char *sse_last_id(const struct sse *s)
{
    return buf_slice(&s->last_id).p;
}

int64_t sse_retry_ms(const struct sse *s)
{
    return s->retry_ms;
}

static void replace(struct buf *b, struct slice value)
{
    buf_reset(b);
    buf_add(b, value.p, value.n);
}

static void set_retry(struct sse *s, struct slice value)
{
    int64_t ms = 0;

    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9') {
            return;
        }
        ms = ms * 10 + (value.p[i] - '0');
        ms = ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
    }
    s->retry_ms = value.n ? ms : s->retry_ms;
}

/* A blank line: the event is complete. */
static void dispatch(struct sse *s, sse_fn *fn, void *arg)
{
    if (s->has_id) {
        replace(&s->last_id, buf_slice(&s->id));
        s->has_id = false;
    }
    if (s->data.n) {
        struct slice data = buf_slice(&s->data);
        data.n--; /* the line feed of its last line */
        const struct sse_event event = {s->name.n ? s->name.p : "message", sse_last_id(s), data};
        s->stopped = !fn(arg, &event);
    }
    buf_reset(&s->data);
    buf_reset(&s->name);
}

/* The specification refuses NUL in ids only; a name is a C text here, so that one with NUL would be another.
 */
static bool is_text(struct slice value)
{
    return !value.n || !memchr(value.p, '\0', value.n);
}

static void take_line(struct sse *s, struct slice line, sse_fn *fn, void *arg)
{
    struct slice field = {NULL, 0}, value = line;

    if (!line.n) {
        dispatch(s, fn, arg);
        return;
    }
    if (!slice_cut(&value, ':', &field) || !field.n) {
        return; /* a comment: keeps the connection alive */
    }
    if (value.n && value.p[0] == ' ') {
        value.p++;
        value.n--;
    }
    if (slice_is(field, "data")) {
        buf_add(&s->data, value.p, value.n);
        buf_char(&s->data, '\n');
    } else if (slice_is(field, "event") && is_text(value)) {
        replace(&s->name, value);
    } else if (slice_is(field, "id") && is_text(value)) {
        replace(&s->id, value);
        s->has_id = true;
    } else if (slice_is(field, "retry")) {
        set_retry(s, value);
    }
}

static void end_line(struct sse *s, sse_fn *fn, void *arg)
{
    struct slice line = buf_slice(&s->line);

    if (!s->begun && slice_starts(line, "\xef\xbb\xbf")) {
        line.p += 3;
        line.n -= 3;
    }
    s->begun = true;
    take_line(s, line, fn, arg);
    buf_reset(&s->line);
}

static bool is_good(const struct sse *s)
{
    return buf_ok(&s->line) && buf_ok(&s->data) && buf_ok(&s->name) && buf_ok(&s->id) && buf_ok(&s->last_id);
}

/* How many leading bytes are of this line. */
static size_t line_part(struct slice bytes)
{
    size_t n = 0;

    while (n < bytes.n && bytes.p[n] != '\n' && bytes.p[n] != '\r') {
        n++;
    }
    return n;
}

enum fault sse_feed(struct sse *s, struct slice bytes, sse_fn *fn, void *arg)
{
    while (bytes.n && is_good(s) && !s->stopped) {
        if (s->after_cr && bytes.p[0] == '\n') {
            bytes.p++;
            bytes.n--;
        }
        s->after_cr = false;
        size_t n = line_part(bytes);
        buf_add(&s->line, bytes.p, n);
        if (n < bytes.n && buf_ok(&s->line)) {
            s->after_cr = bytes.p[n] == '\r';
            end_line(s, fn, arg);
            n++;
        }
        bytes.p += n;
        bytes.n -= n;
    }
    return s->stopped ? FAULT_CANCELLED : is_good(s) ? FAULT_OK : FAULT_TOO_LARGE;
}
