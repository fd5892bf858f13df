/* test_vendor_hops.c - what is sent where and how often: dead connections, redirects and secrets, guarded
 * addresses, trust. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "vendor_probe.h"

/* ---- nothing is sent twice ---- */

static void say_hello(void)
{
    struct probe p;

    probe_init(&p);
    run(&p, request_to(url("/hello")));
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    probe_done(&p);
}

static void check_dead_connection(const char *method, size_t body, enum vendor_progress progress, int count)
{
    struct probe p;
    int before = hits("drop");

    say_hello(); /* leaves a connection that is kept */
    probe_init(&p);
    struct vendor_request r = request_to(url("/drop"));
    r.method = method;
    r.body = body ? body_long(body) : NULL;
    run(&p, r);
    check_end(&p, FAULT_VENDOR_UNAVAILABLE, progress, 0);
    assert_int_equal(hits("drop") - before, count);
    probe_done(&p);
}

static void test_dead_connection(void **state)
{
    /* The vendor closes a kept connection right after it read a request: a submission is not sent again, a
     * GET is, once more. */
    (void)state;
    check_dead_connection("POST", 10, VENDOR_SENT, 1);
    check_dead_connection("POST", 0, VENDOR_SENT, 1);
    check_dead_connection("POST", 200000, VENDOR_SENT, 1);
    check_dead_connection("PUT", 10, VENDOR_SENT, 1);
    check_dead_connection("DELETE", 0, VENDOR_SENT, 1);
    check_dead_connection("GET", 0, VENDOR_SENT, 2);
}

static void test_closed_connection(void **state)
{
    /* A kept connection that the vendor closed while it was idle is not used: the submission goes out on
     * another one, once. */
    struct probe p;

    (void)state;
    int closed = hits("closed"), before = hits("echo");
    probe_init(&p);
    run(&p, request_to(url("/bye")));
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    probe_done(&p);
    while (hits("closed") == closed) {
        wait_ms(5);
    }
    probe_init(&p);
    struct vendor_request r = request_to(url("/echo"));
    r.method = "POST";
    r.body = body_of("{}");
    run(&p, r);
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    assert_int_equal(p.asked, 1);
    assert_int_equal(hits("echo") - before, 1);
    probe_done(&p);
}

static struct vendor_request request_h2(int port)
{
    static char text[64];

    snprintf(text, sizeof(text), "https://localhost:%d/", port);
    struct vendor_request r = request_to(text);
    r.method = "POST";
    r.body = body_of("{\"prompt\":\"x\"}");
    return r;
}

static void test_h2_refused_stream(void **state)
{
    /* A stream that an HTTP/2 vendor says it did not process is sent again by the library: that is no second
     * submission. */
    struct probe p;

    (void)state;
    probe_init(&p);
    run(&p, request_h2(world.refuse));
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    assert_int_equal(p.asked, 2);
    assert_string_equal(p.body.p, "two");
    assert_int_equal(hits("refuse"), 2);
    probe_done(&p);
}

static void test_h2_dead_connection(void **state)
{
    /* A kept HTTP/2 connection that dies with the request on it: sent, and not again. */
    struct probe p;

    (void)state;
    probe_init(&p);
    run(&p, request_h2(world.drop));
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    probe_done(&p);
    probe_init(&p);
    run(&p, request_h2(world.drop));
    check_end(&p, FAULT_VENDOR_UNAVAILABLE, VENDOR_SENT, 0);
    assert_int_equal(hits("drop-whole"), 2);
    probe_done(&p);
}

/* ---- redirects and secrets ---- */

static void test_redirect_same_origin(void **state)
{
    /* A media redirect to the same origin is followed with all secrets; its own head and body are not shown.
     */
    struct probe p;

    (void)state;
    probe_init(&p);
    run(&p, request_media(url("/redirect/302?/echo/there")));
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    assert_int_equal(p.heads, 1);
    assert_int_equal(p.asked, 1);
    assert_non_null(strstr(p.body.p, "\"target\": \"/echo/there\""));
    assert_non_null(strstr(p.body.p, "sk-geheim"));
    assert_non_null(strstr(p.body.p, "id-geheim"));
    assert_null(strstr(p.fields.p, "location"));
    probe_done(&p);
}

