/* test_openai.c - OpenAI's requests to tasks, and tasks to OpenAI's answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/canon.h"
#include "core/openai.h"
#include "wire/schema.h"
#include "wire/schemas.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static json_t *parse(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

    if (!value) {
        fail_msg("not JSON: %s", text);
    }
    return value;
}

static void assert_json(json_t *value, const char *text)
{
    json_t *expected = parse(text);
    char *is = canon_dump(value), *should = canon_dump(expected);

    assert_string_equal(is, should);
    free(is);
    free(should);
    json_decref(expected);
    json_decref(value);
}

/* ---- requests ---- */

static void reads_as(enum openai_shape shape, bool form, const char *body, const char *task)
{
    struct openai_request request;
    struct note note = {0};
    json_t *value = parse(body);

    if (openai_read(shape, value, form, &request, &note)) {
        fail_msg("%s: %s", body, note.text);
    }
    assert_json(request.task, task);
    json_decref(request.echo);
    json_decref(value);
}

static void refused(enum openai_shape shape, const char *body, enum fault fault, const char *field)
{
    struct openai_request request;
    struct note note = {0};
    json_t *value = parse(body);

    assert_int_equal(openai_read(shape, value, false, &request, &note), fault);
    assert_null(request.task);
    assert_string_equal(note.field, field);
    assert_int_not_equal(note.text[0], '\0');
    json_decref(value);
}

static void test_images(void **state)
{
    /* Proves: every field of the image endpoints goes where the task's input has it. */
    (void)state;
    reads_as(OPENAI_GENERATIONS, false,
             "{\"model\":\"m\",\"prompt\":\"a cat\",\"n\":2,\"size\":\"1024x1024\",\"quality\":\"high\","
             "\"background\":\"transparent\",\"output_format\":\"webp\",\"output_compression\":80,"
             "\"moderation\":\"low\",\"style\":\"vivid\",\"user\":\"u\",\"input_fidelity\":\"high\"}",
             "{\"model\":\"m\",\"kind\":\"image.generate\",\"input\":{\"prompt\":\"a cat\",\"n\":2,"
             "\"size\":\"1024x1024\",\"quality\":\"high\",\"background\":\"transparent\",\"format\":\"webp\","
             "\"compression\":80,\"moderation\":\"low\",\"style\":\"vivid\",\"user\":\"u\","
             "\"vendor\":{\"input_fidelity\":\"high\"}}}");
    reads_as(
        OPENAI_EDITS, false,
        "{\"model\":\"m\",\"prompt\":\"p\",\"images\":[{\"image_url\":\"https://h/a.png\"},"
        "{\"media\":\"d\"},\"https://h/b.png\",{\"image_url\":{\"$blob\":0,\"type\":\"image/png\"}}],"
        "\"mask\":{\"image_url\":\"data:image/png;base64,AAAA\"}}",
        "{\"model\":\"m\",\"kind\":\"image.edit\",\"input\":{\"prompt\":\"p\",\"images\":"
        "[\"https://h/a.png\",{\"media\":\"d\"},\"https://h/b.png\",{\"$blob\":0,\"type\":\"image/png\"}],"
        "\"mask\":\"data:image/png;base64,AAAA\"}}");
}

static void test_null_is_absent(void **state)
{
    /* Proves: OpenAI's optional fields may be null, and options may be there when they are off. */
    (void)state;
    reads_as(OPENAI_GENERATIONS, false,
             "{\"model\":\"m\",\"prompt\":\"p\",\"n\":null,\"stream\":false,\"partial_images\":0,"
             "\"response_format\":null}",
             "{\"model\":\"m\",\"kind\":\"image.generate\",\"input\":{\"prompt\":\"p\"}}");
    reads_as(OPENAI_SPEECH, false,
             "{\"model\":\"m\",\"input\":\"hi\",\"voice\":\"v\",\"stream_format\":\"audio\"}",
             "{\"model\":\"m\",\"kind\":\"audio.speech\",\"input\":{\"text\":\"hi\",\"voice\":\"v\"}}");
    reads_as(OPENAI_CHAT, false,
             "{\"model\":\"m\",\"messages\":[],\"stream\":false,\"store\":false,\"modalities\":[\"text\"]}",
             "{\"model\":\"m\",\"kind\":\"text.chat\",\"input\":{\"messages\":[]}}");
}

