/* sim_count.h - who asked for what, how often, and how often it was paid. */
#ifndef SIM_COUNT_H
#define SIM_COUNT_H

#include <jansson.h>

#include "base/slice.h"
#include "sim_dialect.h"

struct sim_count;
struct sim_tally;

enum sim_outcome {
    SIM_REFUSED, /* an error answer: nothing was accepted */
    SIM_PAID,    /* accepted: the vendor would charge for it */
    SIM_REPLAYED /* the answer of an earlier request with the same idempotency key */
};

/* One request, told when its answer is made. */
struct sim_seen {
    const struct sim_dialect *dialect;
    enum sim_step step;
    enum sim_outcome outcome; /* of submissions */
    int status;
    bool faulted;       /* a fault was injected */
    bool leaked;        /* the vendor's secret came to a place that must not see it */
    const char *secret; /* NULL: none */
    const char *prompt; /* NULL: none */
    const char *key;    /* NULL: none */
    int64_t wall_ms;
};

/* What sim_count_end needs to know. Embedded. */
struct sim_ticket {
    unsigned round;
    size_t vendor;
    enum sim_step step;
    bool paid;
    struct sim_tally *prompt;
    struct sim_tally *key;
};

/* sim_count_new - at most max prompts and as many keys are counted one by one. */
struct sim_count *sim_count_new(size_t max);
void sim_count_free(struct sim_count **c);
/* sim_count_reset - all back to zero; tickets given before count no more. */
void sim_count_reset(struct sim_count *c);

/* sim_count_answer - a request has its answer. sim_count_end - the answer is out whole, or is lost. */
void sim_count_answer(struct sim_count *c, const struct sim_seen *seen, struct sim_ticket *ret);
void sim_count_end(struct sim_count *c, const struct sim_ticket *ticket, bool delivered, uint64_t bytes);

/* sim_count_stats - everything as JSON, at most `most` prompts and keys each; the caller decrefs. */
json_t *sim_count_stats(const struct sim_count *c, size_t most);

/* sim_count_paid - {"asked", "paid", …} of a prompt or (by_key) an idempotency key; zeros when nobody asked.
 */
json_t *sim_count_paid(const struct sim_count *c, const char *text, bool by_key);

#endif
