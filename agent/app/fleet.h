/* fleet.h - the other agents: presence in the lease bucket, and the server's clock as all of them see it. */
#ifndef APP_FLEET_H
#define APP_FLEET_H

#include "app/parts.h"

/* Each agent process is an instance with a random name. It writes its presence every 10 s into a bucket whose
 * entries live 30 s; who finds no presence may overtake that instance's claims. Reading back the presence's
 * time stamp also tells what the server's clock says against our monotonic one. */
struct fleet *fleet_new(struct parts *parts);
void fleet_free(struct fleet **f);

const char *fleet_instance(const struct fleet *f);

/* fleet_now_ms - Unix ms by the server's clock, carried on by the local monotonic clock; before the first
 * reading the local wall clock. Times in shared records are these. */
int64_t fleet_now_ms(const struct fleet *f);

/* fleet_timed - the server's clock has been read. */
bool fleet_timed(const struct fleet *f);

/* fleet_alive - does that instance still write its presence? Our own always does. Answers are kept for 2 s.
 * In the first 10 s of a connection only who has left is not alive: after a long absence of NATS nobody's
 * presence is there. fault: OK, or BUS_DOWN, BUS_TIMEOUT. Never from inside. */
typedef void fleet_alive_fn(void *arg, enum fault fault, bool alive);
void fleet_alive(struct fleet *f, const char *instance, fleet_alive_fn *fn, void *arg);

/* fleet_present - our presence stands, and will while a claim of now can be sent. Without it claims are not
 * made: others could not see us. */
bool fleet_present(const struct fleet *f);

/* fleet_leave - takes our presence away at the end of a drain, so that peers need not wait for it to age. */
void fleet_leave(struct fleet *f, void (*done)(void *arg), void *arg);

#endif