static void test_form(void **state)
{
    /* Proves: in a form numbers, switches and objects are read out of texts, and texts that look like numbers
     * stay texts; one picture or several become a list. */
    (void)state;
    reads_as(
        OPENAI_EDITS, true,
        "{\"model\":\"m\",\"prompt\":\"7\",\"n\":\"2\",\"output_compression\":\"80\",\"stream\":\"false\","
        "\"image\":{\"$blob\":0},\"mask\":{\"$blob\":1},\"seed\":\"5\",\"vendor\":\"{\\\"a\\\":[1]}\"}",
        "{\"model\":\"m\",\"kind\":\"image.edit\",\"input\":{\"prompt\":\"7\",\"n\":2,\"compression\":80,"
        "\"images\":[{\"$blob\":0}],\"mask\":{\"$blob\":1},\"seed\":5,\"vendor\":{\"a\":[1]}}}");
    reads_as(
        OPENAI_EDITS, true, "{\"model\":\"m\",\"image\":[{\"$blob\":0},{\"$blob\":1}]}",
        "{\"model\":\"m\",\"kind\":\"image.edit\",\"input\":{\"images\":[{\"$blob\":0},{\"$blob\":1}]}}");
    reads_as(OPENAI_VIDEO, true,
             "{\"model\":\"m\",\"prompt\":\"p\",\"seconds\":\"8\",\"input_reference\":{\"image_url\":\"https:"
             "//h/a\"},"
             "\"watermark\":\"true\"}",
             "{\"model\":\"m\",\"kind\":\"video.generate\",\"input\":{\"prompt\":\"p\",\"duration_s\":8,"
             "\"image\":\"https://h/a\",\"watermark\":true}}");
    /* What is no number stays a text, for the schema to refuse by name. */
    reads_as(OPENAI_EDITS, true, "{\"model\":\"m\",\"n\":\"two\"}",
             "{\"model\":\"m\",\"kind\":\"image.edit\",\"input\":{\"n\":\"two\"}}");
}

static void test_form_cannot_forge(void **state)
{
    /* Proves: a marker hidden in a form's text does not become one. */
    (void)state;
    reads_as(OPENAI_EDITS, true, "{\"model\":\"m\",\"vendor\":\"{\\\"$blob\\\":0}\"}",
             "{\"model\":\"m\",\"kind\":\"image.edit\",\"input\":{\"vendor\":\"{\\\"$blob\\\":0}\"}}");
}

static void test_videos(void **state)
{
    /* Proves: seconds is a text or a number, the reference is the first frame, an avatar speaks its prompt
     * unless it is told otherwise. */
    (void)state;
    reads_as(OPENAI_VIDEO, false,
             "{\"model\":\"m\",\"prompt\":\"p\",\"seconds\":\"8\",\"size\":\"1280x720\","
             "\"input_reference\":{\"image_url\":\"https://h/a.png\"}}",
             "{\"model\":\"m\",\"kind\":\"video.generate\",\"input\":{\"prompt\":\"p\",\"duration_s\":8,"
             "\"size\":\"1280x720\",\"image\":\"https://h/a.png\"}}");
    reads_as(OPENAI_VIDEO, false, "{\"model\":\"m\",\"prompt\":\"p\",\"seconds\":2.5}",
             "{\"model\":\"m\",\"kind\":\"video.generate\",\"input\":{\"prompt\":\"p\",\"duration_s\":2.5}}");
    reads_as(OPENAI_AVATAR, false, "{\"model\":\"m\",\"prompt\":\"Hello\",\"avatar\":\"a\",\"voice\":\"v\"}",
             "{\"model\":\"m\",\"kind\":\"avatar.generate\",\"input\":{\"script\":\"Hello\",\"avatar\":\"a\","
             "\"voice\":\"v\"}}");
    reads_as(OPENAI_AVATAR, false, "{\"model\":\"m\",\"prompt\":\"by the sea\",\"script\":\"Hello\"}",
             "{\"model\":\"m\",\"kind\":\"avatar.generate\",\"input\":{\"script\":\"Hello\","
             "\"prompt\":\"by the sea\"}}");
}

static void test_speech(void **state)
{
    /* Proves: the speech endpoint's fields, and both forms of a voice. */
    (void)state;
    reads_as(OPENAI_SPEECH, false,
             "{\"model\":\"m\",\"input\":\"hi\",\"voice\":{\"id\":\"v1\"},\"instructions\":\"slowly\","
             "\"response_format\":\"wav\",\"speed\":1.5}",
             "{\"model\":\"m\",\"kind\":\"audio.speech\",\"input\":{\"text\":\"hi\",\"voice\":\"v1\","
             "\"style\":\"slowly\",\"format\":\"wav\",\"speed\":1.5}}");
}

