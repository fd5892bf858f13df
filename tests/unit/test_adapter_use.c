/* test_adapter_use.c - what an adapter file names without having it, has without using it, and what its cases
 * leave out. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/adapter.h"
#include "core/coverage.h"

struct heard {
    char all[4096];
};

static void hear(void *arg, const char *file, int line, int column, const char *text)
{
    struct heard *h = arg;
    size_t n = strlen(h->all);

    (void)file;
    snprintf(h->all + n, sizeof(h->all) - n, "%d:%d: %s\n", line, column, text);
}

#define HEAD "adapter: vendor\nbase: https://api.vendor.com\nauth: { header: X-Key }\n"
#define REST                                                                                                 \
    "tasks:\n  video.generate:\n    submit:\n      request: { url: \"{base}/v\", json: { p: .input.prompt "  \
    "} }\n"                                                                                                  \
    "      save: { id: .body.id }\n    poll:\n      request: { url: \"{base}/v/{id}\" }\n"                   \
    "      state: { from: .body.s, map: { done: completed, bad: failed } }\n      outputs: { url: "          \
    ".body.url }\n"

static void test_mistakes(void **state)
{
    /* Each is told at its line and column, with what to do about it. */
    static const struct {
        const char *text, *says;
    } rows[] = {
        {HEAD "error: { code: .vars.nobody }\n" REST, "4:10: error.code: nothing sets .vars.nobody"},
        {HEAD "error: { code: .options.nobody }\n" REST, "4:10: error.code: nothing sets .options.nobody"},
        {HEAD "options: { spare: { about: x } }\n" REST, "4:12: options.spare: is never used"},
        {HEAD "options: { model: { about: x } }\n" REST, "4:12: options.model: templates know {model}"},
        {HEAD "hosts: [api.vendor.com, other.com]\n" REST,
         "4:25: hosts[1]: no request of this file can lead to other.com"},
        {HEAD
         "errors:\n  - { status: 400, class: retry }\n  - { steps: [poll], status: 400, class: auth }\n" REST,
         "6:5: errors[1]: never fits: rule 1"},
        {HEAD "headers: { \"*\": .input.x }\n" REST, "4:1: headers: \"*\" belongs to a request"},
        {HEAD "limits: [{ requests: 5 }]\n" REST, "4:10: limits[0]"},
        {HEAD "limits: [{ concurrent: 5, per: 1s }]\n" REST, "4:10: limits[0]: requests and per go together"},
        {HEAD "limits: [{ concurrent: 5, kinds: [video] }]\n" REST, "kinds[0]: video is no kind of task"},
        {HEAD "uploads: { file: { steps: [{ request: { url: \"{base}/f\" } }], value: .body.u } }\n" REST,
         "4:12: uploads.file: is never used"},
        {HEAD "uploads: { file: { steps: [{ request: { url: \"{base}/f/{later}\" }, save: { later: .body.x } "
              "}], value: .medium.size } }\n" REST,
         "nothing sets {later}"},
        {HEAD
         "uploads: { file: { steps: [{ request: { url: \"{base}/f\" } }], value: .medium.size } }\n" REST,
         "uploads.file.value: nothing sets .medium.size"},
        {HEAD REST "    inputs: { image: { forms: [asset] } }\n", "asset needs upload: NAME"},
        {HEAD REST "    inputs: { image: { forms: [asset], upload: file } }\n", "uploads has no file"},
        {HEAD REST "    inputs: { image: { forms: [url], max_bytes: { data_uri: 5MB } } }\n",
         "a limit of a form that is not in forms"},
        {HEAD REST "    lookup: { request: { url: \"{base}/by/{task}\" }, save: { id: .body.id } }\n",
         "the vendor cannot know our name"},
        {HEAD REST "    lookup: { request: { url: \"{base}/by/{task}\" } }\n", "save must give id as well"},
        {HEAD REST "    when: .vars.id\n", "there is no .vars here"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct heard h = {""};
        struct adapter *a = NULL;
        if (adapter_read(slice_of(rows[i].text), "vendor.yaml", hear, &h, &a) != FAULT_CONFIG ||
            !strstr(h.all, rows[i].says)) {
            fail_msg("wanted %s, heard %s", rows[i].says, h.all);
        }
    }
}

