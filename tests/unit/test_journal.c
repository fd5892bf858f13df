/* test_journal.c - the rules of a task's record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/journal.h"

#define ID "01973f5e-7c1a-7b8e-9d3a-2f6c1e0a4b5d"

static json_t *new_doc(void)
{
    char model[] = "m";
    struct task t = {.id = ID,
                     .app = "demo",
                     .lane = "default",
                     .model = model,
                     .kind = KIND_IMAGE_GENERATE,
                     .accepted_ms = 1000,
                     .deadline_ms = 60000};

    t.input = json_object();
    json_t *doc = journal_new(&t, "d1", false);
    json_decref(t.input);
    return doc;
}

static struct journal_claim claim_of(const char *instance, const char *nonce)
{
    return (struct journal_claim){.instance = instance,
                                  .nonce = nonce,
                                  .target = "a/vm",
                                  .adapter = "a",
                                  .adapter_digest = "0011",
                                  .op = "generate",
                                  .key = "main",
                                  .at_ms = 2000};
}

static const char *idem_of(const json_t *doc)
{
    return json_string_value(json_object_get(journal_intent(doc), "idem"));
}

static json_t *result_of(const json_t *doc, enum task_status status)
{
    const struct journal_outcome o = {.status = status, .fault = FAULT_VENDOR_FAILED, .at_ms = 3000};
    return journal_result_new(doc, &o);
}

static void test_new_record_is_claimable(void **state)
{
    /* A record just made passes its own check and may be claimed. */
    (void)state;
    json_t *doc = new_doc();

    assert_int_equal(journal_check(doc, NULL), FAULT_OK);
    assert_int_equal(journal_next(doc, false), JOURNAL_CLAIM);
    assert_int_equal(journal_status(doc), TASK_QUEUED);
    assert_int_equal(journal_placement(doc), 1);
    json_decref(doc);
}

static void test_damaged_record_is_bad_data(void **state)
{
    /* Each member that the rules rely on is missed when it is gone. */
    (void)state;
    static const char *const needed[] = {"id",    "app",   "model",     "state", "status",
                                         "stage", "where", "placement", "epoch"};

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        json_t *doc = new_doc();
        json_object_del(doc, needed[i]);
        assert_int_equal(journal_check(doc, NULL), FAULT_BAD_DATA);
        json_decref(doc);
    }
}

static void test_record_lacks_what_its_state_needs(void **state)
{
    /* A claimed record without a holder, a submitted one without its submission and an ended one without a
     * result are bad data: nobody may go on with them. */
    (void)state;
    static const struct {
        const char *state, *gone;
    } rows[] = {
        {"claimed", "holder"}, {"claimed", "intent"}, {"submitted", "submission"}, {"ended", "result"}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *doc = new_doc();
        struct journal_claim a = claim_of("A", "n1");
        const struct journal_hold hold = {"A", 1};
        int64_t epoch;
        assert_int_equal(journal_claim(doc, &a, &epoch), FAULT_OK);
        if (strcmp(rows[i].state, "claimed") != 0) {
            assert_int_equal(journal_submitted(doc, &hold, "v1", NULL, 5), FAULT_OK);
        }
        if (!strcmp(rows[i].state, "ended")) {
            json_t *result = result_of(doc, TASK_COMPLETED);
            json_object_set_new(doc, "stored", json_array());
            json_object_set_new(doc, "trouble", json_string("x"));
            assert_int_equal(journal_end(doc, NULL, TASK_COMPLETED, result, 7), FAULT_OK);
            assert_null(json_object_get(doc, "stored")); /* what was kept for going on with it */
            assert_null(json_object_get(doc, "trouble"));
            json_decref(result);
        }
        assert_int_equal(journal_check(doc, NULL), FAULT_OK);
        json_object_del(doc, rows[i].gone);
        assert_int_equal(journal_check(doc, NULL), FAULT_BAD_DATA);
        json_decref(doc);
    }
}