/* The operator lets redirects to this machine's name through, too. */
static void allow_localhost(void)
{
    static const char *const both[] = {"127.0.0.1", "localhost", NULL};

    vendor_free(&world.vendor);
    world.vendor = vendor_new(world.loop, NULL, &(struct vendor_options){.ca_file = world.ca, .allow = both});
}

static void test_redirect_is_guarded(void **state)
{
    /* A host that may be called wherever it is cannot lead to others that are not to be reached. */
    struct probe p;

    (void)state;
    int before = hits("hello");
    probe_init(&p);
    run(&p, request_media(url("/redirect/302?http://localhost:%d/hello", world.http)));
    check_end(&p, FAULT_HOST_REFUSED, VENDOR_SENT, 0);
    assert_int_equal(hits("hello") - before, 0);
    probe_done(&p);
}

static void test_redirect_other_origin(void **state)
{
    /* On another port, host name or scheme the secret stays behind, other fields go along. */
    static const struct vendor_field other = {"X-Other", "yes"};
    char targets[3][80];
    struct probe p;

    (void)state;
    allow_localhost();
    snprintf(targets[0], sizeof(targets[0]), "http://localhost:%d/echo", world.http);
    snprintf(targets[1], sizeof(targets[1]), "https://127.0.0.1:%d/echo", world.https);
    snprintf(targets[2], sizeof(targets[2]), "//localhost:%d/echo", world.http);
    for (size_t i = 0; i < 3; i++) {
        probe_init(&p);
        struct vendor_request r = request_media(url("/redirect/307?%s", targets[i]));
        r.fields = &other;
        r.field_count = 1;
        run(&p, r);
        check_end(&p, FAULT_OK, VENDOR_DONE, 200);
        assert_null(strstr(p.body.p, "geheim"));
        assert_null(strstr(p.body.p, "Authorization"));
        assert_non_null(strstr(p.body.p, "X-Other"));
        probe_done(&p);
    }
}

static void test_redirect_there_and_back(void **state)
{
    /* Back on the first origin after a detour the secret is sent again: it is that origin's. */
    struct probe p;
    char back[160];

    (void)state;
    allow_localhost();
    snprintf(back, sizeof(back), "http://localhost:%d/redirect/302?http://127.0.0.1:%d/echo", world.http,
             world.http);
    probe_init(&p);
    run(&p, request_media(url("/redirect/302?%s", back)));
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    assert_non_null(strstr(p.body.p, "sk-geheim"));
    probe_done(&p);
}

static void test_redirect_limits(void **state)
{
    /* Redirects end: too many, to something that is no web page, with user info, down to plain http. */
    struct probe p;

    (void)state;
    int before = hits("loop");
    probe_init(&p);
    run(&p, request_media(url("/loop")));
    check_end(&p, FAULT_VENDOR_ANSWER, VENDOR_SENT, 0);
    assert_int_equal(hits("loop") - before, 1 + LIMIT_REDIRECTS);
    probe_done(&p);

    static const char *const bad[] = {"file:///etc/passwd", "ftp://127.0.0.1/x", "http://u:p@127.0.0.1/",
                                      "javascript:alert(1)"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        probe_init(&p);
        run(&p, request_media(url("/redirect/302?%s", bad[i])));
        check_end(&p, FAULT_HOST_REFUSED, VENDOR_SENT, 0);
        assert_int_equal(p.heads, 0);
        probe_done(&p);
    }

    char text[160];
    snprintf(text, sizeof(text), "https://localhost:%d/redirect/302?http://localhost:%d/echo", world.https,
             world.http);
    probe_init(&p);
    struct vendor_request r = request_media(text);
    r.insecure_ok = false;
    run(&p, r);
    check_end(&p, FAULT_HOST_REFUSED, VENDOR_SENT, 0);
    probe_done(&p);
}

static void test_redirect_shown(void **state)
{
    /* A redirect is the answer itself for calls that are no media, for a body that may not be sent on, and
     * without a target. */
    struct probe p;

    (void)state;
    probe_init(&p);
    run(&p, request_to(url("/redirect/302?/echo")));
    check_end(&p, FAULT_OK, VENDOR_DONE, 302);
    assert_non_null(strstr(p.fields.p, "location=/echo\n"));
    assert_string_equal(p.body.p, "rrrr");
    probe_done(&p);

    probe_init(&p);
    struct vendor_request r = request_media(url("/redirect/302?/echo"));
    r.method = "POST";
    r.body = body_of("x");
    run(&p, r);
    check_end(&p, FAULT_OK, VENDOR_DONE, 302);
    probe_done(&p);

    probe_init(&p);
    run(&p, request_media(url("/status/304")));
    check_end(&p, FAULT_OK, VENDOR_DONE, 304);
    probe_done(&p);
}

