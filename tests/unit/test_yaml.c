/* test_yaml.c - YAML: what scalars mean, where values stand, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "wire/yaml.h"

/* Reads yaml, which must be good, and compares with json. */
static void reads_as(const char *yaml, const char *json)
{
    struct note note = {0};
    json_t *got = NULL;

    if (yaml_read(slice_of(yaml), &got, NULL, &note)) {
        fail_msg("%s\n%s", yaml, note.text);
    }
    json_t *want = json_loads(json, JSON_DECODE_ANY, NULL);
    assert_non_null(want);
    if (!json_equal(got, want)) {
        char *text = json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT);
        fail_msg("%s\nis   %s\nnot  %s", yaml, text, json);
    }
    json_decref(got);
    json_decref(want);
}

/* Reads yaml of n bytes, which must be refused at line:column with a sentence that has text in it. */
static void refuses_bytes(const char *yaml, size_t n, const char *at, const char *text)
{
    struct note note = {0};
    struct yaml_marks *marks = NULL;
    json_t *got = NULL;

    if (yaml_read((struct slice){yaml, n}, &got, &marks, &note) != FAULT_BAD_VALUE) {
        fail_msg("taken: %s", yaml);
    }
    assert_null(got);
    assert_null(marks);
    if (strcmp(note.field, at) != 0 || !strstr(note.text, text)) {
        fail_msg("%.200s\nat %s: %s\nnot at %s: %s", yaml, note.field, note.text, at, text);
    }
}

static void refuses(const char *yaml, const char *at, const char *text)
{
    refuses_bytes(yaml, strlen(yaml), at, text);
}

static void test_scalars_are_those_of_the_core_schema(void **state)
{
    /* Proves that plain scalars mean what YAML 1.2 says, not what 1.1 said (no, 014, 1:30). */
    (void)state;
    reads_as("[~, null, Null, NULL]", "[null, null, null, null]");
    reads_as("{a: , b: ''}", "{\"a\": null, \"b\": \"\"}");
    reads_as("[true, True, TRUE, false, False, FALSE]", "[true, true, true, false, false, false]");
    reads_as("[yes, no, on, off, y, n, nULL]", "[\"yes\", \"no\", \"on\", \"off\", \"y\", \"n\", \"nULL\"]");
    reads_as("[0, -0, +7, 014, 0o14, 0xFf, -12]", "[0, 0, 7, 14, 12, 255, -12]");
    reads_as("[1.5, .5, 5., 1e3, -2.5E-1, +1.0]", "[1.5, 0.5, 5.0, 1000.0, -0.25, 1.0]");
    reads_as("[1:30, 1_000, 0b1, 0o8, 0x, 1e, ., 2026-11-22]",
             "[\"1:30\", \"1_000\", \"0b1\", \"0o8\", \"0x\", \"1e\", \".\", \"2026-11-22\"]");
    reads_as("[9223372036854775807, -9223372036854775808]", "[9223372036854775807, -9223372036854775808]");
    reads_as("['1', \"true\", !!str 5, ! 6, 'it''s']", "[\"1\", \"true\", \"5\", \"6\", \"it's\"]");
}

static void test_numbers_that_json_cannot_hold_are_refused(void **state)
{
    /* Proves that no number is changed in silence. */
    (void)state;
    refuses("a: 9223372036854775808", "1:4", "too large; put it in quotes");
    refuses("a: 0xffffffffffffffffff", "1:4", "too large");
    refuses("a: 1e999", "1:4", "too large");
    refuses("a: .inf", "1:4", "infinity");
    refuses("a: -.INF", "1:4", "infinity");
    refuses("a: .nan", "1:4", "infinity");
    reads_as("a: '9223372036854775808'", "{\"a\": \"9223372036854775808\"}");
}

static void test_documents_have_every_form(void **state)
{
    /* Proves blocks, flows, folded and literal text, comments, anchors, and JSON as YAML. */
    (void)state;
    reads_as("", "null");
    reads_as("# nothing\n", "null");
    reads_as("%YAML 1.2\n---\na: 1\n...\n", "{\"a\": 1}");
    reads_as("a: &x [1, {b: c}]\nd: *x\n", "{\"a\": [1, {\"b\": \"c\"}], \"d\": [1, {\"b\": \"c\"}]}");
    reads_as("t: |\n  one\n  two\nf: >-\n  one\n  two\n", "{\"t\": \"one\\ntwo\\n\", \"f\": \"one two\"}");
    reads_as("{\"a\":[1,\"\\u00e9\"],\"b\":{}}", "{\"a\": [1, \"\xc3\xa9\"], \"b\": {}}");
    reads_as("\xef\xbb\xbf"
             "a: \xe2\x82\xac",
             "{\"a\": \"\xe2\x82\xac\"}");
}

