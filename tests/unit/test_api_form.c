/* test_api_form.c - multipart forms as values: texts, files, lists, members. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/api_form.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "core/canon.h"

#define END "--b--\r\n"

struct seen {
    struct buf log;
    size_t count;
    bool open;
};

static enum fault on_data(void *arg, const struct api_form_file *file, struct slice bytes)
{
    struct seen *s = arg;

    if (!s->open) {
        buf_printf(&s->log, "[%s|%s|", file->type, file->name);
    }
    s->open = true;
    buf_add(&s->log, bytes.p, bytes.n);
    return FAULT_OK;
}

static enum fault on_end(void *arg, size_t *ret_index)
{
    struct seen *s = arg;

    buf_char(&s->log, ']');
    s->open = false;
    *ret_index = s->count++;
    return FAULT_OK;
}

static const struct api_form_files files = {on_data, on_end};

/* Reads body in pieces of step bytes. *ret_value and *ret_log are the caller's when OK. */
static enum fault read_form(const char *body, size_t step, json_t **ret_value, char **ret_log,
                            struct note *note)
{
    struct seen seen = {.count = 0};
    size_t n = strlen(body);
    enum fault fault = FAULT_OK;

    buf_init(&seen.log, 4096);
    buf_text(&seen.log, "");
    AUTO(api_form_free) struct api_form *f = api_form_new("b", &files, &seen);
    assert_non_null(f);
    for (size_t at = 0; at < n && !fault; at += step) {
        fault = api_form_feed(f, (struct slice){body + at, n - at < step ? n - at : step}, note);
    }
    if (!fault) {
        fault = api_form_end(f, ret_value, note);
    }
    *ret_log = fault ? NULL : mem_textn(seen.log.n ? seen.log.p : "", seen.log.n);
    buf_done(&seen.log);
    return fault;
}

static void becomes(const char *body, const char *value, const char *log)
{
    for (size_t step = 1; step < 200; step += 13) {
        json_t *is = NULL;
        char *told;
        assert_int_equal(read_form(body, step, &is, &told, NULL), FAULT_OK);
        char *text = canon_dump(is);
        assert_string_equal(text, value);
        assert_string_equal(told, log);
        free(text);
        free(told);
        json_decref(is);
    }
}

static void refused(const char *body, enum fault fault)
{
    struct note note = {0};
    json_t *value = NULL;
    char *log;

    assert_int_equal(read_form(body, 7, &value, &log, &note), fault);
    assert_null(value);
    assert_int_not_equal(note.text[0], '\0');
}

#define PART(disposition, more, text)                                                                        \
    "--b\r\nContent-Disposition: form-data; " disposition "\r\n" more "\r\n" text "\r\n"

static void test_texts_and_files(void **state)
{
    /* Proves: a part with a file name goes to the files, one without is a text, whatever its type; JSON is a
     * text even with a file name. */
    (void)state;
    becomes(PART("name=\"prompt\"", "", "a cat")
                PART("name=\"image\"; filename=\"c:\\dir\\a.png\"", "Content-Type: image/png\r\n", "PNG")
                    PART("name=\"task\"; filename=\"t.json\"", "Content-Type: application/json\r\n", "{}")
                        PART("name=\"note\"", "Content-Type: text/plain\r\n", "") END,
            "{\"image\":{\"$blob\":0},\"note\":\"\",\"prompt\":\"a cat\",\"task\":\"{}\"}",
            "[image/png|a.png|PNG]");
}

static void test_lists(void **state)
{
    /* Proves: a name that comes twice, or ends in [], is a list in the order of the parts. */
    (void)state;
    becomes(PART("name=\"a[]\"", "", "1") PART("name=\"b\"", "", "2") PART("name=\"b\"", "", "3")
                PART("name=\"b\"", "", "4") PART("name=\"c[]\"; filename=\"x\"", "", "X")
                    PART("name=\"c[]\"; filename=\"y\"", "", "Y") END,
            "{\"a\":[\"1\"],\"b\":[\"2\",\"3\",\"4\"],\"c\":[{\"$blob\":0},{\"$blob\":1}]}", "[|x|X][|y|Y]");
}

static void test_members(void **state)
{
    /* Proves: a[b] is a member of an object, as the SDKs write nested values. */
    (void)state;
    becomes(PART("name=\"r[image_url]\"", "", "https://h") PART("name=\"r[x]\"", "", "1") END,
            "{\"r\":{\"image_url\":\"https://h\",\"x\":\"1\"}}", "");
    refused(PART("name=\"r\"", "", "1") PART("name=\"r[x]\"", "", "1") END, FAULT_BAD_VALUE);
    refused(PART("name=\"r\"; filename=\"f\"", "", "1") PART("name=\"r[x]\"", "", "1") END, FAULT_BAD_VALUE);
}

static void test_nobody_forges(void **state)
{
    /* Proves: no name makes a marker, which would stand for media that the form does not have. */
    (void)state;
    refused(PART("name=\"image[$blob]\"", "", "0") END, FAULT_BAD_REQUEST);
    refused(PART("name=\"$blob\"", "", "0") END, FAULT_BAD_REQUEST);
    refused(PART("name=\"\"", "", "0") END, FAULT_BAD_REQUEST);
    refused(PART("name=\"\x90\"", "", "0") END, FAULT_BAD_REQUEST);
}

static void test_bad_parts(void **state)
{
    /* Proves: an empty file, a text that is not UTF-8, and a form without its end are refused. */
    (void)state;
    refused(PART("name=\"image\"; filename=\"f\"", "", "") END, FAULT_BAD_VALUE);
    refused(PART("name=\"t\"", "", "\xff\xfe") END, FAULT_BAD_REQUEST);
    refused(PART("name=\"t\"", "", "x"), FAULT_BAD_REQUEST);
    assert_null(api_form_new("", &files, NULL));
}

static void test_texts_are_bounded(void **state)
{
    /* Proves: the texts of a form are bounded together, whatever their number. */
    struct seen seen = {.count = 0};
    char *text = mem_new(LIMIT_TEXT_BYTES / 2 + 1);
    static const char head[] = "--b\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\n";
    enum fault fault = FAULT_OK;
    int parts = 0;

    (void)state;
    memset(text, 'x', LIMIT_TEXT_BYTES / 2);
    AUTO(api_form_free) struct api_form *f = api_form_new("b", &files, &seen);
    while (!fault && parts < 5) {
        struct note note = {0};
        fault = api_form_feed(f, slice_of(head), &note);
        fault = fault ? fault : api_form_feed(f, (struct slice){text, LIMIT_TEXT_BYTES / 2}, &note);
        fault = fault ? fault : api_form_feed(f, slice_of("\r\n"), &note);
        parts++;
    }
    assert_int_equal(fault, FAULT_TOO_LARGE);
    assert_int_equal(parts, 3);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_and_files), cmocka_unit_test(test_lists),
        cmocka_unit_test(test_members),         cmocka_unit_test(test_nobody_forges),
        cmocka_unit_test(test_bad_parts),       cmocka_unit_test(test_texts_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
