/* test_schema.c - JSON Schema draft-07: the official suite, the complaints, and the bounds. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "wire/schema.h"

#define SUITE "/usr/share/json-schema-test-suite/tests/draft7"
#define META  "http://json-schema.org/draft-07/schema#"

/* ---- helpers ---- */

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &error);

    if (!value) {
        fail_msg("%s: %s", error.text, text);
    }
    return value;
}

static struct schema *compile(const char *text)
{
    json_t *json = parse(text);
    struct schema *schema = NULL;
    struct note note = {0};

    if (schema_new(json, &schema, &note)) {
        fail_msg("%s\n%s", text, note.text);
    }
    json_decref(json);
    return schema;
}

/* All complaints as "pointer|text" lines. */
static void write_complaint(void *arg, const char *pointer, const char *text)
{
    buf_printf(arg, "%s|%s\n", pointer, text);
}

/* Holds value against schema: what it complains of must be want, lines as above; "" is none. */
static void complains(const char *schema_text, const char *value_text, const char *want)
{
    struct schema *schema = compile(schema_text);
    json_t *value = parse(value_text);
    struct buf got;

    buf_init(&got, MIB);
    buf_text(&got, "");
    bool ok = schema_check(schema, value, write_complaint, &got);
    assert_int_equal(ok, !*want);
    assert_int_equal(ok, schema_check(schema, value, NULL, NULL));
    if (strcmp(got.p ? got.p : "", want) != 0) {
        fail_msg("%s in %s\n--- says\n%s--- not\n%s", value_text, schema_text, got.p, want);
    }
    buf_done(&got);
    json_decref(value);
    schema_free(&schema);
}

/* schema must not compile, for a reason with text in it, at field. */
static void refused(const char *schema_text, const char *field, const char *text)
{
    json_t *json = parse(schema_text);
    struct schema *schema = NULL;
    struct note note = {0};

    assert_int_equal(schema_new(json, &schema, &note), FAULT_BAD_VALUE);
    assert_null(schema);
    if (strcmp(note.field, field) != 0 || !strstr(note.text, text)) {
        fail_msg("%s\n%s: %s\nnot %s: %s", schema_text, note.field, note.text, field, text);
    }
    json_decref(json);
}

/* ---- the official suite ---- */

struct tally {
    json_t *meta; /* the draft-07 metaschema, or NULL */
    size_t passed;
    size_t failed;
    size_t skipped;
};

static json_t *load_meta(void)
{
    static const char *const paths[] = {
        "/usr/lib/python3/dist-packages/jsonschema/schemas/draft7.json",
        "/usr/lib/python3/dist-packages/jsonschema_specifications/schemas/draft7/metaschema.json",
    };

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        json_t *meta = json_load_file(paths[i], 0, NULL);
        if (meta) {
            return meta;
        }
    }
    return NULL;
}

/* Gives the metaschema a place inside a schema that refers to it: nothing is ever fetched. */
static bool supply_meta(struct tally *tally, json_t *schema)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));

    if (!ref || strcmp(ref, META) != 0) {
        return true;
    }
    return tally->meta && !json_object_set_new(schema, "definitions", json_pack("{sO}", "meta", tally->meta));
}

static void run_case(struct tally *tally, struct schema *schema, const char *where, const json_t *test)
{
    bool valid = json_is_true(json_object_get(test, "valid"));

    if (schema_check(schema, json_object_get(test, "data"), NULL, NULL) == valid) {
        tally->passed++;
    } else {
        tally->failed++;
        print_error("%s: %s\n", where, json_string_value(json_object_get(test, "description")));
    }
}

static void run_group(struct tally *tally, const char *file, json_t *group)
{
    json_t *tests = json_object_get(group, "tests");
    json_t *text = json_object_get(group, "schema");
    const char *description = json_string_value(json_object_get(group, "description"));
    struct schema *schema = NULL;
    struct note note = {0};
    char where[256];

    snprintf(where, sizeof(where), "%s: %s", file, description);
    if (!supply_meta(tally, text)) {
        print_message("SKIPPED %s: the draft-07 metaschema is not installed (python3-jsonschema)\n", where);
        tally->skipped += json_array_size(tests);
        return;
    }
    if (schema_new(text, &schema, &note)) {
        print_error("%s: %s\n", where, note.text);
        tally->failed += json_array_size(tests);
        return;
    }
    for (size_t i = 0; i < json_array_size(tests); i++) {
        run_case(tally, schema, where, json_array_get(tests, i));
    }
    schema_free(&schema);
}

