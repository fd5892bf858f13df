/* fuzz_yaml.c - YAML: what is read is bounded, is JSON, means the same when read again, and stands inside the
 * text.
 *
 * Input: a document. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "wire/yaml.h"

/* Values in value, itself included; depth grows with each level. */
static size_t count(const json_t *value, size_t depth)
{
    size_t n = 1, i;
    const char *key;
    json_t *part;

    assert(depth <= LIMIT_YAML_DEPTH);
    json_array_foreach(value, i, part)
    {
        n += count(part, depth + 1);
    }
    json_object_foreach((json_t *)value, key, part)
    {
        n += count(part, depth + 1);
    }
    return n;
}

/* The lines that data has at most; libyaml puts the end of the text on a line of its own. */
static size_t lines(const uint8_t *data, size_t size)
{
    size_t n = 2;

    for (size_t i = 0; i < size; i++) {
        /* YAML breaks lines at these, and at NEL, LS and PS, which all begin above 0x7f. */
        n += data[i] == '\n' || data[i] == '\r' || data[i] > 0x7f;
    }
    return n;
}

static void check_marks(const struct yaml_marks *marks, size_t last)
{
    static const char *const pointers[] = {"", "/0", "/0/0", "/a", "/a/b", "/a~1b/~0", "//", "/~", "x"};
    int line, column;

    for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
        yaml_mark(marks, pointers[i], &line, &column);
        assert(line >= 1 && column >= 1 && (size_t)line <= last);
    }
}

/* value as JSON is JSON for jansson, and, where YAML takes it, the same value again. */
static void check_dump(const json_t *value, size_t size)
{
    /* Escaped, as libyaml takes NEL, LS and PS for line breaks, which JSON does not. */
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);

    assert(text);
    /* Every byte of text becomes six at most; every value has a comma or two brackets and 25 digits at most.
     */
    assert(strlen(text) <= 6 * (size + LIMIT_YAML_ALIAS_BYTES) + 30 * count(value, 1));
    json_t *again = json_loads(text, JSON_DECODE_ANY, NULL);
    assert(again && json_equal(again, value));
    json_decref(again);
    again = NULL;
    if (yaml_read(slice_of(text), &again, NULL, NULL) == FAULT_OK) {
        assert(json_equal(again, value));
        json_decref(again);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct note note = {0};
    struct yaml_marks *marks = NULL;
    json_t *value = NULL;
    enum fault fault = yaml_read((struct slice){(const char *)data, size}, &value, &marks, &note);

    assert(!fault == (value != NULL) && !fault == (marks != NULL) && !fault == !note.text[0]);
    if (fault) {
        size_t line = 0, column = 0;
        assert(fault == FAULT_BAD_VALUE);
        assert(size > LIMIT_FILE_BYTES || sscanf(note.field, "%zu:%zu", &line, &column) == 2);
        assert(size > LIMIT_FILE_BYTES || (line >= 1 && column >= 1 && line <= lines(data, size)));
        return 0;
    }
    assert(count(value, 1) <= LIMIT_YAML_NODES);
    check_dump(value, size);
    check_marks(marks, lines(data, size));
    json_decref(value);
    yaml_marks_free(&marks);
    return 0;
}
