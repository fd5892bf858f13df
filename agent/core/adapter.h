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

enum adapter_step { STEP_SUBMIT, STEP_POLL, STEP_FETCH, STEP_CANCEL, STEP_DOWNLOAD, STEP_COUNT };
const char *adapter_step_text(enum adapter_step step);

/* A complaint about a file: line and column from 1 (0: not known), what is wrong and what to do. */
typedef void adapter_complain_fn(void *arg, const char *file, int line, int column, const char *text);

/* adapter_read - parses and checks a file's text without compiling jq; every mistake is told to complain (may
 * be NULL). Gives an adapter with one reference. Faults: CONFIG. */
enum fault adapter_read(struct slice text, const char *file, adapter_complain_fn *complain, void *arg,
                        struct adapter **ret_adapter) MUSTCHECK;

/* adapter_compile - compiles its expressions; the costly part, any one thread, once, before the adapter is
 * shared. Faults: CONFIG. */
enum fault adapter_compile(struct adapter *a, adapter_complain_fn *complain, void *arg) MUSTCHECK;

struct adapter *adapter_keep(struct adapter *a);
void adapter_drop(struct adapter **a);

const char *adapter_name(const struct adapter *a);
/* adapter_digest - 16 hex digits of the SHA-256 of the file: which version a submission was made with. */
const char *adapter_digest(const struct adapter *a);
/* adapter_base - the default of {base}. */
const char *adapter_base(const struct adapter *a);
/* adapter_host_allowed - host (lower case, "host" or "host:port") may see the secret: it is named in hosts (a
 * leading "*." fits one or more labels) or is the host of base, which the operator may have set. */
bool adapter_host_allowed(const struct adapter *a, const char *base, const char *host);
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

/* adapter_op_find - the operation for kind with these inputs, or NULL (note: what the adapter serves). */
const struct adapter_op *adapter_op_find(const struct adapter *a, enum task_kind kind, const json_t *input,
                                         struct note *note);
/* adapter_op_name - what identifies the operation in a record; adapter_op_named finds it again (NULL: gone in
 * this version). */
const char *adapter_op_name(const struct adapter_op *op);
const struct adapter_op *adapter_op_named(const struct adapter *a, const char *name);
/* adapter_serves - it has an operation for kind, whatever the inputs. */
bool adapter_serves(const struct adapter *a, enum task_kind kind);

/* How input media must be given to the vendor, in the adapter's order of preference. */
enum adapter_form { FORM_URL, FORM_DATA_URI, FORM_BASE64, FORM_PART, FORM_COUNT };

/* adapter_forms - for the input field at the top level of input ("images", "mask", …): fills ret_forms in
 * order, gives how many; 0: the adapter takes no medium there. *ret_max_bytes: the largest medium it takes
 * (0: no bound known). */
int adapter_forms(const struct adapter_op *op, const char *field, enum adapter_form ret_forms[FORM_COUNT],
                  uint64_t *ret_max_bytes);

/* Poll timing in ms. */
struct adapter_every {
    int64_t first_ms, min_ms, max_ms;
    double growth;
};
struct adapter_every adapter_every(const struct adapter_op *op);
/* adapter_timeout_ms - how long one exchange of the step may take; 0: as long as bytes flow (downloads). */
int64_t adapter_timeout_ms(const struct adapter_op *op, enum adapter_step step);

#endif
