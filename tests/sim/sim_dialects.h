/* sim_dialects.h - all vendors that are simulated. */
#ifndef SIM_DIALECTS_H
#define SIM_DIALECTS_H

#include "sim_dialect.h"

/* Embedded, zero-initialised. */
struct sim_dialects {
    struct sim_dialect *items[SIM_DIALECTS];
    size_t count;
};

/* sim_dialects_load - the *.yaml files of a directory; directory NULL: those built in. All or none. Faults:
 * BAD_VALUE, IO. */
enum fault sim_dialects_load(struct sim_dialects *all, const char *directory, struct note *note) MUSTCHECK;
void sim_dialects_done(struct sim_dialects *all);

/* sim_dialects_find - by vendor name, or NULL. */
struct sim_dialect *sim_dialects_find(const struct sim_dialects *all, struct slice name);

#endif
