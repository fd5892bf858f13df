/* reader.c - where a vendor says how long to wait. */
#include "core/reader.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/field.h"

#define MS_MAX (24ll * 3600 * 1000)

struct reader {
    char *header; /* lower case; NULL: from */
    struct shape *from;
    bool ms;
};

struct reader_list {
    struct reader *items;
    size_t count;
};

void reader_free(struct reader_list **r)
{
    if (!*r) {
        return;
    }
    for (size_t i = 0; i < (*r)->count; i++) {
        free((*r)->items[i].header);
        shape_free(&(*r)->items[i].from);
    }
    free((*r)->items);
    free(*r);
    *r = NULL;
}

static char *lower(const char *text)
{
    char *copy = mem_text(text);

    for (char *c = copy; c && *c; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    return copy;
}

static struct reader load_one(struct load *l, const json_t *value)
{
    struct reader r = {0};

    if (json_is_string(value)) {
        r.header = lower(json_string_value(value));
        return r;
    }
    const char *unit = json_string_value(json_object_get(value, "unit"));
    const json_t *from = json_object_get(value, "from");
    r.header = lower(json_string_value(json_object_get(value, "header")));
    r.ms = unit && !strcmp(unit, "ms");
    size_t before = load_enter(l, "from");
    r.from = shape_load(l, from);
    load_leave(l, before);
    return r;
}

struct reader_list *reader_load(struct load *l, const json_t *value)
{
    json_t *item;
    size_t i;

    if (!value) {
        return NULL;
    }
    struct reader_list *r = mem_new(sizeof(*r));
    r->items = mem_new((json_array_size(value) + 1) * sizeof(*r->items));
    json_array_foreach(value, i, item)
    {
        size_t before = load_enter_index(l, i);
        r->items[r->count++] = load_one(l, item);
        load_leave(l, before);
    }
    return r;
}

/* Milliseconds as text, perhaps with a fraction. */
static int64_t read_ms(const char *text)
{
    char *end;

    errno = 0;
    double ms = strtod(text, &end);
    if (end == text || *end || errno || !(ms >= 0)) {
        return -1;
    }
    return ms > (double)MS_MAX ? MS_MAX : (int64_t)ms;
}

int64_t reader_ms(const struct reader_list *r, const json_t *headers, const struct shape_in *in,
                  int64_t wall_ms)
{
    for (size_t i = 0; r && i < r->count; i++) {
        const struct reader *reader = &r->items[i];
        char *text = reader->header ? mem_text(json_string_value(json_object_get(headers, reader->header)))
                                    : (in ? shape_text(reader->from, in) : NULL);
        int64_t ms = !text ? -1 : reader->ms ? read_ms(text) : field_later_ms(slice_of(text), wall_ms);
        free(text);
        if (ms >= 0) {
            return ms;
        }
    }
    return -1;
}
