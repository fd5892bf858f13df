/* test_jwt.c - JSON Web Tokens: a known one, RSA that verifies, keys that are none. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/base64.h"
#include "wire/jwt.h"

static char *sign(enum jwt_alg alg, struct slice key, const char *key_id, const char *claims)
{
    json_t *value = json_loads(claims, 0, NULL);
    const struct jwt_in in = {alg, key, key_id, value};
    char *token = NULL;

    assert_non_null(value);
    assert_int_equal(jwt_sign(&in, &token, NULL), FAULT_OK);
    json_decref(value);
    return token;
}

static void test_known(void **state)
{
    /* The example that jwt.io shows, and one with a key of any bytes. */
    char *token = sign(JWT_HS256, slice_of("your-256-bit-secret"), NULL,
                       "{\"sub\":\"1234567890\",\"name\":\"John Doe\",\"iat\":1516239022}");

    (void)state;
    assert_string_equal(token, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
                               "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ."
                               "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c");
    free(token);
    token = sign(JWT_HS256, (struct slice){"\0\xff\n", 3}, "k", "{}");
    assert_int_equal(strncmp(token, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImsifQ.e30.", 55), 0);
    assert_null(strchr(token, '='));
    free(token);
}

/* A private key in PEM. */
static char *pem_of(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;

    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    long n = BIO_get_mem_data(bio, &data);
    char *text = mem_textn(data, (size_t)n);
    BIO_free_all(bio);
    return text;
}

static void test_rsa(void **state)
{
    /* An RS256 token verifies with the public half over exactly its first two parts, and a changed one does
     * not. */
    EVP_PKEY *key = EVP_RSA_gen(2048);
    char *pem = pem_of(key);
    char *token = sign(JWT_RS256, slice_of(pem), "key-1", "{\"iss\":\"a@b\",\"iat\":1}");
    char *dot = strrchr(token, '.');
    unsigned char signature[512];
    struct base64 d = {0};

    (void)state;
    assert_non_null(dot);
    long n = base64_feed(&d, dot + 1, strlen(dot + 1), signature);
    assert_true(n == 256 && base64_end(&d));
    for (int changed = 0; changed < 2; changed++) {
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        token[5] = (char)(token[5] + changed);
        assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
        assert_int_equal(EVP_DigestVerify(context, signature, (size_t)n, (unsigned char *)token,
                                          (size_t)(dot - token)) == 1,
                         !changed);
        EVP_MD_CTX_free(context);
    }
    free(token);
    free(pem);
    EVP_PKEY_free(key);
}

static void test_bad_keys(void **state)
{
    /* Keys that are none are told without a word of them, and no passphrase is asked for. */
    static const char locked[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIBvTBXBgkq\n-----END ENCRYPTED "
                                 "PRIVATE KEY-----\n";
    EVP_PKEY *curve = EVP_EC_gen("P-256");
    char *other = pem_of(curve), *huge = mem_new(70000);
    const struct {
        enum jwt_alg alg;
        const char *key;
    } rows[] = {{JWT_HS256, ""},     {JWT_RS256, ""},    {JWT_RS256, "hush"},
                {JWT_RS256, locked}, {JWT_RS256, other}, {JWT_HS256, huge}};
    json_t *claims = json_object();

    (void)state;
    memset(huge, 'x', 69999);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct jwt_in in = {rows[i].alg, slice_of(rows[i].key), NULL, claims};
        struct note note = {0};
        char *token = (char *)"";
        assert_int_equal(jwt_sign(&in, &token, &note), FAULT_BAD_VALUE);
        assert_null(token);
        assert_true(note.text[0] && !strstr(note.text, "hush"));
    }
    json_object_set_new(claims, "long", json_string(huge));
    const struct jwt_in in = {JWT_HS256, slice_of("k"), NULL, claims};
    char *token;
    assert_int_equal(jwt_sign(&in, &token, NULL), FAULT_BAD_VALUE);
    json_decref(claims);
    free(huge);
    free(other);
    EVP_PKEY_free(curve);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_rsa),
        cmocka_unit_test(test_bad_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
