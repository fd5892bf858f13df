/* test_adapter_load.c - each mistake in an adapter file is told with its line, its column and what to do. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/adapter.h"

/* The complaints about one file. */
struct heard {
    size_t n;
    int line[32], column[32];
    char text[32][512];
};

static void hear(void *arg, const char *file, int line, int column, const char *text)
{
    struct heard *h = arg;

    assert_string_equal(file, "vendor.yaml");
    if (h->n < 32) {
        h->line[h->n] = line;
        h->column[h->n] = column;
        snprintf(h->text[h->n], sizeof(h->text[0]), "%s", text);
    }
    h->n++;
}

static enum fault read_text(const char *text, struct adapter **a, struct heard *h)
{
    memset(h, 0, sizeof(*h));
    enum fault fault = adapter_read(slice_of(text), "vendor.yaml", hear, h, a);
    if (!fault) {
        fault = adapter_compile(*a, hear, h);
        if (fault) {
            adapter_drop(a);
        }
    }
    assert_true((fault == FAULT_OK) == (*a != NULL));
    return fault;
}

/* Lines 1 to 3 of all samples. */
#define HEAD                                                                                                 \
    "adapter: vendor\nbase: https://api.vendor.com/v1\nauth: { header: Authorization, value: \"Bearer "      \
    "{secret}\" }\n"
/* Lines 4 to 8. */
#define SYNC                                                                                                 \
    "tasks:\n  image.generate:\n    submit:\n      request: { url: \"{base}/images\", json: { prompt: "      \
    ".input.prompt } }\n      outputs: { url: .body.url }\n"
/* Lines 4 to 12. */
#define ASYNC                                                                                                \
    "tasks:\n  video.generate:\n    submit:\n      request: { url: \"{base}/videos\", json: { prompt: "      \
    ".input.prompt } }\n      save: { id: .body.id }\n    poll:\n      request: { url: "                     \
    "\"{base}/videos/{id}\" }\n"                                                                             \
    "      state: { from: .body.status, map: { done: completed } }\n      outputs: { url: .body.url }\n"

static void test_good(void **state)
{
    /* The samples that the mistakes below are made in are good themselves. */
    static const char *const good[] = {HEAD SYNC, HEAD ASYNC,
                                       "adapter: vendor\nbase: http://127.0.0.1:9000\n" SYNC,
                                       "# comment\n---\n" HEAD SYNC};
    struct adapter *a;
    struct heard h;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (read_text(good[i], &a, &h)) {
            fail_msg("%s", h.text[0]);
        }
        assert_int_equal(strlen(adapter_digest(a)), 16);
        adapter_drop(&a);
    }
}

/* One mistake, where it must be found and what must be said. */
struct mistake {
    const char *text;
    int line, column;
    const char *says;
};

static void check(const struct mistake *m)
{
    struct adapter *a;
    struct heard h;

    assert_int_equal(read_text(m->text, &a, &h), FAULT_CONFIG);
    for (size_t i = 0; i < h.n && i < 32; i++) {
        if (h.line[i] == m->line && h.column[i] == m->column && strstr(h.text[i], m->says)) {
            return;
        }
    }
    for (size_t i = 0; i < h.n && i < 32; i++) {
        print_error("heard %d:%d %s\n", h.line[i], h.column[i], h.text[i]);
    }
    fail_msg("not told at %d:%d: %s\n%s", m->line, m->column, m->says, m->text);
}

static void check_all(const struct mistake *mistakes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        check(&mistakes[i]);
    }
}
#define CHECK_ALL(list) check_all(list, sizeof(list) / sizeof(list[0]))

static void test_yaml(void **state)
{
    /* What is no YAML is told where the reader stopped. */
    static const struct mistake mistakes[] = {
        {"adapter: vendor\nadapter: again\n", 2, 1, "adapter"},
        {"adapter: {\n", 2, 1, ""},
        {"", 1, 1, "the file"},
        {"[1, 2]", 1, 1, "the file"},
    };

    (void)state;
    CHECK_ALL(mistakes);
}

