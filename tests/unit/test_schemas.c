/* test_schemas.c - the public schemas: they are sound, and they take and refuse what their kinds say. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "wire/schema.h"
#include "wire/schemas.h"

#define DIGEST "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define TASK   "01973f5e-7c1a-7b8e-9d3a-2f6c1e0a4b5d"

static json_t *load(const char *name)
{
    const char *text = schemas_find(name);
    json_error_t error;

    if (!text) {
        fail_msg("schemas/%s.json is not embedded", name);
    }
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!json) {
        fail_msg("schemas/%s.json: line %d: %s", name, error.line, error.text);
    }
    return json;
}

static struct schema *compile(const char *name)
{
    json_t *json = load(name);
    struct schema *schema = NULL;
    struct note note = {0};

    if (schema_new(json, &schema, &note)) {
        fail_msg("schemas/%s.json: %s", name, note.text);
    }
    json_decref(json);
    return schema;
}

/* A value for a schema: taken when field is NULL, else refused there with a sentence that has text in it. */
struct example {
    const char *value;
    const char *field;
    const char *text;
};

static void run_example(struct schema *schema, const char *prefix, const struct example *e)
{
    json_error_t error;
    struct note note = {0};
    json_t *value = json_loads(e->value, 0, &error);

    if (!value) {
        fail_msg("%s: %s", error.text, e->value);
    }
    enum fault fault = schema_check_field(schema, value, prefix, &note);
    if (!e->field && fault) {
        fail_msg("%s\nis refused: %s", e->value, note.text);
    }
    if (e->field && (!fault || strcmp(note.field, e->field) != 0 || !strstr(note.text, e->text))) {
        fail_msg("%s\nsays %s: %s\nnot  %s: %s", e->value, note.field, note.text, e->field, e->text);
    }
    json_decref(value);
}

/* Runs examples up to the one without a value. */
static void run(const char *name, const char *prefix, const struct example *examples)
{
    struct schema *schema = compile(name);

    for (; examples->value; examples++) {
        run_example(schema, prefix, examples);
    }
    schema_free(&schema);
}

/* ---- all schemas ---- */

/* Calls fn for each schema inside text, text included. */
typedef void visit_fn(const char *name, const json_t *schema);

static void visit(const char *name, const json_t *text, visit_fn *fn)
{
    static const char *const maps[] = {"properties", "patternProperties", "definitions"};
    static const char *const lists[] = {"allOf", "anyOf", "oneOf"};
    static const char *const single[] = {
        "items", "additionalProperties", "propertyNames", "not", "if", "then", "else"};
    const char *key;
    json_t *part;
    size_t i;

    fn(name, text);
    for (size_t m = 0; m < sizeof(maps) / sizeof(maps[0]); m++) {
        json_object_foreach(json_object_get(text, maps[m]), key, part)
        {
            visit(name, part, fn);
        }
    }
    for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
        json_array_foreach(json_object_get(text, lists[l]), i, part)
        {
            visit(name, part, fn);
        }
    }
    for (size_t s = 0; s < sizeof(single) / sizeof(single[0]); s++) {
        part = json_object_get(text, single[s]);
        if (part) {
            visit(name, part, fn);
        }
    }
}

static void check_keywords(const char *name, const json_t *schema)
{
    static const char known[] =
        " $schema $ref $id title description examples type enum const definitions properties "
        "required additionalProperties patternProperties propertyNames minProperties "
        "maxProperties items minItems maxItems uniqueItems minLength maxLength pattern minimum "
        "maximum exclusiveMinimum exclusiveMaximum allOf anyOf oneOf not if then else "
        "dependencies default contains additionalItems format $comment ";
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)schema, key, value)
    {
        char word[64];
        snprintf(word, sizeof(word), " %s ", key);
        if (!strstr(known, word)) {
            fail_msg("schemas/%s.json: \"%s\" is no keyword that we use", name, key);
        }
    }
}

