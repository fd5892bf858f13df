/* test_upload.c - how media reach a vendor: forms by size and type, uploads step by step, lookups. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/answer.h"
#include "core/medium.h"
#include "core/render.h"

static const char adapter[] =
    "adapter: vendor\nbase: https://api.vendor.com\nauth: { header: X-Key }\n"
    "limits:\n  - { requests: 150, per: 10s }\n  - { models: \"veo-*\", "
    "concurrent: 3, kinds: [video.generate] }\n"
    "errors:\n  - { steps: [upload], status: 507, class: quota_exhausted }\n"
    "uploads:\n"
    "  file:\n"
    "    steps:\n"
    "      - request: { url: \"{base}/init\", json: { name: .medium.name, size: "
    ".medium.bytes, type: .medium.type, hash: .medium.digest } }\n"
    "        save: { put: .body.put, extra: .body.extra, part: .body.n }\n"
    "      - request: { method: PUT, url: \"{put}\", headers: { X-Part: "
    "\"{part}\", \"*\": .vars.extra }, raw: .medium.part, secret: false }\n"
    "      - request: { url: \"{base}/files/{part}\" }\n"
    "        repeat: { until: '.body.state == \"ready\"', every: 5s, times: 7 }\n"
    "        save: { uri: .body.uri }\n"
    "    value: { uri: .vars.uri, type: .medium.type }\n"
    "    lives: 1h\n"
    "tasks:\n"
    "  video.generate:\n"
    "    inputs:\n"
    "      image: { forms: [url, data_uri, asset], max_bytes: { data_uri: 5MB, "
    "asset: 200MB }, types: [image/png, \"audio/*\"], upload: file }\n"
    "      video: { forms: [asset, url], max_bytes: 10MB, upload: file }\n"
    "    submit:\n"
    "      request: { url: \"{base}/videos\", json: { p: .input.prompt, i: "
    ".input.image, v: .input.video, ref: .task, left: .deadline_s } }\n"
    "      save: { id: .body.id }\n"
    "    poll: { request: { url: \"{base}/videos/{id}\" }, state: { from: .body.s, "
    "map: { done: completed } }, outputs: { url: .body.url } }\n"
    "    lookup: { request: { url: \"{base}/by/{task}/{idempotency_key}\" }, "
    "found: '.body.list | arrays | length > 0', save: { id: '.body.list[0]' }, lag: 3s }\n";

static struct adapter *vendor;
static const struct adapter_op *op;

static void hear(void *arg, const char *file, int line, int column, const char *text)
{
    (void)arg;
    print_error("%s:%d:%d: %s\n", file, line, column, text);
}

static int setup(void **state)
{
    (void)state;
    unsetenv("HOME");
    assert_int_equal(adapter_read(slice_of(adapter), "vendor.yaml", hear, NULL, &vendor), FAULT_OK);
    assert_int_equal(adapter_compile(vendor, hear, NULL), FAULT_OK);
    op = adapter_op_named(vendor, "video.generate");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    adapter_drop(&vendor);
    return 0;
}

/* ---- forms ---- */

