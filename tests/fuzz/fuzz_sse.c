/* fuzz_sse.c - event streams tell the same whether they come whole or in pieces, and keep within their bound.
 *
 * Input: a byte that cuts, then the stream. */
#include <assert.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/sse.h"

#define MAX 96

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool on_event(void *arg, const struct sse_event *event)
{
    struct buf *log = arg;

    assert(event->data.n < MAX && strlen(event->id) <= MAX && strlen(event->name) <= MAX && *event->name);
    assert(!strpbrk(event->id, "\r\n") && !strpbrk(event->name, "\r\n"));
    assert(!event->data.n || !memchr(event->data.p, '\r', event->data.n));
    buf_printf(log, "%s %s %zu:", event->name, event->id, event->data.n);
    buf_add(log, event->data.p, event->data.n);
    return true;
}

static enum fault read_in(struct slice text, size_t n, struct buf *log)
{
    struct sse *s = sse_new(MAX);
    enum fault fault = FAULT_OK;

    for (size_t at = 0; at < text.n && fault == FAULT_OK; at += n) {
        fault = sse_feed(s, (struct slice){text.p + at, text.n - at < n ? text.n - at : n}, on_event, log);
    }
    assert(fault == FAULT_OK || fault == FAULT_TOO_LARGE);
    assert(sse_retry_ms(s) >= -1 && sse_retry_ms(s) <= 3600 * 1000);
    buf_printf(log, " %s %lld", sse_last_id(s), (long long)sse_retry_ms(s));
    sse_free(&s);
    return fault;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole, pieces;

    if (!size || size > 1 << 16) {
        return 0;
    }
    struct slice text = {(const char *)data + 1, size - 1};
    buf_init(&whole, 1 << 22);
    buf_init(&pieces, 1 << 22);
    enum fault one = read_in(text, text.n + 1, &whole), other = read_in(text, 1 + data[0] % 16, &pieces);
    assert(one == other && whole.n == pieces.n);
    assert(!whole.n || !memcmp(whole.p, pieces.p, whole.n));
    buf_done(&whole);
    buf_done(&pieces);
    return 0;
}