static void check_descriptions(const char *name, const json_t *schema)
{
    const char *key;
    json_t *field;

    json_object_foreach(json_object_get(schema, "properties"), key, field)
    {
        const char *text = json_string_value(json_object_get(field, "description"));
        /* The conditions of if and then only point at fields that are described elsewhere. */
        bool condition = json_object_size(field) == 1 && !json_object_get(field, "type");
        if (!condition && (!text || !*text)) {
            fail_msg("schemas/%s.json: the field %s has no description", name, key);
        }
    }
}

static void check_closed(const char *name, const json_t *schema)
{
    const char *type = json_string_value(json_object_get(schema, "type"));
    const char *key;
    json_t *field;

    if (type && !strcmp(type, "object") && json_object_get(schema, "properties") &&
        !json_object_get(schema, "additionalProperties") &&
        !json_object_get(json_object_get(schema, "properties"), "adapter")) {
        fail_msg("schemas/%s.json: an object takes fields that nobody knows", name);
    }
    json_object_foreach(json_object_get(schema, "properties"), key, field)
    {
        if (!strcmp(key, "vendor") && json_object_get(field, "additionalProperties")) {
            fail_msg("schemas/%s.json: vendor must take any field", name);
        }
    }
}

static void test_every_schema_compiles_and_is_spelt_right(void **state)
{
    /* All embedded schemas compile, use only keywords that exist, describe each field, and are closed. */
    size_t n = 0;

    (void)state;
    for (const char *name; (name = schemas_name(n)); n++) {
        struct schema *schema = compile(name);
        json_t *text = load(name);
        assert_string_equal(json_string_value(json_object_get(text, "$schema")),
                            "http://json-schema.org/draft-07/schema#");
        visit(name, text, check_keywords);
        visit(name, text, check_descriptions);
        if (strcmp(name, "adapter") != 0 && strcmp(name, "config") != 0) {
            visit(name, text, check_closed);
        }
        json_decref(text);
        schema_free(&schema);
    }
    assert_true(n >= 10);
    assert_null(schemas_find("nothing"));
}

static void test_media_is_the_same_everywhere(void **state)
{
    /* Schemas cannot refer to one another, so the copies of the media definitions must not drift apart. */
    static const char *const parts[] = {"media", "media_text", "media_object"};
    json_t *first = load("input.image.edit");

    (void)state;
    for (size_t i = 0; schemas_name(i); i++) {
        json_t *other = load(schemas_name(i));
        json_t *definitions = json_object_get(other, "definitions");
        for (size_t p = 0; json_object_get(definitions, "media") && p < 3; p++) {
            const json_t *want = json_object_get(json_object_get(first, "definitions"), parts[p]);
            assert_non_null(want);
            assert_true(json_equal(json_object_get(definitions, parts[p]), want));
        }
        json_decref(other);
    }
    json_decref(first);
}

static void test_kinds_are_those_that_have_a_schema(void **state)
{
    /* task.json and result.json list exactly the kinds for which input.<kind>.json is there. */
    static const char *const files[] = {"task", "result"};
    size_t inputs = 0;

    (void)state;
    for (size_t i = 0; schemas_name(i); i++) {
        inputs += !strncmp(schemas_name(i), "input.", 6);
    }
    for (size_t f = 0; f < 2; f++) {
        json_t *text = load(files[f]);
        json_t *kinds = json_object_get(json_object_get(json_object_get(text, "properties"), "kind"), "enum");
        assert_int_equal(json_array_size(kinds), inputs);
        for (size_t k = 0; k < json_array_size(kinds); k++) {
            char name[80];
            snprintf(name, sizeof(name), "input.%s", json_string_value(json_array_get(kinds, k)));
            assert_non_null(schemas_find(name));
        }
        json_decref(text);
    }
}

/* ---- each schema ---- */

