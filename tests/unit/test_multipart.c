/* test_multipart.c - multipart/form-data: parts come out the same however the bytes are cut, and bad ones do
 * not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/limits.h"
#include "wire/multipart.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* ---- a listener that writes down all it is told ---- */

struct listener {
    struct multipart *multipart;
    struct buf log;
    int parts;
    enum fault begin_fault;
    enum fault data_fault;
    enum fault end_fault;
    struct note note;
};

static void log_slice(struct buf *log, struct slice s)
{
    if (!s.p) {
        buf_char(log, '-');
        return;
    }
    buf_char(log, '[');
    buf_add(log, s.p, s.n);
    buf_char(log, ']');
}

static enum fault on_begin(void *arg, const struct multipart_head *head)
{
    struct listener *l = arg;

    log_slice(&l->log, head->name);
    log_slice(&l->log, head->filename);
    log_slice(&l->log, head->type);
    buf_char(&l->log, '<');
    return l->begin_fault;
}

static enum fault on_data(void *arg, struct slice bytes)
{
    struct listener *l = arg;

    assert_true(bytes.n > 0);
    buf_add(&l->log, bytes.p, bytes.n);
    return l->data_fault;
}

static enum fault on_end(void *arg)
{
    struct listener *l = arg;

    buf_text(&l->log, ">\n");
    l->parts++;
    return l->end_fault;
}

static const struct multipart_events events = {on_begin, on_data, on_end};
static const struct multipart_limits limits = {LIMIT_PARTS, LIMIT_PART_HEADER_BYTES};

static void listener_init(struct listener *l, const char *boundary, const struct multipart_limits *with)
{
    *l = (struct listener){0};
    buf_init(&l->log, 2 * MIB);
    buf_text(&l->log, "");
    l->multipart = multipart_new(boundary, with, &events, l);
    assert_non_null(l->multipart);
}

static void listener_done(struct listener *l)
{
    assert_true(buf_ok(&l->log));
    buf_done(&l->log);
    multipart_free(&l->multipart);
    assert_null(l->multipart);
}

/* Feeds a copy of its own, so that what is kept beyond its life is seen by the sanitizer. */
static enum fault feed_copy(struct listener *l, struct slice bytes)
{
    char *copy = malloc(bytes.n ? bytes.n : 1);

    memcpy(copy, bytes.p, bytes.n);
    enum fault fault = multipart_feed(l->multipart, (struct slice){copy, bytes.n}, &l->note);
    free(copy);
    return fault;
}

/* Feeds text in pieces of step, the first of them of first bytes, and ends it. */
static enum fault listener_feed(struct listener *l, struct slice text, size_t first, size_t step)
{
    enum fault fault = FAULT_OK;

    for (size_t n = first; !fault && text.n; n = step) {
        n = n < text.n ? n : text.n;
        fault = feed_copy(l, (struct slice){text.p, n});
        text = (struct slice){text.p + n, text.n - n};
    }
    return fault ? fault : multipart_end(l->multipart, &l->note);
}

/* The text gives this fault and log: whole, byte by byte, and cut in two at every place. log may be NULL. */
static void expect(const char *boundary, struct slice text, enum fault fault, const char *log)
{
    for (size_t cut = 0; cut <= text.n; cut++) {
        struct listener l;
        listener_init(&l, boundary, &limits);
        enum fault got = listener_feed(&l, text, cut ? cut : 1, cut ? text.n : 1);
        if (got != fault || (log && strcmp(l.log.p, log) != 0)) {
            fail_msg("%s\ncut at %zu: %s %s\n%s", text.p, cut, fault_code(got), l.note.text, l.log.p);
        }
        if (fault) { /* a fault stays, and has a sentence */
            assert_true(l.note.text[0]);
            assert_int_equal(multipart_feed(l.multipart, slice_of("\r\n--b--"), NULL), fault);
            assert_int_equal(multipart_end(l.multipart, NULL), fault);
        }
        listener_done(&l);
    }
}

#define PART(params, data) "--b\r\nContent-Disposition: form-data; " params "\r\n\r\n" data "\r\n"

/* ---- what is taken ---- */

