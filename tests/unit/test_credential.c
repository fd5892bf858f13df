/* test_credential.c - secrets and their parts, what goes into requests, tokens, and what people may read. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/adapter.h"
#include "core/credential.h"
#include "wire/base64.h"

static void hear(void *arg, const char *file, int line, int column, const char *text)
{
    (void)arg;
    print_message("%s:%d:%d: %s\n", file, line, column, text);
}

static struct adapter *load(const char *auth)
{
    struct adapter *a = NULL;
    char *text = mem_printf("adapter: vendor\nbase: https://api.vendor.com/v1\nhosts: [login.vendor.com, "
                            "\"{region}.vendor.com\"]\n"
                            "options: { tenant: { about: t, default: t1 }, region: { about: r } }\n%s"
                            "tasks:\n  image.generate:\n    submit:\n      request: { url: \"{base}/x\" }\n"
                            "      outputs: { url: .body.url }\n      extra: { t: .options.tenant, r: "
                            ".options.region }\n    download: { secret: true }\n",
                            auth);

    assert_int_equal(adapter_read(slice_of(text), "vendor.yaml", hear, NULL, &a), FAULT_OK);
    free(text);
    return a;
}

static struct credential_secret *secret_of(const struct adapter *a, const char *text)
{
    struct credential_secret *s = NULL;
    struct note note = {0};

    if (credential_secret_read(a, text, &s, &note)) {
        fail_msg("%s", note.text);
    }
    return s;
}

#define PARTS "auth: { header: X-Key, value: \"{secret.a}/{secret.b}\", parts: [a, b, \"c?\"] }\n"

static void test_parts(void **state)
{
    /* A secret is a JSON object or texts joined by colons; an optional last part may be missing, and the last
     * part keeps its colons. */
    static const struct {
        const char *text, *parts[3];
    } rows[] = {{"ab:cd", {"ab", "cd", NULL}},
                {"ab:cd:", {"ab", "cd", NULL}},
                {"ab:cd:e:f", {"ab", "cd", "e:f"}},
                {"{\"b\":\"cd:x\",\"a\":12,\"z\":[]}", {"12", "cd:x", NULL}},
                {" \n{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}", {"1", "2", "3"}}};
    struct adapter *a = load(PARTS);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct credential_secret *s = secret_of(a, rows[i].text);
        assert_string_equal(credential_secret_text(s, 0), rows[i].text);
        for (size_t k = 0; k < 3; k++) {
            const char *got = credential_secret_text(s, k + 1);
            if (!got || !rows[i].parts[k]) {
                assert_true(!got && !rows[i].parts[k]);
                break;
            }
            assert_string_equal(got, rows[i].parts[k]);
        }
        credential_secret_free(&s);
    }
    adapter_drop(&a);
}

static void test_bad_parts(void **state)
{
    /* A secret without its parts is told without a word of it. */
    static const char *const texts[] = {"geheim",
                                        ":geheim",
                                        "geheim:",
                                        "{\"a\":\"geheim\"}",
                                        "{\"a\":\"geheim\",\"b\":[\"x\"]}",
                                        "{\"a\":\"geheim\" oops",
                                        "{\"a\":\"geheim\",\"b\":\"\"}",
                                        "{\"a\":\"geheim\",\"a\":\"1\",\"b\":\"2\"}"};
    struct adapter *a = load(PARTS);

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct credential_secret *s = NULL;
        struct note note = {0};
        if (credential_secret_read(a, texts[i], &s, &note) != FAULT_CONFIG || s) {
            fail_msg("%s is taken", texts[i]);
        }
        assert_true(note.text[0] && !strstr(note.text, "geheim"));
    }
    adapter_drop(&a);
}

/* What the request of an adapter with this auth gets: "name: value\n" for each field, then the URL if it is
 * another. */
