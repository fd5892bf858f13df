/* verdict.c - what an HTTP status means when no rule of an adapter says it. */
#include "core/verdict.h"

static enum answer_class class_of(int status)
{
    switch (status) {
    case 401:
    case 403:
        return CLASS_AUTH;
    case 402:
        return CLASS_QUOTA_EXHAUSTED;
    case 404:
    case 410:
        return CLASS_NOT_FOUND;
    case 429:
        return CLASS_RATE_LIMITED;
    case 451:
        return CLASS_CONTENT_POLICY;
    case 500:
        return CLASS_VENDOR_INTERNAL;
    case 408:
    case 409:
    case 425:
        return CLASS_RETRY;
    default:
        return status >= 400 && status < 500 ? CLASS_INVALID_REQUEST : CLASS_RETRY;
    }
}

enum answer_class verdict_class(enum adapter_step step, int status)
{
    /* A link that no longer works says so in many ways; a fresh one may. */
    bool expired = step == STEP_DOWNLOAD && (status == 401 || status == 403);

    return expired ? CLASS_NOT_FOUND : class_of(status);
}

enum answer_accepted verdict_accepted(bool synchronous, int status)
{
    if (status < 400) {
        return ACCEPTED_UNKNOWN;
    }
    return synchronous || status < 500 || status == 503 || status == 529 ? ACCEPTED_NO : ACCEPTED_UNKNOWN;
}