static void test_redirect_with_body(void **state)
{
    /* 307 takes the body along, from memory and from pieces; a redirect's own long body is not read to its
     * end. */
    static const size_t sizes[] = {100, 200000};
    struct probe p;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char want[32];
        probe_init(&p);
        struct vendor_request r = request_media(url("/redirect/307?/echo"));
        r.method = "PUT";
        r.body = body_long(sizes[i]);
        run(&p, r);
        check_end(&p, FAULT_OK, VENDOR_DONE, 200);
        snprintf(want, sizeof(want), "\"bytes\": %zu", sizes[i]);
        assert_non_null(strstr(p.body.p, want));
        probe_done(&p);
    }
    probe_init(&p);
    run(&p, request_media(url("/redirect/302/5000000?/hello")));
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    assert_string_equal(p.body.p, "hello");
    probe_done(&p);
}

/* ---- the guard ---- */

static void test_guard(void **state)
{
    /* A guarded call reaches no private address: not by name, number or redirect; an allowed host it does
     * reach. */
    struct probe p;
    char text[160];
    int port = world.http;
    const char *const formats[] = {
        "http://localhost:%d/hello",  "http://[::1]:%d/hello",        "http://0:%d/hello",
        "http://2130706433:%d/hello", "http://0x7f.1:%d/hello",       "http://127.0.0.2:%d/hello",
        "http://[::ffff:7f00:1]:%d/", "http://[64:ff9b::7f00:1]:%d/", "http://localhost.:%d/hello"};

    (void)state;
    int before = hits("hello");
    for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
        bool same = i == 3 || i == 4; /* these are the allowed 127.0.0.1, spelled oddly */
        probe_init(&p);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof(text), formats[i], port);
#pragma GCC diagnostic pop
        struct vendor_request r = request_to(text);
        r.guarded = true;
        run(&p, r);
        if (same) {
            check_end(&p, FAULT_OK, VENDOR_DONE, 200);
        } else {
            check_end(&p, FAULT_HOST_REFUSED, VENDOR_NOT_SENT, 0);
            assert_int_equal(p.asked, 0);
        }
        probe_done(&p);
    }
    assert_int_equal(hits("hello") - before, 2);

    static const char *const targets[] = {"http://169.254.169.254/latest/meta-data", "http://localhost:1/",
                                          "http://10.0.0.1/"};
    for (size_t i = 0; i < 3; i++) {
        probe_init(&p);
        struct vendor_request r = request_media(url("/redirect/302?%s", targets[i]));
        r.guarded = true;
        run(&p, r);
        check_end(&p, FAULT_HOST_REFUSED, VENDOR_SENT, 0);
        probe_done(&p);
    }
}

static void test_guard_has_its_own_connections(void **state)
{
    /* A connection that was made without the guard is not used by a guarded call. */
    struct probe p;
    char text[64];

    (void)state;
    snprintf(text, sizeof(text), "http://localhost:%d/hello", world.http);
    probe_init(&p);
    run(&p, request_to(text));
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    probe_done(&p);
    probe_init(&p);
    struct vendor_request r = request_to(text);
    r.guarded = true;
    run(&p, r);
    check_end(&p, FAULT_HOST_REFUSED, VENDOR_NOT_SENT, 0);
    probe_done(&p);
}

/* ---- TLS ---- */

static void test_tls(void **state)
{
    /* A trusted certificate works; one that is not trusted is a local failure before anything is sent. */
    struct probe p;
    char text[64];
    struct vendor *other = vendor_new(world.loop, NULL, &(struct vendor_options){0});
    int left = 1;

    (void)state;
    snprintf(text, sizeof(text), "https://localhost:%d/echo", world.https);
    for (int i = 0; i < 2; i++) {
        probe_init(&p);
        struct vendor_request r = request_to(text);
        r.insecure_ok = false;
        r.secrets = secrets;
        r.secret_count = 1;
        r.media = i == 1;
        run(&p, r);
        check_end(&p, FAULT_OK, VENDOR_DONE, 200);
        assert_non_null(strstr(p.body.p, "sk-geheim"));
        probe_done(&p);
    }
    probe_init(&p);
    p.left = &left;
    struct vendor_request r = request_to(text);
    r.secrets = secrets;
    r.secret_count = 1;
    p.call = vendor_call_start(other, &r, &events, on_ask, &p);
    spin();
    check_end(&p, FAULT_VENDOR_UNAVAILABLE, VENDOR_NOT_SENT, 0);
    assert_true(p.end.local);
    assert_int_equal(p.asked, 0);
    assert_null(strstr(p.end.text, "geheim"));
    probe_done(&p);
    vendor_free(&other);
}

