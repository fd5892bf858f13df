/* bus_conf.h - how to connect to NATS: checked once, turned into the library's options for each connection.
 */
#ifndef EDGE_BUS_CONF_H
#define EDGE_BUS_CONF_H

#include <nats/nats.h>

#include "edge/bus.h"

/* Shared by the bus and by connection attempts that may outlive it; counted on the loop thread. */
struct bus_conf;

/* bus_conf_new - copies options. Faults: CONFIG; the note says which. */
enum fault bus_conf_new(const struct bus_options *options, struct bus_conf **ret_conf,
                        struct note *note) MUSTCHECK;
struct bus_conf *bus_conf_hold(struct bus_conf *conf);
void bus_conf_release(struct bus_conf **conf);

/* bus_conf_options - fresh options; reads certificates and seeds again, so that replaced files are taken up
 * with the next connection. Any thread, but not during bus_conf_learn. why gets the reason of a failure. */
natsStatus bus_conf_options(const struct bus_conf *conf, natsOptions **ret_options, char *why,
                            size_t why_size);

bool bus_conf_tls(const struct bus_conf *conf);

/* bus_conf_learn - remembers the servers of the cluster that nc was told of, for the next connections. */
void bus_conf_learn(struct bus_conf *conf, natsConnection *nc);

#endif
