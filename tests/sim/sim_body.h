/* sim_body.h - the body of an answer: text with media in it, read as a stream. */
#ifndef SIM_BODY_H
#define SIM_BODY_H

#include <jansson.h>

#include "base/buf.h"
#include "sim_media.h"

#define SIM_BODY_MEDIA 64

enum sim_encoding { SIM_RAW, SIM_BASE64, SIM_HEX };

struct sim_insert {
    size_t at; /* stands before this byte of the text */
    struct sim_media *media;
    enum sim_encoding encoding;
};

/* Embedded. sim_body_init first, sim_body_done last. */
struct sim_body {
    struct buf text;
    struct sim_insert inserts[SIM_BODY_MEDIA];
    size_t count;
    uint64_t limit; /* ends after as many bytes */
    /* where reading is */
    uint64_t done;
    size_t at;
    size_t insert;
    char spare[64]; /* encoded chars that did not fit the caller's room */
    size_t spare_n;
    size_t spare_at;
};

void sim_body_init(struct sim_body *b);
void sim_body_done(struct sim_body *b);

/* sim_body_insert - a medium at the end of the text so far; takes it. Over SIM_BODY_MEDIA it is dropped. */
void sim_body_insert(struct sim_body *b, struct sim_media *media, enum sim_encoding encoding);

/* sim_body_json - appends value. An object {"$media": spec} in it becomes a string that holds the medium,
 * encoded as spec's "as" says: base64, hex, or data_uri. */
void sim_body_json(struct sim_body *b, const json_t *value);

/* sim_body_spec - the medium that an evaluated spec describes: kind, size or width and height, seconds or ms,
 * bytes, seed; numbers may be texts. False: no such kind. */
bool sim_body_spec(const json_t *spec, struct sim_media_spec *ret);

/* sim_body_size - all bytes of the body, the limit heeded. */
uint64_t sim_body_size(const struct sim_body *b);

/* sim_body_read - the next bytes, at most n; 0 at the end. */
size_t sim_body_read(struct sim_body *b, char *out, size_t n);

#endif
