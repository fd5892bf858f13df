/* retry.c - exponential back-off with full jitter, bounded by attempts and deadline. */
#include "core/retry.h"

const struct retry_policy retry_default = {.base_ms = 500, .cap_ms = 30000, .tries = 5};

/* base * 2^n without overflow, at most cap. */
static int64_t retry_ceiling(const struct retry_policy *policy, int64_t n)
{
    int64_t ms = policy->base_ms;

    while (n-- > 0 && ms < policy->cap_ms) {
        ms *= 2;
    }
    return ms < policy->cap_ms ? ms : policy->cap_ms;
}

int64_t retry_backoff_ms(const struct retry_policy *policy, int64_t n, double random)
{
    int64_t floor = policy->base_ms / 2;
    int64_t ms = (int64_t)((double)retry_ceiling(policy, n) * random);

    return ms > floor ? ms : floor;
}

static int64_t retry_after_ms(const struct retry_policy *policy, const struct retry_in *in, int64_t n)
{
    if (in->later_ms < 0) {
        return (int64_t)((double)retry_ceiling(policy, n) * in->random);
    }
    int64_t jitter = in->later_ms / 10 < 1000 ? in->later_ms / 10 : 1000;
    return in->later_ms + (int64_t)((double)jitter * in->random);
}

struct retry_out retry_decide(const struct retry_policy *policy, const struct retry_in *in)
{
    enum answer_action action = in->local ? ACTION_WAIT : answer_class_action(in->class);
    struct retry_out out = {.fault = answer_class_fault(in->class), .costs = action != ACTION_WAIT};

    if (action == ACTION_DONE || action == ACTION_FAIL) {
        return out;
    }
    if (action == ACTION_RETRY && in->tries + 1 >= policy->tries) {
        return out;
    }
    out.after_ms = retry_after_ms(policy, in, action == ACTION_WAIT ? in->waits : in->tries);
    if (out.after_ms >= in->left_ms) {
        out.fault = action == ACTION_WAIT ? FAULT_EXPIRED : out.fault;
        return out;
    }
    out.again = true;
    return out;
}
