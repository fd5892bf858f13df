/* setup.h - the streams, consumers and buckets that Sluice needs: made by `sluice setup`, verified by agents,
 * altered by nobody. */
#ifndef APP_SETUP_H
#define APP_SETUP_H

#include "app/config.h"
#include "base/log.h"
#include "edge/bus.h"

#define STREAM_TASKS   "SLUICE_TASKS"
#define STREAM_POLL    "SLUICE_POLL"
#define STREAM_RESULTS "SLUICE_RESULTS"
#define STREAM_EVENTS  "SLUICE_EVENTS"
#define STREAM_DEAD    "SLUICE_DEAD"
#define BUCKET_JOURNAL "SLUICE_JOURNAL"
#define BUCKET_LEASE   "SLUICE_LEASE"
#define BUCKET_FLEET   "SLUICE_FLEET"
#define BUCKET_CONFIG  "SLUICE_CONFIG"
#define BUCKET_MEDIA   "SLUICE_MEDIA"

#define SETUP_LEASE_MS 30000 /* age of the lease bucket: presence that is not renewed is gone */
#define SETUP_ACK_MS   30000 /* a message that is neither acked nor worked on comes again */

/* setup_streams - [{"name", "config": the STREAM.CREATE request}], setup_consumers - [{"stream", "name",
 * "config"}] for the lanes of config. New references. */
json_t *setup_streams(const struct config *config);
json_t *setup_consumers(const struct config *config);

/* setup_consumer_name - of a lane and priority ("high", …) or, on SLUICE_POLL, place ("wait", "vendor"), into
 * out. */
void setup_consumer_name(const char *lane, const char *what, char *out, size_t size);

/* How it went. text tells people what was made, was there, or differs and what to do. */
typedef void setup_done_fn(void *arg, enum fault fault, const char *text);

/* setup_run - create: makes what is missing; without it only verifies (agents). Existing things are compared
 * field by field with what would be made; a difference is STREAM_MISMATCH and nothing is altered. A server
 * below 2.9.21 with more than one replica is refused. done comes once; progress (may be NULL) gets a line per
 * thing. Needs the bus to be up: waits for it. */
typedef void setup_line_fn(void *arg, const char *line);
struct setup;
struct setup *setup_run(struct bus *bus, struct loop *loop, const struct config *config, bool create,
                        setup_line_fn *line, setup_done_fn *done, void *arg);
/* setup_stop - ends it: done will not come. Not once it came. */
void setup_stop(struct setup **s);

#endif