static char *put(const char *auth, const char *secret, const char *token, enum fault want)
{
    struct adapter *a = load(auth);
    struct credential_secret *s = secret_of(a, secret);
    json_t *options = json_pack("{s:s,s:s}", "tenant", "t2", "region", "eu-west-1");
    const struct render_in in = {.input = options, .options = options};
    struct request *r = NULL;
    struct credential_put p;
    struct buf out;
    char digest[DIGEST_HEX_CHARS + 1];

    memset(digest, '0', sizeof(digest));
    digest[DIGEST_HEX_CHARS] = '\0';
    json_t *input = json_object();
    struct render_in with = in;
    with.input = input;
    assert_int_equal(
        render_request(a, adapter_op_find(a, KIND_IMAGE_GENERATE, input, NULL), STEP_SUBMIT, &with, &r, NULL),
        FAULT_OK);
    const struct credential_in what = {.adapter = a, .secret = s, .options = options, .token = token};
    assert_int_equal(credential_put(&what, r, digest, 1760000000000, &p, NULL), want);
    buf_init(&out, 10000);
    buf_text(&out, "");
    for (size_t i = 0; i < p.field_count; i++) {
        buf_printf(&out, "%s: %s\n", p.fields[i].name, p.fields[i].value);
    }
    buf_text(&out, p.url ? p.url : "");
    credential_put_done(&p);
    request_free(&r);
    credential_secret_free(&s);
    adapter_drop(&a);
    json_decref(options);
    json_decref(input);
    char *text = buf_take(&out);
    return text;
}

static void expect_put(const char *auth, const char *secret, const char *token, const char *want)
{
    char *got = put(auth, secret, token, FAULT_OK);

    assert_string_equal(got, want);
    free(got);
}

static void test_put(void **state)
{
    /* Header, parameter and Basic carry the secret, its parts, the token and options. */
    (void)state;
    expect_put("", "s", NULL, "");
    expect_put("auth: { header: X-Key }\n", "s-1", NULL, "X-Key: s-1\n");
    expect_put("auth: { header: X-Key, value: \"Key {secret} {tenant} {{}}\" }\n", "s-1", NULL,
               "X-Key: Key s-1 t2 {}\n");
    expect_put(PARTS, "a b:c", NULL, "X-Key: a b/c\n");
    expect_put("auth: { query: key }\n", "a&b", NULL, "https://api.vendor.com/v1/x?key=a%26b");
    expect_put("auth: { basic: \"user:{secret}\" }\n", "open sesame", NULL,
               "Authorization: Basic dXNlcjpvcGVuIHNlc2FtZQ==\n");
    expect_put(
        "auth: { header: A, value: \"Bearer {token}\", token: { jwt_hs256: { key: \"{secret}\" } } }\n", "s",
        "tok", "A: Bearer tok\n");
    free(put("auth: { header: X-Key }\n", "a\nb", NULL, FAULT_BAD_VALUE));
}

static void test_signed(void **state)
{
    /* A signed request gets a date, the body's digest and the session's token beside the signature. */
    static const char auth[] = "auth: { aws_sigv4: { service: bedrock, region: \"{region}\" } }\n";
    char *got = put(auth, "AKID:wJalr", NULL, FAULT_OK);

    (void)state;
    assert_non_null(
        strstr(got, "Authorization: AWS4-HMAC-SHA256 Credential=AKID/20251009/eu-west-1/bedrock/"));
    assert_non_null(strstr(got, "\nx-amz-date: 20251009T085320Z\nx-amz-content-sha256: 0000"));
    assert_null(strstr(got, "security-token"));
    free(got);
    got = put(auth, "{\"access_key_id\":\"A\",\"secret_access_key\":\"B\",\"session_token\":\"T\"}", NULL,
              FAULT_OK);
    assert_non_null(strstr(got, ";x-amz-security-token, Signature="));
    assert_non_null(strstr(got, "\nx-amz-security-token: T\n"));
    free(got);
}

/* ---- tokens ---- */

static json_t *claims_of(const char *token)
{
    const char *dot = strchr(token, '.');
    char bytes[4096];
    struct base64 d = {0};

    assert_non_null(dot);
    long n = base64_feed(&d, dot + 1, strcspn(dot + 1, "."), (unsigned char *)bytes);
    json_t *claims = json_loadb(bytes, (size_t)n, 0, NULL);
    assert_non_null(claims);
    return claims;
}

#define TOKEN(rule) "auth: { header: A, value: \"{token}\", parts: [id, key], token: { " rule " } }\n"