static void test_second_claim_loses(void **state)
{
    /* While a living agent holds the task nobody else claims it; the same claim applied twice stands once. */
    (void)state;
    json_t *doc = new_doc();
    struct journal_claim a = claim_of("A", "n1"), b = claim_of("B", "n2");
    int64_t epoch = 0;

    assert_int_equal(journal_claim(doc, &a, &epoch), FAULT_OK);
    assert_int_equal(epoch, 1);
    assert_int_equal(journal_claim(doc, &b, &epoch), FAULT_CONFLICT);
    assert_int_equal(journal_claim(doc, &a, &epoch), FAULT_OK);
    assert_int_equal(epoch, 1);
    assert_int_equal(journal_next(doc, true), JOURNAL_BUSY);
    assert_int_equal(journal_next(doc, false), JOURNAL_TAKE_OVER);
    json_decref(doc);
}

static void test_overtaking_keeps_the_idempotency_key(void **state)
{
    /* Who takes over submits with the key of the submission whose outcome is unknown; who comes after a
     * refusal uses a new one. */
    (void)state;
    json_t *doc = new_doc(), *attempt = json_pack("{s:s}", "class", "retry");
    struct journal_claim a = claim_of("A", "n1"), b = claim_of("B", "n2"), c = claim_of("B", "n3");
    int64_t epoch;

    assert_int_equal(journal_claim(doc, &a, &epoch), FAULT_OK);
    assert_string_equal(idem_of(doc), ID "-1");
    b.take_over = true;
    b.over = 1;
    assert_int_equal(journal_claim(doc, &b, &epoch), FAULT_OK);
    assert_int_equal(epoch, 2);
    assert_string_equal(idem_of(doc), ID "-1");
    const struct journal_hold hold = {"B", 2};
    assert_int_equal(journal_refused(doc, &hold, attempt, true, STAGE_RETRY_WAIT), FAULT_OK);
    assert_int_equal(journal_claim(doc, &c, &epoch), FAULT_OK);
    assert_string_equal(idem_of(doc), ID "-2");
    json_decref(attempt);
    json_decref(doc);
}

static void test_overtaking_names_the_claim_it_overtakes(void **state)
{
    /* Two agents that both see the holder gone: the second does not overtake the first. */
    (void)state;
    json_t *doc = new_doc();
    struct journal_claim a = claim_of("A", "n1"), b = claim_of("B", "n2"), c = claim_of("C", "n3");
    int64_t epoch;

    assert_int_equal(journal_claim(doc, &a, &epoch), FAULT_OK);
    b.take_over = c.take_over = true;
    b.over = c.over = 1;
    assert_int_equal(journal_claim(doc, &b, &epoch), FAULT_OK);
    assert_int_equal(journal_claim(doc, &c, &epoch), FAULT_CONFLICT);
    json_decref(doc);
}

static void test_fenced_holder_decides_nothing(void **state)
{
    /* An overtaken holder can neither submit, refuse, release nor end. */
    (void)state;
    json_t *doc = new_doc(), *attempt = json_object(), *result = result_of(doc, TASK_FAILED);
    struct journal_claim a = claim_of("A", "n1"), b = claim_of("B", "n2");
    const struct journal_hold old = {"A", 1};
    int64_t epoch;

    assert_int_equal(journal_claim(doc, &a, &epoch), FAULT_OK);
    b.take_over = true;
    b.over = 1;
    assert_int_equal(journal_claim(doc, &b, &epoch), FAULT_OK);
    json_t *before = json_deep_copy(doc);
    assert_int_equal(journal_submitted(doc, &old, "v1", NULL, 1), FAULT_CONFLICT);
    assert_int_equal(journal_refused(doc, &old, attempt, true, STAGE_RETRY_WAIT), FAULT_CONFLICT);
    assert_int_equal(journal_released(doc, &old), FAULT_CONFLICT);
    assert_int_equal(journal_end(doc, &old, TASK_FAILED, result, 1), FAULT_CONFLICT);
    assert_true(json_equal(before, doc));
    json_decref(before);
    json_decref(attempt);
    json_decref(result);
    json_decref(doc);
}

