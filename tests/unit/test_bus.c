/* test_bus.c - the bus on a real server: requests, acknowledged publishes, subscriptions, inboxes. */
#include "busrig.h"

#include <inttypes.h>

#include "base/limits.h"

/* ---- connecting ---- */

static void bus_tells_what_the_server_is(void **state)
{
    /* After the first connect the state, the version and the message limit are known. */
    struct rig *r = rig_of(state);

    assert_true(bus_up(r->bus));
    assert_int_equal(bus_down_ms(r->bus), 0);
    assert_true(bus_server_version(r->bus) >= 2009000);
    assert_true(strlen(bus_server_text(r->bus)) >= 5);
    assert_int_equal(bus_max_payload(r->bus), 1048576);
    assert_ptr_equal(bus_loop(r->bus), r->loop);
}

static void bad_option(const struct bus_options *options, const char *word)
{
    struct loop *loop = loop_new();
    struct bus *bus = NULL;
    struct note note = {0};

    assert_int_equal(bus_new(loop, NULL, options, &bus, &note), FAULT_CONFIG);
    if (!strstr(note.text, word)) {
        fail_msg("\"%s\" does not name %s", note.text, word);
    }
    assert_null(bus);
    loop_free(&loop);
}

static void bad_options_name_the_culprit(void **state)
{
    /* What cannot work is refused at once, with a text that names it and shows no password. */
    char many[8192] = "nats://a";

    (void)state;
    for (int i = 0; i < 40; i++) {
        strncat(many, ",nats://b:4222", sizeof(many) - strlen(many) - 1);
    }
    bad_option(&(struct bus_options){0}, "nats://HOST");
    bad_option(&(struct bus_options){.urls = "http://x"}, "http://x");
    bad_option(&(struct bus_options){.urls = "nats://"}, "nats://");
    bad_option(&(struct bus_options){.urls = "nats://a,,nats://b"}, "\"\"");
    bad_option(&(struct bus_options){.urls = "me:hush@x"}, "…");
    bad_option(&(struct bus_options){.urls = many}, "more than");
    bad_option(&(struct bus_options){.urls = "nats://a", .creds_file = "/no/creds"}, "/no/creds");
    bad_option(&(struct bus_options){.urls = "nats://a", .nkey_seed_file = "/no/seed"}, "/no/seed");
    bad_option(&(struct bus_options){.urls = "nats://a", .nkey_seed_file = "/etc/passwd"},
               "no valid user seed");
    bad_option(&(struct bus_options){.urls = "tls://a", .tls_ca_file = "/etc/passwd"}, "settings");
    bad_option(&(struct bus_options){.urls = "tls://a", .tls_cert_file = "/etc/passwd"}, "need each other");
}

static void bus_can_be_freed_while_connecting(void **state)
{
    /* The attempt on the pool ends later and finds nobody; nothing is told, nothing leaks. */
    struct rig *r = rig_of(state);
    struct bus_options options = {.urls = r->server->url};

    for (int i = 0; i < 20; i++) {
        struct loop *loop = loop_new();
        struct bus *bus = NULL;
        assert_int_equal(bus_new(loop, NULL, &options, &bus, NULL), FAULT_OK);
        assert_false(bus_up(bus));
        bus_free(&bus);
        loop_free(&loop);
        bus_free(&bus);
    }
}

/* ---- requests ---- */

/* Answers each request with its text in brackets. */
static void echo(void *arg, const struct bus_in *in)
{
    struct rig *r = arg;
    char text[256];
    const char *headers[] = {"X-Test", "yes", NULL};

    snprintf(text, sizeof(text), "[%.*s]", (int)in->payload.n, in->payload.p);
    struct bus_out out = {.subject = in->reply, .payload = slice_of(text), .headers = headers};
    assert_int_equal(bus_send(r->bus, &out), FAULT_OK);
}

static void mute(void *arg, const struct bus_in *in)
{
    (void)arg;
    (void)in;
}

static void requests_are_answered(void **state)
{
    /* A request reaches a listener and its answer comes back, with headers. */
    struct rig *r = rig_of(state);

    assert_int_equal(bus_listen(r->bus, "svc.echo", echo, r), FAULT_OK);
    struct rig_answer a = rig_ask(r, "svc.echo", "hello", 5000);
    assert_int_equal(a.fault, FAULT_OK);
    assert_string_equal(a.text, "[hello]");
    assert_string_equal(a.header, "yes");
}