static void test_chat(void **state)
{
    /* Proves: chat goes through as it is, with OpenAI's newer name for the length. */
    (void)state;
    reads_as(
        OPENAI_CHAT, false,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"max_completion_tokens\":5,"
        "\"temperature\":0.5,\"metadata\":{\"a\":\"b\"},\"service_tier\":\"auto\"}",
        "{\"model\":\"m\",\"kind\":\"text.chat\",\"metadata\":{\"a\":\"b\"},\"input\":{\"messages\":"
        "[{\"role\":\"user\",\"content\":\"hi\"}],\"max_tokens\":5,\"temperature\":0.5,"
        "\"vendor\":{\"service_tier\":\"auto\"}}}");
}

static void test_more_than_openai(void **state)
{
    /* Proves: fields that OpenAI does not have go through to the task, so that every model can be used. */
    (void)state;
    reads_as(OPENAI_GENERATIONS, false,
             "{\"model\":\"m\",\"prompt\":\"p\",\"seed\":5,\"aspect_ratio\":\"16:9\",\"priority\":\"high\","
             "\"deadline_s\":60,\"vendor\":{\"x\":1},\"input_fidelity\":\"low\",\"nonsense\":true}",
             "{\"model\":\"m\",\"kind\":\"image.generate\",\"priority\":\"high\",\"deadline_s\":60,"
             "\"input\":{\"prompt\":\"p\",\"seed\":5,\"aspect_ratio\":\"16:9\",\"nonsense\":true,"
             "\"vendor\":{\"x\":1,\"input_fidelity\":\"low\"}}}");
    reads_as(OPENAI_GENERATIONS, false, "{\"model\":\"m\",\"input_fidelity\":\"low\",\"vendor\":{\"x\":1}}",
             "{\"model\":\"m\",\"kind\":\"image.generate\","
             "\"input\":{\"vendor\":{\"x\":1,\"input_fidelity\":\"low\"}}}");
}

