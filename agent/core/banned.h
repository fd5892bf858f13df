/* banned.h - what an adapter's jq may not say. */
#ifndef CORE_BANNED_H
#define CORE_BANNED_H

#include "base/auto.h"
#include "base/fault.h"

/* banned_check - lexes text as jq does and refuses what reaches out of the expression (the environment,
 * files, the clock, further input, the terminal, modules), what may never end (definitions, unbounded loops,
 * gsub, which loops for ever on an empty match in jq 1.6), and anything whose brackets or quotes are not
 * closed, since expressions are put together into one program. Faults: BAD_VALUE; the note says which word
 * and what to write instead. */
enum fault banned_check(const char *text, struct note *note) MUSTCHECK;

#endif
