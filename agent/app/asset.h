/* asset.h - a medium becomes an asset of the vendor before its task is submitted: an adapter's upload, made
 * over the wire. */
#ifndef APP_ASSET_H
#define APP_ASSET_H

#include "app/inputs.h"

/* The assets that still live at their vendors, so that the same bytes are not uploaded again with the same
 * key. In memory, bounded: when there are too many, those that end first are forgotten. Of the loop thread.
 */
struct assets;
struct assets *assets_new(struct loop *loop);
void assets_free(struct assets **a);

/* What is uploaded, and whose. All borrowed until the upload has ended. */
struct asset_for {
    const struct inputs_for *task;
    const struct adapter_upload *upload;
    const struct inputs *inputs; /* the task's media, as far as they are there */
    unsigned index;              /* of the medium in them */
    const char *digest;          /* of its bytes; NULL: it is taken first */
};

/* fault OK: value takes the medium's place (borrowed). Else the note may be shown to people, and again_ms
 * says when it may work (-1: it is final): nothing of the task has been submitted. A refusal that a wait may
 * help is tried again here a few times first. */
struct asset_out {
    enum fault fault;
    const struct note *note;
    json_t *value;
    int64_t again_ms;
};
typedef void asset_fn(void *arg, const struct asset_out *out);

struct asset;

/* asset_start - calls back once, never from inside. asset_stop - no callback will come. */
struct asset *asset_start(struct parts *parts, const struct asset_for *what, asset_fn *fn, void *arg);
void asset_stop(struct asset **a);

#endif
