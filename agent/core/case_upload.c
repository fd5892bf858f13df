/* case_upload.c - the uploads of a case: how far each medium is on its way to becoming an asset. */
#include "core/case_upload.h"

#include <stdio.h>
#include <string.h>

#include "core/medium.h"
#include "core/spot.h"

#define ASSET_CHARS 24

static const char *text_of(const json_t *value, const char *key)
{
    return json_string_value(json_object_get(value, key));
}

enum fault case_upload_begin(struct case_upload *u, const struct adapter *a, const json_t *media,
                             unsigned index, struct note *note)
{
    const json_t *about = json_array_get(media, index);
    const char *name = text_of(about, "upload");

    if (!name) {
        return note_set(note, FAULT_BAD_VALUE,
                        "medium %u is not uploaded: there is no such one, or its form is not asset", index);
    }
    if (!u->upload) {
        const struct medium m = {.index = index,
                                 .name = text_of(about, "name"),
                                 .type = text_of(about, "type"),
                                 .bytes = (uint64_t)json_integer_value(json_object_get(about, "bytes")),
                                 .digest = text_of(about, "digest"),
                                 .token = text_of(about, "token")};
        u->upload = adapter_upload_named(a, name);
        u->vars = json_object();
        u->medium = medium_to_json(&m);
    }
    if (u->number == adapter_upload_steps(u->upload)) {
        return note_set(note, FAULT_BAD_VALUE, "medium %u is uploaded already: %s has %d steps", index, name,
                        u->number);
    }
    return FAULT_OK;
}

/* An asset and the text that stands for it until it is there. */
struct placing {
    char wanted[ASSET_CHARS];
    json_t *value;
};

static enum fault place(void *arg, const struct spot *spot)
{
    const struct placing *p = arg;
    const char *text = json_string_value(spot->value);

    if (text && !strcmp(text, p->wanted)) {
        spot_set(spot, json_incref(p->value));
    }
    return FAULT_OK;
}

void case_upload_take(struct case_upload *u, unsigned index, const struct answer *answer, json_t *input)
{
    if (answer->class != CLASS_OK || answer->state != STATE_COMPLETED) {
        return;
    }
    json_object_update(u->vars, answer->save);
    u->number++;
    if (answer->value) {
        struct placing p = {.value = answer->value};
        snprintf(p.wanted, sizeof(p.wanted), "asset:%u", index);
        (void)!spot_each(input, place, &p);
    }
}

void case_upload_done(struct case_upload *u)
{
    json_decref(u->vars);
    json_decref(u->medium);
}
