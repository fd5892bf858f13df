/* intake_store.c - makes a task durable: record and message, both acknowledged, or surely neither. */
#include "app/intake_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/crash.h"
#include "app/fleet.h"
#include "app/ledger.h"
#include "app/place.h"
#include "base/mem.h"

#define REPLAY_MS   (24ll * 3600 * 1000) /* how long an ended task answers for its key */
#define RETRY_MS    (15ll * 60 * 1000)   /* how long a keyless request is remembered for its SDK's retry */
#define GENERATIONS 16                   /* tasks that one key may have made, a day apart each */

static void submission_write(struct submission *s);

/* ---- taking back ---- */

/* A task of which the app was told that it may not have been taken. */
struct withdrawal {
    struct ledger *ledger;
    char app[LIMIT_NAME_CHARS + 1];
    char id[ID_CHARS + 1];
    json_t *made; /* the mark that this submission's record has, and no other's */
    int64_t at_ms;
};

static void withdrawal_free(struct withdrawal *w)
{
    json_decref(w->made);
    free(w);
}

static enum fault change_withdraw(json_t *doc, void *arg)
{
    const struct withdrawal *w = arg;
    const struct journal_outcome outcome = {
        .status = TASK_CANCELLED, .fault = FAULT_ACCEPT_UNKNOWN, .at_ms = w->at_ms};

    if (!journal_withdrawable(doc) || !json_equal(json_object_get(doc, "made"), w->made)) {
        return FAULT_CONFLICT; /* it is carried out, or of another agent that was asked with the same key */
    }
    json_t *result = journal_result_new(doc, &outcome);
    enum fault fault = journal_end(doc, NULL, TASK_CANCELLED, result, outcome.at_ms);
    json_decref(result);
    return fault;
}

static void on_withdrawn(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    (void)fault;
    (void)doc;
    (void)revision;
    withdrawal_free(arg);
}

static void on_tombstone(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct withdrawal *w = arg;
    const struct ledger_update update = {.app = w->app,
                                         .id = w->id,
                                         .doc = doc,
                                         .revision = revision,
                                         .change = change_withdraw,
                                         .change_arg = w,
                                         .limit_ms = -1};

    if (fault == FAULT_CONFLICT && doc) {
        ledger_update(w->ledger, &update, on_withdrawn, w);
    } else {
        withdrawal_free(w);
    }
}

/* Should record or message turn up, the task ends before anybody claims it. A record that is not there yet
 * meets one that says so. */
static void submission_withdraw(struct submission *s)
{
    struct withdrawal *w = mem_new(sizeof(*w));
    json_t *doc = json_deep_copy(s->doc);

    w->ledger = s->in->parts->ledger;
    memcpy(w->app, s->task->app, sizeof(w->app));
    memcpy(w->id, s->task->id, sizeof(w->id));
    w->made = json_incref(json_object_get(doc, "made"));
    w->at_ms = fleet_now_ms(s->in->parts->fleet);
    (void)!change_withdraw(doc, w); /* a first record always is */
    ledger_create(w->ledger, doc, -1, on_tombstone, w);
}

/* ---- storing ---- */

static void submission_remember(struct submission *s)
{
    struct intake *in = s->in;
    struct recent *r = &in->recents[in->recent_next];

    if (s->idem_key) {
        return;
    }
    in->recent_next = (in->recent_next + 1) % RETRY_MAX;
    if (map_find(in->recent, r->digest) == r) {
        (void)map_drop(in->recent, r->digest);
    }
    memcpy(r->digest, s->digest, sizeof(r->digest));
    memcpy(r->id, s->task->id, sizeof(r->id));
    r->at_ms = loop_now_ms(in->parts->loop);
    map_put(in->recent, r->digest, r);
}

/* A write that failed so stands surely not, and will not. */
static bool surely_not(enum fault fault)
{
    return fault == FAULT_BUS_DOWN || fault == FAULT_FLEET_FULL || fault == FAULT_TOO_LARGE;
}

/* Without a record a message is nothing: whoever gets it drops it. */
static enum fault submission_verdict(const struct submission *s)
{
    if (surely_not(s->record_fault)) {
        return s->record_fault;
    }
    bool full = s->place_fault == FAULT_FLEET_FULL || s->place_fault == FAULT_TOO_LARGE;
    return s->record_fault == FAULT_OK && full ? s->place_fault : FAULT_ACCEPT_UNKNOWN;
}

static void submission_stored(struct submission *s)
{
    if (s->record_fault == FAULT_OK && s->place_fault == FAULT_OK) {
        crash_point("before_accept");
        submission_remember(s);
        submission_end(s, FAULT_OK);
        return;
    }
    /* A task that an earlier request made is not taken back: its app may have been told. */
    if (!surely_not(s->record_fault) && !s->replayed) {
        submission_withdraw(s);
    }
    submission_end(s, submission_verdict(s));
}

