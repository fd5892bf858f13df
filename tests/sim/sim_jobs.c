/* sim_jobs.c - what vendors were asked to make and when it is made. */
#include "sim_jobs.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

#define QUEUED_SHARE 0.2

struct sim_jobs {
    struct list list; /* the oldest first */
    struct map *names;
    size_t count;
    size_t max;
};

struct sim_jobs *sim_jobs_new(size_t max)
{
    struct sim_jobs *j = mem_new(sizeof(*j));

    list_init(&j->list);
    j->max = max;
    j->names = map_new(2 * max);
    return j;
}

void sim_jobs_drop(struct sim_jobs *j, struct sim_job *job)
{
    map_drop(j->names, job->name);
    if (job->alias) {
        map_drop(j->names, job->alias);
    }
    list_drop(&job->link);
    j->count--;
    json_decref(job->vars);
    free(job->name);
    free(job->alias);
    free(job);
}

void sim_jobs_clear(struct sim_jobs *j)
{
    list_each(link, after, &j->list)
    {
        sim_jobs_drop(j, container_of(link, struct sim_job, link));
    }
}

void sim_jobs_free(struct sim_jobs **j)
{
    if (*j) {
        sim_jobs_clear(*j);
        map_free(&(*j)->names);
        free(*j);
        *j = NULL;
    }
}

size_t sim_jobs_count(const struct sim_jobs *j)
{
    return j->count;
}

struct sim_job *sim_jobs_add(struct sim_jobs *j, const struct sim_dialect *d, const char *id,
                             const char *alias)
{
    struct sim_job *same = sim_jobs_find(j, d, id);

    if (same) {
        sim_jobs_drop(j, same);
    }
    same = alias ? sim_jobs_find(j, d, alias) : NULL;
    if (same) {
        sim_jobs_drop(j, same);
    }
    if (j->count == j->max) {
        sim_jobs_drop(j, container_of(list_first(&j->list), struct sim_job, link));
    }
    struct sim_job *job = mem_new(sizeof(*job));
    job->dialect = d;
    job->name = mem_printf("%s/%.*s", d->name, SIM_JOB_ID_CHARS, id);
    job->id = job->name + strlen(d->name) + 1;
    job->alias = alias ? mem_printf("%s/%.*s", d->name, SIM_JOB_ID_CHARS, alias) : NULL;
    list_push(&j->list, &job->link);
    map_put(j->names, job->name, job);
    if (job->alias) {
        map_put(j->names, job->alias, job);
    }
    j->count++;
    return job;
}

struct sim_job *sim_jobs_find(const struct sim_jobs *j, const struct sim_dialect *d, const char *id)
{
    AUTO(auto_free) char *name = mem_printf("%s/%.*s", d->name, SIM_JOB_ID_CHARS, id);

    return map_find(j->names, name);
}

enum sim_phase sim_job_phase(const struct sim_job *job, int64_t now_ms, double *ret_share)
{
    double at = job->takes_ms ? (double)(now_ms - job->created_ms) / (double)job->takes_ms : 1;
    enum sim_phase phase = at < QUEUED_SHARE        ? SIM_QUEUED
                           : at < 1 || job->endless ? SIM_RUNNING
                           : job->failure[0]        ? SIM_FAILED
                                                    : SIM_DONE;
    double share = phase == SIM_QUEUED ? at / QUEUED_SHARE : (at - QUEUED_SHARE) / (1 - QUEUED_SHARE);

    if (job->cancelled_ms) {
        phase = SIM_CANCELLED;
    }
    if (ret_share) {
        *ret_share = share > 1 ? 1 : share;
    }
    return phase;
}

int sim_job_progress(const struct sim_job *job, int64_t now_ms)
{
    int64_t spent = now_ms - job->created_ms;

    if (job->endless) {
        return spent >= job->takes_ms ? 99 : (int)(spent * 99 / job->takes_ms);
    }
    return spent >= job->takes_ms ? 100 : (int)(spent * 100 / job->takes_ms);
}
