/* sim_call.h - one request being answered, and the names by which templates see it. */
#ifndef SIM_CALL_H
#define SIM_CALL_H

#include "sim_dialect.h"
#include "sim_engine.h"
#include "sim_jobs.h"
#include "sim_plans.h"
#include "sim_random.h"
#include "sim_template.h"

/* Everything that one answer is made of; lives as long as sim_engine_answer runs. */
struct sim_call {
    const struct sim_request *request;
    const struct sim_dialect *dialect;
    const struct sim_route *route; /* NULL: none fits */
    struct sim_param params[SIM_PARAMS];
    size_t param_count;
    struct slice path; /* behind the vendor's name */
    enum sim_step step;
    char base[200];  /* "http://host:port/vendor" */
    char secret[65]; /* whose secret the request brought, "" for none */
    const char *why; /* it is not good; NULL: nothing is wrong */
    struct sim_job *job;
    struct sim_plan *plan;
    json_t *vars; /* the route's `let`; owned */
    struct sim_faults faults;
    struct sim_random *random;
    int64_t now_ms;
    int64_t wall_ms;
    uint64_t serial;
    char *key; /* of idempotency, NULL for none; owned */
    struct sim_scope scope;
    /* what is decided so far */
    enum sim_outcome outcome;
    bool faulted;
    bool leaked;
    bool drops_job;
    int64_t waited_ms; /* the answer is held back until a job is done, or so long */
};

/* sim_call_scope - readies the scope: the dialect's variables, then the built-in names:
 *   body… header.NAME query.NAME path.NAME method form bytes   the request (form: none, json, form,
 * urlencoded, raw) account why   whose secret it brought, what is wrong with it id state phase progress
 * position failure.…  the job now created ended expires (Unix seconds; now.ms, now.iso …), elapsed (ms) base
 * serial hex.N uuid, width height (of `size`), chars (of `prompt`) */
void sim_call_scope(struct sim_call *c);

/* sim_call_media - the medium that an evaluated spec asks for, completed with what the request and its faults
 * say:
 * {"$media": spec}, or the URL at which it can be had. A new reference. */
json_t *sim_call_media(struct sim_call *c, const json_t *spec);

/* sim_call_file - the medium that a URL made by sim_call_media names, rest of the path behind the dialect's
 * `files`; the key of its plan, "0" for none. False: no such file. */
bool sim_call_file(struct slice path, struct sim_media_spec *ret, char ret_plan[SIM_PLAN_KEY_CHARS + 1]);

#endif
