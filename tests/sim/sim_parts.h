/* sim_parts.h - what an engine consists of: for the files that answer requests. */
#ifndef SIM_PARTS_H
#define SIM_PARTS_H

#include "sim_count.h"
#include "sim_dialects.h"
#include "sim_engine.h"
#include "sim_jobs.h"
#include "sim_limits.h"
#include "sim_orders.h"
#include "sim_plans.h"
#include "sim_random.h"
#include "sim_replays.h"
#include "sim_tokens.h"

struct sim_engine {
    struct sim_dialects dialects;
    struct sim_jobs *jobs;
    struct sim_plans *plans;
    struct sim_orders *orders;
    struct sim_limits *limits;
    struct sim_replays *replays;
    struct sim_tokens *tokens;
    struct sim_count *count;
    struct sim_random random;
    json_t *keys; /* list of texts; empty: any secret is good */
    int64_t latency_ms;
    int64_t job_ms;
    uint64_t serial;
};

#endif
