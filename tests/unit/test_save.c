/* test_save.c - names of saved outputs, fields of attached files, the progress line: what the commands decide
 * by themselves. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/attach.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/save.h"

#define ID "01a20312-6b40-7efe-85d9-1d6f2d15dc14"

static void test_names(void **state)
{
    /* Proves: a name is kept when one is given, numbered only when there are several, and never leaves its
     * folder because of a model's name. */
    static const struct {
        struct save_which which;
        const char *to, *name;
    } cases[] = {
        {{ID, "sora-2", 0, 1, "video/mp4"}, NULL, "sora-2-15dc14.mp4"},
        {{ID, "sora-2", 2, 3, "video/mp4"}, NULL, "sora-2-15dc14-2.mp4"},
        {{ID, "sora-2", 0, 1, "video/mp4"}, "", "sora-2-15dc14.mp4"},
        {{ID, "sora-2", 0, 1, "video/mp4"}, "out/", "out/sora-2-15dc14.mp4"},
        {{ID, "../../etc/x y", 0, 1, "image/png"}, NULL, "output-15dc14.png"},
        {{ID, "a/../b", 0, 1, "image/png"}, NULL, "a-..-b-15dc14.png"},
        {{ID, "a\nb\x1b", 0, 1, "image/png"}, NULL, "a-b--15dc14.png"},
        {{ID, "", 0, 1, NULL}, NULL, "output-15dc14.bin"},
        {{ID, NULL, 0, 1, "what/ever"}, NULL, "output-15dc14.bin"},
        {{"abc", "m", 0, 1, "image/png"}, NULL, "m-abc.png"},
        {{ID, "m", 0, 1, "image/png"}, "x.jpeg", "x.jpeg"},
        {{ID, "m", 0, 2, "image/png"}, "x.png", "x-0.png"},
        {{ID, "m", 1, 2, "image/png"}, "a.b/x", "a.b/x-1"},
        {{ID, "m", 1, 2, "image/png"}, "a.b/x.tar.gz", "a.b/x.tar-1.gz"},
        {{ID, "m", 1, 2, "image/png"}, ".hidden", ".hidden-1"},
        {{ID, "m", 1, 2, "image/png"}, "a/.hidden", "a/.hidden-1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *name = save_name(&cases[i].which, cases[i].to);
        if (strcmp(name, cases[i].name) != 0) {
            fail_msg("case %zu: %s", i, name);
        }
        free(name);
    }
}

