/* test_guard.c - every range that is not public is refused, in every way an address can be carried; what is
 * public passes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "edge/guard.h"

/* Judges text as inet_pton reads it. */
static bool forbids(const char *text)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in *four = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address;

    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &six->sin6_addr), 1);
        six->sin6_family = AF_INET6;
    }
    return guard_forbids((struct sockaddr *)&address);
}

static void expect(const char *const *texts, bool forbidden)
{
    for (; *texts; texts++) {
        if (forbids(*texts) != forbidden) {
            fail_msg("%s is %s", *texts, forbidden ? "not forbidden" : "forbidden");
        }
    }
}

static void test_private_v4(void **state)
{
    /* First and last addresses of each IPv4 range that is not public are refused. */
    static const char *const texts[] = {"0.0.0.0",
                                        "0.255.255.255",
                                        "10.0.0.0",
                                        "10.255.255.255",
                                        "100.64.0.0",
                                        "100.127.255.255",
                                        "100.100.100.200",
                                        "127.0.0.1",
                                        "127.0.0.0",
                                        "127.255.255.255",
                                        "168.63.129.16",
                                        "169.254.0.0",
                                        "169.254.169.254",
                                        "169.254.170.2",
                                        "169.254.255.255",
                                        "172.16.0.0",
                                        "172.31.255.255",
                                        "192.0.0.0",
                                        "192.0.0.192",
                                        "192.0.0.255",
                                        "192.0.2.0",
                                        "192.0.2.255",
                                        "192.88.99.0",
                                        "192.88.99.255",
                                        "192.168.0.0",
                                        "192.168.255.255",
                                        "198.18.0.0",
                                        "198.19.255.255",
                                        "198.51.100.0",
                                        "198.51.100.255",
                                        "203.0.113.0",
                                        "203.0.113.255",
                                        "224.0.0.0",
                                        "239.255.255.255",
                                        "240.0.0.0",
                                        "255.255.255.255",
                                        NULL};

    (void)state;
    expect(texts, true);
}

static void test_public_v4(void **state)
{
    /* The neighbours of those ranges are public and pass. */
    static const char *const texts[] = {"1.0.0.0",
                                        "9.255.255.255",
                                        "11.0.0.0",
                                        "100.63.255.255",
                                        "100.128.0.0",
                                        "126.255.255.255",
                                        "128.0.0.0",
                                        "168.63.129.15",
                                        "168.63.129.17",
                                        "169.253.255.255",
                                        "169.255.0.0",
                                        "172.15.255.255",
                                        "172.32.0.0",
                                        "191.255.255.255",
                                        "192.0.1.0",
                                        "192.0.3.0",
                                        "192.88.98.255",
                                        "192.88.100.0",
                                        "192.167.255.255",
                                        "192.169.0.0",
                                        "198.17.255.255",
                                        "198.20.0.0",
                                        "198.51.99.255",
                                        "198.51.101.0",
                                        "203.0.112.255",
                                        "203.0.114.0",
                                        "223.255.255.255",
                                        "8.8.8.8",
                                        NULL};

    (void)state;
    expect(texts, false);
}

static void test_private_v6(void **state)
{
    /* Everything outside global unicast is refused, and its special ranges too. */
    static const char *const texts[] = {"::",
                                        "::1",
                                        "::2",
                                        "::7f00:1",
                                        "::127.0.0.1",
                                        "::8.8.8.8",
                                        "100::",
                                        "100::1",
                                        "64:ff9b:1::1",
                                        "fc00::",
                                        "fd00:ec2::254",
                                        "fd20:ce::254",
                                        "fdff::1",
                                        "fe80::1",
                                        "febf::1",
                                        "fec0::1",
                                        "feff::1",
                                        "ff00::",
                                        "ff02::1",
                                        "ff0e::1",
                                        "2001::",
                                        "2001::1",
                                        "2001:1::1",
                                        "2001:2::1",
                                        "2001:10::1",
                                        "2001:20::1",
                                        "2001:1ff:ffff::",
                                        "2001:db8::",
                                        "2001:db8:ffff::1",
                                        "2002::",
                                        "2002:7f00:1::",
                                        "2002:808:808::1",
                                        "2002:ffff::1",
                                        "3fff::",
                                        "3fff:fff::1",
                                        "4000::1",
                                        "5f00::1",
                                        "1fff:ffff::1",
                                        "8000::1",
                                        NULL};

    (void)state;
    expect(texts, true);
}

static void test_public_v6(void **state)
{
    /* Global unicast passes, up to the edges of what is cut out of it. */
    static const char *const texts[] = {"2000::1",
                                        "2001:200::1",
                                        "2001:db7:ffff::1",
                                        "2001:db9::1",
                                        "2001:4860:4860::8888",
                                        "2003::1",
                                        "2606:4700::1111",
                                        "3ffe::1",
                                        "3fff:1000::1",
                                        "3ffe:ffff::1",
                                        "2a00:1450::1",
                                        NULL};

    (void)state;
    expect(texts, false);
}

