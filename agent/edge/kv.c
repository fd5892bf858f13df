/* kv.c - JetStream key-value buckets (ADR-8): read, compare-and-set. */
#include "edge/kv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "edge/kv_internal.h"
#include "edge/stream.h"
#include "wire/date.h"

#define GET_MS 5000

/* ---- names ---- */

bool kv_key_valid(const char *text)
{
    char before = '.';

    for (; *text; before = *text++) {
        char c = *text;
        bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
                     c == '=' || c == '-';
        if (!plain && (c != '.' || before == '.')) {
            return false;
        }
    }
    return before != '.';
}

void kv_subject(char out[KV_SUBJECT_CHARS], const char *before, const char *bucket, const char *key)
{
    int n = kv_key_valid(key) ? snprintf(out, KV_SUBJECT_CHARS, "%s$KV.%s.%s", before, bucket, key) : 0;

    if (n <= 0 || n >= KV_SUBJECT_CHARS) {
        out[0] = '\0';
    }
}

bool kv_is_marker(const char *operation)
{
    return operation && (!strcmp(operation, "DEL") || !strcmp(operation, "PURGE"));
}

/* ---- reading ---- */

/* Owned by the token of the request. */
struct kv_reading {
    kv_get_fn *fn;
    void *arg;
};

static void kv_tell(const struct kv_reading *r, enum fault fault, const struct kv_entry *entry)
{
    r->fn(r->arg, fault, fault == FAULT_OK ? entry : NULL);
}

static void kv_got_direct(void *arg, enum fault fault, const struct bus_in *in)
{
    struct kv_entry entry = {.age_ms = -1};

    if (fault != FAULT_OK) {
        kv_tell(arg, fault, NULL);
        return;
    }
    const char *status = bus_header(in, "Status");
    const char *sequence = bus_header(in, "Nats-Sequence");
    if (sequence) {
        entry.revision = strtoull(sequence, NULL, 10);
        entry.time_ms = date_stamp_ms(bus_header(in, "Nats-Time-Stamp"));
        entry.deleted = kv_is_marker(bus_header(in, "KV-Operation"));
        if (!entry.deleted) {
            entry.value = in->payload;
        }
    } else if (!status || strcmp(status, "404") != 0) {
        fault = FAULT_INTERNAL;
    }
    kv_tell(arg, fault, &entry);
}

static uint64_t kv_get_direct(struct bus *bus, const char *bucket, const char *key, struct kv_reading *r)
{
    char before[KV_SUBJECT_CHARS], subject[KV_SUBJECT_CHARS];
    struct bus_out out = {.subject = subject};

    snprintf(before, sizeof(before), "$JS.API.DIRECT.GET.KV_%s.", bucket);
    kv_subject(subject, before, bucket, key);
    return bus_ask(bus, &out, GET_MS, kv_got_direct, r);
}

/* Whether a raw header block has a delete marker in it. */
static bool kv_block_is_marker(const char *block)
{
    static const char name[] = "\r\nKV-Operation:";
    const char *at = block ? strstr(block, name) : NULL;

    if (!at) {
        return false;
    }
    at += sizeof(name) - 1;
    at += strspn(at, " ");
    return !strncmp(at, "DEL\r\n", 5) || !strncmp(at, "PURGE\r\n", 7);
}

enum fault kv_read_message(const json_t *message, struct kv_entry *entry, char **ret_memory)
{
    struct stream_msg msg;
    enum fault fault = stream_parse(message, &msg, ret_memory);

    if (fault == FAULT_OK) {
        entry->revision = msg.seq;
        entry->time_ms = msg.time_ms;
        entry->deleted = kv_block_is_marker(msg.headers);
        entry->value = entry->deleted ? (struct slice){NULL, 0} : msg.payload;
    }
    return fault;
}

static void kv_got_leader(void *arg, enum fault fault, const json_t *answer)
{
    struct kv_entry entry = {.age_ms = -1};
    AUTO(auto_free) char *bytes = NULL;
    const json_t *error = json_object_get(answer, "error");

    if (fault == FAULT_OK && !error) {
        fault = kv_read_message(json_object_get(answer, "message"), &entry, &bytes);
    } else if (fault == FAULT_OK && !stream_none(error)) {
        fault = FAULT_INTERNAL;
    }
    kv_tell(arg, fault, &entry);
}

