/* fuzz_api_form.c - forms as values: every file has one marker, no other marker is there, and how the bytes
 * were cut changes nothing.
 *
 * Input: a byte for where to cut, then a form with the boundary "b". */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/api_form.h"

struct files {
    size_t count;
    bool open;
};

static enum fault on_data(void *arg, const struct api_form_file *file, struct slice bytes)
{
    struct files *f = arg;

    assert(bytes.n && memchr(file->name, '\0', sizeof(file->name)) &&
           memchr(file->type, '\0', sizeof(file->type)));
    f->open = true;
    return FAULT_OK;
}

static enum fault on_end(void *arg, size_t *ret_index)
{
    struct files *f = arg;

    assert(f->open);
    f->open = false;
    *ret_index = f->count++;
    return FAULT_OK;
}

/* Counts markers; each must be a good one. */
static size_t markers(const json_t *value, size_t files)
{
    const json_t *index = json_object_get(value, "$blob");
    size_t i, n = 0;
    const char *key;
    json_t *member;

    if (index) {
        assert(json_object_size(value) == 1 && json_is_integer(index) &&
               (size_t)json_integer_value(index) < files);
        return 1;
    }
    json_object_foreach((json_t *)value, key, member)
    {
        n += markers(member, files);
    }
    json_array_foreach(value, i, member)
    {
        n += markers(member, files);
    }
    return n;
}

static enum fault read_form(const char *p, size_t n, size_t step, json_t **ret_value)
{
    static const struct api_form_files events = {on_data, on_end};
    struct files files = {0};
    struct api_form *f = api_form_new("b", &events, &files);
    struct note note = {0};
    enum fault fault = FAULT_OK;

    for (size_t at = 0; at < n && !fault; at += step) {
        fault = api_form_feed(f, (struct slice){p + at, n - at < step ? n - at : step}, &note);
    }
    if (!fault) {
        fault = api_form_end(f, ret_value, &note);
    }
    api_form_free(&f);
    if (!fault) {
        assert(markers(*ret_value, files.count) == files.count);
    }
    return fault;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *whole = NULL, *cut = NULL;

    if (!size) {
        return 0;
    }
    enum fault fault = read_form((const char *)data + 1, size - 1, size, &whole);
    assert(read_form((const char *)data + 1, size - 1, data[0] % 50 + 1u, &cut) == fault);
    assert(fault || json_equal(whole, cut));
    json_decref(whole);
    json_decref(cut);
    return 0;
}