static void test_good(void **state)
{
    /* Proves: parts are told with name, file name, type and exact data, cut at whatever place. */
    static const struct {
        const char *text;
        const char *log;
    } rows[] = {
        {"--b--", ""},
        {"--b--\r\n", ""},
        {"--b--anything at all \r\n--b\r\n", ""},
        {PART("name=\"a\"", "1") "--b--", "[a]--<1>\n"},
        {PART("name=a", "1") PART("name=\"b\"", "22") "--b--\r\n", "[a]--<1>\n[b]--<22>\n"},
        {"preamble\r\nmore\r\n" PART("name=a", "1") "--b--", "[a]--<1>\n"},
        {"\r\n" PART("name=a", "1") "--b--\r\nepilogue", "[a]--<1>\n"},
        {"x--b\r\n\r\n" PART("name=a", "1") "--b--", "[a]--<1>\n"},
        {"\r\n\r\n-\r\n--\r\n" PART("name=a", "1") "--b--", "[a]--<1>\n"},
        {PART("name=a", "") "--b--", "[a]--<>\n"},
        {"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--", "[a]--<>\n"},
        {"--b \t \r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--", "[a]--<1>\n"},
        {"--b\r\ncontent-disposition:FORM-DATA;name=a;filename=f.png\r\nCONTENT-TYPE:  image/png; a=b "
         "\r\nX-Other: "
         "1\r\n\r\n1\r\n--b--",
         "[a][f.png][image/png; a=b]<1>\n"},
        {"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: Binary\r\nContent-Disposition: "
         "form-data; "
         "name=a\r\n\r\n1\r\n--b--",
         "[a]-[text/plain]<1>\n"},
        {"--b\r\nContent-Type:\r\nContent-Disposition: form-data; name=\"\"\r\n\r\n1\r\n--b--", "[]-[]<1>\n"},
        /* data that looks like a boundary but is none */
        {PART("name=a", "\r\n") "--b--", "[a]--<\r\n>\n"},
        {PART("name=a", "\r") "--b--", "[a]--<\r>\n"},
        {PART("name=a", "\n") "--b--", "[a]--<\n>\n"},
        {PART("name=a", "\r\r\n\r\n\r\r") "--b--", "[a]--<\r\r\n\r\n\r\r>\n"},
        {PART("name=a", "\r\n-\r\n--\r\n--c\r\n\r\n") "--b--", "[a]--<\r\n-\r\n--\r\n--c\r\n\r\n>\n"},
        {PART("name=a", "x--b--\n--b--\r--b--") "--b--", "[a]--<x--b--\n--b--\r--b-->\n"},
        {PART("name=a", "\r\n\r\n--") "--b--", "[a]--<\r\n\r\n-->\n"},
        {PART("name=a", "-") "--b--", "[a]--<->\n"},
        {PART("name=a", "--") "--b--", "[a]--<-->\n"},
        {PART("name=a", "--c") "--b--", "[a]--<--c>\n"},
        {PART("name=a", "-\r\n-") "--b--", "[a]--<-\r\n->\n"},
        /* names */
        {PART("name=\"a b;c=\\\"d\\\"\"", "1") "--b--", "[a b;c=\"d\"]--<1>\n"},
        {PART("name=\"a%22b\"; filename=\"C:\\\\x\\y.png\"", "1") "--b--", "[a%22b][C:\\x\\y.png]-<1>\n"},
        {PART("name=\"\xc3\xa4\"; filename=\"\"", "1") "--b--", "[\xc3\xa4][]-<1>\n"},
        {PART("filename=\"name=\\\"b\\\"; \"; name=a", "1") "--b--", "[a][name=\"b\"; ]-<1>\n"},
        {PART("name=a; filename*=utf-8''%e2%82%ac", "1") "--b--", "[a]--<1>\n"},
        {PART("name=a; filename*=utf-8''x; filename=\"y\"", "1") "--b--", "[a][y]-<1>\n"},
        {PART("name=a; name=b", "1") "--b--", "[a]--<1>\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        expect("b", slice_of(rows[i].text), FAULT_OK, rows[i].log);
    }
}

static void test_bad(void **state)
{
    /* Proves: a body that is cut short, or could be read in two ways, is refused wherever it is cut. */
    static const char *const rows[] = {
        "",
        "x",
        "--b",
        "--b-",
        "--b\r\n",
        "--bb--",
        "--b\n",
        "--b\r",
        "--b\rx",
        "--b-\r\n",
        "--b --",
        "--b \r\r\n",
        "--b x\r\n",
        "--B--",
        PART("name=a", "1"),
        PART("name=a", "1") "--b",
        PART("name=a", "1") "--b-",
        PART("name=a", "1") "--c--",
        PART("name=a", "1\r\n--bx") "--b--",
        "--b\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--",
        "--b\rContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--",
        "--b\rX\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--",
        "--b-\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--",
        "--bContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--",
        "--b\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Type: text/plain\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Disposition: form-data; name=a\r\n--b--",
        "--b\r\nContent-Disposition: form-data; name=a\n\n1\r\n--b--",
        "--b\r\nContent-Disposition: form-data; name=a\r\n\n1\r\n--b--",
        "--b\r\nContent-Disposition: form-data;\r\n name=a\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Disposition: form-data; name=a\rb\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Disposition: form-data; filename=a\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Disposition: form-data; name\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Disposition: name=a\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Disposition:\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Disposition form-data; name=a\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Disposition : form-data; name=a\r\n\r\n1\r\n--b--",
        "--b\r\n: x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; "
        "name=b\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: "
        "base64\r\n\r\nMQ==\r\n--b--",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        expect("b", slice_of(rows[i]), FAULT_BAD_REQUEST, NULL);
    }
    expect("b", (struct slice){"--b\r\nX: \0\r\n", 11}, FAULT_BAD_REQUEST, NULL);
}

static void test_boundaries(void **state)
{
    /* Proves: a boundary is what RFC 2046 allows, up to 70 characters, and is compared in full. */
    static const char seventy[] = "0123456789abcdefghzzABCDEFGHZZ'()+_,-./:=? 0123456789abcdefghijABCDEFG";
    static const char *const bad[] = {
        "",
        " ",
        "a ",
        "a\r",
        "a\n",
        "a;",
        "a\"b",
        "a<",
        "\xc3\xa4",
        "a@b",
        "a*",
        NULL,
        "0123456789abcdefghzzABCDEFGHZZ'()+_,-./:=? 0123456789abcdefghijABCDEFGH",
    };

    (void)state;
    assert_int_equal(strlen(seventy), 70);
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_null(multipart_new(bad[i], &limits, &events, NULL));
    }
    struct buf text;
    buf_init(&text, 1000);
    multipart_write_head(&text, seventy, true, "a", NULL, NULL);
    buf_printf(&text, "\r\n--%.69s", seventy);
    multipart_write_close(&text, seventy);
    struct buf log;
    buf_init(&log, 1000);
    buf_printf(&log, "[a]--<\r\n--%.69s>\n", seventy);
    expect(seventy, buf_slice(&text), FAULT_OK, log.p);
    buf_done(&text);
    buf_done(&log);
    expect("--", slice_of("----\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n---\r\n------"),
           FAULT_OK, "[a]--<\r\n--->\n");
}

