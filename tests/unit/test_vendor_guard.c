/* test_vendor_guard.c - nobody leads a guarded call inside: not by the spelling of a URL, not by what a name
 * resolves to now or later; and what a media answer may not be. Names are answered by this file. */
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>

#include "vendor_probe.h"

/* ---- names ---- */

#define LOOKUPS 4

/* What a name leads to, look-up by look-up; the last one stays. */
static const struct scripted {
    const char *host;
    const char *addresses[LOOKUPS]; /* with blanks */
} scripts[] = {
    {"inside.test", {"127.0.0.1"}},
    {"metadata.test", {"169.254.169.254"}},
    {"six.test", {"::1 fd00::1 fe80::1 ::ffff:127.0.0.1 64:ff9b::7f00:1"}},
    {"both.test", {"127.0.0.1 2001:db9::1"}},
    {"turned.test", {"2001:db9::1 127.0.0.1"}},
    {"rebind.test", {"2001:db9::1", "127.0.0.1"}},
    {"once.test", {"127.0.0.1"}},
};
#define SCRIPTS (sizeof(scripts) / sizeof(scripts[0]))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int lookups[SCRIPTS];

typedef int lookup_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static int really(const char *host, const char *service, const struct addrinfo *hints,
                  struct addrinfo **found)
{
    lookup_fn *next;
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");

    memcpy(&next, &symbol, sizeof(next));
    return next(host, service, hints, found);
}

/* One address after the other in one list, as the library would free it. */
static int answer(const char *addresses, const char *service, const struct addrinfo *hints,
                  struct addrinfo **found)
{
    char *copy = mem_text(addresses), *rest = NULL;
    struct addrinfo **end = found;

    *found = NULL;
    for (char *one = strtok_r(copy, " ", &rest); one; one = strtok_r(NULL, " ", &rest)) {
        if (really(one, service, hints, end) == 0) {
            while (*end) {
                end = &(*end)->ai_next;
            }
        }
    }
    free(copy);
    return *found ? 0 : EAI_NONAME;
}

/* Stands before the library's own, for libuv and libcurl alike. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    for (size_t i = 0; host && i < SCRIPTS; i++) {
        if (strcmp(scripts[i].host, host) == 0) {
            pthread_mutex_lock(&lock);
            int n = lookups[i]++;
            pthread_mutex_unlock(&lock);
            while (n > 0 && (n >= LOOKUPS || !scripts[i].addresses[n])) {
                n--;
            }
            return answer(scripts[i].addresses[n], service, hints, found);
        }
    }
    return really(host, service, hints, found);
}

static int looked_up(const char *host)
{
    for (size_t i = 0; i < SCRIPTS; i++) {
        if (strcmp(scripts[i].host, host) == 0) {
            return lookups[i];
        }
    }
    return -1;
}

/* ---- calls ---- */

/* Calls a URL whose port, if it names %d, is the vendor's; by a vendor object that allows nothing. */
static struct vendor_end call_strictly(const char *format, bool guarded, bool media)
{
    struct vendor *strict = vendor_new(world.loop, NULL, &(struct vendor_options){.ca_file = world.ca});
    struct vendor *usual = world.vendor;
    struct probe p;
    char text[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof(text), format, world.http);
#pragma GCC diagnostic pop
    world.vendor = strict;
    probe_init(&p);
    struct vendor_request r = request_to(text);
    r.guarded = guarded;
    r.media = media;
    run(&p, r);
    struct vendor_end end = p.end;
    probe_done(&p);
    world.vendor = usual;
    vendor_free(&strict);
    return end;
}

