/* connect.h - the connection to NATS as the configuration describes it. */
#ifndef APP_CONNECT_H
#define APP_CONNECT_H

#include "app/config.h"
#include "base/log.h"
#include "edge/bus.h"
#include "edge/loop.h"

/* connect_bus - begins to connect; name is shown by the server. Files with a password or token are read now.
 * Faults: CONFIG (the note says which setting or file). */
enum fault connect_bus(struct loop *loop, struct log *log, const struct config *config, const char *name,
                       struct bus **ret_bus, struct note *note) MUSTCHECK;

#endif