static void test_limits(void **state)
{
    /* Proves: as many parts and as long a head as the limits say are taken, and not one more. */
    static const char head[] = "Content-Disposition: form-data; name=a\r\n\r\n";
    static const char text[] = PART("name=a", "1") PART("name=a", "1") "--b--";

    (void)state;
    for (size_t step = 1; step < 1000; step += 998) {
        for (size_t less = 0; less < 2; less++) {
            struct listener l;
            listener_init(&l, "b", &(struct multipart_limits){2 - less, sizeof(head) - 1});
            assert_int_equal(listener_feed(&l, slice_of(text), step, step),
                             less ? FAULT_TOO_MANY_PARTS : FAULT_OK);
            assert_int_equal(l.parts, 2 - less);
            listener_done(&l);
            listener_init(&l, "b", &(struct multipart_limits){2, sizeof(head) - 1 - less});
            assert_int_equal(listener_feed(&l, slice_of(text), step, step),
                             less ? FAULT_HEADERS_TOO_LARGE : FAULT_OK);
            listener_done(&l);
        }
    }
}

static void test_many(void **state)
{
    /* Proves: bombs of parts and of headers end in their fault, with the default limits. */
    struct buf text;

    (void)state;
    buf_init(&text, MIB);
    for (int i = 0; i < 1000; i++) {
        buf_text(&text, PART("name=a", ""));
    }
    struct listener l;
    listener_init(&l, "b", &limits);
    assert_int_equal(listener_feed(&l, buf_slice(&text), SIZE_MAX, 1), FAULT_TOO_MANY_PARTS);
    assert_int_equal(l.parts, LIMIT_PARTS);
    listener_done(&l);
    buf_reset(&text);
    buf_text(&text, "--b\r\n");
    for (int i = 0; i < 1000; i++) {
        buf_text(&text, "X: aaaaaaaaaaaaaaaa\r\n");
    }
    listener_init(&l, "b", &limits);
    assert_int_equal(listener_feed(&l, buf_slice(&text), SIZE_MAX, 1), FAULT_HEADERS_TOO_LARGE);
    listener_done(&l);
    buf_done(&text);
}

