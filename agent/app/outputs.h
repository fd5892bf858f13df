/* outputs.h - a vendor's outputs into the object store, in whatever form they came. */
#ifndef APP_OUTPUTS_H
#define APP_OUTPUTS_H

#include "app/call.h"

struct outputs;

/* fault OK: list is the result's outputs [{type, bytes, width?, height?, duration_s?, digest, media} |
 * {error}] (borrowed). Else at least one output is not stored: OUTPUT_LOST (the vendor does not give it),
 * HOST_REFUSED, TOO_LARGE, BUS_DOWN, BUS_TIMEOUT, FLEET_FULL (the store): what was stored stays, so that
 * going on with outputs_start again does only the rest when it is given the same object. Never from inside.
 */
typedef void outputs_fn(void *arg, enum fault fault, const struct note *note, const json_t *list);

/* outputs_new - takes answer and the spooled blobs (their elements) of a call. in is borrowed for as long as
 * the outputs live: it says with which key and rules to download. */
struct outputs *outputs_new(struct parts *parts, const struct call_in *in, struct answer *answer,
                            struct spool_file **blobs, size_t blob_count);
/* outputs_start - stores what is not stored yet. */
void outputs_start(struct outputs *o, outputs_fn *fn, void *arg);
void outputs_free(struct outputs **o);

/* The answer they came with. */
const struct answer *outputs_answer(const struct outputs *o);

#endif