static void test_schema(void **state)
{
    /* What does not fit the schema is told at its place, and the nearest known word is named. */
    static const struct mistake mistakes[] = {
        {HEAD "taks:\n  image.generate: {}\n", 4, 1, "tasks"},
        {HEAD "tasks:\n  image.make: {}\n", 5, 3, "image.make"},
        {HEAD SYNC "errors:\n  - { status: 429, class: ratelimited }\n", 10, 20,
         "did you mean \"rate_limited\""},
        {HEAD SYNC "errors:\n  - { status: 42, class: retry }\n", 10, 7, "at least 100"},
        {HEAD SYNC "later: [{ header: a, unit: h }]\n", 9, 22, "unit"},
        {HEAD
         "tasks:\n  image.generate:\n    submit:\n      request: { json: .input }\n      outputs: .body\n",
         7, 7, "url"},
        {HEAD "tasks:\n  image.generate:\n    submit:\n      request: { method: FETCH, url: \"{base}\" }\n   "
              "   outputs: .body\n",
         7, 18, "method"},
        {HEAD ASYNC "    download: { secret: yes }\n", 13, 17, "secret"},
        {"adapter: Vendor\nbase: https://api.vendor.com/v1\n" SYNC, 1, 1, "adapter"},
        {HEAD "format: 2\n" SYNC, 4, 1, "format"},
        {HEAD ASYNC
         "    cancel: { request: { url: \"{base}/c\" }, state: { from: .body.s, map: { OK: stopped } } }\n",
         13, 76, "OK"},
    };

    (void)state;
    CHECK_ALL(mistakes);
}

static void test_templates(void **state)
{
    /* A template names only what is there by then, and its braces are whole. */
    static const struct mistake mistakes[] = {
        {HEAD "tasks:\n  image.generate:\n    submit:\n      request: { url: \"{base}/{voice}\" }\n      "
              "outputs: .body.x\n",
         7, 18, "nothing sets {voice}"},
        {HEAD "tasks:\n  video.generate:\n    submit:\n      request: { url: \"{base}/v\" }\n      save: { "
              "id: .body.id }\n"
              "    poll:\n      request: { url: \"{base}/v/{job}\" }\n      state: { from: .body.s, map: { "
              "d: completed } }\n"
              "      outputs: .body.o\n",
         10, 18, "nothing sets {job}"},
        {HEAD "tasks:\n  image.generate:\n    submit:\n      request: { url: \"{base}/{id\" }\n      "
              "outputs: .body.x\n",
         7, 18, "without }"},
        {HEAD "tasks:\n  image.generate:\n    submit:\n      request: { url: \"{base}/a}b\" }\n      "
              "outputs: .body.x\n",
         7, 18, "without {"},
        {HEAD "tasks:\n  image.generate:\n    submit:\n      request: { url: \"{base}/{model|lower}\" }\n    "
              "  outputs: .body.x\n",
         7, 18, "|path"},
        {HEAD "tasks:\n  image.generate:\n    submit:\n      request: { url: \"{base}/{ model }\" }\n      "
              "outputs: .body.x\n",
         7, 18, "no variable"},
        {HEAD "headers: { X-Id: \"{id}\" }\n" SYNC, 4, 12, "nothing sets {id}"},
        {HEAD "headers: { X-Id: \"{secret}\" }\n" SYNC, 4, 12, "only in auth"},
    };

    (void)state;
    CHECK_ALL(mistakes);
}

static void test_hosts(void **state)
{
    /* A host that could never see the secret, or that is none, is told. */
    static const struct mistake mistakes[] = {
        {"adapter: vendor\nbase: https://api.vendor.com\nauth: { header: X-Key }\ntasks:\n  "
         "image.generate:\n    submit:\n"
         "      request: { url: \"https://other.com/x\" }\n      outputs: .body.x\n",
         7, 18, "add it to hosts"},
        {HEAD "tasks:\n  image.generate:\n    submit:\n      request: { url: "
              "\"https://{model}.vendor.com/x\" }\n      outputs: .body.x\n",
         7, 18, "could be anybody's"},
        {HEAD
         "tasks:\n  image.generate:\n    submit:\n      request: { url: \"/x\" }\n      outputs: .body.x\n",
         7, 18, "begins with {base}"},
        {HEAD "tasks:\n  image.generate:\n    submit:\n      request: { url: \"http://api.vendor.com/x\" }\n "
              "     outputs: .body.x\n",
         7, 18, "https://"},
        {HEAD "hosts: [https://api.vendor.com]\n" SYNC, 4, 9, "without https://"},
        {HEAD "hosts: [api.vendor.com, \"*\"]\n" SYNC, 4, 25, "no host"},
        {"adapter: vendor\nbase: https://user@api.vendor.com\n" SYNC, 2, 1, "no address"},
        {"adapter: vendor\nbase: http://api.vendor.com\n" SYNC, 2, 1, "without TLS"},
        {"adapter: vendor\nbase: https://api.vendor.com/\n" SYNC, 2, 1, "ends in /"},
        {"adapter: vendor\nbase: https://api.vendor.com\nauth: { header: X-Key, value: key }\n" SYNC, 3, 1,
         "write {secret}"},
    };

    (void)state;
    CHECK_ALL(mistakes);
}

