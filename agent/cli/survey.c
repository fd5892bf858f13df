/* survey.c - reads agents, lanes, keys and targets from NATS, one after the other. */
#include "cli/survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/setup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/account.h"
#include "core/breaker.h"
#include "core/task.h"
#include "edge/kv.h"
#include "edge/stream.h"
#include "wire/envelope.h"

#define ASK_MS 5000

struct survey {
    struct bus *bus;
    survey_fn *fn;
    void *arg;
    int64_t now_ms; /* by the newest time stamp that the server gave, or our clock */
    json_t *agents, *lanes /* {name: row} */, *keys, *targets, *forces, *warnings;
    const char *stream; /* whose consumers are listed, or whose oldest message is asked for */
    void *lane;         /* iterator over lanes */
};

static void survey_end(struct survey *s, enum fault fault);

/* ---- agents ---- */

static bool on_agent(void *arg, const char *key, const struct kv_entry *entry)
{
    struct survey *s = arg;
    json_t *agent = NULL;

    (void)key;
    s->now_ms = entry->time_ms > s->now_ms ? entry->time_ms : s->now_ms;
    if (envelope_read(entry->value, "presence", &agent, NULL) == FAULT_OK && json_is_object(agent)) {
        json_object_set_new(agent, "seen_ms", json_integer(entry->time_ms));
        json_array_append(s->agents, agent);
    }
    json_decref(agent);
    return true;
}

/* ---- lanes ---- */

static int64_t number(const json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}

static void add(json_t *row, const char *member, int64_t n)
{
    json_object_set_new(row, member, json_integer(number(row, member) + n));
}

static json_t *lane_row(struct survey *s, const char *lane)
{
    json_t *row = json_object_get(s->lanes, lane);

    if (!row) {
        row = json_pack("{s:s,s:i,s:i,s:i,s:i,s:i}", "lane", lane, "depth", 0, "queued", 0, "parked", 0,
                        "vendor", 0, "oldest_ms", 0);
        json_object_set_new(s->lanes, lane, row);
    }
    return row;
}

/* A consumer is named <lane>_<what>. */
static void lane_consumer(struct survey *s, const json_t *consumer)
{
    const char *name = json_string_value(json_object_get(consumer, "name"));
    const char *mark = name ? strrchr(name, '_') : NULL;
    int64_t n = number(consumer, "num_pending") + number(consumer, "num_ack_pending");

    if (!mark || !json_object_get(json_object_get(consumer, "config"), "durable_name")) {
        return;
    }
    AUTO(auto_free) char *lane = mem_textn(name, (size_t)(mark - name));
    json_t *row = lane_row(s, lane);
    add(row, "depth", n);
    add(row,
        strcmp(s->stream, STREAM_TASKS) == 0                   ? "queued"
        : strcmp(mark + 1, task_place_text(PLACE_VENDOR)) == 0 ? "vendor"
                                                               : "parked",
        n);
}

static void list_consumers(struct survey *s, const char *stream);
static void oldest_next(struct survey *s);

static void on_consumers(void *arg, enum fault fault, const json_t *answer)
{
    struct survey *s = arg;
    json_t *consumer;
    size_t i;

    json_array_foreach(json_object_get(answer, "consumers"), i, consumer)
    {
        lane_consumer(s, consumer);
    }
    if (fault) {
        survey_end(s, fault);
    } else if (!strcmp(s->stream, STREAM_TASKS)) {
        list_consumers(s, STREAM_POLL);
    } else {
        s->lane = json_object_iter(s->lanes);
        s->stream = STREAM_TASKS;
        oldest_next(s);
    }
}

static void list_consumers(struct survey *s, const char *stream)
{
    char subject[128];

    s->stream = stream;
    snprintf(subject, sizeof(subject), "$JS.API.CONSUMER.LIST.%s", stream);
    bus_api(s->bus, subject, NULL, ASK_MS, on_consumers, s);
}

