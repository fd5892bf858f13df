/* test_spot.c - where media may stand in an input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core/spot.h"

struct seen {
    struct buf log;
    const char *stop;
};

/* Notes the place and puts its number there. */
static enum fault note_spot(void *arg, const struct spot *spot)
{
    struct seen *s = arg;

    if (s->stop && !strcmp(s->stop, spot->path)) {
        return FAULT_BAD_VALUE;
    }
    buf_printf(&s->log, "%s(%s%s) ", spot->path, spot->field, spot->bytes ? ", bytes" : "");
    spot_set(spot, json_true());
    return FAULT_OK;
}

static void finds(const char *input, const char *spots, const char *after)
{
    json_t *value = json_loads(input, 0, NULL);
    struct seen s = {.stop = NULL};

    assert_non_null(value);
    buf_init(&s.log, 4096);
    buf_text(&s.log, "");
    assert_int_equal(spot_each(value, note_spot, &s), FAULT_OK);
    char *dump = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(s.log.n ? s.log.p : "", spots);
    assert_string_equal(dump, after);
    free(dump);
    buf_done(&s.log);
    json_decref(value);
}

static void test_fields_and_lists(void **state)
{
    /* Media fields and the elements of lists there, whatever stands there; nothing else, also not members of
     * `vendor`. */
    (void)state;
    finds("{\"image\":\"x\",\"images\":[1,{\"url\":\"u\"}],\"prompt\":\"p\",\"vendor\":{\"url\":\"u\"}}",
          "image(image) images[0](images) images[1](images) ",
          "{\"image\":true,\"images\":[true,true],\"prompt\":\"p\",\"vendor\":{\"url\":\"u\"}}");
    finds("{\"vendor\":{\"media\":\"x\",\"image\":\"y\"},\"images\":[]}", "",
          "{\"images\":[],\"vendor\":{\"image\":\"y\",\"media\":\"x\"}}");
}

static void test_messages(void **state)
{
    /* In messages, the one place of each kind of part; sounds and documents are bytes. */
    (void)state;
    finds(
        "{\"messages\":[{\"content\":\"text\"},{\"content\":[{\"type\":\"text\",\"text\":\"t\"},"
        "{\"image_url\":{\"url\":\"u\"}},{\"video_url\":{\"url\":\"u\"}},{\"input_audio\":{\"data\":\"d\"}},"
        "{\"file\":{\"file_data\":\"d\",\"filename\":\"f\"}}]}]}",
        "messages[1].content[1].image_url.url(messages) messages[1].content[2].video_url.url(messages) "
        "messages[1].content[3].input_audio.data(messages, bytes) "
        "messages[1].content[4].file.file_data(messages, bytes) ",
        "{\"messages\":[{\"content\":\"text\"},{\"content\":[{\"text\":\"t\",\"type\":\"text\"},"
        "{\"image_url\":{\"url\":true}},{\"video_url\":{\"url\":true}},{\"input_audio\":{\"data\":true}},"
        "{\"file\":{\"file_data\":true,\"filename\":\"f\"}}]}]}");
}

static void test_what_does_not_fit(void **state)
{
    /* Inputs of any other shape have no such places. */
    static const char *const odd[] = {
        "{\"messages\":7}", "{\"messages\":{\"content\":[]}}", "{\"messages\":[7,null,[]]}",
        "{\"messages\":[{\"content\":[7,{\"image_url\":\"u\"},{\"image_url\":[1]},{\"file\":null}]}]}"};

    (void)state;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        finds(odd[i], "", odd[i]);
    }
}

static void test_a_fault_ends_it(void **state)
{
    /* The first fault is given, and nothing behind it is looked at. */
    json_t *value = json_loads("{\"images\":[1,2,3]}", 0, NULL);
    struct seen s = {.stop = "images[1]"};

    (void)state;
    buf_init(&s.log, 4096);
    assert_int_equal(spot_each(value, note_spot, &s), FAULT_BAD_VALUE);
    assert_string_equal(s.log.p, "images[0](images) ");
    buf_done(&s.log);
    json_decref(value);
}

static void test_is_medium(void **state)
{
    /* A medium names its bytes or its URL, as a text. */
    json_t *media = json_pack("[{s:s},{s:s},{s:i},{},s,{s:s}]", "media", "d", "url", "u", "url", 1, "text",
                              "base64", "b");
    static const bool want[] = {true, true, false, false, false, false};

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(spot_is_medium(json_array_get(media, i)), want[i]);
    }
    json_decref(media);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_and_lists),  cmocka_unit_test(test_messages),
        cmocka_unit_test(test_what_does_not_fit), cmocka_unit_test(test_a_fault_ends_it),
        cmocka_unit_test(test_is_medium),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