static void test_task(void **state)
{
    /* A task needs a model and an input; the rest is bounded and misspellings are met with a hint. */
    static const struct example examples[] = {
        {"{\"model\": \"flux\", \"input\": {\"prompt\": \"a cat\"}}", NULL, NULL},
        {"{\"model\": \"m\", \"input\": {}, \"kind\": \"image.edit\", \"priority\": \"high\", "
         "\"deadline_s\": 604800,"
         " \"metadata\": {\"order\": \"4711\"}}",
         NULL, NULL},
        {"{\"input\": {}}", "model", "is required"},
        {"{\"model\": \"m\"}", "input", "is required"},
        {"{\"model\": \"\", \"input\": {}}", "model", "must not be empty"},
        {"{\"model\": 5, \"input\": {}}", "model", "must be a string, not a number"},
        {"{\"model\": \"m\", \"input\": []}", "input", "must be an object"},
        {"{\"model\": \"m\", \"input\": {}, \"deadline\": 5}", "deadline", "did you mean \"deadline_s\"?"},
        {"{\"model\": \"m\", \"input\": {}, \"deadline_s\": 0}", "deadline_s", "at least 1"},
        {"{\"model\": \"m\", \"input\": {}, \"deadline_s\": 604801}", "deadline_s", "at most 604800"},
        {"{\"model\": \"m\", \"input\": {}, \"priority\": \"urgent\"}", "priority",
         "one of \"high\", \"normal\", \"low\""},
        {"{\"model\": \"m\", \"input\": {}, \"kind\": \"image.genrate\"}", "kind",
         "did you mean \"image.generate\"?"},
        {"{\"model\": \"m\", \"input\": {}, \"metadata\": {\"a\": 1}}", "metadata.a", "must be a string"},
        {"[]", "", "the value must be an object, not an array"},
        {0}};

    (void)state;
    run("task", "", examples);
}

static void test_image_generate(void **state)
{
    /* Pictures from words: sizes, ratios, counts and the vendor's own fields. */
    static const struct example examples[] = {
        {"{\"prompt\": \"a cat\"}", NULL, NULL},
        {"{\"prompt\": \"a cat\", \"negative_prompt\": \"\", \"size\": \"1024x1536\", \"n\": 4, \"seed\": "
         "4294967295,"
         " \"format\": \"webp\", \"compression\": 80, \"quality\": \"hd\", \"background\": \"transparent\","
         " \"style\": \"vivid\", \"guidance\": 7.5, \"steps\": 30, \"enhance_prompt\": false, "
         "\"moderation\": \"low\","
         " \"watermark\": false, \"user\": \"u1\", \"vendor\": {\"anything\": [1, {\"goes\": true}]}}",
         NULL, NULL},
        {"{\"prompt\": \"x\", \"aspect_ratio\": \"16:9\", \"resolution\": \"2k\", \"strength\": 0.5,"
         " \"images\": [\"https://example.com/a.png\", {\"media\": \"" DIGEST "\"}]}",
         NULL, NULL},
        {"{}", "input.prompt", "is required"},
        {"{\"prompt\": \"\"}", "input.prompt", "must not be empty"},
        {"{\"promt\": \"a cat\"}", "input.promt", "did you mean \"prompt\"?"},
        {"{\"prompt\": \"x\", \"size\": \"big\"}", "input.size", "must look like \"1024x1024\""},
        {"{\"prompt\": \"x\", \"size\": \"0x10\"}", "input.size", "must look like"},
        {"{\"prompt\": \"x\", \"aspect_ratio\": \"16x9\"}", "input.aspect_ratio", "\"16:9\""},
        {"{\"prompt\": \"x\", \"resolution\": \"720\"}", "input.resolution", "\"720p\""},
        {"{\"prompt\": \"x\", \"n\": 33}", "input.n", "at most 32, not 33"},
        {"{\"prompt\": \"x\", \"n\": 1.5}", "input.n", "an integer, not 1.5"},
        {"{\"prompt\": \"x\", \"seed\": -1}", "input.seed", "at least 0"},
        {"{\"prompt\": \"x\", \"format\": \"jpg\"}", "input.format", "did you mean \"jpeg\"?"},
        {"{\"prompt\": \"x\", \"vendor\": 5}", "input.vendor", "must be an object"},
        {"{\"prompt\": \"x\", \"images\": []}", "input.images", "must not be empty"},
        {"{\"prompt\": \"x\", \"images\": [\"a.png\"]}", "input.images[0]", "must look like \"https://"},
        {0}};

    (void)state;
    run("input.image.generate", "input", examples);
}