static void on_placed(void *arg, enum fault fault)
{
    struct submission *s = arg;

    s->placed = true;
    s->place_fault = fault;
    if (s->recorded) {
        submission_stored(s);
    }
}

static void submission_place(struct submission *s)
{
    place_put(s->in->parts, s->task, PLACE_TASKS, 1, LIMIT_ACCEPT_MS, on_placed, s);
}

static void submission_replay(struct submission *s, const json_t *doc);

static enum fault change_keep(json_t *doc, void *arg)
{
    (void)arg;
    return journal_keep(doc);
}

static void on_kept(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct submission *s = arg;

    (void)revision;
    if (fault == FAULT_CONFLICT && doc) {
        submission_replay(s, doc); /* claimed or ended meanwhile */
    } else if (fault == FAULT_OK) {
        s->recorded = true; /* the agent that wrote the record may have died before it published */
        submission_place(s);
    } else {
        submission_end(s, fault);
    }
}

/* The agent that made the task may be about to take it back. */
static void submission_keep(struct submission *s)
{
    const struct ledger_update update = {.app = s->task->app,
                                         .id = s->task->id,
                                         .doc = s->doc,
                                         .revision = s->revision,
                                         .change = change_keep,
                                         .limit_ms = LIMIT_ACCEPT_MS};

    ledger_update(s->in->parts->ledger, &update, on_kept, s);
}

/* The key is free for another task: the one that it made ended a day ago, or was taken back. */
static bool submission_over(const struct submission *s, const json_t *doc)
{
    int64_t ended = json_integer_value(json_object_get(doc, "ended_ms"));
    const char *code =
        json_string_value(json_object_get(json_object_get(journal_result(doc), "error"), "code"));
    bool taken_back = code && !strcmp(code, fault_code(FAULT_ACCEPT_UNKNOWN));

    return taken_back || (ended && fleet_now_ms(s->in->parts->fleet) - ended > REPLAY_MS);
}

/* The key has made a task before: the same task gives it again, another one is refused. */
static void submission_replay(struct submission *s, const json_t *doc)
{
    const char *digest = json_string_value(json_object_get(doc, "digest"));

    if (submission_over(s, doc) && s->generation < GENERATIONS) {
        s->generation++;
        s->replayed = false;
        submission_name(s);
        submission_write(s);
        return;
    }
    if (!digest || strcmp(digest, s->digest) != 0) {
        submission_end(s, FAULT_KEY_REUSED);
        return;
    }
    json_incref((json_t *)doc);
    json_decref(s->doc);
    s->doc = (json_t *)doc;
    s->replayed = true;
    if (journal_state(doc) == JOURNAL_ACCEPTED && journal_epoch(doc) == 0) {
        submission_keep(s);
    } else {
        submission_end(s, FAULT_OK);
    }
}

static void on_recorded(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct submission *s = arg;

    crash_point("after_record");
    s->recorded = true;
    s->record_fault = fault;
    s->revision = revision;
    if (s->idem_key && fault == FAULT_CONFLICT && doc) {
        s->record_fault = FAULT_OK;
        submission_replay(s, doc);
        return;
    }
    if (s->idem_key && fault == FAULT_OK) {
        submission_place(s);
    } else if (s->idem_key) {
        s->place_fault = FAULT_BUS_DOWN;
        submission_stored(s);
    } else if (s->placed) {
        submission_stored(s);
    }
}

/* A new name cannot meet an older task: record and message go out together. A derived one may: the record
 * decides first. */
static void submission_write(struct submission *s)
{
    s->recorded = s->placed = false;
    ledger_create(s->in->parts->ledger, json_incref(s->doc), LIMIT_ACCEPT_MS, on_recorded, s);
    if (!s->idem_key) {
        submission_place(s);
    }
}

/* ---- an SDK's own retry ---- */

static void on_joined(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct submission *s = arg;

    (void)revision;
    if (fault == FAULT_NO_TASK || fault == FAULT_BAD_DATA) {
        submission_write(s);
        return;
    }
    if (fault != FAULT_OK) { /* it may well be there: another task would be another payment */
        submission_end(s, fault);
        return;
    }
    json_decref(s->doc);
    s->doc = json_incref((json_t *)doc);
    s->replayed = true;
    submission_end(s, FAULT_OK);
}

void submission_store(struct submission *s)
{
    const struct recent *r = s->sdk_retry && !s->idem_key ? map_find(s->in->recent, s->digest) : NULL;

    if (r && loop_now_ms(s->in->parts->loop) - r->at_ms < RETRY_MS) {
        ledger_get(s->in->parts->ledger, s->task->app, r->id, true, on_joined, s);
    } else {
        submission_write(s);
    }
}