static void test_submitted_task_is_polled_never_submitted(void **state)
{
    /* With the vendor's acceptance recorded nobody can claim; the write may be repeated. */
    (void)state;
    json_t *doc = new_doc(), *vars = json_pack("{s:s}", "poll", "https://v/1");
    struct journal_claim a = claim_of("A", "n1"), b = claim_of("B", "n2");
    const struct journal_hold hold = {"A", 1};
    int64_t epoch;

    assert_int_equal(journal_claim(doc, &a, &epoch), FAULT_OK);
    assert_int_equal(journal_submitted(doc, &hold, "v1", vars, 5), FAULT_OK);
    assert_int_equal(journal_submitted(doc, &hold, "v1", vars, 5), FAULT_OK);
    assert_int_equal(journal_next(doc, false), JOURNAL_POLL);
    b.take_over = true;
    b.over = 1;
    assert_int_equal(journal_claim(doc, &b, &epoch), FAULT_CONFLICT);
    assert_string_equal(json_string_value(json_object_get(journal_submission(doc), "vendor_id")), "v1");
    assert_string_equal(json_string_value(json_object_get(journal_submission(doc), "key")), "main");
    json_decref(vars);
    json_decref(doc);
}

static void test_task_ends_once(void **state)
{
    /* The first terminal write stands; a second changes nothing. */
    (void)state;
    json_t *doc = new_doc(), *one = result_of(doc, TASK_COMPLETED), *two = result_of(doc, TASK_FAILED);

    assert_int_equal(journal_end(doc, NULL, TASK_COMPLETED, one, 7), FAULT_OK);
    assert_int_equal(journal_end(doc, NULL, TASK_FAILED, two, 8), FAULT_CONFLICT);
    assert_int_equal(journal_status(doc), TASK_COMPLETED);
    assert_true(json_equal(journal_result(doc), one));
    assert_int_equal(journal_next(doc, true), JOURNAL_SETTLE);
    json_decref(one);
    json_decref(two);
    json_decref(doc);
}

static void test_cancel_by_stage(void **state)
{
    /* Unclaimed: cancelled at once. Claimed: a request. Ended: too late. A cancelled task is not claimed. */
    (void)state;
    json_t *fresh = new_doc(), *held = new_doc();
    struct journal_claim a = claim_of("A", "n1");
    int64_t epoch;

    assert_int_equal(journal_cancel(fresh), CANCEL_NOW);
    assert_int_equal(journal_claim(fresh, &a, &epoch), FAULT_CANCELLED);
    assert_int_equal(journal_claim(held, &a, &epoch), FAULT_OK);
    assert_int_equal(journal_cancel(held), CANCEL_REQUESTED);
    assert_true(journal_cancel_asked(held));
    assert_int_equal(journal_stage(held), STAGE_CANCELLING);
    json_t *result = result_of(held, TASK_COMPLETED);
    assert_int_equal(journal_end(held, NULL, TASK_COMPLETED, result, 1), FAULT_OK);
    assert_int_equal(journal_cancel(held), CANCEL_TOO_LATE);
    json_decref(result);
    json_decref(fresh);
    json_decref(held);
}

static void test_withdrawn_only_when_nobody_counts_on_it(void **state)
{
    /* A task whose acceptance was not confirmed may be withdrawn until somebody claims it or is told that it
     * is taken; a refused one that waits again was claimed before. */
    (void)state;
    json_t *kept = new_doc(), *claimed = new_doc(), *attempt = json_object();
    struct journal_claim a = claim_of("A", "n1");
    const struct journal_hold hold = {"A", 1};
    int64_t epoch;

    assert_true(journal_withdrawable(kept));
    assert_int_equal(journal_keep(kept), FAULT_OK);
    assert_false(journal_withdrawable(kept));
    assert_int_equal(journal_next(kept, true), JOURNAL_CLAIM);
    assert_int_equal(journal_claim(claimed, &a, &epoch), FAULT_OK);
    assert_false(journal_withdrawable(claimed));
    assert_int_equal(journal_refused(claimed, &hold, attempt, true, STAGE_RETRY_WAIT), FAULT_OK);
    assert_false(journal_withdrawable(claimed));
    assert_int_equal(journal_keep(claimed), FAULT_CONFLICT);
    json_decref(attempt);
    json_decref(claimed);
    json_decref(kept);
}