static void test_refusals(void **state)
{
    /* Proves: what is not served is refused by name, never ignored; so is what makes no sense. */
    static const struct {
        enum openai_shape shape;
        const char *body;
        enum fault fault;
        const char *field;
    } rows[] = {
        {OPENAI_GENERATIONS, "{\"model\":\"m\",\"stream\":true}", FAULT_UNSUPPORTED, "stream"},
        {OPENAI_GENERATIONS, "{\"model\":\"m\",\"partial_images\":1}", FAULT_UNSUPPORTED, "partial_images"},
        {OPENAI_GENERATIONS, "{\"model\":\"m\",\"response_format\":\"json\"}", FAULT_BAD_VALUE,
         "response_format"},
        {OPENAI_GENERATIONS, "{\"model\":\"m\",\"response_format\":1}", FAULT_BAD_VALUE, "response_format"},
        {OPENAI_GENERATIONS, "{\"prompt\":\"p\"}", FAULT_BAD_VALUE, "model"},
        {OPENAI_GENERATIONS, "{\"model\":7}", FAULT_BAD_VALUE, "model"},
        {OPENAI_EDITS, "{\"model\":\"m\",\"images\":[{\"file_id\":\"f\"}]}", FAULT_UNSUPPORTED, "images[0]"},
        {OPENAI_EDITS, "{\"model\":\"m\",\"mask\":{\"file_id\":\"f\"}}", FAULT_UNSUPPORTED, "mask"},
        {OPENAI_EDITS, "{\"model\":\"m\",\"mask\":{\"image_url\":\"a\",\"x\":1}}", FAULT_BAD_VALUE, "mask"},
        {OPENAI_EDITS, "{\"model\":\"m\",\"image\":\"a\",\"images\":[\"b\"]}", FAULT_BAD_VALUE, "images"},
        {OPENAI_VIDEO, "{\"model\":\"m\",\"seconds\":\"long\"}", FAULT_BAD_VALUE, "seconds"},
        {OPENAI_VIDEO, "{\"model\":\"m\",\"seconds\":[8]}", FAULT_BAD_VALUE, "seconds"},
        {OPENAI_VIDEO, "{\"model\":\"m\",\"seconds\":\"8\",\"duration_s\":8}", FAULT_BAD_VALUE, "duration_s"},
        {OPENAI_SPEECH, "{\"model\":\"m\",\"stream_format\":\"sse\"}", FAULT_UNSUPPORTED, "stream_format"},
        {OPENAI_CHAT, "{\"model\":\"m\",\"stream\":true}", FAULT_UNSUPPORTED, "stream"},
        {OPENAI_CHAT, "{\"model\":\"m\",\"store\":true}", FAULT_UNSUPPORTED, "store"},
        {OPENAI_CHAT, "{\"model\":\"m\",\"modalities\":[\"text\",\"audio\"]}", FAULT_UNSUPPORTED,
         "modalities"},
        {OPENAI_CHAT, "{\"model\":\"m\",\"functions\":[{}]}", FAULT_UNSUPPORTED, "functions"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        refused(rows[i].shape, rows[i].body, rows[i].fault, rows[i].field);
    }
}

static void test_fits_schemas(void **state)
{
    /* Proves: what the table makes of a full request of each shape is an input that its schema takes. */
    static const struct {
        enum openai_shape shape;
        const char *body;
    } rows[] = {
        {OPENAI_GENERATIONS,
         "{\"model\":\"m\",\"prompt\":\"p\",\"n\":1,\"size\":\"auto\",\"quality\":\"hd\",\"background\":"
         "\"auto\","
         "\"output_format\":\"png\",\"output_compression\":100,\"moderation\":\"auto\",\"style\":\"vivid\","
         "\"user\":\"u\",\"input_fidelity\":\"high\"}"},
        {OPENAI_EDITS,
         "{\"model\":\"m\",\"prompt\":\"p\",\"images\":[{\"image_url\":\"https://h/a\"}],\"mask\":"
         "{\"image_url\":\"https://h/b\"},\"n\":1,\"size\":\"1024x1536\",\"quality\":\"low\"}"},
        {OPENAI_VIDEO, "{\"model\":\"m\",\"prompt\":\"p\",\"seconds\":\"12\",\"size\":\"720x1280\","
                       "\"input_reference\":\"https://h/a\",\"user\":\"u\"}"},
        {OPENAI_AVATAR, "{\"model\":\"m\",\"prompt\":\"p\",\"size\":\"720x1280\",\"voice\":\"v\"}"},
        {OPENAI_SPEECH, "{\"model\":\"m\",\"input\":\"i\",\"voice\":\"v\",\"instructions\":\"s\",\"speed\":4,"
                        "\"response_format\":\"opus\"}"},
        {OPENAI_CHAT, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"c\"}],\"n\":1,"
                      "\"max_completion_tokens\":9,\"stop\":\"x\",\"reasoning_effort\":\"low\",\"seed\":1}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct openai_request request;
        struct note note = {0};
        char name[64];
        struct schema *schema = NULL;
        json_t *body = parse(rows[i].body);
        snprintf(name, sizeof(name), "input.%s", task_kind_text(openai_kind(rows[i].shape)));
        json_t *text = parse(schemas_find(name));
        assert_int_equal(schema_new(text, &schema, NULL), FAULT_OK);
        assert_int_equal(openai_read(rows[i].shape, body, false, &request, &note), FAULT_OK);
        if (schema_check_note(schema, json_object_get(request.task, "input"), &note)) {
            fail_msg("%s: %s", name, note.text);
        }
        json_decref(request.task);
        json_decref(request.echo);
        schema_free(&schema);
        json_decref(text);
        json_decref(body);
    }
}

static void test_echo_and_url(void **state)
{
    /* Proves: what the answer needs of the request is kept: URLs or bytes, a video's seconds and size. */
    struct openai_request request;
    json_t *body = parse("{\"model\":\"m\",\"prompt\":\"p\",\"response_format\":\"url\"}");

    (void)state;
    assert_int_equal(openai_read(OPENAI_GENERATIONS, body, false, &request, NULL), FAULT_OK);
    assert_true(request.url);
    assert_null(request.echo);
    json_decref(request.task);
    json_decref(body);
    body = parse("{\"model\":\"m\",\"prompt\":\"p\",\"seconds\":8,\"size\":\"1x1\"}");
    assert_int_equal(openai_read(OPENAI_VIDEO, body, false, &request, NULL), FAULT_OK);
    assert_false(request.url);
    assert_json(request.echo, "{\"seconds\":\"8\",\"size\":\"1x1\"}");
    json_decref(request.task);
    json_decref(body);
}

static void noted(enum openai_shape shape, const char *field, const char *text, const char *to,
                  const char *words)
{
    struct note note = {0};

    note_field(&note, field);
    note_set(&note, FAULT_BAD_VALUE, "%s", text);
    openai_note(shape, &note);
    assert_string_equal(note.field, to);
    assert_string_equal(note.text, words);
}

static void test_notes(void **state)
{
    /* Proves: a complaint about the task names the field that the request has. */
    (void)state;
    noted(OPENAI_GENERATIONS, "input.format", "input.format: format must be one of", "output_format",
          "output_format: format must be one of");
    noted(OPENAI_GENERATIONS, "input.n", "input.n: n must be an integer", "n", "n must be an integer");
    noted(OPENAI_VIDEO, "input.duration_s", "input.duration_s must be at most 3600", "seconds",
          "seconds must be at most 3600");
    noted(OPENAI_VIDEO, "input.duration_s", "input.duration_s: too long", "seconds", "seconds: too long");
    noted(OPENAI_EDITS, "input.images[2]", "input.images[2]: no", "images[2]", "images[2]: no");
    noted(OPENAI_EDITS, "input.nonsense", "input.nonsense: not known", "nonsense", "nonsense: not known");
    noted(OPENAI_EDITS, "kind", "model m does not do it", "model", "model m does not do it");
    noted(OPENAI_EDITS, "model", "no such model", "model", "no such model");
}

/* ---- answers ---- */

#define HEAD "\"id\":\"i\",\"object\":\"task\",\"model\":\"m\",\"created_at\":100,"

static void test_images_answer(void **state)
{
    /* Proves: outputs become data, one that failed is left out and does not shift the others; details of the
     * task come with it. */
    json_t *view = parse("{" HEAD "\"status\":\"completed\",\"completed_at\":160.5,\"outputs\":["
                         "{\"type\":\"image/webp\",\"bytes\":3,\"media\":\"d0\",\"width\":8,\"height\":4},"
                         "{\"error\":{\"code\":\"vendor_failed\",\"message\":\"no\"}},"
                         "{\"type\":\"image/webp\",\"bytes\":5,\"media\":\"d2\"}],"
                         "\"usage\":{\"total_tokens\":7},\"revised_prompt\":[\"x\",null,\"z\"]}");

    (void)state;
    assert_json(
        openai_images(view, false, 1000),
        "{\"created\":160,\"data\":[{\"b64_json\":{\"$blob\":0},\"revised_prompt\":\"x\"},"
        "{\"b64_json\":{\"$blob\":2},\"revised_prompt\":\"z\"}],\"output_format\":\"webp\",\"size\":\"8x4\","
        "\"usage\":{\"total_tokens\":7}}");
    assert_json(
        openai_images(view, true, 1000),
        "{\"created\":160,\"data\":[{\"url\":\"/v1/media/d0\",\"expires_at\":1160,\"revised_prompt\":\"x\"},"
        "{\"url\":\"/v1/media/d2\",\"expires_at\":1160,\"revised_prompt\":\"z\"}],"
        "\"output_format\":\"webp\",\"size\":\"8x4\",\"usage\":{\"total_tokens\":7}}");
    json_decref(view);
}

static void test_video_answer(void **state)
{
    /* Proves: all six states of a task are OpenAI's four, with the error that tells them apart. */
    static const struct {
        const char *view;
        const char *video;
    } rows[] = {
        {"{" HEAD "\"status\":\"queued\",\"stage\":\"accepted\"}",
         "{\"id\":\"i\",\"object\":\"video\",\"model\":\"m\",\"status\":\"queued\",\"progress\":0,\"created_"
         "at\":100,"
         "\"completed_at\":null,\"expires_at\":null,\"seconds\":\"8\",\"size\":\"1x1\","
         "\"remixed_from_video_id\":null,\"error\":null}"},
        {"{" HEAD "\"status\":\"in_progress\",\"progress\":42.6}",
         "{\"id\":\"i\",\"object\":\"video\",\"model\":\"m\",\"status\":\"in_progress\",\"progress\":43,"
         "\"created_at\":100,\"completed_at\":null,\"expires_at\":null,\"seconds\":\"8\",\"size\":\"1x1\","
         "\"remixed_from_video_id\":null,\"error\":null}"},
        {"{" HEAD
         "\"status\":\"completed\",\"completed_at\":200,\"outputs\":[{\"type\":\"video/mp4\",\"width\":1280,"
         "\"height\":720,\"duration_s\":7.9}]}",
         "{\"id\":\"i\",\"object\":\"video\",\"model\":\"m\",\"status\":\"completed\",\"progress\":100,"
         "\"created_at\":100,\"completed_at\":200,\"expires_at\":260,\"seconds\":\"8\",\"size\":\"1280x720\","
         "\"remixed_from_video_id\":null,\"error\":null}"},
        {"{" HEAD "\"status\":\"cancelled\",\"completed_at\":200,\"outputs\":[],"
         "\"error\":{\"code\":\"cancelled\",\"type\":\"task_error\",\"message\":\"gone\"}}",
         "{\"id\":\"i\",\"object\":\"video\",\"model\":\"m\",\"status\":\"failed\",\"progress\":0,\"created_"
         "at\":100,"
         "\"completed_at\":null,\"expires_at\":null,\"seconds\":\"8\",\"size\":\"1x1\","
         "\"remixed_from_video_id\":null,\"error\":{\"code\":\"cancelled\",\"message\":\"gone\"}}"},
        {"{" HEAD "\"status\":\"expired\",\"completed_at\":200,"
         "\"error\":{\"code\":\"deadline_exceeded\",\"message\":\"late\"}}",
         "{\"id\":\"i\",\"object\":\"video\",\"model\":\"m\",\"status\":\"failed\",\"progress\":0,\"created_"
         "at\":100,"
         "\"completed_at\":null,\"expires_at\":null,\"seconds\":\"8\",\"size\":\"1x1\","
         "\"remixed_from_video_id\":null,\"error\":{\"code\":\"deadline_exceeded\",\"message\":\"late\"}}"},
    };
    json_t *echo = parse("{\"seconds\":\"8\",\"size\":\"1x1\"}");

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        json_t *view = parse(rows[i].view);
        assert_json(openai_video(view, echo, 60), rows[i].video);
        json_decref(view);
    }
    json_decref(echo);
    assert_json(openai_video_deleted("i"), "{\"id\":\"i\",\"object\":\"video.deleted\",\"deleted\":true}");
}

static void test_video_without_echo(void **state)
{
    /* Proves: a video that was not made through this endpoint shows what it is, and null for what is not
     * known. */
    json_t *view =
        parse("{" HEAD "\"status\":\"completed\",\"completed_at\":200,\"outputs\":[{\"duration_s\":7.9}]}");
    json_t *video = openai_video(view, NULL, 60);

    (void)state;
    assert_string_equal(json_string_value(json_object_get(video, "seconds")), "7.9");
    assert_true(json_is_null(json_object_get(video, "size")));
    json_decref(video);
    json_decref(view);
}

static void test_chat_answer(void **state)
{
    /* Proves: the vendor's choices go through; texts alone become choices. */
    json_t *view =
        parse("{" HEAD "\"status\":\"completed\",\"choices\":[{\"index\":0}],\"usage\":{\"t\":1}}");

    (void)state;
    assert_json(openai_chat(view),
                "{\"id\":\"i\",\"object\":\"chat.completion\",\"created\":100,\"model\":\"m\","
                "\"choices\":[{\"index\":0}],\"usage\":{\"t\":1}}");
    json_decref(view);
    view = parse("{" HEAD
                 "\"status\":\"completed\",\"outputs\":[{\"type\":\"text/plain\",\"text\":\"hello\"}]}");
    assert_json(openai_chat(view),
                "{\"id\":\"i\",\"object\":\"chat.completion\",\"created\":100,\"model\":\"m\","
                "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"hello\"},"
                "\"finish_reason\":\"stop\"}]}");
    json_decref(view);
}

static void test_speech_type(void **state)
{
    /* Proves: sounds without a head get the type of the format that was asked for. */
    (void)state;
    assert_string_equal(openai_speech_type("pcm"), "audio/pcm");
    assert_string_equal(openai_speech_type("mp3"), "audio/mpeg");
    assert_string_equal(openai_speech_type(NULL), "application/octet-stream");
    assert_string_equal(openai_speech_type("x"), "application/octet-stream");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images),
        cmocka_unit_test(test_null_is_absent),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_form_cannot_forge),
        cmocka_unit_test(test_videos),
        cmocka_unit_test(test_speech),
        cmocka_unit_test(test_chat),
        cmocka_unit_test(test_more_than_openai),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_fits_schemas),
        cmocka_unit_test(test_echo_and_url),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_images_answer),
        cmocka_unit_test(test_video_answer),
        cmocka_unit_test(test_video_without_echo),
        cmocka_unit_test(test_chat_answer),
        cmocka_unit_test(test_speech_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