static void test_attach_field(void **state)
{
    /* Proves: a file goes into the field that the kind's schema has for it, and nowhere when there is none.
     */
    static const struct {
        const char *kind, *type;
        size_t count;
        const char *field;
    } cases[] = {
        {"image.generate", "image/png", 1, "images"},
        {"image.edit", "image/jpeg", 2, "images"},
        {"image.upscale", "image/png", 1, "image"},
        {"video.generate", "image/png", 1, "image"},
        {"video.generate", "image/png", 2, "images"},
        {"video.generate", "video/mp4", 1, "video"},
        {"video.generate", "audio/mpeg", 1, "audio"},
        {"avatar.generate", "image/png", 1, "image"},
        {"avatar.generate", "audio/wav", 1, "audio"},
        {"audio.speech", "audio/mpeg", 1, "audio"},
        {"audio.speech", "image/png", 1, NULL},
        {"image.upscale", "video/mp4", 1, NULL},
        {"text.chat", "image/png", 1, NULL},
        {NULL, "image/png", 1, "images"},
        {NULL, "audio/mpeg", 1, "audio"},
        {NULL, "video/mp4", 1, "video"},
        {NULL, "application/octet-stream", 1, NULL},
        {"image.edit", "application/pdf", 1, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *field = attach_field(cases[i].kind, cases[i].type, cases[i].count);
        if (!field != !cases[i].field || (field && strcmp(field, cases[i].field) != 0)) {
            fail_msg("case %zu: %s", i, field ? field : "none");
        }
    }
}

static void test_attach_cut(void **state)
{
    /* Proves: FIELD=FILE is cut only where FIELD takes media; any other name with "=" is a file's. */
    static const struct {
        const char *word, *file, *field;
    } cases[] = {
        {"a.png", "a.png", NULL},
        {"mask=a.png", "a.png", "mask"},
        {"image=a=b.png", "a=b.png", "image"},
        {"prompt=a.png", "prompt=a.png", NULL},
        {"=a.png", "=a.png", NULL},
        {"mask", "mask", NULL},
        {"images2=a", "images2=a", NULL},
        {"-", "-", NULL},
        {"audio=-", "-", "audio"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *field = "?", *file = attach_cut(cases[i].word, &field);
        assert_string_equal(file, cases[i].file);
        assert_true(!field == !cases[i].field && (!field || !strcmp(field, cases[i].field)));
    }
}

static void test_progress_line(void **state)
{
    /* Proves: the line has a bar when there is room and something to show, and never more columns than the
     * terminal. */
    static const struct {
        struct progress_view view;
        const char *line;
    } cases[] = {
        {{"queued", -1, 0, 80}, "queued  0s"},
        {{"vendor_running", 50, 75, 80},
         "[####################--------------------]  50 %  vendor_running  1m 15s"},
        {{"vendor_running", 0, 5, 60}, "[--------------------]   0 %  vendor_running  5s"},
        {{"storing", 100, 3700, 52}, "[############] 100 %  storing  1h 01m"},
        {{"storing", 250, 5, 52}, "[############] 100 %  storing  5s"},
        {{"vendor_running", 42, 5, 40}, " 42 %  vendor_running  5s"},
        {{"vendor_running", 42, 5, 10}, " 42 %  ven"},
        {{"a_word_that_is_much_too_long_for_a_stage", -1, 5, 80}, "a_word_that_is_much_  5s"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[256];
        progress_line(&cases[i].view, line, sizeof(line));
        if (strcmp(line, cases[i].line) != 0) {
            fail_msg("case %zu: %s", i, line);
        }
    }
}

static void test_quiet(void **state)
{
    /* Proves: where there is no terminal nothing is drawn, by any of the calls. */
    FILE *file = tmpfile();
    struct progress *p = progress_new(file);

    (void)state;
    assert_null(p);
    progress_set(p, "queued", NULL, 5);
    progress_tick(p);
    progress_free(&p);
    assert_int_equal(ftell(file), 0);
    fclose(file);
}

static void test_print_text(void **state)
{
    /* Proves: a vendor's words reach the terminal without anything that it would obey. */
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"plain", "plain"},
        {"two\nlines\tand", "two lines and"},
        {"\x1b[2Jgone\x07\x7f", "?[2Jgone??"},
        {"caf\xc3\xa9 \xe2\x82\xac", "caf\xc3\xa9 \xe2\x82\xac"},
        {"\xc2\x9b"
         "31m",
         "?31m"},
        {"\xc2\xa0", "\xc2\xa0"},
        {"\xc2", "\xc2"},
        {NULL, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char shown[64] = "";
        FILE *file = fmemopen(shown, sizeof(shown), "w");
        print_text(file, cases[i].text);
        fclose(file);
        assert_string_equal(shown, cases[i].shown);
    }
}

static void test_print_numbers(void **state)
{
    /* Proves: sizes and times are short and have their unit. */
    char out[32];

    (void)state;
    print_bytes(out, sizeof(out), 0);
    assert_string_equal(out, "0 B");
    print_bytes(out, sizeof(out), 1023);
    assert_string_equal(out, "1023 B");
    print_bytes(out, sizeof(out), 1536);
    assert_string_equal(out, "1.5 KiB");
    print_bytes(out, sizeof(out), UINT64_MAX);
    assert_string_equal(out, "16777216.0 TiB");
    print_seconds(out, sizeof(out), 59);
    assert_string_equal(out, "59s");
    print_seconds(out, sizeof(out), 3600);
    assert_string_equal(out, "1h 00m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),         cmocka_unit_test(test_attach_field),
        cmocka_unit_test(test_attach_cut),    cmocka_unit_test(test_progress_line),
        cmocka_unit_test(test_quiet),         cmocka_unit_test(test_print_text),
        cmocka_unit_test(test_print_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
