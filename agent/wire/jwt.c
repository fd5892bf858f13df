/* jwt.c - signed JSON Web Tokens in the compact form. */
#include "wire/jwt.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "wire/base64.h"

#define KEY_BYTES       (64 * 1024)
#define SIGNATURE_BYTES 2048 /* RSA of 16384 bits, the most that the library takes */

static void auto_bio(BIO **bio)
{
    BIO_free_all(*bio);
}

static void auto_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void auto_context(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

/* base64url without padding (RFC 7515 section 2). */
static void add_base64(struct buf *out, struct slice bytes)
{
    char *text = mem_new(BASE64_CHARS(bytes.n) + 1);
    size_t n = base64_write(text, bytes, true);

    while (n && text[n - 1] == '=') {
        n--;
    }
    buf_add(out, text, n);
    free(text);
}

static void add_json(struct buf *out, const json_t *value)
{
    AUTO(auto_free) char *text = json_dumps(value, JSON_COMPACT);

    if (!text || strlen(text) > JWT_CLAIMS_BYTES) {
        out->bad = true;
        return;
    }
    add_base64(out, slice_of(text));
}

static void add_header(struct buf *out, const struct jwt_in *in)
{
    json_t *header = json_pack("{s:s,s:s}", "alg", in->alg == JWT_HS256 ? "HS256" : "RS256", "typ", "JWT");

    if (in->key_id) {
        json_object_set_new(header, "kid", json_string(in->key_id));
    }
    add_json(out, header);
    json_decref(header);
}

static enum fault sign_hmac(struct slice key, struct buf *out, struct note *note)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (!HMAC(EVP_sha256(), key.p, (int)key.n, (const unsigned char *)out->p, out->n, mac, &n)) {
        return note_set(note, FAULT_INTERNAL, "the token could not be signed");
    }
    buf_char(out, '.');
    add_base64(out, (struct slice){(const char *)mac, n});
    return FAULT_OK;
}

/* A key that is locked by a passphrase must not ask for it on the terminal. */
static int no_passphrase(char *out, int size, int writing, void *arg)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static enum fault sign_rsa(struct slice key, struct buf *out, struct note *note)
{
    AUTO(auto_bio) BIO *bio = BIO_new_mem_buf(key.p, (int)key.n);
    AUTO(auto_key) EVP_PKEY *rsa = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    AUTO(auto_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char signature[SIGNATURE_BYTES];
    size_t n = sizeof(signature);

    if (!rsa || EVP_PKEY_base_id(rsa) != EVP_PKEY_RSA || EVP_PKEY_size(rsa) > SIGNATURE_BYTES) {
        return note_set(note, FAULT_BAD_VALUE, "the key is no private RSA key in PEM");
    }
    if (!context || EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, rsa) != 1 ||
        EVP_DigestSign(context, signature, &n, (const unsigned char *)out->p, out->n) != 1) {
        return note_set(note, FAULT_INTERNAL, "the token could not be signed");
    }
    buf_char(out, '.');
    add_base64(out, (struct slice){(const char *)signature, n});
    return FAULT_OK;
}

enum fault jwt_sign(const struct jwt_in *in, char **ret_token, struct note *note)
{
    struct buf out;

    *ret_token = NULL;
    if (!in->key.n || in->key.n > KEY_BYTES) {
        return note_set(note, FAULT_BAD_VALUE, "the key is empty or too long");
    }
    buf_init(&out, (size_t)JWT_CLAIMS_BYTES * 4);
    add_header(&out, in);
    buf_char(&out, '.');
    add_json(&out, in->claims);
    if (!buf_ok(&out)) {
        buf_done(&out);
        return note_set(note, FAULT_BAD_VALUE, "the token's claims are too long");
    }
    enum fault fault = in->alg == JWT_HS256 ? sign_hmac(in->key, &out, note) : sign_rsa(in->key, &out, note);
    *ret_token = fault ? NULL : buf_take(&out);
    buf_done(&out);
    return fault;
}
