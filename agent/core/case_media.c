/* case_media.c - the media of a case's input, placed as the agent would place them. */
#include "core/case_media.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/render.h"

struct placing {
    const struct adapter_op *op;
    const char *nonce;
    json_t *media;
    struct note *note;
};

static bool is_medium(const json_t *value)
{
    return json_is_string(json_object_get(value, "media")) || json_is_string(json_object_get(value, "url"));
}

/* The first of op's forms that the medium can take, -1: none. */
static int choose(const struct placing *p, const char *field, const json_t *medium, uint64_t *ret_max)
{
    enum adapter_form forms[FORM_COUNT];
    int n = adapter_forms(p->op, field, forms, ret_max);

    for (int i = 0; i < n; i++) {
        if (forms[i] != FORM_URL || json_object_get(medium, "url")) {
            return (int)forms[i];
        }
    }
    return -1;
}

/* What stands for the next medium, in a form that needs its bytes. */
static json_t *stand_in(struct placing *p, enum adapter_form form, const json_t *medium)
{
    unsigned index = (unsigned)json_array_size(p->media);
    const char *told = json_string_value(json_object_get(medium, "type"));
    const char *type = told ? told : "application/octet-stream";
    char token[64];

    json_array_append_new(p->media, json_pack("{s:s, s:O*, s:O*}", "type", type, "bytes",
                                              json_object_get(medium, "bytes"), "name",
                                              json_object_get(medium, "name")));
    render_token(p->nonce, index, token, sizeof(token));
    return form == FORM_PART     ? json_pack("{s:i}", "$part", (int)index)
           : form == FORM_BASE64 ? json_string(token)
                                 : json_sprintf("data:%s;base64,%s", type, token);
}

static enum fault place(struct placing *p, const char *field, const json_t *medium, json_t **ret_value)
{
    uint64_t max = 0;
    int form = choose(p, field, medium, &max);
    json_int_t bytes = json_integer_value(json_object_get(medium, "bytes"));

    note_field(p->note, form < 0 || (max && bytes > (json_int_t)max) ? field : NULL);
    if (form < 0) {
        return note_set(p->note, FAULT_VENDOR_REJECTED,
                        "%s takes no medium, or not in a form that can be made of it", field);
    }
    if (form == FORM_URL) {
        *ret_value = json_incref(json_object_get(medium, "url"));
        return FAULT_OK;
    }
    if (max && bytes > (json_int_t)max) {
        return note_set(p->note, FAULT_VENDOR_REJECTED, "%s has %lld bytes; the vendor takes at most %llu",
                        field, (long long)bytes, (unsigned long long)max);
    }
    if (json_array_size(p->media) == LIMIT_BLOBS) {
        return note_set(p->note, FAULT_VENDOR_REJECTED, "more than %d input media", LIMIT_BLOBS);
    }
    *ret_value = stand_in(p, (enum adapter_form)form, medium);
    return FAULT_OK;
}

static enum fault place_list(struct placing *p, const char *field, const json_t *list, json_t **ret_value)
{
    json_t *out = json_array(), *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        json_t *value = NULL;
        enum fault fault = is_medium(item) ? place(p, field, item, &value) : FAULT_OK;
        if (fault) {
            json_decref(out);
            return fault;
        }
        json_array_append_new(out, value ? value : json_incref(item));
    }
    *ret_value = out;
    return FAULT_OK;
}

enum fault case_media_place(const struct adapter_op *op, const json_t *input, const char nonce[17],
                            json_t **ret_input, json_t **ret_media, struct note *note)
{
    struct placing p = {op, nonce, json_array(), note};
    json_t *out = json_object(), *value;
    enum fault fault = FAULT_OK;
    const char *field;

    json_object_foreach((json_t *)input, field, value)
    {
        json_t *placed = NULL;
        if (is_medium(value)) {
            fault = place(&p, field, value, &placed);
        } else if (json_is_array(value)) {
            fault = place_list(&p, field, value, &placed);
        } else {
            placed = json_incref(value);
        }
        if (fault) {
            json_decref(out);
            json_decref(p.media);
            return fault;
        }
        json_object_set_new_nocheck(out, field, placed);
    }
    *ret_input = out;
    *ret_media = p.media;
    return FAULT_OK;
}
