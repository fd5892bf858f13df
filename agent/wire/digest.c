/* digest.c - SHA-256, in steps or at once. */
#include "wire/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/mem.h"

struct digest {
    EVP_MD_CTX *context;
};

/* OpenSSL fails here only without memory or without SHA-256 itself. Neither leaves anything to fall back on:
 * a wrong digest would name other people's media. */
static void digest_must(int ok)
{
    if (ok != 1) {
        abort();
    }
}

struct digest *digest_new(void)
{
    struct digest *d = mem_new(sizeof(*d));

    d->context = EVP_MD_CTX_new();
    digest_must(d->context != NULL);
    digest_must(EVP_DigestInit_ex(d->context, EVP_sha256(), NULL));
    return d;
}

void digest_free(struct digest **d)
{
    if (*d) {
        EVP_MD_CTX_free((*d)->context);
        free(*d);
        *d = NULL;
    }
}

void digest_add(struct digest *d, const void *p, size_t n)
{
    digest_must(EVP_DigestUpdate(d->context, p, n));
}

void digest_end(struct digest *d, unsigned char ret_bytes[DIGEST_BYTES])
{
    digest_must(EVP_DigestFinal_ex(d->context, ret_bytes, NULL));
}

void digest_of(struct slice bytes, unsigned char ret_bytes[DIGEST_BYTES])
{
    digest_must(EVP_Digest(bytes.p, bytes.n, ret_bytes, NULL, EVP_sha256(), NULL));
}

void digest_hex(const unsigned char bytes[DIGEST_BYTES], char ret_text[DIGEST_HEX_CHARS + 1])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        ret_text[2 * i] = digits[bytes[i] >> 4];
        ret_text[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret_text[DIGEST_HEX_CHARS] = '\0';
}

bool digest_valid(const char *text)
{
    return strlen(text) == DIGEST_HEX_CHARS && strspn(text, "0123456789abcdef") == DIGEST_HEX_CHARS;
}
