/* bus_ack.h - reads what JetStream answers to a publish. */
#ifndef EDGE_BUS_ACK_H
#define EDGE_BUS_ACK_H

#include "edge/bus.h"

/* bus_ack_read - the answer's JSON as a verdict; whatever is not an acknowledgement gives INTERNAL. */
void bus_ack_read(struct slice json, struct bus_ack *ret_ack);

/* bus_ack_passing - the error says "not now" and nothing was stored: the same message may be sent again. */
bool bus_ack_passing(const struct bus_ack *ack);

#endif