static void request_to_nobody_fails_at_once(void **state)
{
    /* "No responders" becomes BUS_DOWN well before the time-out, for the very request that nobody took. */
    struct rig *r = rig_of(state);
    struct rig_answer good = {.rig = r}, bad = good;
    struct bus_out out = {.subject = "svc.echo", .payload = slice_of("x")};

    assert_int_equal(bus_listen(r->bus, "svc.echo", echo, r), FAULT_OK);
    int64_t start = loop_now_ms(r->loop);
    bus_ask(r->bus, &out, 20000, rig_answered, &good);
    out.subject = "svc.nobody";
    bus_ask(r->bus, &out, 20000, rig_answered, &bad);
    rig_wait(r, 2);
    assert_int_equal(good.fault, FAULT_OK);
    assert_int_equal(bad.fault, FAULT_BUS_DOWN);
    assert_true(loop_now_ms(r->loop) - start < 20000);
}

static void request_without_answer_times_out(void **state)
{
    /* A listener that says nothing: BUS_TIMEOUT after the time, not before. */
    struct rig *r = rig_of(state);

    assert_int_equal(bus_listen(r->bus, "svc.mute", mute, NULL), FAULT_OK);
    int64_t start = loop_now_ms(r->loop);
    struct rig_answer a = rig_ask(r, "svc.mute", "", 100);
    assert_int_equal(a.fault, FAULT_BUS_TIMEOUT);
    assert_true(loop_now_ms(r->loop) - start >= 100);
}

static void never_called(void *arg, enum fault fault, const struct bus_in *in)
{
    (void)arg;
    (void)fault;
    (void)in;
    fail_msg("a stopped request was answered");
}

static void stopped_request_is_silent(void **state)
{
    /* After bus_ask_stop the callback does not come; the token of a later request in the same place is
     * another. */
    struct rig *r = rig_of(state);
    struct bus_out out = {.subject = "svc.echo", .payload = slice_of("x")};
    struct rig_answer a = {.rig = r};

    assert_int_equal(bus_listen(r->bus, "svc.echo", echo, r), FAULT_OK);
    uint64_t old = bus_ask(r->bus, &out, 5000, never_called, NULL);
    bus_ask_own(r->bus, old, mem_new(1));
    bus_ask_stop(r->bus, old);
    uint64_t new = bus_ask(r->bus, &out, 5000, rig_answered, &a);
    assert_true(new != old &&new != 0);
    bus_ask_stop(r->bus, old);
    bus_ask_stop(r->bus, 0);
    bus_ask_stop(r->bus, ~0ull);
    rig_wait(r, 1);
    assert_int_equal(a.fault, FAULT_OK);
}

#define MANY 5000

struct many {
    struct rig *rig;
    int seen[MANY];
};

struct many_one {
    struct many *many;
    int number;
};

static void many_answered(void *arg, enum fault fault, const struct bus_in *in)
{
    struct many_one *one = arg;
    char text[32];

    assert_int_equal(fault, FAULT_OK);
    snprintf(text, sizeof(text), "[%d]", one->number);
    assert_true(slice_is(in->payload, text));
    one->many->seen[one->number]++;
    rig_done(one->many->rig);
}

static void many_requests_get_their_own_answers(void **state)
{
    /* Thousands at once: each callback comes once, with the answer to its own request. */
    struct rig *r = rig_of(state);
    static struct many many;
    static struct many_one ones[MANY];

    many = (struct many){.rig = r};
    assert_int_equal(bus_listen(r->bus, "svc.echo", echo, r), FAULT_OK);
    for (int i = 0; i < MANY; i++) {
        char text[32];
        ones[i] = (struct many_one){&many, i};
        snprintf(text, sizeof(text), "%d", i);
        struct bus_out out = {.subject = "svc.echo", .payload = slice_of(text)};
        bus_ask(r->bus, &out, 20000, many_answered, &ones[i]);
    }
    rig_wait(r, MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(many.seen[i], 1);
    }
}

