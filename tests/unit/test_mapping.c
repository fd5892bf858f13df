/* test_mapping.c - jq expressions: what is refused, what the plain path gives, errors, numbers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/banned.h"
#include "core/mapping.h"
#include "core/path.h"

static json_t *parse(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

    assert_non_null(value);
    return value;
}

/* Runs one expression on input and gives its result as JSON text, or "error: …". The caller frees it. */
static char *run(const char *text, const char *input, bool all)
{
    struct mapping *m = mapping_new();
    struct note note = {0};
    int number = -1, bad = -1;
    json_t *value = NULL, *in = parse(input);
    char *out = NULL;

    enum fault fault = mapping_add(m, text, &number, &note);
    fault = fault ? fault : mapping_compile(m, &bad, &note);
    fault = fault ? fault : mapping_run(m, number, in, all, &value, &note);
    if (fault) {
        assert_int_equal(fault, FAULT_BAD_VALUE);
        assert_true(asprintf(&out, "error: %s", note.text) > 0);
    } else {
        out = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17));
    }
    json_decref(value);
    json_decref(in);
    mapping_free(&m);
    return out;
}

static void expect(const char *text, const char *input, const char *want)
{
    char *got = run(text, input, false);

    assert_string_equal(got, want);
    free(got);
}

static void test_bans(void **state)
{
    /* Whatever reaches outside or may never end is refused when it is added, however it is spelled. */
    static const char *const bad[] = {"env",
                                      "env.SECRET",
                                      "{a: env}",
                                      "[env]",
                                      "\"\\(env)\"",
                                      "\"\\(\"\\(env|length)\")\"",
                                      "$ENV",
                                      "$ENV.X",
                                      "$ ENV.X",
                                      "$ #c\n ENV",
                                      "$__prog_args",
                                      "$__loc__",
                                      "input",
                                      "inputs",
                                      "[inputs]",
                                      "debug",
                                      ".a | debug",
                                      "stderr",
                                      "import \"a\" as a; 1",
                                      "include \"a\"; 1",
                                      "a::b",
                                      "modulemeta",
                                      "now",
                                      "halt",
                                      "halt_error",
                                      "def f: f; f",
                                      "[repeat(1)]",
                                      "while(true; .)",
                                      "until(false; .)",
                                      "range(1e12)",
                                      "recurse",
                                      "gsub(\"\";\"x\")",
                                      "sub(\"\";\"x\";\"g\")",
                                      ".a | index(.b)",
                                      "rindex(\"\")",
                                      "indices(\"\")",
                                      "leaf_paths",
                                      ".a | todate",
                                      ".a | strftime(\"%Y\")",
                                      ".a | date",
                                      "dateadd(\"seconds\"; .a)",
                                      "setpath([1e9]; 1)",
                                      ".[env:]",
                                      ".[now:2]",
                                      "{env}",
                                      ". as $x | . env",
                                      "input_filename",
                                      "input_line_number",
                                      "get_search_list",
                                      "implode",
                                      "localtime",
                                      "if env then 1 else 2 end",
                                      "# c\n env"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct note note = {0};
        if (banned_check(bad[i], &note) != FAULT_BAD_VALUE || !note.text[0]) {
            fail_msg("not refused: %s", bad[i]);
        }
    }
}

static void test_not_banned(void **state)
{
    /* The same words are fine as fields, keys and texts, which adapters need: .input above all. */
    static const char *const good[] = {".input.prompt",       "{input: .input, env: 1}",
                                       "\"env and input\"",   ".env.now",
                                       "{\"debug\": .debug}", "@base64",
                                       ".a # env\n | .b",     ".range[0].def",
                                       "{ env : .x }",        "\"\\(.input) env\"",
                                       "environment",         "inputs_of"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct note note = {0};
        if (banned_check(good[i], &note)) {
            fail_msg("refused: %s: %s", good[i], note.text);
        }
    }
}

static void test_unbalanced(void **state)
{
    /* An expression cannot close what it did not open, so that it cannot leave its place in the program. */
    static const char *const bad[] = {"1) | (2", "(1",       "\"abc",  "{a: 1", "[1",
                                      "]",       "\"\\(1\"", "{a: 1)", "\"\\(", "1 end) else (2"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct note note = {0};
        assert_int_equal(banned_check(bad[i], &note), FAULT_BAD_VALUE);
    }
}

