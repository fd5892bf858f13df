/* setup.c - makes or verifies streams, consumers and buckets, one after the other. */
#include "app/setup.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/task.h"

#define NS_PER_MS 1000000ll
#define HOUR_MS   3600000ll
#define STEP_MS   15000 /* to make one; a new R3 stream takes its time */
#define LOOK_MS   2000  /* to look at one, and then again: nobody answers for a stream without a leader */
#define WAIT_MS   250   /* between looks whether the bus is up */

/* Room of streams whose size nobody needs to choose, bytes. */
#define JOURNAL_BYTES (4ll << 30)
#define SMALL_BYTES   (64ll << 20)
#define EVENT_BYTES   (512ll << 20)

/* ---- what there shall be ---- */

static void stream_add(json_t *list, const struct config *config, const char *name, json_t *own)
{
    json_object_set_new(own, "name", json_string(name));
    json_object_set_new(own, "storage", json_string("file"));
    json_object_set_new(own, "num_replicas", json_integer(config->replicas));
    json_array_append_new(list, json_pack("{s:s,s:o}", "name", name, "config", own));
}

static json_t *work_queue(const char *subjects, int64_t bytes)
{
    return json_pack("{s:[s],s:s,s:s,s:I,s:i,s:b,s:i,s:I,s:b,s:b}", "subjects", subjects, "retention",
                     "workqueue", "discard", "new", "max_bytes", (json_int_t)bytes, "max_msgs_per_subject", 1,
                     "discard_new_per_subject", 1, "max_msg_size", (int)LIMIT_MESSAGE_BYTES,
                     "duplicate_window", (json_int_t)(600000 * NS_PER_MS), "allow_direct", 1, "deny_purge",
                     1);
}

/* A stream that keeps what it has for age_ms, at most per_subject messages a subject. */
static json_t *archive(const char *subjects, const char *discard, int64_t bytes, int64_t age_ms,
                       int per_subject)
{
    return json_pack("{s:[s],s:s,s:s,s:I,s:I,s:i,s:i,s:I,s:b}", "subjects", subjects, "retention", "limits",
                     "discard", discard, "max_bytes", (json_int_t)bytes, "max_age",
                     (json_int_t)(age_ms * NS_PER_MS), "max_msgs_per_subject", per_subject, "max_msg_size",
                     (int)LIMIT_MESSAGE_BYTES, "duplicate_window", (json_int_t)(120000 * NS_PER_MS),
                     "allow_direct", 1);
}

/* A key-value bucket as ADR-8 has it. */
static json_t *bucket(const char *name, int64_t bytes, int64_t age_ms, int history)
{
    char subjects[64];
    int64_t window = age_ms && age_ms < 120000 ? age_ms : 120000;

    snprintf(subjects, sizeof(subjects), "$KV.%s.>", name);
    return json_pack("{s:[s],s:s,s:s,s:I,s:I,s:i,s:I,s:b,s:b,s:b}", "subjects", subjects, "retention",
                     "limits", "discard", "new", "max_bytes", (json_int_t)bytes, "max_age",
                     (json_int_t)(age_ms * NS_PER_MS), "max_msgs_per_subject", history, "duplicate_window",
                     (json_int_t)(window * NS_PER_MS), "allow_rollup_hdrs", 1, "deny_delete", 1,
                     "allow_direct", 1);
}

static json_t *with_republish(json_t *stream, const char *from, const char *to)
{
    json_object_set_new(stream, "republish", json_pack("{s:s,s:s}", "src", from, "dest", to));
    return stream;
}

