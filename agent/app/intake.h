/* intake.h - from a request, in whatever dialect it came, to a task that is durable. */
#ifndef APP_INTAKE_H
#define APP_INTAKE_H

#include "app/parts.h"
#include "app/upload.h"
#include "core/task.h"

struct intake;

struct intake *intake_new(struct parts *parts);
void intake_free(struct intake **in);

/* intake_ready - new tasks may come: the streams were verified (agents start before NATS is there). text says
 * why not, for people. */
void intake_set_ready(struct intake *in, bool ready, const char *text);
bool intake_ready(const struct intake *in);
/* intake_drain - takes no more. */
void intake_drain(struct intake *in);

/* A request as it was parsed. */
struct intake_request {
    const char *endpoint; /* "tasks", "images.generations", …: part of what an Idempotency-Key is for */
    json_t *
        body; /* {model, kind?, input, priority?, deadline_s?, metadata?} as POST /v1/tasks takes it; taken */
    const char *marker;      /* "$blob" or "$bin": how the body speaks of the upload's media; NULL: not */
    struct upload *upload;   /* its media, begun in order; taken; may be NULL */
    const char *idem_key;    /* Idempotency-Key, or NULL */
    bool sdk_retry;          /* an SDK's own retry of a request without a key */
    const char *traceparent; /* W3C, or NULL */
    json_t *echo; /* what the endpoint wants to read in the record later, as its member "echo"; borrowed, may
                     be NULL */
};

/* What became of it. doc is the record (borrowed): of the new task, or with replayed of the one that this key
 * (or retry) made before. */
struct intake_done {
    enum fault fault;
    struct note note;
    const json_t *doc;
    bool replayed;
};
typedef void intake_fn(void *arg, const struct intake_done *done);

/* intake_submit - validates, names, stores: the record (create-only) and the message, both acknowledged. The
 * callback comes once, never from inside. Faults: BAD_VALUE (the note names the field), NO_MODEL, KEY_REUSED,
 * FLEET_FULL, BUS_DOWN (surely nothing is stored), ACCEPT_UNKNOWN (may be stored: it is cancelled if it turns
 * up), DRAINING, those of the upload. A request whose client is gone goes on: what was accepted is carried
 * out. */
void intake_submit(struct intake *in, struct intake_request *request, intake_fn *fn, void *arg);

/* intake_kind - the kind of task that a model does when the request does not say: the only one its adapter
 * serves, or, of image.generate and image.edit, by whether the input has images. -1: it must be said. */
int intake_kind(const struct registry_model *model, const json_t *input);

/* intake_pending - submissions under way: a drain waits for them. */
size_t intake_pending(const struct intake *in);

#endif