static void test_forms(void **state)
{
    /* The first form that fits is taken: by size, by whether there is a URL, in the order of the file; types
     * that are not taken are refused by name. */
    static const struct {
        const char *field;
        bool url, measured;
        uint64_t bytes;
        const char *type;
        enum adapter_form form;
        const char *refused;
    } rows[] = {
        {"image", true, false, 0, NULL, FORM_URL, NULL},
        {"image", false, false, 0, NULL, FORM_COUNT, NULL},
        {"image", false, true, 5000000, "image/png", FORM_DATA_URI, NULL},
        {"image", false, true, 5000001, "image/png", FORM_ASSET, NULL},
        {"image", false, true, 200000001, "image/png", FORM_COUNT, "at most 200000000"},
        {"image", false, true, 10, "audio/mpeg", FORM_DATA_URI, NULL},
        {"image", false, true, 10, "image/jpeg", FORM_COUNT, "takes image/png, audio/*"},
        {"image", false, true, 10, "video/mp4", FORM_COUNT, "image[2] is video/mp4"},
        {"video", true, false, 0, NULL, FORM_COUNT, NULL},
        {"video", true, true, 10, "video/mp4", FORM_ASSET, NULL},
        {"video", true, true, 10000001, "video/mp4", FORM_URL, NULL},
        {"video", false, true, 10000001, "video/mp4", FORM_COUNT, "at most 10000000"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct adapter_given given = {rows[i].url, rows[i].measured, rows[i].bytes, rows[i].type,
                                            "image[2]"};
        enum adapter_form form;
        struct note note = {0};
        enum fault fault = adapter_medium_form(adapter_medium(op, rows[i].field), &given, &form, &note);
        assert_int_equal(fault, rows[i].refused ? FAULT_VENDOR_REJECTED : FAULT_OK);
        assert_int_equal(form, rows[i].form);
        if (rows[i].refused && (!strstr(note.text, rows[i].refused) || strcmp(note.field, "image[2]") != 0)) {
            fail_msg("%zu: %s at %s", i, note.text, note.field);
        }
    }
    assert_null(adapter_medium(op, "audio"));
}

static void test_limits(void **state)
{
    /* Limits are read as they are written, and say which tasks they are about. */
    const struct adapter_limit *all = adapter_limit(vendor, 0), *some = adapter_limit(vendor, 1);

    (void)state;
    assert_int_equal(all->requests, 150);
    assert_int_equal(all->per_ms, 10000);
    assert_int_equal(some->concurrent, 3);
    assert_null(adapter_limit(vendor, 2));
    assert_true(adapter_limit_fits(all, KIND_AUDIO_SPEECH, NULL));
    assert_true(adapter_limit_fits(some, KIND_VIDEO_GENERATE, "veo-3.1"));
    assert_false(adapter_limit_fits(some, KIND_VIDEO_GENERATE, "imagen"));
    assert_false(adapter_limit_fits(some, KIND_IMAGE_GENERATE, "veo-3.1"));
}

/* ---- uploads ---- */

static json_t *medium(void)
{
    const struct medium m = {
        .index = 2, .type = "image/png", .bytes = 77, .digest = "abc", .token = "@token@"};

    return medium_to_json(&m);
}

static json_t *rendered(int step, const json_t *vars)
{
    json_t *about = medium(), *input = json_object();
    const struct render_in in = {.input = input, .model = "m", .task = "t-1", .vars = vars, .medium = about};
    struct request *r = NULL;
    struct note note = {0};

    if (render_upload(op, adapter_upload_named(vendor, "file"), step, &in, &r, &note) != FAULT_OK) {
        fail_msg("%s", note.text);
    }
    json_t *told = request_to_json(r);
    request_free(&r);
    json_decref(about);
    json_decref(input);
    return told;
}

static struct answer *answered(int step, const char *body, int status, json_t *vars)
{
    json_t *value = body ? json_loads(body, 0, NULL) : NULL, *about = medium();
    const struct answer_in in = {
        .status = status, .body = value, .raw_blob = -1, .vars = vars, .medium = about};
    struct answer *a = NULL;

    assert_int_equal(answer_read_upload(op, adapter_upload_named(vendor, "file"), step, &in, &a, NULL),
                     FAULT_OK);
    json_decref(value);
    json_decref(about);
    return a;
}

static void expect(json_t *told, const char *want)
{
    json_t *value = json_loads(want, 0, NULL);

    if (!json_equal(told, value)) {
        fail_msg("%s", json_dumps(told, JSON_COMPACT | JSON_SORT_KEYS));
    }
    json_decref(value);
    json_decref(told);
}

static void test_steps(void **state)
{
    /* Each step sees the medium and what the steps before have saved, of any kind; one with repeat waits; the
     * last gives the asset. A request that goes elsewhere carries no key and no header that is not its own to
     * set. */
    const struct adapter_upload *u = adapter_upload_named(vendor, "file");
    json_t *vars = json_object();

    (void)state;
    assert_int_equal(adapter_upload_steps(u), 3);
    assert_int_equal(adapter_upload_lives_ms(u), 3600000);
    assert_int_equal(adapter_upload_every_ms(u, 2), 5000);
    assert_int_equal(adapter_upload_times(u, 2), 7);
    expect(rendered(0, NULL),
           "{\"method\":\"POST\",\"url\":\"https://api.vendor.com/"
           "init\",\"headers\":{\"Content-Type\":\"application/json\",\"X-Key\":\"****\"},"
           "\"json\":{\"name\":\"file2.png\",\"size\":77,\"type\":\"image/png\",\"hash\":\"abc\"}}");
    struct answer *a = answered(0,
                                "{\"put\":\"https://bucket.com/"
                                "x?s=1\",\"extra\":{\"X-Sum\":\"9\",\"Host\":\"evil\",\"authorization\":"
                                "\"z\",\"X-Bad\":\"a\\nb\"},\"n\":7}",
                                200, vars);
    assert_int_equal(a->class, CLASS_OK);
    assert_int_equal(a->state, STATE_COMPLETED);
    assert_null(a->value);
    json_object_update(vars, a->save);
    answer_free(&a);
    expect(rendered(1, vars), "{\"method\":\"PUT\",\"url\":\"https://bucket.com/"
                              "x?s=1\",\"headers\":{\"X-Part\":\"7\",\"X-Sum\":\"9\",\"Content-Type\":"
                              "\"application/octet-stream\"},\"raw\":2}");
    a = answered(2, "{\"state\":\"busy\"}", 200, vars);
    assert_int_equal(a->state, STATE_IN_PROGRESS);
    answer_free(&a);
    a = answered(2, "{\"state\":\"ready\",\"uri\":\"u:1\"}", 200, vars);
    expect(json_incref(a->value), "{\"uri\":\"u:1\",\"type\":\"image/png\"}");
    answer_free(&a);
    json_decref(vars);
}

static void test_refusals(void **state)
{
    /* Rules, HTTP statuses and answers without what must be saved say what went wrong; a refusal of a request
     * that had no key is not the key's. */
    json_t *vars = json_object(), *about = medium();
    struct answer *a = answered(0, "{\"put\":\"https://b.com\"}", 200, vars);

    (void)state;
    assert_int_equal(a->class, CLASS_RETRY);
    assert_non_null(strstr(a->text, "it has no extra"));
    answer_free(&a);
    a = answered(0, NULL, 507, vars);
    assert_int_equal(a->class, CLASS_QUOTA_EXHAUSTED);
    answer_free(&a);
    a = answered(0, NULL, 403, vars);
    assert_int_equal(a->class, CLASS_AUTH);
    answer_free(&a);
    const struct answer_in in = {.status = 403, .raw_blob = -1, .medium = about, .without_secret = true};
    assert_int_equal(answer_read_upload(op, adapter_upload_named(vendor, "file"), 1, &in, &a, NULL),
                     FAULT_OK);
    assert_int_equal(a->class, CLASS_RETRY);
    answer_free(&a);
    json_decref(about);
    json_decref(vars);
}

/* ---- lookup ---- */

static void look(int status, const char *body, enum answer_class class, bool found, const char *id)
{
    json_t *value = json_loads(body, 0, NULL);
    const struct answer_in in = {.status = status, .body = value, .raw_blob = -1};
    struct answer *a = NULL;

    assert_int_equal(answer_read(vendor, op, STEP_LOOKUP, &in, &a, NULL), FAULT_OK);
    assert_int_equal(a->class, class);
    assert_int_equal(a->found, found);
    if (id) {
        assert_string_equal(a->vendor_id, id);
        assert_int_equal(a->state, STATE_QUEUED);
    }
    answer_free(&a);
    json_decref(value);
}

static void test_lookup(void **state)
{
    /* Found with what later steps need; not found by status or by its own condition; anything else tells
     * nothing. It asks by our names for the task, which the submission has sent. */
    json_t *input = json_pack("{s:s}", "prompt", "x");
    const struct render_in in = {
        .input = input, .model = "m", .task = "t-1", .idem = "t-1-2", .deadline_s = 61};
    struct request *r = NULL;

    (void)state;
    assert_true(adapter_can_lookup(op));
    assert_int_equal(adapter_lag_ms(op), 3000);
    look(200, "{\"list\":[\"v-1\"]}", CLASS_OK, true, "v-1");
    look(200, "{\"list\":[]}", CLASS_NOT_FOUND, false, NULL);
    look(404, "{}", CLASS_NOT_FOUND, false, NULL);
    look(200, "{\"list\":[null]}", CLASS_RETRY, false, NULL);
    look(200, "{\"error\":\"try later\"}", CLASS_RETRY, false, NULL);
    look(200, "<html>", CLASS_RETRY, false, NULL);
    look(503, "{}", CLASS_RETRY, false, NULL);
    assert_int_equal(render_request(vendor, op, STEP_LOOKUP, &in, &r, NULL), FAULT_OK);
    assert_string_equal(r->url, "https://api.vendor.com/by/t-1/t-1-2");
    request_free(&r);
    assert_int_equal(render_request(vendor, op, STEP_SUBMIT, &in, &r, NULL), FAULT_OK);
    assert_non_null(strstr(r->text, "\"ref\":\"t-1\",\"left\":61"));
    request_free(&r);
    json_decref(input);
}

static void test_unsupported(void **state)
{
    /* The operator's word decides about fields that the adapter has no word for. */
    json_t *input = json_pack("{s:s,s:i}", "prompt", "x", "seed", 1);
    struct render_in in = {.input = input, .model = "m", .task = "t-1"};
    struct request *r = NULL;
    struct note note = {0};

    (void)state;
    assert_int_equal(render_request(vendor, op, STEP_SUBMIT, &in, &r, &note), FAULT_VENDOR_REJECTED);
    assert_string_equal(note.field, "seed");
    in.unsupported = "ignore";
    assert_int_equal(render_request(vendor, op, STEP_SUBMIT, &in, &r, &note), FAULT_OK);
    assert_null(strstr(r->text, "seed"));
    request_free(&r);
    json_decref(input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),    cmocka_unit_test(test_limits), cmocka_unit_test(test_steps),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_lookup), cmocka_unit_test(test_unsupported),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
