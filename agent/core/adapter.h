/* adapter.h - a vendor as data: one YAML file, checked, compiled, immutable, counted.
 *
 * The format is schemas/adapter.json; docs/adapters.md teaches it. An adapter has operations: for a kind of
 * task, perhaps chosen by which inputs are there, the steps submit, poll, fetch, cancel, and download rules.
 * adapter.h finds operations; render.h makes a step's request; answer.h reads its answer. None of them does
 * I/O. */
#ifndef CORE_ADAPTER_H
#define CORE_ADAPTER_H

#include <jansson.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/fault.h"
#include "base/slice.h"
#include "core/mapping.h"
#include "core/task.h"

struct adapter;
struct adapter_op;

/* STEP_UPLOAD is no step of an operation: an adapter's uploads have steps of their own. */
enum adapter_step {
    STEP_SUBMIT,
    STEP_POLL,
    STEP_FETCH,
    STEP_CANCEL,
    STEP_DOWNLOAD,
    STEP_LOOKUP,
    STEP_UPLOAD,
    STEP_COUNT
};
const char *adapter_step_text(enum adapter_step step);

/* A complaint about a file: line and column from 1 (0: not known), what is wrong and what to do. */
typedef void adapter_complain_fn(void *arg, const char *file, int line, int column, const char *text);

/* adapter_read - parses and checks a file's text without compiling jq; every mistake is told to complain (may
 * be NULL). Gives an adapter with one reference. Faults: CONFIG. */
enum fault adapter_read(struct slice text, const char *file, adapter_complain_fn *complain, void *arg,
                        struct adapter **ret_adapter) MUSTCHECK;

/* Gives the text of the adapter file called name, which the file from `extends`, and *ret_file, what to call
 * it in complaints; the reader frees both. NULL: there is none. */
typedef char *adapter_find_fn(void *arg, const char *from, const char *name, char **ret_file);

/* A file that may extend others. */
struct adapter_source {
    struct slice text;
    const char *file;
    adapter_find_fn *find; /* NULL: it may not */
    void *find_arg;
    adapter_complain_fn *complain; /* or NULL */
    void *arg;
};

/* adapter_read_source - as adapter_read; mistakes are told in the file where they stand. */
enum fault adapter_read_source(const struct adapter_source *source, struct adapter **ret_adapter) MUSTCHECK;

/* adapter_compile - compiles its expressions; the costly part, any one thread, once, before the adapter is
 * shared. Faults: CONFIG. */
enum fault adapter_compile(struct adapter *a, adapter_complain_fn *complain, void *arg) MUSTCHECK;

struct adapter *adapter_keep(struct adapter *a);
void adapter_drop(struct adapter **a);

const char *adapter_name(const struct adapter *a);
/* adapter_digest - 16 hex digits of the SHA-256 of the file, and of those that it extends: which version a
 * submission was made with. */
const char *adapter_digest(const struct adapter *a);
/* adapter_base - the default of {base}, as written: it may name options. */
const char *adapter_base(const struct adapter *a);
/* adapter_options - a target's options: those given ({name: text}; NULL: none), and the defaults of the
 * others. Caller decrefs. Faults: CONFIG (there is no such option, or one that must be given is not; the
 * note's field is its name). */
enum fault adapter_options(const struct adapter *a, const json_t *given, json_t **ret_options,
                           struct note *note) MUSTCHECK;
/* adapter_option_about - what the option is for people, NULL when there is none of that name. */
const char *adapter_option_about(const struct adapter *a, const char *name);
/* adapter_target_base - the base of a target: base, or the adapter's when NULL, with options (complete, see
 * adapter_options) in place. Caller frees. Faults: CONFIG (what comes out is no URL). */
enum fault adapter_target_base(const struct adapter *a, const char *base, const json_t *options,
                               char **ret_base, struct note *note) MUSTCHECK;
/* adapter_fill - text with {name} replaced by the option of that name; other braces stay. Caller frees. */
char *adapter_fill(const char *text, const json_t *options);
/* adapter_host_allowed - host (lower case, "host" or "host:port") may see the secret: it is named in hosts (a
 * leading "*." fits one or more labels) or is the host of base, which the operator may have set. */
bool adapter_host_allowed(const struct adapter *a, const char *base, const char *host);
/* adapter_host_allowed_for - the same for a target with options, which hosts may name. */
bool adapter_host_allowed_for(const struct adapter *a, const char *base, const json_t *options,
                              const char *host);
/* adapter_step_hex - the step's answer may hold media as hex digits. */
bool adapter_step_hex(const struct adapter_op *op, enum adapter_step step);
/* adapter_idempotent - the vendor takes an idempotency key on this operation: an unknown outcome may be sent
 * again with it. */
bool adapter_idempotent(const struct adapter_op *op);
/* adapter_synchronous - the operation has no poll step: the submission's answer is the result. */
bool adapter_synchronous(const struct adapter_op *op);
/* adapter_can_cancel - the operation has a cancel step. adapter_cancels_running - and it works on a task that
 * runs, not only on one that is queued at the vendor. */