static void api_gives_errors_as_json(void **state)
{
    /* An error of JetStream is an answer too; a wrong name is told with its code. */
    struct rig *r = rig_of(state);
    json_t *answer = rig_api(r, "$JS.API.STREAM.INFO.NOSUCH", NULL);

    assert_int_equal(json_integer_value(json_object_get(json_object_get(answer, "error"), "err_code")),
                     10059);
    json_decref(answer);
}

static void api_wants_json(void **state)
{
    /* An answer that is no JSON object is INTERNAL, never a NULL with OK. */
    struct rig *r = rig_of(state);
    struct rig_json j = {.rig = r};

    assert_int_equal(bus_listen(r->bus, "svc.echo", echo, r), FAULT_OK);
    bus_api(r->bus, "svc.echo", NULL, 5000, rig_got_json, &j);
    rig_wait(r, 1);
    assert_int_equal(j.fault, FAULT_INTERNAL);
    assert_null(j.answer);
}

/* ---- publishes ---- */

static void publish_is_acknowledged(void **state)
{
    /* The ack has the sequence; the same id again is a duplicate of it; an expected sequence is checked. */
    struct rig *r = rig_of(state);
    struct bus_out out = {
        .subject = "PUB.a", .payload = slice_of("1"), .msg_id = "one", .expect_last_seq = -1};

    rig_stream(r, "PUB", NULL);
    struct bus_ack ack = rig_publish(r, &out, 5000);
    assert_int_equal(ack.fault, FAULT_OK);
    assert_int_equal(ack.seq, 1);
    assert_false(ack.duplicate);
    ack = rig_publish(r, &out, 5000);
    assert_int_equal(ack.fault, FAULT_OK);
    assert_int_equal(ack.seq, 1);
    assert_true(ack.duplicate);
    out = (struct bus_out){.subject = "PUB.a", .expect_last_seq = 0};
    ack = rig_publish(r, &out, 5000);
    assert_int_equal(ack.fault, FAULT_CONFLICT);
    assert_true(ack.error_code == 10071 || ack.error_code == 10164);
    assert_non_null(strstr(ack.text, "wrong last sequence"));
    out.expect_last_seq = 1;
    ack = rig_publish(r, &out, 5000);
    assert_int_equal(ack.fault, FAULT_OK);
    assert_int_equal(ack.seq, 2);
}

static void full_streams_are_told_apart(void **state)
{
    /* Full by messages, by bytes, by subject: all FLEET_FULL, and only the last one says so. */
    struct rig *r = rig_of(state);
    char big[2000] = {0};

    memset(big, 'x', sizeof(big) - 1);
    rig_stream(r, "FULLM", json_pack("{s:s, s:i}", "discard", "new", "max_msgs", 1));
    rig_stream(r, "FULLB", json_pack("{s:s, s:i}", "discard", "new", "max_bytes", 1000));
    rig_stream(r, "FULLS",
               json_pack("{s:s, s:i, s:b}", "discard", "new", "max_msgs_per_subject", 1,
                         "discard_new_per_subject", 1));
    assert_int_equal(rig_put(r, "FULLM.a", "x").fault, FAULT_OK);
    struct bus_ack ack = rig_put(r, "FULLM.b", "x");
    assert_int_equal(ack.fault, FAULT_FLEET_FULL);
    assert_int_equal(ack.error_code, 10077);
    assert_false(ack.subject_full);
    ack = rig_put(r, "FULLB.a", big);
    assert_int_equal(ack.fault, FAULT_FLEET_FULL);
    assert_false(ack.subject_full);
    assert_int_equal(rig_put(r, "FULLS.a", "x").fault, FAULT_OK);
    ack = rig_put(r, "FULLS.a", "x");
    assert_int_equal(ack.fault, FAULT_FLEET_FULL);
    assert_true(ack.subject_full);
    assert_int_equal(rig_put(r, "FULLS.b", "x").fault, FAULT_OK);
}