static void test_media_forms(void **state)
{
    /* Every form of media is taken, and each wrong one says what is wrong with it. */
    static const struct example examples[] = {
        {"{\"images\": [\"https://example.com/a%20b.png?x=1\"]}", NULL, NULL},
        {"{\"images\": [\"data:image/png;base64,iVBORw0KGgo=\"]}", NULL, NULL},
        {"{\"images\": [\"iVBORw0KGgo=\"]}", NULL, NULL},
        {"{\"images\": [\"iVBO\\nRw0KGgo=\\n\"]}", NULL, NULL},
        {"{\"images\": [{\"url\": \"https://example.com/a.png\", \"type\": \"image/png\", \"name\": "
         "\"a.png\"}]}",
         NULL, NULL},
        {"{\"images\": [{\"base64\": \"iVBORw0KGgo=\", \"type\": \"image/png\"}]}", NULL, NULL},
        {"{\"images\": [{\"media\": \"" DIGEST "\"}]}", NULL, NULL},
        {"{\"images\": \"https://example.com/a.png\"}", "input.images", "must be an array, not a string"},
        {"{\"images\": [5]}", "input.images[0]", "must be a string or an object, not a number"},
        {"{\"images\": [\"\"]}", "input.images[0]", "must not be empty"},
        {"{\"images\": [\"ftp://example.com/a.png\"]}", "input.images[0]", "must look like"},
        {"{\"images\": [\"cat.png\"]}", "input.images[0]", "must look like"},
        {"{\"images\": [{}]}", "input.images[0]", "exactly one of \"url\", \"base64\", \"media\""},
        {"{\"images\": [{\"url\": \"https://a.b/c\", \"media\": \"" DIGEST "\"}]}", "input.images[0]",
         "exactly one of"},
        {"{\"images\": [{\"media\": \"abc\"}]}", "input.images[0].media", "must look like \"9f86"},
        {"{\"images\": [{\"url\": \"a.png\"}]}", "input.images[0].url", "must look like \"https://"},
        {"{\"images\": [{\"url\": \"https://a.b/c\", \"typ\": \"image/png\"}]}", "input.images[0].typ",
         "\"type\""},
        {"{\"images\": [{\"url\": \"https://a.b/c\", \"type\": \"png\"}]}", "input.images[0].type",
         "\"image/png\""},
        {0}};

    (void)state;
    run("input.image.edit", "input", examples);
}

static void test_image_edit_and_upscale(void **state)
{
    /* An edit needs pictures, an enlargement one picture. */
    static const struct example edits[] = {
        {"{\"images\": [\"https://example.com/a.png\"], \"prompt\": \"make it blue\", \"mask\": {\"media\": "
         "\"" DIGEST "\"}}",
         NULL, NULL},
        {"{\"prompt\": \"make it blue\"}", "input.images", "is required"},
        {"{\"images\": [\"https://a.b/c\"], \"mask\": 1}", "input.mask", "must be a string or an object"},
        {"{\"image\": \"https://a.b/c\"}", "input.image", "did you mean \"images\"?"},
        {0}};
    static const struct example upscales[] = {
        {"{\"image\": \"https://example.com/a.png\", \"scale\": 4}", NULL, NULL},
        {"{\"image\": {\"url\": \"https://example.com/a.png\"}, \"resolution\": \"4k\", \"prompt\": \"a "
         "cat\","
         " \"strength\": 0.3, \"format\": \"png\"}",
         NULL, NULL},
        {"{\"scale\": 4}", "input.image", "is required"},
        {"{\"image\": \"https://a.b/c\", \"scale\": 64}", "input.scale", "at most 16"},
        {0}};

    (void)state;
    run("input.image.edit", "input", edits);
    run("input.image.upscale", "input", upscales);
}

