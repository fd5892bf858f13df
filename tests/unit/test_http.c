/* test_http.c - what the HTTP parser takes, what it refuses, and that it makes no difference how bytes are
 * cut. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "wire/http.h"

#include "http_cases.h"

/* ---- a listener that writes down all it is told ---- */

struct listener {
    struct http *http;
    struct buf log;  /* one line per event; the body of a message in one */
    struct buf body; /* of the message that runs */
    int messages;
    uint64_t body_limit; /* set in the head event unless 0 */
    enum fault head_fault;
    enum fault body_fault;
    enum fault end_fault;
    struct note note;
};

static void log_slice(struct buf *log, struct slice s)
{
    buf_char(log, '[');
    buf_add(log, s.p, s.n);
    buf_char(log, ']');
}

static enum fault on_head(void *arg, const struct http_head *head)
{
    struct listener *l = arg;

    buf_text(&l->log, "head ");
    log_slice(&l->log, head->method);
    log_slice(&l->log, head->path);
    log_slice(&l->log, head->query);
    for (size_t i = 0; i < head->field_count; i++) {
        log_slice(&l->log, head->fields[i].name);
        log_slice(&l->log, head->fields[i].value);
    }
    buf_printf(&l->log, " length %lld%s%s%s%s\n", (long long)head->content_length,
               head->has_body ? " body" : "", head->keep_alive ? " keep" : "",
               head->expect_continue ? " expect" : "", head->http_1_0 ? " old" : "");
    if (l->body_limit) {
        http_body_limit(l->http, l->body_limit);
    }
    return l->head_fault;
}

static enum fault on_body(void *arg, struct slice bytes)
{
    struct listener *l = arg;

    assert_true(bytes.n > 0);
    buf_add(&l->body, bytes.p, bytes.n);
    return l->body_fault;
}

static enum fault on_end(void *arg)
{
    struct listener *l = arg;

    buf_text(&l->log, "body ");
    log_slice(&l->log, buf_slice(&l->body));
    buf_text(&l->log, "\nend\n");
    buf_reset(&l->body);
    l->messages++;
    return l->end_fault;
}

static const struct http_events events = {on_head, on_body, on_end};
static const struct http_limits limits = {LIMIT_HEADER_BYTES, LIMIT_HEADER_COUNT, 1000000};

static void listener_init(struct listener *l, const struct http_limits *with)
{
    *l = (struct listener){0};
    buf_init(&l->log, 4 * MIB);
    buf_init(&l->body, 4 * MIB);
    l->http = http_new(with, &events, l);
}

static void listener_done(struct listener *l)
{
    assert_true(buf_ok(&l->log) && buf_ok(&l->body));
    buf_done(&l->log);
    buf_done(&l->body);
    http_free(&l->http);
    assert_null(l->http);
}

/* Feeds bytes in pieces of step, answering each message at once. Every piece lies in memory of its own, so
 * that a slice kept beyond its life or a read past the end is seen by the sanitizer. */
static enum fault listener_feed(struct listener *l, struct slice bytes, size_t step)
{
    enum fault fault = FAULT_OK;

    while (!fault && bytes.n) {
        size_t n = bytes.n < step ? bytes.n : step;
        char *piece = malloc(n);
        memcpy(piece, bytes.p, n);
        for (size_t done = 0; !fault && done < n;) {
            size_t used = 0;
            int before = l->messages;
            fault = http_feed(l->http, (struct slice){piece + done, n - done}, &used, &l->note);
            assert_true(used <= n - done);
            assert_true(fault || used > 0);
            done += used;
            if (!fault && l->messages > before) {
                assert_false(http_in_message(l->http));
                http_next(l->http);
            }
        }
        free(piece);
        bytes = (struct slice){bytes.p + n, bytes.n - n};
    }
    return fault;
}

/* What the text gives with a fresh parser; the log goes to *ret_log for the caller to free. */
static enum fault talk(struct slice text, size_t step, int *ret_messages, char **ret_log)
{
    struct listener l;