static void test_wrong_name(void **state)
{
    /* A certificate for another name is refused. */
    struct probe p;
    char text[64];

    (void)state;
    snprintf(text, sizeof(text), "https://127.0.0.2:%d/echo", world.https);
    probe_init(&p);
    run(&p, request_to(text));
    check_end(&p, FAULT_VENDOR_UNAVAILABLE, VENDOR_NOT_SENT, 0);
    probe_done(&p);
}

/* ---- proxies ---- */

static void run_with_proxy(struct probe *p, struct vendor_request r)
{
    char proxy[64];
    int left = 1;

    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", world.http);
    struct vendor *v = vendor_new(
        world.loop, NULL, &(struct vendor_options){.proxy = proxy, .ca_file = world.ca, .allow = allowed});
    p->left = &left;
    p->call = vendor_call_start(v, &r, &events, on_ask, p);
    spin();
    vendor_free(&v);
}

static void test_proxy(void **state)
{
    /* Through a proxy names are its business, and only the vendor behind its tunnel sees the secret. */
    struct probe p;

    (void)state;
    int before = hits("proxied");
    probe_init(&p);
    run_with_proxy(&p, request_to("http://vendor.invalid/echo"));
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    assert_int_equal(hits("proxied") - before, 1);
    assert_null(strstr(p.fields.p, "x-proxy"));
    probe_done(&p);

    probe_init(&p);
    struct vendor_request r = request_to("https://localhost/echo");
    r.secrets = secrets;
    r.secret_count = 1;
    run_with_proxy(&p, r);
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    assert_non_null(strstr(p.body.p, "sk-geheim"));
    assert_null(strstr(p.fields.p, "x-proxy"));
    assert_int_equal(p.heads, 1);
    assert_int_equal(hits("connect"), 1);
    probe_done(&p);
}

static void test_proxy_refuses(void **state)
{
    /* What was said to a proxy that refuses the tunnel is not the request: not sent. */
    struct probe p;

    (void)state;
    probe_init(&p);
    struct vendor_request r = request_to("https://refuse.invalid/echo");
    r.method = "POST";
    r.body = body_of("{}");
    run_with_proxy(&p, r);
    check_end(&p, FAULT_VENDOR_UNAVAILABLE, VENDOR_NOT_SENT, 0);
    assert_int_equal(p.asked, 0);
    assert_int_equal(p.heads, 0);
    probe_done(&p);
}

static void test_guard_without_proxy(void **state)
{
    /* A guarded call goes past the proxy, which would connect to what the guard forbids. */
    struct probe p;

    (void)state;
    int before = hits("proxied");
    for (int i = 0; i < 2; i++) {
        probe_init(&p);
        struct vendor_request r = request_to(i ? "http://10.0.0.1/" : url("/echo"));
        r.guarded = true;
        run_with_proxy(&p, r);
        check_end(&p, i ? FAULT_HOST_REFUSED : FAULT_OK, i ? VENDOR_NOT_SENT : VENDOR_DONE, i ? 0 : 200);
        probe_done(&p);
    }
    assert_int_equal(hits("proxied"), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_dead_connection),
        TEST(test_closed_connection),
        TEST(test_h2_refused_stream),
        TEST(test_h2_dead_connection),
        TEST(test_redirect_same_origin),
        TEST(test_redirect_is_guarded),
        TEST(test_redirect_other_origin),
        TEST(test_redirect_there_and_back),
        TEST(test_redirect_limits),
        TEST(test_redirect_shown),
        TEST(test_redirect_with_body),
        TEST(test_guard),
        TEST(test_guard_has_its_own_connections),
        TEST(test_tls),
        TEST(test_wrong_name),
        TEST(test_proxy),
        TEST(test_proxy_refuses),
        TEST(test_guard_without_proxy),
    };

    return cmocka_run_group_tests(tests, start_server, stop_server);
}
