/* sim_server.h - HTTP/1.1 over TCP around an engine. */
#ifndef SIM_SERVER_H
#define SIM_SERVER_H

#include "base/auto.h"
#include "base/fault.h"
#include "sim_engine.h"

struct sim_server;
struct uv_loop_s;

/* sim_server_new - listens on "host:port" (port 0: a free one; an IPv6 host in brackets). engine is borrowed.
 * At most SIM_CONNECTIONS; more are closed at once. Faults: CONFIG (the address), IO. */
#define SIM_CONNECTIONS 10000
enum fault sim_server_new(struct uv_loop_s *loop, struct sim_engine *engine, const char *address,
                          struct sim_server **ret, struct note *note) MUSTCHECK;

/* sim_server_address - "host:port" as bound, into out. */
void sim_server_address(const struct sim_server *s, char *out, size_t size);
int sim_server_port(const struct sim_server *s);

/* sim_server_stop - closes the listener and all connections; the loop ends when they are closed. */
void sim_server_stop(struct sim_server *s);

/* sim_server_free - after the loop has ended. */
void sim_server_free(struct sim_server **s);

#endif
