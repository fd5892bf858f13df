/* test_sim_template.c - answers as data: holes, alternatives, choices, repetitions, conditions. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "sim_template.h"

static json_t *parse(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, NULL);

    assert_non_null(value);
    return value;
}

static json_t *builtin(void *arg, struct slice path)
{
    (void)arg;
    return slice_starts(path, "built") ? json_stringn(path.p, path.n) : NULL;
}

static json_t *media(void *arg, const json_t *spec)
{
    (void)arg;
    return json_pack("{s:O}", "medium", spec);
}

#define BACK                                                                                                 \
    "{\"a\": 1, \"b\": {\"c\": [10, {\"d\": \"deep\"}]}, \"t\": \"text\", \"n\": null, \"f\": true, \"r\": " \
    "0.5}"
#define FRONT "{\"a\": 2, \"size\": \"4\"}"

/* Fills template in a scope of two frames and compares with wanted. */
static void check(const char *template, const char *wanted)
{
    json_t *back = parse(BACK), *front = parse(FRONT), *t = parse(template), *w = parse(wanted);
    struct sim_scope scope = {.builtin = builtin, .media = media};

    sim_scope_push(&scope, back);
    sim_scope_push(&scope, NULL);
    sim_scope_push(&scope, front);
    json_t *value = sim_template_value(t, &scope);
    if (!json_equal(value, w)) {
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        print_error("%s gives %s, not %s\n", template, text, wanted);
        free(text);
    }
    assert_true(json_equal(value, w));
    assert_int_equal(scope.count, 2);
    json_decref(value);
    json_decref(back);
    json_decref(front);
    json_decref(t);
    json_decref(w);
}

static void holes(void **state)
{
    /* A whole hole keeps the type, a hole in a text becomes text; the front frame wins; lists are reached by
     * number. */
    (void)state;
    check("\"plain\"", "\"plain\"");
    check("\"{a}\"", "2");
    check("\"{b.c.0}\"", "10");
    check("\"{b.c.1.d}\"", "\"deep\"");
    check("\"{b}\"", "{\"c\": [10, {\"d\": \"deep\"}]}");
    check("\"x{a}y{t}z{f}{r}\"", "\"x2ytextztrue0.5\"");
    check("\"{a}{a}\"", "\"22\"");
    check("\"{nothing}\"", "null");
    check("\"<{nothing}>\"", "\"<>\"");
    check("\"{built.in.1}\"", "\"built.in.1\"");
    check("\"open { brace\"", "\"open { brace\"");
    check("\"{}\"", "null");
    check("[1, null, {\"k\": \"{t}\"}]", "[1, null, {\"k\": \"text\"}]");
}

static void alternatives(void **state)
{
    /* The first that is there and not null counts; constants may end the list. */
    (void)state;
    check("\"{nothing|a}\"", "2");
    check("\"{n|t}\"", "\"text\"");
    check("\"{n|'it is'}\"", "\"it is\"");
    check("\"{n|7}\"", "7");
    check("\"{n|-1.5}\"", "-1.5");
    check("\"{n|true}\"", "true");
    check("\"{n|nothing}\"", "null");
    check("\"{n|'1'}x{n|'2'}\"", "\"1x2\"");
}

static void objects(void **state)
{
    /* A key with '?' goes when its value is null, and loses the mark when it stays. */
    (void)state;
    check("{\"k?\": \"{n}\", \"l?\": \"{a}\", \"m\": \"{n}\", \"?\": 1}",
          "{\"l\": 2, \"m\": null, \"?\": 1}");
}

static void choices(void **state)
{
    /* $pick takes the case named by the value, whatever its type, else the other one, else null. */
    (void)state;
    check("{\"$pick\": \"{t}\", \"case\": {\"text\": \"{a}\"}, \"else\": 0}", "2");
    check("{\"$pick\": \"{a}\", \"case\": {\"2\": \"two\"}}", "\"two\"");
    check("{\"$pick\": \"{f}\", \"case\": {\"true\": {\"x\": 1}}}", "{\"x\": 1}");
    check("{\"$pick\": \"{n}\", \"case\": {\"text\": 1}, \"else\": \"{t}\"}", "\"text\"");
    check("{\"$pick\": \"{n}\", \"case\": {}}", "null");
    check("{\"$pick\": \"{t}-{a}\", \"case\": {\"text-2\": 1}}", "1");
}

static void repetitions(void **state)
{
    /* $repeat counts with {i}, takes numbers and texts, and is bounded. */
    (void)state;
    check("{\"$repeat\": 3, \"item\": \"{i}\"}", "[0, 1, 2]");
    check("{\"$repeat\": \"{size}\", \"item\": 0}", "[0, 0, 0, 0]");
    check("{\"$repeat\": \"{n}\", \"item\": 0}", "[]");
    check("{\"$repeat\": 2, \"item\": {\"$repeat\": 2, \"item\": \"{i}\"}}", "[[0, 1], [0, 1]]");
    json_t *t = parse("{\"$repeat\": 1000000, \"item\": 0}");
    struct sim_scope scope = {.count = 0};
    json_t *value = sim_template_value(t, &scope);
    assert_int_equal(json_array_size(value), 64);
    json_decref(value);
    json_decref(t);
}

static void text_and_media(void **state)
{
    /* $json makes a text of a value; $media is filled and handed on. */
    (void)state;
    check("{\"$json\": {\"k\": \"{a}\"}}", "\"{\\\"k\\\":2}\"");
    check("{\"$media\": {\"kind\": \"{t}\"}}", "{\"medium\": {\"kind\": \"text\"}}");
}

/* Whether the condition holds in the scope of check. */
static bool holds(const char *when)
{
    json_t *back = parse(BACK), *front = parse(FRONT), *w = parse(when);
    struct sim_scope scope = {.builtin = builtin};

    sim_scope_push(&scope, back);
    sim_scope_push(&scope, front);
    bool is = sim_template_test(w, &scope);
    json_decref(back);
    json_decref(front);
    json_decref(w);
    return is;
}

static void conditions(void **state)
{
    /* Constants, lists, globs, presence and absence; all keys must hold; a number may stand as text. */
    (void)state;
    assert_true(holds("{}"));
    assert_true(holds("{\"t\": \"text\", \"a\": 2}"));
    assert_false(holds("{\"t\": \"text\", \"a\": 3}"));
    assert_true(holds("{\"t\": [\"x\", \"text\"]}"));
    assert_false(holds("{\"t\": []}"));
    assert_true(holds("{\"t\": \"te*\", \"b.c.1.d\": \"*ee*\"}"));
    assert_false(holds("{\"t\": \"*x\"}"));
    assert_true(holds("{\"a\": \"*\", \"nothing\": null, \"n\": null}"));
    assert_false(holds("{\"n\": \"*\"}"));
    assert_false(holds("{\"t\": null}"));
    assert_true(holds("{\"t\": [null, \"text\"], \"nothing\": [null, \"text\"]}"));
    assert_true(holds("{\"size\": 4, \"a\": \"2\"}"));
    assert_true(holds("{\"f\": true}"));
    assert_false(holds("{\"f\": false}"));
    assert_false(holds("{\"a\": \"2*\"}")); /* a glob is for texts */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holes),      cmocka_unit_test(alternatives), cmocka_unit_test(objects),
        cmocka_unit_test(choices),    cmocka_unit_test(repetitions),  cmocka_unit_test(text_and_media),
        cmocka_unit_test(conditions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
