/* test_adapter_extends.c - adapter files that extend others, and the options of a target. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/adapter.h"
#include "core/render.h"

#define TASKS                                                                                                \
    "tasks:\n  image.generate:\n    inputs: { images: { forms: [url] } }\n    submit:\n      request: { "    \
    "url: "                                                                                                  \
    "\"{base}/images\", json: { p: .input.prompt, i: .input.images } }\n      outputs: { url: .body.url }\n"
#define FATHER "adapter: father\nbase: https://api.father.com/v1\nheaders: { X-One: a, X-Two: b }\n" TASKS

/* The files of a folder, and the first complaint. */
static const struct file {
    const char *name, *text;
} files[] = {
    {"father", FATHER},
    {"son", "adapter: son\nextends: father\nheaders: { X-Two: null, X-Three: c }\n"},
    {"grandson", "adapter: grandson\nextends: son\nbase: https://api.grandson.com\n"},
    {"fourth", "adapter: fourth\nextends: grandson\n"},
    {"fifth", "adapter: fifth\nextends: fourth\n"},
    {"round", "adapter: round\nextends: about\n"},
    {"about", "adapter: about\nextends: round\n"},
    {"broken", "adapter: broken\nbase: [\n"},
    {"wrong",
     "adapter: wrong\nbase: https://api.wrong.com\nerrors:\n  - { status: 400, class: nonsense }\n" TASKS},
};

struct heard {
    char file[32], text[300];
    int line, column;
};

static void hear(void *arg, const char *file, int line, int column, const char *text)
{
    struct heard *h = arg;

    if (!h->text[0]) {
        snprintf(h->file, sizeof(h->file), "%s", file);
        snprintf(h->text, sizeof(h->text), "%s", text);
        h->line = line;
        h->column = column;
    }
}

static char *find(void *arg, const char *from, const char *name, char **ret_file)
{
    (void)arg;
    (void)from;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (!strcmp(files[i].name, name)) {
            *ret_file = mem_text(name);
            return mem_text(files[i].text);
        }
    }
    return NULL;
}

/* Reads a text as the file called file. */
static struct adapter *read_as(const char *file, const char *text, struct heard *h)
{
    const struct adapter_source source = {slice_of(text), file, find, NULL, hear, h};
    struct adapter *a = NULL;

    memset(h, 0, sizeof(*h));
    if (adapter_read_source(&source, &a) == FAULT_OK) {
        assert_int_equal(adapter_compile(a, hear, h), FAULT_OK);
    }
    return a;
}

static struct adapter *read_named(const char *name, struct heard *h)
{
    AUTO(auto_free) char *file = NULL;
    AUTO(auto_free) char *text = find(NULL, "", name, &file);

    return read_as(name, text, h);
}

/* The request for a prompt, as JSON. */
static json_t *request_of(const struct adapter *a, const json_t *options, const char *base)
{
    json_t *input = json_pack("{s:s}", "prompt", "x"), *told;
    const struct adapter_op *op = adapter_op_find(a, KIND_IMAGE_GENERATE, input, NULL);
    const struct render_in in = {.input = input, .model = "m", .task = "t", .options = options, .base = base};
    struct request *r = NULL;

    assert_int_equal(render_request(a, op, STEP_SUBMIT, &in, &r, NULL), FAULT_OK);
    told = request_to_json(r);
    request_free(&r);
    json_decref(input);
    return told;
}

static void test_merge(void **state)
{
    /* Objects are merged in depth, null removes, plain values are replaced; the name is the file's own. */
    struct heard h;
    struct adapter *a = read_named("grandson", &h);

    (void)state;
    assert_non_null(a);
    assert_string_equal(adapter_name(a), "grandson");
    json_t *request = request_of(a, NULL, NULL), *headers = json_object_get(request, "headers");
    assert_string_equal(json_string_value(json_object_get(request, "url")),
                        "https://api.grandson.com/images");
    assert_string_equal(json_string_value(json_object_get(headers, "X-One")), "a");
    assert_null(json_object_get(headers, "X-Two"));
    assert_string_equal(json_string_value(json_object_get(headers, "X-Three")), "c");
    json_decref(request);
    adapter_drop(&a);
}

static void test_digest(void **state)
{
    /* The digest covers all texts: another father is another version of the son. */
    struct heard h;
    struct adapter *father = read_named("father", &h), *son = read_named("son", &h);
    struct adapter *alone = read_as("son", FATHER, &h);

    (void)state;
    assert_string_not_equal(adapter_digest(father), adapter_digest(son));
    assert_string_equal(adapter_digest(father), adapter_digest(alone));
    adapter_drop(&father);
    adapter_drop(&son);
    adapter_drop(&alone);
}

static void test_mistakes(void **state)
{
    /* What is wrong with a chain is told where it stands, in the file where it stands. */
    static const struct {
        const char *file, *text, *where, *says;
        int line, column;
    } mistakes[] = {
        {"x", "adapter: x\nextends: nobody\n", "x", "no other adapter file", 2, 1},
        {"x", "extends: father\n", "x", "adapter: NAME of its own", 1, 1},
        {"x", "adapter: x\nextends: [father]\n", "x", "must be the name", 2, 1},
        {"x", "adapter: x\nextends: ../father\n", "x", "must be the name", 2, 1},
        {"round", "adapter: round\nextends: about\n", "about", "circle", 2, 1},
        {"x", "adapter: x\nextends: fifth\n", "grandson", "too many", 2, 1},
        {"x", "adapter: x\nextends: broken\n", "broken", "", 3, 1},
        {"x", "adapter: x\nextends: wrong\n", "wrong", "class", 4, 20},
        {"x", "adapter: x\nextends: father\nbase: ftp://x\n", "x", "base", 3, 1},
        {"x", "adapter: x\nextends: father\nheaders: { X-Two: \"{nobody}\" }\n", "x", "nothing sets {nobody}",
         3, 12},
    };
    struct heard h;

    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct adapter *a = read_as(mistakes[i].file, mistakes[i].text, &h);
        assert_null(a);
        assert_string_equal(h.file, mistakes[i].where);
        if (!strstr(h.text, mistakes[i].says) || h.line != mistakes[i].line ||
            h.column != mistakes[i].column) {
            fail_msg("%zu: heard %s:%d:%d: %s", i, h.file, h.line, h.column, h.text);
        }
    }
}