static void test_spellings(void **state)
{
    /* Every spelling of a place inside is refused before a byte is sent. */
    static const char *const urls[] = {
        "http://127.0.0.1:%d/hello",
        "http://127.0.0.1.:%d/hello",
        "http://127.1:%d/hello",
        "http://127.0.1:%d/hello",
        "http://0177.0.0.1:%d/hello",
        "http://0x7f.0.0.1:%d/hello",
        "http://0x7f.1:%d/hello",
        "http://0X7F000001:%d/hello",
        "http://2130706433:%d/hello",
        "http://017700000001:%d/hello",
        "http://0:%d/hello",
        "http://0.0.0.0:%d/hello",
        "http://localhost:%d/hello",
        "http://LOCALHOST.:%d/hello",
        "http://%%6c%%6fcalhost:%d/hello",
        "http://%%31%%32%%37.0.0.1:%d/hello",
        "http://127%%2e0.0.1:%d/hello",
        "http://[::1]:%d/hello",
        "http://[0:0:0:0:0:0:0:1]:%d/hello",
        "http://[::]:%d/hello",
        "http://[::ffff:127.0.0.1]:%d/hello",
        "http://[::ffff:7f00:1]:%d/hello",
        "http://[::127.0.0.1]:%d/hello",
        "http://[64:ff9b::127.0.0.1]:%d/hello",
        "http://[64:ff9b:1::1]:%d/hello",
        "http://[2002:7f00:1::]:%d/hello",
        "http://[2001:0:1:2:3:4:5:6]:%d/hello",
        "http://[::1%%25lo]:%d/hello",
        "http://[fe80::1%%251]:%d/hello",
        "http://[fe80::1%%25eth0]:%d/hello",
        "http://user:pass@127.0.0.1:%d/hello",
        "http://example.com@127.0.0.1:%d/hello",
        "http://127.0.0.1:%d@example.com/hello",
        "http://127.0.0.1:%d\\@example.com/hello",
        "http:\\\\127.0.0.1:%d\\hello",
        "http:///127.0.0.1:%d/hello",
        "http:127.0.0.1:%d/hello",
        "http://127.0.0.1:%d#@example.com/",
        "http://127.0.0.1:%d?@example.com/",
        "http://127\xe3\x80\x82"
        "0\xe3\x80\x82"
        "0\xe3\x80\x82"
        "1:%d/hello",
        "http://127\xef\xbc\x8e"
        "0\xef\xbc\x8e"
        "0\xef\xbc\x8e"
        "1:%d/hello",
        "http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1:%d/hello",
        "http://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1:%d/hello",
        "http://\xef\xbd\x8c\xef\xbd\x8f\xef\xbd\x83\xef\xbd\x81\xef\xbd\x8chost:%d/hello",
        "http://127.0.0.1\t:%d/hello",
        " http://127.0.0.1:%d/hello",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://0xa9fea9fe/",
        "http://2852039166/",
        "http://0251.0376.0251.0376/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[fd00:ec2::254]/",
        "http://168.63.129.16/",
        "http://100.100.100.200/",
        "http://100.64.0.1/",
        "http://192.0.0.192/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[ff02::1]/",
        "http://[fc00::1]/",
        "https://127.0.0.1:%d/hello",
        "gopher://127.0.0.1:%d/hello",
        "file://127.0.0.1/etc/passwd",
        "dict://127.0.0.1:%d/",
    };

    (void)state;
    int before = hits("hello");
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct vendor_end end = call_strictly(urls[i], true, i % 2);
        if (end.fault != FAULT_HOST_REFUSED || end.progress != VENDOR_NOT_SENT) {
            fail_msg("%s ended with %s, %d: %s", urls[i], fault_code(end.fault), end.progress, end.text);
        }
        assert_true(end.text[0]);
    }
    assert_int_equal(hits("hello"), before);
}

static void test_names_that_lead_inside(void **state)
{
    /* What a name resolves to is judged, all of its addresses; one look-up for each call is enough. */
    static const char *const names[] = {"inside.test", "metadata.test", "six.test"};
    char text[64];

    (void)state;
    int before = hits("hello");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(text, sizeof(text), "http://%s:%%d/hello", names[i]);
        struct vendor_end end = call_strictly(text, true, true);
        assert_int_equal(end.fault, FAULT_HOST_REFUSED);
        assert_int_equal(end.progress, VENDOR_NOT_SENT);
        assert_non_null(strstr(end.text, names[i]));
        assert_int_equal(looked_up(names[i]), 1);
    }
    assert_int_equal(hits("hello"), before);
}

