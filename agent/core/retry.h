/* retry.h - whether a refused or failed submission is tried again, and when. */
#ifndef CORE_RETRY_H
#define CORE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/answer.h"

struct retry_policy {
    int64_t base_ms;
    int64_t cap_ms;
    int tries; /* attempts that cost one, the first included */
};
extern const struct retry_policy retry_default;

struct retry_in {
    enum answer_class class;
    bool local; /* it failed here, before anything was sent: costs nothing, the growing waits go by `waits` */
    int64_t tries;    /* attempts that have cost one, the one just made not counted */
    int64_t waits;    /* attempts in all so far, for the growth of waits that cost none */
    int64_t later_ms; /* the vendor's wish, -1: none */
    int64_t left_ms;  /* until the task's deadline */
    double random;    /* [0, 1) */
};

struct retry_out {
    bool again;
    bool costs;       /* the attempt just made counts */
    int64_t after_ms; /* with again */
    enum fault fault; /* without again: what the task fails with */
};

/* retry_decide - exponential back-off with full jitter (base * 2^n, capped, times random); a vendor's wish is
 * obeyed and gets up to a tenth of jitter on top, never less; a wait that would pass the deadline gives up:
 * EXPIRED for limits, the class's fault else. */
struct retry_out retry_decide(const struct retry_policy *policy, const struct retry_in *in);

/* retry_backoff_ms - the n-th wait (n from 0) alone, for whoever has no class: polls that fail, publishes,
 * reconnects. At least base/2. */
int64_t retry_backoff_ms(const struct retry_policy *policy, int64_t n, double random);

#endif