#define AUTH(auth)                                                                                           \
    "adapter: vendor\nbase: https://api.vendor.com\nhosts: [login.vendor.com]\nauth:\n" auth SYNC
#define MINT(rule) "  header: A\n  value: \"{token}\"\n  parts: [id, key]\n  token:\n    " rule "\n"

static void test_auth(void **state)
{
    /* Credentials that cannot be made, go nowhere or go to strangers are told. */
    static const struct mistake mistakes[] = {
        {AUTH("  { header: A, query: b }\n"), 4, 1, "exactly one of"},
        {AUTH("  { header: A, value: \"{secret.key}\" }\n"), 5, 16, "no part key"},
        {AUTH("  { header: A, value: \"{secret}\", parts: [a] }\n"), 5, 16, "{secret.a}"},
        {AUTH("  { header: A, value: \"{token}\" }\n"), 5, 16, "nothing makes {token}"},
        {AUTH("  { header: A, value: \"{secret} {region}\" }\n"), 5, 16, "nothing sets {region}"},
        {AUTH("  { header: A, value: \"{secret} {\" }\n"), 5, 16, "{"},
        {AUTH("  { header: A, value: \"{secret}\", token: { jwt_hs256: { key: \"{secret}\" } } }\n"), 4, 1,
         "the token is nowhere"},
        {AUTH("  { basic: \"{secret}:\", value: x }\n"), 5, 25, "does not go with basic"},
        {AUTH("  { aws_sigv4: { service: s3, region: r }, parts: [a] }\n"), 5, 44,
         "does not go with aws_sigv4"},
        {AUTH("  { aws_sigv4: { service: s3 } }\n"), 5, 5, "region"},
        {AUTH(MINT("jwt_hs256: { key: open }")), 9, 18, "known to all"},
        {AUTH(MINT("jwt_hs256: { key: \"{secret.key}\", claims: { exp: 1 } }")), 9, 49, "the agent sets it"},
        {AUTH(MINT("jwt_hs256: { key: \"{token}\" }")), 9, 18, "it stands in value"},
        {AUTH(MINT("jwt_hs256: { key: \"{secret.key}\", lives: 1ms }")), 9, 39, "too short"},
        {AUTH(MINT(
             "jwt_hs256: { key: \"{secret.key}\" }\n    oauth2_client_credentials: { url: x, form: {} }")),
         8, 3, "exactly one of"},
        {AUTH(MINT("oauth2_client_credentials: { url: https://evil.com/t, form: { a: \"{secret.key}\" } }")),
         9, 34, "evil.com would see the secret"},
        {AUTH(MINT(
             "oauth2_client_credentials: { url: http://login.vendor.com/t, form: { a: \"{secret.key}\" } }")),
         9, 34, "https://"},
        {AUTH(MINT("oauth2_client_credentials: { url: \"https://{secret.id}/t\", form: { a: b } }")), 9, 34,
         "could be anybody's"},
        {AUTH(MINT("oauth2_client_credentials: { url: \"https://login.vendor.com/{x}\", form: { a: b } }")),
         9, 34, "nothing sets {x}"},
        {HEAD
         "tasks:\n  image.generate:\n    submit:\n      request: { url: \"{base}/x\", sign_as: s3 }\n      "
         "outputs: { url: .body.u }\n",
         7, 35, "aws_sigv4 only"},
    };

    (void)state;
    CHECK_ALL(mistakes);
}