static void test_video_generate(void **state)
{
    /* A video needs something to start from. */
    static const struct example examples[] = {
        {"{\"prompt\": \"waves\", \"duration_s\": 8, \"fps\": 24, \"resolution\": \"1080p\", "
         "\"aspect_ratio\": \"9:16\"}",
         NULL, NULL},
        {"{\"image\": \"https://example.com/a.png\", \"last_image\": {\"media\": \"" DIGEST
         "\"}, \"motion\": 0.4,"
         " \"sound\": true, \"format\": \"mp4\"}",
         NULL, NULL},
        {"{\"video\": \"https://example.com/a.mp4\", \"audio\": \"https://example.com/a.mp3\", \"motion\": "
         "\"slow pan\"}",
         NULL, NULL},
        {"{\"images\": [\"https://example.com/a.png\"], \"n\": 2, \"quality\": \"pro\"}", NULL, NULL},
        {"{}", "input", "at least one of \"prompt\", \"image\", \"images\", \"video\""},
        {"{\"prompt\": \"x\", \"duration\": 8}", "input.duration", "did you mean \"duration_s\"?"},
        {"{\"prompt\": \"x\", \"duration_s\": \"8\"}", "input.duration_s", "must be a number, not a string"},
        {"{\"prompt\": \"x\", \"duration_s\": 0}", "input.duration_s", "more than 0"},
        {"{\"prompt\": \"x\", \"motion\": 2}", "input.motion", "at most 1"},
        {"{\"prompt\": \"x\", \"last_image\": {\"url\": 5}}", "input.last_image.url", "must be a string"},
        {"{\"prompt\": \"x\", \"sound\": \"on\"}", "input.sound", "must be true or false"},
        {0}};

    (void)state;
    run("input.video.generate", "input", examples);
}

static void test_avatar_generate(void **state)
{
    /* An avatar needs words, a recording, a performance or a scene, and not both words and a recording. */
    static const struct example examples[] = {
        {"{\"avatar\": \"anna\", \"voice\": \"v1\", \"script\": \"Hello\", \"language\": \"pt-BR\", "
         "\"speed\": 1.1,"
         " \"background\": \"#00ff00\", \"captions\": true, \"resolution\": \"1080p\", \"format\": \"webm\"}",
         NULL, NULL},
        {"{\"image\": \"https://example.com/face.jpg\", \"audio\": \"https://example.com/a.mp3\", "
         "\"background\":"
         " {\"media\": \"" DIGEST "\"}, \"motion\": \"nods\"}",
         NULL, NULL},
        {"{\"avatar\": \"anna\", \"prompt\": \"walks in\", \"duration_s\": 10}", NULL, NULL},
        {"{\"avatar\": \"anna\"}", "input", "at least one of \"script\", \"audio\", \"video\", \"prompt\""},
        {"{\"script\": \"a\", \"audio\": \"https://a.b/c\"}", "input",
         "must not have \"script\" and \"audio\" together"},
        {"{\"script\": \"a\", \"background\": \"green-ish\"}", "input.background", "\"#ffffff\""},
        {"{\"script\": \"a\", \"avatar\": {\"id\": 1}}", "input.avatar", "must be a string, not an object"},
        {"{\"script\": \"a\", \"language\": \"english!\"}", "input.language", "\"pt-BR\""},
        {"{\"scirpt\": \"a\"}", "input.scirpt", "did you mean \"script\"?"},
        {0}};

    (void)state;
    run("input.avatar.generate", "input", examples);
}

static void test_audio_speech(void **state)
{
    /* Speech needs a text. */
    static const struct example examples[] = {
        {"{\"text\": \"Hello\"}", NULL, NULL},
        {"{\"text\": \"Hello\", \"voice\": \"alloy\", \"format\": \"pcm\", \"sample_rate\": 24000, "
         "\"speed\": 0.5,"
         " \"style\": \"warm\", \"language\": \"en\", \"vendor\": {\"stability\": 0.4}}",
         NULL, NULL},
        {"{\"voice\": \"alloy\"}", "input.text", "is required"},
        {"{\"text\": \"a\", \"speed\": 10}", "input.speed", "at most 4"},
        {"{\"text\": \"a\", \"format\": \"mp4\"}", "input.format", "did you mean \"mp3\"?"},
        {"{\"text\": \"a\", \"voice\": {\"id\": \"x\"}}", "input.voice", "must be a string"},
        {"{\"text\": \"a\", \"response_format\": \"mp3\"}", "input.response_format", "is not a known field"},
        {0}};

    (void)state;
    run("input.audio.speech", "input", examples);
}

