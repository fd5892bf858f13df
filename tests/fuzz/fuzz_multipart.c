/* fuzz_multipart.c - parts come out the same however the bytes are cut, and what is written is read back. */
#include <assert.h>
#include <stdint.h>

#include "wire/multipart.h"

static const struct multipart_limits limits = {.parts = 4, .part_header_bytes = 128};

struct listener {
    struct buf log;
    struct buf data;
    size_t parts;
    bool in_part;
};

static void log_slice(struct buf *log, struct slice s)
{
    buf_printf(log, s.p ? "%zu:" : "-", s.n);
    buf_add(log, s.p, s.n);
}

static enum fault on_begin(void *arg, const struct multipart_head *head)
{
    struct listener *l = arg;

    assert(!l->in_part && head->name.p && ++l->parts <= limits.parts);
    l->in_part = true;
    log_slice(&l->log, head->name);
    log_slice(&l->log, head->filename);
    log_slice(&l->log, head->type);
    return FAULT_OK;
}

static enum fault on_data(void *arg, struct slice bytes)
{
    struct listener *l = arg;

    assert(l->in_part && bytes.n);
    buf_add(&l->data, bytes.p, bytes.n);
    return FAULT_OK;
}

static enum fault on_end(void *arg)
{
    struct listener *l = arg;

    assert(l->in_part);
    l->in_part = false;
    log_slice(&l->log, buf_slice(&l->data));
    buf_reset(&l->data);
    return FAULT_OK;
}

static void listener_done(struct listener *l)
{
    buf_done(&l->log);
    buf_done(&l->data);
}

/* Feeds data in pieces of step and leaves in l what was told. */
static enum fault talk(const char *boundary, struct slice data, size_t step, struct listener *l)
{
    static const struct multipart_events events = {on_begin, on_data, on_end};
    enum fault fault = FAULT_OK;

    *l = (struct listener){0};
    buf_init(&l->log, 1 << 20);
    buf_init(&l->data, 1 << 20);
    AUTO(multipart_free) struct multipart *m = multipart_new(boundary, &limits, &events, l);
    while (!fault && data.n) {
        size_t n = data.n < step ? data.n : step;
        fault = multipart_feed(m, (struct slice){data.p, n}, NULL);
        data = (struct slice){data.p + n, data.n - n};
    }
    if (!fault) {
        fault = multipart_end(m, NULL);
    }
    assert(fault || !l->in_part);
    log_slice(&l->log, buf_slice(&l->data));
    assert(buf_ok(&l->log) && buf_ok(&l->data));
    return fault;
}

/* Property: the cut makes no difference. */
static void check_pieces(struct slice text)
{
    struct listener whole, pieces;
    enum fault fault = talk("b", text, SIZE_MAX, &whole);

    assert(fault == FAULT_OK || fault == FAULT_BAD_REQUEST || fault == FAULT_HEADERS_TOO_LARGE ||
           fault == FAULT_TOO_MANY_PARTS);
    for (size_t step = 1; step < 10; step += 4) {
        enum fault other = talk("b", text, step, &pieces);
        assert(fault == other);
        assert(whole.log.n == pieces.log.n && !memcmp(whole.log.p, pieces.log.p, whole.log.n));
        listener_done(&pieces);
    }
    listener_done(&whole);
}

/* Property: data without the boundary comes back as it was written. */
static void check_round_trip(struct slice data)
{
    static const char boundary[] = "b-1";
    struct listener read;
    struct buf text, log;

    if (data.n && memmem(data.p, data.n, "--b-1", 5)) {
        return;
    }
    buf_init(&text, 1 << 20);
    buf_init(&log, 1 << 20);
    multipart_write_head(&text, boundary, true, "a", "f\"", "x/y");
    buf_add(&text, data.p, data.n);
    multipart_write_close(&text, boundary);
    assert(buf_ok(&text) && talk(boundary, buf_slice(&text), 3 + data.n % 64, &read) == FAULT_OK);
    buf_printf(&log, "1:a4:f%%223:x/y%zu:", data.n);
    buf_add(&log, data.p, data.n);
    buf_text(&log, "0:");
    assert(log.n == read.log.n && !memcmp(log.p, read.log.p, log.n));
    listener_done(&read);
    buf_done(&text);
    buf_done(&log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};

    check_pieces(text);
    check_round_trip(text);
    return 0;
}