static void test_event_faults(void **state)
{
    /* Proves: the fault of an event comes out of the feed, and nothing more is told after it. */
    static const char text[] = PART("name=a", "1") PART("name=b", "2") "--b--";

    (void)state;
    for (size_t step = 1; step < 1000; step += 998) {
        struct listener l;
        listener_init(&l, "b", &limits);
        l.begin_fault = FAULT_BAD_VALUE;
        assert_int_equal(listener_feed(&l, slice_of(text), step, step), FAULT_BAD_VALUE);
        assert_string_equal(l.log.p, "[a]--<");
        listener_done(&l);
        listener_init(&l, "b", &limits);
        l.data_fault = FAULT_TOO_LARGE;
        assert_int_equal(listener_feed(&l, slice_of(text), step, step), FAULT_TOO_LARGE);
        assert_string_equal(l.log.p, "[a]--<1");
        listener_done(&l);
        listener_init(&l, "b", &limits);
        l.end_fault = FAULT_IO;
        assert_int_equal(listener_feed(&l, slice_of(text), step, step), FAULT_IO);
        assert_string_equal(l.log.p, "[a]--<1>\n");
        listener_done(&l);
    }
}

static void test_big_data(void **state)
{
    /* Proves: a megabyte full of near-boundaries comes out byte for byte. */
    struct buf text;

    (void)state;
    buf_init(&text, 2 * MIB);
    multipart_write_head(&text, "bound", true, "a", NULL, NULL);
    size_t head = text.n;
    for (unsigned i = 0; i < MIB / 8; i++) {
        buf_add(&text, "\r\n--bound", 1 + i * i % 8);
        buf_char(&text, (char)i);
    }
    size_t data = text.n - head;
    multipart_write_close(&text, "bound");
    struct listener l;
    listener_init(&l, "bound", &limits);
    assert_int_equal(listener_feed(&l, buf_slice(&text), 1000, 4099), FAULT_OK);
    assert_int_equal(l.log.n, strlen("[a]--<") + data + strlen(">\n"));
    assert_memory_equal(l.log.p + strlen("[a]--<"), text.p + head, data);
    listener_done(&l);
    buf_done(&text);
}

/* ---- writing ---- */

static void test_write(void **state)
{
    /* Proves: what is written is to the letter what browsers send, and no name or type can break out of its
     * line. */
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    multipart_write_head(&out, "b", true, "a", NULL, NULL);
    buf_text(&out, "1");
    multipart_write_head(&out, "b", false, "q\"\r\nz", "f\".png", "image/png\r\nEvil: 1");
    buf_text(&out, "2");
    multipart_write_close(&out, "b");
    assert_string_equal(
        out.p, "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n"
               "--b\r\nContent-Disposition: form-data; name=\"q%22%0D%0Az\"; filename=\"f%22.png\"\r\n"
               "Content-Type: image/png  Evil: 1\r\n\r\n2\r\n--b--\r\n");
    expect("b", buf_slice(&out), FAULT_OK, "[a]--<1>\n[q%22%0D%0Az][f%22.png][image/png  Evil: 1]<2>\n");
    buf_done(&out);
}

static void test_release(void **state)
{
    /* Proves: freeing nothing and freeing in the middle of a part are both fine. */
    struct multipart *none = NULL;
    struct listener l;

    (void)state;
    multipart_free(&none);
    listener_init(&l, "b", &limits);
    assert_int_equal(feed_copy(&l, slice_of("--b\r\nContent-Dis")), FAULT_OK);
    listener_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),     cmocka_unit_test(test_bad),   cmocka_unit_test(test_boundaries),
        cmocka_unit_test(test_limits),   cmocka_unit_test(test_many),  cmocka_unit_test(test_event_faults),
        cmocka_unit_test(test_big_data), cmocka_unit_test(test_write), cmocka_unit_test(test_release),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
