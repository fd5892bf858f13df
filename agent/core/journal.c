/* journal.c - the rules of a task's record: reading and writing it. */
#include "core/journal.h"

#include <string.h>

#include "base/mem.h"

static const char *const states[] = {"accepted", "claimed", "submitted", "ended"};

/* ---- reading ---- */

static const char *journal_text(const json_t *doc, const char *member)
{
    return json_string_value(json_object_get(doc, member));
}

static int64_t journal_int(const json_t *doc, const char *member)
{
    return json_integer_value(json_object_get(doc, member));
}

static int journal_state_find(const char *text)
{
    for (int i = 0; text && i <= JOURNAL_ENDED; i++) {
        if (!strcmp(states[i], text)) {
            return i;
        }
    }
    return -1;
}

/* What a record of its state always has. */
static bool journal_state_whole(const json_t *doc)
{
    switch (journal_state_find(journal_text(doc, "state"))) {
    case JOURNAL_ACCEPTED:
        return true;
    case JOURNAL_CLAIMED:
        return journal_holder(doc) && json_is_object(journal_intent(doc));
    case JOURNAL_SUBMITTED:
        return json_is_object(journal_submission(doc));
    case JOURNAL_ENDED:
        return json_is_object(journal_result(doc));
    default:
        return false;
    }
}

enum fault journal_check(const json_t *doc, struct note *note)
{
    const char *id = journal_text(doc, "id");

    if (!id || !id_valid(id) || !journal_text(doc, "app") || !journal_text(doc, "model") ||
        !journal_state_whole(doc) || task_status_find(journal_text(doc, "status")) < 0 ||
        task_stage_find(journal_text(doc, "stage")) < 0 || task_place_find(journal_text(doc, "where")) < 0 ||
        !json_is_integer(json_object_get(doc, "placement")) ||
        !json_is_integer(json_object_get(doc, "epoch"))) {
        return note_set(note, FAULT_BAD_DATA, "the journal's record of %s lacks a member that the rules need",
                        id ? id : "a task");
    }
    return FAULT_OK;
}

enum journal_state journal_state(const json_t *doc)
{
    int state = journal_state_find(journal_text(doc, "state"));
    return state < 0 ? JOURNAL_ENDED : (enum journal_state)state;
}

enum task_status journal_status(const json_t *doc)
{
    int status = task_status_find(journal_text(doc, "status"));
    return status < 0 ? TASK_FAILED : (enum task_status)status;
}

enum task_stage journal_stage(const json_t *doc)
{
    int stage = task_stage_find(journal_text(doc, "stage"));
    return stage < 0 ? STAGE_ACCEPTED : (enum task_stage)stage;
}

bool journal_cancel_asked(const json_t *doc)
{
    return json_is_true(json_object_get(doc, "cancel"));
}

int64_t journal_epoch(const json_t *doc)
{
    return journal_int(doc, "epoch");
}

int64_t journal_placement(const json_t *doc)
{
    return journal_int(doc, "placement");
}

enum task_place journal_where(const json_t *doc)
{
    int place = task_place_find(journal_text(doc, "where"));
    return place < 0 ? PLACE_TASKS : (enum task_place)place;
}

int64_t journal_tries(const json_t *doc)
{
    return journal_int(doc, "tries");
}

const json_t *journal_result(const json_t *doc)
{
    return json_object_get(doc, "result");
}

const json_t *journal_intent(const json_t *doc)
{
    return json_object_get(doc, "intent");
}

const json_t *journal_submission(const json_t *doc)
{
    return json_object_get(doc, "submission");
}

const char *journal_holder(const json_t *doc)
{
    return journal_text(json_object_get(doc, "holder"), "instance");
}

bool journal_wrote(const json_t *doc, const char *nonce)
{
    const char *last = journal_text(doc, "write");
    return last && !strcmp(last, nonce);
}

bool journal_given_up(const json_t *doc)
{
    const char *code = journal_text(json_object_get(journal_result(doc), "error"), "code");
    enum task_status status = journal_status(doc);

    if (!code || (status != TASK_FAILED && status != TASK_EXPIRED)) {
        return false;
    }
    enum fault fault = fault_find(code);
    return fault != FAULT_CONTENT_POLICY && fault != FAULT_VENDOR_REJECTED &&
           fault != FAULT_INPUT_UNAVAILABLE && fault != FAULT_HOST_REFUSED;
}

