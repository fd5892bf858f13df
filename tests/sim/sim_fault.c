/* sim_fault.c - how faults are written. */
#include "sim_fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOW_MS 100 /* when no time is said */

static const char *const steps[SIM_STEPS] = {"submit", "poll",   "fetch", "download",
                                             "cancel", "upload", "other"};

/* The names; `wants` says what stands behind '='. */
static const struct name {
    const char *text;
    enum sim_fault_kind kind;
    enum { NOTHING, NUMBER, TEXT } wants;
} names[] = {
    {"auth", SIM_FAULT_AUTH, NOTHING},         {"quota", SIM_FAULT_QUOTA, NOTHING},
    {"policy", SIM_FAULT_POLICY, NOTHING},     {"jobfail", SIM_FAULT_JOBFAIL, TEXT},
    {"endless", SIM_FAULT_ENDLESS, NOTHING},   {"lost", SIM_FAULT_LOST, NOTHING},
    {"reset", SIM_FAULT_RESET, NOTHING},       {"cut", SIM_FAULT_CUT, NOTHING},
    {"truncate", SIM_FAULT_TRUNCATE, NOTHING}, {"garbage", SIM_FAULT_GARBAGE, NOTHING},
    {"deep", SIM_FAULT_DEEP, NOTHING},         {"huge", SIM_FAULT_HUGE, NUMBER},
    {"slow", SIM_FAULT_SLOW, NUMBER},          {"latency", SIM_FAULT_LATENCY, NUMBER},
};

int sim_step_find(struct slice name)
{
    for (int i = 0; i < SIM_STEPS; i++) {
        if (slice_is(name, steps[i])) {
            return i;
        }
    }
    return -1;
}

const char *sim_step_name(enum sim_step step)
{
    return steps[step];
}

/* A number of at most 15 digits, or -1. */
static int64_t fault_number(struct slice text)
{
    int64_t v = 0;

    if (!text.n || text.n > 15) {
        return -1;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return -1;
        }
        v = v * 10 + (text.p[i] - '0');
    }
    return v;
}

static enum fault fault_bad(struct slice word, const char *why, struct note *note)
{
    return note_set(note, FAULT_BAD_VALUE, "fault word \"%.*s\": %s", (int)(word.n < 60 ? word.n : 60),
                    word.p, why);
}

/* "429", "latency=500": the fault itself. */
static enum fault fault_main(struct slice key, struct slice value, struct sim_fault *f, struct note *note)
{
    int64_t status = fault_number(key);

    if (f->kind != SIM_FAULT_NONE) {
        return fault_bad(key, "a second fault in one order", note);
    }
    if (status >= 300 && status <= 599) {
        f->kind = SIM_FAULT_STATUS;
        f->value = status;
        return FAULT_OK;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!slice_is(key, names[i].text)) {
            continue;
        }
        f->kind = names[i].kind;
        f->value = !value.n && f->kind == SIM_FAULT_SLOW ? SLOW_MS : fault_number(value);
        if ((names[i].wants == NUMBER && f->value < 0) || (names[i].wants == NOTHING && value.n)) {
            return fault_bad(key, names[i].wants == NUMBER ? "a number belongs behind '='" : "takes no value",
                             note);
        }
        snprintf(f->detail, sizeof(f->detail), "%.*s", (int)value.n, value.n ? value.p : "");
        return FAULT_OK;
    }
    return fault_bad(
        key,
        "no such fault; there are HTTP statuses, auth, quota, policy, jobfail, endless, lost, reset, cut, "
        "truncate, garbage, deep, huge=BYTES, slow=MS, latency=MS",
        note);
}

static bool fault_set(int64_t *at, struct slice value)
{
    *at = fault_number(value);
    return *at >= 0;
}

static enum fault fault_word(struct slice word, struct sim_fault *f, struct note *note)
{
    struct slice value = word, key = {"", 0};
    bool good = true;

    slice_cut(&value, '=', &key);
    if (slice_is(key, "fault")) {
        struct slice name = {"", 0};
        slice_cut(&value, '=', &name);
        return fault_main(name, value, f, note);
    }
    if (slice_is(key, "times")) {
        f->times = slice_is(value, "always") ? INT64_MAX : fault_number(value);
        good = f->times > 0;
    } else if (slice_is(key, "step")) {
        f->step = slice_is(value, "any") ? SIM_STEPS : sim_step_find(value);
        good = f->step >= 0;
    } else if (slice_is(key, "retry-after")) {
        good = fault_set(&f->retry_after_s, value);
    } else if (slice_is(key, "job-ms")) {
        good = fault_set(&f->job_ms, value);
    } else if (slice_is(key, "bytes")) {
        good = fault_set(&f->bytes, value);
    } else if (slice_is(key, "accepted")) {
        f->accepted = true;
    } else {
        return fault_main(key, value, f, note);
    }
    return good ? FAULT_OK : fault_bad(word, "not a value that fits", note);
}

enum fault sim_fault_read(struct slice text, struct sim_fault *ret, struct note *note)
{
    struct sim_fault f = {.retry_after_s = -1, .step = -1, .times = 1, .job_ms = -1, .bytes = -1};
    size_t at = 0;

    while (at < text.n) {
        size_t n = 0;
        while (at + n < text.n && !strchr("; \t,", text.p[at + n])) {
            n++;
        }
        enum fault fault = n ? fault_word((struct slice){text.p + at, n}, &f, note) : FAULT_OK;
        if (fault) {
            return fault;
        }
        at += n + 1;
    }
    *ret = f;
    return FAULT_OK;
}

void sim_faults_init(struct sim_faults *f)
{
    *f = (struct sim_faults){.main = {.retry_after_s = -1}, .job_ms = -1, .bytes = -1};
}

void sim_faults_take(struct sim_faults *f, struct sim_fault *order, enum sim_step step, int default_step)
{
    int wanted = order->step >= 0 ? order->step : default_step;
    bool delay = order->kind == SIM_FAULT_LATENCY;

    if (order->job_ms >= 0) {
        f->job_ms = order->job_ms;
    }
    if (order->bytes >= 0) {
        f->bytes = order->bytes;
    }
    if (order->kind == SIM_FAULT_NONE || order->times <= 0 ||
        (wanted >= 0 && wanted != SIM_STEPS && wanted != (int)step) ||
        (!delay && f->main.kind != SIM_FAULT_NONE)) {
        return;
    }
    if (order->times != INT64_MAX) {
        order->times--;
    }
    if (delay) {
        f->latency_ms += order->value;
    } else {
        f->main = *order;
    }
}
