/* sim_fault.h - what shall go wrong, and how it is written.
 *
 *   429   500;times=3   429;retry-after=2   500;accepted   latency=500   huge=1000000   lost;step=poll
 *
 * Words are separated by blanks or semicolons. They come in the header x-sim-fault, in POST /_sim/faults, in
 * a configuration file, and in a prompt as [sim:429 times=2]. */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/fault.h"
#include "base/slice.h"

/* What a request is for. */
enum sim_step { SIM_SUBMIT, SIM_POLL, SIM_FETCH, SIM_DOWNLOAD, SIM_CANCEL, SIM_UPLOAD, SIM_OTHER, SIM_STEPS };

/* sim_step_find - the step of that name, or -1. */
int sim_step_find(struct slice name);
const char *sim_step_name(enum sim_step step);

enum sim_fault_kind {
    SIM_FAULT_NONE,
    /* refusals: nothing is accepted */
    SIM_FAULT_STATUS, /* value: the HTTP status */
    SIM_FAULT_AUTH,
    SIM_FAULT_QUOTA,
    SIM_FAULT_POLICY,
    /* of an accepted job */
    SIM_FAULT_JOBFAIL, /* detail: the reason, "internal" when empty */
    SIM_FAULT_ENDLESS,
    /* of an answer: the request was accepted */
    SIM_FAULT_LOST,     /* no answer, the connection ends */
    SIM_FAULT_RESET,    /* the connection is reset in the middle of the body */
    SIM_FAULT_CUT,      /* the connection ends in the middle of the body */
    SIM_FAULT_TRUNCATE, /* a whole answer whose body is half */
    SIM_FAULT_GARBAGE,  /* not what the content type says */
    SIM_FAULT_DEEP,     /* JSON nested 100,000 deep */
    SIM_FAULT_HUGE,     /* JSON of `value` bytes */
    SIM_FAULT_SLOW,     /* the body in 10 pieces, `value` ms apart */
    SIM_FAULT_LATENCY   /* value: ms before the answer; goes along with any other */
};

/* One order. Embedded. */
struct sim_fault {
    enum sim_fault_kind kind;
    int64_t value;
    int64_t retry_after_s; /* -1: none */
    bool accepted;         /* a refusal that is none: the request counts, and is paid */
    char detail[24];
    int step;      /* enum sim_step; -1: not said */
    int64_t times; /* how many requests it still meets */
    /* the words that are no fault, -1: not said */
    int64_t job_ms;
    int64_t bytes;
};

/* sim_fault_read - one order from words. Faults: BAD_VALUE with a note that names the word. */
enum fault sim_fault_read(struct slice text, struct sim_fault *ret, struct note *note) MUSTCHECK;

/* What meets one request: one fault and any number of delays. */
struct sim_faults {
    struct sim_fault main;
    int64_t latency_ms;
    int64_t job_ms; /* -1: not said */
    int64_t bytes;  /* -1: not said */
};

void sim_faults_init(struct sim_faults *f);

/* sim_faults_take - adds order to what meets a request at that step, when it is for it, and counts it down.
 * default_step stands in for a step that is not said; -1: any. */
void sim_faults_take(struct sim_faults *f, struct sim_fault *order, enum sim_step step, int default_step);

#endif