const json_t *journal_late_submission(const json_t *doc, const char *idem)
{
    size_t i;
    json_t *verdict;

    json_array_foreach(json_object_get(doc, "late"), i, verdict)
    {
        const char *key = journal_text(verdict, "idem");
        const char *outcome = journal_text(verdict, "outcome");
        if (key && idem && !strcmp(key, idem) && outcome && !strcmp(outcome, "submitted")) {
            return verdict;
        }
    }
    return NULL;
}

enum journal_next journal_next(const json_t *doc, bool holder_alive)
{
    switch (journal_state(doc)) {
    case JOURNAL_ACCEPTED:
        return JOURNAL_CLAIM;
    case JOURNAL_CLAIMED:
        return holder_alive ? JOURNAL_BUSY : JOURNAL_TAKE_OVER;
    case JOURNAL_SUBMITTED:
        return JOURNAL_POLL;
    case JOURNAL_ENDED:
        return JOURNAL_SETTLE;
    }
    return JOURNAL_SETTLE;
}

/* ---- writing ---- */

static void journal_put(json_t *doc, const char *member, const char *text)
{
    if (text) {
        json_object_set_new_nocheck(doc, member, json_string(text));
    }
}

static void journal_put_int(json_t *doc, const char *member, int64_t number)
{
    json_object_set_new_nocheck(doc, member, json_integer(number));
}

/* The one place where a record changes its state, and with it status and stage. */
static void journal_move(json_t *doc, enum journal_state state, enum task_stage stage)
{
    journal_put(doc, "state", states[state]);
    journal_put(doc, "stage", task_stage_text(stage));
    journal_put(doc, "status", task_status_text(task_stage_status(stage)));
}

json_t *journal_new(const struct task *t, const char *digest, bool keyed)
{
    json_t *doc = json_object();

    journal_put(doc, "id", t->id);
    journal_put(doc, "app", t->app);
    journal_put(doc, "model", t->model);
    journal_put(doc, "kind", task_kind_text(t->kind));
    journal_put(doc, "lane", t->lane);
    journal_put(doc, "priority", task_priority_text(t->priority));
    journal_put_int(doc, "accepted_ms", t->accepted_ms);
    journal_put_int(doc, "deadline_ms", t->deadline_ms);
    journal_put(doc, "digest", digest);
    json_object_set_new(doc, "keyed", json_boolean(keyed));
    if (t->metadata) {
        json_object_set(doc, "metadata", t->metadata);
    }
    journal_put(doc, "traceparent", t->traceparent);
    json_object_set(doc, "input", t->input);
    journal_put(doc, "where", task_place_text(PLACE_TASKS));
    journal_put_int(doc, "placement", 1);
    journal_put_int(doc, "epoch", 0);
    journal_put_int(doc, "tries", 0);
    journal_put_int(doc, "refusals", 0);
    json_object_set_new(doc, "attempts", json_array());
    journal_move(doc, JOURNAL_ACCEPTED, STAGE_ACCEPTED);
    return doc;
}

enum fault journal_task(const json_t *doc, struct task **ret_task, struct note *note)
{
    static const char *const members[] = {"id",          "app",         "lane",       "model",
                                          "kind",        "priority",    "input",      "metadata",
                                          "deadline_ms", "accepted_ms", "traceparent"};
    json_t *value = json_object();

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        json_object_set(value, members[i], json_object_get(doc, members[i]));
    }
    enum fault fault = task_from_json(value, ret_task, note);
    json_decref(value);
    return fault;
}

enum fault journal_place(json_t *doc, enum task_place place, enum task_stage stage)
{
    enum journal_state state = journal_state(doc);

    if (state == JOURNAL_ENDED || (place == PLACE_VENDOR) != (state == JOURNAL_SUBMITTED)) {
        return FAULT_CONFLICT;
    }
    journal_put_int(doc, "placement", journal_placement(doc) + 1);
    journal_put(doc, "where", task_place_text(place));
    journal_move(doc, state, stage);
    return FAULT_OK;
}

static bool journal_claimable(const json_t *doc, const struct journal_claim *claim)
{
    enum journal_state state = journal_state(doc);
    return state == JOURNAL_ACCEPTED ||
           (state == JOURNAL_CLAIMED && claim->take_over && journal_epoch(doc) == claim->over);
}

