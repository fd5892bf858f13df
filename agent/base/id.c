/* id.c - unique names from the kernel's random numbers. */
#include "base/id.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void id_fill(unsigned char *p, size_t n)
{
    while (n) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            abort(); /* no randomness: ids could collide, and a task would be lost in another's name */
        }
        p += got;
        n -= (size_t)got;
    }
}

/* Each byte is given once. */
static void id_draw(struct id_pool *pool, unsigned char *p, size_t n)
{
    if (pool->left < n) {
        id_fill(pool->bytes, sizeof(pool->bytes));
        pool->left = sizeof(pool->bytes);
    }
    pool->left -= n;
    memcpy(p, pool->bytes + pool->left, n);
}

static char *id_hex(char *out, const unsigned char *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        *out++ = digits[p[i] >> 4];
        *out++ = digits[p[i] & 15];
    }
    *out = '\0';
    return out;
}

static struct id id_format(unsigned char u[16], unsigned version)
{
    struct id id = {0};
    char *at = id.text;
    static const size_t groups[] = {4, 2, 2, 2, 6};

    u[6] = (unsigned char)((u[6] & 0x0f) | (version << 4));
    u[8] = (unsigned char)((u[8] & 0x3f) | 0x80);
    for (size_t g = 0, from = 0; g < 5; from += groups[g++]) {
        if (g) {
            *at++ = '-';
        }
        at = id_hex(at, u + from, groups[g]);
    }
    return id;
}

/* u[6] to u[15] are random. */
static struct id id_timed(unsigned char u[16], int64_t wall_ms)
{
    for (int i = 0; i < 6; i++) {
        u[i] = (unsigned char)((uint64_t)wall_ms >> (40 - 8 * i));
    }
    return id_format(u, 7);
}

struct id id_new(int64_t wall_ms)
{
    unsigned char u[16];

    id_fill(u + 6, 10);
    return id_timed(u, wall_ms);
}

struct id id_pool_new(struct id_pool *pool, int64_t wall_ms)
{
    unsigned char u[16];

    id_draw(pool, u + 6, 10);
    return id_timed(u, wall_ms);
}

struct id id_from_hash(const unsigned char *digest)
{
    unsigned char u[16];

    memcpy(u, digest, sizeof(u));
    return id_format(u, 8);
}

void id_random(char *out, size_t n)
{
    unsigned char raw[32];

    id_fill(raw, n);
    id_hex(out, raw, n);
}

void id_pool_random(struct id_pool *pool, char *out, size_t n)
{
    unsigned char raw[32];

    id_draw(pool, raw, n);
    id_hex(out, raw, n);
}

bool id_valid(const char *text)
{
    for (int i = 0; i < ID_CHARS; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !strchr("0123456789abcdef", text[i]) || !text[i]) {
            return false;
        }
    }
    return text[ID_CHARS] == '\0';
}
