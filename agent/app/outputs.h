/* outputs.h - a vendor's outputs into the object store, in whatever form they came. */
#ifndef APP_OUTPUTS_H
#define APP_OUTPUTS_H

#include "app/call.h"

struct outputs;

/* fault OK: list is the result's outputs [{type, bytes, width?, height?, duration_s?, digest, media, url} |
 * {type, text} | {error}] (borrowed). Else at least one output is not stored, and list has those before it:
 * OUTPUT_LOST (the vendor does not give it now), VENDOR_ANSWER (what it gave is no output), HOST_REFUSED,
 * TOO_LARGE, OVERLOADED (the spool), BUS_DOWN, BUS_TIMEOUT, FLEET_FULL (the store). Going on with
 * outputs_start again on the same object does only the rest. Never from inside. */
typedef void outputs_fn(void *arg, enum fault fault, const struct note *note, const json_t *list);

/* outputs_new - takes answer and the spooled blobs (their elements) of a call. in is borrowed for as long as
 * the outputs live: it says with which key and rules to download; what the answer saved is added to its
 * variables. */
struct outputs *outputs_new(struct parts *parts, const struct call_in *in, struct answer *answer,
                            struct spool_file **blobs, size_t blob_count);
/* outputs_resume - list (borrowed) is what an earlier object for the same task has stored already, of an
 * answer with as many outputs as this one: they are not fetched again. Before outputs_start. */
void outputs_resume(struct outputs *o, const json_t *list);
/* outputs_start - stores what is not stored yet. A URL that has expired is asked for again by the step that
 * gave it, a few times. When it takes long the record says so: stage downloading or storing. */
void outputs_start(struct outputs *o, outputs_fn *fn, void *arg);
void outputs_free(struct outputs **o);

/* outputs_passing - after a failure: the host of an output was not reached, in trouble or busy, so that
 * another try may well bring it. */
bool outputs_passing(const struct outputs *o);

/* The answer they came with, or the last one that gave fresh URLs. */
const struct answer *outputs_answer(const struct outputs *o);

#endif