enum fault journal_claim(json_t *doc, const struct journal_claim *claim, int64_t *ret_epoch)
{
    const json_t *holder = json_object_get(doc, "holder");
    const char *nonce = journal_text(holder, "nonce");
    if (journal_state(doc) == JOURNAL_CLAIMED && nonce && !strcmp(nonce, claim->nonce)) {
        *ret_epoch = journal_epoch(doc); /* it stood, and somebody wrote something else on top */
        return FAULT_OK;
    }
    if (!journal_claimable(doc, claim)) {
        return FAULT_CONFLICT;
    }
    if (journal_cancel_asked(doc) && journal_state(doc) == JOURNAL_ACCEPTED) {
        return FAULT_CANCELLED;
    }
    int64_t epoch = journal_epoch(doc) + 1;
    char *idem = claim->take_over ? mem_text(journal_text(journal_intent(doc), "idem")) : NULL;
    if (!idem) {
        idem = mem_printf("%s-%d", journal_text(doc, "id"), (int)journal_int(doc, "refusals") + 1);
    }
    json_t *intent = json_object();
    journal_put(intent, "target", claim->target);
    journal_put(intent, "adapter", claim->adapter);
    journal_put(intent, "adapter_digest", claim->adapter_digest);
    journal_put(intent, "op", claim->op);
    journal_put(intent, "key", claim->key);
    journal_put(intent, "base", claim->base);
    if (json_object_size(claim->options)) {
        json_object_set_new(intent, "options", json_deep_copy(claim->options));
    }
    journal_put(intent, "idem", idem);
    journal_put_int(intent, "attempt", (int64_t)json_array_size(json_object_get(doc, "attempts")) + 1);
    journal_put_int(intent, "at_ms", claim->at_ms);
    json_object_set_new(doc, "intent", intent);
    json_object_set_new(doc, "holder",
                        json_pack("{s:s,s:I,s:s}", "instance", claim->instance, "epoch", (json_int_t)epoch,
                                  "nonce", claim->nonce));
    journal_put_int(doc, "epoch", epoch);
    journal_move(doc, JOURNAL_CLAIMED, STAGE_SUBMITTING);
    free(idem);
    *ret_epoch = epoch;
    return FAULT_OK;
}

bool journal_same_place(const json_t *intent, const char *base, const json_t *options)
{
    const json_t *had = json_object_get(intent, "options");
    const char *at = journal_text(intent, "base");
    bool alike = json_object_size(options) ? json_equal(had, options) : !json_object_size(had);

    return !at || (!strcmp(at, base) && alike);
}

/* The fence: doc is still claimed by this very claim. */
static bool journal_holds(const json_t *doc, const struct journal_hold *hold)
{
    const char *holder = journal_holder(doc);

    return journal_state(doc) == JOURNAL_CLAIMED && holder && !strcmp(holder, hold->instance) &&
           journal_epoch(doc) == hold->epoch;
}

static void journal_unhold(json_t *doc)
{
    json_object_del(doc, "holder");
    json_object_del(doc, "intent");
}

enum fault journal_submitted(json_t *doc, const struct journal_hold *hold, const char *vendor_id,
                             const json_t *vars, int64_t at_ms)
{
    if (journal_state(doc) == JOURNAL_SUBMITTED && journal_epoch(doc) == hold->epoch) {
        return FAULT_OK; /* it stood, and somebody wrote something else on top */
    }
    if (!journal_holds(doc, hold)) {
        return FAULT_CONFLICT;
    }
    json_t *submission = json_deep_copy(journal_intent(doc));
    journal_put(submission, "vendor_id", vendor_id ? vendor_id : "");
    json_object_set_new(submission, "vars", vars ? json_deep_copy(vars) : json_object());
    journal_put_int(submission, "at_ms", at_ms);
    json_object_set_new(doc, "submission", submission);
    journal_unhold(doc);
    journal_move(doc, JOURNAL_SUBMITTED, STAGE_VENDOR_QUEUED);
    return FAULT_OK;
}

