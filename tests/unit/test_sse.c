/* test_sse.c - event streams, whole and in pieces. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/buf.h"
#include "wire/sse.h"

#define MAX 64

static bool note_event(void *arg, const struct sse_event *event)
{
    buf_printf(arg, "<%s|%s|%.*s>", event->name, event->id, (int)event->data.n,
               event->data.n ? event->data.p : "");
    return true;
}

/* What the stream says, fed in pieces of n bytes. */
static char *read_in(const char *text, size_t n, enum fault *ret_fault)
{
    struct sse *s = sse_new(MAX);
    struct buf out;

    buf_init(&out, 65536);
    buf_text(&out, "");
    *ret_fault = FAULT_OK;
    for (size_t at = 0, all = strlen(text); at < all && *ret_fault == FAULT_OK; at += n) {
        *ret_fault = sse_feed(s, (struct slice){text + at, all - at < n ? all - at : n}, note_event, &out);
    }
    sse_free(&s);
    assert_null(s);
    return buf_take(&out);
}

static void test_streams(void **state)
{
    /* Proves: the rules of the specification, whatever ends the lines and wherever the bytes are cut. */
    static const struct {
        const char *text, *events;
    } rows[] = {
        {"data: a\n\n", "<message||a>"},
        {"data:a\n\ndata: b\n\n", "<message||a><message||b>"},
        {"data:  two spaces\n\n", "<message|| two spaces>"},
        {"data: a\ndata: b\ndata\n\n", "<message||a\nb\n>"},
        {"event: task.event\nid: 7.1\ndata: {}\n\n", "<task.event|7.1|{}>"},
        {"id: 7.1\ndata: a\n\ndata: b\n\n", "<message|7.1|a><message|7.1|b>"},
        {"id: 7.1\n\ndata: b\n\n", "<message|7.1|b>"},
        {"id: 7.1\ndata: a\n\nid\ndata: b\n\n", "<message|7.1|a><message||b>"},
        {"event: x\n\ndata: a\n\n", "<message||a>"},
        {"data\n\n", "<message||>"},
        {": hello\n\n:\n\ndata: a\n\n", "<message||a>"},
        {"data: a\r\n\r\ndata: b\r\rdata: c\n\n", "<message||a><message||b><message||c>"},
        {"\xef\xbb\xbf"
         "data: a\n\ndata: b\n\n",
         "<message||a><message||b>"},
        {"data: a\n\n\xef\xbb\xbf"
         "data: b\n\n",
         "<message||a>"},
        {"data: a\n", ""},
        {"data: a", ""},
        {"DATA: a\nnonsense\nfoo: bar\n\n", ""},
        {"data: a:b: c\n\n", "<message||a:b: c>"},
        {"\n\n\n", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t n = 1; n < 70; n = n < 5 ? n + 1 : n + 64) {
            enum fault fault;
            char *events = read_in(rows[i].text, n, &fault);
            if (fault || strcmp(events, rows[i].events) != 0) {
                fail_msg("row %zu in pieces of %zu: %s %s", i, n, fault_code(fault), events);
            }
            free(events);
        }
    }
}

static void test_too_large(void **state)
{
    /* Proves: neither a line, nor an event of many lines, nor a name grows past the bound, and the stream
     * stays refused. */
    static const char long_word[] = "0123456789012345678901234567890123456789012345678901234567890123456789";
    static const char *const starts[] = {"data: ", "", ": ", "event: ", "id: "};
    struct buf text, out;
    enum fault fault;

    (void)state;
    buf_init(&text, 65536);
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        buf_reset(&text);
        buf_printf(&text, "data: a\n\n%s%s\n\ndata: b\n\n", starts[i], long_word);
        char *events = read_in(text.p, 7, &fault);
        assert_int_equal(fault, FAULT_TOO_LARGE);
        assert_string_equal(events, "<message||a>");
        free(events);
    }
    buf_done(&text);
    struct sse *s = sse_new(MAX);
    buf_init(&out, 65536);
    for (int i = 0; i < 32; i++) {
        fault = sse_feed(s, slice_of("data: x\n"), note_event, &out);
    }
    assert_int_equal(fault, FAULT_OK);
    assert_int_equal(sse_feed(s, slice_of("data: x\n\n"), note_event, &out), FAULT_TOO_LARGE);
    assert_int_equal(sse_feed(s, slice_of("\n\ndata: y\n\n"), note_event, &out), FAULT_TOO_LARGE);
    assert_int_equal(out.n, 0);
    buf_done(&out);
    sse_free(&s);
}

