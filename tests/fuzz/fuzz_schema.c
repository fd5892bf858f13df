/* fuzz_schema.c - schemas and values: verdicts agree with each other, complaints point into the value, work
 * is bounded.
 *
 * Input: the JSON of a schema on one line, then the JSON of a value. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "wire/schema.h"

struct seen {
    const json_t *value;
    size_t complaints;
    bool gave_up;
};

/* The value that pointer names, or the one whose missing field it names: it must be there. */
static void check_pointer(const json_t *value, const char *pointer)
{
    while (*pointer) {
        char key[1100];
        size_t n = 0;
        assert(*pointer == '/');
        for (pointer++; *pointer && *pointer != '/'; pointer++) {
            if (*pointer == '~') {
                pointer++;
                assert(*pointer == '0' || *pointer == '1');
                key[n++] = *pointer == '0' ? '~' : '/';
            } else {
                key[n++] = *pointer;
            }
            assert(n < sizeof(key));
        }
        key[n] = '\0';
        if (json_is_array(value)) {
            value = json_array_get(value, strtoul(key, NULL, 10));
            assert(value);
        } else {
            assert(json_is_object(value));
            const json_t *member = json_object_get(value, key);
            assert(member || !*pointer);
            value = member;
        }
    }
}

static void see(void *arg, const char *pointer, const char *text)
{
    struct seen *seen = arg;
    char dotted[64];

    seen->complaints++;
    if (strstr(text, "too large or too complex")) {
        seen->gave_up = true;
    }
    assert(*text && seen->complaints <= LIMIT_SCHEMA_COMPLAINTS);
    check_pointer(seen->value, pointer);
    schema_dotted("input", pointer, dotted, sizeof(dotted));
    assert(strlen(dotted) < sizeof(dotted));
}

/* The verdict of {keyword: [text]}, or of {keyword: text}. */
static bool wrapped(const char *keyword, json_t *text, bool as_list, const json_t *value)
{
    json_t *wrap = as_list ? json_pack("{s[O]}", keyword, text) : json_pack("{sO}", keyword, text);
    struct schema *schema = NULL;
    /* One level more may be one too many. */
    bool ok = schema_new(wrap, &schema, NULL) == FAULT_OK && schema_check(schema, value, NULL, NULL);

    schema_free(&schema);
    json_decref(wrap);
    return ok;
}

static void check_pair(struct schema *schema, json_t *text, const json_t *value, bool has_references)
{
    struct seen seen = {.value = value};
    struct note note = {0};
    bool ok = schema_check(schema, value, see, &seen);

    assert(ok == !seen.complaints);
    if (seen.gave_up) {
        return;
    }
    assert(ok == schema_check(schema, value, NULL, NULL));
    assert(ok == (schema_check_note(schema, value, &note) == FAULT_OK));
    assert(ok == !note.text[0]);
    /* References begin at the root, which a wrapper moves. */
    if (!has_references && ok) {
        assert(!wrapped("not", text, false, value));
    }
    if (!has_references && !ok) {
        assert(!wrapped("anyOf", text, true, value) && !wrapped("oneOf", text, true, value));
        assert(!wrapped("allOf", text, true, value));
    }
}

static bool contains(const uint8_t *data, size_t size, const char *word)
{
    return memmem(data, size, word, strlen(word)) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *cut = memchr(data, '\n', size);
    struct schema *schema = NULL;
    struct note note = {0};

    if (!cut) {
        return 0;
    }
    size_t n = (size_t)(cut - data);
    json_t *text = json_loadb((const char *)data, n, JSON_DECODE_ANY, NULL);
    json_t *value = json_loadb((const char *)cut + 1, size - n - 1, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (text) {
        enum fault fault = schema_new(text, &schema, &note);
        assert(!fault == (schema != NULL) && !fault == !note.text[0]);
        assert(!fault || fault == FAULT_BAD_VALUE);
    }
    if (schema && value) {
        check_pair(schema, text, value, contains(data, n, "$ref") || contains(data, n, "\\u"));
    }
    schema_free(&schema);
    json_decref(text);
    json_decref(value);
    return 0;
}