static void on_oldest(void *arg, enum fault fault, const struct stream_msg *msg)
{
    struct survey *s = arg;
    json_t *row = json_object_iter_value(s->lane);

    if (fault) {
        survey_end(s, fault);
        return;
    }
    if (msg && msg->time_ms && s->now_ms - msg->time_ms > number(row, "oldest_ms")) {
        json_object_set_new(row, "oldest_ms", json_integer(s->now_ms - msg->time_ms));
    }
    if (!strcmp(s->stream, STREAM_TASKS)) {
        s->stream = STREAM_POLL;
    } else {
        s->stream = STREAM_TASKS;
        s->lane = json_object_iter_next(s->lanes, s->lane);
    }
    oldest_next(s);
}

static void read_standing(struct survey *s);

static void oldest_next(struct survey *s)
{
    char filter[256];

    if (!s->lane) {
        read_standing(s);
        return;
    }
    snprintf(filter, sizeof(filter), "sluice.%s.%s.>", strcmp(s->stream, STREAM_TASKS) ? "poll" : "task",
             json_object_iter_key(s->lane));
    stream_next(s->bus, s->stream, filter, 1, on_oldest, s);
}

/* ---- keys and targets ---- */

static json_t *label_of(const json_t *record)
{
    const char *pool = json_string_value(json_object_get(record, "pool"));
    const char *key = json_string_value(json_object_get(record, "key"));

    return json_sprintf("%s/%s", pool ? pool : "?", key ? key : "?");
}

static void see_key(struct survey *s, const char *name, const json_t *record, int64_t time_ms)
{
    struct account a;
    int64_t wait = 0;
    const char *dot = strrchr(name, '.');

    if (account_unpack(record, &a, time_ms)) {
        enum account_state state = a.refused_n ? ACCOUNT_REFUSED : account_state(&a, "", s->now_ms, &wait);
        json_array_append_new(s->keys, json_pack("{s:o,s:s,s:s,s:I}", "key", label_of(record), "fingerprint",
                                                 dot ? dot + 1 : "", "state", account_state_text(state),
                                                 "wait_ms", (json_int_t)wait));
    }
}

static void see_breaker(struct survey *s, const json_t *record, int64_t time_ms)
{
    struct breaker b = {0};
    const char *target = json_string_value(json_object_get(record, "target"));

    if (target && breaker_unpack(record, &b.facts, time_ms)) {
        int64_t wait = b.facts.open && b.facts.at_ms > s->now_ms ? b.facts.at_ms - s->now_ms : 0;
        json_array_append_new(s->targets,
                              json_pack("{s:s,s:o,s:s,s:I}", "target", target, "key", label_of(record),
                                        "state", breaker_state_text(breaker_state(&b, s->now_ms)), "wait_ms",
                                        (json_int_t)wait));
    }
}

static void see_force(struct survey *s, const json_t *record, int64_t time_ms)
{
    int64_t for_ms = number(record, "for_ms"), left = for_ms ? time_ms + for_ms - s->now_ms : 0;

    if (!for_ms || left > 0) {
        json_array_append_new(s->forces,
                              json_pack("{s:O?,s:O?,s:O?,s:I}", "target", json_object_get(record, "target"),
                                        "key", json_object_get(record, "key"), "forced",
                                        json_object_get(record, "state"), "forced_ms", (json_int_t)left));
    }
}

static bool on_entry(void *arg, const char *key, const struct kv_entry *entry)
{
    struct survey *s = arg;
    json_t *record = NULL;

    if (!strncmp(key, "key.", 4) && envelope_read(entry->value, "key", &record, NULL) == FAULT_OK) {
        see_key(s, key, record, entry->time_ms);
    } else if (!strncmp(key, "breaker.", 8) &&
               envelope_read(entry->value, "breaker", &record, NULL) == FAULT_OK) {
        see_breaker(s, record, entry->time_ms);
    } else if (!strncmp(key, "force.", 6) &&
               envelope_read(entry->value, "force", &record, NULL) == FAULT_OK) {
        see_force(s, record, entry->time_ms);
    }
    json_decref(record);
    return true;
}

/* ---- the whole ---- */

static bool same_text(const json_t *a, const json_t *b)
{
    return json_is_string(a) && json_is_string(b) && !strcmp(json_string_value(a), json_string_value(b));
}

/* An order for a target, or for one of its keys, goes to the rows that it is about; or is a row of its own.
 */
