/* test_render.c - requests that the shipped adapters' cases do not show: every kind of body, auth and
 * template. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/host.h"
#include "core/render.h"
#include "core/template.h"

#define HEAD "adapter: vendor\nbase: https://api.vendor.com/v1\n"

static void hear(void *arg, const char *file, int line, int column, const char *text)
{
    (void)arg;
    print_error("%s:%d:%d: %s\n", file, line, column, text);
}

static struct adapter *load(const char *text)
{
    struct adapter *a = NULL;

    assert_int_equal(adapter_read(slice_of(text), "vendor.yaml", hear, NULL, &a), FAULT_OK);
    assert_int_equal(adapter_compile(a, hear, NULL), FAULT_OK);
    return a;
}

/* What a render needs besides the adapter. */
struct given {
    const char *input;
    const char *vars;
    const char *media;
    const char *base;
    enum adapter_step step;
};

static enum fault render(const struct adapter *a, const struct given *g, struct request **r,
                         struct note *note)
{
    json_t *input = json_loads(g->input ? g->input : "{}", 0, NULL),
           *vars = g->vars ? json_loads(g->vars, 0, NULL) : NULL;
    json_t *media = g->media ? json_loads(g->media, 0, NULL) : NULL;
    int kind = 0;

    while (!adapter_serves(a, kind)) {
        kind++;
    }
    const struct adapter_op *op = adapter_op_find(a, kind, input, note);
    assert_non_null(op);
    struct render_in in = {.input = input,
                           .vars = vars,
                           .media = media,
                           .base = g->base,
                           .model = "m/1",
                           .task = "t-1",
                           .idem = "i-1"};
    enum fault fault = render_request(a, op, g->step, &in, r, note);
    json_decref(input);
    json_decref(vars);
    json_decref(media);
    return fault;
}

/* The request as JSON text with sorted keys; on refusal "refused FIELD: TEXT". Caller frees. */
static char *shown(const char *adapter, const struct given *g)
{
    struct adapter *a = load(adapter);
    struct request *r = NULL;
    struct note note = {0};
    char *text;

    if (render(a, g, &r, &note)) {
        text = mem_printf("refused %s: %s", note.field, note.text);
        assert_null(r);
    } else {
        json_t *value = request_to_json(r);
        text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(16));
        json_decref(value);
    }
    request_free(&r);
    adapter_drop(&a);
    return text;
}

static void expect(const char *adapter, const struct given *g, const char *want)
{
    char *got = shown(adapter, g);

    assert_string_equal(got, want);
    free(got);
}

static void expect_part(const char *adapter, const struct given *g, const char *part)
{
    char *got = shown(adapter, g);

    if (!strstr(got, part)) {
        fail_msg("%s is not in %s", part, got);
    }
    free(got);
}

#define ONE(auth, request)                                                                                   \
    HEAD auth "tasks:\n  image.generate:\n    submit:\n      request: " request                              \
              "\n      outputs: { url: .body.url }\n"