    listener_init(&l, &limits);
    enum fault fault = listener_feed(&l, text, step);
    /* What came of a body before the fault counts as well. */
    log_slice(&l.log, buf_slice(&l.body));
    *ret_messages = l.messages;
    *ret_log = buf_take(&l.log);
    if (fault) {
        size_t used = 1;
        assert_true(l.note.text[0]);
        assert_int_equal(http_feed(l.http, slice_of("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), &used, NULL),
                         fault);
        assert_int_equal(used, 0);
    }
    listener_done(&l);
    return fault;
}

static const size_t steps[] = {SIZE_MAX, 1, 2, 3, 7, 64};

/* The text gives this fault and so many whole messages, however it is cut. */
static void expect(const char *name, struct slice text, enum fault fault, int messages)
{
    char *whole = NULL;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        AUTO(auto_free) char *log = NULL;
        int got = 0;
        enum fault f = talk(text, steps[i], &got, &log);
        if (f != fault || got != messages || (whole && strcmp(whole, log) != 0)) {
            fail_msg("%s, cut by %zu: %s after %d messages\n%s\nwhole: %s", name, steps[i], fault_code(f),
                     got, log, whole ? whole : "");
        }
        if (!whole) {
            whole = log;
            log = NULL;
        }
    }
    free(whole);
}

/* ---- the conformance battery ---- */

static void test_battery(void **state)
{
    /* Proves: each case of the conformance battery gives its fault or its messages, however the bytes are
     * cut. */
    (void)state;
    for (size_t i = 0; i < sizeof(battery) / sizeof(battery[0]); i++) {
        const struct row *row = &battery[i];
        struct buf text;
        buf_init(&text, 4 * MIB);
        buf_add(&text, row->before.p, row->before.n);
        for (size_t k = 0; k < row->times; k++) {
            buf_text(&text, row->fill);
        }
        buf_text(&text, row->after);
        assert_true(buf_ok(&text));
        expect(row->name, buf_slice(&text), row->fault, row->messages);
        buf_done(&text);
    }
}

/* ---- what is told ---- */

/* Feeds one whole text and gives the log, for the caller to free. */
static char *heard(const char *text)
{
    int messages = 0;
    char *log = NULL;

    assert_int_equal(talk(slice_of(text), SIZE_MAX, &messages, &log), FAULT_OK);
    return log;
}

static void check_heard(const char *text, const char *log)
{
    AUTO(auto_free) char *got = heard(text);

    assert_string_equal(got, log);
}

static void test_head(void **state)
{
    /* Proves: a head is told with its fields trimmed and in order, and its flags right. */
    (void)state;
    check_heard(
        "GET /a%20b/c?q=%41&r HTTP/1.1\r\nHost: h\r\nX:\t v w \t\r\nEmpty:\r\nE2: \r\nx: 2\r\n\r\n",
        "head [GET][/a b/c][q=%41&r][Host][h][X][v w][Empty][][E2][][x][2] length -1 keep\nbody []\nend\n[]");
    check_heard(
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\nab",
        "head [POST][/][][Host][h][Content-Length][2][Expect][100-Continue] length 2 body keep expect\n"
        "body [ab]\nend\n[]");
    check_heard("PUT /? HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: "
                "close\r\n\r\n1\r\na\r\n0\r\n\r\n",
                "head [PUT][/][][Host][h][Transfer-Encoding][chunked][Connection][close] length -1 body\n"
                "body [a]\nend\n[]");
    check_heard("DELETE /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n",
                "head [DELETE][/x][][Host][h][Content-Length][0][Expect][100-continue] length 0 keep\nbody "
                "[]\nend\n[]");
    check_heard(
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: magic\r\nX: 100-continue\r\n\r\na",
        "head [POST][/][][Host][h][Content-Length][1][Expect][magic][X][100-continue] length 1 body keep\n"
        "body [a]\nend\n[]");
    check_heard("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
                "head [GET][/][][Connection][keep-alive] length -1 old\nbody []\nend\n[]");
    check_heard(
        "POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\na",
        "head [POST][/][][Content-Length][1][Expect][100-continue] length 1 body old\nbody [a]\nend\n[]");
}

static void test_trailers(void **state)
{
    /* Proves: trailers are not taken for headers, neither in this message nor in the next. */
    (void)state;
    AUTO(auto_free)
    char *log = heard("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nEvil: 1\r\n\r\n"
                      "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_null(strstr(log, "Evil"));
    assert_non_null(strstr(log, "head [GET][/][][Host][h] length -1 keep\n"));
}

static void test_targets(void **state)
{
    /* Proves: paths are decoded once, and what could be read in two ways is refused. */
    static const struct {
        const char *target;
        const char *path; /* NULL: refused */
    } rows[] = {
        {"/", "[/][]"},
        {"/a//b", "[/a//b][]"},
        {"/a/", "[/a/][]"},
        {"/%61%2Fb", "[/a/b][]"},
        {"/%2561", "[/%61][]"},
        {"/%C3%A4", "[/\xc3\xa4][]"},
        {"/a+b", "[/a+b][]"},
        {"/.a/..b/c.", "[/.a/..b/c.][]"},
        {"/...", "[/...][]"},
        {"/a?b?c=%00/../.", "[/a][b?c=%00/../.]"},
        {"//evil/a", "[//evil/a][]"},
        {"/.", NULL},
        {"/..", NULL},
        {"/a/./b", NULL},
        {"/a/../b", NULL},
        {"/a/..", NULL},
        {"/../a?b", NULL},
        {"/%2e%2E/a", NULL},
        {"/a%2F..%2fb", NULL},
        {"/%00", NULL},
        {"/%0a", NULL},
        {"/%7f", NULL},
        {"/%", NULL},
        {"/%4", NULL},
        {"/%4g", NULL},
        {"/%g4", NULL},
        {"/a%", NULL},
        {"/a#b", NULL},
        {"/a?b#c", NULL},
        {"/\xc3\xa4", NULL},
        {"/a\tb", NULL},
        {"/a b", NULL},
        {"/a\x7f", NULL},
        {"a", NULL},
        {"*", NULL},
        {"?a", NULL},
        {"http://h/a", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        AUTO(auto_free) char *text = mem_printf("GET %s HTTP/1.1\r\nHost: a\r\n\r\n", rows[i].target);
        AUTO(auto_free) char *log = NULL;
        int messages = 0;
        enum fault fault = talk(slice_of(text), SIZE_MAX, &messages, &log);
        if (fault != (rows[i].path ? FAULT_OK : FAULT_BAD_REQUEST) ||
            (rows[i].path && !strstr(log, rows[i].path))) {
            fail_msg("%s: %s %s", rows[i].target, fault_code(fault), log);
        }
        expect(rows[i].target, slice_of(text), fault, messages);
    }
}

static void test_find(void **state)
{
    /* Proves: a field is found by its name in any case, the first of several. */
    struct http_field fields[] = {{slice_of("X-A"), slice_of("1")}, {slice_of("x-a"), slice_of("2")}};
    struct http_head head = {.fields = fields, .field_count = 2};

    (void)state;
    assert_true(slice_is(http_find(&head, "x-a"), "1"));
    assert_null(http_find(&head, "x").p);
    assert_null(http_find(&head, "x-ab").p);
}

static void test_query(void **state)
{
    /* Proves: a parameter of the query is found and decoded. */
    struct http_head head = {.query = slice_of("a=1&wait=%35")};
    char out[2];

    (void)state;
    assert_true(http_query(&head, "wait", out, sizeof(out)));
    assert_string_equal(out, "5");
    assert_false(http_query(&head, "b", out, sizeof(out)));
}

static void test_one_at_a_time(void **state)
{
    /* Proves: after a message nothing is taken until http_next, and nothing of the bytes behind it is lost.
     */
    struct listener l;
    struct slice text = T(SIZED SIZED);
    size_t used = 0, more = 0;

    (void)state;
    listener_init(&l, &limits);
    assert_int_equal(http_feed(l.http, text, &used, NULL), FAULT_OK);
    assert_int_equal(used, text.n / 2);
    assert_int_equal(l.messages, 1);
    assert_int_equal(http_feed(l.http, (struct slice){text.p + used, text.n - used}, &more, NULL), FAULT_OK);
    assert_int_equal(more, 0);
    http_next(l.http);
    assert_int_equal(http_feed(l.http, (struct slice){text.p + used, text.n - used}, &more, NULL), FAULT_OK);
    assert_int_equal(more, text.n / 2);
    assert_int_equal(l.messages, 2);
    listener_done(&l);
}

static void test_where(void **state)
{
    /* Proves: the parser knows whether it is between messages, in a head or in a body. */
    struct listener l;
    struct slice text = T(SIZED);
    size_t body = text.n - (sizeof(BODY) - 1), used = 0;

    (void)state;
    listener_init(&l, &limits);
    assert_int_equal(http_feed(l.http, slice_of("\r\n\r"), &used, NULL), FAULT_OK);
    assert_false(http_in_message(l.http) || http_in_head(l.http));
    assert_int_equal(http_feed(l.http, slice_of("\n"), &used, NULL), FAULT_OK);
    for (size_t i = 0; i < text.n; i++) {
        assert_true(http_in_message(l.http) == (i > 0));
        assert_true(http_in_head(l.http) == (i > 0 && i < body));
        assert_int_equal(http_feed(l.http, (struct slice){text.p + i, 1}, &used, NULL), FAULT_OK);
        assert_int_equal(used, 1);
    }
    assert_false(http_in_message(l.http) || http_in_head(l.http));
    http_next(l.http);
    assert_false(http_in_message(l.http) || http_in_head(l.http));
    listener_done(&l);
}

static void test_limits(void **state)
{
    /* Proves: header bytes and body bytes are allowed up to the limit itself and not one more. */
    static const char head[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
    static const char chunks[] = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";

    (void)state;
    for (size_t step = 1; step < 100; step += 98) {
        for (int less = 0; less < 2; less++) {
            struct listener l;
            struct http_limits with = {sizeof(head) - 1 - (size_t)less, 2, 5};
            listener_init(&l, &with);
            assert_int_equal(listener_feed(&l, slice_of(head), step),
                             less ? FAULT_HEADERS_TOO_LARGE : FAULT_OK);
            listener_done(&l);

            with = (struct http_limits){1000, 2, 5 - (unsigned)less};
            listener_init(&l, &with);
            assert_int_equal(listener_feed(&l, slice_of(head), step), less ? FAULT_TOO_LARGE : FAULT_OK);
            assert_true(less == (strstr(l.note.text, "larger than 4 bytes") != NULL));
            listener_done(&l);
            listener_init(&l, &with);
            assert_int_equal(listener_feed(&l, slice_of(chunks), step), less ? FAULT_TOO_LARGE : FAULT_OK);
            assert_int_equal(l.messages, !less);
            listener_done(&l);

            with = (struct http_limits){1000, 2 - (unsigned)less, 5};
            listener_init(&l, &with);
            assert_int_equal(listener_feed(&l, slice_of(head), step),
                             less ? FAULT_HEADERS_TOO_LARGE : FAULT_OK);
            listener_done(&l);
        }
    }
}

static void test_body_limit(void **state)
{
    /* Proves: the head event can set another body limit for its message, and only for that one. */
    struct listener l;

    (void)state;
    listener_init(&l, &(struct http_limits){1000, 10, 5});
    l.body_limit = 13;
    assert_int_equal(listener_feed(&l, slice_of(SIZED), SIZE_MAX), FAULT_OK);
    l.body_limit = 0;
    assert_int_equal(listener_feed(&l, slice_of(SIZED), SIZE_MAX), FAULT_TOO_LARGE);
    assert_int_equal(l.messages, 1);
    listener_done(&l);
    listener_init(&l, &(struct http_limits){1000, 10, 1000});
    l.body_limit = 12;
    assert_int_equal(listener_feed(&l, slice_of(CHUNKED(CHUNKS)), 1), FAULT_TOO_LARGE);
    listener_done(&l);
}

static void test_event_faults(void **state)
{
    /* Proves: the fault of an event comes out of the feed, and nothing more is told after it. */
    static const char *const texts[] = {SIZED SIZED, CHUNKED(CHUNKS) SIZED};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (size_t step = 1; step < 1000; step += 998) {
            struct listener l;
            listener_init(&l, &limits);
            l.head_fault = FAULT_NO_ROUTE;
            assert_int_equal(listener_feed(&l, slice_of(texts[i]), step), FAULT_NO_ROUTE);
            assert_int_equal(l.body.n, 0);
            listener_done(&l);
            listener_init(&l, &limits);
            l.body_fault = FAULT_BAD_TYPE;
            assert_int_equal(listener_feed(&l, slice_of(texts[i]), step), FAULT_BAD_TYPE);
            assert_int_equal(l.messages, 0);
            listener_done(&l);
            listener_init(&l, &limits);
            l.end_fault = FAULT_OVERLOADED;
            assert_int_equal(listener_feed(&l, slice_of(texts[i]), step), FAULT_OVERLOADED);
            assert_int_equal(l.messages, 1);
            listener_done(&l);
        }
    }
}

static enum fault on_end_next(void *arg)
{
    struct listener *l = arg;

    http_next(l->http);
    return on_end(arg);
}

static void test_next_in_end(void **state)
{
    /* Proves: http_next may be called in the end event; the feed stops at that message all the same. */
    static const struct http_events at_once = {on_head, on_body, on_end_next};
    struct listener l;
    struct slice text = T(SIZED SIZED);
    size_t used = 0;

    (void)state;
    listener_init(&l, &limits);
    http_free(&l.http);
    l.http = http_new(&limits, &at_once, &l);
    assert_int_equal(http_feed(l.http, text, &used, NULL), FAULT_OK);
    assert_int_equal(used, text.n / 2);
    assert_int_equal(http_feed(l.http, (struct slice){text.p + used, text.n - used}, &used, NULL), FAULT_OK);
    assert_int_equal(used, text.n / 2);
    assert_int_equal(l.messages, 2);
    listener_done(&l);
}

static void test_big_body(void **state)
{
    /* Proves: a body reaches the listener in full while the parser itself holds none of it. */
    struct listener l;
    struct buf text;

    (void)state;
    buf_init(&text, 2 * MIB);
    buf_text(&text, HEAD("Content-Length: 1000000\r\n"));
    for (size_t i = 0; i < 1000000; i++) {
        buf_char(&text, (char)(i * 31 >> 3));
    }
    listener_init(&l, &limits);
    assert_int_equal(listener_feed(&l, (struct slice){text.p, text.n - 1}, 65536), FAULT_OK);
    assert_int_equal(l.body.n, 999999);
    assert_memory_equal(l.body.p, text.p + text.n - 1000000, 999999);
    listener_done(&l);
    buf_done(&text);
}

static void test_release(void **state)
{
    /* Proves: freeing nothing and freeing in the middle of a message are both fine. */
    struct http *none = NULL;
    struct listener l;
    size_t used;

    (void)state;
    http_free(&none);
    listener_init(&l, &limits);
    assert_int_equal(http_feed(l.http, slice_of("GET / HT"), &used, NULL), FAULT_OK);
    listener_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_battery),       cmocka_unit_test(test_head),
        cmocka_unit_test(test_trailers),      cmocka_unit_test(test_targets),
        cmocka_unit_test(test_find),          cmocka_unit_test(test_query),
        cmocka_unit_test(test_one_at_a_time), cmocka_unit_test(test_where),
        cmocka_unit_test(test_limits),        cmocka_unit_test(test_body_limit),
        cmocka_unit_test(test_event_faults),  cmocka_unit_test(test_next_in_end),
        cmocka_unit_test(test_big_body),      cmocka_unit_test(test_release),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