json_t *setup_streams(const struct config *c)
{
    json_t *list = json_array();
    json_t *media = json_pack("{s:[s,s],s:s,s:s,s:I,s:I,s:I,s:b,s:b}", "subjects", "$O." BUCKET_MEDIA ".C.>",
                              "$O." BUCKET_MEDIA ".M.>", "retention", "limits", "discard", "new", "max_bytes",
                              (json_int_t)c->max_bytes_media, "max_age",
                              (json_int_t)(c->media_age_ms * NS_PER_MS), "duplicate_window",
                              (json_int_t)(120000 * NS_PER_MS), "allow_rollup_hdrs", 1, "allow_direct", 1);

    stream_add(list, c, STREAM_TASKS, work_queue("sluice.task.>", c->max_bytes_tasks));
    stream_add(list, c, STREAM_POLL, work_queue("sluice.poll.>", c->max_bytes_tasks));
    stream_add(list, c, STREAM_RESULTS,
               with_republish(archive("sluice.result.>", "new", c->max_bytes_results, 72 * HOUR_MS, 1),
                              "sluice.result.>", "sluice.live.result.>"));
    stream_add(list, c, STREAM_EVENTS, archive("sluice.event.>", "old", EVENT_BYTES, 6 * HOUR_MS, 64));
    stream_add(list, c, STREAM_DEAD, archive("sluice.dead.>", "new", EVENT_BYTES, 168 * HOUR_MS, 1));
    stream_add(list, c, "KV_" BUCKET_JOURNAL, bucket(BUCKET_JOURNAL, JOURNAL_BYTES, 0, 1));
    stream_add(list, c, "KV_" BUCKET_LEASE, bucket(BUCKET_LEASE, SMALL_BYTES, SETUP_LEASE_MS, 1));
    stream_add(list, c, "KV_" BUCKET_FLEET,
               with_republish(bucket(BUCKET_FLEET, SMALL_BYTES, 0, 1), "$KV." BUCKET_FLEET ".>",
                              "sluice.live.fleet.>"));
    stream_add(list, c, "KV_" BUCKET_CONFIG, bucket(BUCKET_CONFIG, SMALL_BYTES, 0, 5));
    stream_add(list, c, "OBJ_" BUCKET_MEDIA, media);
    return list;
}

void setup_consumer_name(const char *lane, const char *what, char *out, size_t size)
{
    snprintf(out, size, "%s_%s", lane, what);
}

static void consumer_add(json_t *list, const char *stream, const char *subject, const char *lane,
                         const char *what, int pending)
{
    char name[2 * LIMIT_NAME_CHARS], filter[3 * LIMIT_NAME_CHARS];

    setup_consumer_name(lane, what, name, sizeof(name));
    snprintf(filter, sizeof(filter), "%s.%s.%s.>", subject, lane, what);
    json_t *config = json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:i,s:i,s:i}", "durable_name", name,
                               "filter_subject", filter, "ack_policy", "explicit", "deliver_policy", "all",
                               "replay_policy", "instant", "ack_wait", (json_int_t)(SETUP_ACK_MS * NS_PER_MS),
                               "max_deliver", -1, "max_ack_pending", pending, "max_waiting", 512);
    json_array_append_new(list, json_pack("{s:s,s:s,s:o}", "stream", stream, "name", name, "config", config));
}

json_t *setup_consumers(const struct config *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->lanes.n; i++) {
        const char *lane = c->lanes.items[i];
        for (int p = 0; p < PRIORITY_COUNT; p++) {
            consumer_add(list, STREAM_TASKS, "sluice.task", lane, task_priority_text((enum task_priority)p),
                         16384);
        }
        consumer_add(list, STREAM_POLL, "sluice.poll", lane, task_place_text(PLACE_WAIT), 50000);
        consumer_add(list, STREAM_POLL, "sluice.poll", lane, task_place_text(PLACE_VENDOR), 50000);
    }
    return list;
}

/* ---- making and comparing ---- */

struct setup {
    struct bus *bus;
    struct loop *loop;
    const struct config *config;
    bool create;
    json_t *items; /* streams, then consumers */
    size_t at;
    struct timer timer;
    uint64_t asking; /* token of the request under way, or of one that was answered */
    setup_line_fn *line;
    setup_done_fn *done;
    void *arg;
};

static void setup_next(struct setup *s);

