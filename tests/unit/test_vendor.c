/* test_vendor.c - single exchanges with a vendor, well and misbehaved: outcome, how far each came, bounds;
 * URLs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <sys/resource.h>

#include "vendor_probe.h"
#include "wire/digest.h"

/* ---- plain exchanges ---- */

static void test_get(void **state)
{
    /* Status, fields in order with lower-case names, and body arrive; the exchange is done. */
    struct probe p;

    (void)state;
    probe_init(&p);
    struct vendor_field fields[] = {{"X-One", "1"}, {"X-Empty", ""}, {"X-One", "again"}};
    struct vendor_request r = request_to(url("/echo/a%%20b?q=1&r=%%2f"));
    r.fields = fields;
    r.field_count = 3;
    run(&p, r);
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    assert_int_equal(p.heads, 1);
    assert_int_equal(p.asked, 1);
    assert_string_equal(p.end.text, "");
    assert_non_null(strstr(p.fields.p, "content-type=application/json\nx-two=a\nx-two=b\n"));
    assert_non_null(strstr(p.body.p, "\"method\": \"GET\""));
    assert_non_null(strstr(p.body.p, "\"target\": \"/echo/a%20b?q=1&r=%2f\""));
    assert_non_null(strstr(p.body.p, "[\"X-One\", \"1\"], [\"X-Empty\", \"\"], [\"X-One\", \"again\"]"));
    assert_null(strstr(p.body.p, "Content-Type"));
    assert_null(strstr(p.body.p, "Accept-Encoding"));
    probe_done(&p);
}

static void check_sent_body(const char *method, size_t n, bool media, bool tls)
{
    char secure[64];
    struct probe p;
    char want[DIGEST_HEX_CHARS + 1];
    unsigned char bytes[DIGEST_BYTES];
    char *text = mem_new(n + 1);

    memset(text, 'b', n);
    digest_of((struct slice){text, n}, bytes);
    digest_hex(bytes, want);
    probe_init(&p);
    snprintf(secure, sizeof(secure), "https://localhost:%d/echo", world.https);
    struct vendor_request r = request_to(tls ? secure : url("/echo"));
    r.method = method;
    r.body = body_long(n);
    r.media = media;
    run(&p, r);
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    json_t *got = json_loads(p.body.p, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(got, "method")), method);
    assert_int_equal(json_integer_value(json_object_get(got, "bytes")), n);
    assert_string_equal(json_string_value(json_object_get(got, "sha256")), want);
    assert_null(strstr(p.body.p, "Expect"));
    assert_null(strstr(p.body.p, "x-www-form-urlencoded"));
    json_decref(got);
    probe_done(&p);
    free(text);
}

static void test_bodies(void **state)
{
    /* Bodies of all sizes arrive whole, sent from memory or read piece by piece, with any method. */
    static const size_t sizes[] = {0, 1, 1000, 65535, 65536, 65537, 3000000};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        check_sent_body("POST", sizes[i], false, false);
        check_sent_body("POST", sizes[i], false, true);
    }
    check_sent_body("PUT", 100, false, false);
    check_sent_body("PUT", 500000, true, false);
    check_sent_body("PATCH", 100, false, false);
    check_sent_body("DELETE", 100, false, false);
}

static void test_no_body(void **state)
{
    /* A POST without a body says so; HEAD and 204 have none to wait for. */
    struct probe p;

    (void)state;
    probe_init(&p);
    struct vendor_request r = request_to(url("/echo"));
    r.method = "POST";
    run(&p, r);
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    assert_non_null(strstr(p.body.p, "[\"Content-Length\", \"0\"]"));
    probe_done(&p);

    probe_init(&p);
    r = request_to(url("/echo"));
    r.method = "HEAD";
    run(&p, r);
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    assert_int_equal(p.bytes, 0);
    probe_done(&p);

    probe_init(&p);
    run(&p, request_to(url("/nobody")));
    check_end(&p, FAULT_OK, VENDOR_DONE, 204);
    assert_int_equal(p.heads, 1);
    probe_done(&p);
}

static void test_error_status(void **state)
{
    /* An error status is a whole answer, not a fault. */
    struct probe p;

    (void)state;
    probe_init(&p);
    run(&p, request_to(url("/status/429")));
    check_end(&p, FAULT_OK, VENDOR_DONE, 429);
    assert_string_equal(p.body.p, "no such luck");
    assert_non_null(strstr(p.fields.p, "retry-after=7\n"));
    probe_done(&p);
}

