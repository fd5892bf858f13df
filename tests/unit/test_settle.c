/* test_settle.c - what an ended record leaves on the streams; on a real nats-server. */
#include "storerig.h"

#include "app/settle.h"
#include "core/journal.h"
#include "wire/base64.h"
#include "wire/envelope.h"

struct settled {
    struct rig *rig;
    bool came;
};

static void on_settled(void *arg)
{
    struct settled *d = arg;

    d->came = true;
    rig_done(d->rig);
}

static void settle(struct store *s, const json_t *doc, const struct task *t)
{
    struct settled d = {.rig = s->rig};

    settle_publish(&s->parts, doc, t, on_settled, &d);
    rig_until(s->rig, &d.came);
}

/* The record of a task that ended so, with that many bytes of text in it besides. */
static json_t *ended(const struct task *t, enum task_status status, enum fault fault, size_t bytes)
{
    const struct journal_outcome outcome = {.status = status, .fault = fault, .at_ms = 1};
    json_t *doc = journal_new(t, "d1", false), *result = journal_result_new(doc, &outcome);
    char *text = mem_new(bytes + 1);

    assert_int_equal(journal_end(doc, NULL, status, result, 1), FAULT_OK);
    memset(text, 'x', bytes);
    json_object_set_new(doc, "text", json_string(text));
    free(text);
    json_decref(result);
    return doc;
}

/* The body of the message of that kind, or NULL. The caller gives it back. */
static json_t *left(struct store *s, const struct task *t, const char *stream, const char *kind)
{
    char subject[256];
    struct base64 d = {0};
    json_t *body = NULL;

    snprintf(subject, sizeof(subject), "sluice.%s.%s.%s", kind, t->app, t->id);
    json_t *message = store_message(s, stream, subject);
    const char *data = json_string_value(json_object_get(message, "data"));
    if (data) {
        unsigned char *bytes = mem_new(strlen(data));
        long n = base64_feed(&d, data, strlen(data), bytes);
        assert_true(n > 0 && base64_end(&d));
        assert_int_equal(envelope_read((struct slice){(char *)bytes, (size_t)n}, kind, &body, NULL),
                         FAULT_OK);
        free(bytes);
    }
    json_decref(message);
    return body;
}

static void test_success_leaves_a_result_only(void **state)
{
    /* A completed task has its result on the stream and no dead letter; settled again nothing changes. */
    struct store *s = store_new(rig_of(state));
    struct task *t = store_task();
    json_t *doc = ended(t, TASK_COMPLETED, FAULT_OK, 0);

    settle(s, doc, t);
    json_int_t results = rig_stream_messages(s->rig, STREAM_RESULTS);
    settle(s, doc, t);
    assert_int_equal(rig_stream_messages(s->rig, STREAM_RESULTS), results);
    json_t *result = left(s, t, STREAM_RESULTS, "result");
    assert_true(json_equal(result, journal_result(doc)));
    assert_null(left(s, t, STREAM_DEAD, "dead"));
    json_decref(result);
    json_decref(doc);
    task_free(&t);
    store_free(&s);
}

static void test_giving_up_leaves_a_dead_letter(void **state)
{
    /* A task that was given up has the whole request, its record and the reason in the dead letters. */
    struct store *s = store_new(rig_of(state));
    struct task *t = store_task();
    json_t *doc = ended(t, TASK_FAILED, FAULT_VENDOR_UNAVAILABLE, 0), *whole = task_to_json(t);

    settle(s, doc, t);
    json_t *letter = left(s, t, STREAM_DEAD, "dead"), *result = left(s, t, STREAM_RESULTS, "result");
    assert_true(json_equal(json_object_get(letter, "task"), whole));
    assert_true(json_equal(json_object_get(letter, "record"), doc));
    assert_string_equal(json_string_value(json_object_get(json_object_get(letter, "error"), "code")),
                        "vendor_unavailable");
    assert_non_null(result);
    json_decref(letter);
    json_decref(result);
    json_decref(whole);
    json_decref(doc);
    task_free(&t);
    store_free(&s);
}

static void test_a_large_record_does_not_hold_up_the_result(void **state)
{
    /* Request and record together do not fit into a message: the letter goes without the record, and the
     * result is published all the same. */
    struct store *s = store_new(rig_of(state));
    struct task *t = store_task();
    json_t *doc = ended(t, TASK_FAILED, FAULT_VENDOR_UNAVAILABLE, LIMIT_MESSAGE_BYTES);

    settle(s, doc, t);
    json_t *letter = left(s, t, STREAM_DEAD, "dead"), *result = left(s, t, STREAM_RESULTS, "result");
    assert_non_null(json_object_get(letter, "task"));
    assert_null(json_object_get(letter, "record"));
    assert_non_null(json_object_get(letter, "error"));
    assert_non_null(result);
    json_decref(letter);
    json_decref(result);
    json_decref(doc);
    task_free(&t);
    store_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_success_leaves_a_result_only, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_giving_up_leaves_a_dead_letter, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_a_large_record_does_not_hold_up_the_result, rig_setup,
                                        rig_teardown),
    };
    return cmocka_run_group_tests(tests, store_group_setup, rig_group_teardown);
}
