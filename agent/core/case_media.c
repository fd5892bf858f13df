/* case_media.c - the media of a case's input, placed as the agent would place them. */
#include "core/case_media.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/render.h"
#include "core/spot.h"

struct placing {
    const struct adapter_op *op;
    const char *nonce;
    json_t *media;
    struct note *note;
};

/* What stands for the next medium, in a form that needs its bytes. */
static json_t *stand_in(struct placing *p, enum adapter_form form, const struct adapter_medium *m,
                        const json_t *medium)
{
    unsigned index = (unsigned)json_array_size(p->media);
    const char *told = json_string_value(json_object_get(medium, "type"));
    const char *type = told ? told : "application/octet-stream";
    char token[64];

    render_token(p->nonce, index, token, sizeof(token));
    json_t *about = json_pack("{s:s, s:O*, s:O*, s:O*, s:s}", "type", type, "bytes",
                              json_object_get(medium, "bytes"), "name", json_object_get(medium, "name"),
                              "digest", json_object_get(medium, "media"), "token", token);
    if (form == FORM_ASSET) {
        json_object_set_new(about, "upload", json_string(adapter_upload_name(m->upload)));
    }
    json_array_append_new(p->media, about);
    return form == FORM_PART     ? json_pack("{s:i}", "$part", (int)index)
           : form == FORM_ASSET  ? json_sprintf("asset:%u", index)
           : form == FORM_BASE64 ? json_string(token)
                                 : json_sprintf("data:%s;base64,%s", type, token);
}

static enum fault place(void *arg, const struct spot *spot)
{
    struct placing *p = arg;
    const json_t *value = spot->value;
    const struct adapter_medium *m = adapter_medium(p->op, spot->field);
    enum adapter_form form = FORM_COUNT;

    if (!spot_is_medium(value)) {
        return FAULT_OK;
    }
    const struct adapter_given given = {.url = !spot->bytes && json_object_get(value, "url"),
                                        .measured = true,
                                        .bytes =
                                            (uint64_t)json_integer_value(json_object_get(value, "bytes")),
                                        .type = json_string_value(json_object_get(value, "type")),
                                        .path = spot->path};
    if (!m) {
        note_field(p->note, spot->path);
        return note_set(p->note, FAULT_VENDOR_REJECTED,
                        "%s takes no medium, or not in a form that can be made of it", spot->path);
    }
    enum fault fault = adapter_medium_form(m, &given, &form, p->note);
    if (fault) {
        return fault;
    }
    if (form == FORM_URL) {
        spot_set(spot, json_incref(json_object_get(value, "url")));
        return FAULT_OK;
    }
    if (json_array_size(p->media) == LIMIT_BLOBS) {
        return note_set(p->note, FAULT_VENDOR_REJECTED, "more than %d input media", LIMIT_BLOBS);
    }
    spot_set(spot, stand_in(p, form, m, value));
    return FAULT_OK;
}

enum fault case_media_place(const struct adapter_op *op, const json_t *input, const char nonce[17],
                            json_t **ret_input, json_t **ret_media, struct note *note)
{
    struct placing p = {op, nonce, json_array(), note};
    json_t *out = json_deep_copy(input);
    enum fault fault = spot_each(out, place, &p);

    if (fault) {
        json_decref(out);
        json_decref(p.media);
        return fault;
    }
    *ret_input = out;
    *ret_media = p.media;
    return FAULT_OK;
}