static void test_jwt(void **state)
{
    /* A token that is signed here has the adapter's claims, exp and nbf, and lives as long as it says. */
    struct adapter *a =
        load(TOKEN("jwt_hs256: { key: \"{secret.key}\", claims: { iss: \"{secret.id}\", n: 2, "
                   "t: \"{tenant}\" }, lives: 10m, skew: 7s }"));
    struct credential_secret *s = secret_of(a, "ak:sk");
    const struct credential_in in = {.adapter = a, .secret = s};
    struct credential_mint m;

    (void)state;
    assert_true(credential_has_token(a));
    assert_int_equal(credential_mint(&in, 1760000000999, &m, NULL), FAULT_OK);
    assert_true(m.token.text && !m.url && m.token.lives_ms == 600000);
    json_t *got = claims_of(m.token.text);
    json_t *want = json_pack("{s:s,s:i,s:s,s:i,s:i}", "iss", "ak", "n", 2, "t", "t1", "exp", 1760000600,
                             "nbf", 1759999993);
    assert_true(json_equal(got, want));
    assert_int_equal(credential_renew_ms(a, 600000), 540000);
    assert_int_equal(credential_renew_ms(a, 100000), 70000);
    assert_int_equal(credential_renew_ms(a, 2000), 1000);
    json_decref(got);
    json_decref(want);
    credential_mint_done(&m);
    credential_secret_free(&s);
    adapter_drop(&a);
}

static void test_client(void **state)
{
    /* Client credentials go as a form to the endpoint, percent-encoded. */
    struct adapter *a = load(
        TOKEN("renew: 5m, oauth2_client_credentials: { url: \"https://login.vendor.com/{tenant}/token\", "
              "form: { client_id: \"{secret.id}\", client_secret: \"{secret.key}\", scope: all } }"));
    struct credential_secret *s = secret_of(a, "me:a&b/c");
    json_t *options = json_pack("{s:s}", "tenant", "x/../y");
    struct credential_in in = {.adapter = a, .secret = s};
    struct credential_mint m;

    (void)state;
    assert_int_equal(credential_mint(&in, 0, &m, NULL), FAULT_OK);
    assert_null(m.token.text);
    assert_string_equal(m.url, "https://login.vendor.com/t1/token");
    assert_string_equal(m.form,
                        "grant_type=client_credentials&client_id=me&client_secret=a%26b%2Fc&scope=all");
    credential_mint_done(&m);
    in.options = options; /* an option does not leave its place */
    if (credential_mint(&in, 0, &m, NULL) == FAULT_OK) {
        assert_string_equal(m.url, "https://login.vendor.com/x%2F..%2Fy/token");
    }
    credential_mint_done(&m);
    assert_int_equal(credential_renew_ms(a, 3600000), 3300000);
    json_decref(options);
    credential_secret_free(&s);
    adapter_drop(&a);
}

static void test_endpoint(void **state)
{
    /* The secret goes to endpoints at base and at named hosts, which options may be part of, over TLS. */
    static const struct {
        const char *url, *base;
        bool good;
    } rows[] = {{"{base}/t", "http://127.0.0.1:9", true},
                {"https://{region}.vendor.com/t", NULL, true},
                {"https://login.vendor.com/t", "https://gateway.internal", true},
                {"https://api.vendor.com/t", "https://gateway.internal", false}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *auth = mem_printf("auth: { header: A, value: \"{token}\", token: { oauth2_client_credentials: "
                                "{ url: \"%s\", form: { "
                                "s: \"{secret}\" } } } }\n",
                                rows[i].url);
        struct adapter *a = load(auth);
        struct credential_secret *s = secret_of(a, "geheim");
        json_t *options = json_pack("{s:s}", "region", "eu");
        const struct credential_in in = {.adapter = a, .secret = s, .base = rows[i].base, .options = options};
        struct credential_mint m;
        if ((credential_mint(&in, 0, &m, NULL) == FAULT_OK) != rows[i].good) {
            fail_msg("%s at %s", rows[i].url, rows[i].base ? rows[i].base : "its own base");
        }
        credential_mint_done(&m);
        json_decref(options);
        credential_secret_free(&s);
        adapter_drop(&a);
        free(auth);
    }
}

