/* test_sim_signed.c - the simulator's own check of signed requests and tokens, against published vectors. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "sim_jwt.h"
#include "sim_sigv4.h"
#include "sim_tokens.h"

/* ---- tokens of RFC 7515, appendix A.1 and A.2 ---- */

#define HS256_TOKEN                                                                                          \
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9"   \
    "leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

#define SIGNED_TOKEN                                                                                         \
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJTSU0iLCJleHAiOjE4MDAwMDE4MDAsIm5iZiI6MTc5O"             \
    "Tk5OTk5NX0.Y4XtKCQlmJwZCJGpcHSMKE99kc5YEXqyxaaPSsnwGrM"

static void published_token(void **state)
{
    /* The token of RFC 7515 A.1 is read; its time is over after exp; another secret or algorithm does not do.
     */
    (void)state;
    struct sim_jwt j;

    assert_true(sim_jwt_read(HS256_TOKEN, &j));
    assert_string_equal(sim_jwt_claim(&j, "iss"), "joe");
    assert_string_equal(sim_jwt_claim(&j, "sub"), "");
    assert_null(sim_jwt_late(&j, 1300819379));
    assert_non_null(strstr(sim_jwt_late(&j, 1300819380), "over"));
    assert_false(sim_jwt_hs256(&j, "secret"));
    assert_false(sim_jwt_rs256(&j, "no PEM"));
    sim_jwt_done(&j);
    assert_null(j.head);
}

static void signed_token(void **state)
{
    /* A token that another library made (secret "sim-secret", iss "SIM", exp and nbf) is genuine, and
     * not with one bit changed. */
    (void)state;
    char text[] = SIGNED_TOKEN;
    struct sim_jwt j;

    assert_true(sim_jwt_read(text, &j));
    assert_true(sim_jwt_hs256(&j, "sim-secret"));
    assert_false(sim_jwt_hs256(&j, "sim-secreT"));
    assert_null(sim_jwt_late(&j, 1800000000));
    assert_non_null(strstr(sim_jwt_late(&j, 1799999994), "not begun"));
    sim_jwt_done(&j);
    char *at = &text[sizeof(SIGNED_TOKEN) - 10];
    *at = *at == 'A' ? 'B' : 'A';
    assert_true(sim_jwt_read(text, &j));
    assert_false(sim_jwt_hs256(&j, "sim-secret"));
    sim_jwt_done(&j);
}

static void no_tokens(void **state)
{
    /* What is no compact token is refused whole. */
    (void)state;
    static const char *const bad[] = {"",           "a.b",       "a.b.c.d",
                                      "e30.e30.",   "e30.e30.!", "bnVsbA.e30.YQ",
                                      "e30.W10.YQ", ".e30.YQ",   "e30=.e30.YQ"};
    struct sim_jwt j;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(sim_jwt_read(bad[i], &j));
        assert_true(!j.head && !j.claims);
    }
    assert_true(sim_jwt_read("e30.eyJleHAiOjEuNX0.YQ", &j));
    assert_non_null(sim_jwt_late(&j, 0)); /* exp is no whole number */
    assert_false(sim_jwt_hs256(&j, "x"));
    sim_jwt_done(&j);
}

/* ---- AWS's test suite for Signature Version 4 ---- */

#define AT    1440938160 /* 20150830T123600Z */
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SCOPE "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"

struct vector {
    const char *method, *path, *query;
    const char *headers, *signature;
    struct http_field more;
    const char *body;
};

#define NONE                                                                                                 \
    {                                                                                                        \
        {NULL, 0},                                                                                           \
        {                                                                                                    \
            NULL, 0                                                                                          \
        }                                                                                                    \
    }