static void test_text_chat(void **state)
{
    /* A conversation with texts, pictures and tools; the complaint is that of the part or role that was
     * meant. */
    static const struct example examples[] = {
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}", NULL, NULL},
        {"{\"messages\": [{\"role\": \"system\", \"content\": \"Be brief\"}, {\"role\": \"user\", "
         "\"content\": [{\"type\":"
         " \"text\", \"text\": \"What is this?\"}, {\"type\": \"image_url\", \"image_url\": {\"url\": "
         "\"https://a.b/c\","
         " \"detail\": \"low\"}}, {\"type\": \"input_audio\", \"input_audio\": {\"data\": {\"media\": "
         "\"" DIGEST
         "\"}, \"format\": \"wav\"}}]}], \"temperature\": 0, \"max_tokens\": 100, \"stop\": [\"END\"]}",
         NULL, NULL},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"assistant\", \"content\": "
         "null, \"tool_calls\":"
         " [{\"id\": \"c1\", \"type\": \"function\", \"function\": {\"name\": \"f\", \"arguments\": "
         "\"{}\"}}]},"
         " {\"role\": \"tool\", \"tool_call_id\": \"c1\", \"content\": \"5\"}], \"tools\": [{\"type\": "
         "\"function\","
         " \"function\": {\"name\": \"f\", \"parameters\": {\"type\": \"object\"}}}], \"tool_choice\": "
         "\"auto\"}",
         NULL, NULL},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}], \"response_format\": {\"type\": "
         "\"json_schema\","
         " \"json_schema\": {\"name\": \"n\", \"schema\": {}, \"strict\": true}}, \"stop\": \"END\"}",
         NULL, NULL},
        {"{}", "input.messages", "is required"},
        {"{\"messages\": []}", "input.messages", "must not be empty"},
        {"{\"messages\": [{\"content\": \"x\"}]}", "input.messages[0].role", "is required"},
        {"{\"messages\": [{\"role\": \"usr\", \"content\": \"x\"}]}", "input.messages[0].role",
         "did you mean \"user\"?"},
        {"{\"messages\": [{\"role\": \"user\"}]}", "input.messages[0].content", "is required"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": 5}]}", "input.messages[0].content",
         "must be a string or an array or null, not a number"},
        {"{\"messages\": [{\"role\": \"tool\", \"content\": \"x\"}]}", "input.messages[0].tool_call_id",
         "is required"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"txt\", \"text\": \"x\"}]}]}",
         "input.messages[0].content[0].type", "did you mean \"text\"?"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\", \"image_url\": "
         "{\"url\": \"a.png\"}}]}]}",
         "input.messages[0].content[0].image_url.url", "must look like \"https://"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\", \"url\": "
         "\"https://a.b/c\"}]}]}",
         "input.messages[0].content[0].url", "is not a known field"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}], \"response_format\": {\"type\": "
         "\"json_schema\"}}",
         "input.response_format.json_schema", "is required"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}], \"temperature\": 3}",
         "input.temperature", "at most 2"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}], \"stream\": true}", "input.stream",
         "is not a known field"},
        {0}};

    (void)state;
    run("input.text.chat", "input", examples);
}

