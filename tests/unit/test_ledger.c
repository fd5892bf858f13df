/* test_ledger.c - writes to the journal that meet others, limits and absences of NATS; on a real nats-server.
 */
#include "storerig.h"

struct told {
    struct rig *rig;
    bool came;
    enum fault fault;
    json_t *doc;
    uint64_t revision;
};

static void on_told(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct told *t = arg;

    t->fault = fault;
    t->doc = doc ? json_deep_copy(doc) : NULL;
    t->revision = revision;
    t->came = true;
    rig_done(t->rig);
}

static json_t *first_record(const char *digest)
{
    struct task *t = store_task();
    json_t *doc = journal_new(t, digest, false);

    task_free(&t);
    return doc;
}

static const char *id_of(const json_t *doc)
{
    return json_string_value(json_object_get(doc, "id"));
}

static struct told create(struct store *s, const json_t *doc, int64_t limit_ms)
{
    struct told t = {.rig = s->rig};

    ledger_create(s->parts.ledger, json_deep_copy(doc), limit_ms, on_told, &t);
    rig_until(s->rig, &t.came);
    return t;
}

/* What a change shall do, and how often it was asked. */
struct wish {
    const char *member;
    size_t bytes; /* of text under that member */
    enum fault refusal;
    int asked;
};

static enum fault change(json_t *doc, void *arg)
{
    struct wish *w = arg;
    char *text = mem_new(w->bytes + 1);

    memset(text, 'x', w->bytes);
    w->asked++;
    json_object_set_new(doc, w->member, json_string(text));
    free(text);
    return w->refusal;
}

static struct told update(struct store *s, const json_t *doc, const struct told *known, struct wish *wish)
{
    struct told t = {.rig = s->rig};
    const struct ledger_update u = {.app = STORE_APP,
                                    .id = id_of(doc),
                                    .doc = known ? known->doc : NULL,
                                    .revision = known ? known->revision : 0,
                                    .change = change,
                                    .change_arg = wish,
                                    .limit_ms = -1};

    ledger_update(s->parts.ledger, &u, on_told, &t);
    rig_until(s->rig, &t.came);
    return t;
}

static json_t *read_now(struct store *s, const json_t *doc)
{
    struct told t = {.rig = s->rig};

    ledger_get(s->parts.ledger, STORE_APP, id_of(doc), true, on_told, &t);
    rig_until(s->rig, &t.came);
    return t.doc;
}

static void test_first_record_is_the_only_one(void **state)
{
    /* Who comes second with the same name is told what is there. */
    struct store *s = store_new(rig_of(state));
    json_t *doc = first_record("d1"), *other = json_deep_copy(doc);

    json_object_set_new(other, "digest", json_string("d2"));
    struct told one = create(s, doc, 5000), two = create(s, other, 5000);
    assert_int_equal(one.fault, FAULT_OK);
    assert_int_equal(two.fault, FAULT_CONFLICT);
    assert_string_equal(json_string_value(json_object_get(two.doc, "digest")), "d1");
    assert_int_equal(one.revision, two.revision);
    json_decref(one.doc);
    json_decref(two.doc);
    json_decref(doc);
    json_decref(other);
    store_free(&s);
}

static void test_a_write_on_an_old_record_is_made_again(void **state)
{
    /* A change made on a record that somebody has changed since is applied to what is there now: both stand.
     */
    struct store *s = store_new(rig_of(state));
    json_t *doc = first_record("d1");
    struct told old = create(s, doc, 5000);
    struct wish a = {.member = "a", .bytes = 1}, b = {.member = "b", .bytes = 1};
    struct told one = update(s, doc, &old, &a), two = update(s, doc, &old, &b);

    assert_int_equal(one.fault, FAULT_OK);
    assert_int_equal(two.fault, FAULT_OK);
    assert_int_equal(b.asked, 2);
    json_t *now = read_now(s, doc);
    assert_non_null(json_object_get(now, "a"));
    assert_non_null(json_object_get(now, "b"));
    json_decref(now);
    json_decref(old.doc);
    json_decref(one.doc);
    json_decref(two.doc);
    json_decref(doc);
    store_free(&s);
}