static const struct vector vectors[] = {
    {"GET", "/", NULL, "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
     NONE, EMPTY}, /* get-vanilla */
    {"GET", "/", "Param1=value1", "host;x-amz-date",
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb", NONE, EMPTY}, /* get-vanilla-query */
    {"GET", "/", "Param2=value2&Param1=value1", "host;x-amz-date",
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500", NONE,
     EMPTY}, /* get-vanilla-query-order-key-case */
    {"POST", "/", NULL, "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
     NONE, EMPTY}, /* post-vanilla */
};

struct asked {
    struct http_field fields[6];
    struct http_head head;
    char authorization[300];
};

static struct http_field field(const char *name, const char *value)
{
    return (struct http_field){slice_of(name), slice_of(value)};
}

static void asked_make(struct asked *a, const struct vector *v)
{
    size_t n = 0;

    snprintf(a->authorization, sizeof(a->authorization),
             "AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=%s, Signature=%s", v->headers,
             v->signature);
    a->fields[n++] = field("Host", "example.amazonaws.com");
    a->fields[n++] = field("X-Amz-Date", "20150830T123600Z");
    a->fields[n++] = field("Authorization", a->authorization);
    if (v->more.name.p) {
        a->fields[n++] = v->more;
    }
    a->head = (struct http_head){.method = slice_of(v->method),
                                 .path = slice_of(v->path),
                                 .query = slice_of(v->query),
                                 .fields = a->fields,
                                 .field_count = n};
}

static const char *asked_check(struct asked *a, const char *body, const char *session, const char *secret)
{
    struct sim_sigv4_request r = {&a->head, {NULL, 0}, body, session};
    struct sim_sigv4 s;
    const char *wrong = sim_sigv4_read(&a->head, AT, &s);

    return wrong ? wrong : sim_sigv4_check(&s, &r, secret);
}

static void published_signatures(void **state)
{
    /* AWS's own vectors are genuine with their secret, and not with another, another body, path or query. */
    (void)state;
    static const char secret[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    struct asked a;

    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        asked_make(&a, &vectors[i]);
        const char *wrong = asked_check(&a, vectors[i].body, "", secret);
        if (wrong) {
            print_error("vector %zu: %s\n", i, wrong);
        }
        assert_null(wrong);
        assert_non_null(asked_check(&a, vectors[i].body, "", "another"));
        a.head.path = slice_of("/other");
        assert_non_null(asked_check(&a, vectors[i].body, "", secret));
        asked_make(&a, &vectors[i]);
        a.head.query = slice_of("x=y");
        assert_non_null(asked_check(&a, vectors[i].body, "", secret));
        asked_make(&a, &vectors[i]);
        char other[] = EMPTY;
        other[0] = '0';
        assert_non_null(asked_check(&a, other, "", secret));
    }
}

static void signatures_in_time(void **state)
{
    /* A quarter of an hour off is too much; what must be signed is named; another form is refused. */
    (void)state;
    struct sim_sigv4 s;
    struct asked a;

    asked_make(&a, &vectors[0]);
    assert_null(sim_sigv4_read(&a.head, AT + 900, &s));
    assert_true(slice_is(s.access, "AKIDEXAMPLE") && slice_is(s.region, "us-east-1") &&
                slice_is(s.service, "service"));
    assert_non_null(strstr(sim_sigv4_read(&a.head, AT + 901, &s), "quarter"));
    assert_non_null(strstr(sim_sigv4_read(&a.head, AT - 901, &s), "quarter"));
    a.fields[1] = field("X-Amz-Date", "20150831T003600Z");
    assert_non_null(strstr(sim_sigv4_read(&a.head, AT, &s), "day"));
    struct vector v = vectors[0];
    v.headers = "x-amz-date";
    asked_make(&a, &v);
    assert_non_null(strstr(sim_sigv4_read(&a.head, AT, &s), "must be signed"));
    v.signature = "short";
    asked_make(&a, &v);
    assert_non_null(strstr(sim_sigv4_read(&a.head, AT, &s), "right form"));
    a.fields[2] = field("Authorization", "Bearer x");
    assert_non_null(sim_sigv4_read(&a.head, AT, &s));
    asked_make(&a, &vectors[0]);
    assert_non_null(strstr(asked_check(&a, EMPTY, "session", "x"), "security-token"));
}

static void minted(void **state)
{
    /* A token is good until its end, for its vendor only; the oldest makes room. */
    (void)state;
    struct sim_tokens *t = sim_tokens_new(2);

    sim_tokens_add(t, "v", "a", "me", 100);
    assert_string_equal(sim_tokens_find(t, "v", "a", 99), "me");
    assert_null(sim_tokens_find(t, "v", "a", 100));
    assert_null(sim_tokens_find(t, "w", "a", 99));
    sim_tokens_add(t, "v", "a", "you", 200);
    assert_string_equal(sim_tokens_find(t, "v", "a", 150), "you");
    sim_tokens_add(t, "v", "b", "me", 200);
    sim_tokens_add(t, "v", "c", "me", 200);
    assert_null(sim_tokens_find(t, "v", "a", 150));
    assert_non_null(sim_tokens_find(t, "v", "b", 150));
    sim_tokens_clear(t);
    assert_null(sim_tokens_find(t, "v", "b", 150));
    sim_tokens_free(&t);
    assert_null(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_token),    cmocka_unit_test(signed_token),
        cmocka_unit_test(no_tokens),          cmocka_unit_test(published_signatures),
        cmocka_unit_test(signatures_in_time), cmocka_unit_test(minted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