static void run_file(struct tally *tally, const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", SUITE, name);
    json_t *groups = json_load_file(path, JSON_ALLOW_NUL, NULL);
    assert_non_null(groups);
    for (size_t i = 0; i < json_array_size(groups); i++) {
        run_group(tally, name, json_array_get(groups, i));
    }
    json_decref(groups);
}

static void test_passes_the_official_suite(void **state)
{
    /* All of draft 7 as Debian ships it, but for remote references and the directory optional/. */
    DIR *dir = opendir(SUITE);
    struct tally tally = {0};

    (void)state;
    if (!dir) {
        print_message("SKIPPED the JSON Schema suite: install json-schema-test-suite\n");
        skip();
    }
    tally.meta = load_meta();
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (!strcmp(e->d_name, "refRemote.json")) {
            print_message("SKIPPED refRemote.json: a schema never fetches another\n");
        } else if (!strcmp(e->d_name, "optional")) {
            print_message("SKIPPED optional/: format and content are annotations, see wire/schema.h\n");
        } else if (strstr(e->d_name, ".json")) {
            run_file(&tally, e->d_name);
        }
    }
    closedir(dir);
    json_decref(tally.meta);
    print_message("schema suite: %zu passed, %zu failed, %zu skipped\n", tally.passed, tally.failed,
                  tally.skipped);
    assert_int_equal(tally.failed, 0);
    assert_true(tally.passed > 390);
}

/* ---- complaints ---- */

static void test_complaints_say_what_would_be_right(void **state)
{
    /* Each keyword's complaint names the bound and what is there. */
    (void)state;
    complains("{\"type\": \"string\"}", "1", "|must be a string, not a number\n");
    complains("{\"type\": \"integer\"}", "1.5", "|must be an integer, not 1.5\n");
    complains("{\"type\": \"integer\"}", "2.0", "");
    complains("{\"type\": [\"string\", \"null\"]}", "true", "|must be a string or null, not true or false\n");
    complains("{\"maximum\": 32}", "40", "|must be at most 32, not 40\n");
    complains("{\"minimum\": 1}", "0", "|must be at least 1, not 0\n");
    complains("{\"exclusiveMinimum\": 0}", "0", "|must be more than 0, not 0\n");
    complains("{\"multipleOf\": 16}", "17", "|must be a multiple of 16, not 17\n");
    complains("{\"minLength\": 1}", "\"\"", "|must not be empty\n");
    complains("{\"maxLength\": 2}", "\"\xc3\xa9\xc3\xa9\xc3\xa9\"",
              "|must have at most 2 characters, has 3\n");
    complains("{\"minItems\": 2}", "[1]", "|must have at least 2 items, has 1\n");
    complains("{\"maxProperties\": 1}", "{\"a\": 1, \"b\": 2}", "|must have at most 1 field, has 2\n");
    complains("{\"uniqueItems\": true}", "[1, 2, 1.0]", "/2|repeats item 0; all must differ\n");
    complains("{\"const\": \"a\"}", "\"b\"", "|must be \"a\"\n");
    complains("{\"not\": {\"required\": [\"a\", \"b\"]}}", "{\"a\": 1, \"b\": 2}",
              "|must not have \"a\" and \"b\" together\n");
    complains("false", "1", "|is not allowed here\n");
}

static void test_patterns_show_examples(void **state)
{
    /* An example stands in place of the regular expression when the schema has one. */
    (void)state;
    complains("{\"pattern\": \"^[0-9]+$\"}", "\"x\"", "|must match the pattern ^[0-9]+$\n");
    complains("{\"pattern\": \"^[0-9]+x[0-9]+$\", \"examples\": [\"1024x1024\", \"auto\"]}", "\"big\"",
              "|must look like \"1024x1024\", \"auto\"\n");
    /* ECMA 262: $ is the end of the text and not of a line, \d is ASCII. */
    complains("{\"pattern\": \"^\\\\d$\"}", "\"1\\n\"", "|must match the pattern ^\\d$\n");
    complains("{\"pattern\": \"^\\\\d$\"}", "\"\xd9\xa1\"", "|must match the pattern ^\\d$\n");
    complains("{\"pattern\": \"^\\\\u00e9$\"}", "\"\xc3\xa9\"", "");
}