static void test_auth(void **state)
{
    /* The secret goes into a header, a query parameter or Basic, and nobody sees it in what is shown. */
    struct given g = {0};

    (void)state;
    expect(ONE("auth: { header: X-Key }\n", "{ url: \"{base}/x\" }"), &g,
           "{\"headers\":{\"X-Key\":\"****\"},\"method\":\"POST\",\"url\":\"https://api.vendor.com/v1/x\"}");
    expect(ONE("auth: { query: key }\n", "{ url: \"{base}/x?a=1\" }"), &g,
           "{\"headers\":{},\"method\":\"POST\",\"url\":\"https://api.vendor.com/v1/x?a=1&key=****\"}");
    expect(ONE("auth: { basic: \"{secret}:\" }\n", "{ url: \"{base}/x\" }"), &g,
           "{\"headers\":{\"Authorization\":\"Basic "
           "****\"},\"method\":\"POST\",\"url\":\"https://api.vendor.com/v1/x\"}");
    expect(ONE("", "{ url: \"{base}/x\" }"), &g,
           "{\"headers\":{},\"method\":\"POST\",\"url\":\"https://api.vendor.com/v1/x\"}");
    expect(
        ONE("auth: { header: X-Key }\nheaders: { X-Version: v2 }\n", "{ url: \"{base}/x\", secret: false }"),
        &g, "{\"headers\":{},\"method\":\"POST\",\"url\":\"https://api.vendor.com/v1/x\"}");
    expect(
        ONE("auth: { header: X-Key, value: \"Key {secret.b}\", parts: [a, b] }\n", "{ url: \"{base}/x\" }"),
        &g,
        "{\"headers\":{\"X-Key\":\"Key "
        "****\"},\"method\":\"POST\",\"url\":\"https://api.vendor.com/v1/x\"}");
    expect(ONE("auth: { header: X-Key, value: \"Bearer {token}\", token: { jwt_hs256: { key: \"{secret}\" } "
               "} }\n",
               "{ url: \"{base}/x\" }"),
           &g,
           "{\"headers\":{\"X-Key\":\"Bearer "
           "****\"},\"method\":\"POST\",\"url\":\"https://api.vendor.com/v1/x\"}");
    expect(ONE("auth: { aws_sigv4: { service: bedrock, region: eu-west-1 } }\n", "{ url: \"{base}/x\" }"), &g,
           "{\"headers\":{\"Authorization\":\"AWS4-HMAC-SHA256 "
           "****\"},\"method\":\"POST\",\"url\":\"https://api.vendor.com/v1/x\"}");
}

static void test_secret_hosts(void **state)
{
    /* The secret goes to named hosts over TLS and to where the operator put the base, and nowhere else. */
    static const char adapter[] = HEAD "hosts: [\"*.vendor.com\"]\nauth: { header: X-Key }\nheaders: { "
                                       "X-Version: v2 }\ntasks:\n  video.generate:\n    submit:\n"
                                       "      request: { url: \"{base}/v\" }\n      save: { id: .body.id, "
                                       "poll: .body.poll }\n    poll:\n      request: { url: \"{poll}\" }\n"
                                       "      state: { from: .body.s, map: { d: completed } }\n      "
                                       "outputs: { url: .body.u }\n    download: { secret: true }\n";
    static const struct {
        const char *url, *base;
        bool secret;
    } rows[] = {{"https://api.vendor.com/v1/1", NULL, true},
                {"https://eu.vendor.com/1", NULL, true},
                {"https://EU.Vendor.COM:443/1", NULL, true},
                {"http://eu.vendor.com/1", NULL, false},
                {"https://vendor.com/1", NULL, false},
                {"https://eu.vendor.com:8443/1", NULL, false},
                {"https://evil.com/eu.vendor.com", NULL, false},
                {"https://eu.vendor.com.evil.com/", NULL, false},
                {"http://127.0.0.1:9000/1", "http://127.0.0.1:9000", true},
                {"http://127.0.0.1:9001/1", "http://127.0.0.1:9000", false},
                {"https://127.0.0.1:9000/1", "http://127.0.0.1:9000", true}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int step = STEP_POLL; step <= STEP_DOWNLOAD; step += STEP_DOWNLOAD - STEP_POLL) {
            struct adapter *a = load(adapter);
            struct request *r = NULL;
            char *vars = mem_printf("{\"poll\":\"%s\",\"url\":\"%s\"}", rows[i].url, rows[i].url);
            struct given g = {.vars = vars, .base = rows[i].base, .step = step};
            assert_int_equal(render(a, &g, &r, NULL), FAULT_OK);
            if ((r->auth != AUTH_NONE) != rows[i].secret || r->secret_allowed != rows[i].secret ||
                (r->field_count > 0) != rows[i].secret) {
                fail_msg("%s with %s", rows[i].url, rows[i].base ? rows[i].base : "its own base");
            }
            request_free(&r);
            adapter_drop(&a);
            free(vars);
        }
    }
}

