/* test_http_write.c - answer heads and chunks, to the letter. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/http.h"

static void check_written(struct buf *out, const char *text)
{
    assert_true(buf_ok(out));
    assert_string_equal(out->p, text);
    buf_reset(out);
}

static void test_write(void **state)
{
    /* Proves: heads and chunks are written to the letter, and no value can end its line. */
    struct http_field fields[] = {{slice_of("X-A"), slice_of("1")}, {slice_of("B"), slice_of("\r\na\nb\r")}};
    struct http_field nul = {slice_of("N"), {"a\0b", 3}};
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    http_write_head(&out, 200, fields, 2, 5, true);
    check_written(&out, "HTTP/1.1 200 OK\r\nX-A: 1\r\nB:   a b \r\nContent-Length: 5\r\n\r\n");
    http_write_head(&out, 202, NULL, 0, -1, true);
    check_written(&out, "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n");
    http_write_head(&out, 304, NULL, 0, -2, false);
    check_written(&out, "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
    http_write_head(&out, 204, &nul, 1, -2, true);
    check_written(&out, "HTTP/1.1 204 No Content\r\nN: a b\r\n\r\n");
    http_write_head(&out, 201, NULL, 0, 0, true);
    check_written(&out, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    http_write_head(&out, 200, NULL, 0, INT64_MAX, true);
    check_written(&out, "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n");
    http_write_chunk(&out, slice_of("0123456789abcdefg"));
    check_written(&out, "11\r\n0123456789abcdefg\r\n");
    http_write_chunk(&out, (struct slice){NULL, 0});
    check_written(&out, "0\r\n\r\n");
    buf_done(&out);
}

static void test_status_text(void **state)
{
    /* Proves: every status that a fault can have has a reason phrase of its own, and any other has one too.
     */
    (void)state;
    for (int i = 0; i < FAULT_COUNT; i++) {
        assert_string_not_equal(http_status_text(fault_http((enum fault)i)), "Unknown");
    }
    assert_string_equal(http_status_text(299), "Unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_status_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
