/* test_case.c - the runner of cases finds every difference, and refuses cases that would check nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/case.h"
#include "wire/yaml.h"

static const char adapter[] =
    "adapter: vendor\nbase: https://api.vendor.com\nauth: { header: X-Key }\ntasks:\n  image.generate:\n"
    "    inputs: { images: { forms: [url, data_uri], max_bytes: 100 } }\n    submit:\n"
    "      request: { url: \"{base}/x\", json: { p: .input.prompt, i: .input.images } }\n      save: { id: "
    ".body.id }\n"
    "    poll:\n      request: { url: \"{base}/x/{id}\" }\n      state: { from: .body.s, map: { d: completed "
    "} }\n"
    "      outputs: { url: .body.url }\n";

/* What the runner told. */
struct told {
    char pointers[512];
    char op[64];
    size_t requests, meanings;
};

static void on_op(void *arg, const char *name)
{
    struct told *t = arg;

    snprintf(t->op, sizeof(t->op), "%s", name);
}

static void on_request(void *arg, size_t i, const char *step, const json_t *request)
{
    struct told *t = arg;

    (void)i;
    assert_non_null(step);
    assert_true(json_is_object(request));
    t->requests++;
}

static void on_meaning(void *arg, size_t i, const char *step, const json_t *meaning)
{
    struct told *t = arg;

    (void)i;
    assert_non_null(step);
    assert_true(json_is_object(meaning));
    t->meanings++;
}

static void on_difference(void *arg, const char *pointer, const json_t *want, const json_t *got)
{
    struct told *t = arg;
    size_t n = strlen(t->pointers);

    assert_true(want || got);
    snprintf(t->pointers + n, sizeof(t->pointers) - n, "%s ", pointer);
}

static enum fault run(const char *text, struct told *t, size_t *differences, struct note *note)
{
    static const struct case_events events = {on_op, on_request, on_meaning, on_difference, NULL};
    struct adapter *a = NULL;
    json_t *c = NULL;

    memset(t, 0, sizeof(*t));
    memset(note, 0, sizeof(*note));
    assert_int_equal(adapter_read(slice_of(adapter), "vendor.yaml", NULL, NULL, &a), FAULT_OK);
    assert_int_equal(adapter_compile(a, NULL, NULL), FAULT_OK);
    assert_int_equal(yaml_read(slice_of(text), &c, NULL, note), FAULT_OK);
    enum fault fault = case_run(a, c, &events, t, differences, note);
    json_decref(c);
    adapter_drop(&a);
    return fault;
}

#define TASK "task: { kind: image.generate, model: m, input: { prompt: a } }\n"

static void test_same(void **state)
{
    /* A case that tells the truth has no difference, and what an answer saves is used by the next step. */
    struct told t;
    struct note note;
    size_t differences;

    (void)state;
    assert_int_equal(run(TASK "op: image.generate\nsteps:\n"
                              "  - step: submit\n    request: { method: POST, url: "
                              "\"https://api.vendor.com/x\", json: { p: a }, headers: { X-Key: "
                              "\"****\", Content-Type: application/json } }\n"
                              "    answer: { status: 200, body: { id: 7 } }\n    meaning: { class: ok, "
                              "state: queued, vendor_id: \"7\", save: { id: \"7\" } "
                              "}\n"
                              "  - step: poll\n    request: { method: GET, url: "
                              "\"https://api.vendor.com/x/7\", headers: { X-Key: \"****\" } }\n",
                         &t, &differences, &note),
                     FAULT_OK);
    assert_string_equal(t.pointers, "");
    assert_int_equal(differences, 0);
    assert_string_equal(t.op, "image.generate");
    assert_int_equal(t.requests, 2);
    assert_int_equal(t.meanings, 1);
}

static void test_different(void **state)
{
    /* Each wrong, missing or additional member is told with where it stands. */
    struct told t;
    struct note note;
    size_t differences;

    (void)state;
    assert_int_equal(run(TASK "op: image.edit\nsteps:\n"
                              "  - step: submit\n    request: { method: PUT, url: "
                              "\"https://api.vendor.com/x\", json: { p: a, n: 1 }, headers: { "
                              "Content-Type: application/json } }\n"
                              "    answer: { status: 200, body: { id: 7 } }\n    meaning: { class: ok, "
                              "state: queued, save: { id: \"8\" } }\n",
                         &t, &differences, &note),
                     FAULT_OK);
    assert_int_equal(differences, 6);
    assert_string_equal(t.pointers,
                        "/op /steps/0/request/method /steps/0/request/json/n /steps/0/request/headers/X-Key "
                        "/steps/0/meaning/save/id /steps/0/meaning/vendor_id ");
}