static void test_odd_heads(void **state)
{
    /* Interim answers are passed over, folded and nameless lines left out, trailers ignored. */
    struct probe p;

    (void)state;
    probe_init(&p);
    run(&p, request_to(url("/interim")));
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    assert_int_equal(p.heads, 1);
    assert_null(strstr(p.fields.p, "x-a"));
    assert_null(strstr(p.fields.p, "link"));
    assert_non_null(strstr(p.fields.p, "x-b=2\n"));
    probe_done(&p);

    probe_init(&p);
    run(&p, request_to(url("/fold")));
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    assert_non_null(strstr(p.fields.p, "x-empty=\nx-b=b\n"));
    assert_null(strstr(p.fields.p, "noname"));
    probe_done(&p);

    probe_init(&p);
    run(&p, request_to(url("/chunked")));
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    assert_int_equal(p.heads, 1);
    assert_string_equal(p.body.p, "hello world");
    probe_done(&p);
}

static void test_large_heads(void **state)
{
    /* A head up to the bound is taken, a larger one or endless interim answers end the call. */
    struct probe p;

    (void)state;
    probe_init(&p);
    run(&p, request_to(url("/head/60")));
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    probe_done(&p);

    probe_init(&p);
    run(&p, request_to(url("/head/70")));
    check_end(&p, FAULT_VENDOR_ANSWER, VENDOR_SENT, 0);
    assert_int_equal(p.heads, 0);
    probe_done(&p);

    probe_init(&p);
    run(&p, request_to(url("/interims")));
    check_end(&p, FAULT_VENDOR_ANSWER, VENDOR_SENT, 0);
    probe_done(&p);
}

/* ---- what goes wrong, and how far it came ---- */

static void test_refused(void **state)
{
    /* Nobody listens: surely not sent, and not this machine's fault. */
    struct probe p;
    char text[64];

    (void)state;
    probe_init(&p);
    snprintf(text, sizeof(text), "http://127.0.0.1:%d/x?key=geheim", world.nobody);
    struct vendor_request r = request_to(text);
    r.method = "POST";
    r.body = body_of("{}");
    run(&p, r);
    check_end(&p, FAULT_VENDOR_UNAVAILABLE, VENDOR_NOT_SENT, 0);
    assert_false(p.end.local);
    assert_int_equal(p.asked, 0);
    assert_int_not_equal(p.end.text[0], 0);
    assert_null(strstr(p.end.text, "geheim"));
    probe_done(&p);
}

static void test_no_descriptor(void **state)
{
    /* No file descriptor left: not sent, and this machine's own trouble. */
    struct probe p;
    struct rlimit old, low;

    (void)state;
    probe_init(&p);
    vendor_free(&world.vendor); /* and with it any connection */
    world.vendor = vendor_new(world.loop, NULL, &(struct vendor_options){0});
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    wait_ms(1);
    int next = dup(0);
    close(next);
    low = (struct rlimit){(rlim_t)next, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    run(&p, request_to(url("/hello")));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    check_end(&p, FAULT_VENDOR_UNAVAILABLE, VENDOR_NOT_SENT, 0);
    assert_true(p.end.local);
    probe_done(&p);
}

static void test_no_name(void **state)
{
    /* A name that does not exist: not sent, local. */
    struct probe p;

    (void)state;
    probe_init(&p);
    run(&p, request_to("http://no-such-host.invalid/"));
    check_end(&p, FAULT_VENDOR_UNAVAILABLE, VENDOR_NOT_SENT, 0);
    assert_true(p.end.local);
    assert_non_null(strstr(p.end.text, "no-such-host.invalid"));
    probe_done(&p);
}

static void test_broken_answers(void **state)
{
    /* Answers that are cut, reset or no HTTP end as failed, each as far as it came. */
    static const struct {
        const char *path;
        enum fault fault;
        enum vendor_progress progress;
        int status;
    } cases[] = {
        {"/reset", FAULT_VENDOR_UNAVAILABLE, VENDOR_ANSWERED, 200},
        {"/short", FAULT_VENDOR_UNAVAILABLE, VENDOR_ANSWERED, 200},
        {"/drop", FAULT_VENDOR_UNAVAILABLE, VENDOR_SENT, 0},
        {"/garbage", FAULT_VENDOR_ANSWER, VENDOR_SENT, 0},
        {"/badchunk", FAULT_VENDOR_UNAVAILABLE, VENDOR_ANSWERED, 200},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct probe p;
        probe_init(&p);
        struct vendor_request r = request_to(url("%s", cases[i].path));
        r.method = "POST";
        r.body = body_of("{}");
        run(&p, r);
        check_end(&p, cases[i].fault, cases[i].progress, cases[i].status);
        assert_false(p.end.local);
        assert_int_not_equal(p.end.text[0], 0);
        probe_done(&p);
    }
}

static void test_reset_after_answer(void **state)
{
    /* An answer that came whole before the connection was reset is whole. */
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct probe p;
        probe_init(&p);
        run(&p, request_to(url("/cut")));
        check_end(&p, FAULT_OK, VENDOR_DONE, 200);
        assert_string_equal(p.body.p, "whole");
        probe_done(&p);
    }
}

