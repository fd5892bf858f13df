/* sim_jobs.h - what vendors were asked to make and when it is made. Time alone moves a job on. */
#ifndef SIM_JOBS_H
#define SIM_JOBS_H

#include <jansson.h>

#include "base/list.h"
#include "sim_dialect.h"

#define SIM_JOB_ID_CHARS 200

struct sim_job {
    struct list link;
    const struct sim_dialect *dialect;
    char *name;  /* "vendor/id" */
    char *alias; /* "vendor/other id", NULL: none */
    const char *id;
    json_t *vars;       /* of the submission; owned */
    char secret[65];    /* only this account sees the job */
    char plan[17];      /* of the prompt, "" when it has none */
    char failure[24];   /* "" when it will not fail */
    int64_t created_ms; /* monotonic */
    int64_t created_wall_ms;
    int64_t takes_ms;
    int64_t cancelled_ms; /* 0: it is not */
    bool endless;
};

struct sim_jobs;

/* sim_jobs_new - at most max jobs; the oldest makes room for the newest. */
struct sim_jobs *sim_jobs_new(size_t max);
void sim_jobs_free(struct sim_jobs **j);
void sim_jobs_clear(struct sim_jobs *j);
size_t sim_jobs_count(const struct sim_jobs *j);

/* sim_jobs_add - a job of that id, zeroed but for names and dialect; an older one of the same id goes. alias
 * may be NULL. The table owns it. */
struct sim_job *sim_jobs_add(struct sim_jobs *j, const struct sim_dialect *d, const char *id,
                             const char *alias);

/* sim_jobs_find - by id or alias, or NULL. */
struct sim_job *sim_jobs_find(const struct sim_jobs *j, const struct sim_dialect *d, const char *id);
void sim_jobs_drop(struct sim_jobs *j, struct sim_job *job);

/* sim_job_phase - where it is now; ret_share (may be NULL): how much of that phase is over, 0 to 1. A fifth
 * of its time a job is queued. */
enum sim_phase sim_job_phase(const struct sim_job *job, int64_t now_ms, double *ret_share);

/* sim_job_progress - 0 to 100; an endless job nears 99. */
int sim_job_progress(const struct sim_job *job, int64_t now_ms);

#endif