static void test_names_get_hints(void **state)
{
    /* A misspelt field or value is met with the nearest one; a far one with what is known. */
    static const char schema[] = "{\"properties\": {\"prompt\": {}, \"aspect_ratio\": {}, \"n\": {}},"
                                 " \"additionalProperties\": false}";

    (void)state;
    complains(schema, "{\"promt\": 1}", "/promt|is not a known field; did you mean \"prompt\"?\n");
    complains(schema, "{\"Prompt\": 1}", "/Prompt|is not a known field; did you mean \"prompt\"?\n");
    complains(schema, "{\"pormpt\": 1}", "/pormpt|is not a known field; did you mean \"prompt\"?\n");
    complains(schema, "{\"aspectRatio\": 1}",
              "/aspectRatio|is not a known field; did you mean \"aspect_ratio\"?\n");
    complains(schema, "{\"x/y~z\": 1}",
              "/x~1y~0z|is not a known field; known are \"prompt\", \"aspect_ratio\", \"n\"\n");
    complains("{\"enum\": [\"high\", \"normal\", \"low\"]}", "\"hihg\"",
              "|must be one of \"high\", \"normal\", \"low\"; did you mean \"high\"?\n");
    complains("{\"enum\": [\"high\", \"low\"]}", "7", "|must be one of \"high\", \"low\", not 7\n");
}

static void test_pointers_lead_to_the_value(void **state)
{
    /* Missing fields are named by their own pointer; items by index; keys are escaped. */
    static const char schema[] =
        "{\"required\": [\"b\"], \"properties\": {\"a\": {\"items\": {\"required\": [\"url\"],"
        " \"properties\": {\"url\": {\"type\": \"string\"}}}}}, \"dependencies\": {\"a\": [\"c\"]}}";

    (void)state;
    complains(schema, "{\"a\": [{\"url\": 1}, {}]}",
              "/a/0/url|must be a string, not a number\n"
              "/a/1/url|is required\n"
              "/b|is required\n"
              "/c|is required when \"a\" is given\n");
}

static void test_the_best_branch_complains(void **state)
{
    /* Of anyOf and oneOf the branch that was meant speaks: by type, by discriminator, by fewest mistakes. */
    static const char media[] =
        "{\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"object\", \"additionalProperties\": false,"
        " \"properties\": {\"url\": {\"type\": \"string\"}, \"media\": {}},"
        " \"oneOf\": [{\"required\": [\"url\"]}, {\"required\": [\"media\"]}]}]}";
    static const char parts[] =
        "{\"definitions\": {\"text\": {\"required\": [\"type\", \"text\"], \"properties\": {\"type\": "
        "{\"const\": "
        "\"text\"},"
        " \"text\": {\"type\": \"string\"}}}, \"image\": {\"required\": [\"type\", \"url\"], \"properties\":"
        " {\"type\": {\"enum\": [\"image\", \"picture\"]}, \"url\": {\"type\": \"string\"}}}},"
        " \"oneOf\": [{\"$ref\": \"#/definitions/text\"}, {\"$ref\": \"#/definitions/image\"}]}";

    (void)state;
    complains(media, "5", "|must be a string or an object, not a number\n");
    complains(
        media, "{\"ulr\": \"x\"}",
        "/ulr|is not a known field; did you mean \"url\"?\n|must have exactly one of \"url\", \"media\"\n");
    complains(media, "{\"url\": \"x\", \"media\": 1}", "|must have exactly one of \"url\", \"media\"\n");
    complains(parts, "{\"type\": \"text\", \"url\": \"x\"}", "/text|is required\n");
    complains(parts, "{\"type\": \"picture\", \"text\": \"x\"}", "/url|is required\n");
    complains(parts, "{\"type\": \"imaeg\", \"url\": \"x\"}",
              "/type|must be one of \"text\", \"image\", \"picture\"; did you mean \"image\"?\n");
    complains("{\"anyOf\": [{\"required\": [\"a\"]}, {\"required\": [\"b\"]}]}", "{}",
              "|must have at least one of \"a\", \"b\"\n");
    complains("{\"oneOf\": [{\"minimum\": 1}, {\"maximum\": 5}]}", "3",
              "|fits more than one of the forms allowed here; one must be meant\n");
}

static void count_complaint(void *arg, const char *pointer, const char *text)
{
    assert_non_null(pointer);
    assert_true(strlen(text) > 0);
    ++*(size_t *)arg;
}