static void test_addresses(void **state)
{
    /* What a vendor gives as an address must be one. */
    static const char adapter[] = HEAD "tasks:\n  video.generate:\n    submit:\n      request: { url: "
                                       "\"{base}/v\" }\n      save: { id: .body.id, poll: .body.poll }\n"
                                       "    poll:\n      request: { url: \"{poll}\" }\n      state: { from: "
                                       ".body.s, map: { d: completed } }\n      outputs: { url: .body.u }\n";
    static const char *const bad[] = {"ftp://api.vendor.com/",
                                      "file:///etc/passwd",
                                      "javascript:1",
                                      "https://user:pw@api.vendor.com/",
                                      "https://",
                                      "https:///x",
                                      "https://a b/",
                                      "https://api.vendor.com/\\u000d\\u000aX: y",
                                      "https://api.vendor.com:x",
                                      "https://h:0/",
                                      "https://h:99999/",
                                      "",
                                      "https://[::1",
                                      "//evil.com/x y",
                                      "https://h/\\u00e9"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char *vars = mem_printf("{\"poll\":\"%s\"}", bad[i]);
        struct given g = {.vars = vars, .step = STEP_POLL};
        char *got = shown(adapter, &g);
        if (strncmp(got, "refused ", 8) != 0) {
            fail_msg("%s became %s", bad[i], got);
        }
        free(got);
        free(vars);
    }
    struct given g = {.vars = "{\"poll\":\"/later/1\"}", .step = STEP_POLL};
    expect_part(adapter, &g, "\"url\":\"https://api.vendor.com/v1/later/1\"");
    struct given v6 = {.vars = "{\"poll\":\"https://[2001:db8::1]:8443/x\"}", .step = STEP_POLL};
    expect_part(adapter, &v6, "\"url\":\"https://[2001:db8::1]:8443/x\"");
    struct given none = {.step = STEP_POLL};
    expect(adapter, &none, "refused poll: {poll} has no value here");
    struct given fetch = {.step = STEP_FETCH};
    expect_part(adapter, &fetch, "has no step fetch");
}

static void test_query(void **state)
{
    /* Query parameters are encoded, nulls are left out, lists are repeated. */
    struct given g = {.input = "{\"prompt\":\"a b&c=d/ü\",\"n\":2,\"seed\":null,\"enhance_prompt\":true}"};

    (void)state;
    expect_part(ONE("", "{ url: \"{base}/x\", query: { q: .input.prompt, n: .input.n, s: .input.seed, e: "
                        ".input.enhance_prompt, l: '[1,\"x\"]' } }"),
                &g, "\"url\":\"https://api.vendor.com/v1/x?q=a%20b%26c%3Dd%2F%C3%BC&n=2&e=true&l=1&l=x\"");
    expect_part(ONE("", "{ url: \"{base}/x?v=1\", query: { q: .input.prompt, n: .input.n, s: .input.seed, e: "
                        ".input.enhance_prompt } }"),
                &g, "x?v=1&q=");
    expect_part(ONE("", "{ url: \"{base}/x\", query: { q: '{a: 1}', p: .input } }"), &g,
                "refused q: q is no text");
}

static void test_form(void **state)
{
    /* A form body is encoded; an object has no place in it. */
    struct given g = {.input = "{\"prompt\":\"a b\",\"n\":2}"};

    (void)state;
    expect_part(
        ONE("", "{ url: \"{base}/x\", form: { p: .input.prompt, n: .input.n } }"), &g,
        "\"form\":\"p=a%20b&n=2\",\"headers\":{\"Content-Type\":\"application/x-www-form-urlencoded\"}");
    expect_part(ONE("", "{ url: \"{base}/x\", form: { p: .input } }"), &g, "refused p: ");
}