static void test_flow(void **state)
{
    /* Steps that lead nowhere are told. */
    static const struct mistake mistakes[] = {
        {HEAD "tasks:\n  video.generate:\n    submit:\n      request: { url: \"{base}/v\" }\n      save: { "
              "id: .body.id }\n",
         6, 5, "no poll step"},
        {HEAD "tasks:\n  video.generate:\n    submit:\n      request: { url: \"{base}/v\" }\n", 6, 5,
         "where the outputs are"},
        {HEAD SYNC "    fetch: { request: { url: \"{base}/f\" }, outputs: .body.o }\n", 9, 5,
         "comes after poll"},
        {HEAD SYNC "    cancel: { request: { url: \"{base}/f\" } }\n", 9, 5, "nothing to cancel"},
        {HEAD "tasks:\n  video.generate:\n    submit:\n      request: { url: \"{base}/v\" }\n    poll:\n     "
              " request: { url: \"{base}/v\" }\n"
              "      state: { from: .body.s, map: { d: completed } }\n      outputs: .body.o\n",
         6, 5, "nothing is saved"},
        {HEAD "tasks:\n  video.generate:\n    submit:\n      request: { url: \"{base}/v\" }\n      save: { "
              "id: .body.id }\n    poll:\n"
              "      request: { url: \"{base}/v\" }\n      state: { from: .body.s, map: { d: in_progress } "
              "}\n      outputs: .body.o\n",
         9, 5, "never end"},
        {HEAD "tasks:\n  video.generate:\n    submit:\n      request: { url: \"{base}/v\" }\n      save: { "
              "id: .body.id }\n    poll:\n"
              "      request: { url: \"{base}/v\" }\n      state: { from: .body.s, map: { d: completed } }\n",
         9, 5, "where the outputs are"},
        {HEAD ASYNC "    fetch: { request: { url: \"{base}/f\" } }\n", 13, 5, "add outputs"},
        {HEAD SYNC "errors: [{ class: retry }]\n", 9, 10, "fits every answer"},
    };

    (void)state;
    CHECK_ALL(mistakes);
}

static void test_operations(void **state)
{
    /* Operations that are never chosen, or that share a name, are told. */
    static const struct mistake mistakes[] = {
        {HEAD "tasks:\n  image.generate:\n    - { name: a, submit: { request: { url: \"{base}/a\" }, "
              "outputs: .body.x } }\n"
              "    - { name: b, submit: { request: { url: \"{base}/b\" }, outputs: .body.x } }\n",
         6, 7, "never chosen"},
        {HEAD "tasks:\n  image.generate:\n    - { name: a, needs: [images], submit: { request: { url: "
              "\"{base}/a\" }, outputs: .body.x } }\n"
              "    - { name: a, submit: { request: { url: \"{base}/b\" }, outputs: .body.x } }\n",
         7, 7, "two operations"},
    };

    (void)state;
    CHECK_ALL(mistakes);
}

static void test_fields(void **state)
{
    /* Fields that no task has, and forms that the body cannot carry, are told. */
    static const struct mistake mistakes[] = {
        {HEAD "tasks:\n  image.generate:\n    needs: [pictures]\n    submit: { request: { url: \"{base}/a\" "
              "}, outputs: .body.x }\n",
         6, 13, "no kind of task has a field pictures"},
        {HEAD "tasks:\n  image.generate:\n    unsupported: { seeed: reject }\n    submit: { request: { url: "
              "\"{base}/a\" }, outputs: .body.x }\n",
         6, 20, "seeed"},
        {HEAD "tasks:\n  image.generate:\n    submit:\n      request: { url: \"{base}/a\", json: { p: "
              ".input.promt } }\n      outputs: .body.x\n",
         7, 7, "no kind of task has a field promt"},
        {HEAD "tasks:\n  image.generate:\n    inputs: { images: { forms: [part] } }\n    submit: { request: "
              "{ url: \"{base}/a\", json: .input }, "
              "outputs: .body.x }\n",
         6, 15, "needs a multipart or raw body"},
        {HEAD "tasks:\n  image.generate:\n    inputs: { images: { forms: [base64] } }\n    submit: { "
              "request: { url: \"{base}/a\", multipart: "
              ".input }, outputs: .body.x }\n",
         6, 15, "need a json body"},
        {HEAD "tasks:\n  image.generate:\n    inputs: { images: { forms: [url], max_bytes: 10 apples } }\n   "
              " submit: { request: { url: "
              "\"{base}/a\", json: .input }, outputs: .body.x }\n",
         6, 39, "no size"},
        {HEAD "idempotency: { field: key }\ntasks:\n  image.generate:\n    submit: { request: { url: "
              "\"{base}/a\" }, outputs: .body.x }\n",
         7, 5, "needs a json body"},
    };

    (void)state;
    CHECK_ALL(mistakes);
}