static void test_refusals(void **state)
{
    /* A refusal is compared where one is expected, and is a difference where a request is. */
    static const char large[] = "task: { kind: image.generate, model: m, input: { images: [{ media: aa, "
                                "bytes: 500, type: image/png }] } }\n";
    struct told t;
    struct note note;
    size_t differences;
    char text[512];

    (void)state;
    snprintf(text, sizeof(text),
             "%ssteps: [{ step: submit, refused: { code: vendor_rejected, field: \"images[0]\" } }]\n",
             large);
    assert_int_equal(run(text, &t, &differences, &note), FAULT_OK);
    assert_int_equal(differences, 0);
    snprintf(text, sizeof(text),
             "%ssteps: [{ step: submit, refused: { code: vendor_rejected, field: mask } }]\n", large);
    assert_int_equal(run(text, &t, &differences, &note), FAULT_OK);
    assert_string_equal(t.pointers, "/steps/0/refused/field ");
    snprintf(text, sizeof(text), "%ssteps: [{ step: submit, request: { method: POST } }]\n", large);
    assert_int_equal(run(text, &t, &differences, &note), FAULT_OK);
    assert_string_equal(t.pointers, "/steps/0/request/method /steps/0/request/refused ");
    assert_int_equal(
        run(TASK "steps: [{ step: submit, refused: { code: vendor_rejected } }]\n", &t, &differences, &note),
        FAULT_OK);
    assert_true(differences > 0);
    assert_int_equal(run("task: { kind: audio.speech, model: m, input: { text: a } }\nsteps: [{ step: "
                         "submit, refused: { code: vendor_rejected } }]\n",
                         &t, &differences, &note),
                     FAULT_OK);
    assert_int_equal(differences, 0);
}

static void test_media(void **state)
{
    /* A URL stays one, bytes become a data URI with a token in it. */
    struct told t;
    struct note note;
    size_t differences;

    (void)state;
    assert_int_equal(
        run("task: { kind: image.generate, model: m, input: { images: [{ url: \"https://x/1\" }, { media: "
            "aa, type: image/png, bytes: 5 "
            "}] } }\nsteps:\n  - step: submit\n    request:\n      method: POST\n      url: "
            "\"https://api.vendor.com/x\"\n"
            "      headers: { X-Key: \"****\", Content-Type: application/json }\n"
            "      json: { i: [\"https://x/1\", \"data:image/png;base64,@sluice:0000000000000000:0@\"] }\n",
            &t, &differences, &note),
        FAULT_OK);
    assert_string_equal(t.pointers, "");
}

static void test_senseless(void **state)
{
    /* A case that is misspelt or incomplete is refused: it would check nothing. */
    static const char *const cases[] = {
        "{}",
        "[]",
        TASK,
        TASK "steps: []",
        TASK "steps: [{ step: submti }]",
        TASK "steps: [{ step: submit, meening: {} }]",
        TASK "steps: [{ step: submit, answer: { code: 200 } }]",
        TASK "steps: [7]",
        TASK "stepz: []\nsteps: [{ step: submit }]",
        "task: { kind: image.make, input: {} }\nsteps: [{ step: submit }]",
        "task: { kind: image.generate }\nsteps: [{ step: submit }]",
        "task: { input: {} }\nsteps: [{ step: submit }]",
        "task: { kind: image.generate, input: {}, modle: x }\nsteps: [{ step: submit }]",
    };
    struct told t;
    struct note note;
    size_t differences;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (run(cases[i], &t, &differences, &note) != FAULT_BAD_VALUE || !note.text[0]) {
            fail_msg("taken: %s", cases[i]);
        }
    }
}

/* The n-th block of docs/adapters.md that begins with start, NULL behind the last. The caller frees it. */
static char *block(const char *page, const char *start, int n)
{
    char fence[64];

    snprintf(fence, sizeof(fence), "```yaml\n%s", start);
    const char *at = page;
    while ((at = strstr(at, fence)) && n--) {
        at += strlen(fence);
    }
    const char *end = at ? strstr(at + 8, "\n```") : NULL;
    return end ? strndup(at + 8, (size_t)(end - at) - 7) : NULL;
}

static void test_docs(void **state)
{
    /* The worked example of docs/adapters.md is an adapter, and its case is true. */
    static const struct case_events events = {.differs = on_difference};
    char *page = calloc(1, 1u << 20);
    FILE *f = fopen("docs/adapters.md", "r");
    struct adapter *a = NULL;
    struct told t = {0};
    struct note note = {0};
    json_t *c = NULL;
    size_t differences;

    (void)state;
    assert_non_null(f);
    assert_true(fread(page, 1, (1u << 20) - 1, f) > 0);
    fclose(f);
    char *file = block(page, "# Picto renders", 0), *sample = block(page, "about: ", 0);
    assert_non_null(file);
    assert_non_null(sample);
    assert_int_equal(adapter_read(slice_of(file), "docs/adapters.md", NULL, NULL, &a), FAULT_OK);
    assert_int_equal(adapter_compile(a, NULL, NULL), FAULT_OK);
    assert_int_equal(yaml_read(slice_of(sample), &c, NULL, &note), FAULT_OK);
    assert_int_equal(case_run(a, c, &events, &t, &differences, &note), FAULT_OK);
    assert_string_equal(t.pointers, "");
    json_decref(c);
    adapter_drop(&a);
    free(file);
    free(sample);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),  cmocka_unit_test(test_different), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_media), cmocka_unit_test(test_senseless), cmocka_unit_test(test_docs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
