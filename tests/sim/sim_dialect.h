/* sim_dialect.h - what one vendor's wire looks like, read from a YAML file. The format is described in
 * docs/simulator.md; everything here borrows from the file's value. */
#ifndef SIM_DIALECT_H
#define SIM_DIALECT_H

#include <jansson.h>

#include "base/auto.h"
#include "base/fault.h"
#include "base/slice.h"
#include "sim_fault.h"

#define SIM_DIALECTS 40
#define SIM_PARAMS   8
#define SIM_ROUTES   64

/* How far a job is. NONE: there is no job. */
enum sim_phase { SIM_NONE, SIM_QUEUED, SIM_RUNNING, SIM_DONE, SIM_FAILED, SIM_CANCELLED, SIM_PHASES };
const char *sim_phase_name(enum sim_phase phase);

enum sim_secret { SIM_SECRET_NEED, SIM_SECRET_IGNORE, SIM_SECRET_REFUSE };
enum sim_job_use { SIM_JOB_NONE, SIM_JOB_MAKE, SIM_JOB_FIND };

struct sim_route {
    struct slice method;
    struct slice path; /* "/v1/videos/{id}"; "{name...}" takes segments up to the text behind it */
    enum sim_step step;
    enum sim_secret secret;
    enum sim_job_use job;
    bool others_refused;
    const json_t *reads; /* list of "json", "form", "urlencoded", "raw", "none"; NULL: anything */
    const json_t *when;
    const json_t *fields;
    const json_t *let;
    const json_t *id;
    const json_t *alias;
    const json_t *idempotency;
    const json_t *secrets; /* instead of the dialect's; NULL: those */
    const json_t *mints;   /* {token, lives}; NULL: none */
    const json_t *waits;   /* seconds that the answer may wait for its job; NULL: none */
    const json_t *answers;
};

struct sim_dialect {
    char name[32];
    json_t *root; /* owned */
    struct sim_route routes[SIM_ROUTES];
    size_t route_count;
    const json_t *secrets; /* list of {header|query, value} */
    const json_t *headers;
    const json_t *vars;
    const json_t *errors;
    const json_t *failures;
    const json_t *states;
    const char *files; /* the path under which media are served, "/files" */
    enum sim_secret files_secret;
    size_t index; /* among all dialects, for counting; set by their owner */
};

/* sim_dialect_read - text of a YAML file; file names it in notes. Faults: BAD_VALUE with a note that says
 * where. */
enum fault sim_dialect_read(struct slice text, const char *file, struct sim_dialect **ret,
                            struct note *note) MUSTCHECK;
void sim_dialect_free(struct sim_dialect **d);

/* A value that stood in a path. */
struct sim_param {
    struct slice name;
    struct slice value;
};

/* sim_dialect_match - the first route from number `from` on that fits method and path, or NULL. With method
 * NULL the method does not matter. params has room for SIM_PARAMS. */
const struct sim_route *sim_dialect_match(const struct sim_dialect *d, size_t from,
                                          const struct slice *method, struct slice path,
                                          struct sim_param *params, size_t *ret_count);

/* sim_dialect_state - the vendor's word for a phase; with several words for it, the one for that share (0 to
 * 1) of the phase. */
const char *sim_dialect_state(const struct sim_dialect *d, enum sim_phase phase, double share);

#endif