static void place_force(struct survey *s, json_t *force)
{
    const char *key = json_string_value(json_object_get(force, "key"));
    json_t *row;
    size_t i;
    bool placed = false;

    json_array_foreach(s->targets, i, row)
    {
        const char *label = json_string_value(json_object_get(row, "key"));
        const char *id = label ? strrchr(label, '/') : NULL;
        if (same_text(json_object_get(row, "target"), json_object_get(force, "target")) &&
            (!key || (id && !strcmp(id + 1, key)))) {
            if (key || !json_object_get(row, "forced")) {
                json_object_set(row, "forced", json_object_get(force, "forced"));
                json_object_set(row, "forced_ms", json_object_get(force, "forced_ms"));
            }
            placed = true;
        }
    }
    if (!placed) {
        json_array_append(s->targets, force);
    }
}

static bool lane_served(const struct survey *s, const char *lane)
{
    json_t *agent, *item;
    size_t i, k;

    json_array_foreach(s->agents, i, agent)
    {
        json_t *lanes = json_object_get(agent, "lanes");
        if (!lanes) {
            return true; /* an older agent, which does not tell */
        }
        json_array_foreach(lanes, k, item)
        {
            if (!strcmp(json_string_value(item), lane)) {
                return true;
            }
        }
    }
    return false;
}

static void warn(struct survey *s, json_t *text)
{
    json_array_append_new(s->warnings, text);
}

static json_t *finish_lanes(struct survey *s)
{
    json_t *rows = json_array(), *row;
    const char *lane;

    json_object_foreach(s->lanes, lane, row)
    {
        bool served = lane_served(s, lane);
        json_object_set_new(row, "served", json_boolean(served));
        json_array_append(rows, row);
        if (!served) {
            warn(s, json_sprintf("no living agent serves lane %s", lane));
        }
    }
    return rows;
}

static void on_standing(void *arg, enum fault fault)
{
    struct survey *s = arg;
    json_t *item;
    size_t i;

    json_array_foreach(s->forces, i, item)
    {
        place_force(s, item);
    }
    json_array_foreach(s->keys, i, item)
    {
        if (!strcmp(json_string_value(json_object_get(item, "state")), "refused")) {
            warn(s, json_sprintf("key %s (%s) is out of use: the vendor refuses it",
                                 json_string_value(json_object_get(item, "key")),
                                 json_string_value(json_object_get(item, "fingerprint"))));
        }
    }
    survey_end(s, fault);
}

static void read_standing(struct survey *s)
{
    kv_scan(s->bus, BUCKET_FLEET, ">", on_entry, on_standing, s);
}

static void survey_end(struct survey *s, enum fault fault)
{
    json_t *seen = NULL;

    if (fault == FAULT_OK) {
        json_t *lanes = finish_lanes(s);
        seen = json_pack("{s:O,s:o,s:O,s:O,s:O}", "agents", s->agents, "lanes", lanes, "keys", s->keys,
                         "targets", s->targets, "warnings", s->warnings);
    }
    s->fn(s->arg, fault, seen);
    json_decref(seen);
}

static void on_agents(void *arg, enum fault fault)
{
    struct survey *s = arg;

    if (fault) {
        survey_end(s, fault);
    } else {
        list_consumers(s, STREAM_TASKS);
    }
}

struct survey *survey_start(struct bus *bus, survey_fn *fn, void *arg)
{
    struct survey *s = mem_new(sizeof(*s));

    *s = (struct survey){.bus = bus,
                         .fn = fn,
                         .arg = arg,
                         .now_ms = clock_wall_ms(),
                         .agents = json_array(),
                         .lanes = json_object(),
                         .keys = json_array(),
                         .targets = json_array(),
                         .forces = json_array(),
                         .warnings = json_array()};
    kv_scan(bus, BUCKET_LEASE, "agent.*", on_agent, on_agents, s);
    return s;
}

void survey_free(struct survey **ps)
{
    struct survey *s = *ps;

    if (s) {
        json_decref(s->agents);
        json_decref(s->lanes);
        json_decref(s->keys);
        json_decref(s->targets);
        json_decref(s->forces);
        json_decref(s->warnings);
        free(s);
        *ps = NULL;
    }
}