void journal_attempt(json_t *doc, const json_t *attempt)
{
    json_t *attempts = json_object_get(doc, "attempts");
    json_t *copy = json_deep_copy(attempt);
    const json_t *intent = journal_intent(doc) ? journal_intent(doc) : journal_submission(doc);

    if (!json_is_array(attempts)) {
        attempts = json_array();
        json_object_set_new(doc, "attempts", attempts);
    }
    journal_put(copy, "target", journal_text(intent, "target"));
    journal_put(copy, "key", journal_text(intent, "key"));
    json_array_append_new(attempts, copy);
    while (json_array_size(attempts) > LIMIT_ATTEMPTS_KEPT) {
        json_array_remove(attempts, 1); /* the first tells how it began, the last how it went on */
    }
}

enum fault journal_refused(json_t *doc, const struct journal_hold *hold, const json_t *attempt, bool costs,
                           enum task_stage stage)
{
    if (!journal_holds(doc, hold)) {
        return FAULT_CONFLICT;
    }
    journal_attempt(doc, attempt);
    journal_put_int(doc, "tries", journal_tries(doc) + (costs ? 1 : 0));
    journal_put_int(doc, "refusals", journal_int(doc, "refusals") + 1);
    journal_unhold(doc);
    journal_move(doc, JOURNAL_ACCEPTED, stage);
    return FAULT_OK;
}

enum fault journal_released(json_t *doc, const struct journal_hold *hold)
{
    if (!journal_holds(doc, hold)) {
        return FAULT_CONFLICT;
    }
    journal_unhold(doc);
    journal_move(doc, JOURNAL_ACCEPTED, STAGE_ACCEPTED);
    return FAULT_OK;
}

enum fault journal_progress(json_t *doc, enum task_stage stage, double progress)
{
    if (journal_state(doc) == JOURNAL_ENDED) {
        return FAULT_CONFLICT;
    }
    journal_move(doc, journal_state(doc), stage);
    if (progress >= 0) {
        json_object_set_new(doc, "progress", json_real(progress));
    }
    return FAULT_OK;
}

enum fault journal_end(json_t *doc, const struct journal_hold *hold, enum task_status status,
                       const json_t *result, int64_t at_ms)
{
    if (journal_state(doc) == JOURNAL_ENDED || (hold && !journal_holds(doc, hold))) {
        return FAULT_CONFLICT;
    }
    json_object_del(doc, "holder");
    json_object_del(doc, "stored"); /* what was kept for going on with it */
    json_object_del(doc, "trouble");
    json_object_del(doc, "input"); /* a dead letter has it */
    journal_put(doc, "state", states[JOURNAL_ENDED]);
    journal_put(doc, "status", task_status_text(status));
    json_object_set(doc, "result", (json_t *)result);
    journal_put_int(doc, "ended_ms", at_ms);
    return FAULT_OK;
}

bool journal_unchanged(const json_t *doc, const json_t *before)
{
    return journal_state(doc) == journal_state(before) && journal_epoch(doc) == journal_epoch(before);
}

static bool journal_untouched(const json_t *doc)
{
    return journal_state(doc) == JOURNAL_ACCEPTED && journal_epoch(doc) == 0;
}

bool journal_withdrawable(const json_t *doc)
{
    return journal_untouched(doc) && !json_is_true(json_object_get(doc, "kept"));
}

enum fault journal_keep(json_t *doc)
{
    if (!journal_untouched(doc)) {
        return FAULT_CONFLICT;
    }
    json_object_set_new(doc, "kept", json_true());
    return FAULT_OK;
}

enum journal_cancelled journal_cancel(json_t *doc)
{
    enum journal_state state = journal_state(doc);

    if (state == JOURNAL_ENDED) {
        return CANCEL_TOO_LATE;
    }
    json_object_set_new(doc, "cancel", json_true());
    if (state == JOURNAL_ACCEPTED) {
        return CANCEL_NOW;
    }
    journal_move(doc, state, STAGE_CANCELLING);
    return CANCEL_REQUESTED;
}

void journal_late(json_t *doc, const json_t *verdict)
{
    json_t *late = json_object_get(doc, "late");

    if (!json_is_array(late)) {
        late = json_array();
        json_object_set_new(doc, "late", late);
    }
    if (json_array_size(late) < LIMIT_ATTEMPTS_KEPT) {
        json_array_append_new(late, json_deep_copy(verdict));
    }
}

void journal_sign(json_t *doc, const char *nonce)
{
    journal_put(doc, "write", nonce);
}