static void publish_is_repeated_while_nobody_takes_it(void **state)
{
    /* "No responders" is followed by repeats with pauses: a stream that appears later still gets the message,
     * once. */
    struct rig *r = rig_of(state);
    struct rig_ack a = {.rig = r};
    struct rig_json made = {.rig = r};
    struct bus_out out = {
        .subject = "LATE.a", .payload = slice_of("x"), .msg_id = "l", .expect_last_seq = -1};

    bus_publish(r->bus, &out, 20000, rig_acked, &a);
    rig_sleep(r, 300);
    json_t *config = json_pack("{s:s, s:[s]}", "name", "LATE", "subjects", "LATE.>");
    bus_api(r->bus, "$JS.API.STREAM.CREATE.LATE", config, 5000, rig_got_json, &made);
    json_decref(config);
    rig_wait(r, 2);
    assert_int_equal(a.ack.fault, FAULT_OK);
    json_decref(made.answer);
    assert_int_equal(rig_stream_messages(r, "LATE"), 1);
}

static void publish_to_nobody_surely_is_not_stored(void **state)
{
    /* Only ever "no responders": BUS_DOWN at the limit; with limit 0 at the first refusal. */
    struct rig *r = rig_of(state);
    struct bus_out out = {.subject = "nobody.a", .expect_last_seq = -1};

    int64_t start = loop_now_ms(r->loop);
    assert_int_equal(rig_publish(r, &out, 400).fault, FAULT_BUS_DOWN);
    assert_true(loop_now_ms(r->loop) - start >= 400);
    assert_int_equal(rig_publish(r, &out, 0).fault, FAULT_BUS_DOWN);
}

static void publish_without_ack_is_unknown(void **state)
{
    /* Somebody took it but says nothing: BUS_TIMEOUT, after one repeat when the limit allows it. */
    struct rig *r = rig_of(state);
    struct bus_out out = {.subject = "svc.mute", .expect_last_seq = -1};

    assert_int_equal(bus_listen(r->bus, "svc.mute", mute, NULL), FAULT_OK);
    assert_int_equal(rig_publish(r, &out, 300).fault, FAULT_BUS_TIMEOUT);
}

static int heard;

static void count(void *arg, const struct bus_in *in)
{
    (void)arg;
    (void)in;
    heard++;
}

static void unanswered_publish_is_sent_again(void **state)
{
    /* Without an ack it is sent again every 2 s until the limit; with limit 0 once only. */
    struct rig *r = rig_of(state);
    struct bus_out out = {.subject = "svc.count", .expect_last_seq = -1};

    heard = 0;
    assert_int_equal(bus_listen(r->bus, "svc.count", count, NULL), FAULT_OK);
    assert_int_equal(rig_publish(r, &out, 3000).fault, FAULT_BUS_TIMEOUT);
    assert_int_equal(heard, 2);
    assert_int_equal(rig_publish(r, &out, 0).fault, FAULT_BUS_TIMEOUT);
    assert_int_equal(heard, 3);
}

static void answer_that_is_no_ack_is_internal(void **state)
{
    /* A service that answers a publish with something else does not count as stored. */
    struct rig *r = rig_of(state);
    struct bus_out out = {.subject = "svc.echo", .payload = slice_of("x"), .expect_last_seq = -1};

    assert_int_equal(bus_listen(r->bus, "svc.echo", echo, r), FAULT_OK);
    struct bus_ack ack = rig_publish(r, &out, 5000);
    assert_int_equal(ack.fault, FAULT_INTERNAL);
    assert_string_not_equal(ack.text, "");
}

