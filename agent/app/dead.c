/* dead.c - the dead letters: read, sent again, dropped. */
#include "app/dead.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ledger.h"
#include "app/place.h"
#include "app/setup.h"
#include "base/mem.h"
#include "core/journal.h"
#include "edge/kv.h"
#include "edge/stream.h"
#include "wire/digest.h"
#include "wire/envelope.h"

#define LIMIT_MS 30000

/* ---- reading ---- */

/* "sluice.dead.<app>.<id>" */
static bool read_subject(const char *subject, struct dead_letter *ret)
{
    return sscanf(subject, "sluice.dead.%64[^.].%36s", ret->app, ret->id) == 2 && id_valid(ret->id);
}

static void on_letter(void *arg, enum fault fault, const struct stream_msg *msg)
{
    const struct dead_reading *r = arg;
    struct dead_letter letter = {0};
    json_t *body = NULL;

    if (!msg || !read_subject(msg->subject, &letter)) {
        r->fn(r->arg, msg ? FAULT_BAD_DATA : fault, NULL);
        return;
    }
    letter.seq = msg->seq;
    letter.time_ms = msg->time_ms;
    if (envelope_read(msg->payload, "dead", &body, NULL) == FAULT_OK) {
        letter.letter = body;
    }
    r->fn(r->arg, FAULT_OK, &letter);
    json_decref(body);
}

void dead_next(struct dead_reading *r, struct bus *bus, const char *app, const char *id, uint64_t from,
               dead_fn *fn, void *arg)
{
    char filter[LIMIT_NAME_CHARS + ID_CHARS + 16];

    *r = (struct dead_reading){fn, arg};
    snprintf(filter, sizeof(filter), "sluice.dead.%s.%s", app ? app : "*", id ? id : "*");
    stream_next(bus, STREAM_DEAD, filter, from, on_letter, r);
}

/* ---- sending again ---- */

struct replay {
    struct parts *parts;
    struct task *task;
    char old[ID_CHARS + 1];
    char digest[DIGEST_HEX_CHARS + 1];
    int number;
    uint64_t seq;
    enum fault fault;
    struct timer timer;
    dead_again_fn *fn;
    void *arg;
};

static void replay_tell(struct timer *t)
{
    struct replay *r = container_of(t, struct replay, timer);

    r->fn(r->arg, r->fault, r->task ? r->task->id : r->old);
    task_free(&r->task);
    free(r);
}

static void replay_end(struct replay *r, enum fault fault)
{
    r->fault = fault;
    timer_start(r->parts->loop, &r->timer, 0, replay_tell);
}

static void on_dropped(void *arg, enum fault fault)
{
    replay_end(arg, fault);
}

static void on_placed(void *arg, enum fault fault)
{
    struct replay *r = arg;

    if (fault != FAULT_OK) {
        replay_end(r, fault);
        return;
    }
    stream_delete(r->parts->bus, STREAM_DEAD, r->seq, on_dropped, r);
}

/* A record that is there already is this replay's, begun before: what is missing of it is made now. */
static void on_recorded(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct replay *r = arg;
    bool begun = fault == FAULT_CONFLICT && doc;

    (void)revision;
    if (begun && journal_state(doc) == JOURNAL_ENDED) {
        replay_end(r, FAULT_CONFLICT);
    } else if (begun && (journal_state(doc) != JOURNAL_ACCEPTED || journal_placement(doc) != 1)) {
        on_placed(r, FAULT_OK);
    } else if (fault == FAULT_OK || begun) {
        place_put(r->parts, r->task, PLACE_TASKS, 1, LIMIT_MS, on_placed, r);
    } else {
        replay_end(r, fault);
    }
}

/* The deadline begins anew, by the server's clock: that of whoever types this may be wrong. */
static void on_clock(void *arg, enum fault fault, const struct kv_entry *entry)
{
    struct replay *r = arg;

    if (fault != FAULT_OK || !entry->time_ms) {
        replay_end(r, fault ? fault : FAULT_INTERNAL);
        return;
    }
    r->task->accepted_ms = entry->time_ms;
    json_t *doc = journal_new(r->task, r->digest, false);
    json_object_set_new(doc, "replay_of", json_string(r->old));
    ledger_create(r->parts->ledger, doc, LIMIT_MS, on_recorded, r);
}

static void on_marked(void *arg, enum fault fault, uint64_t revision)
{
    struct replay *r = arg;
    char key[ID_CHARS + 16];

    (void)revision;
    snprintf(key, sizeof(key), "clock.%s", r->old);
    if (fault != FAULT_OK) {
        replay_end(r, fault);
        return;
    }
    kv_get(r->parts->bus, BUCKET_LEASE, key, true, on_clock, r);
}

/* The id of the new task: every sender of this letter with this number finds the same one. */
static void name_it(struct replay *r)
{
    AUTO(auto_free) char *text = mem_printf("replay\n%s\n%s\n%d", r->task->app, r->old, r->number);
    unsigned char bytes[DIGEST_BYTES];

    digest_of(slice_of(text), bytes);
    struct id id = id_from_hash(bytes);
    memcpy(r->task->id, id.text, sizeof(r->task->id));
}

void dead_replay(struct parts *parts, const struct dead_again *again, dead_again_fn *fn, void *arg)
{
    const struct dead_letter *l = again->letter;
    const json_t *record = json_object_get(l->letter, "record");
    const char *digest = json_string_value(json_object_get(record, "digest"));
    struct replay *r = mem_new(sizeof(*r));
    char key[ID_CHARS + 16];

    *r = (struct replay){.parts = parts, .number = again->number, .seq = l->seq, .fn = fn, .arg = arg};
    snprintf(r->old, sizeof(r->old), "%s", l->id);
    snprintf(r->digest, sizeof(r->digest), "%s", digest ? digest : "");
    if (task_from_json(json_object_get(l->letter, "task"), &r->task, NULL) != FAULT_OK) {
        r->task = NULL;
        replay_end(r, FAULT_BAD_DATA);
        return;
    }
    name_it(r);
    if (again->lane) {
        snprintf(r->task->lane, sizeof(r->task->lane), "%s", again->lane);
    }
    snprintf(key, sizeof(key), "clock.%s", l->id);
    kv_put(parts->bus, BUCKET_LEASE, key, slice_of("x"), -1, LIMIT_MS, on_marked, r);
}
