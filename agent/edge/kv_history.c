/* kv_history.c - all revisions of one key that a bucket still keeps. */
#include "edge/kv_history.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "edge/kv_internal.h"
#include "edge/stream.h"

#define ASK_MS 5000

/* Owned by the token of the request under way; each request gets a copy of its own. */
struct history {
    struct bus *bus;
    char api[KV_SUBJECT_CHARS];
    char subject[KV_SUBJECT_CHARS];
    char key[KV_SUBJECT_CHARS];
    uint64_t from; /* the next sequence that may be one of ours */
    kv_each_fn *each;
    kv_done_fn *done;
    void *arg;
};

static void history_ask(const struct history *from);

static void history_got(void *arg, enum fault fault, const json_t *answer)
{
    struct history *h = arg;
    struct kv_entry entry = {.age_ms = -1};
    AUTO(auto_free) char *bytes = NULL;
    const json_t *error = json_object_get(answer, "error");

    if (fault != FAULT_OK || error) {
        h->done(h->arg, fault != FAULT_OK || stream_none(error) ? fault : FAULT_INTERNAL);
        return;
    }
    fault = kv_read_message(json_object_get(answer, "message"), &entry, &bytes);
    if (fault != FAULT_OK || !h->each(h->arg, h->key, &entry)) {
        h->done(h->arg, fault);
        return;
    }
    h->from = entry.revision + 1;
    history_ask(h);
}

static void history_ask(const struct history *from)
{
    struct history *h = mem_new(sizeof(*h));
    json_t *request = json_pack("{s:I,s:s}", "seq", (json_int_t)from->from, "next_by_subj", from->subject);

    *h = *from;
    uint64_t token = bus_api(h->bus, h->subject[0] ? h->api : "", request, ASK_MS, history_got, h);
    bus_ask_own(h->bus, token, h);
    json_decref(request);
}

void kv_history(struct bus *bus, const char *bucket, const char *key, kv_each_fn *each, kv_done_fn *done,
                void *arg)
{
    struct history h = {.bus = bus, .from = 1, .each = each, .done = done, .arg = arg};

    snprintf(h.api, sizeof(h.api), "$JS.API.STREAM.MSG.GET.KV_%s", bucket);
    snprintf(h.key, sizeof(h.key), "%s", key);
    kv_subject(h.subject, "", bucket, key);
    history_ask(&h);
}