static void what_cannot_be_sent_is_refused(void **state)
{
    /* Larger than the server takes, or with a subject or a header that would break the protocol: a fault, and
     * the connection lives. */
    struct rig *r = rig_of(state);
    size_t n = (size_t)bus_max_payload(r->bus) + 1;
    AUTO(auto_free) char *huge = mem_new(n);
    const char *const bad_subjects[] = {"", "a b", "a\r\nPUB x 0", "a..b", ".a", "a."};
    const char *evil_name[] = {"A: b\r\nEvil", "x", NULL};
    struct bus_out out = {.subject = "svc.x", .payload = {huge, n}, .expect_last_seq = -1};

    assert_int_equal(bus_listen(r->bus, "svc.x", mute, NULL), FAULT_OK);
    assert_int_equal(bus_send(r->bus, &out), FAULT_TOO_LARGE);
    assert_int_equal(rig_publish(r, &out, 5000).fault, FAULT_TOO_LARGE);
    struct rig_answer a = {.rig = r};
    bus_ask(r->bus, &out, 5000, rig_answered, &a);
    rig_wait(r, 1);
    assert_int_equal(a.fault, FAULT_TOO_LARGE);
    for (size_t i = 0; i < sizeof(bad_subjects) / sizeof(bad_subjects[0]); i++) {
        out = (struct bus_out){.subject = bad_subjects[i], .expect_last_seq = -1};
        assert_int_equal(bus_send(r->bus, &out), FAULT_INTERNAL);
        assert_int_equal(rig_publish(r, &out, 5000).fault, FAULT_INTERNAL);
        assert_int_equal(rig_ask(r, bad_subjects[i], "", 5000).fault, FAULT_INTERNAL);
        assert_int_equal(bus_listen(r->bus, bad_subjects[i], mute, NULL), FAULT_INTERNAL);
    }
    out = (struct bus_out){.subject = "svc.x", .headers = evil_name};
    assert_int_equal(bus_send(r->bus, &out), FAULT_INTERNAL);
    assert_true(bus_up(r->bus));
}

static void take_header(void *arg, const struct bus_in *in)
{
    struct rig_answer *a = arg;

    assert_null(bus_header(in, "Evil"));
    snprintf(a->header, sizeof(a->header), "%s", bus_header(in, "X-Test"));
    rig_done(a->rig);
}

static void header_values_cannot_add_headers(void **state)
{
    /* Line ends in a header's value become spaces. */
    struct rig *r = rig_of(state);
    struct rig_answer a = {.rig = r};
    const char *headers[] = {"X-Test", "a\r\nEvil: 1", NULL};
    struct bus_out out = {.subject = "svc.header", .headers = headers};

    assert_int_equal(bus_listen(r->bus, "svc.header", take_header, &a), FAULT_OK);
    assert_int_equal(bus_send(r->bus, &out), FAULT_OK);
    rig_wait(r, 1);
    assert_string_equal(a.header, "a  Evil: 1");
}

static void insisting(void *arg, enum fault fault)
{
    struct rig_ack *a = arg;

    a->ack.fault = fault;
    rig_done(a->rig);
}

static void insisting_ends_with_any_answer(void **state)
{
    /* bus_insist: any answer is OK, none is BUS_TIMEOUT, nobody there is BUS_TIMEOUT too; the callback may be
     * left out. */
    struct rig *r = rig_of(state);
    struct rig_ack a = {.rig = r};
    struct bus_out out = {.subject = "svc.echo", .payload = slice_of("x")};

    assert_int_equal(bus_listen(r->bus, "svc.echo", echo, r), FAULT_OK);
    bus_insist(r->bus, &out, 5000, insisting, &a);
    rig_wait(r, 1);
    assert_int_equal(a.ack.fault, FAULT_OK);
    out.subject = "svc.nobody";
    bus_insist(r->bus, &out, 200, insisting, &a);
    rig_wait(r, 1);
    assert_int_equal(a.ack.fault, FAULT_BUS_TIMEOUT);
    bus_insist(r->bus, &out, 100, NULL, NULL);
    rig_sleep(r, 200);
}

/* ---- subscriptions and inboxes ---- */

static void listening_before_the_first_connect(void **state)
{
    /* A subscription that is made while nothing is connected is in place when the bus is up. */
    struct rig *r = rig_of(state);
    struct rig *early = rig_new(r->server, NULL);

    heard = 0;
    assert_false(bus_up(early->bus));
    assert_int_equal(bus_listen(early->bus, "early.*", count, NULL), FAULT_OK);
    rig_wait_for(early, true);
    assert_int_equal(rig_ask(early, "early.x", "", 100).fault, FAULT_BUS_TIMEOUT);
    assert_int_equal(heard, 1);
    rig_free(&early);
}

struct inbox {
    struct rig *rig;
    uint64_t token;
    int came;
    int silent;
    char subject[BUS_INBOX_CHARS + 1];
};

static void inbox_got(void *arg, const struct bus_in *in)
{
    struct inbox *i = arg;

    if (in) {
        i->came++;
    } else {
        i->silent++;
    }
    rig_done(i->rig);
}