static void test_result(void **state)
{
    /* What ended well has outputs, what failed has an error, and nothing else is in a result. */
    static const struct example examples[] = {
        {"{\"id\": \"" TASK
         "\", \"object\": \"task\", \"model\": \"m\", \"kind\": \"image.generate\", \"status\": \"queued\","
         " \"stage\": \"waiting_capacity\", \"created_at\": 1760000000.25}",
         NULL, NULL},
        {"{\"id\": \"" TASK
         "\", \"object\": \"task\", \"model\": \"m\", \"kind\": \"image.generate\", \"status\":"
         " \"completed\", \"created_at\": 1760000000, \"completed_at\": 1760000009, \"metadata\": {\"a\": "
         "\"b\"},"
         " \"outputs\": [{\"type\": \"image/png\", \"bytes\": 5, \"width\": 1, \"height\": 1, \"digest\": "
         "\"" DIGEST "\", \"media\": \"" DIGEST
         "\", \"url\": \"http://x/v1/media/x\", \"expires_at\": 1760100000}, {\"type\":"
         " \"image/png\", \"error\": {\"code\": \"content_policy_violation\", \"message\": \"no\", \"type\":"
         " \"task_error\"}}], \"usage\": {\"images\": 1, \"input_tokens_details\": {\"text_tokens\": 5}}, "
         "\"cost\":"
         " {\"amount\": 0.04, \"unit\": \"usd\"}, \"vendor\": {\"adapter\": \"fal\", \"model\": "
         "\"flux/dev\", \"id\": \"r1\"},"
         " \"attempts\": 1, \"timing\": {\"queued_ms\": 3, \"running_ms\": 900}}",
         NULL, NULL},
        {"{\"id\": \"" TASK
         "\", \"object\": \"task\", \"model\": \"m\", \"kind\": \"text.chat\", \"status\": \"completed\","
         " \"created_at\": 1, \"choices\": [{\"index\": 0, \"message\": {\"role\": \"assistant\", "
         "\"content\": \"hi\"}}]}",
         NULL, NULL},
        {"{\"id\": \"" TASK
         "\", \"object\": \"task\", \"model\": \"m\", \"kind\": \"audio.speech\", \"status\": \"failed\","
         " \"created_at\": 1}",
         "error", "is required"},
        {"{\"id\": \"" TASK
         "\", \"object\": \"task\", \"model\": \"m\", \"kind\": \"audio.speech\", \"status\": \"completed\","
         " \"created_at\": 1}",
         "", "must have at least one of \"outputs\", \"choices\""},
        {"{\"id\": \"" TASK
         "\", \"object\": \"task\", \"model\": \"m\", \"kind\": \"audio.speech\", \"status\": \"canceled\","
         " \"created_at\": 1}",
         "status", "did you mean \"cancelled\"?"},
        {"{\"id\": \"" TASK
         "\", \"object\": \"task\", \"model\": \"m\", \"kind\": \"audio.speech\", \"status\": \"queued\","
         " \"created_at\": 1, \"timing\": {\"queued\": 3}}",
         "timing.queued", "is not a known field"},
        {"{\"id\": \"1\", \"object\": \"task\", \"model\": \"m\", \"kind\": \"audio.speech\", \"status\": "
         "\"queued\","
         " \"created_at\": 1}",
         "id", "must look like"},
        {0}};

    (void)state;
    run("result", "", examples);
}

static void test_event(void **state)
{
    /* An event has a place in the task's life, a status and a time. */
    static const struct example examples[] = {
        {"{\"id\": \"12.3\", \"task\": \"" TASK
         "\", \"status\": \"in_progress\", \"stage\": \"vendor_running\", \"progress\": 40,"
         " \"at\": 1760000000.5, \"message\": \"rendering\"}",
         NULL, NULL},
        {"{\"id\": \"12\", \"task\": \"" TASK "\", \"status\": \"queued\", \"at\": 1}", "id",
         "must look like \"4711.2\""},
        {"{\"id\": \"1.1\", \"task\": \"" TASK "\", \"at\": 1}", "status", "is required"},
        {"{\"id\": \"1.1\", \"task\": \"" TASK "\", \"status\": \"queued\", \"at\": 1, \"progress\": 101}",
         "progress", "at most 100"},
        {"{\"id\": \"1.1\", \"task\": \"" TASK
         "\", \"status\": \"queued\", \"at\": 1, \"stage\": \"sleeping\"}",
         "stage", "must be one of \"accepted\""},
        {0}};

    (void)state;
    run("event", "", examples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_schema_compiles_and_is_spelt_right),
        cmocka_unit_test(test_media_is_the_same_everywhere),
        cmocka_unit_test(test_kinds_are_those_that_have_a_schema),
        cmocka_unit_test(test_task),
        cmocka_unit_test(test_image_generate),
        cmocka_unit_test(test_media_forms),
        cmocka_unit_test(test_image_edit_and_upscale),
        cmocka_unit_test(test_video_generate),
        cmocka_unit_test(test_avatar_generate),
        cmocka_unit_test(test_audio_speech),
        cmocka_unit_test(test_text_chat),
        cmocka_unit_test(test_result),
        cmocka_unit_test(test_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