static void test_carried_v4(void **state)
{
    /* Mapped and NAT64 addresses are judged by the IPv4 address inside, in either spelling. */
    static const char *const bad[] = {"::ffff:127.0.0.1",
                                      "::ffff:7f00:1",
                                      "::ffff:10.0.0.1",
                                      "::ffff:169.254.169.254",
                                      "::ffff:a9fe:a9fe",
                                      "::ffff:0.0.0.0",
                                      "::ffff:192.168.1.1",
                                      "::ffff:168.63.129.16",
                                      "64:ff9b::127.0.0.1",
                                      "64:ff9b::7f00:1",
                                      "64:ff9b::10.1.2.3",
                                      "64:ff9b::a9fe:a9fe",
                                      "64:ff9b::172.16.0.1",
                                      "64:ff9b::1:7f00:1",
                                      "64:ff9b:0:1::7f00:1",
                                      "0:0:0:0:0:ffff:7f00:0001",
                                      "::ffff:0:127.0.0.1",
                                      "::fffe:8.8.8.8",
                                      NULL};
    static const char *const good[] = {"::ffff:8.8.8.8", "::ffff:808:808", "64:ff9b::8.8.8.8",
                                       "64:ff9b::101:101", NULL};

    (void)state;
    expect(bad, true);
    expect(good, false);
}

static void test_spellings(void **state)
{
    /* Whatever getaddrinfo makes of odd spellings of loopback and metadata ends refused. */
    static const char *const texts[] = {
        "2130706433", "0x7f000001",   "0x7f.1",     "0177.0.0.1", "017700000001",        "127.1",
        "0",          "0x0",          "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "169.16689662",
        "[::1]",      "::ffff:127.1", "localhost",  NULL};

    (void)state;
    for (const char *const *at = texts; *at; at++) {
        struct addrinfo *found = NULL;
        if (getaddrinfo(*at, "80", &(struct addrinfo){.ai_socktype = SOCK_STREAM}, &found) != 0) {
            continue; /* not an address for this resolver: nothing to connect to */
        }
        for (struct addrinfo *a = found; a; a = a->ai_next) {
            if (!guard_forbids(a->ai_addr)) {
                fail_msg("%s passes", *at);
            }
        }
        freeaddrinfo(found);
    }
}

static void test_all_v4_once(void **state)
{
    /* Of all IPv4 addresses exactly the listed ranges are refused, counted by their sizes. */
    static const int bits[] = {8, 8, 10, 8, 32, 16, 12, 24, 24, 24, 16, 15, 24, 24, 4, 4};
    uint64_t want = 0, got = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++) {
        want += 1ull << (32 - bits[i]);
    }
    /* Ranges are /24 or wider but for one address: one look into each /24 and one at that address. */
    for (uint32_t net = 0; net < 1u << 24; net++) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(net << 8 | 7)};
        got += guard_forbids((struct sockaddr *)&in) ? 256 : 0;
    }
    assert_int_equal(got + 1, want);
}

static void test_other_families(void **state)
{
    /* What is neither IPv4 nor IPv6 is refused. */
    struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/run/secret.sock"};
    struct sockaddr none = {.sa_family = AF_UNSPEC};

    (void)state;
    assert_true(guard_forbids((struct sockaddr *)&local));
    assert_true(guard_forbids(&none));
}

static void test_allow_list(void **state)
{
    /* The list names hosts, or hosts with a port, exactly. */
    static const char *const list[] = {"media.internal", "Files.local:8080", "[::1]:9000", "10.0.0.7", NULL};

    (void)state;
    assert_true(guard_allows(list, "media.internal", 80));
    assert_true(guard_allows(list, "MEDIA.internal", 443));
    assert_true(guard_allows(list, "files.local", 8080));
    assert_false(guard_allows(list, "files.local", 80));
    assert_false(guard_allows(list, "files.local", 808));
    assert_true(guard_allows(list, "[::1]", 9000));
    assert_false(guard_allows(list, "[::1]", 80));
    assert_true(guard_allows(list, "10.0.0.7", 1));
    assert_false(guard_allows(list, "10.0.0.70", 1));
    assert_false(guard_allows(list, "x.media.internal", 80));
    assert_false(guard_allows(list, "media.interna", 80));
    assert_false(guard_allows(list, "media.internal.evil.example", 80));
    assert_false(guard_allows(list, "", 80));
    assert_false(guard_allows(NULL, "media.internal", 80));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_private_v4),  cmocka_unit_test(test_public_v4),
        cmocka_unit_test(test_private_v6),  cmocka_unit_test(test_public_v6),
        cmocka_unit_test(test_carried_v4),  cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_all_v4_once), cmocka_unit_test(test_other_families),
        cmocka_unit_test(test_allow_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