static void setup_end(struct setup *s, enum fault fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void setup_end(struct setup *s, enum fault fault, const char *format, ...)
{
    struct setup *own = s;
    char text[512];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    s->done(s->arg, fault, text);
    setup_stop(&own);
}

static json_t *setup_item(const struct setup *s)
{
    return json_array_get(s->items, s->at);
}

static const char *item_stream(const json_t *item)
{
    return json_string_value(json_object_get(item, "stream"));
}

static const char *item_name(const json_t *item)
{
    return json_string_value(json_object_get(item, "name"));
}

/* The server leaves out what is false, 0 or empty. */
static bool setup_empty(const json_t *value)
{
    return !value || json_is_null(value) || json_is_false(value) ||
           (json_is_integer(value) && json_integer_value(value) == 0) ||
           (json_is_string(value) && !*json_string_value(value));
}

/* The first member of want that have says otherwise, or NULL. */
static const char *setup_differs(const json_t *want, const json_t *have)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)want, key, value)
    {
        const json_t *other = json_object_get(have, key);
        if (setup_empty(value) && setup_empty(other)) {
            continue;
        }
        if (json_is_object(value) && json_is_object(other)) {
            if (setup_differs(value, other)) {
                return key;
            }
        } else if (!json_equal(value, other)) {
            return key;
        }
    }
    return NULL;
}

static void setup_told(struct setup *s, const char *what)
{
    char line[256];

    if (s->line) {
        snprintf(line, sizeof(line), "%s%s%s: %s",
                 item_stream(setup_item(s)) ? item_stream(setup_item(s)) : "",
                 item_stream(setup_item(s)) ? " consumer " : "", item_name(setup_item(s)), what);
        s->line(s->arg, line);
    }
    s->at++;
    setup_next(s);
}

static void setup_compare(struct setup *s, const json_t *answer, const char *what)
{
    const json_t *want = json_object_get(setup_item(s), "config"), *have = json_object_get(answer, "config");
    const char *member = setup_differs(want, have);

    if (member) {
        AUTO(auto_free) char *is = json_dumps(json_object_get(have, member), JSON_ENCODE_ANY | JSON_COMPACT);
        AUTO(auto_free)
        char *should = json_dumps(json_object_get(want, member), JSON_ENCODE_ANY | JSON_COMPACT);
        setup_end(s, FAULT_STREAM_MISMATCH,
                  "%s: %s is %.80s but this configuration says %.80s; nothing was altered. Make the "
                  "configuration agree, or change the stream with "
                  "the nats command line and start again",
                  item_name(setup_item(s)), member, is ? is : "absent", should ? should : "absent");
        return;
    }
    setup_told(s, what);
}

static const char *api_error(const json_t *answer, int *ret_code)
{
    const json_t *error = json_object_get(answer, "error");
    const char *text = json_string_value(json_object_get(error, "description"));

    *ret_code = (int)json_integer_value(json_object_get(error, "code"));
    return error ? (text ? text : "an error without a description") : NULL;
}

static void setup_on_create(void *arg, enum fault fault, const json_t *answer)
{
    struct setup *s = arg;
    int code;
    const char *error = answer ? api_error(answer, &code) : NULL;

    if (fault == FAULT_BUS_DOWN) {
        setup_next(s); /* reads again when the bus is back */
    } else if (fault != FAULT_OK) {
        setup_end(s, fault, "%s: %s", item_name(setup_item(s)), fault_text(fault));
    } else if (error) {
        setup_end(s, FAULT_STREAM_MISMATCH, "%s cannot be made: %.200s", item_name(setup_item(s)), error);
    } else {
        setup_compare(s, answer, "created");
    }
}

