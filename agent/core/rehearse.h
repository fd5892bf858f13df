/* rehearse.h - an adapter run through sample tasks and sample answers before it is trusted with real ones. */
#ifndef CORE_REHEARSE_H
#define CORE_REHEARSE_H

#include "core/adapter.h"

/* rehearse_adapter - renders every step of every operation of a compiled adapter with a sample task, and
 * reads good, bad and strange answers by it. What an expression says of samples is nobody's mistake; whoever
 * calls this wants to know whether it comes back at all: a jq program that never ends or eats all memory must
 * do so in a process that may die, not in an agent. options are those of the target, borrowed, may be NULL.
 * Gives how many requests and answers were tried. One thread at a time for an adapter. */
size_t rehearse_adapter(const struct adapter *a, const json_t *options);

#endif