static void test_aliases_are_copies(void **state)
{
    /* Proves that changing a value where an alias stands leaves the anchor's value alone. */
    json_t *value = NULL;

    (void)state;
    assert_int_equal(yaml_read(slice_of("a: &x {k: 1}\nb: *x"), &value, NULL, NULL), FAULT_OK);
    json_object_set_new(json_object_get(value, "b"), "k", json_integer(2));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(value, "a"), "k")), 1);
    json_decref(value);
}

static void test_what_is_ambiguous_is_refused(void **state)
{
    /* Proves the refusals that the contract names, each at its place. */
    (void)state;
    refuses("a: 1\nb: 2\na: 3\n", "3:1", "the key \"a\" is there twice");
    refuses("200: ok\n", "1:1", "write \"200\"");
    refuses("a:\n  true: 1\n", "2:3", "a key must be text");
    refuses("? [a, b]\n: 1\n", "1:3", "a key must be plain text");
    refuses("x: &d {a: 1}\ny:\n  <<: *d\n", "3:3", "merge keys");
    reads_as("'<<': 1", "{\"<<\": 1}");
    refuses("a: *nobody\n", "1:4", "*nobody");
    refuses("a: &self [*self]\n", "1:11", "no finished anchor");
    refuses("a: !!binary aGk=\n", "1:4", "only !!str");
    refuses("a: !secret x\n", "1:4", "the tag !secret");
    refuses("a: !!set {x}\n", "1:4", "only !!str");
    refuses("--- 1\n--- 2\n", "2:1", "a second document");
    refuses("a: \"x\\0y\"\n", "1:4", "NUL");
}

static void test_syntax_errors_say_where(void **state)
{
    /* Proves line and column for what libyaml refuses, and the sentence for the commonest mistake. */
    (void)state;
    refuses("a: 1\nb:\n\tc: 2\n", "3:1", "a tab cannot indent");
    refuses("a: [1, 2\nb: 3\n", "2:2", "flow sequence");
    refuses("a: 'open\n", "2:1", "quoted scalar");
    refuses("a: b: c\n", "1:5", "mapping values are not allowed");
    refuses_bytes("a: 1\nb: \xff\n", 10, "2:4", "UTF-8");
    refuses_bytes("a: 1\nb: \x01\n", 10, "2:4", "control characters");
    refuses_bytes("\xff\xfe\x61\x00", 4, "1:1", "UTF-8");
}

/* count times text, then end. The caller frees it. */
static char *repeat(const char *text, size_t count, const char *end)
{
    struct buf b;

    buf_init(&b, 64 * MIB);
    for (size_t i = 0; i < count; i++) {
        buf_text(&b, text);
    }
    buf_text(&b, end);
    return buf_take(&b);
}

static void test_budgets_hold(void **state)
{
    /* Proves the bounds on size, depth and number of values: at the bound it is taken, one above refused. */
    (void)state;
    char *deep = repeat("[", LIMIT_YAML_DEPTH, "");
    char *deeper = repeat("[", LIMIT_YAML_DEPTH + 1, "");
    char *closed = repeat("]", LIMIT_YAML_DEPTH, "");
    struct buf b;

    buf_init(&b, MIB);
    buf_text(&b, deep);
    buf_text(&b, closed);
    json_t *value = NULL;
    assert_int_equal(yaml_read(buf_slice(&b), &value, NULL, NULL), FAULT_OK);
    json_decref(value);
    refuses(deeper, "1:65", "nested deeper than 64");
    free(deep);
    free(deeper);
    free(closed);
    buf_done(&b);

    char *many = repeat("- 1\n", LIMIT_YAML_NODES - 1, "");
    assert_int_equal(yaml_read(slice_of(many), &value, NULL, NULL), FAULT_OK);
    assert_int_equal(json_array_size(value), LIMIT_YAML_NODES - 1);
    json_decref(value);
    free(many);
    many = repeat("- 1\n", LIMIT_YAML_NODES, "");
    refuses(many, "100000:3", "more than 100000 values");
    free(many);

    char *large = repeat("#123456\n", LIMIT_FILE_BYTES / 8 + 1, "");
    refuses(large, "", "larger than");
    free(large);
}

