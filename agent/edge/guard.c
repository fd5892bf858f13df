/* guard.c - which addresses a URL that came from outside must not reach. */
#include "edge/guard.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

struct range4 {
    uint32_t first;
    int bits;
};

static const struct range4 forbidden4[] = {
    {0x00000000, 8},  /* 0.0.0.0/8: this network, "0" reaches loopback on Linux */
    {0x0a000000, 8},  /* 10/8: private */
    {0x64400000, 10}, /* 100.64/10: carrier-grade NAT; clouds put services there (100.100.100.200) */
    {0x7f000000, 8},  /* 127/8: loopback */
    {0xa83f8110, 32}, /* 168.63.129.16: Azure's wire server, on a public address */
    {0xa9fe0000, 16}, /* 169.254/16: link-local; metadata services */
    {0xac100000, 12}, /* 172.16/12: private */
    {0xc0000000, 24}, /* 192.0.0/24: protocol assignments; Oracle's metadata service */
    {0xc0000200, 24}, /* 192.0.2/24: documentation */
    {0xc0586300, 24}, /* 192.88.99/24: 6to4 relays, out of use */
    {0xc0a80000, 16}, /* 192.168/16: private */
    {0xc6120000, 15}, /* 198.18/15: benchmarks */
    {0xc6336400, 24}, /* 198.51.100/24: documentation */
    {0xcb007100, 24}, /* 203.0.113/24: documentation */
    {0xe0000000, 4},  /* 224/4: multicast */
    {0xf0000000, 4},  /* 240/4: reserved, and broadcast */
};

struct range6 {
    uint8_t first[16];
    int bits;
};

/* What is forbidden inside 2000::/3, outside of which nothing is public. */
static const struct range6 forbidden6[] = {
    {{0x20, 0x01}, 23},             /* 2001::/23: protocol assignments, Teredo, benchmarks, ORCHID */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* 2001:db8::/32: documentation */
    {{0x20, 0x02}, 16},             /* 2002::/16: 6to4, out of use, carries any IPv4 address */
    {{0x3f, 0xff, 0x00}, 20},       /* 3fff::/20: documentation */
};

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};

static bool guard_forbids4(uint32_t address)
{
    for (size_t i = 0; i < sizeof(forbidden4) / sizeof(*forbidden4); i++) {
        if ((address ^ forbidden4[i].first) >> (32 - forbidden4[i].bits) == 0) {
            return true;
        }
    }
    return false;
}

static bool guard_starts(const uint8_t *address, const struct range6 *range)
{
    int bytes = range->bits / 8, rest = range->bits % 8;

    if (memcmp(address, range->first, (size_t)bytes) != 0) {
        return false;
    }
    return rest == 0 || (address[bytes] ^ range->first[bytes]) >> (8 - rest) == 0;
}

static bool guard_forbids6(const uint8_t *address)
{
    /* A cluster with only IPv6 reaches the public IPv4 world through NAT64, so that prefix as a whole cannot
     * be forbidden. */
    if (memcmp(address, mapped, sizeof(mapped)) == 0 || memcmp(address, nat64, sizeof(nat64)) == 0) {
        const uint8_t *a = address + 12;
        return guard_forbids4((uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 | (uint32_t)a[2] << 8 | a[3]);
    }
    if (address[0] >> 5 != 1) {
        return true;
    }
    for (size_t i = 0; i < sizeof(forbidden6) / sizeof(*forbidden6); i++) {
        if (guard_starts(address, &forbidden6[i])) {
            return true;
        }
    }
    return false;
}

bool guard_forbids(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        return guard_forbids4(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof(in6));
        return guard_forbids6(in6.sin6_addr.s6_addr);
    }
    return true;
}

bool guard_allows(const char *const *list, const char *host, int port)
{
    size_t n = strlen(host);
    char suffix[16];

    snprintf(suffix, sizeof(suffix), ":%d", port);
    for (size_t i = 0; list && list[i]; i++) {
        if (strncasecmp(list[i], host, n) == 0 && (!list[i][n] || strcmp(list[i] + n, suffix) == 0)) {
            return true;
        }
    }
    return false;
}