bool adapter_can_cancel(const struct adapter_op *op);
bool adapter_cancels_running(const struct adapter_op *op);
/* adapter_refresh - the step to run again for fresh output URLs when a download finds that they have expired
 * (class NOT_FOUND); STEP_COUNT: none gives any. */
enum adapter_step adapter_refresh(const struct adapter_op *op);

/* adapter_can_lookup - the operation can ask the vendor for a task by our own name. adapter_lag_ms - how long
 * after a submission it may not find it yet. */
bool adapter_can_lookup(const struct adapter_op *op);
int64_t adapter_lag_ms(const struct adapter_op *op);

/* What an operation is chosen by. Borrowed; model and options may be NULL. */
struct adapter_want {
    enum task_kind kind;
    const json_t *input;
    const char *model; /* the vendor's name */
    const json_t *options;
};
/* adapter_op_choose - the operation for a task, or NULL (note: what the adapter serves). */
const struct adapter_op *adapter_op_choose(const struct adapter *a, const struct adapter_want *want,
                                           struct note *note);
/* adapter_op_find - the same where neither model nor options are known. */
const struct adapter_op *adapter_op_find(const struct adapter *a, enum task_kind kind, const json_t *input,
                                         struct note *note);
/* adapter_op_name - what identifies the operation in a record; adapter_op_named finds it again (NULL: gone in
 * this version). */
const char *adapter_op_name(const struct adapter_op *op);
const struct adapter_op *adapter_op_named(const struct adapter *a, const char *name);
/* adapter_serves - it has an operation for kind, whatever the inputs. */
bool adapter_serves(const struct adapter *a, enum task_kind kind);

/* How input media must be given to the vendor, in the adapter's order of preference. */
enum adapter_form { FORM_URL, FORM_DATA_URI, FORM_BASE64, FORM_PART, FORM_ASSET, FORM_COUNT };

struct adapter_upload;

/* An input field that holds media. */
struct adapter_medium {
    char *field;
    enum adapter_form forms[FORM_COUNT];
    uint64_t max_bytes[FORM_COUNT]; /* of the form at the same index; 0: no bound known */
    int form_count;
    char **types; /* that the vendor takes; one may end in a * */
    size_t type_count;
    const struct adapter_upload *upload; /* of FORM_ASSET */
};

/* adapter_medium - how op takes media in the input field ("images", "mask", "messages"); NULL: it takes none
 * there. */
const struct adapter_medium *adapter_medium(const struct adapter_op *op, const char *field);

/* What is known of a medium. */
struct adapter_given {
    bool url;      /* the app gave a URL that a vendor may be given */
    bool measured; /* bytes and type are known */
    uint64_t bytes;
    const char *type;
    const char *path; /* for people */
};
/* adapter_medium_form - the first form that fits; before it is measured, only a URL in the first place does
 * (*ret_form FORM_COUNT: measure it). Faults: VENDOR_REJECTED (no form fits, its type is not taken; the
 * note's field is the path). */
enum fault adapter_medium_form(const struct adapter_medium *m, const struct adapter_given *given,
                               enum adapter_form *ret_form, struct note *note) MUSTCHECK;

/* An upload: how many steps it has, how long its asset lives (0: not to be used again), its name. */
int adapter_upload_steps(const struct adapter_upload *u);
int64_t adapter_upload_lives_ms(const struct adapter_upload *u);
const char *adapter_upload_name(const struct adapter_upload *u);
/* adapter_upload_again - how long to wait before step is made again while its `until` does not hold, and how
 * often it is made at most. */
int64_t adapter_upload_every_ms(const struct adapter_upload *u, int step);
int adapter_upload_times(const struct adapter_upload *u, int step);
/* adapter_upload_named - or NULL. */
const struct adapter_upload *adapter_upload_named(const struct adapter *a, const char *name);

/* What the vendor allows one key, by its documentation. */
struct adapter_limit {
    char *models;   /* a name with * for any chars; NULL: all */
    unsigned kinds; /* bits by enum task_kind; 0: all */
    int requests;   /* within per_ms; 0: no such limit */
    int64_t per_ms;
    int concurrent; /* 0: no such limit */
};
/* adapter_limit - the i-th, NULL behind the last. adapter_limit_fits - it is about such tasks. */
const struct adapter_limit *adapter_limit(const struct adapter *a, size_t i);
bool adapter_limit_fits(const struct adapter_limit *limit, enum task_kind kind, const char *model);

/* Poll timing in ms. */
struct adapter_every {
    int64_t first_ms, min_ms, max_ms;
    double growth;
};
struct adapter_every adapter_every(const struct adapter_op *op);
/* adapter_timeout_ms - how long one exchange of the step may take; 0: as long as bytes flow (downloads). */
int64_t adapter_timeout_ms(const struct adapter_op *op, enum adapter_step step);

#endif