static void test_own_endpoint(void **state)
{
    /* A secret may name its endpoint, which must be one that may see it all the same. */
    struct adapter *a =
        load(TOKEN("oauth2_client_credentials: { url: \"{secret.id}\", form: { s: \"{secret.key}\" } }"));
    static const struct {
        const char *secret;
        enum fault fault;
    } rows[] = {{"{\"id\":\"https://login.vendor.com/t\",\"key\":\"k\"}", FAULT_OK},
                {"{\"id\":\"http://login.vendor.com/t\",\"key\":\"k\"}", FAULT_BAD_VALUE},
                {"{\"id\":\"https://evil.com/t\",\"key\":\"k\"}", FAULT_BAD_VALUE},
                {"{\"id\":\"login.vendor.com/t\",\"key\":\"k\"}", FAULT_BAD_VALUE}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct credential_secret *s = secret_of(a, rows[i].secret);
        const struct credential_in in = {.adapter = a, .secret = s};
        struct credential_mint m;
        if (credential_mint(&in, 0, &m, NULL) != rows[i].fault) {
            fail_msg("%s", rows[i].secret);
        }
        credential_mint_done(&m);
        credential_secret_free(&s);
    }
    adapter_drop(&a);
}

static void test_bearer(void **state)
{
    /* A key that cannot sign is told without a word of it. */
    struct adapter *a =
        load(TOKEN("oauth2_jwt_bearer: { url: \"{base}/token\", key: \"{secret.key}\", claims: { iss: "
                   "\"{secret.id}\", scope: s } }"));
    struct credential_secret *s = secret_of(a, "me:geheim");
    struct credential_in in = {.adapter = a, .secret = s, .base = "http://127.0.0.1:9"};
    struct credential_mint m;
    struct note note = {0};

    (void)state;
    assert_int_equal(credential_mint(&in, 0, &m, &note), FAULT_BAD_VALUE);
    assert_true(note.text[0] && !strstr(note.text, "geheim"));
    assert_string_equal(m.url, "http://127.0.0.1:9/token");
    credential_mint_done(&m);
    credential_secret_free(&s);
    adapter_drop(&a);
}

static void test_token_id(void **state)
{
    /* Tokens of other keys, secrets, settings and addresses are others. */
    struct adapter *a = load(TOKEN("jwt_hs256: { key: \"{secret.key}\" }"));
    struct credential_secret *one = secret_of(a, "a:b"), *two = secret_of(a, "a:c");
    json_t *options = json_pack("{s:s}", "tenant", "x");
    const struct credential_in ins[] = {{.adapter = a, .secret = one},
                                        {.adapter = a, .secret = two},
                                        {.adapter = a, .secret = one, .options = options},
                                        {.adapter = a, .secret = one, .base = "https://x"}};
    char ids[5][DIGEST_HEX_CHARS + 1], again[DIGEST_HEX_CHARS + 1];

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        credential_token_id(&ins[i], "k1", ids[i]);
    }
    credential_token_id(&ins[0], "k2", ids[4]);
    for (size_t i = 0; i < 5; i++) {
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(ids[i], ids[k]);
        }
    }
    credential_token_id(&ins[0], "k1", again);
    assert_string_equal(ids[0], again);
    json_decref(options);
    credential_secret_free(&one);
    credential_secret_free(&two);
    adapter_drop(&a);
}

