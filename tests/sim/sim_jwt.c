/* sim_jwt.c - JSON Web Tokens as clients sign them. */
#include "sim_jwt.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <string.h>

#include "wire/base64.h"

#define PART_BYTES 8192 /* of head and claims each, as text */

/* A part of a token, decoded; -1: it is no base64url, or too long. */
static long jwt_decode(struct slice part, unsigned char *out, size_t size)
{
    struct base64 decoder = {0};

    if (part.n / 4 * 3 + 3 > size || (part.n && memchr(part.p, '=', part.n))) {
        return -1;
    }
    long n = base64_feed(&decoder, part.p, part.n, out);
    return n >= 0 && base64_end(&decoder) ? n : -1;
}

static json_t *jwt_object(struct slice part)
{
    unsigned char text[PART_BYTES];
    long n = jwt_decode(part, text, sizeof(text));
    json_t *value = n > 0 ? json_loadb((const char *)text, (size_t)n, JSON_REJECT_DUPLICATES, NULL) : NULL;

    if (!json_is_object(value)) {
        json_decref(value);
        return NULL;
    }
    return value;
}

bool sim_jwt_read(const char *text, struct sim_jwt *ret)
{
    struct slice rest = slice_of(text), head, claims, signature;

    *ret = (struct sim_jwt){.head = NULL};
    if (!slice_cut(&rest, '.', &head) || !slice_cut(&rest, '.', &claims) ||
        !slice_cut(&rest, '.', &signature) || rest.p) {
        return false;
    }
    long n = jwt_decode(signature, ret->signature, sizeof(ret->signature));
    ret->head = jwt_object(head);
    ret->claims = jwt_object(claims);
    if (n <= 0 || !ret->head || !ret->claims) {
        sim_jwt_done(ret);
        return false;
    }
    ret->signature_n = (size_t)n;
    ret->covered = (struct slice){text, head.n + 1 + claims.n};
    return true;
}

void sim_jwt_done(struct sim_jwt *j)
{
    json_decref(j->head);
    json_decref(j->claims);
    *j = (struct sim_jwt){.head = NULL};
}

const char *sim_jwt_claim(const struct sim_jwt *j, const char *name)
{
    const char *text = json_string_value(json_object_get(j->claims, name));

    return text ? text : "";
}

const char *sim_jwt_late(const struct sim_jwt *j, int64_t now_s)
{
    const json_t *exp = json_object_get(j->claims, "exp"), *nbf = json_object_get(j->claims, "nbf");
    const json_t *iat = json_object_get(j->claims, "iat");

    if (!json_is_integer(exp) || (nbf && !json_is_integer(nbf)) || (iat && !json_is_integer(iat))) {
        return "exp, nbf and iat of a token are whole seconds, and exp must be there";
    }
    if (json_integer_value(exp) <= now_s) {
        return "the token's exp is over";
    }
    return json_integer_value(nbf) > now_s || json_integer_value(iat) > now_s
               ? "the token's time has not begun"
               : NULL;
}

static bool jwt_is(const struct sim_jwt *j, const char *algorithm)
{
    const char *alg = json_string_value(json_object_get(j->head, "alg"));

    return alg && !strcmp(alg, algorithm);
}

bool sim_jwt_hs256(const struct sim_jwt *j, const char *secret)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    return jwt_is(j, "HS256") &&
           HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)j->covered.p, j->covered.n,
                mac, &n) &&
           n == j->signature_n && !CRYPTO_memcmp(mac, j->signature, n);
}

bool sim_jwt_rs256(const struct sim_jwt *j, const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = key && ctx && jwt_is(j, "RS256") &&
                EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(ctx, j->signature, j->signature_n, (const unsigned char *)j->covered.p,
                                 j->covered.n) == 1;

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    BIO_free(bio);
    return good;
}