static void test_a_refusal_tells_the_record(void **state)
{
    /* A change that does not apply writes nothing, and its caller sees why. */
    struct store *s = store_new(rig_of(state));
    json_t *doc = first_record("d1");
    struct told old = create(s, doc, 5000);
    struct wish no = {.member = "a", .bytes = 1, .refusal = FAULT_CANCELLED};
    struct told t = update(s, doc, NULL, &no);

    assert_int_equal(t.fault, FAULT_CANCELLED);
    assert_string_equal(id_of(t.doc), id_of(doc));
    assert_null(json_object_get(t.doc, "a"));
    json_decref(t.doc);
    json_decref(old.doc);
    json_decref(doc);
    store_free(&s);
}

static void test_what_does_not_fit_is_told(void **state)
{
    /* A write that must stand is repeated for ever, but not one that can never be stored. */
    struct store *s = store_new(rig_of(state));
    json_t *doc = first_record("d1");
    struct told old = create(s, doc, 5000);
    struct wish huge = {.member = "a", .bytes = LIMIT_MESSAGE_BYTES - 1000},
                large = {.member = "a", .bytes = 1000000};
    struct told t = update(s, doc, &old, &huge);

    assert_int_equal(t.fault, FAULT_TOO_LARGE);
    json_decref(t.doc);
    t = update(s, doc, &old, &large);
    assert_int_equal(t.fault, FAULT_OK);
    json_decref(t.doc);
    json_decref(old.doc);
    json_decref(doc);
    store_free(&s);
}

static void test_surely_not_stored(void **state)
{
    /* A record that never went out because NATS was away is surely not stored. */
    struct store *s = store_new(rig_of(state));
    json_t *doc = first_record("d1");

    natsd_end(&rig_server, SIGKILL);
    rig_wait_for(s->rig, false);
    struct told t = create(s, doc, 600);
    assert_int_equal(t.fault, FAULT_BUS_DOWN);
    natsd_start(&rig_server);
    rig_wait_for(s->rig, true);
    assert_null(read_now(s, doc));
    json_decref(doc);
    store_free(&s);
}

static void test_a_verdict_outlives_an_absence(void **state)
{
    /* A write that must stand waits for NATS and then stands, once. */
    struct store *s = store_new(rig_of(state));
    json_t *doc = first_record("d1");
    struct told old = create(s, doc, 5000), t = {.rig = s->rig};
    struct wish a = {.member = "a", .bytes = 1};
    const struct ledger_update u = {.app = STORE_APP,
                                    .id = id_of(doc),
                                    .doc = old.doc,
                                    .revision = old.revision,
                                    .change = change,
                                    .change_arg = &a,
                                    .limit_ms = -1};

    natsd_end(&rig_server, SIGKILL);
    rig_wait_for(s->rig, false);
    ledger_update(s->parts.ledger, &u, on_told, &t);
    rig_sleep(s->rig, 1000);
    assert_false(t.came);
    assert_int_equal(ledger_pending(s->parts.ledger), 1);
    natsd_start(&rig_server);
    rig_until(s->rig, &t.came);
    assert_int_equal(t.fault, FAULT_OK);
    assert_int_equal(ledger_pending(s->parts.ledger), 0);
    json_t *now = read_now(s, doc);
    assert_non_null(json_object_get(now, "a"));
    json_decref(now);
    json_decref(t.doc);
    json_decref(old.doc);
    json_decref(doc);
    store_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_first_record_is_the_only_one, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_a_write_on_an_old_record_is_made_again, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_a_refusal_tells_the_record, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_what_does_not_fit_is_told, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_surely_not_stored, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_a_verdict_outlives_an_absence, rig_setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, store_group_setup, rig_group_teardown);
}