static void test_without_folder(void **state)
{
    /* A text that has no folder cannot extend anything, and says so. */
    struct heard h = {{0}, {0}, 0, 0};
    struct adapter *a = NULL;

    (void)state;
    assert_int_equal(adapter_read(slice_of("adapter: x\nextends: father\n"), "x", hear, &h, &a),
                     FAULT_CONFIG);
    assert_non_null(strstr(h.text, "no other files"));
}

/* ---- options ---- */

#define OPTIONS                                                                                              \
    "adapter: x\nbase: \"https://{region}.x.com/{project}\"\nhosts: [\"{region}-files.x.com\"]\n"            \
    "auth: { header: X-Key }\noptions: { region: { about: the region, default: eu }, project: { about: the " \
    "project } }\n"                                                                                          \
    "tasks:\n  image.generate:\n    submit:\n      request: { url: \"{base}/images/{project}\", json: { p: " \
    ".input.prompt, r: .options.region } }\n      outputs: { url: .body.url }\n"

static void test_options(void **state)
{
    /* Defaults fill what is not given; what must be given and is not, is no option or no text is refused. */
    struct heard h;
    struct adapter *a = read_as("x", OPTIONS, &h);
    json_t *options = NULL, *given = json_pack("{s:s}", "project", "p1");
    struct note note = {0};
    char *base = NULL;

    (void)state;
    assert_non_null(a);
    assert_string_equal(adapter_option_about(a, "region"), "the region");
    assert_null(adapter_option_about(a, "other"));
    assert_int_equal(adapter_options(a, NULL, &options, &note), FAULT_CONFIG);
    assert_string_equal(note.field, "project");
    assert_int_equal(adapter_options(a, given, &options, &note), FAULT_OK);
    assert_string_equal(json_string_value(json_object_get(options, "region")), "eu");
    assert_int_equal(adapter_target_base(a, NULL, options, &base, &note), FAULT_OK);
    assert_string_equal(base, "https://eu.x.com/p1");
    json_t *request = request_of(a, options, base);
    assert_string_equal(json_string_value(json_object_get(request, "url")), "https://eu.x.com/p1/images/p1");
    assert_string_equal(json_string_value(json_object_get(json_object_get(request, "json"), "r")), "eu");
    assert_true(adapter_host_allowed_for(a, base, options, "eu-files.x.com"));
    assert_false(adapter_host_allowed_for(a, base, options, "us-files.x.com"));
    free(base);
    assert_int_equal(adapter_target_base(a, "nonsense", options, &base, &note), FAULT_CONFIG);
    json_decref(options);
    json_object_set_new(given, "other", json_string("y"));
    note = (struct note){0};
    assert_int_equal(adapter_options(a, given, &options, &note), FAULT_CONFIG);
    assert_string_equal(note.field, "other");
    json_object_del(given, "other");
    json_object_set_new(given, "region", json_string("e u"));
    assert_int_equal(adapter_options(a, given, &options, &note), FAULT_CONFIG);
    json_decref(given);
    json_decref(request);
    adapter_drop(&a);
}

static void test_choice(void **state)
{
    /* Which operation is taken may depend on model and options. */
    static const char text[] =
        "adapter: x\nbase: https://api.x.com\noptions: { way: { about: the way, default: a } }\ntasks:\n  "
        "image.generate:\n"
        "    - { name: b, when: '.options.way == \"b\"', submit: { request: { url: \"{base}/b\", json: { p: "
        ".input.prompt } }, outputs: { url: .body.u } } }\n"
        "    - { name: m, when: '.model | startswith(\"m\")', submit: { request: { url: \"{base}/m\", json: "
        "{ p: .input.prompt } }, outputs: { url: .body.u } } }\n"
        "    - { name: rest, submit: { request: { url: \"{base}/r\", json: { p: .input.prompt } }, outputs: "
        "{ url: .body.u } } }\n";
    struct heard h;
    struct adapter *a = read_as("x", text, &h);
    json_t *input = json_object(), *b = json_pack("{s:s}", "way", "b"),
           *other = json_pack("{s:s}", "way", "a");
    struct adapter_want want = {KIND_IMAGE_GENERATE, input, "m1", b};

    (void)state;
    assert_non_null(a);
    assert_string_equal(adapter_op_name(adapter_op_choose(a, &want, NULL)), "image.generate/b");
    want.options = other;
    assert_string_equal(adapter_op_name(adapter_op_choose(a, &want, NULL)), "image.generate/m");
    want.model = "other";
    assert_string_equal(adapter_op_name(adapter_op_choose(a, &want, NULL)), "image.generate/rest");
    json_decref(input);
    json_decref(b);
    json_decref(other);
    adapter_drop(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge),    cmocka_unit_test(test_digest),
        cmocka_unit_test(test_mistakes), cmocka_unit_test(test_without_folder),
        cmocka_unit_test(test_options),  cmocka_unit_test(test_choice),
    };

    unsetenv("HOME");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