static void test_raw(void **state)
{
    /* A raw body is one medium, with its type. */
    static const char adapter[] =
        HEAD "tasks:\n  image.upscale:\n    inputs: { image: { forms: [part] } }\n    submit:\n"
             "      request: { url: \"{base}/x\", raw: .input.image }\n      outputs: { raw: true }\n";
    struct given g = {.input = "{\"image\":{\"$part\":0}}",
                      .media = "[{\"type\":\"image/webp\",\"bytes\":7}]"};
    struct given wrong = {.input = "{\"image\":\"text\"}"}, forged = {.input = "{\"image\":{\"$part\":-4}}"};

    (void)state;
    expect_part(adapter, &g, "{\"headers\":{\"Content-Type\":\"image/webp\"},\"method\":\"POST\",\"raw\":0");
    expect_part(adapter, &wrong, "refused");
    expect_part(adapter, &forged, "refused");
}

static void test_multipart(void **state)
{
    /* Parts in order: texts, numbers, JSON, media; lists repeat the name, nulls are left out; the boundary is
     * random. */
    static const char adapter[] =
        HEAD "tasks:\n  image.edit:\n    inputs: { images: { forms: [part] } }\n    submit:\n"
             "      request: { url: \"{base}/x\", multipart: { p: .input.prompt, n: .input.n, s: "
             ".input.seed, \"i[]\": .input.images, j: '{a: "
             "[1]}' } }\n      outputs: { raw: true }\n";
    struct given g = {
        .input = "{\"prompt\":\"a\",\"n\":2.0,\"seed\":null,\"images\":[{\"$part\":0},{\"$part\":1}]}",
        .media = "[{\"type\":\"image/png\",\"name\":\"a b.png\"},{\"type\":\"image/jpeg\"}]"};
    struct adapter *a = load(adapter);
    struct request *r, *s;

    (void)state;
    expect_part(adapter, &g,
                "\"multipart\":[{\"name\":\"p\",\"text\":\"a\"},{\"name\":\"n\",\"text\":\"2\"},"
                "{\"name\":\"j\",\"text\":\"{\\\"a\\\":[1]}\",\"type\":\"application/json\"},"
                "{\"filename\":\"a b.png\",\"medium\":0,\"name\":\"i[]\",\"type\":\"image/png\"},"
                "{\"filename\":\"file1.jpg\",\"medium\":1,\"name\":\"i[]\",\"type\":\"image/jpeg\"}]");
    assert_int_equal(render(a, &g, &r, NULL), FAULT_OK);
    assert_int_equal(render(a, &g, &s, NULL), FAULT_OK);
    assert_int_equal(strlen(r->boundary), 39);
    assert_string_not_equal(r->boundary, s->boundary);
    assert_string_equal(r->fields[0].name, "Content-Type");
    assert_non_null(strstr(r->fields[0].value, r->boundary));
    request_free(&r);
    request_free(&s);
    adapter_drop(&a);
}

static void test_json(void **state)
{
    /* Nulls go unless they shall stay, whole numbers lose their fraction, the input itself is not touched. */
    static const char input[] = "{\"prompt\":\"a\",\"guidance\":8.0,\"strength\":0.1,\"vendor\":{\"x\":{"
                                "\"y\":null,\"z\":1},\"keep\":null}}";
    struct given g = {.input = input};

    (void)state;
    expect_part(ONE("", "{ url: \"{base}/x\", json: { p: .input.prompt, g: .input.guidance, s: "
                        ".input.strength, n: .input.seed, x: { a: "
                        ".input.seed, b: 3.0 } } }"),
                &g,
                "\"json\":{\"g\":8,\"keep\":null,\"p\":\"a\",\"s\":0.1,\"x\":{\"b\":3,\"y\":null,\"z\":1}}");
    expect_part(ONE("", "{ url: \"{base}/x\", drop_nulls: false, json: { p: .input.prompt, n: .input.seed, "
                        "g: .input.guidance, s: .input.strength } }"),
                &g, "\"n\":null");
    expect_part(ONE("", "{ url: \"{base}/x\", json: { p: [.input.prompt.x, .input.seed, .input.strength], g: "
                        ".input.guidance } }"),
                &g, "\"p\":0.1");
    expect_part(
        ONE("",
            "{ url: \"{base}/x\", json: { p: .input.prompt.x, g: .input.guidance, s: .input.strength } }"),
        &g, "refused p: Cannot index");
}

