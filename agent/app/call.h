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
    const struct adapter_upload *upload; /* STEP_UPLOAD, which of its steps, and .medium of render_in */
    int upload_step;
    const json_t *medium;
    int64_t deadline_s; /* whole seconds left of the task's time; 0: not known */
    int64_t limit_ms;   /* the step takes no longer, whatever the adapter says; 0: no such limit */
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

#endif