static void test_plain_is_jq(void **state)
{
    /* A path that is walked directly gives the very value that jq gives, and fails where jq fails (the words
     * differ between versions of jq). */
    static const char *const inputs[] = {
        "{\"a\":{\"b\":[1,{\"c\":\"x\"},null],\"x-y\":2.5,\"\":0},\"n\":1,\"t\":true,\"s\":\"q\"}",
        "null",
        "[]",
        "[[1,2],[3]]",
        "7",
        "\"text\"",
        "{}"};
    static const char *const paths[] = {
        ".",        ".a",       ".a.b",          ".a.b[0]",     ".a.b[1].c",      ".a.b[-1]",
        ".a.b[-3]", ".a.b[-4]", ".a.b[9]",       ".a[\"x-y\"]", ".a.\"x-y\"",     ".a[\"\"]",
        ".n.x",     ".t[0]",    ".s.x",          ".s[0]",       ".zz.y[3].k",     ".[0]",
        ".[1][0]",  ".[-1]",    ".[\"a\"].b[0]", " .a ",        "\"const\"",      "12",
        "-1.5",     "true",     "false",         "null",        "\"a\\u00e9\\n\""};
    int plain = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct path *path = path_parse(slice_of(paths[i]));
        plain += path != NULL;
        path_free(&path);
        for (size_t j = 0; j < sizeof(inputs) / sizeof(inputs[0]); j++) {
            char forced[64];
            snprintf(forced, sizeof(forced), "(%s)", paths[i]);
            char *direct = run(paths[i], inputs[j], false), *jq = run(forced, inputs[j], false);
            if (strncmp(jq, "error: ", 7) != 0 || strncmp(direct, "error: ", 7) != 0) {
                assert_string_equal(direct, jq);
            }
            free(direct);
            free(jq);
        }
    }
    assert_int_equal(plain, sizeof(paths) / sizeof(paths[0]));
}

static void test_not_plain(void **state)
{
    /* What looks like a path but is not one is left to jq. */
    static const char *const texts[] = {
        ".a.[0]", ".a[]",    ".a?",       "a",  "..",  ".a b", ".a | .b",          "[1]",
        "{}",     ".a[1:2]", "\"\\(1)\"", ".[", ".a.", "",     "9007199254740993", ".a[ 0]"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct path *path = path_parse(slice_of(texts[i]));
        assert_null(path);
    }
}

static void test_jq(void **state)
{
    /* Expressions proper, many in one set, each with its own result; the first result counts unless all are
     * wanted. */
    struct mapping *m = mapping_new();
    struct note note = {0};
    int numbers[40], bad = 0;

    (void)state;
    for (int i = 0; i < 40; i++) {
        char text[64];
        snprintf(text, sizeof(text), ".x + %d # a comment", i);
        assert_int_equal(mapping_add(m, text, &numbers[i], &note), FAULT_OK);
    }
    int again = -1;
    assert_int_equal(mapping_add(m, ".x + 7 # a comment", &again, &note), FAULT_OK);
    assert_int_equal(again, numbers[7]);
    assert_int_equal(mapping_compile(m, &bad, &note), FAULT_OK);
    json_t *in = parse("{\"x\": 100}");
    struct mapping_view view = {.value = in};
    for (int i = 0; i < 40; i++) {
        json_t *value = NULL;
        assert_int_equal(mapping_view_run(m, numbers[i], &view, false, &value, &note), FAULT_OK);
        assert_int_equal(json_integer_value(value), 100 + i);
        json_decref(value);
    }
    mapping_view_done(&view);
    json_decref(in);
    mapping_free(&m);
    expect("(1,2,3)", "null", "1");
    expect("empty", "null", "null");
    char *all = run(".[] | {v: .}", "[1,\"a\"]", true);
    assert_string_equal(all, "[{\"v\":1},{\"v\":\"a\"}]");
    free(all);
    all = run("empty", "1", true);
    assert_string_equal(all, "[]");
    free(all);
    all = run(".a", "{\"a\":3}", true);
    assert_string_equal(all, "[3]");
    free(all);
}

static void test_numbers(void **state)
{
    /* Whole numbers stay integers, a plain path keeps all 64 bits, and what JSON cannot say becomes null or
     * the largest. */
    (void)state;
    expect(".n + 1", "{\"n\": 1}", "2");
    expect("8.0", "null", "8.0");
    expect("(8.0)", "null", "8");
    expect(".n / 2", "{\"n\": 1}", "0.5");
    expect(".n", "{\"n\": 9007199254740993}", "9007199254740993");
    expect("(.n)", "{\"n\": 9007199254740992}", "9007199254740992");
    expect("nan", "null", "null");
    expect("infinite", "null", "1.7976931348623157e308");
    expect("-infinite", "null", "-1.7976931348623157e308");
    expect("1e300 * 10", "null", "1.0000000000000001e301");
}

