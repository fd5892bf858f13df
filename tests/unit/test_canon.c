/* test_canon.c - the media of an input in one form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core/canon.h"

struct seen {
    struct buf log;
    int count;
};

static enum fault take(void *arg, struct slice bytes, const char *type, const char *name, json_t **ret_value,
                       struct note *note)
{
    struct seen *s = arg;

    (void)note;
    buf_printf(&s->log, "[%.*s|%s|%s]", (int)bytes.n, bytes.p, type ? type : "-", name ? name : "-");
    *ret_value = json_pack("{s:i}", "$blob", s->count++);
    return FAULT_OK;
}

/* The input after canon_input, as text; what went to the store is in ret_log. */
static char *canon(const char *text, char **ret_log, enum fault *ret_fault, struct note *note)
{
    json_t *input = json_loads(text, 0, NULL);
    struct seen seen = {.count = 0};

    assert_non_null(input);
    buf_init(&seen.log, 4096);
    *ret_fault = canon_input(input, take, &seen, note);
    char *out = canon_dump(input);
    *ret_log = buf_take(&seen.log);
    json_decref(input);
    return out;
}

static void becomes(const char *from, const char *to, const char *stored)
{
    enum fault fault;
    char *log, *out = canon(from, &log, &fault, NULL);

    assert_int_equal(fault, FAULT_OK);
    assert_string_equal(out, to);
    assert_string_equal(log, stored);
    free(out);
    free(log);
}

static void test_each_form_becomes_one(void **state)
{
    /* URLs, base64 and data URIs, bare or in objects, alone or in lists. */
    (void)state;
    becomes("{\"image\":\"https://h/a.png\"}", "{\"image\":{\"url\":\"https://h/a.png\"}}", "");
    becomes("{\"image\":\"aGVsbG8=\"}", "{\"image\":{\"$blob\":0}}", "[hello|-|-]");
    becomes("{\"mask\":\"data:image/png;base64,aGVsbG8=\"}", "{\"mask\":{\"$blob\":0}}",
            "[hello|image/png|-]");
    becomes(
        "{\"images\":[{\"base64\":\"aGk=\",\"type\":\"image/webp\",\"name\":\"x\"},{\"url\":\"https://h\"}]}",
        "{\"images\":[{\"$blob\":0},{\"url\":\"https://h\"}]}", "[hi|image/webp|x]");
    becomes("{\"image\":\"aGVs\\n bG8=\"}", "{\"image\":{\"$blob\":0}}", "[hello|-|-]");
}

static void test_what_is_no_medium_stays(void **state)
{
    /* Prompts that look like base64, colours, references and markers are left alone. */
    (void)state;
    becomes("{\"prompt\":\"aGVsbG8=\"}", "{\"prompt\":\"aGVsbG8=\"}", "");
    becomes("{\"background\":\"#ffffff\"}", "{\"background\":\"#ffffff\"}", "");
    becomes("{\"background\":\"https://h/b\"}", "{\"background\":{\"url\":\"https://h/b\"}}", "");
    becomes("{\"image\":{\"media\":\"00\"}}", "{\"image\":{\"media\":\"00\"}}", "");
    becomes("{\"image\":{\"$bin\":3}}", "{\"image\":{\"$bin\":3}}", "");
}

static void test_nonsense_names_the_field(void **state)
{
    /* Neither URL nor base64: the note says which field. */
    (void)state;
    static const char *const bad[] = {"{\"image\":\"not base64!\"}", "{\"image\":\"\"}",
                                      "{\"image\":\"data:image/png,hello\"}", "{\"image\":\"a\"}"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct note note = {0};
        enum fault fault;
        char *log, *out = canon(bad[i], &log, &fault, &note);
        assert_int_equal(fault, FAULT_BAD_VALUE);
        assert_string_equal(note.field, "image");
        assert_non_null(strstr(note.text, "input.image"));
        free(out);
        free(log);
    }
}

static void test_equal_values_dump_equally(void **state)
{
    /* The digest of a request does not depend on the order of its members. */
    (void)state;
    json_t *a = json_loads("{\"b\":1,\"a\":{\"d\":[1,2],\"c\":0.1}}", 0, NULL),
           *b = json_loads("{\"a\":{\"c\":0.1,\"d\":[1,2]},\"b\":1}", 0, NULL);
    char *x = canon_dump(a), *y = canon_dump(b);

    assert_string_equal(x, y);
    assert_string_equal(x, "{\"a\":{\"c\":0.1,\"d\":[1,2]},\"b\":1}");
    free(x);
    free(y);
    json_decref(a);
    json_decref(b);
}

static void test_long_base64_in_objects(void **state)
{
    /* {"base64"} whose text went into the store while the request came is the marker, with what was said of
     * it. */
    (void)state;
    becomes(
        "{\"images\":[{\"base64\":{\"$blob\":0,\"bytes\":70000},\"name\":\"a.png\",\"type\":\"image/png\"}]}",
        "{\"images\":[{\"$blob\":0,\"bytes\":70000,\"name\":\"a.png\",\"type\":\"image/png\"}]}", "");
}

static void test_messages(void **state)
{
    /* Media in the parts of messages get the same form; texts of messages stay, however they look. */
    (void)state;
    becomes(
        "{\"messages\":[{\"content\":\"aGVsbG8=\"},{\"content\":["
        "{\"type\":\"text\",\"text\":\"aGVsbG8=\"},"
        "{\"image_url\":{\"url\":\"data:image/png;base64,aGVsbG8=\",\"detail\":\"low\"}},"
        "{\"image_url\":{\"url\":\"https://h/a\"}},{\"input_audio\":{\"data\":\"aGk=\",\"format\":\"wav\"}},"
        "{\"file\":{\"file_data\":{\"$blob\":7},\"filename\":\"a\"}}]}]}",
        "{\"messages\":[{\"content\":\"aGVsbG8=\"},{\"content\":["
        "{\"text\":\"aGVsbG8=\",\"type\":\"text\"},"
        "{\"image_url\":{\"detail\":\"low\",\"url\":{\"$blob\":0}}},"
        "{\"image_url\":{\"url\":{\"url\":\"https://h/"
        "a\"}}},{\"input_audio\":{\"data\":{\"$blob\":1},\"format\":"
        "\"wav\"}},"
        "{\"file\":{\"file_data\":{\"$blob\":7},\"filename\":\"a\"}}]}]}",
        "[hello|image/png|-][hi|-|-]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_form_becomes_one),     cmocka_unit_test(test_long_base64_in_objects),
        cmocka_unit_test(test_what_is_no_medium_stays),   cmocka_unit_test(test_nonsense_names_the_field),
        cmocka_unit_test(test_equal_values_dump_equally), cmocka_unit_test(test_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
