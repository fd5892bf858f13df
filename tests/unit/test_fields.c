/* test_fields.c - words of the command line as a task's input. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/fields.h"

#define WORDS 4

/* The input that words make, as JSON, or what was refused. */
static char *made_of(const char *const *words)
{
    json_t *input = json_object();
    struct note note = {0};
    enum fault fault = FAULT_OK;

    for (size_t i = 0; !fault && i < WORDS && words[i]; i++) {
        fault = fields_add(input, words[i], &note);
    }
    char *text = fault ? mem_text(note.text) : json_dumps(input, JSON_COMPACT);
    json_decref(input);
    return text;
}

static void test_types(void **state)
{
    /* Proves: a word becomes what the schemas say of its field, and what it looks like where they say
     * nothing. */
    static const struct {
        const char *words[WORDS];
        const char *made;
    } cases[] = {
        {{"prompt=a fox"}, "{\"prompt\":\"a fox\"}"},
        {{"prompt=42"}, "{\"prompt\":\"42\"}"},
        {{"prompt=true"}, "{\"prompt\":\"true\"}"},
        {{"prompt="}, "{\"prompt\":\"\"}"},
        {{"prompt=a=b"}, "{\"prompt\":\"a=b\"}"},
        {{"prompt={}"}, "{\"prompt\":\"{}\"}"},
        {{"n=2"}, "{\"n\":2}"},
        {{"n=two"}, "{\"n\":\"two\"}"},
        {{"duration_s=4.5"}, "{\"duration_s\":4.5}"},
        {{"sound=true"}, "{\"sound\":true}"},
        {{"sound=1"}, "{\"sound\":\"1\"}"},
        {{"seed=-7", "seed=8"}, "{\"seed\":8}"},
        {{"motion=5"}, "{\"motion\":5}"},
        {{"motion=slow"}, "{\"motion\":\"slow\"}"},
        {{"size=1024x1024"}, "{\"size\":\"1024x1024\"}"},
        {{"format=png"}, "{\"format\":\"png\"}"},
        {{"images=https://a", "images=https://b"}, "{\"images\":[\"https://a\",\"https://b\"]}"},
        {{"image=https://a"}, "{\"image\":\"https://a\"}"},
        {{"vendor.cfg=7", "vendor.mode=hd", "vendor.x.y=true"},
         "{\"vendor\":{\"cfg\":7,\"mode\":\"hd\",\"x\":{\"y\":true}}}"},
        {{"vendor.version=1.0.0"}, "{\"vendor\":{\"version\":\"1.0.0\"}}"},
        {{"unheard_of=7"}, "{\"unheard_of\":7}"},
        {{"unheard_of=null"}, "{\"unheard_of\":\"null\"}"},
        {{"prompt:=42"}, "{\"prompt\":42}"},
        {{"messages:=[{\"role\":\"user\"}]"}, "{\"messages\":[{\"role\":\"user\"}]}"},
        {{"vendor:={\"a\":1}", "vendor.b=2"}, "{\"vendor\":{\"a\":1,\"b\":2}}"},
        {{"vendor.list:=[1]"}, "{\"vendor\":{\"list\":[1]}}"},
        {{"a:b=c"}, "{\"a:b\":\"c\"}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *made = made_of(cases[i].words);
        if (strcmp(made, cases[i].made) != 0) {
            fail_msg("case %zu: %s", i, made);
        }
        free(made);
    }
}

static void test_refused(void **state)
{
    /* Proves: what is no field, no JSON or contradicts itself is told with the word. */
    static const struct {
        const char *words[WORDS];
        const char *part;
    } cases[] = {
        {{"prompt"}, "\"prompt\" must be key=value"},
        {{"=x"}, "\"=x\" must be key=value"},
        {{":=1"}, "\":=1\" must be key=value"},
        {{"messages:=[1"}, "messages:= needs JSON: "},
        {{"messages:="}, "messages:= needs JSON: "},
        {{"vendor=x"}, "vendor has members: write vendor.NAME=VALUE"},
        {{"prompt=x", "prompt.y=1"}, "prompt is given as a value and with members"},
        {{".a=1"}, "\".a\" is not the name of a field"},
        {{"a.=1"}, "\"a.\" is not the name of a field"},
        {{"a..b=1"}, "\"a..b\" is not the name of a field"},
        {{"prompt=\xff"}, "the value of prompt is not UTF-8"},
        {{"text=@/nonexistent/x"}, "/nonexistent/x cannot be read: No such file or directory"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *made = made_of(cases[i].words);
        if (!strstr(made, cases[i].part)) {
            fail_msg("case %zu: %s", i, made);
        }
        free(made);
    }
}

static void test_file(void **state)
{
    /* Proves: "@file" is the file's text without its last line end, typed like any text. */
    char name[] = "/tmp/sluice-test-fields-XXXXXX";
    int fd = mkstemp(name);
    json_t *input = json_object();
    struct note note = {0};
    char *word = mem_printf("text=@%s", name), *number = mem_printf("n=@%s", name);

    (void)state;
    assert_int_not_equal(fd, -1);
    assert_int_equal(write(fd, "hello\nworld\n", 12), 12);
    assert_int_equal(fields_add(input, word, &note), FAULT_OK);
    assert_string_equal(json_string_value(json_object_get(input, "text")), "hello\nworld");
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, "3\n", 2, 0), 2);
    assert_int_equal(fields_add(input, number, &note), FAULT_OK);
    assert_int_equal(json_integer_value(json_object_get(input, "n")), 3);
    json_decref(input);
    free(word);
    free(number);
    close(fd);
    unlink(name);
}

static void test_metadata(void **state)
{
    /* Proves: metadata are texts whatever they look like, by whatever key. */
    json_t *object = json_object();
    struct note note = {0};

    (void)state;
    assert_int_equal(fields_add_text(object, "order=7", &note), FAULT_OK);
    assert_int_equal(fields_add_text(object, "a.b=true", &note), FAULT_OK);
    char *text = json_dumps(object, JSON_COMPACT);
    assert_string_equal(text, "{\"order\":\"7\",\"a.b\":\"true\"}");
    free(text);
    assert_int_equal(fields_add_text(object, "x:=1", &note), FAULT_BAD_VALUE);
    note = (struct note){0};
    assert_int_equal(fields_add_text(object, "x", &note), FAULT_BAD_VALUE);
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_metadata),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
