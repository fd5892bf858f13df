/* test_pull.c - pull consumers on a real server: credit, acks, and what happens when the server or the
 * consumer goes. */
#include "busrig.h"

#include "base/list.h"
#include "edge/pull.h"

#define KEPT 512

struct sink {
    struct rig *rig;
    struct pull *pull;
    int n;
    struct pull_msg *kept[KEPT];
    bool ack;   /* at once, instead of keeping */
    bool quiet; /* nobody waits for each message */
    int more;   /* credit to add after each */
    char last[64];
};

static void sink_got(void *arg, struct pull_msg *msg)
{
    struct sink *s = arg;

    assert_int_equal(msg->payload[msg->n], 0);
    assert_true(msg->seq > 0 && msg->delivered > 0 && msg->time_ms > 1600000000000);
    snprintf(s->last, sizeof(s->last), "%s", msg->payload);
    s->n++;
    if (s->ack) {
        pull_ack(&msg, NULL, NULL);
    } else {
        assert_true(s->n <= KEPT);
        s->kept[s->n - 1] = msg;
    }
    if (s->more) {
        pull_want(s->pull, pull_credit(s->pull) + s->more);
    }
    if (!s->quiet) {
        rig_done(s->rig);
    }
}

static void sink_forget(struct sink *s)
{
    for (int i = 0; i < KEPT; i++) {
        if (s->kept[i]) {
            pull_forget(&s->kept[i]);
        }
    }
    pull_free(&s->pull);
}

static char queue_name[16]; /* of the test that runs */

/* A subject of the API for the queue or, with "c" at its end, its consumer. */
static const char *api(const char *what, const char *end)
{
    static char subject[96];

    snprintf(subject, sizeof(subject), "$JS.API.%s.%s%s", what, queue_name, end);
    return subject;
}

static void consumer(struct rig *r, int64_t ack_wait_ms)
{
    rig_make(r, api("CONSUMER.DURABLE.CREATE", ".c"),
             json_pack("{s:s, s:{s:s, s:s, s:I, s:i}}", "stream_name", queue_name, "config", "durable_name",
                       "c", "ack_policy", "explicit", "ack_wait", (json_int_t)ack_wait_ms * 1000000,
                       "max_ack_pending", 1000));
}

/* The next work queue's name; each test has its own, since a stream that is made again under a name just
 * deleted may get its old messages back from server 2.15.1. */
static void name_queue(void)
{
    static int queues;

    snprintf(queue_name, sizeof(queue_name), "Q%d", ++queues);
}

static void make_queue(struct rig *r, int64_t ack_wait_ms)
{
    rig_stream(r, queue_name, json_pack("{s:s}", "retention", "workqueue"));
    consumer(r, ack_wait_ms);
}

/* A fresh work queue with a consumer "c". */
static void queue(struct rig *r, int64_t ack_wait_ms)
{
    name_queue();
    make_queue(r, ack_wait_ms);
}

/* "<queue>.a" */
static const char *topic(void)
{
    static char subject[32];

    snprintf(subject, sizeof(subject), "%s.a", queue_name);
    return subject;
}

static void fill(struct rig *r, int n)
{
    for (int i = 0; i < n; i++) {
        char text[16];
        snprintf(text, sizeof(text), "m%d", i);
        assert_int_equal(rig_put(r, topic(), text).fault, FAULT_OK);
    }
}

static struct sink sink(struct rig *r)
{
    struct sink s = {.rig = r};

    return s;
}

static void start(struct sink *s)
{
    s->pull = pull_new(s->rig->bus, queue_name, "c", sink_got, s);
}

/* Acks that nobody waits for take a moment. */
static void wait_until_empty(struct rig *r)
{
    for (int i = 0; i < 500 && rig_stream_messages(r, queue_name) > 0; i++) {
        rig_sleep(r, 10);
    }
    assert_int_equal(rig_stream_messages(r, queue_name), 0);
}