static void test_complaints_end_at_twenty(void **state)
{
    /* A value with a hundred mistakes gives twenty complaints, whatever they are. */
    struct schema *schema =
        compile("{\"items\": {\"type\": \"object\", \"required\": [\"a\", \"b\", \"c\"]}}");
    json_t *value = json_array();
    size_t count = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        json_array_append_new(value, json_object());
    }
    assert_false(schema_check(schema, value, count_complaint, &count));
    assert_int_equal(count, LIMIT_SCHEMA_COMPLAINTS);
    json_decref(value);
    schema_free(&schema);
}

static void test_notes_name_the_field(void **state)
{
    /* The first complaint becomes the note, with the path as people write it, behind a prefix when there is
     * one. */
    struct schema *schema =
        compile("{\"type\": \"object\", \"properties\": {\"images\": {\"items\": {\"properties\": "
                "{\"url\": {\"type\": \"string\"}}}}}}");
    json_t *value = parse("{\"images\": [{\"url\": 1}, {\"url\": 2}]}");
    struct note note = {0};

    (void)state;
    assert_int_equal(schema_check_note(schema, value, &note), FAULT_BAD_VALUE);
    assert_string_equal(note.field, "images[0].url");
    assert_string_equal(note.text, "images[0].url must be a string, not a number");

    note = (struct note){0};
    assert_int_equal(schema_check_field(schema, value, "input", &note), FAULT_BAD_VALUE);
    assert_string_equal(note.field, "input.images[0].url");
    json_decref(value);

    value = parse("[]");
    note = (struct note){0};
    assert_int_equal(schema_check_note(schema, value, &note), FAULT_BAD_VALUE);
    assert_string_equal(note.field, "");
    assert_string_equal(note.text, "the value must be an object, not an array");
    assert_int_equal(schema_check_note(schema, value, NULL), FAULT_BAD_VALUE);
    json_decref(value);

    value = parse("{}");
    assert_int_equal(schema_check_field(schema, value, "input", NULL), FAULT_OK);
    json_decref(value);
    schema_free(&schema);
    schema_free(&schema);
}