static void inboxes_get_what_is_theirs(void **state)
{
    /* Any number of messages to an inbox come to its callback and no other, until it is closed. */
    struct rig *r = rig_of(state);
    struct inbox a = {.rig = r}, b = a;

    a.token = bus_inbox_open(r->bus, inbox_got, &a, a.subject, sizeof(a.subject));
    b.token = bus_inbox_open(r->bus, inbox_got, &b, b.subject, sizeof(b.subject));
    assert_string_not_equal(a.subject, b.subject);
    struct bus_out to_a = {.subject = a.subject}, to_b = {.subject = b.subject};
    assert_int_equal(bus_send(r->bus, &to_a), FAULT_OK);
    assert_int_equal(bus_send(r->bus, &to_b), FAULT_OK);
    assert_int_equal(bus_send(r->bus, &to_a), FAULT_OK);
    rig_wait(r, 3);
    assert_int_equal(a.came, 2);
    assert_int_equal(b.came, 1);
    bus_inbox_close(r->bus, a.token);
    assert_int_equal(bus_send(r->bus, &to_a), FAULT_OK);
    assert_int_equal(bus_send(r->bus, &to_b), FAULT_OK);
    rig_wait(r, 1);
    assert_int_equal(a.came, 2);
    bus_inbox_close(r->bus, b.token);
    bus_inbox_close(r->bus, b.token);
}

static void inbox_tells_silence_once(void **state)
{
    /* After the time without a message the callback gets NULL, once; a message starts the time anew; 0 ends
     * it. */
    struct rig *r = rig_of(state);
    struct inbox a = {.rig = r};

    a.token = bus_inbox_open(r->bus, inbox_got, &a, a.subject, sizeof(a.subject));
    struct bus_out out = {.subject = a.subject};
    bus_inbox_silence(r->bus, a.token, 50);
    rig_wait(r, 1);
    assert_int_equal(a.silent, 1);
    assert_int_equal(bus_send(r->bus, &out), FAULT_OK);
    rig_wait(r, 2);
    assert_int_equal(a.came, 1);
    assert_int_equal(a.silent, 2);
    bus_inbox_silence(r->bus, a.token, 50);
    bus_inbox_silence(r->bus, a.token, 0);
    rig_sleep(r, 100);
    assert_int_equal(a.silent, 2);
    bus_inbox_close(r->bus, a.token);
}

static void inbox_closes_itself(void *arg, const struct bus_in *in)
{
    struct inbox *i = arg;

    (void)in;
    bus_inbox_close(i->rig->bus, i->token);
    rig_done(i->rig);
}

static void inbox_may_close_in_its_callback(void **state)
{
    /* Closing from inside is allowed; what else comes is dropped. */
    struct rig *r = rig_of(state);
    struct inbox a = {.rig = r};

    a.token = bus_inbox_open(r->bus, inbox_closes_itself, &a, a.subject, sizeof(a.subject));
    bus_inbox_silence(r->bus, a.token, 20000);
    bus_ask_own(r->bus, a.token, mem_new(1));
    struct bus_out out = {.subject = a.subject};
    assert_int_equal(bus_send(r->bus, &out), FAULT_OK);
    assert_int_equal(bus_send(r->bus, &out), FAULT_OK);
    rig_wait(r, 1);
    rig_sleep(r, 50);
}

static void watcher_counts(void *arg, bool up)
{
    (void)up;
    ++*(int *)arg;
}

struct leaver {
    struct rig *rig;
    int told, other_told;
};

static void watcher_leaves(void *arg, bool up)
{
    struct leaver *l = arg;

    (void)up;
    l->told++;
    bus_unwatch(l->rig->bus, watcher_counts, &l->other_told);
    bus_unwatch(l->rig->bus, watcher_leaves, l);
    rig_done(l->rig);
}

static void watchers_may_leave_during_a_round(void **state)
{
    /* A watcher takes itself and the next one off: the next one is not told. */
    struct rig *other = rig_new(rig_of(state)->server, NULL);
    struct leaver l = {.rig = other};

    bus_watch(other->bus, watcher_leaves, &l);
    bus_watch(other->bus, watcher_counts, &l.other_told);
    rig_wait(other, 1);
    rig_sleep(other, 20);
    assert_int_equal(l.told, 1);
    assert_int_equal(l.other_told, 0);
    rig_free(&other);
}

