/* test_datauri.c - data URIs that carry base64. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "wire/datauri.h"

static void test_parts_are_found(void **state)
{
    /* Type without parameters and data, in any case of the words; both may be empty. */
    (void)state;
    static const struct uri {
        const char *text;
        const char *type;
        const char *data;
    } uris[] = {
        {"data:image/png;base64,QUJD", "image/png", "QUJD"},
        {"DATA:Image/PNG;Base64,QUJD", "Image/PNG", "QUJD"},
        {"data:image/svg+xml;charset=utf-8;name=a.svg;base64,QUJD", "image/svg+xml", "QUJD"},
        {"data:;base64,QUJD", "", "QUJD"},
        {"data:;charset=utf-8;base64,QUJD", "", "QUJD"},
        {"data:audio/vnd.x-y_z.1;base64,", "audio/vnd.x-y_z.1", ""},
        {"data:a/b;base64,Q,U", "a/b", "Q,U"},
    };
    struct slice type, data;

    for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
        if (!datauri_read(slice_of(uris[i].text), &type, &data)) {
            fail_msg("%s was not taken", uris[i].text);
        }
        assert_true(slice_is(type, uris[i].type));
        assert_true(slice_is(data, uris[i].data));
    }
}

static void test_what_is_none(void **state)
{
    /* Other schemes, no comma, no base64, and types that are none. */
    (void)state;
    static const char *const others[] = {
        "",
        "d",
        "data:",
        "data",
        "data:,",
        "data:,hello",
        "data:text/plain,hello",
        "data:image/png;base64",
        "data:image/png;base64;x=y,QUJD",
        "data:base64,QUJD",
        "data:image;base64,QUJD",
        "data:/png;base64,QUJD",
        "data:image/;base64,QUJD",
        "data:image/png/x;base64,QUJD",
        "data:image/p g;base64,QUJD",
        "data:image/p\"g;base64,QUJD",
        "data:image/\xc3\xa9;base64,QUJD",
        "http://a/b;base64,QUJD",
        " data:a/b;base64,QUJD",
    };
    struct slice type, data;

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (datauri_read(slice_of(others[i]), &type, &data)) {
            fail_msg("%s was taken", others[i]);
        }
    }
    assert_false(datauri_read((struct slice){NULL, 0}, &type, &data));
}

static void test_long_types_are_refused(void **state)
{
    /* 127 chars of type are taken, 128 are not. */
    (void)state;
    struct slice type, data;
    char text[200];
    char name[DATAURI_TYPE_CHARS + 2];

    memset(name, 'a', sizeof(name));
    name[DATAURI_TYPE_CHARS + 1] = '\0';
    name[1] = '/';
    snprintf(text, sizeof(text), "data:%s;base64,QUJD", name);
    assert_false(datauri_read(slice_of(text), &type, &data));
    snprintf(text, sizeof(text), "data:%.127s;base64,QUJD", name);
    assert_true(datauri_read(slice_of(text), &type, &data));
    assert_int_equal(type.n, DATAURI_TYPE_CHARS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_are_found),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_long_types_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