static void test_placements_count_and_fit_the_state(void **state)
{
    /* Each placement has its own number; only a submitted task waits at a vendor, only an unsubmitted one
     * elsewhere. */
    (void)state;
    json_t *doc = new_doc();
    struct journal_claim a = claim_of("A", "n1");
    const struct journal_hold hold = {"A", 1};
    int64_t epoch;

    assert_int_equal(journal_place(doc, PLACE_VENDOR, STAGE_VENDOR_QUEUED), FAULT_CONFLICT);
    assert_int_equal(journal_place(doc, PLACE_WAIT, STAGE_RETRY_WAIT), FAULT_OK);
    assert_int_equal(journal_placement(doc), 2);
    assert_int_equal(journal_claim(doc, &a, &epoch), FAULT_OK);
    assert_int_equal(journal_submitted(doc, &hold, "v", NULL, 1), FAULT_OK);
    assert_int_equal(journal_place(doc, PLACE_WAIT, STAGE_RETRY_WAIT), FAULT_CONFLICT);
    assert_int_equal(journal_place(doc, PLACE_VENDOR, STAGE_VENDOR_QUEUED), FAULT_OK);
    assert_int_equal(journal_placement(doc), 3);
    assert_int_equal(journal_where(doc), PLACE_VENDOR);
    json_decref(doc);
}

static void test_late_verdict_is_found_by_its_key(void **state)
{
    /* The verdict of an overtaken holder is a fact for whoever holds the same submission now. */
    (void)state;
    json_t *doc = new_doc(),
           *yes = json_pack("{s:s,s:s,s:s}", "idem", "k1", "outcome", "submitted", "vendor_id", "v9"),
           *no = json_pack("{s:s,s:s}", "idem", "k2", "outcome", "rejected");

    assert_null(journal_late_submission(doc, "k1"));
    journal_late(doc, no);
    journal_late(doc, yes);
    assert_null(journal_late_submission(doc, "k2"));
    assert_string_equal(json_string_value(json_object_get(journal_late_submission(doc, "k1"), "vendor_id")),
                        "v9");
    json_decref(yes);
    json_decref(no);
    json_decref(doc);
}

static void test_attempts_are_bounded(void **state)
{
    /* A task that is refused a thousand times keeps a record of bounded size, the first attempt in it. */
    (void)state;
    json_t *doc = new_doc();

    for (int i = 0; i < 1000; i++) {
        json_t *attempt = json_pack("{s:i}", "n", i);
        journal_attempt(doc, attempt);
        json_decref(attempt);
    }
    const json_t *attempts = json_object_get(doc, "attempts");
    assert_int_equal(json_array_size(attempts), LIMIT_ATTEMPTS_KEPT);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(attempts, 0), "n")), 0);
    assert_int_equal(
        json_integer_value(json_object_get(json_array_get(attempts, LIMIT_ATTEMPTS_KEPT - 1), "n")), 999);
    json_decref(doc);
}

