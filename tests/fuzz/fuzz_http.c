/* fuzz_http.c - requests tell the same and end in the same fault whether they come whole or in pieces. */
#include <assert.h>
#include <stdint.h>

#include "wire/http.h"

/* Small, so that the fuzzer reaches them. */
static const struct http_limits limits = {.header_bytes = 512, .header_count = 8, .body_bytes = 256};

struct listener {
    struct buf log;
    struct buf body;
    enum { IN_NOTHING, IN_BODY, AT_END } where;
    int64_t length;
};

static void log_slice(struct buf *log, struct slice s)
{
    buf_printf(log, "%zu:", s.n);
    buf_add(log, s.p, s.n);
}

static void check_path(struct slice path)
{
    struct slice part;

    assert(path.n && path.p[0] == '/');
    while (slice_cut(&path, '/', &part)) {
        assert(!slice_is(part, ".") && !slice_is(part, "..") && (!part.n || !memchr(part.p, '\0', part.n)));
    }
}

static enum fault on_head(void *arg, const struct http_head *head)
{
    struct listener *l = arg;
    int hosts = 0;

    assert(l->where == IN_NOTHING && head->field_count <= limits.header_count && head->method.n);
    check_path(head->path);
    log_slice(&l->log, head->method);
    log_slice(&l->log, head->path);
    log_slice(&l->log, head->query);
    for (size_t i = 0; i < head->field_count; i++) {
        struct http_field f = head->fields[i];
        assert(f.name.n && f.value.p);
        for (size_t k = 0; k < f.value.n; k++) {
            assert(f.value.p[k] != '\r' && f.value.p[k] != '\n' && f.value.p[k] != '\0');
        }
        hosts += slice_is_nocase(f.name, "host");
        log_slice(&l->log, f.name);
        log_slice(&l->log, f.value);
    }
    assert(hosts == 1 || (!hosts && head->http_1_0));
    assert(!head->expect_continue || head->has_body);
    buf_printf(&l->log, "%lld %d%d%d%d", (long long)head->content_length, head->has_body, head->keep_alive,
               head->expect_continue, head->http_1_0);
    l->where = IN_BODY;
    l->length = head->content_length;
    return FAULT_OK;
}

static enum fault on_body(void *arg, struct slice bytes)
{
    struct listener *l = arg;

    assert(l->where == IN_BODY && bytes.n);
    buf_add(&l->body, bytes.p, bytes.n);
    assert(buf_ok(&l->body));
    return FAULT_OK;
}

static enum fault on_end(void *arg)
{
    struct listener *l = arg;

    assert(l->where == IN_BODY && (l->length < 0 || (size_t)l->length == l->body.n));
    log_slice(&l->log, buf_slice(&l->body));
    buf_reset(&l->body);
    l->where = AT_END;
    return FAULT_OK;
}

/* Feeds data in pieces of step and leaves in l what was told. */
static enum fault talk(struct slice data, size_t step, struct listener *l)
{
    static const struct http_events events = {on_head, on_body, on_end};
    enum fault fault = FAULT_OK;

    *l = (struct listener){.where = IN_NOTHING};
    buf_init(&l->log, 1 << 20);
    buf_init(&l->body, limits.body_bytes);
    AUTO(http_free) struct http *h = http_new(&limits, &events, l);
    while (!fault && data.n) {
        struct slice piece = {data.p, data.n < step ? data.n : step};
        size_t used = 0;
        fault = http_feed(h, piece, &used, NULL);
        assert(used <= piece.n && (fault || used));
        data = (struct slice){data.p + used, data.n - used};
        if (l->where == AT_END) {
            assert(!http_in_message(h));
            http_next(h);
            l->where = IN_NOTHING;
        }
    }
    log_slice(&l->log, buf_slice(&l->body));
    assert(buf_ok(&l->log));
    return fault;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    struct listener whole, pieces;
    enum fault fault = talk(text, SIZE_MAX, &whole);

    assert(fault == FAULT_OK || fault == FAULT_BAD_REQUEST || fault == FAULT_HEADERS_TOO_LARGE ||
           fault == FAULT_TOO_LARGE);
    for (size_t step = 1; step < 10; step += 4) {
        enum fault other = talk(text, step, &pieces);
        assert(fault == other);
        assert(whole.log.n == pieces.log.n && !memcmp(whole.log.p, pieces.log.p, whole.log.n));
        buf_done(&pieces.log);
        buf_done(&pieces.body);
    }
    buf_done(&whole.log);
    buf_done(&whole.body);
    return 0;
}
