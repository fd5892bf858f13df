/* admin.h - the admin port: is the agent alive, is it ready, what does it count. */
#ifndef APP_ADMIN_H
#define APP_ADMIN_H

#include "app/parts.h"
#include "base/buf.h"
#include "edge/front.h"

struct admin;

/* GET /livez    200 as long as the process answers
 * GET /readyz   200, or 503 with the reasons, a line each
 * GET /metrics  Prometheus text */
struct admin_options {
    struct parts *parts;                       /* for its metrics; borrowed */
    bool (*ready)(void *arg, struct buf *why); /* false: why says so */
    void *arg;
};

struct admin *admin_new(const struct admin_options *options);
void admin_free(struct admin **a);

/* admin_handler - for the front (TCP), with the admin as its argument. Static. */
const struct front_handler *admin_handler(void);

#endif
