/* sim_replays.h - answers kept by idempotency key, so that the same key gets the same answer and pays once.
 */
#ifndef SIM_REPLAYS_H
#define SIM_REPLAYS_H

#include <jansson.h>
#include <stdbool.h>

struct sim_replays;

/* One kept answer. */
struct sim_replay {
    json_t *reply; /* owned by the table */
    bool busy;     /* the first answer is not out yet */
};

/* sim_replays_new - at most max answers; the oldest makes room for the newest. */
struct sim_replays *sim_replays_new(size_t max);
void sim_replays_free(struct sim_replays **r);
void sim_replays_clear(struct sim_replays *r);

/* sim_replays_name - the name of a record: scope (vendor, method and path) and key, digested to 16 hex
 * digits. */
void sim_replays_name(const char *scope, const char *key, char out[17]);

struct sim_replay *sim_replays_find(const struct sim_replays *r, const char *name);

/* sim_replays_add - keeps reply (a new reference is taken), busy. */
void sim_replays_add(struct sim_replays *r, const char *name, json_t *reply);

#endif