static void test_dotted_paths(void **state)
{
    /* Words get dots, indexes brackets, other names quotes; what does not fit is cut between steps. */
    static const struct {
        const char *prefix, *pointer, *want;
    } cases[] = {
        {"", "", ""},
        {"input", "", "input"},
        {"input", "/images/0/url", "input.images[0].url"},
        {"", "/a/b", "a.b"},
        {"", "/0", "[0]"},
        {"tasks", "/image.generate/a~1b", "tasks[\"image.generate\"][\"a/b\"]"},
        {"", "/a//b", "a[\"\"].b"},
        {"", "/one/two/three/four/five/six", "one.two.three.four.five.six"},
        {"", "/one/two/three/four/five/sixty/seven", "one.two.three.four.five"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[36];
        char exact[28]; /* the last but one fits, to the byte */
        schema_dotted(cases[i].prefix, cases[i].pointer, i < 7 ? out : exact,
                      i < 7 ? sizeof(out) : sizeof(exact));
        assert_string_equal(i < 7 ? out : exact, cases[i].want);
    }
}

/* ---- numbers ---- */

static void test_numbers_compare_exactly(void **state)
{
    /* Integers that no double can tell apart are told apart; 1 and 1.0 are the same. */
    (void)state;
    complains("{\"const\": 9007199254740993}", "9007199254740992", "|must be 9007199254740993\n");
    complains("{\"maximum\": 9007199254740992}", "9007199254740993",
              "|must be at most 9007199254740992, not 9007199254740993\n");
    complains("{\"maximum\": 9007199254740992.0}", "9007199254740993",
              "|must be at most 9.00719925474099e15, not 9007199254740993\n");
    complains("{\"enum\": [1]}", "1.0", "");
    complains("{\"maximum\": 1e300}", "9223372036854775807", "");
    complains("{\"minimum\": -1e300}", "-9223372036854775808", "");
    complains("{\"multipleOf\": 0.01}", "19.99", "");
    complains("{\"multipleOf\": 0.5}", "1e308", "");
    complains("{\"multipleOf\": 0.123456789}", "1e308", "|must be a multiple of 0.123456789, not 1e308\n");
}

/* ---- bounds ---- */

static void test_hard_patterns_are_cut_off(void **state)
{
    /* A pattern that backtracks without end does not hang; the value is refused, and says why. */
    (void)state;
    complains("{\"pattern\": \"^(a+)+$\"}",
              "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"",
              "|is too large or too complex to check\n");
    complains("{\"not\": {\"pattern\": \"^(a|a)*$\"}}",
              "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"",
              "|is too large or too complex to check\n");
}

static void test_plain_patterns_take_long_texts(void **state)
{
    /* The bound on patterns does not hit honest ones: a media pattern on the longest string there can be. */
    struct schema *schema = compile(
        "{\"pattern\": \"^(?:https?://\\\\S+|data:[^,\\\\s]*,\\\\S*|[A-Za-z0-9+/_\\\\s-]+={0,2})$\"}");
    static char text[LIMIT_STRING_BYTES + 1];

    (void)state;
    memset(text, 'A', LIMIT_STRING_BYTES);
    json_t *value = json_string(text);
    assert_true(schema_check(schema, value, NULL, NULL));
    json_decref(value);
    text[LIMIT_STRING_BYTES - 1] = '.';
    value = json_string(text);
    struct note note = {0};
    assert_int_equal(schema_check_note(schema, value, &note), FAULT_BAD_VALUE);
    assert_non_null(strstr(note.text, "must match"));
    json_decref(value);
    schema_free(&schema);
}

static void test_exponential_schemas_are_cut_off(void **state)
{
    /* Forty levels of "one of the same two" would take 2^40 steps; endless recursion never ends. */
    struct buf text;

    (void)state;
    buf_init(&text, MIB);
    buf_text(&text, "{\"$ref\": \"#/definitions/d0\", \"definitions\": {");
    for (int i = 0; i < 40; i++) {
        buf_printf(
            &text,
            "\"d%d\": {\"anyOf\": [{\"$ref\": \"#/definitions/d%d\"}, {\"$ref\": \"#/definitions/d%d\"}]}, ",
            i, i + 1, i + 1);
    }
    buf_text(&text, "\"d40\": {\"type\": \"string\"}}}");
    complains(text.p, "1", "|is too large or too complex to check\n");
    complains(text.p, "\"x\"", "");
    buf_done(&text);
    complains("{\"allOf\": [{\"$ref\": \"#\"}]}", "1", "|is too large or too complex to check\n");
    complains("{\"not\": {\"$ref\": \"#\"}}", "1", "|is too large or too complex to check\n");
}

static void test_many_items_are_cut_off(void **state)
{
    /* uniqueItems compares all with all: twenty thousand items are refused, a thousand are checked. */
    struct schema *schema = compile("{\"uniqueItems\": true}");
    json_t *value = json_array();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        json_array_append_new(value, json_integer(i));
    }
    assert_true(schema_check(schema, value, NULL, NULL));
    for (int i = 1000; i < 20000; i++) {
        json_array_append_new(value, json_integer(i));
    }
    assert_false(schema_check(schema, value, NULL, NULL));
    json_decref(value);
    schema_free(&schema);
}

/* ---- compiling ---- */

static void test_bad_schemas_are_refused_with_their_place(void **state)
{
    /* A keyword of the wrong kind, a bad pattern or a dangling reference is found before any value comes. */
    (void)state;
    refused("5", "", "must be an object, true or false");
    refused("{\"type\": \"strnig\"}", "type", "must be the name of a type");
    refused("{\"type\": [\"string\", 5]}", "type", "must be the name of a type");
    refused("{\"type\": []}", "type", "must be the name of a type");
    refused("{\"properties\": {\"a\": {\"maximum\": \"5\"}}}", "properties.a.maximum", "must be a number");
    refused("{\"properties\": {\"a\": 5}}", "properties.a", "must be an object, true or false");
    refused("{\"properties\": []}", "properties", "must be an object");
    refused("{\"minLength\": -1}", "minLength", "whole number");
    refused("{\"minLength\": 1.5}", "minLength", "whole number");
    refused("{\"multipleOf\": 0}", "multipleOf", "above 0");
    refused("{\"required\": [\"a\", 5]}", "required", "array of strings");
    refused("{\"required\": \"a\"}", "required", "array of strings");
    refused("{\"enum\": []}", "enum", "with a value in it");
    refused("{\"anyOf\": []}", "anyOf", "with a schema in it");
    refused("{\"items\": [true, 5]}", "items[1]", "must be an object");
    refused("{\"uniqueItems\": 1}", "uniqueItems", "true or false");
    refused("{\"pattern\": \"(\"}", "pattern", "no regular expression");
    refused("{\"patternProperties\": {\"ok\": {}, \"[\": {}}}", "patternProperties", "no regular expression");
    refused("{\"dependencies\": {\"a\": [1]}}", "dependencies", "array of strings");
    refused("{\"$ref\": 5}", "", "$ref that is no string");
    refused("{\"$id\": 5}", "", "$id that is no string");
    refused("{\"items\": {\"$ref\": \"#/nowhere\"}}", "items", "nothing is there");
    refused("{\"$ref\": \"#name\"}", "", "nothing has that $id");
    refused("{\"$ref\": \"http://example.com/x.json\"}", "", "not inside this schema");
    refused("{\"$ref\": \"#\"}", "", "refers to itself");
    refused(
        "{\"definitions\": {\"a\": {\"$ref\": \"#/definitions/b\"}, \"b\": {\"$ref\": \"#/definitions/a\"}}}",
        "definitions.a", "refers to itself");
}