static json_int_t consumer_number(struct rig *r, const char *name)
{
    json_t *info = rig_api(r, api("CONSUMER.INFO", ".c"), NULL);
    json_int_t n = json_integer_value(json_object_get(info, name));

    json_decref(info);
    return n;
}

static void credit_bounds_what_comes(void **state)
{
    /* Nothing without pull_want; then just as many as wanted, in order, with their numbers; each delivery
     * takes one. */
    struct rig *r = rig_of(state);
    struct sink s = sink(r);

    queue(r, 30000);
    fill(r, 10);
    start(&s);
    rig_sleep(r, 50);
    assert_int_equal(s.n, 0);
    pull_want(s.pull, 3);
    rig_wait(r, 3);
    rig_sleep(r, 100);
    assert_int_equal(s.n, 3);
    assert_int_equal(pull_credit(s.pull), 0);
    assert_string_equal(s.kept[0]->payload, "m0");
    assert_string_equal(s.kept[2]->subject, topic());
    assert_int_equal(s.kept[2]->seq, 3);
    assert_int_equal(s.kept[2]->delivered, 1);
    assert_int_equal(s.kept[2]->pending, 7);
    pull_want(s.pull, 2);
    rig_wait(r, 2);
    assert_string_equal(s.last, "m4");
    sink_forget(&s);
}

static void acked(void *arg, enum fault fault)
{
    struct rig_ack *a = arg;

    a->ack.fault = fault;
    rig_done(a->rig);
}

static void ack_is_confirmed(void **state)
{
    /* pull_ack calls back when the server has it: the message is gone from the queue. */
    struct rig *r = rig_of(state);
    struct sink s = sink(r);
    struct rig_ack a = {.rig = r, .ack.fault = FAULT_INTERNAL};

    queue(r, 30000);
    fill(r, 1);
    start(&s);
    pull_want(s.pull, 1);
    rig_wait(r, 1);
    pull_ack(&s.kept[0], acked, &a);
    assert_null(s.kept[0]);
    rig_wait(r, 1);
    assert_int_equal(a.ack.fault, FAULT_OK);
    assert_int_equal(consumer_number(r, "num_ack_pending"), 0);
    assert_int_equal(rig_stream_messages(r, queue_name), 0);
    sink_forget(&s);
}

static void nak_comes_back(void **state)
{
    /* Without delay at once, with delay not before; the count of deliveries grows. */
    struct rig *r = rig_of(state);
    struct sink s = sink(r);

    queue(r, 30000);
    fill(r, 1);
    start(&s);
    pull_want(s.pull, 3);
    rig_wait(r, 1);
    pull_nak(&s.kept[0], 0);
    rig_wait(r, 1);
    assert_int_equal(s.kept[1]->delivered, 2);
    int64_t start_ms = loop_now_ms(r->loop);
    pull_nak(&s.kept[1], 400);
    rig_wait(r, 1);
    assert_true(loop_now_ms(r->loop) - start_ms >= 350); /* the server rounds */
    assert_int_equal(s.kept[2]->delivered, 3);
    sink_forget(&s);
}

static void term_ends_it(void **state)
{
    /* A terminated message never comes again and leaves the queue. */
    struct rig *r = rig_of(state);
    struct sink s = sink(r);

    queue(r, 30000);
    fill(r, 1);
    start(&s);
    pull_want(s.pull, 2);
    rig_wait(r, 1);
    pull_term(&s.kept[0]);
    rig_sleep(r, 100);
    assert_int_equal(s.n, 1);
    assert_int_equal(consumer_number(r, "num_ack_pending"), 0);
    sink_forget(&s);
}

