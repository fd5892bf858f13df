/* survey.h - the fleet as NATS knows it: agents, lanes, keys and targets, in one value. */
#ifndef CLI_SURVEY_H
#define CLI_SURVEY_H

#include <jansson.h>

#include "base/fault.h"
#include "edge/bus.h"

struct survey;

/* fault: OK with {agents: [{instance, app, version, pid, roles, lanes, seen_ms}], lanes: [{lane, depth,
 * queued, parked, vendor, oldest_ms, served}], keys: [{key, fingerprint, state, wait_ms}], targets: [{target,
 * key, state, wait_ms, forced, forced_ms}], warnings: [text]} (borrowed); else as kv_scan. */
typedef void survey_fn(void *arg, enum fault fault, const json_t *seen);

/* survey_start - the callback comes once, never from inside; survey_free - after it, or to end it before:
 * only when the bus is not run any more. */
struct survey *survey_start(struct bus *bus, survey_fn *fn, void *arg);
void survey_free(struct survey **s);

#endif