static void test_references_inside_a_schema(void **state)
{
    /* Pointers, $id, "#name", and places that are no keyword are all found without a network. */
    (void)state;
    complains("{\"$ref\": \"#/definitions/a%25b\", \"definitions\": {\"a%b\": {\"type\": \"null\"}}}", "1",
              "|must be null, not a number\n");
    complains("{\"items\": {\"$ref\": \"#/x-common/0\"}, \"x-common\": [{\"type\": \"null\"}]}", "[1]",
              "/0|must be null, not a number\n");
    complains("{\"items\": {\"$ref\": \"#word\"}, \"definitions\": {\"w\": {\"$id\": \"#word\", \"type\": "
              "\"null\"}}}",
              "[1]", "/0|must be null, not a number\n");
    complains("{\"$id\": \"http://x.test/a/b.json\", \"items\": {\"$ref\": \"c.json#/definitions/d\"}, "
              "\"definitions\":"
              " {\"c\": {\"$id\": \"/a/c.json\", \"definitions\": {\"d\": {\"type\": \"null\"}}}}}",
              "[1]", "/0|must be null, not a number\n");
    complains("{\"$id\": \"urn:x:tree\", \"properties\": {\"down\": {\"$ref\": \"#\"}}, "
              "\"additionalProperties\": false}",
              "{\"down\": {\"down\": {\"up\": 1}}}",
              "/down/down/up|is not a known field; known are \"down\"\n");
}

static void test_deep_and_large_schemas_are_refused(void **state)
{
    /* A schema is bounded in depth and in parts. */
    struct buf text;

    (void)state;
    buf_init(&text, MIB);
    for (int i = 0; i < LIMIT_SCHEMA_DEPTH + 1; i++) {
        buf_text(&text, "{\"not\":");
    }
    buf_text(&text, "true");
    for (int i = 0; i < LIMIT_SCHEMA_DEPTH + 1; i++) {
        buf_char(&text, '}');
    }
    json_t *deep = parse(text.p);
    struct schema *schema = NULL;
    assert_int_equal(schema_new(deep, &schema, NULL), FAULT_BAD_VALUE);
    json_decref(deep);
    buf_done(&text);

    json_t *many = json_array();
    for (int i = 0; i < LIMIT_SCHEMA_NODES; i++) {
        json_array_append_new(many, json_true());
    }
    json_t *large = json_pack("{so}", "anyOf", many);
    assert_int_equal(schema_new(large, &schema, NULL), FAULT_BAD_VALUE);
    json_decref(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passes_the_official_suite),
        cmocka_unit_test(test_complaints_say_what_would_be_right),
        cmocka_unit_test(test_patterns_show_examples),
        cmocka_unit_test(test_names_get_hints),
        cmocka_unit_test(test_pointers_lead_to_the_value),
        cmocka_unit_test(test_the_best_branch_complains),
        cmocka_unit_test(test_complaints_end_at_twenty),
        cmocka_unit_test(test_notes_name_the_field),
        cmocka_unit_test(test_dotted_paths),
        cmocka_unit_test(test_numbers_compare_exactly),
        cmocka_unit_test(test_hard_patterns_are_cut_off),
        cmocka_unit_test(test_plain_patterns_take_long_texts),
        cmocka_unit_test(test_exponential_schemas_are_cut_off),
        cmocka_unit_test(test_many_items_are_cut_off),
        cmocka_unit_test(test_bad_schemas_are_refused_with_their_place),
        cmocka_unit_test(test_references_inside_a_schema),
        cmocka_unit_test(test_deep_and_large_schemas_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