static void test_good(void **state)
{
    /* A host that only an address of the vendor's leads to, an option that only the base names, and equal
     * rules of other steps are no mistakes. */
    static const char *const good[] = {
        HEAD REST,
        HEAD "hosts: [\"*.other.com\"]\n"
             "tasks:\n  video.generate:\n    submit:\n      request: { url: \"{base}/v\", json: { p: "
             ".input.prompt } }\n"
             "      save: { id: .body.id, at: .body.at }\n    poll:\n      request: { url: \"{at}\" }\n"
             "      state: { from: .body.s, map: { done: completed } }\n      outputs: { url: .body.url }\n",
        "adapter: vendor\nbase: \"https://{region}.vendor.com\"\noptions: { region: { about: x } }\n" REST,
        HEAD "errors:\n  - { steps: [submit], status: 400, class: retry }\n  - { steps: [poll], status: 400, "
             "class: auth }\n" REST,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct heard h = {""};
        struct adapter *a = NULL;
        if (adapter_read(slice_of(good[i]), "vendor.yaml", hear, &h, &a) != FAULT_OK) {
            fail_msg("%zu: %s", i, h.all);
        }
        adapter_drop(&a);
    }
}

/* ---- what cases leave out ---- */

#define COVERED                                                                                              \
    HEAD "errors:\n  - { status: 418, class: retry }\n  - { status: 419, class: auth }\n" REST               \
         "    cancel: { request: { method: DELETE, url: \"{base}/v/{id}\" } }\n"
#define SUBMIT                                                                                               \
    "task: { kind: video.generate, model: m, input: { prompt: a } }\nsteps:\n"                               \
    "  - { step: submit, answer: { status: 200, body: { id: v } } }\n"

static void covered(const char *const *cases, size_t n, struct heard *h)
{
    struct adapter *a = NULL;
    struct yaml_marks *marks = NULL;
    json_t *root = NULL;
    size_t differences = 0;
    struct note note = {0};

    memset(h, 0, sizeof(*h));
    assert_int_equal(adapter_read(slice_of(COVERED), "vendor.yaml", hear, h, &a), FAULT_OK);
    assert_int_equal(adapter_compile(a, hear, h), FAULT_OK);
    assert_int_equal(yaml_read(slice_of(COVERED), &root, &marks, NULL), FAULT_OK);
    struct coverage *c = coverage_new(a);
    for (size_t i = 0; i < n; i++) {
        json_t *one = NULL;
        assert_int_equal(yaml_read(slice_of(cases[i]), &one, NULL, NULL), FAULT_OK);
        assert_int_equal(coverage_case(c, one, &differences, &note), FAULT_OK);
        json_decref(one);
    }
    coverage_tell(c, root, marks, hear, h);
    coverage_free(&c);
    json_decref(root);
    yaml_marks_free(&marks);
    adapter_drop(&a);
}

static void test_coverage(void **state)
{
    /* An operation that never ends well, rules that never fit, words that never come and steps that no case
     * has are told where they stand; with cases for all of them nothing is. */
    static const char *const few[] = {
        SUBMIT "  - { step: poll, answer: { status: 418 } }\n",
    };
    static const char *const all[] = {
        SUBMIT "  - { step: poll, answer: { status: 418 } }\n  - { step: poll, answer: { status: 419 } }\n"
               "  - { step: poll, answer: { status: 200, body: { s: bad } } }\n",
        SUBMIT "  - { step: cancel, answer: { status: 200 } }\n"
               "  - { step: poll, answer: { status: 200, body: { s: done, url: \"https://x.com/a\" } } }\n",
    };
    struct heard h;

    (void)state;
    covered(few, 1, &h);
    assert_string_equal(h.all, "8:3: no case of video.generate ends with an output\n"
                               "14:38: no case has an answer of poll with the state done\n"
                               "14:55: no case has an answer of poll with the state bad\n"
                               "16:15: no case has the step cancel\n"
                               "6:5: no case has an answer that this rule fits\n");
    covered(all, 2, &h);
    assert_string_equal(h.all, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_coverage),
    };

    unsetenv("HOME");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
