/* test_sigv4.c - AWS Signature Version 4: AWS's own vectors, and the paths of Bedrock and S3. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sigv4_vectors.h"
#include "wire/sigv4.h"

#define KEY_ID "AKIDEXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

static void digest_text(const char *text, char out[DIGEST_HEX_CHARS + 1])
{
    unsigned char bytes[DIGEST_BYTES];

    digest_of(slice_of(text), bytes);
    digest_hex(bytes, out);
}

/* "Name: value|Name: value" -> headers; the text is cut up. */
static size_t split(char *text, struct sigv4_header *out)
{
    size_t n = 0;

    for (char *one = text; *one;) {
        char *end = one + strcspn(one, "|"), *next = *end ? end + 1 : end;
        *end = '\0';
        char *colon = strchr(one, ':');
        *colon = '\0';
        out[n++] = (struct sigv4_header){one, colon + 1};
        one = next;
    }
    return n;
}

static void check(const char *name, const struct sigv4_in *in, const char *scope, const char *headers,
                  const char *signature)
{
    struct sigv4_out out;
    struct note note = {0};

    assert_int_equal(sigv4_sign(in, &out, &note), FAULT_OK);
    char *want = mem_printf("AWS4-HMAC-SHA256 Credential=" KEY_ID "/%s/aws4_request, SignedHeaders=%s, "
                            "Signature=%s",
                            scope, headers, signature);
    if (strcmp(want, out.authorization) != 0) {
        fail_msg("%s: %s", name, out.authorization);
    }
    free(want);
    free(out.authorization);
}

static void test_published(void **state)
{
    /* Every published vector gives the published signature. */
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct sigv4_vector *v = &vectors[i];
        struct sigv4_header headers[SIGV4_HEADERS_MAX];
        char digest[DIGEST_HEX_CHARS + 1], *text = mem_text(v->headers);
        char *url = mem_printf("https://example.amazonaws.com%s", v->target);
        digest_text(v->body, digest);
        const struct sigv4_in in = {.access_key_id = KEY_ID,
                                    .secret_access_key = SECRET,
                                    .session_token = v->session,
                                    .region = "us-east-1",
                                    .service = "service",
                                    .method = v->method,
                                    .url = url,
                                    .headers = headers,
                                    .header_count = split(text, headers),
                                    .body_digest = digest,
                                    .digest_header = *v->body,
                                    .wall_ms = 1440938160000};
        check(v->name, &in, "20150830/us-east-1/service", v->signed_headers, v->signature);
        free(url);
        free(text);
    }
}

static const struct sigv4_header json_type = {"Content-Type", "application/json"};

/* As the agent signs: with x-amz-content-sha256. */
static struct sigv4_in call(const char *service, const char *url, const char *body, char digest[])
{
    digest_text(body, digest);
    return (struct sigv4_in){.access_key_id = KEY_ID,
                             .secret_access_key = SECRET,
                             .session_token = *body ? "tok/en+=" : NULL,
                             .region = "eu-west-1",
                             .service = service,
                             .method = *body ? "POST" : "GET",
                             .url = url,
                             .headers = &json_type,
                             .header_count = *body ? 1 : 0,
                             .body_digest = digest,
                             .digest_header = true,
                             .wall_ms = 1760000000123};
}

