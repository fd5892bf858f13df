/* call.h - one step of an adapter over the wire: render, send, spool the answer, read what it means. */
#ifndef APP_CALL_H
#define APP_CALL_H

#include "app/inputs.h"
#include "app/parts.h"
#include "core/answer.h"
#include "core/render.h"

/* What a step needs. All borrowed until the call has ended. */
struct call_in {
    const struct registry_target *target;
    const struct registry_key *key;
    const struct adapter_op *op;
    enum adapter_step step;
    const struct task *task;
    const struct inputs *inputs; /* NULL: the step sends no media and sees the input as the task has it */
    const json_t *vars;          /* NULL: none yet */
    const char *idem;            /* the vendor's idempotency key */
    int64_t limit_ms;            /* the step takes no longer, whatever the adapter says; 0: no such limit */
    bool (*before_send)(void *arg); /* or NULL; see vendor_call_start */
};

/* How it ended. Borrowed until the callback returns. */
struct call_out {
    enum fault fault; /* OK: answer is there. BAD_VALUE, VENDOR_REJECTED: the request could not be rendered,
                         nothing was sent. Else no whole answer came */
    struct note note;
    enum vendor_progress progress; /* how far it came */
    bool local;                    /* it failed here, not at the vendor */
    struct answer *answer;         /* NULL unless fault is OK; the receiver may take it and set NULL */
    struct spool_file *
        *blobs; /* media of the answer, by index; the receiver may take elements and set them NULL */
    size_t blob_count;
    int status;
    int64_t ms;
};
typedef void call_fn(void *arg, struct call_out *out);

struct call;

/* call_start - the callback comes once, never from inside. */
struct call *call_start(struct parts *parts, const struct call_in *in, call_fn *fn, void *arg);
/* call_stop - ends it without a callback; gives how far it came. */
enum vendor_progress call_stop(struct call **c);

/* call_request - renders a step without sending (downloads have their own sink). Faults as render_request. */
enum fault call_request(const struct call_in *in, const json_t *vars, struct request **ret_request,
                        struct note *note) MUSTCHECK;

/* A rendered request as the vendor edge takes it, with the key's secret if the URL's host may see it, and
 * through the address guard if it may not: such a URL is the vendor's word. What it points to lives as long
 * as r and until call_wire_done, which wipes the secret. The caller adds the body. */
struct call_wire {
    struct vendor_request request;
    struct vendor_field fields[REQUEST_FIELDS_MAX];
    struct vendor_field secret;
    char *secret_value, *secret_url;
};
void call_wire_init(struct call_wire *w, const struct parts *parts, const struct request *r,
                    const struct registry_key *key);
void call_wire_done(struct call_wire *w);

#endif