static void test_errors(void **state)
{
    /* A run that fails tells jq's own message, and the next run on the same state is not touched by it. */
    struct mapping *m = mapping_new();
    struct note note = {0};
    int first, second, bad;
    json_t *value = NULL, *in = parse("{\"a\": \"x\"}");

    (void)state;
    assert_int_equal(mapping_add(m, ".a | .b.c", &first, &note), FAULT_OK);
    assert_int_equal(mapping_add(m, ".a + \"y\"", &second, &note), FAULT_OK);
    assert_int_equal(mapping_compile(m, &bad, &note), FAULT_OK);
    assert_int_equal(mapping_run(m, first, in, false, &value, &note), FAULT_BAD_VALUE);
    assert_non_null(strstr(note.text, "Cannot index string with "));
    assert_null(value);
    assert_int_equal(mapping_run(m, first, in, true, &value, NULL), FAULT_BAD_VALUE);
    assert_false(mapping_true(m, first, in));
    assert_true(mapping_true(m, second, in));
    assert_int_equal(mapping_run(m, second, in, false, &value, NULL), FAULT_OK);
    assert_string_equal(json_string_value(value), "xy");
    json_decref(value);
    json_decref(in);
    mapping_free(&m);
    expect("error(\"own words\")", "null", "error: own words");
    /* An error without a value: jq 1.6 takes it for the end of the results. */
    char *got = run("error(null)", "null", false);
    assert_true(!strcmp(got, "null") || !strcmp(got, "error: the expression failed"));
    free(got);
}

static void test_syntax(void **state)
{
    /* The expression that does not compile is named among good ones, with jq's message and without our own
     * program. */
    struct mapping *m = mapping_new();
    struct note note = {0};
    int numbers[3], bad = -1;

    (void)state;
    assert_int_equal(mapping_add(m, ".a + 1", &numbers[0], &note), FAULT_OK);
    assert_int_equal(mapping_add(m, ".a + + 1", &numbers[1], &note), FAULT_OK);
    assert_int_equal(mapping_add(m, ".a + 2", &numbers[2], &note), FAULT_OK);
    assert_int_equal(mapping_compile(m, &bad, &note), FAULT_BAD_VALUE);
    assert_int_equal(bad, numbers[1]);
    assert_non_null(strstr(note.text, "syntax error"));
    assert_null(strstr(note.text, "sluice_slot"));
    mapping_free(&m);
    expect("nosuch(1)", "null", "error: nosuch/1 is not defined");
    expect("$x", "null", "error: $x is not defined");
}

static void test_limits(void **state)
{
    /* An empty or over-long expression is refused. */
    struct mapping *m = mapping_new();
    struct note note = {0};
    int number;
    char *text = malloc(20000);

    (void)state;
    memset(text, ' ', 19999);
    text[0] = '.';
    text[19999] = '\0';
    assert_int_equal(mapping_add(m, text, &number, &note), FAULT_BAD_VALUE);
    assert_int_equal(mapping_add(m, "  ", &number, NULL), FAULT_BAD_VALUE);
    free(text);
    mapping_free(&m);
    expect("[.,.] | [.,.] | [.,.] | [.,.] | tojson | fromjson | length", "1", "2");
    expect("reduce (\"x\" * 300 | split(\"\"))[] as $i (null; [.])", "1",
           "error: the expression's result is too large");
}

static void test_home(void **state)
{
    /* ~/.jq is not loaded: it could redefine any function. */
    char dir[] = "/tmp/test_mapping_XXXXXX", file[64];

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof(file), "%s/.jq", dir);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fputs("def length: \"HOME\";", f);
    fclose(f);
    setenv("HOME", dir, 1);
    expect("(.|length)", "[1,2]", "2");
    unlink(file);
    rmdir(dir);
}

static void test_uncompiled(void **state)
{
    /* Before compiling, plain paths run and the rest is a fault, not a crash. */
    struct mapping *m = mapping_new();
    struct note note = {0};
    int plain, real;
    json_t *in = parse("{\"a\": 1}"), *value = NULL;

    (void)state;
    assert_int_equal(mapping_add(m, ".a", &plain, &note), FAULT_OK);
    assert_int_equal(mapping_add(m, ".a + 1", &real, &note), FAULT_OK);
    assert_int_equal(mapping_run(m, real, in, false, &value, &note), FAULT_BAD_VALUE);
    assert_int_equal(mapping_run(m, plain, in, false, &value, NULL), FAULT_OK);
    assert_int_equal(json_integer_value(value), 1);
    json_decref(value);
    json_decref(in);
    mapping_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bans),       cmocka_unit_test(test_not_banned),
        cmocka_unit_test(test_unbalanced), cmocka_unit_test(test_plain_is_jq),
        cmocka_unit_test(test_not_plain),  cmocka_unit_test(test_jq),
        cmocka_unit_test(test_numbers),    cmocka_unit_test(test_errors),
        cmocka_unit_test(test_syntax),     cmocka_unit_test(test_limits),
        cmocka_unit_test(test_home),       cmocka_unit_test(test_uncompiled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