static void working_keeps_the_message(void **state)
{
    /* Longer than the ack time-out: with pull_working it does not come again, without it does. */
    struct rig *r = rig_of(state);
    struct sink s = sink(r);

    queue(r, 1000);
    fill(r, 1);
    start(&s);
    pull_want(s.pull, 2);
    rig_wait(r, 1);
    for (int i = 0; i < 6; i++) {
        rig_sleep(r, 400);
        pull_working(s.kept[0]);
    }
    assert_int_equal(s.n, 1);
    pull_forget(&s.kept[0]);
    rig_wait(r, 1);
    assert_int_equal(s.kept[1]->delivered, 2);
    sink_forget(&s);
}

static void lowered_credit_gives_back(void **state)
{
    /* What was asked for and is not wanted any more goes back at once, and to whoever wants it. */
    struct rig *r = rig_of(state);
    struct rig *other = rig_new(r->server, NULL);
    struct sink a = sink(r), b = sink(other);

    rig_wait_for(other, true);
    queue(r, 30000);
    start(&a);
    start(&b);
    pull_want(a.pull, 2);
    rig_sleep(r, 50);
    pull_want(a.pull, 0);
    assert_int_equal(rig_put(r, topic(), "x").fault, FAULT_OK);
    pull_want(b.pull, 1);
    for (int i = 0; i < 100 && b.n == 0; i++) { /* two loops on one thread take turns */
        rig_sleep(r, 5);
        rig_sleep(other, 5);
    }
    assert_int_equal(a.n, 0);
    assert_int_equal(b.n, 1);
    sink_forget(&a);
    sink_forget(&b);
    rig_free(&other);
}

static void freed_pull_gives_back(void **state)
{
    /* What still comes for a freed pull goes back; messages in hand can still be acknowledged. */
    struct rig *r = rig_of(state);
    struct rig *other = rig_new(r->server, NULL);
    struct sink a = sink(r), b = sink(other);
    struct rig_ack confirmed = {.rig = r, .ack.fault = FAULT_INTERNAL};

    rig_wait_for(other, true);
    queue(r, 30000);
    fill(r, 1);
    start(&a);
    start(&b);
    pull_want(a.pull, 3);
    rig_wait(r, 1);
    pull_free(&a.pull);
    assert_int_equal(rig_put(r, topic(), "x").fault, FAULT_OK);
    pull_want(b.pull, 1);
    for (int i = 0; i < 100 && b.n == 0; i++) {
        rig_sleep(r, 5);
        rig_sleep(other, 5);
    }
    assert_string_equal(b.last, "x");
    pull_ack(&a.kept[0], acked, &confirmed);
    rig_wait(r, 1);
    assert_int_equal(confirmed.ack.fault, FAULT_OK);
    sink_forget(&b);
    rig_free(&other);
}

static void deleted_consumer_is_waited_for(void **state)
{
    /* The consumer goes away and comes back: the pull finds it by itself. */
    struct rig *r = rig_of(state);
    struct sink s = sink(r);

    queue(r, 30000);
    start(&s);
    s.ack = true;
    pull_want(s.pull, 10);
    fill(r, 1);
    rig_wait(r, 1);
    wait_until_empty(r);
    rig_make(r, api("CONSUMER.DELETE", ".c"), NULL);
    rig_sleep(r, 50);
    consumer(r, 30000);
    fill(r, 1);
    rig_wait(r, 1);
    assert_int_equal(s.n, 2);
    sink_forget(&s);
}

#define LOAD 3000

static void load_put(void *arg, const struct bus_ack *ack)
{
    int *stored = arg;

    assert_int_equal(ack->fault, FAULT_OK);
    (*stored)++;
}

static void publish_many(struct rig *r, int n, int *stored)
{
    char id[32];
    struct bus_out out = {.subject = topic(), .payload = slice_of("x"), .msg_id = id, .expect_last_seq = -1};

    for (int i = 0; i < n; i++) {
        snprintf(id, sizeof(id), "q-%d", i);
        bus_publish(r->bus, &out, 25000, load_put, stored);
    }
}

