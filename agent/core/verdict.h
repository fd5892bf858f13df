/* verdict.h - what an HTTP status means when no rule of an adapter says it. */
#ifndef CORE_VERDICT_H
#define CORE_VERDICT_H

#include <stdbool.h>

#include "core/answer.h"

/* verdict_class - the class of an answer that is not 2xx. */
enum answer_class verdict_class(enum adapter_step step, int status);

/* verdict_accepted - whether a submission that was answered with a status other than 2xx was accepted. DESIGN
 * 7: a whole HTTP error answer of a synchronous vendor is a refusal. An asynchronous one may have started the
 * work before it failed to say so: only what is known to be answered before that (4xx, 503, 529) is a
 * refusal. */
enum answer_accepted verdict_accepted(bool synchronous, int status);

#endif