static void test_retry(void **state)
{
    /* Proves: the wait that the sender asks for is kept when it is a number, bounded, and else as it was. */
    struct sse *s = sse_new(MAX);
    struct buf out;

    (void)state;
    buf_init(&out, 65536);
    assert_int_equal(sse_retry_ms(s), -1);
    assert_int_equal(sse_feed(s, slice_of("retry: 3000\n"), note_event, &out), FAULT_OK);
    assert_int_equal(sse_retry_ms(s), 3000);
    assert_int_equal(sse_feed(s, slice_of("retry: 3s\nretry: -1\nretry:\nretry\n"), note_event, &out),
                     FAULT_OK);
    assert_int_equal(sse_retry_ms(s), 3000);
    assert_int_equal(sse_feed(s, slice_of("retry: 99999999999999999999999999\n"), note_event, &out),
                     FAULT_OK);
    assert_int_equal(sse_retry_ms(s), 3600000);
    buf_done(&out);
    sse_free(&s);
}

static void test_restart(void **state)
{
    /* Proves: a new connection forgets half an event, also its id, and keeps the last id of a whole one. */
    struct sse *s = sse_new(MAX);
    struct buf out;

    (void)state;
    buf_init(&out, 65536);
    assert_string_equal(sse_last_id(s), "");
    assert_int_equal(
        sse_feed(s, slice_of("id: 5.1\ndata: a\n\nid: 6.1\nevent: x\ndata: lost\nda"), note_event, &out),
        FAULT_OK);
    assert_string_equal(sse_last_id(s), "5.1");
    sse_restart(s);
    assert_string_equal(sse_last_id(s), "5.1");
    assert_int_equal(sse_feed(s,
                              slice_of("\xef\xbb\xbf"
                                       "data: b\n\n"),
                              note_event, &out),
                     FAULT_OK);
    assert_string_equal(out.p, "<message|5.1|a><message|5.1|b>");
    buf_done(&out);
    sse_free(&s);
}

static bool stop_at_b(void *arg, const struct sse_event *event)
{
    note_event(arg, event);
    return !slice_is(event->data, "b");
}

static void test_stop(void **state)
{
    /* Proves: after the reader said stop nothing is told any more until a restart. */
    struct sse *s = sse_new(MAX);
    struct buf out;

    (void)state;
    buf_init(&out, 65536);
    assert_int_equal(sse_feed(s, slice_of("data: a\n\ndata: b\n\ndata: c\n\n"), stop_at_b, &out),
                     FAULT_CANCELLED);
    assert_int_equal(sse_feed(s, slice_of("data: d\n\n"), stop_at_b, &out), FAULT_CANCELLED);
    assert_string_equal(out.p, "<message||a><message||b>");
    sse_restart(s);
    assert_int_equal(sse_feed(s, slice_of("data: e\n\n"), stop_at_b, &out), FAULT_OK);
    assert_string_equal(out.p, "<message||a><message||b><message||e>");
    buf_done(&out);
    sse_free(&s);
}

static void test_nul(void **state)
{
    /* Proves: an id with a NUL is ignored, and a NUL in the data is data. */
    struct sse *s = sse_new(MAX);
    struct buf out;
    static const char text[] = "id: 1\ndata: a\n\nid: 2\0003\ndata: b\0c\n\n";

    (void)state;
    buf_init(&out, 65536);
    assert_int_equal(sse_feed(s, (struct slice){text, sizeof(text) - 1}, note_event, &out), FAULT_OK);
    assert_string_equal(sse_last_id(s), "1");
    assert_true(slice_starts(buf_slice(&out), "<message|1|a><message|1|b"));
    buf_done(&out);
    sse_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams), cmocka_unit_test(test_too_large), cmocka_unit_test(test_retry),
        cmocka_unit_test(test_restart), cmocka_unit_test(test_stop),      cmocka_unit_test(test_nul),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