static void test_given_up_is_what_may_be_sent_again(void **state)
{
    /* A vendor's failure goes to the dead letters; a refusal of the request itself does not; nor does
     * success. */
    (void)state;
    static const struct {
        enum task_status status;
        enum fault fault;
        bool given_up;
    } rows[] = {
        {TASK_COMPLETED, FAULT_OK, false},          {TASK_FAILED, FAULT_VENDOR_FAILED, true},
        {TASK_FAILED, FAULT_OUTCOME_UNKNOWN, true}, {TASK_EXPIRED, FAULT_EXPIRED, true},
        {TASK_FAILED, FAULT_CONTENT_POLICY, false}, {TASK_FAILED, FAULT_VENDOR_REJECTED, false},
        {TASK_CANCELLED, FAULT_CANCELLED, false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *doc = new_doc();
        const struct journal_outcome o = {.status = rows[i].status, .fault = rows[i].fault, .at_ms = 1};
        json_t *result = journal_result_new(doc, &o);
        assert_int_equal(journal_end(doc, NULL, rows[i].status, result, 1), FAULT_OK);
        assert_int_equal(journal_given_up(doc), rows[i].given_up);
        json_decref(result);
        json_decref(doc);
    }
}

static void test_unknown_members_survive(void **state)
{
    /* What a newer agent wrote is still there after an older one's write. */
    (void)state;
    json_t *doc = new_doc();
    struct journal_claim a = claim_of("A", "n1");
    int64_t epoch;

    json_object_set_new(doc, "from_tomorrow", json_integer(42));
    assert_int_equal(journal_claim(doc, &a, &epoch), FAULT_OK);
    assert_int_equal(json_integer_value(json_object_get(doc, "from_tomorrow")), 42);
    json_decref(doc);
}

static void test_view_tells_why_a_task_waits(void **state)
{
    /* A task that was refused shows the last try while it waits for the next, not before it and not in it. */
    (void)state;
    json_t *doc = new_doc(), *view = journal_view(doc);
    struct journal_claim a = claim_of("A", "n1"), again = claim_of("A", "n2");
    const struct journal_hold hold = {"A", 1};
    json_t *attempt = json_pack("{s:s,s:I,s:i,s:s}", "class", "rate_limited", "at_ms", (json_int_t)5, "http",
                                429, "text", "slow down");
    json_t *told = json_pack("{s:s,s:s,s:i}", "code", "rate_limited", "message", "slow down", "http", 429);
    int64_t epoch;

    assert_null(json_object_get(view, "last_error"));
    json_decref(view);
    assert_int_equal(journal_claim(doc, &a, &epoch), FAULT_OK);
    assert_int_equal(journal_refused(doc, &hold, attempt, false, STAGE_RATE_LIMITED), FAULT_OK);
    view = journal_view(doc);
    assert_true(json_equal(json_object_get(view, "last_error"), told));
    json_decref(view);
    assert_int_equal(journal_claim(doc, &again, &epoch), FAULT_OK);
    view = journal_view(doc);
    assert_null(json_object_get(view, "last_error"));
    json_decref(view);
    json_decref(attempt);
    json_decref(told);
    json_decref(doc);
}

static void test_view_shows_state_then_result(void **state)
{
    /* An app sees status and stage while the task lives, and exactly the result afterwards. */
    (void)state;
    json_t *doc = new_doc(), *view = journal_view(doc);

    assert_string_equal(json_string_value(json_object_get(view, "status")), "queued");
    assert_string_equal(json_string_value(json_object_get(view, "stage")), "accepted");
    assert_int_equal(json_integer_value(json_object_get(view, "created_at")), 1);
    json_decref(view);
    json_t *result = result_of(doc, TASK_FAILED);
    assert_string_equal(json_string_value(json_object_get(json_object_get(result, "error"), "code")),
                        "vendor_failed");
    assert_int_equal(journal_end(doc, NULL, TASK_FAILED, result, 9), FAULT_OK);
    view = journal_view(doc);
    assert_true(json_equal(view, result));
    json_decref(view);
    json_decref(result);
    json_decref(doc);
}

/* ---- the rules under thousands of random schedules ---- */

struct actor {
    char name[16];
    int64_t epoch;    /* of its claim; 0: none */
    bool alive, sent; /* sent: its submission reached the vendor and it has not written the verdict */
};

static uint64_t draw(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* One step of one actor on the shared record; gives the submissions that the vendor got by it. */
static int step(json_t *doc, struct actor *a, struct actor *actors, int n, uint64_t *seed, int *ended)
{
    char nonce[32];
    bool holder_alive = false;
    struct journal_claim claim;

    for (int i = 0; i < n; i++) {
        const char *holder = journal_holder(doc);
        holder_alive |= holder && actors[i].alive && !strcmp(actors[i].name, holder);
    }
    if (a->sent) { /* writes the verdict, or dies before */
        const struct journal_hold hold = {a->name, a->epoch};
        a->sent = false;
        if (draw(seed) % 4 == 0) {
            a->alive = false;
        } else if (journal_submitted(doc, &hold, "v", NULL, 1) == FAULT_CONFLICT) {
            json_t *late = json_pack("{s:s,s:s}", "idem", "?", "outcome", "submitted");
            journal_late(doc, late);
            json_decref(late);
        }
        return 0;
    }
    snprintf(nonce, sizeof(nonce), "%llu", (unsigned long long)draw(seed));
    claim = claim_of(a->name, nonce);
    switch (journal_next(doc, holder_alive)) {
    case JOURNAL_CLAIM:
        a->sent = journal_claim(doc, &claim, &a->epoch) == FAULT_OK;
        return a->sent ? 1 : 0;
    case JOURNAL_TAKE_OVER: { /* no idempotency key: the outcome stays unknown */
        json_t *result = result_of(doc, TASK_FAILED);
        *ended += journal_end(doc, NULL, TASK_FAILED, result, 1) == FAULT_OK;
        json_decref(result);
        return 0;
    }
    case JOURNAL_POLL: {
        json_t *result = result_of(doc, TASK_COMPLETED);
        *ended += journal_end(doc, NULL, TASK_COMPLETED, result, 1) == FAULT_OK;
        json_decref(result);
        return 0;
    }
    case JOURNAL_BUSY:
    case JOURNAL_SETTLE:
        return 0;
    }
    return 0;
}

static void test_no_schedule_pays_twice_or_ends_twice(void **state)
{
    /* Over 20,000 random schedules of agents that claim, submit, die and come back: at most one submission,
     * exactly one end. */
    (void)state;
    for (uint64_t round = 1; round <= 20000; round++) {
        struct actor actors[3] = {
            {.name = "A", .alive = true}, {.name = "B", .alive = true}, {.name = "C", .alive = true}};
        uint64_t seed = round;
        json_t *doc = new_doc();
        int paid = 0, ended = 0;

        for (int i = 0; i < 40; i++) {
            struct actor *a = &actors[draw(&seed) % 3];
            if (a->alive) {
                paid += step(doc, a, actors, 3, &seed, &ended);
            } else if (draw(&seed) % 3 == 0) {
                a->alive = true; /* restarted: a new instance */
                snprintf(a->name, sizeof(a->name), "%c%d", a->name[0], i);
            }
        }
        if (paid > 1 || ended != 1) {
            print_message("seed %llu: paid %d, ended %d\n", (unsigned long long)round, paid, ended);
        }
        assert_true(paid <= 1);
        assert_int_equal(ended, 1);
        json_decref(doc);
    }
}

static void test_place(void **state)
{
    /* An intent is of one place: base and options as they were; records of before they were kept fit any. */
    json_t *doc = new_doc(), *options = json_pack("{s:s}", "region", "eu"),
           *other = json_pack("{s:s}", "region", "us");
    struct journal_claim claim = claim_of("A", "n1");
    int64_t epoch = 0;

    (void)state;
    assert_int_equal(journal_claim(doc, &claim, &epoch), FAULT_OK);
    assert_true(journal_same_place(journal_intent(doc), "https://a", options));
    json_decref(doc);
    doc = new_doc();
    claim.base = "https://a";
    claim.options = options;
    assert_int_equal(journal_claim(doc, &claim, &epoch), FAULT_OK);
    assert_true(journal_same_place(journal_intent(doc), "https://a", options));
    assert_false(journal_same_place(journal_intent(doc), "https://b", options));
    assert_false(journal_same_place(journal_intent(doc), "https://a", other));
    assert_false(journal_same_place(journal_intent(doc), "https://a", NULL));
    json_decref(doc);
    json_decref(options);
    json_decref(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_record_is_claimable),
        cmocka_unit_test(test_damaged_record_is_bad_data),
        cmocka_unit_test(test_record_lacks_what_its_state_needs),
        cmocka_unit_test(test_second_claim_loses),
        cmocka_unit_test(test_overtaking_keeps_the_idempotency_key),
        cmocka_unit_test(test_overtaking_names_the_claim_it_overtakes),
        cmocka_unit_test(test_fenced_holder_decides_nothing),
        cmocka_unit_test(test_submitted_task_is_polled_never_submitted),
        cmocka_unit_test(test_task_ends_once),
        cmocka_unit_test(test_cancel_by_stage),
        cmocka_unit_test(test_withdrawn_only_when_nobody_counts_on_it),
        cmocka_unit_test(test_placements_count_and_fit_the_state),
        cmocka_unit_test(test_late_verdict_is_found_by_its_key),
        cmocka_unit_test(test_attempts_are_bounded),
        cmocka_unit_test(test_given_up_is_what_may_be_sent_again),
        cmocka_unit_test(test_unknown_members_survive),
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_view_tells_why_a_task_waits),
        cmocka_unit_test(test_view_shows_state_then_result),
        cmocka_unit_test(test_no_schedule_pays_twice_or_ends_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