static void many_are_worked_off(void **state)
{
    /* A steady credit, raised by one after each message: all come once and are confirmed. */
    struct rig *r = rig_of(state);
    struct sink s = sink(r);

    int stored = 0;

    queue(r, 30000);
    start(&s);
    s.ack = true;
    s.more = 1;
    pull_want(s.pull, 64);
    publish_many(r, LOAD, &stored);
    rig_wait(r, LOAD);
    assert_int_equal(s.n, LOAD);
    assert_int_equal(stored, LOAD);
    wait_until_empty(r);
    assert_true(pull_credit(s.pull) == 64);
    sink_forget(&s);
}

static void pulls_go_on_after_a_crash(void **state)
{
    /* kill -9 of the server in the middle of the work: after the start on the same store all that was
     * published is delivered. */
    struct natsd d;
    struct sink s = {0};
    int stored = 0;

    (void)state;
    if (!natsd_find()) {
        skip();
    }
    natsd_prepare(&d, NULL);
    natsd_start(&d);
    struct rig *r = rig_new(&d, NULL);
    s.rig = r;
    rig_wait_for(r, true);
    queue(r, 2000);
    start(&s);
    s.ack = s.quiet = true;
    s.more = 1;
    pull_want(s.pull, 32);
    publish_many(r, LOAD, &stored);
    rig_sleep(r, 30);
    natsd_end(&d, SIGKILL);
    rig_wait_for(r, false);
    rig_sleep(r, 200);
    natsd_start(&d);
    rig_wait_for(r, true);
    for (int i = 0;
         i < 2000 &&
         (s.n < LOAD || consumer_number(r, "num_pending") + consumer_number(r, "num_ack_pending") > 0);
         i++) {
        rig_sleep(r, 10);
    }
    assert_int_equal(stored, LOAD);
    assert_true(s.n >= LOAD); /* some twice: an ack may be lost with its server */
    assert_int_equal(consumer_number(r, "num_pending"), 0);
    assert_int_equal(consumer_number(r, "num_ack_pending"), 0);
    sink_forget(&s);
    rig_free(&r);
    natsd_remove(&d);
}

/* What takes as long as heartbeats and requests live runs only when it is asked for. */
static void need_patience(void)
{
    if (!getenv("SLUICE_SLOW_TESTS")) {
        skip();
    }
}

static void missing_consumer_is_waited_for(void **state)
{
    /* A server says nothing to requests for a consumer that is not there: the silence is noticed and the
     * request repeated. */
    struct rig *r = rig_of(state);
    struct sink s = sink(r);

    need_patience();
    name_queue();
    start(&s);
    s.ack = true;
    pull_want(s.pull, 1);
    rig_sleep(r, 100);
    make_queue(r, 30000);
    fill(r, 1);
    rig_wait(r, 1);
    assert_int_equal(s.n, 1);
    sink_forget(&s);
}

static void long_waits_are_asked_again(void **state)
{
    /* A message that comes after the end of the first request is still delivered, and only as many as wanted.
     */
    struct rig *r = rig_of(state);
    struct sink s = sink(r);

    need_patience();
    queue(r, 30000);
    start(&s);
    s.ack = s.quiet = true;
    pull_want(s.pull, 1);
    rig_sleep(r, 38000);
    fill(r, 2);
    rig_sleep(r, 300);
    assert_int_equal(s.n, 1);
    sink_forget(&s);
}

int main(void)
{
#define PULL_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        PULL_TEST(credit_bounds_what_comes),
        PULL_TEST(ack_is_confirmed),
        PULL_TEST(nak_comes_back),
        PULL_TEST(term_ends_it),
        PULL_TEST(working_keeps_the_message),
        PULL_TEST(lowered_credit_gives_back),
        PULL_TEST(freed_pull_gives_back),
        PULL_TEST(deleted_consumer_is_waited_for),
        PULL_TEST(many_are_worked_off),
        cmocka_unit_test(pulls_go_on_after_a_crash),
        PULL_TEST(missing_consumer_is_waited_for),
        PULL_TEST(long_waits_are_asked_again),
    };

    return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
