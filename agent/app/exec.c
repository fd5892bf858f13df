/* exec.c - slots, and who gets the next free one. */
#include "app/exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/fleet.h"
#include "app/metrics.h"
#include "app/poll.h"
#include "app/run.h"
#include "app/setup.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/share.h"
#include "edge/pull.h"

#define HELD_MS   5000 /* a second delivery of what is under way here */
#define TICK_MS   1000
#define SOURCES   128  /* of one kind: five for each of at most 16 lanes, and those of lanes that are gone */
#define ACTIVE_MS 2000 /* a source that delivered so lately is asked for its full share */

/* One consumer that is pulled. */
struct source {
    struct exec *exec;
    struct pull *pull;
    char lane[LIMIT_NAME_CHARS + 1];
    const char *what; /* priority, or "wait", "vendor" */
    enum task_place place;
    struct share share;
    int64_t last_ms; /* of the last delivery; 0: none */
    bool wanted;
    struct source *next;
};

struct exec {
    struct parts *parts;
    struct source *sources;
    struct list runs, polls;
    size_t running, polling;
    struct map *held[2]; /* task id -> anything: runs and polls under way here; a task's poll may begin while
                            its run still acks */
    bool started, draining;
    struct timer tick;
    void (*done)(void *arg);
    void *arg;
};

/* ---- credit ---- */

/* The sources of runs, or of polls, that are wanted. */
static size_t exec_sharers(struct exec *e, bool polls, struct share *list[SOURCES])
{
    size_t n = 0;

    for (struct source *s = e->sources; s && n < SOURCES; s = s->next) {
        if (s->wanted && (s->place == PLACE_VENDOR) == polls) {
            list[n++] = &s->share;
        }
    }
    return n;
}

/* A few messages more than slots may come, because idle sources keep a request standing: they are given back.
 */
static void exec_share(struct exec *e, bool polls, int slots)
{
    int64_t now = loop_now_ms(e->parts->loop);
    struct share *list[SOURCES];
    size_t n = exec_sharers(e, polls, list);

    for (struct source *s = e->sources; s; s = s->next) {
        s->share.active = s->share.active && now - s->last_ms < ACTIVE_MS;
        s->share.credit = 0;
    }
    share_slots(list, n, e->started && !e->draining ? slots : 0);
    for (struct source *s = e->sources; s; s = s->next) {
        if ((s->place == PLACE_VENDOR) == polls) {
            pull_want(s->pull, s->share.credit);
        }
    }
}

/* Keeps in mind who has messages waiting. */
static void source_delivered(struct source *s, const struct pull_msg *msg)
{
    struct share *list[SOURCES];

    s->last_ms = loop_now_ms(s->exec->parts->loop);
    if (msg->pending == 0) {
        s->share.active = false;
    } else if (!s->share.active) {
        share_wake(list, exec_sharers(s->exec, s->place == PLACE_VENDOR, list), &s->share);
    }
}

static void exec_ask(struct exec *e)
{
    exec_share(e, false, (int)(e->parts->config->slots - (int64_t)e->running));
    exec_share(e, true, (int)(e->parts->config->poll_slots - (int64_t)e->polling));
    metrics_gauge(e->parts->metrics, GAUGE_RUNNING, (int64_t)e->running);
    metrics_gauge(e->parts->metrics, GAUGE_POLLING, (int64_t)e->polling);
}

static void exec_on_tick(struct timer *t)
{
    struct exec *e = container_of(t, struct exec, tick);

    exec_ask(e);
    timer_start(e->parts->loop, &e->tick, TICK_MS, exec_on_tick);
}

static void exec_check_done(struct exec *e)
{
    if (e->draining && e->done && e->running + e->polling == 0) {
        void (*done)(void *arg) = e->done;
        e->done = NULL;
        done(e->arg);
    }
}

/* ---- messages ---- */

/* The task's id is the last token of the subject; cut as work_init cuts it. */
static struct id subject_id(const char *subject)
{
    const char *dot = strrchr(subject, '.');
    struct id id;

    snprintf(id.text, sizeof(id.text), "%s", dot ? dot + 1 : "");
    return id;
}

static void exec_on_run_gone(void *arg, struct run *run)
{
    struct exec *e = arg;

    (void)map_drop(e->held[false], run_task(run));
    e->running--;
    exec_ask(e);
    exec_check_done(e);
}

static void exec_on_poll_gone(void *arg, struct poll *poll)
{
    struct exec *e = arg;

    (void)map_drop(e->held[true], poll_task(poll));
    e->polling--;
    exec_ask(e);
    exec_check_done(e);
}

static void exec_begin(struct exec *e, struct source *s, struct pull_msg *msg)
{
    share_taken(&s->share);
    map_put(e->held[s->place == PLACE_VENDOR], subject_id(msg->subject).text, e);
    if (s->place == PLACE_VENDOR) {
        struct poll *poll = poll_start(e->parts, msg, exec_on_poll_gone, e);
        list_push(&e->polls, poll_link(poll));
        e->polling++;
    } else {
        struct run *run = run_start(e->parts, msg, s->place, exec_on_run_gone, e);
        list_push(&e->runs, run_link(run));
        e->running++;
    }
}

