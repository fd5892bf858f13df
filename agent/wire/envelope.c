/* envelope.c - what messages and records look like in NATS. */
#include "wire/envelope.h"

#include <assert.h>

/* What was written was within the limits of a request, but a record holds a request, what became of it, and
 * fields of our own. Its bytes are bounded by what NATS takes. */
static const struct pack_limits envelope_limits = {
    .bytes = LIMIT_MESSAGE_BYTES,
    .depth = LIMIT_DEPTH,
    .elements = 4 * LIMIT_ELEMENTS,
};

void envelope_write(struct buf *out, const char *kind, const json_t *body)
{
    assert(json_is_object(body));
    /* Written as one value, so that the envelope's own level counts when the depth is checked. */
    json_auto_t *envelope = json_object();
    json_object_set_new_nocheck(envelope, "v", json_integer(ENVELOPE_VERSION));
    json_object_set_new_nocheck(envelope, "kind", json_string(kind));
    int error = json_object_set_nocheck(envelope, "body", (json_t *)body);
    if (error) {
        out->bad = true;
        return;
    }
    pack_write(out, envelope, NULL);
}

static enum fault check_envelope(const json_t *envelope, const char *kind, struct note *note)
{
    const json_t *version = json_object_get(envelope, "v");
    const char *found = json_string_value(json_object_get(envelope, "kind"));

    if (!json_is_integer(version)) {
        return note_set(note, FAULT_BAD_DATA, "this is no envelope");
    }
    if (json_integer_value(version) != ENVELOPE_VERSION) {
        return note_set(note, FAULT_BAD_DATA, "the envelope has version %lld, this agent reads %d",
                        (long long)json_integer_value(version), ENVELOPE_VERSION);
    }
    if (!found || strcmp(found, kind) != 0) {
        return note_set(note, FAULT_BAD_DATA, "the envelope is a %.32s and not a %s",
                        found ? found : "nothing", kind);
    }
    if (!json_is_object(json_object_get(envelope, "body"))) {
        return note_set(note, FAULT_BAD_DATA, "the envelope has no body");
    }
    return FAULT_OK;
}

enum fault envelope_read(struct slice bytes, const char *kind, json_t **ret_body, struct note *note)
{
    json_auto_t *envelope = NULL;

    if (pack_read(bytes, &envelope_limits, &envelope, NULL, note)) {
        return FAULT_BAD_DATA;
    }
    enum fault fault = check_envelope(envelope, kind, note);
    if (!fault) {
        *ret_body = json_incref(json_object_get(envelope, "body"));
    }
    return fault;
}
