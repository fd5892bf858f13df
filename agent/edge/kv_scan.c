/* kv_scan.c - all entries of a bucket whose keys fit a filter: an ephemeral consumer, read in bounded pulls.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "edge/ackreply.h"
#include "edge/kv.h"
#include "edge/kv_internal.h"

#define SUBJECT_CHARS 512
#define CREATE_MS     5000 /* also counts the keys */
#define SILENCE_MS    5000
#define BATCH         64
#define BATCH_BYTES   (4 * 1024 * 1024) /* larger than any message, or it would never come */
#define KEEP_S        30                /* the consumer goes by itself when we cannot delete it */

/* Owned by its inbox: goes with bus_inbox_close. */
struct scan {
    struct bus *bus;
    char bucket[128];
    size_t prefix_n; /* of "$KV.<bucket>." before a key */
    char consumer[128];
    uint64_t inbox;
    char reply[BUS_INBOX_CHARS + 1];
    int got; /* of the pull under way */
    kv_each_fn *each;
    kv_done_fn *done;
    void *arg;
};

static void scan_deleted(void *arg, enum fault fault, const json_t *answer)
{
    (void)arg; /* when it failed, KEEP_S does it */
    (void)fault;
    (void)answer;
}

static void scan_finish(struct scan *s, enum fault fault)
{
    char subject[SUBJECT_CHARS];
    kv_done_fn *done = s->done;
    void *arg = s->arg;

    if (s->consumer[0] && bus_up(s->bus)) {
        snprintf(subject, sizeof(subject), "$JS.API.CONSUMER.DELETE.KV_%s.%s", s->bucket, s->consumer);
        bus_api(s->bus, subject, NULL, CREATE_MS, scan_deleted, NULL);
    }
    bus_inbox_close(s->bus, s->inbox);
    done(arg, fault);
}

static void scan_ask(struct scan *s)
{
    char subject[SUBJECT_CHARS], request[64];
    struct bus_out out = {.subject = subject};

    snprintf(subject, sizeof(subject), "$JS.API.CONSUMER.MSG.NEXT.KV_%s.%s", s->bucket, s->consumer);
    int n = snprintf(request, sizeof(request), "{\"batch\":%d,\"max_bytes\":%d,\"no_wait\":true}", BATCH,
                     BATCH_BYTES);
    out.payload = (struct slice){request, (size_t)n};
    s->got = 0;
    enum fault fault = bus_send_from(s->bus, &out, s->reply);
    if (fault != FAULT_OK) {
        scan_finish(s, fault == FAULT_OVERLOADED ? FAULT_BUS_DOWN : fault);
        return;
    }
    bus_inbox_silence(s->bus, s->inbox, SILENCE_MS);
}

static bool scan_tell(struct scan *s, const struct bus_in *in, const struct ackreply *numbers)
{
    if (kv_is_marker(bus_header(in, "KV-Operation")) || strlen(in->subject) <= s->prefix_n) {
        return true;
    }
    struct kv_entry entry = {.value = in->payload,
                             .revision = numbers->stream_seq,
                             .time_ms = numbers->time_ns / 1000000,
                             .age_ms = -1};
    return s->each(s->arg, in->subject + s->prefix_n, &entry);
}

/* A pull ends with its batch full (newer servers say so too, when the next one is under way) or with a status
 * that says that there was less. */
static void scan_status(struct scan *s, const struct bus_in *in)
{
    const char *status = bus_header(in, "Status");
    const char *why = bus_header(in, "Description");
    bool full = why && !strcmp(why, "Batch Completed");
    bool ended =
        status && !full && (!strcmp(status, "404") || !strcmp(status, "408") || !strcmp(status, "409"));

    if (status && !strcmp(status, "503")) {
        scan_finish(s, FAULT_BUS_DOWN);
    } else if (ended && s->got == 0) {
        scan_finish(s, strcmp(status, "409") ? FAULT_OK : FAULT_INTERNAL);
    } else if (ended) {
        scan_ask(s);
    }
}

static void scan_arrived(void *arg, const struct bus_in *in)
{
    struct scan *s = arg;
    struct ackreply numbers;

    if (!in) {
        scan_finish(s, FAULT_BUS_TIMEOUT);
        return;
    }
    if (!in->reply || !ackreply_parse(in->reply, &numbers)) {
        scan_status(s, in);
        return;
    }
    s->got++;
    if (!scan_tell(s, in, &numbers) || numbers.pending == 0) {
        scan_finish(s, FAULT_OK);
    } else if (s->got == BATCH) {
        scan_ask(s);
    }
}

static void scan_created(void *arg, enum fault fault, const json_t *answer)
{
    struct scan *s = arg;
    const char *name = json_string_value(json_object_get(answer, "name"));

    if (fault == FAULT_OK && (!name || strlen(name) >= sizeof(s->consumer))) {
        fault = FAULT_INTERNAL; /* an error of JetStream: no such bucket */
    }
    if (fault != FAULT_OK) {
        scan_finish(s, fault);
        return;
    }
    snprintf(s->consumer, sizeof(s->consumer), "%s", name);
    if (json_integer_value(json_object_get(answer, "num_pending")) == 0) {
        scan_finish(s, FAULT_OK);
    } else {
        scan_ask(s);
    }
}

/* from 0: the last entry of each key. */
static void scan_begin(struct bus *bus, const char *bucket, const char *filter, uint64_t from,
                       const struct scan *about)
{
    char subject[SUBJECT_CHARS], stream[160], keys[SUBJECT_CHARS];
    struct scan *s = mem_new(sizeof(*s));

    *s = *about;
    s->bus = bus;
    snprintf(s->bucket, sizeof(s->bucket), "%s", bucket);
    s->prefix_n = strlen("$KV..") + strlen(bucket);
    s->inbox = bus_inbox_open(bus, scan_arrived, s, s->reply, sizeof(s->reply));
    bus_ask_own(bus, s->inbox, s);

    snprintf(stream, sizeof(stream), "KV_%s", s->bucket);
    snprintf(subject, sizeof(subject), "$JS.API.CONSUMER.CREATE.%s", stream);
    snprintf(keys, sizeof(keys), "$KV.%s.%s", s->bucket, filter);
    json_t *config =
        json_pack("{s:s, s:s, s:s, s:s, s:b, s:I}", "ack_policy", "none", "deliver_policy",
                  from ? "by_start_sequence" : "last_per_subject", "filter_subject", keys, "replay_policy",
                  "instant", "mem_storage", 1, "inactive_threshold", (json_int_t)KEEP_S * 1000000000);
    if (from) {
        json_object_set_new(config, "opt_start_seq", json_integer((json_int_t)from));
    }
    json_t *request = json_pack("{s:s, s:o}", "stream_name", stream, "config", config);
    bus_api(bus, subject, request, CREATE_MS, scan_created, s);
    json_decref(request);
}

void kv_scan(struct bus *bus, const char *bucket, const char *filter, kv_each_fn *each, kv_done_fn *done,
             void *arg)
{
    scan_begin(bus, bucket, filter, 0, &(struct scan){.each = each, .done = done, .arg = arg});
}

void kv_scan_from(struct bus *bus, const char *bucket, uint64_t from, kv_each_fn *each, kv_done_fn *done,
                  void *arg)
{
    scan_begin(bus, bucket, ">", from ? from : 1, &(struct scan){.each = each, .done = done, .arg = arg});
}