static void test_timeouts(void **state)
{
    /* The deadline and the stall limit end calls that hang, before and within the answer; a slow drip is no
     * stall. */
    struct probe p;

    (void)state;
    probe_init(&p);
    struct vendor_request r = request_to(url("/mute"));
    r.timeout_ms = 300;
    run(&p, r);
    check_end(&p, FAULT_VENDOR_UNAVAILABLE, VENDOR_SENT, 0);
    assert_true(p.end.total_ms >= 300);
    probe_done(&p);

    probe_init(&p);
    r = request_to(url("/stall"));
    r.timeout_ms = 0;
    r.stall_ms = 300;
    run(&p, r);
    check_end(&p, FAULT_VENDOR_UNAVAILABLE, VENDOR_ANSWERED, 200);
    assert_string_equal(p.body.p, "hello");
    probe_done(&p);

    probe_init(&p);
    r = request_to(url("/drip/30"));
    r.timeout_ms = 0;
    r.stall_ms = 1000;
    run(&p, r);
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    assert_true(p.end.total_ms >= 1000);
    probe_done(&p);
}

static void test_max_bytes(void **state)
{
    /* A body of exactly max_bytes is taken, one more is too large, announced or not. */
    struct probe p;

    (void)state;
    probe_init(&p);
    struct vendor_request r = request_to(url("/big/100000"));
    r.max_bytes = 100000;
    run(&p, r);
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    assert_int_equal(p.bytes, 100000);
    probe_done(&p);

    probe_init(&p);
    r = request_to(url("/big/100001"));
    r.max_bytes = 100000;
    run(&p, r);
    check_end(&p, FAULT_TOO_LARGE, VENDOR_ANSWERED, 200);
    assert_int_equal(p.bytes, 0);
    probe_done(&p);

    probe_init(&p);
    r = request_to(url("/endless"));
    r.max_bytes = 300000;
    run(&p, r);
    check_end(&p, FAULT_TOO_LARGE, VENDOR_ANSWERED, 200);
    assert_true(p.bytes <= 300000);
    probe_done(&p);
}

static void test_sink_faults(void **state)
{
    /* A fault that a sink gives ends the call with that fault. */
    struct probe p;

    (void)state;
    probe_init(&p);
    p.head_fault = FAULT_UNSUPPORTED;
    run(&p, request_to(url("/hello")));
    check_end(&p, FAULT_UNSUPPORTED, VENDOR_ANSWERED, 200);
    assert_int_equal(p.datas, 0);
    probe_done(&p);

    probe_init(&p);
    p.data_fault = FAULT_OVERLOADED;
    run(&p, request_to(url("/big/1000000")));
    check_end(&p, FAULT_OVERLOADED, VENDOR_ANSWERED, 200);
    assert_int_equal(p.datas, 1);
    probe_done(&p);
}

static void test_too_late(void **state)
{
    /* before_send says no: not one byte reaches the vendor. */
    struct probe p;

    (void)state;
    int before = hits("echo");
    probe_init(&p);
    p.deny = true;
    struct vendor_request r = request_to(url("/echo"));
    r.method = "POST";
    r.body = body_of("{}");
    run(&p, r);
    check_end(&p, FAULT_EXPIRED, VENDOR_NOT_SENT, 0);
    assert_int_equal(p.asked, 1);
    assert_int_equal(hits("echo"), before);
    probe_done(&p);
}

static void test_bad_requests(void **state)
{
    /* What cannot be sent as it stands is refused before anything is sent. */
    static const char *const urls[] = {"ftp://127.0.0.1/",
                                       "file:///etc/passwd",
                                       "http://",
                                       "",
                                       "http://u:p@127.0.0.1/",
                                       "http://u@127.0.0.1/",
                                       "not a url",
                                       "http://a b/",
                                       "http://\xc3\xbc.example/",
                                       "gopher://127.0.0.1/",
                                       "http://127.0.0.1:99999/",
                                       "http://*/"};
    static const struct vendor_field bad[] = {{"X-A", "a\r\nX-B: b"},
                                              {"X-A\r\n", "a"},
                                              {"X A", "a"},
                                              {"", "a"},
                                              {"X-A", "a\x01"},
                                              {"X:A", "a"},
                                              {"Content-Length", "1"},
                                              {"Transfer-Encoding", "chunked"}};
    struct probe p;

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
        probe_init(&p);
        run(&p, request_to(urls[i]));
        check_end(&p, FAULT_HOST_REFUSED, VENDOR_NOT_SENT, 0);
        probe_done(&p);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        probe_init(&p);
        struct vendor_request r = request_to(url("/hello"));
        r.fields = i % 2 ? NULL : &bad[i];
        r.field_count = i % 2 ? 0 : 1;
        r.secrets = i % 2 ? &bad[i] : NULL;
        r.secret_count = i % 2 ? 1 : 0;
        run(&p, r);
        check_end(&p, FAULT_CONFIG, VENDOR_NOT_SENT, 0);
        assert_int_equal(p.asked, 0);
        probe_done(&p);
    }
    probe_init(&p);
    struct vendor_request r = request_to(url("/hello"));
    r.method = "GET / HTTP/1.1\r\nX: ";
    run(&p, r);
    check_end(&p, FAULT_CONFIG, VENDOR_NOT_SENT, 0);
    probe_done(&p);

    probe_init(&p);
    r = request_to(url("/hello"));
    r.insecure_ok = false;
    run(&p, r);
    check_end(&p, FAULT_HOST_REFUSED, VENDOR_NOT_SENT, 0);
    probe_done(&p);
}

