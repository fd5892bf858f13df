/* inputs.h - a task's input media, brought into the forms that an adapter's operation takes. */
#ifndef APP_INPUTS_H
#define APP_INPUTS_H

#include "app/parts.h"
#include "core/adapter.h"

/* One medium as it will be sent: its bytes in a spool file, what jq may know of it, the token that stands for
 * its base64. */
struct inputs_medium {
    struct spool_file *file;
    char token[64];
    char *type;
    char *name;
};

/* The prepared input: `input` is the canonical input with each medium replaced as core/render.h says. */
struct inputs {
    const struct adapter_op *op; /* the operation that they are for */
    json_t *input;
    json_t *media; /* for struct render_in */
    struct inputs_medium *items;
    size_t n;
    bool assets; /* some were uploaded: the submission goes with the same key */
};

/* How it ended. note is borrowed; again_ms: a later try may go better, -1: it will not. */
struct inputs_end {
    enum fault fault;
    const struct note *note;
    struct inputs *inputs;
    int64_t again_ms;
};

/* fault: OK with the prepared inputs (the receiver frees them); INPUT_UNAVAILABLE, HOST_REFUSED,
 * VENDOR_REJECTED (the adapter has no such operation, or takes no such medium, or not in any form that we can
 * make), TOO_LARGE, OVERLOADED (spool full), BUS_DOWN, BUS_TIMEOUT; of an upload: what its answer's class
 * means. Nothing of it has been submitted. */
typedef void inputs_fn(void *arg, const struct inputs_end *end);

struct inputs_work;

/* What the inputs are for. op NULL: the one that the target's adapter has for kind with these inputs. */
struct inputs_for {
    const struct registry_target *target;
    const struct registry_key *key; /* for uploads */
    const struct task *task;
    const struct adapter_op *op;
};

/* inputs_prepare - the input is what->task's, and what is borrowed until the end. Media of the store are read
 * into spool files, URLs are passed on where the adapter takes URLs, else fetched through the address guard;
 * those that the vendor wants as assets are uploaded with the key. An input that was put aside as a whole
 * ({"$input": digest}) is read back first. Never from inside. */
struct inputs_work *inputs_prepare(struct parts *parts, const struct inputs_for *what, inputs_fn *fn,
                                   void *arg);
/* inputs_stop - no callback will come. */
void inputs_stop(struct inputs_work **w);
void inputs_free(struct inputs **i);

/* inputs_body - the body of a rendered request, the media in place. Pieces keep their spool files. NULL: it
 * has none. */
struct request;
struct body *inputs_body(const struct inputs *i, const struct request *r);

#endif