static void test_vendor(void **state)
{
    /* Vendor fields: merged, used up by an expression, rejected by name, without a place to go. */
    struct given g = {.input = "{\"vendor\":{\"a\":1,\"b\":2}}"};

    (void)state;
    expect_part(ONE("", "{ url: \"{base}/x\", json: { c: .input.vendor.a } }"), &g,
                "\"json\":{\"b\":2,\"c\":1}");
    expect_part(ONE("", "{ url: \"{base}/x\", json: { c: '.input.vendor[\"a\"]' } }"), &g,
                "\"json\":{\"b\":2,\"c\":1}");
    expect_part(ONE("", "{ url: \"{base}/x\", query: { a: null }, json: {} }"), &g, "x?a=1\"}");
    expect_part(ONE("", "{ url: \"{base}/x\", vendor: false, json: { c: 1 } }"), &g, "refused vendor.a: ");
    expect_part(ONE("", "{ url: \"{base}/x\" }"), &g, "refused vendor: ");
    expect_part(ONE("", "{ url: \"{base}/x\", json: '[1]' }"), &g, "refused vendor: ");
    expect_part(HEAD "tasks:\n  image.generate:\n    unsupported: { vendor.a: reject }\n    submit:\n      "
                     "request: { url: \"{base}/x\", json: {} "
                     "}\n      outputs: { url: .body.u }\n",
                &g, "refused vendor.a: ");
    expect_part(HEAD "tasks:\n  image.generate:\n    unsupported: { vendor.a: ignore }\n    submit:\n      "
                     "request: { url: \"{base}/x\", json: {} "
                     "}\n      outputs: { url: .body.u }\n",
                &g, "\"json\":{\"b\":2}");
}

static void test_unsupported(void **state)
{
    /* A field that nothing uses is rejected unless the file says otherwise; null is not given. */
    struct given g = {.input = "{\"prompt\":\"a\",\"seed\":1}"},
                 null = {.input = "{\"prompt\":\"a\",\"seed\":null}"};
#define SEED(list)                                                                                           \
    HEAD "tasks:\n  image.generate:\n    unsupported: " list                                                 \
         "\n    submit:\n      request: { url: \"{base}/x\", json: { p: .input.prompt } }\n"                 \
         "      outputs: { url: .body.u }\n"

    (void)state;
    expect_part(SEED("{ mask: ignore }"), &g,
                "refused seed: seed is not supported by vendor (image.generate)");
    expect_part(SEED("{ mask: ignore }"), &null, "\"json\":{\"p\":\"a\"}");
    expect_part(SEED("{ seed: ignore }"), &g, "\"json\":{\"p\":\"a\"}");
    expect_part(SEED("{ \"*\": ignore }"), &g, "\"json\":{\"p\":\"a\"}");
    expect_part(SEED("{ \"*\": ignore, seed: reject }"), &g, "refused seed");
    expect_part(ONE("", "{ url: \"{base}/x\", json: .input }"), &g, "\"json\":{\"prompt\":\"a\",\"seed\":1}");
}

static void test_templates(void **state)
{
    /* Values in URLs and headers cannot leave their place; a header without a value is left out. */
    struct given g = {.input = "{\"prompt\":\"a/b?c#d e\",\"style\":\"x\\r\\ny: z\",\"quality\":\"..\"}"};

    (void)state;
    expect_part(ONE("", "{ url: \"{base}/{p}/{model|path}/{model}/{task}/{kind}/{idempotency_key}\", let: { "
                        "p: .input.prompt, q: .input.style, r: "
                        ".input.quality } }"),
                &g, "/v1/a%2Fb%3Fc%23d%20e/m/1/m%2F1/t-1/image.generate/i-1");
    expect_part(
        ONE("", "{ url: \"{base}/{p}\", let: { p: .input.quality, q: .input.prompt, r: .input.style } }"), &g,
        "refused p: {p} holds a dot segment");
    expect_part(ONE("", "{ url: \"{base}/x\", headers: { X-A: \"{p}\" }, let: { p: .input.style, q: "
                        ".input.prompt, r: .input.quality } }"),
                &g, "refused p: {p} holds a control char");
    expect_part(ONE("", "{ url: \"{base}/x\", headers: { X-A: \"{p}\", X-B: \"{{1}} {q}\" }, let: { p: "
                        ".input.seed, q: '5', r: '[.input.prompt, "
                        ".input.style, .input.quality] | length' } }"),
                &g, "\"headers\":{\"X-B\":\"{1} 5\"}");
    expect_part(ONE("", "{ url: \"{base}/x\", let: { p: .input } }"), &g, "refused p: let.p is no text");
}