static void test_alias_bombs_are_refused(void **state)
{
    /* Proves that aliases pay for what they repeat: values, text and depth. */
    struct buf b;

    (void)state;
    buf_init(&b, MIB);
    buf_text(&b, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 10; i++) {
        buf_printf(&b, "a%d: &a%d [", i, i);
        for (int j = 0; j < 9; j++) {
            buf_printf(&b, "%s*a%d", j ? ", " : "", i - 1);
        }
        buf_text(&b, "]\n");
    }
    refuses(b.p, "6:10", "more than 100000 values");
    buf_reset(&b);

    buf_text(&b, "a: &a \"");
    for (int i = 0; i < 3000; i++) {
        buf_text(&b, "0123456789");
    }
    buf_text(&b, "\"\nb:\n");
    for (int i = 0; i < 40; i++) {
        buf_text(&b, "- *a\n");
    }
    refuses(b.p, "37:3", "aliases repeat more than");
    buf_reset(&b);

    buf_text(&b, "- &d0 [x]\n");
    for (int i = 1; i < 70; i++) {
        buf_printf(&b, "- &d%d [*d%d]\n", i, i - 1);
    }
    refuses(b.p, "63:9", "nested deeper than 64");
    buf_done(&b);
}

static void assert_mark(const struct yaml_marks *marks, const char *pointer, int line, int column)
{
    int l = 0, c = 0;

    yaml_mark(marks, pointer, &l, &c);
    if (l != line || c != column) {
        fail_msg("%s is at %d:%d, not %d:%d", pointer, l, c, line, column);
    }
}

static void test_marks_find_values(void **state)
{
    /* Proves line and column of members, items, escaped keys, and of the nearest ancestor of what is not
     * there. */
    struct yaml_marks *marks = NULL;
    json_t *value = NULL;
    const char *text = "# comment\n"
                       "adapter: fal\n"
                       "tasks:\n"
                       "  image.generate:\n"
                       "    hosts: [a, b]\n"
                       "    steps:\n"
                       "      - name: one\n"
                       "      - name: two\n"
                       "a/b~c: {0: x}\n";
    const char *quoted = "a/b~c: {\"0\": x}\n";

    (void)state;
    struct buf b;
    buf_init(&b, 4096);
    buf_add(&b, text, strlen(text) - strlen("a/b~c: {0: x}\n"));
    buf_text(&b, quoted);
    assert_int_equal(yaml_read(buf_slice(&b), &value, &marks, NULL), FAULT_OK);
    assert_mark(marks, "", 2, 1);
    assert_mark(marks, "/adapter", 2, 1);
    assert_mark(marks, "/tasks/image.generate", 4, 3);
    assert_mark(marks, "/tasks/image.generate/hosts/1", 5, 16);
    assert_mark(marks, "/tasks/image.generate/steps/1/name", 8, 9);
    assert_mark(marks, "/tasks/image.generate/steps/7/name", 6, 5);
    assert_mark(marks, "/tasks/image.generate/missing", 4, 3);
    assert_mark(marks, "/a~1b~0c/0", 9, 9);
    assert_mark(marks, "/a~1b~0c/1", 9, 1);
    assert_mark(marks, "/tasks/image.generate/steps/-1", 6, 5);
    json_decref(value);
    yaml_marks_free(&marks);
    yaml_marks_free(&marks);
    buf_done(&b);
}

static void test_marks_of_aliases_are_where_the_alias_is(void **state)
{
    /* Proves that a mistake inside a repeated value is shown at the place that repeats it. */
    struct yaml_marks *marks = NULL;
    json_t *value = NULL;

    (void)state;
    assert_int_equal(yaml_read(slice_of("a: &x {k: 1}\nb: *x\n"), &value, &marks, NULL), FAULT_OK);
    assert_mark(marks, "/a/k", 1, 8);
    assert_mark(marks, "/b/k", 2, 1);
    json_decref(value);
    yaml_marks_free(&marks);
    assert_int_equal(yaml_read(slice_of(""), &value, &marks, NULL), FAULT_OK);
    assert_mark(marks, "/a", 1, 1);
    json_decref(value);
    yaml_marks_free(&marks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars_are_those_of_the_core_schema),
        cmocka_unit_test(test_numbers_that_json_cannot_hold_are_refused),
        cmocka_unit_test(test_documents_have_every_form),
        cmocka_unit_test(test_aliases_are_copies),
        cmocka_unit_test(test_what_is_ambiguous_is_refused),
        cmocka_unit_test(test_syntax_errors_say_where),
        cmocka_unit_test(test_budgets_hold),
        cmocka_unit_test(test_alias_bombs_are_refused),
        cmocka_unit_test(test_marks_find_values),
        cmocka_unit_test(test_marks_of_aliases_are_where_the_alias_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
