/* fuzz_openai.c - OpenAI's requests: whatever comes becomes a task of the right kind or a fault that says
 * why, and nobody forges a marker.
 *
 * Input: a byte that chooses the shape and whether it is a form, then JSON. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "core/openai.h"
#include "wire/jsonscan.h"

static bool has_marker(const json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;

    json_object_foreach((json_t *)value, key, member)
    {
        if (!strcmp(key, "$blob") || !strcmp(key, "$bin") || has_marker(member)) {
            return true;
        }
    }
    json_array_foreach(value, i, member)
    {
        if (has_marker(member)) {
            return true;
        }
    }
    return false;
}

static void assert_task(const struct openai_request *r, enum openai_shape shape)
{
    assert(json_is_object(json_object_get(r->task, "input")));
    assert(json_is_string(json_object_get(r->task, "model")));
    assert(task_kind_find(json_string_value(json_object_get(r->task, "kind"))) == (int)openai_kind(shape));
    assert(!has_marker(r->task));
    assert((r->echo != NULL) == (shape == OPENAI_VIDEO || shape == OPENAI_AVATAR));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct openai_request request;
    struct note note = {0};
    json_t *body = NULL;

    if (!size || jsonscan_read((struct slice){(const char *)data + 1, size - 1}, &body, NULL) != FAULT_OK) {
        return 0;
    }
    enum openai_shape shape = (enum openai_shape)(data[0] / 2 % OPENAI_SHAPE_COUNT);
    if (json_is_object(body)) {
        enum fault fault = openai_read(shape, body, data[0] % 2, &request, &note);
        if (fault) {
            assert(!request.task && !request.echo && note.text[0] && note.field[0]);
            openai_note(shape, &note);
        } else {
            assert_task(&request, shape);
            json_decref(request.task);
            json_decref(request.echo);
        }
    }
    json_decref(body);
    return 0;
}
