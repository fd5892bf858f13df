/* outputs_internal.h - between the files of outputs: one task's outputs on their way into the store. */
#ifndef APP_OUTPUTS_INTERNAL_H
#define APP_OUTPUTS_INTERNAL_H

#include "app/call_wire.h"
#include "app/outputs.h"

struct outputs {
    struct parts *parts;
    struct call_in in;
    struct answer *answer;
    struct spool_file *blobs[LIMIT_BLOBS];
    json_t *list; /* one entry per output that is done */
    struct media_put *put;
    struct call_wire *call;
    bool renewed;         /* a token was refused once */
    struct call *refresh; /* the step that gives fresh URLs */
    json_t *vars;         /* of the steps before, and of the answer */
    int refreshes;        /* in this try */
    bool passing;         /* why a download failed may pass */
    json_t *head;         /* of a download's answer: {"status", "headers"} */
    struct timer long_timer;
    struct spool_file
        *source; /* the spool file that is being stored; borrowed from blobs or owned by us as text */
    struct spool_file *text; /* short base64 or hex, decoded */
    uint64_t at;             /* bytes that were read of it, or came of a download */
    struct timer timer;
    enum fault fault;
    struct note note;
    outputs_fn *fn;
    void *arg;
};

/* outputs_download - fetches from's URL into the store; then outputs_next or outputs_end. */
void outputs_download(struct outputs *o, const struct answer_output *from);

/* outputs_put - begins to store the present output in o->put; who has its bytes adds them. */
void outputs_put(struct outputs *o);
/* outputs_take - takes another answer with its blobs for the one there was. */
void outputs_take(struct outputs *o, struct answer *answer, struct spool_file **blobs, size_t blob_count);
/* outputs_next - goes on with the first output that is not done. */
void outputs_next(struct outputs *o);
/* outputs_end - tells the owner, in a moment. */
void outputs_end(struct outputs *o, enum fault fault);

#endif