static uint64_t kv_get_leader(struct bus *bus, const char *bucket, const char *key, struct kv_reading *r)
{
    char subject[KV_SUBJECT_CHARS], last[KV_SUBJECT_CHARS];

    snprintf(subject, sizeof(subject), "$JS.API.STREAM.MSG.GET.KV_%s", bucket);
    kv_subject(last, "", bucket, key);
    json_t *request = json_pack("{s:s}", "last_by_subj", last);
    uint64_t token = bus_api(bus, last[0] ? subject : "", request, GET_MS, kv_got_leader, r);
    json_decref(request);
    return token;
}

uint64_t kv_get(struct bus *bus, const char *bucket, const char *key, bool leader, kv_get_fn *fn, void *arg)
{
    struct kv_reading *r = mem_new(sizeof(*r));

    *r = (struct kv_reading){fn, arg};
    uint64_t token = leader ? kv_get_leader(bus, bucket, key, r) : kv_get_direct(bus, bucket, key, r);
    bus_ask_own(bus, token, r);
    return token;
}

/* ---- writing ---- */

struct kv_writing {
    kv_put_fn *fn;
    void *arg;
};

static void kv_written(void *arg, const struct bus_ack *ack)
{
    const struct kv_writing *w = arg;
    /* The id is made of the revision that was expected: whoever came with it before has won, us perhaps. */
    enum fault fault = ack->fault == FAULT_OK && ack->duplicate ? FAULT_CONFLICT : ack->fault;

    w->fn(w->arg, fault, fault == FAULT_OK ? ack->seq : 0);
}

static uint64_t kv_publish(struct bus *bus, const struct bus_out *out, int64_t limit_ms, kv_put_fn *fn,
                           void *arg)
{
    struct kv_writing *w = mem_new(sizeof(*w));

    *w = (struct kv_writing){fn, arg};
    uint64_t token = bus_publish(bus, out, limit_ms, kv_written, w);
    bus_ask_own(bus, token, w);
    return token;
}

uint64_t kv_put(struct bus *bus, const char *bucket, const char *key, struct slice value, int64_t expect,
                int64_t limit_ms, kv_put_fn *fn, void *arg)
{
    char subject[KV_SUBJECT_CHARS], id[KV_SUBJECT_CHARS];
    struct bus_out out = {
        .subject = subject, .payload = value, .msg_id = expect > 0 ? id : NULL, .expect_last_seq = expect};

    kv_subject(subject, "", bucket, key);
    snprintf(id, sizeof(id), "%s@%" PRId64, key, expect);
    return kv_publish(bus, &out, limit_ms, fn, arg);
}

uint64_t kv_delete(struct bus *bus, const char *bucket, const char *key, int64_t limit_ms, kv_put_fn *fn,
                   void *arg)
{
    char subject[KV_SUBJECT_CHARS];
    const char *headers[] = {"KV-Operation", "DEL", NULL};
    struct bus_out out = {.subject = subject, .expect_last_seq = -1, .headers = headers};

    kv_subject(subject, "", bucket, key);
    return kv_publish(bus, &out, limit_ms, fn, arg);
}

/* ---- forgetting ---- */

struct kv_forgetting {
    kv_forget_fn *fn;
    void *arg;
};

static void kv_forgotten(void *arg, enum fault fault, const json_t *answer)
{
    const struct kv_forgetting *f = arg;

    f->fn(f->arg, fault == FAULT_OK && json_object_get(answer, "error") ? FAULT_INTERNAL : fault);
}

uint64_t kv_forget(struct bus *bus, const char *bucket, const char *key, uint64_t revision, kv_forget_fn *fn,
                   void *arg)
{
    struct kv_forgetting *f = mem_new(sizeof(*f));
    char api[KV_SUBJECT_CHARS], subject[KV_SUBJECT_CHARS];
    json_t *request;

    *f = (struct kv_forgetting){fn, arg};
    snprintf(api, sizeof(api), "$JS.API.STREAM.PURGE.KV_%s", bucket);
    kv_subject(subject, "", bucket, key);
    request = json_pack("{s:s,s:I}", "filter", subject, "seq", (json_int_t)revision + 1);
    uint64_t token = bus_api(bus, subject[0] ? api : "", request, GET_MS, kv_forgotten, f);
    bus_ask_own(bus, token, f);
    json_decref(request);
    return token;
}
