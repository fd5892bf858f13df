/* test_place.c - one message per placement, whoever comes in whatever order; on a real nats-server. */
#include "storerig.h"

#include "app/place.h"
#include "core/task.h"
#include "wire/base64.h"

struct put_done {
    struct rig *rig;
    bool came;
    enum fault fault;
};

static void on_put(void *arg, enum fault fault)
{
    struct put_done *d = arg;

    d->fault = fault;
    d->came = true;
    rig_done(d->rig);
}

static enum fault put(struct store *s, const struct task *t, enum task_place where, int64_t placement)
{
    struct put_done d = {.rig = s->rig};

    place_put(&s->parts, t, where, placement, -1, on_put, &d);
    rig_until(s->rig, &d.came);
    return d.fault;
}

/* The placement of the message on the task's subject; 0: there is none. */
static int64_t placed(struct store *s, const struct task *t, enum task_place where)
{
    char subject[512];
    struct place_task found = {0};
    struct base64 d = {0};
    unsigned char bytes[4096];

    task_subject(t, where, subject, sizeof(subject));
    json_t *message = store_message(s, where == PLACE_TASKS ? STREAM_TASKS : STREAM_POLL, subject);
    const char *data = json_string_value(json_object_get(message, "data"));
    if (!data) {
        return 0;
    }
    long n = base64_feed(&d, data, strlen(data), bytes);
    assert_true(n > 0 && base64_end(&d));
    assert_int_equal(place_read((struct slice){(char *)bytes, (size_t)n}, &found, NULL), FAULT_OK);
    assert_string_equal(found.task->id, t->id);
    task_free(&found.task);
    json_decref(message);
    return found.placement;
}

static void test_each_placement_is_put_once(void **state)
{
    /* The same placement put twice is one message; a newer one takes its place. */
    struct store *s = store_new(rig_of(state));
    struct task *t = store_task();

    assert_int_equal(put(s, t, PLACE_WAIT, 2), FAULT_OK);
    assert_int_equal(put(s, t, PLACE_WAIT, 2), FAULT_OK);
    json_int_t before = rig_stream_messages(s->rig, STREAM_POLL);
    assert_int_equal(placed(s, t, PLACE_WAIT), 2);
    assert_int_equal(put(s, t, PLACE_WAIT, 3), FAULT_OK);
    assert_int_equal(placed(s, t, PLACE_WAIT), 3);
    assert_int_equal(rig_stream_messages(s->rig, STREAM_POLL), before);
    task_free(&t);
    store_free(&s);
}

static void test_a_late_comer_leaves_the_newer_message(void **state)
{
    /* An agent that slept puts a placement that is over: the newer message stays. Removed it would not come
     * back, since the stream remembers its id. */
    struct store *s = store_new(rig_of(state));
    struct task *t = store_task();

    assert_int_equal(put(s, t, PLACE_WAIT, 3), FAULT_OK);
    assert_int_equal(put(s, t, PLACE_WAIT, 2), FAULT_OK);
    assert_int_equal(placed(s, t, PLACE_WAIT), 3);
    task_free(&t);
    store_free(&s);
}

static void test_another_tasks_message_does_not_count(void **state)
{
    /* What stands on the subject without this task's id in its headers is no placement, and makes room. */
    struct store *s = store_new(rig_of(state));
    struct task *t = store_task();
    char subject[512];

    task_subject(t, PLACE_TASKS, subject, sizeof(subject));
    struct bus_out out = {
        .subject = subject, .payload = slice_of("?"), .msg_id = "stranger:9", .expect_last_seq = -1};
    assert_int_equal(rig_publish(s->rig, &out, 5000).fault, FAULT_OK);
    assert_int_equal(put(s, t, PLACE_TASKS, 1), FAULT_OK);
    assert_int_equal(placed(s, t, PLACE_TASKS), 1);
    task_free(&t);
    store_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_placement_is_put_once, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_a_late_comer_leaves_the_newer_message, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_another_tasks_message_does_not_count, rig_setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, store_group_setup, rig_group_teardown);
}