static void setup_create(struct setup *s)
{
    const json_t *item = setup_item(s);
    json_t *config = json_object_get(item, "config");
    char subject[256];

    if (item_stream(item)) {
        json_t *request = json_pack("{s:s,s:O}", "stream_name", item_stream(item), "config", config);
        snprintf(subject, sizeof(subject), "$JS.API.CONSUMER.DURABLE.CREATE.%s.%s", item_stream(item),
                 item_name(item));
        s->asking = bus_api(s->bus, subject, request, STEP_MS, setup_on_create, s);
        json_decref(request);
    } else {
        snprintf(subject, sizeof(subject), "$JS.API.STREAM.CREATE.%s", item_name(item));
        s->asking = bus_api(s->bus, subject, config, STEP_MS, setup_on_create, s);
    }
}

static void setup_on_info(void *arg, enum fault fault, const json_t *answer)
{
    struct setup *s = arg;
    int code = 0;
    const char *error = answer ? api_error(answer, &code) : NULL;

    if (fault == FAULT_BUS_DOWN && bus_up(s->bus)) {
        setup_end(s, FAULT_CONFIG,
                  "this NATS server has no JetStream: start it with -js or a jetstream {} block");
    } else if (fault == FAULT_BUS_DOWN || fault == FAULT_BUS_TIMEOUT) {
        setup_next(s);
    } else if (fault != FAULT_OK) {
        setup_end(s, fault, "%s: %s", item_name(setup_item(s)), fault_text(fault));
    } else if (!error) {
        setup_compare(s, answer, "ok");
    } else if (code != 404) {
        setup_end(s, FAULT_STREAM_MISMATCH, "%s: %.200s", item_name(setup_item(s)), error);
    } else if (s->create) {
        setup_create(s);
    } else {
        setup_end(s, FAULT_STREAM_MISMATCH,
                  "%s%s%s does not exist: run `sluice setup` with this configuration",
                  item_stream(setup_item(s)) ? item_stream(setup_item(s)) : "",
                  item_stream(setup_item(s)) ? " consumer " : "", item_name(setup_item(s)));
    }
}

static void setup_look_again(struct timer *t)
{
    setup_next(container_of(t, struct setup, timer));
}

static void setup_next(struct setup *s)
{
    char subject[256];
    const json_t *item = setup_item(s);

    if (!bus_up(s->bus)) {
        timer_start(s->loop, &s->timer, WAIT_MS, setup_look_again);
        return;
    }
    if (s->config->replicas > 1 && bus_server_version(s->bus) < 2009021) {
        setup_end(s, FAULT_CONFIG,
                  "NATS server %s loses compare-and-set updates on replicated streams; use nats.replicas: 1 "
                  "or a server from 2.10.23 on",
                  bus_server_text(s->bus));
        return;
    }
    if (!item) {
        setup_end(s, FAULT_OK, "streams, consumers and buckets are as configured");
        return;
    }
    if (item_stream(item)) {
        snprintf(subject, sizeof(subject), "$JS.API.CONSUMER.INFO.%s.%s", item_stream(item), item_name(item));
    } else {
        snprintf(subject, sizeof(subject), "$JS.API.STREAM.INFO.%s", item_name(item));
    }
    s->asking = bus_api(s->bus, subject, NULL, LOOK_MS, setup_on_info, s);
}

struct setup *setup_run(struct bus *bus, struct loop *loop, const struct config *config, bool create,
                        setup_line_fn *line, setup_done_fn *done, void *arg)
{
    struct setup *s = mem_new(sizeof(*s));
    json_t *consumers = setup_consumers(config);

    *s = (struct setup){
        .bus = bus, .loop = loop, .config = config, .create = create, .line = line, .done = done, .arg = arg};
    s->items = setup_streams(config);
    json_array_extend(s->items, consumers);
    json_decref(consumers);
    timer_start(loop, &s->timer, 0, setup_look_again);
    return s;
}

void setup_stop(struct setup **ps)
{
    struct setup *s = *ps;

    if (!s) {
        return;
    }
    timer_stop(&s->timer);
    bus_ask_stop(s->bus, s->asking);
    json_decref(s->items);
    free(s);
    *ps = NULL;
}