static void test_body_that_cannot_be_read(void **state)
{
    /* A body that fails half-way ends the call as sent. */
    struct probe p;
    struct spool *spool = NULL;
    char dir[] = "/tmp/test-vendor-XXXXXX";

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(spool_new(dir, 10000000, &spool, NULL), FAULT_OK);
    int before = open("/dev/null", O_RDONLY); /* the number that the file gets */
    close(before);
    struct spool_file *f = spool_file_new(spool, 10000000);
    char *bytes = mem_new(1000000);
    assert_int_equal(spool_file_add(f, (struct slice){bytes, 1000000}), FAULT_OK);
    assert_int_equal(ftruncate(before, 500000), 0);
    probe_init(&p);
    struct vendor_request r = request_to(url("/echo"));
    r.method = "POST";
    r.body = body_new();
    body_add_file(r.body, f);
    run(&p, r);
    check_end(&p, FAULT_IO, VENDOR_SENT, 0);
    probe_done(&p);
    free(bytes);
    spool_file_drop(&f);
    spool_free(&spool);
    rmdir(dir);
}

/* ---- URLs ---- */

static void test_origins(void **state)
{
    /* The origin is scheme, host and port as browsers compare them; what is no plain web URL has none. */
    static const char *const good[][2] = {{"https://API.Example.com/v1?x#y", "https://api.example.com"},
                                          {"https://api.example.com:443/", "https://api.example.com"},
                                          {"http://api.example.com:80", "http://api.example.com"},
                                          {"http://api.example.com:443/", "http://api.example.com:443"},
                                          {"HTTPS://a:8443/", "https://a:8443"},
                                          {"http://[::1]:81/", "http://[::1]:81"},
                                          {"http://0x7f.1/", "http://127.0.0.1"}};
    static const char *const bad[] = {
        "https://u@a/", "https://u:p@a/", "ftp://a/",          "a.example",    "", "https://", "//a/",
        "https://a b/", "https://a\r\n/", "data:text/plain,x", "https://\xff/"};
    char out[64];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        assert_true(vendor_url_origin(good[i][0], out, sizeof(out)));
        assert_string_equal(out, good[i][1]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (vendor_url_origin(bad[i], out, sizeof(out))) {
            fail_msg("%s has origin %s", bad[i], out);
        }
    }
    assert_false(vendor_url_origin("https://api.example.com/", out, 10));
    assert_true(vendor_url_origin("https://a.example", out, 18));
    assert_false(vendor_url_origin("https://a.example", out, 17));
}

static void test_encode(void **state)
{
    /* All but unreserved chars are percent-encoded; slashes as asked. */
    (void)state;
    char *text = vendor_url_encode("a/b c?d=é~-._&%", false);
    assert_string_equal(text, "a%2Fb%20c%3Fd%3D%C3%A9~-._%26%25");
    free(text);
    text = vendor_url_encode("fal-ai/flux/dev", true);
    assert_string_equal(text, "fal-ai/flux/dev");
    free(text);
    text = vendor_url_encode("", true);
    assert_string_equal(text, "");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_get),
        TEST(test_bodies),
        TEST(test_no_body),
        TEST(test_error_status),
        TEST(test_odd_heads),
        TEST(test_large_heads),
        TEST(test_refused),
        TEST(test_no_descriptor),
        TEST(test_no_name),
        TEST(test_broken_answers),
        TEST(test_reset_after_answer),
        TEST(test_timeouts),
        TEST(test_max_bytes),
        TEST(test_sink_faults),
        TEST(test_too_late),
        TEST(test_bad_requests),
        TEST(test_body_that_cannot_be_read),
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_encode),
    };

    return cmocka_run_group_tests(tests, start_server, stop_server);
}