/* ---- bounds and the end ---- */

static void count_down_acks(void *arg, const struct bus_ack *ack)
{
    int *refused = arg;

    *refused += ack->fault == FAULT_BUS_DOWN;
}

static void held_messages_are_bounded(void **state)
{
    /* Without a connection publishes wait, but no more than the bound: what is beyond is refused at once as
     * BUS_DOWN. */
    struct rig *r = rig_of(state);
    struct natsd nobody = {.port = 1};
    int refused = 0;
    AUTO(auto_free) char *mib = mem_new(MIB);
    struct bus_out out = {.subject = "x.y", .payload = {mib, MIB}, .expect_last_seq = -1};

    (void)r;
    snprintf(nobody.url, sizeof(nobody.url), "nats://127.0.0.1:1");
    struct rig *down = rig_new(&nobody, NULL);
    for (int i = 0; i < 70; i++) {
        bus_publish(down->bus, &out, 60000, count_down_acks, &refused);
    }
    assert_int_equal(refused, 0);
    rig_sleep(down, 50);
    assert_true(refused >= 6 && refused < 10);
    assert_int_equal(bus_send(down->bus, &out), FAULT_BUS_DOWN);
    assert_true(bus_down_ms(down->bus) >= 50);
    rig_free(&down);
}

static void freeing_drops_what_waits(void **state)
{
    /* A bus with requests, publishes, inboxes and listeners under way is freed without a callback and without
     * a leak. */
    struct rig *r = rig_of(state);
    struct rig *other = rig_new(r->server, NULL);
    struct inbox a = {.rig = other};
    struct bus_out out = {.subject = "svc.mute", .payload = slice_of("x"), .expect_last_seq = -1};

    rig_wait_for(other, true);
    assert_int_equal(bus_listen(other->bus, "svc.mute", mute, NULL), FAULT_OK);
    for (int i = 0; i < 300; i++) {
        bus_ask_own(other->bus, bus_ask(other->bus, &out, 5000, never_called, NULL), mem_new(1));
        bus_ask_own(other->bus, bus_publish(other->bus, &out, 5000, rig_acked, NULL), mem_new(1));
    }
    a.token = bus_inbox_open(other->bus, inbox_got, &a, a.subject, sizeof(a.subject));
    bus_inbox_silence(other->bus, a.token, 1000);
    bus_inbox_return(other->bus, bus_inbox_open(other->bus, inbox_got, &a, a.subject, sizeof(a.subject)),
                     1000);
    rig_free(&other);
}

int main(void)
{
#define BUS_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        BUS_TEST(bus_tells_what_the_server_is),
        cmocka_unit_test(bad_options_name_the_culprit),
        BUS_TEST(bus_can_be_freed_while_connecting),
        BUS_TEST(requests_are_answered),
        BUS_TEST(request_to_nobody_fails_at_once),
        BUS_TEST(request_without_answer_times_out),
        BUS_TEST(stopped_request_is_silent),
        BUS_TEST(many_requests_get_their_own_answers),
        BUS_TEST(api_gives_errors_as_json),
        BUS_TEST(api_wants_json),
        BUS_TEST(publish_is_acknowledged),
        BUS_TEST(full_streams_are_told_apart),
        BUS_TEST(publish_is_repeated_while_nobody_takes_it),
        BUS_TEST(publish_to_nobody_surely_is_not_stored),
        BUS_TEST(publish_without_ack_is_unknown),
        BUS_TEST(unanswered_publish_is_sent_again),
        BUS_TEST(answer_that_is_no_ack_is_internal),
        BUS_TEST(what_cannot_be_sent_is_refused),
        BUS_TEST(header_values_cannot_add_headers),
        BUS_TEST(insisting_ends_with_any_answer),
        BUS_TEST(listening_before_the_first_connect),
        BUS_TEST(inboxes_get_what_is_theirs),
        BUS_TEST(inbox_tells_silence_once),
        BUS_TEST(inbox_may_close_in_its_callback),
        BUS_TEST(watchers_may_leave_during_a_round),
        BUS_TEST(held_messages_are_bounded),
        BUS_TEST(freeing_drops_what_waits),
    };

    return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
