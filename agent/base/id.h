/* id.h - unique names: sortable ids for tasks, random ones for nonces. */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stddef.h>
#include <stdint.h>

#define ID_CHARS 36 /* a UUID as text, without the NUL */

/* A UUID as text: 8-4-4-4-12 lower-case hex digits. Safe as a NATS subject token, a KV key and a path. */
struct id {
    char text[ID_CHARS + 1];
};

/* id_new - a UUIDv7 (RFC 9562 section 5.7): sorts by wall_ms; the rest is random. */
struct id id_new(int64_t wall_ms);

/* id_from_hash - a UUIDv8 (RFC 9562 section 5.8) from the first 16 of at least 16 digest bytes. */
struct id id_from_hash(const unsigned char *digest);

/* id_random - n random bytes as 2n hex digits and a NUL, into out[2n + 1]. n <= 32. */
void id_random(char *out, size_t n);

/* Random bytes that were drawn ahead, so that many names cost one call of the kernel. Embedded, zeroed at
 * first, of one thread. They lie in memory until then: not for secrets. */
struct id_pool {
    unsigned char bytes[256];
    size_t left;
};

/* id_pool_new, id_pool_random - as id_new and id_random, from the pool. */
struct id id_pool_new(struct id_pool *pool, int64_t wall_ms);
void id_pool_random(struct id_pool *pool, char *out, size_t n);

/* id_valid - text is a UUID as above. */
_Bool id_valid(const char *text);

#endif