static void exec_on_msg(void *arg, struct pull_msg *msg)
{
    struct source *s = arg;
    struct exec *e = s->exec;
    int64_t age = fleet_now_ms(e->parts->fleet) - msg->time_ms;
    size_t used = s->place == PLACE_VENDOR ? e->polling : e->running;
    int64_t slots = s->place == PLACE_VENDOR ? e->parts->config->poll_slots : e->parts->config->slots;

    source_delivered(s, msg);
    metrics_lane(e->parts->metrics, s->lane, s->what, msg->pending, age > 0 ? age : 0);
    if (map_find(e->held[s->place == PLACE_VENDOR], subject_id(msg->subject).text)) {
        pull_nak(&msg, HELD_MS);
    } else if (e->draining || (int64_t)used >= slots) {
        pull_nak(&msg, 0);
    } else {
        exec_begin(e, s, msg);
    }
    exec_ask(e);
}

/* ---- sources ---- */

static void exec_add_source(struct exec *e, const char *lane, enum task_place place, const char *what,
                            int weight)
{
    char consumer[2 * LIMIT_NAME_CHARS];
    struct source *s = mem_new(sizeof(*s));

    *s = (struct source){
        .exec = e, .place = place, .what = what, .share.weight = weight, .wanted = true, .next = e->sources};
    snprintf(s->lane, sizeof(s->lane), "%s", lane);
    setup_consumer_name(lane, what, consumer, sizeof(consumer));
    s->pull =
        pull_new(e->parts->bus, place == PLACE_TASKS ? STREAM_TASKS : STREAM_POLL, consumer, exec_on_msg, s);
    e->sources = s;
}

static bool exec_has_lane(struct exec *e, const char *lane)
{
    for (struct source *s = e->sources; s; s = s->next) {
        if (!strcmp(s->lane, lane)) {
            return true;
        }
    }
    return false;
}

static void exec_add_lane(struct exec *e, const char *lane)
{
    static const int weights[PRIORITY_COUNT] = {8, 4, 1};

    for (int p = 0; p < PRIORITY_COUNT; p++) {
        exec_add_source(e, lane, PLACE_TASKS, task_priority_text((enum task_priority)p), weights[p]);
    }
    exec_add_source(e, lane, PLACE_WAIT, task_place_text(PLACE_WAIT), 4);
    exec_add_source(e, lane, PLACE_VENDOR, task_place_text(PLACE_VENDOR), 1);
}

void exec_reload(struct exec *e)
{
    const struct config_list *lanes = registry_lanes(e->parts->registry);

    for (struct source *s = e->sources; s; s = s->next) {
        s->wanted = config_list_has(lanes, s->lane);
    }
    for (size_t i = 0; i < lanes->n; i++) {
        if (!exec_has_lane(e, lanes->items[i])) {
            exec_add_lane(e, lanes->items[i]);
        }
    }
    exec_ask(e);
}

/* ---- life ---- */

struct exec *exec_new(struct parts *parts)
{
    struct exec *e = mem_new(sizeof(*e));

    e->parts = parts;
    list_init(&e->runs);
    list_init(&e->polls);
    e->held[false] = map_new((size_t)parts->config->slots + 16);
    e->held[true] = map_new((size_t)parts->config->poll_slots + 16);
    return e;
}

void exec_start(struct exec *e)
{
    e->started = true;
    exec_reload(e);
    timer_start(e->parts->loop, &e->tick, TICK_MS, exec_on_tick);
}

void exec_drain(struct exec *e, void (*done)(void *arg), void *arg)
{
    e->draining = true;
    e->done = done;
    e->arg = arg;
    exec_ask(e);
    list_each(link, after, &e->runs)
    {
        run_drain(run_of(link));
    }
    list_each(poll, next, &e->polls)
    {
        poll_drain(poll_of(poll));
    }
    if (e->running + e->polling == 0) {
        e->done = NULL;
        loop_soon(e->parts->loop, done, arg);
    }
}

void exec_free(struct exec **pe)
{
    struct exec *e = *pe;

    if (!e) {
        return;
    }
    timer_stop(&e->tick);
    list_each(link, after, &e->runs)
    {
        run_stop(run_of(link));
    }
    list_each(poll, next, &e->polls)
    {
        poll_stop(poll_of(poll));
    }
    while (e->sources) {
        struct source *s = e->sources;
        e->sources = s->next;
        pull_free(&s->pull);
        free(s);
    }
    map_free(&e->held[false]);
    map_free(&e->held[true]);
    free(e);
    *pe = NULL;
}

size_t exec_running(const struct exec *e)
{
    return e->running;
}

size_t exec_polling(const struct exec *e)
{
    return e->polling;
}