static void test_token_read(void **state)
{
    /* An endpoint's answer is a token with a life that is believed, or a fault by who is to blame. */
    static const struct {
        int status;
        const char *body;
        enum fault fault;
        const char *token;
        int64_t lives_ms;
    } rows[] = {
        {200, "{\"access_token\":\"t.1\",\"expires_in\":3600,\"token_type\":\"Bearer\"}", FAULT_OK, "t.1",
         3600000},
        {200, "{\"access_token\":\"t\",\"expires_in\":\"60\"}", FAULT_OK, "t", 60000},
        {200, "{\"access_token\":\"t\",\"expires_in\":0.5}", FAULT_OK, "t", 500},
        {200, "{\"access_token\":\"t\"}", FAULT_OK, "t", 300000},
        {200, "{\"access_token\":\"t\",\"expires_in\":-5}", FAULT_OK, "t", 300000},
        {200, "{\"access_token\":\"t\",\"expires_in\":\"soon\"}", FAULT_OK, "t", 300000},
        {200, "{\"access_token\":\"t\",\"expires_in\":1e300}", FAULT_OK, "t", 86400000},
        {200, "{\"access_token\":\"t\",\"expires_in\":null}", FAULT_OK, "t", 300000},
        {200, "{\"access_token\":\"a b\"}", FAULT_VENDOR_ANSWER, NULL, 0},
        {200, "{\"access_token\":\"a\\r\\nX: y\"}", FAULT_VENDOR_ANSWER, NULL, 0},
        {200, "{\"access_token\":\"\"}", FAULT_VENDOR_ANSWER, NULL, 0},
        {200, "{\"access_token\":7}", FAULT_VENDOR_ANSWER, NULL, 0},
        {200, "[]", FAULT_VENDOR_ANSWER, NULL, 0},
        {200, "", FAULT_VENDOR_ANSWER, NULL, 0},
        {302, "", FAULT_VENDOR_ANSWER, NULL, 0},
        {400, "{\"error\":\"invalid_grant\"}", FAULT_VENDOR_AUTH, NULL, 0},
        {401, "<html>", FAULT_VENDOR_AUTH, NULL, 0},
        {429, "{}", FAULT_RATE_LIMITED, NULL, 0},
        {408, "{}", FAULT_VENDOR_UNAVAILABLE, NULL, 0},
        {503, "{}", FAULT_VENDOR_UNAVAILABLE, NULL, 0},
    };
    struct adapter *a = load(TOKEN("jwt_hs256: { key: \"{secret.key}\" }"));
    struct credential_secret *s = secret_of(a, "me:geheimnis");
    const struct credential_in in = {.adapter = a, .secret = s};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct credential_token t;
        struct note note = {0};
        enum fault fault = credential_token_read(&in, rows[i].status, slice_of(rows[i].body), &t, &note);
        if (fault != rows[i].fault || t.lives_ms != rows[i].lives_ms ||
            (t.text != NULL) != (rows[i].token != NULL)) {
            fail_msg("%d %s: %s", rows[i].status, rows[i].body, fault_code(fault));
        }
        if (t.text) {
            assert_string_equal(t.text, rows[i].token);
        }
        credential_token_done(&t);
    }
    struct credential_token t;
    struct note note = {0};
    const char *body = "{\"error\":\"invalid_client\",\"error_description\":\"me:geheimnis or geheimnis?\"}";
    assert_int_equal(credential_token_read(&in, 401, slice_of(body), &t, &note), FAULT_VENDOR_AUTH);
    assert_string_equal(note.text,
                        "the token endpoint answers with status 401: invalid_client: **** or ****?");
    credential_secret_free(&s);
    adapter_drop(&a);
}

static void test_hide(void **state)
{
    /* The secret, its long parts, the token and the Basic form vanish from what a vendor repeats. */
    struct adapter *a =
        load("auth: { basic: \"{secret.user}:{secret.password}\", parts: [user, password] }\n");
    struct credential_secret *s = secret_of(a, "admin:open sesame");
    const struct credential_in in = {.adapter = a, .secret = s, .token = "tok-123"};
    json_t *value = json_pack("{s:s,s:[s,{s:s}],s:s}", "a", "admin:open sesame!", "b", "open sesame tok-123",
                              "c", "got YWRtaW46b3BlbiBzZXNhbWU=", "d", "admin");
    json_t *want =
        json_pack("{s:s,s:[s,{s:s}],s:s}", "a", "****!", "b", "**** ****", "c", "got ****", "d", "admin");

    (void)state;
    credential_hide(value, &in);
    assert_true(json_equal(value, want));
    json_decref(value);
    json_decref(want);
    credential_secret_free(&s);
    adapter_drop(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),        cmocka_unit_test(test_bad_parts),
        cmocka_unit_test(test_put),          cmocka_unit_test(test_signed),
        cmocka_unit_test(test_jwt),          cmocka_unit_test(test_client),
        cmocka_unit_test(test_endpoint),     cmocka_unit_test(test_bearer),
        cmocka_unit_test(test_own_endpoint), cmocka_unit_test(test_token_id),
        cmocka_unit_test(test_token_read),   cmocka_unit_test(test_hide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