static void test_names_of_both_kinds(void **state)
{
    /* Of a name with addresses inside and outside only those outside are tried, in whatever order they come.
     */
    (void)state;
    int before = hits("hello");
    assert_int_not_equal(call_strictly("http://both.test:%d/hello", true, true).fault, FAULT_OK);
    assert_int_not_equal(call_strictly("http://turned.test:%d/hello", true, false).fault, FAULT_OK);
    assert_int_equal(hits("hello"), before);
}

static void test_rebinding(void **state)
{
    /* A name that led outside leads inside at the next look-up: that one is judged, too, and between the
     * judgement and the connection nobody looks it up again. */
    (void)state;
    int before = hits("hello");
    assert_int_not_equal(call_strictly("http://rebind.test:%d/hello", true, true).fault, FAULT_OK);
    assert_int_equal(looked_up("rebind.test"), 1);
    vendor_free(&world.vendor);
    loop_free(&world.loop); /* and with it what it knows of names */
    assert_int_equal(setup(NULL), 0);
    assert_int_equal(call_strictly("http://rebind.test:%d/hello", true, true).fault, FAULT_HOST_REFUSED);
    assert_int_equal(looked_up("rebind.test"), 2);
    assert_int_equal(hits("hello"), before);
}

static void test_names_are_pinned(void **state)
{
    /* Several connections to one name, and one look-up: the transfer library never asks by itself. */
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(call_strictly("http://once.test:%d/bye", false, i % 2).fault, FAULT_OK);
    }
    assert_int_equal(looked_up("once.test"), 1);
}

/* ---- what a medium may not be ---- */

static void test_coded(void **state)
{
    /* A medium that comes compressed is none; an error page and an answer of an API may be. */
    static const char *const codings[] = {"gzip", "br", "zstd", "deflate", "x-gzip"};
    struct probe p;

    (void)state;
    for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++) {
        probe_init(&p);
        run(&p, request_media(url("/coded/200/%s", codings[i])));
        check_end(&p, FAULT_VENDOR_ANSWER, VENDOR_ANSWERED, 200);
        assert_int_equal(p.heads + p.datas, 0);
        probe_done(&p);
        probe_init(&p);
        run(&p, request_media(url("/coded/404/%s", codings[i])));
        check_end(&p, FAULT_OK, VENDOR_DONE, 404);
        probe_done(&p);
        probe_init(&p);
        run(&p, request_to(url("/coded/200/%s", codings[i])));
        check_end(&p, FAULT_OK, VENDOR_DONE, 200);
        assert_string_equal(p.body.p, "packed");
        probe_done(&p);
    }
    probe_init(&p);
    run(&p, request_media(url("/coded/200/identity")));
    check_end(&p, FAULT_OK, VENDOR_DONE, 200);
    probe_done(&p);
}

static void test_announced(void **state)
{
    /* An answer that announces more than may come is not begun, however long its first byte takes. */
    struct probe p;

    (void)state;
    probe_init(&p);
    struct vendor_request r = request_to(url("/announce/1001"));
    r.max_bytes = 1000;
    run(&p, r);
    check_end(&p, FAULT_TOO_LARGE, VENDOR_ANSWERED, 200);
    assert_int_equal(p.heads + p.datas, 0);
    probe_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_spellings), TEST(test_names_that_lead_inside), TEST(test_names_of_both_kinds),
        TEST(test_rebinding), TEST(test_names_are_pinned),       TEST(test_coded),
        TEST(test_announced),
    };

    return cmocka_run_group_tests(tests, start_server, stop_server);
}