static void test_idempotency(void **state)
{
    /* The key goes into a header or a field, on submission alone. */
    struct given g = {0};

    (void)state;
    expect_part(ONE("idempotency: { header: X-Idem }\n", "{ url: \"{base}/x\", json: {} }"), &g,
                "\"X-Idem\":\"i-1\"");
    expect_part(ONE("idempotency: { field: token }\n", "{ url: \"{base}/x\", json: {} }"), &g,
                "\"json\":{\"token\":\"i-1\"}");
}

static void test_limits(void **state)
{
    /* What is too large is refused, not cut. */
    char *long_text = mem_new(LIMIT_TEXT_BYTES + 100), *input;

    (void)state;
    memset(long_text, 'x', LIMIT_TEXT_BYTES + 50);
    input = mem_printf("{\"prompt\":\"%s\"}", long_text);
    struct given g = {.input = input};
    expect_part(ONE("", "{ url: \"{base}/x\", json: { p: .input.prompt } }"), &g, "refused");
    expect_part(ONE("", "{ url: \"{base}/x\", form: { p: .input.prompt } }"), &g, "refused");
    expect_part(ONE("", "{ url: \"{base}/{p}\", let: { p: .input.prompt } }"), &g, "refused");
    free(input);
    free(long_text);
}

static void test_hosts(void **state)
{
    /* Patterns fit whole labels, whatever their case. */
    (void)state;
    assert_true(host_fits("api.x.com", "API.X.COM"));
    assert_true(host_fits("*.x.com", "a.b.x.com"));
    assert_false(host_fits("*.x.com", "x.com"));
    assert_false(host_fits("*.x.com", ".x.com"));
    assert_false(host_fits("*.x.com", "ax.com"));
    assert_false(host_fits("api.x.com", "api.x.com.evil.com"));
    assert_true(host_pattern("*.x.com:8443"));
    assert_false(host_pattern("https://x.com"));
    assert_false(host_pattern("x.com/path"));
    assert_false(host_pattern("*"));
}

static const char *find_nothing(void *arg, const char *name)
{
    (void)arg;
    (void)name;
    return NULL;
}

static void test_template_parts(void **state)
{
    /* A template tells its variables in order. */
    struct template *t = NULL;
    struct buf out;

    (void)state;
    assert_int_equal(template_parse("{a}/{{x}}/{b|path}", &t, NULL), FAULT_OK);
    assert_string_equal(template_name(t, 0), "a");
    assert_string_equal(template_name(t, 1), "b");
    assert_null(template_name(t, 2));
    buf_init(&out, 100);
    assert_int_equal(template_url(t, find_nothing, NULL, &out, NULL), FAULT_BAD_VALUE);
    buf_done(&out);
    template_free(&t);
    template_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auth),           cmocka_unit_test(test_secret_hosts),
        cmocka_unit_test(test_addresses),      cmocka_unit_test(test_query),
        cmocka_unit_test(test_form),           cmocka_unit_test(test_raw),
        cmocka_unit_test(test_multipart),      cmocka_unit_test(test_json),
        cmocka_unit_test(test_vendor),         cmocka_unit_test(test_unsupported),
        cmocka_unit_test(test_templates),      cmocka_unit_test(test_idempotency),
        cmocka_unit_test(test_limits),         cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_template_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