static void test_expressions(void **state)
{
    /* An expression that jq would not take, or that looks where nothing is, is told at its own place. */
    static const struct mistake mistakes[] = {
        {HEAD "tasks:\n  image.generate:\n    submit:\n      request: { url: \"{base}/a\", json: { p: "
              "'.input.prompt | foo' } }\n"
              "      outputs: .body.x\n",
         7, 43, "foo/0 is not defined"},
        {HEAD "tasks:\n  image.generate:\n    submit:\n      request: { url: \"{base}/a\" }\n      outputs: "
              "'.body | if . then 1'\n",
         8, 7, "syntax error"},
        {HEAD "tasks:\n  image.generate:\n    submit:\n      request: { url: \"{base}/a\" }\n      outputs: "
              "'env.KEY'\n",
         8, 7, "`env` is not allowed"},
        {HEAD "tasks:\n  image.generate:\n    submit:\n      request: { url: \"{base}/a\" }\n      outputs: "
              ".boddy.x\n",
         8, 7, "begins with one of .status .headers .body"},
        {HEAD "tasks:\n  image.generate:\n    submit:\n      request: { url: \"{base}/a\", json: .body }\n   "
              "   outputs: .body.x\n",
         7, 35, "begins with one of .input"},
        {HEAD "tasks:\n  image.generate:\n    submit:\n      request: { url: \"{base}/a\" }\n      outputs: "
              "{ url: '.headers[\"X-Url\"]' }\n",
         8, 18, "lower case"},
        {HEAD "error: { code: [] }\n" SYNC, 4, 10, "code"},
        {HEAD ASYNC "      every: { min: 1 week }\n", 13, 16, "min"},
        {HEAD ASYNC "      every: { min: 20s, max: 10s }\n", 13, 7, "longer than max"},
    };

    (void)state;
    CHECK_ALL(mistakes);
}

static void test_all_told(void **state)
{
    /* Several mistakes are told in one go. */
    struct adapter *a;
    struct heard h;

    (void)state;
    assert_int_equal(
        read_text(
            HEAD
            "hosts: [\"x y\"]\ntasks:\n  image.generate:\n    needs: [aa, bb]\n    submit: { request: { url: "
            "\"{base}/{zz}\" }, outputs: .body.x }\n",
            &a, &h),
        FAULT_CONFIG);
    assert_int_equal(h.n, 4);
    assert_int_equal(adapter_read(slice_of("adapter: 1"), "vendor.yaml", NULL, NULL, &a), FAULT_CONFIG);
}

static void test_questions(void **state)
{
    /* What an adapter says of itself: hosts, forms, timing, timeouts, cancelling, refreshing. */
    static const char text[] =
        HEAD "hosts: [\"*.vendor.com\", \"files.other.com:8443\"]\ntasks:\n  video.generate:\n"
             "    inputs: { image: { forms: [url, data_uri], max_bytes: 10MiB } }\n    submit:\n      "
             "timeout: 90s\n"
             "      request: { url: \"{base}/v\", json: { p: .input.prompt, i: .input.image } }\n      save: "
             "{ id: .body.id }\n"
             "    poll:\n      request: { url: \"{base}/v/{id}\" }\n      every: { first: 500ms, min: 1s, "
             "max: 1m, growth: 2 }\n"
             "      state: { from: .body.s, map: { d: completed } }\n      outputs: { url: .body.url }\n"
             "    cancel: { request: { url: \"{base}/v/{id}\", method: DELETE }, queued_only: true }\n"
             "    download: { secret: true }\n";
    struct adapter *a;
    struct heard h;

    (void)state;
    assert_int_equal(read_text(text, &a, &h), FAULT_OK);
    const struct adapter_op *op = adapter_op_named(a, "video.generate");
    assert_non_null(op);
    assert_true(adapter_host_allowed(a, NULL, "api.vendor.com"));
    assert_true(adapter_host_allowed(a, NULL, "eu.api.vendor.com"));
    assert_false(adapter_host_allowed(a, NULL, "vendor.com"));
    assert_false(adapter_host_allowed(a, NULL, "evilvendor.com"));
    assert_false(adapter_host_allowed(a, NULL, "api.vendor.com:8080"));
    assert_true(adapter_host_allowed(a, NULL, "files.other.com:8443"));
    assert_false(adapter_host_allowed(a, NULL, "files.other.com"));
    assert_true(adapter_host_allowed(a, "http://127.0.0.1:9000/x", "127.0.0.1:9000"));
    assert_false(adapter_host_allowed(a, NULL, "127.0.0.1:9000"));
    const struct adapter_medium *m = adapter_medium(op, "image");
    assert_int_equal(m->form_count, 2);
    assert_int_equal(m->forms[0], FORM_URL);
    assert_int_equal(m->forms[1], FORM_DATA_URI);
    assert_int_equal(m->max_bytes[1], 10 << 20);
    assert_null(adapter_medium(op, "mask"));
    assert_int_equal(adapter_every(op).first_ms, 500);
    assert_int_equal(adapter_every(op).max_ms, 60000);
    assert_int_equal(adapter_timeout_ms(op, STEP_SUBMIT), 90000);
    assert_int_equal(adapter_timeout_ms(op, STEP_POLL), 30000);
    assert_int_equal(adapter_timeout_ms(op, STEP_DOWNLOAD), 0);
    assert_true(adapter_can_cancel(op));
    assert_false(adapter_cancels_running(op));
    assert_int_equal(adapter_refresh(op), STEP_POLL);
    assert_false(adapter_idempotent(op));
    assert_false(adapter_synchronous(op));
    assert_true(adapter_serves(a, KIND_VIDEO_GENERATE));
    assert_false(adapter_serves(a, KIND_TEXT_CHAT));
    assert_null(adapter_op_named(a, "video.generate/x"));
    adapter_drop(&a);
}

