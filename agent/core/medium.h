/* medium.h - a medium on its way to becoming an asset of the vendor: what an upload's expressions see of it.
 */
#ifndef CORE_MEDIUM_H
#define CORE_MEDIUM_H

#include <jansson.h>
#include <stdint.h>

/* What is known of it. Borrowed. */
struct medium {
    unsigned index;   /* among the task's media */
    const char *name; /* NULL: it is made from the index and the type */
    const char *type;
    uint64_t bytes;
    const char *digest; /* SHA-256, 64 hex digits; NULL: not known */
    const char *token;  /* stands for its base64, see render_token */
};

/* medium_to_json - {"part": {"$part": index}, "name", "type", "bytes", "digest"?, "extension", "base64"}:
 * .medium of render_in. Caller decrefs. */
json_t *medium_to_json(const struct medium *m);

#endif
