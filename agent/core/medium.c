/* medium.c - a medium on its way to becoming an asset of the vendor. */
#include "core/medium.h"

#include "wire/sniff.h"

json_t *medium_to_json(const struct medium *m)
{
    const char *extension = sniff_ext(m->type);
    json_t *out = json_pack("{s:{s:i},s:s,s:I,s:s,s:s}", "part", "$part", (int)m->index, "type", m->type,
                            "bytes", (json_int_t)m->bytes, "extension", extension, "base64", m->token);

    json_object_set_new(out, "name",
                        m->name ? json_string(m->name) : json_sprintf("file%u.%s", m->index, extension));
    if (m->digest) {
        json_object_set_new(out, "digest", json_string(m->digest));
    }
    return out;
}
