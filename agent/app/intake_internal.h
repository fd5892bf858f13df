/* intake_internal.h - between the files of intake: a submission, and how it is named, stored and told. */
#ifndef APP_INTAKE_INTERNAL_H
#define APP_INTAKE_INTERNAL_H

#include "app/intake.h"
#include "app/room.h"
#include "base/id.h"
#include "base/list.h"
#include "base/map.h"
#include "core/journal.h"
#include "wire/digest.h"
#include "wire/schema.h"

#define RETRY_MAX 8192 /* keyless requests that are remembered */

/* The task that a keyless request made. */
struct recent {
    char digest[DIGEST_HEX_CHARS + 1]; /* "": never used */
    char id[ID_CHARS + 1];
    int64_t at_ms;
};

struct intake {
    struct parts *parts;
    struct room *room;
    struct schema *body_schema;
    struct schema *input_schemas[KIND_COUNT];
    struct recent *recents; /* the last RETRY_MAX keyless requests, the oldest overwritten first */
    size_t recent_next;
    struct map *recent; /* digest -> the youngest of them */
    struct list submissions;
    size_t pending;
    struct id_pool ids;
    bool ready, draining;
    char why_not[256];
};

/* One request on its way. */
struct submission {
    struct list link;
    struct intake *in;
    struct registry *registry;
    const struct registry_model *model;
    json_t *body, *echo;
    char *marker, *endpoint, *idem_key, *traceparent;
    bool sdk_retry;
    struct upload *upload, *aside;
    char digest[DIGEST_HEX_CHARS + 1]; /* of the task as sent */
    size_t text_bytes;                 /* of the same, as JSON */
    int generation;
    struct task *task;
    json_t *doc;
    uint64_t revision;
    bool recorded, placed; /* answers that came */
    enum fault record_fault, place_fault;
    bool replayed;
    enum fault fault;
    struct note note;
    struct timer timer;
    intake_fn *fn;
    void *arg;
};

/* submission_name - gives the task its id and makes its first record. */
void submission_name(struct submission *s);
/* submission_store - writes record and message, or finds the task that this key or retry has made before;
 * then submission_end. */
void submission_store(struct submission *s);
/* submission_end - tells the caller, in a moment. */
void submission_end(struct submission *s, enum fault fault);

#endif