static void test_paths(void **state)
{
    /* ':' and '%3A' in a path are signed as what they are on the wire, encoded once more, but not for S3;
     * ports, queries and session tokens are signed. The signatures are those of botocore 1.43.11. */
#define BEDROCK "https://bedrock-runtime.eu-west-1.amazonaws.com"
    static const struct {
        const char *service, *url, *body, *signature;
    } rows[] = {
        {"bedrock", BEDROCK "/model/amazon.nova-reel-v1:0/invoke", "{\"a\":1}",
         "93f576029069e556ed575e9175529bce36d4cfdeed0bfcd79da33eaaf0b2c0c4"},
        {"bedrock", BEDROCK "/model/amazon.nova-reel-v1:0/invoke", "",
         "6e5abc552d111d78ebc09eafb9ed0c6767b2b50269bca441666ecf9b7027f440"},
        {"bedrock", BEDROCK "/model/amazon.nova-reel-v1%3A0/invoke", "{\"a\":1}",
         "05f13c41894a1b3c05dd29c276a89402aa1feba10b3de1b5470b876046c146fc"},
        {"bedrock", BEDROCK ":443/model/amazon.nova-reel-v1%3A0/invoke", "",
         "b5053a2094746bccd98feff1de97a0fd606e737246e817a9eafc875ac801443d"},
        {"bedrock", BEDROCK "/async-invoke/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Aasync-invoke%2Fx", "",
         "1d57bf343958214bfc103d86e04f3efa5e60c3e0557ac5d4ce04f6a1e34a08de"},
        {"s3", "https://b.s3.eu-west-1.amazonaws.com/a%20b/c%3Ad/output.mp4?versionId=a%2Fb&partNumber=2", "",
         "037ad9fb4f4e9e283e8e120fb4ad8354e116b5c10610d905dfcf3620c9993fca"},
        {"s3", "http://127.0.0.1:9000/b/x.mp4", "",
         "e44e7a252cb36d7ad92bb31caef04e5971b065d3e0e09910c7b672aa8299fd29"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char digest[DIGEST_HEX_CHARS + 1], scope[64];
        const struct sigv4_in in = call(rows[i].service, rows[i].url, rows[i].body, digest);
        snprintf(scope, sizeof(scope), "20251009/eu-west-1/%s", rows[i].service);
        check(rows[i].url, &in, scope,
              *rows[i].body ? "content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token"
                            : "host;x-amz-content-sha256;x-amz-date",
              rows[i].signature);
    }
}

static void test_canonical(void **state)
{
    /* The canonical request is the text that AWS compares, and the date goes beside it. */
    char digest[DIGEST_HEX_CHARS + 1], *text, *names;
    struct sigv4_in in = call("bedrock", "https://H.example/m%3A0?b=1&a", "", digest);
    struct sigv4_out out;

    (void)state;
    assert_int_equal(sigv4_canonical(&in, &text, &names, NULL), FAULT_OK);
    assert_string_equal(text, "GET\n/m%253A0\na=&b=1\nhost:H.example\nx-amz-content-sha256:"
                              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
                              "x-amz-date:20251009T085320Z\n\nhost;x-amz-content-sha256;x-amz-date\n"
                              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_string_equal(names, "host;x-amz-content-sha256;x-amz-date");
    assert_int_equal(sigv4_sign(&in, &out, NULL), FAULT_OK);
    assert_string_equal(out.date, "20251009T085320Z");
    free(out.authorization);
    free(text);
    free(names);
}

static void test_refused(void **state)
{
    /* What cannot be signed is a fault that names nothing secret. */
    char digest[DIGEST_HEX_CHARS + 1], url[4096] = "https://h/?";
    const char *const urls[] = {"ftp://h/", "https://", "", "/x"};
    struct sigv4_out out;
    struct note note = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct sigv4_in in = call("s3", urls[i], "", digest);
        assert_int_equal(sigv4_sign(&in, &out, &note), FAULT_BAD_VALUE);
        assert_null(out.authorization);
    }
    for (int i = 0; i < SIGV4_QUERY_MAX + 1; i++) {
        snprintf(url + strlen(url), 16, "a%d=1&", i);
    }
    struct sigv4_in in = call("s3", url, "", digest);
    assert_int_equal(sigv4_sign(&in, &out, &note), FAULT_BAD_VALUE);
    in = call("s3", "https://h/", "", digest);
    in.wall_ms = -1;
    assert_int_equal(sigv4_sign(&in, &out, &note), FAULT_BAD_VALUE);
    assert_null(strstr(note.text, SECRET));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