static void test_choice(void **state)
{
    /* The first operation that fits the inputs is taken; a task that fits none is told what is needed. */
    static const char text[] = HEAD "tasks:\n  image.edit:\n"
                                    "    - { name: masked, needs: [images, mask], submit: { request: { url: "
                                    "\"{base}/m\", json: .input }, outputs: .body.x } }\n"
                                    "    - { name: many, needs: [images], when: '.input.images | length > "
                                    "1', submit: { request: { url: \"{base}/n\", json: .input }, "
                                    "outputs: .body.x } }\n"
                                    "    - { name: one, needs: [images], submit: { request: { url: "
                                    "\"{base}/o\", json: .input }, outputs: .body.x } }\n";
    static const struct {
        const char *input, *name;
    } rows[] = {{"{\"images\":[1],\"mask\":1}", "image.edit/masked"},
                {"{\"images\":[1,2]}", "image.edit/many"},
                {"{\"images\":[1],\"mask\":null}", "image.edit/one"},
                {"{\"images\":[]}", NULL}};
    struct adapter *a;
    struct heard h;
    struct note note = {0}, other = {0};

    (void)state;
    assert_int_equal(read_text(text, &a, &h), FAULT_OK);
    for (size_t i = 0; i < 4; i++) {
        json_t *input = json_loads(rows[i].input, 0, NULL);
        const struct adapter_op *op = adapter_op_find(a, KIND_IMAGE_EDIT, input, &note);
        if (rows[i].name) {
            assert_non_null(op);
            assert_string_equal(adapter_op_name(op), rows[i].name);
            assert_ptr_equal(adapter_op_named(a, rows[i].name), op);
        } else {
            assert_null(op);
            assert_non_null(strstr(note.text, "only with images and mask; or images"));
        }
        json_decref(input);
    }
    assert_null(adapter_op_find(a, KIND_AUDIO_SPEECH, NULL, &other));
    assert_non_null(strstr(other.text, "it serves image.edit"));
    adapter_drop(&a);
}

static void test_references(void **state)
{
    /* An adapter lives as long as somebody keeps it, and the same text has the same digest. */
    struct adapter *a, *b, *kept;
    struct heard h;

    (void)state;
    assert_int_equal(read_text(HEAD SYNC, &a, &h), FAULT_OK);
    assert_int_equal(read_text(HEAD SYNC "# more\n", &b, &h), FAULT_OK);
    assert_string_not_equal(adapter_digest(a), adapter_digest(b));
    adapter_drop(&b);
    kept = adapter_keep(a);
    adapter_drop(&a);
    assert_null(a);
    assert_string_equal(adapter_name(kept), "vendor");
    assert_string_equal(adapter_base(kept), "https://api.vendor.com/v1");
    adapter_drop(&kept);
    adapter_drop(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),     cmocka_unit_test(test_yaml),
        cmocka_unit_test(test_schema),   cmocka_unit_test(test_templates),
        cmocka_unit_test(test_hosts),    cmocka_unit_test(test_auth),
        cmocka_unit_test(test_flow),     cmocka_unit_test(test_operations),
        cmocka_unit_test(test_fields),   cmocka_unit_test(test_expressions),
        cmocka_unit_test(test_all_told), cmocka_unit_test(test_questions),
        cmocka_unit_test(test_choice),   cmocka_unit_test(test_references),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
