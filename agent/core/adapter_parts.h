/* adapter_parts.h - the insides of an adapter, for those who build it, render from it and read answers by it:
 * adapter*.c, render.c, refuse.c and answer*.c. Nobody else looks in here. */
#ifndef CORE_ADAPTER_PARTS_H
#define CORE_ADAPTER_PARTS_H

#include <stdatomic.h>

#include "core/adapter.h"
#include "core/adapter_auth.h"
#include "core/answer.h"
#include "core/load.h"
#include "core/reader.h"
#include "core/render.h"
#include "core/rule.h"
#include "core/shape.h"

/* How many files may extend each other. */
#define ADAPTER_DEPTH_MAX 4

struct adapter_header {
    char *name;
    struct template *value;
};

/* How a step's request is made. */
struct adapter_request {
    char *method;
    struct template *url;
    struct shape *let;   /* variables of its templates */
    struct shape *query; /* object */
    struct adapter_header *headers;
    size_t header_count;
    struct shape *more_headers; /* an object of header names and texts, such as an answer gave; or NULL */
    enum request_body kind;
    struct shape *body;
    bool drop_nulls;
    bool vendor;   /* input.vendor is merged into the body */
    bool secret;   /* the vendor's credentials go with it */
    char *sign_as; /* the service that it is signed for, NULL: the adapter's */
};

/* How the vendor's word for a task's state is found. */
struct adapter_state {
    struct shape *from;
    json_t *words;    /* {word: enum answer_state} */
    json_t *statuses; /* {"202": enum answer_state} */
};

struct adapter_outputs {
    struct shape *stream; /* one expression giving objects; NULL: members */
    struct shape *each;   /* the list whose elements are .item for members; NULL: one output */
    struct shape *members;
};

/* One step: its request, and how its answer is read. */
struct adapter_exchange {
    bool there;
    int64_t timeout_ms;
    struct adapter_request request;
    struct shape *save;
    struct adapter_state state;
    struct shape *progress;
    double progress_of; /* the number that means done */
    struct adapter_outputs outputs;
    struct shape *usage;
    struct shape *cost;
    char *cost_unit;
    struct shape *extra;
    struct rule_list *rules;
};

/* One request of an upload. */
struct adapter_upload_step {
    struct adapter_exchange exchange;
    struct shape *until; /* NULL: made once */
    int64_t every_ms;
    int times;
};

struct adapter_upload {
    char *name;
    struct adapter_upload_step *steps;
    int step_count;
    struct shape *value;
    int64_t lives_ms;
};

struct adapter_refusal {
    char *field;
    struct shape *when; /* NULL: whenever the field is given */
    char *text;
};

struct adapter_op {
    struct adapter *adapter;
    char *name;
    enum task_kind kind;
    char **needs;
    size_t need_count;
    struct shape *when;
    struct adapter_medium *media;
    size_t media_count;
    json_t *used; /* {field: true}: what the submission makes use of; NULL: cannot be told, all may be */
    json_t
        *vendor_used; /* {name: true}: members of input.vendor that expressions name, which are not merged */
    json_t *unsupported; /* {field: "reject" or "ignore"}; "*" for all others */
    struct adapter_refusal *refusals;
    size_t refusal_count;
    char *idem_header;
    char *idem_field;
    bool idem_uuid; /* the key is made into a UUID */
    struct adapter_exchange steps[STEP_COUNT];
    struct adapter_every every;
    struct reader_list *hint;
    bool download_secret;
    bool cancel_queued_only;
    enum adapter_step refresh; /* STEP_COUNT: none */
    struct shape *found;       /* of lookup; NULL: a good answer is enough */
    int64_t lag_ms;
    struct rule_list *rules;
};

struct adapter {
    atomic_uint references;
    char **files; /* the file, and those that it extends */
    size_t file_count;
    char *name;
    char digest[17];
    char *base;
    char **hosts;
    size_t host_count;
    json_t *options; /* {name: {about, default?}} as written; NULL: none */
    struct adapter_limit *limits;
    size_t limit_count;
    struct adapter_upload *uploads;
    size_t upload_count;
    struct adapter_auth auth;
    struct adapter_header *headers;
    size_t header_count;
    struct shape *error_code;
    struct shape *error_text;
    struct reader_list *later;
    struct rule_list *rules;
    struct adapter_op *ops;
    size_t op_count;
    struct mapping *mapping;
    struct load_place *places; /* of the expressions, by number */
    size_t place_count;
    struct load_place *rule_places; /* of the rules, by number */
    size_t rule_count;
};

/* adapter_exchange_load - the step at the loader's position. */
void adapter_exchange_load(struct load *l, enum adapter_step step, const json_t *value,
                           struct adapter_exchange *e);
void adapter_exchange_done(struct adapter_exchange *e);

/* adapter_exchange_headers - {name: template} at the loader's position; header_count tells how many. */
struct adapter_header *adapter_exchange_headers(struct load *l, const json_t *value, size_t *ret_count);
void adapter_exchange_headers_done(struct adapter_header *headers, size_t count);

/* adapter_op_load - the operation at the loader's position; its adapter, name and kind are set already. */
void adapter_op_load(struct load *l, const json_t *value, struct adapter_op *op);
void adapter_op_done(struct adapter_op *op);

/* adapter_media_load - `inputs` at the loader's position. */
void adapter_media_load(struct load *l, const json_t *value, struct adapter_op *op);
void adapter_media_done(struct adapter_op *op);

/* adapter_uploads_load - `uploads` and `limits` of root, before the operations. */
void adapter_uploads_load(struct load *l, const json_t *root, struct adapter *a);
void adapter_uploads_done(struct adapter *a);
/* adapter_upload_timeout_ms - how long the exchange may take. */
int64_t adapter_upload_timeout_ms(const struct adapter_exchange *e);

/* The text of a file and of those that it extends, laid over each other. */
struct adapter_merged {
    json_t *root;
    struct load_text texts[ADAPTER_DEPTH_MAX]; /* the file itself first */
    size_t text_count;
    char digest[17];
};
/* adapter_merge - reads source and what it extends. Faults: CONFIG, told. */
enum fault adapter_merge(const struct adapter_source *source, struct adapter_merged *ret) MUSTCHECK;
void adapter_merge_done(struct adapter_merged *m);

/* adapter_load_root - a whole file that fits the schema. */
void adapter_load_root(struct load *l, const json_t *root, struct adapter *a);

/* adapter_note_names - {name: true} into names for every name behind prefix (".input") in any text of value.
 * False: prefix stands alone somewhere, so that all its members may be used. */
bool adapter_note_names(const json_t *value, const char *prefix, json_t *names);

/* adapter_check_use - names that nothing sets, options, hosts, uploads and rules that never come into play.
 */
void adapter_check_use(struct load *l, const struct adapter *a, const json_t *root);

/* adapter_check_lookup - the lookup of op, which is value, at the loader's position. */
void adapter_check_lookup(struct load *l, const struct adapter_op *op, const json_t *value);

/* adapter_check_root - what a schema cannot say: variables that nothing sets, steps that lead nowhere,
 * secrets that never arrive. root is the file as a value. */
void adapter_check_root(struct load *l, const struct adapter *a, const json_t *root);

#endif
