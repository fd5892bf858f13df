/* answer.h - a vendor's answer -> what it means. Pure. */
#ifndef CORE_ANSWER_H
#define CORE_ANSWER_H

#include "core/adapter.h"

enum answer_class {
#define CLASS(name, text, action, fault) CLASS_##name,
#include "core/class.def"
#undef CLASS
    CLASS_COUNT
};
enum answer_action { ACTION_DONE, ACTION_RETRY, ACTION_WAIT, ACTION_FAIL };

const char *answer_class_text(enum answer_class c);
int answer_class_find(const char *text); /* or -1 */
enum answer_action answer_class_action(enum answer_class c);
enum fault answer_class_fault(enum answer_class c);

enum answer_state {
    STATE_NONE,
    STATE_QUEUED,
    STATE_IN_PROGRESS,
    STATE_COMPLETED,
    STATE_FAILED,
    STATE_CANCELLED,
    STATE_EXPIRED
};

const char *answer_state_text(enum answer_state state);

/* Was a refused submission accepted (and paid)? Decided by DESIGN 7 and the adapter's rules. */
enum answer_accepted { ACCEPTED_NO, ACCEPTED_YES, ACCEPTED_UNKNOWN };

struct answer_in {
    int status;
    const json_t *headers; /* {lower-case name: text} */
    const json_t *body;    /* JSON, long base64 as {"$blob": i, …}; NULL when it was not JSON */
    int raw_blob;          /* index of the spooled body when it was not JSON; -1 */
    uint64_t raw_bytes;
    const json_t *vars;
    const json_t *input;
    const json_t *options; /* of the target, complete; NULL: none */
    const char *model;     /* the vendor's name; NULL: not known */
    const json_t *medium;  /* of an upload; NULL: none */
    bool without_secret;   /* the request went without: what is refused is not the key */
    int64_t wall_ms;       /* for dates in headers */
};

/* One result. Exactly one of blob, text64, text_hex, url and text is there unless error is. */
struct answer_output {
    int blob;       /* index of a spooled blob, -1: none */
    char *text64;   /* base64 short enough to have stayed in the JSON */
    char *text_hex; /* the same of hex digits */
    char *url;
    char *type;  /* as the vendor says, or NULL */
    bool secret; /* the download needs the credentials (and its host must be allowed) */
    int width, height;
    double duration_s;
    char *error; /* this item failed: the vendor's word */
    char *text;  /* kind text.chat: the text itself */
};

/* class is about this exchange, unless state is FAILED or EXPIRED: then it says why the task ended. On
 * cancel, state is CANCELLED (it is), COMPLETED (too late) or IN_PROGRESS (it was asked; polling tells). On a
 * lookup, class OK with found, or NOT_FOUND without: whether the vendor knows the task. On a
 * download, class NOT_FOUND means that the URL no longer works: adapter_refresh says which step gives a fresh
 * one. */
struct answer {
    enum answer_class class;
    enum answer_accepted accepted; /* on submit; YES on other steps */
    enum answer_state state;
    bool state_unknown; /* the vendor used a word that the adapter does not know: taken as in progress,
                           counted */
    double progress;    /* 0 to 100, negative: not told */
    int64_t later_ms;   /* the vendor's wish, -1: none */
    int64_t poll_ms;    /* when to poll next, -1: by the adapter's timing */
    char *code;         /* the vendor's own code and words, for people; bounded; NULL when none */
    char *text;
    json_t *save; /* {name: text}: vars for later steps (submit, poll), or NULL; merge into the older ones */
    char *vendor_id; /* save.id */
    struct answer_output
        *outputs; /* when this step gives outputs: some or, with state FAILED, all may be errors */
    size_t output_count;
    json_t *usage; /* or NULL */
    json_t *cost;  /* {"amount", "unit"} or NULL */
    json_t *extra; /* result fields the adapter maps (revised_prompt, seed, …), or NULL */
    bool fetch;    /* completed, and the operation has a fetch step to run now */
    bool found;    /* lookup: the vendor has the task */
    json_t *value; /* upload, last step: the asset */
    /* For tests of an adapter: */
    int rule;   /* the number of the rule that fitted; -1: none did */
    char *word; /* the vendor's for the state, as it stands in the answer; NULL: none was looked for */
};

/* answer_read - never fails for what a vendor sends: nonsense is class RETRY on poll and fetch, and on submit
 * UNKNOWN or RETRY by the rules, with text saying what made no sense. Faults: INTERNAL only. */
enum fault answer_read(const struct adapter *a, const struct adapter_op *op, enum adapter_step step,
                       const struct answer_in *in, struct answer **ret_answer, struct note *note) MUSTCHECK;
/* answer_read_upload - the same for a step of an upload: save holds any JSON, state is IN_PROGRESS while its
 * `until` does not hold, else COMPLETED. Nonsense is class RETRY. */
enum fault answer_read_upload(const struct adapter_op *op, const struct adapter_upload *u, int step,
                              const struct answer_in *in, struct answer **ret_answer,
                              struct note *note) MUSTCHECK;
void answer_free(struct answer **a);

/* answer_refused - what stands for the answer to a request that was not sent: class, accepted NO, text. */
struct answer *answer_refused(enum answer_class class, const char *text);

/* answer_lost - the verdict on a submission without a whole answer: sent says whether a byte went out. */
enum answer_accepted answer_lost(bool sent);

json_t *answer_to_json(const struct answer *a); /* for people and golden cases */

#endif
