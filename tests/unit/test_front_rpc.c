/* test_front_rpc.c - MessagePack-RPC on the front: overlapping requests, bad frames, slow peers. */
#include "front_rig.h"

static int setup(void **state)
{
    *state = rig_new();
    return 0;
}

static int teardown(void **state)
{
    rig_free(*state);
    return 0;
}

/* ---- a client ---- */

static void push_buf(struct client *c, struct buf *b)
{
    assert_true(buf_ok(b));
    assert_true(client_push(c, b->p, b->n));
    buf_done(b);
}

static void write_request(struct buf *out, uint32_t msgid, const char *method, const json_t *params)
{
    pack_write_array(out, 4);
    pack_write_int(out, MPRPC_REQUEST);
    pack_write_int(out, msgid);
    pack_write_text(out, slice_of(method));
    pack_write(out, params, NULL);
}

static void ask(struct client *c, uint32_t msgid, const char *method)
{
    struct buf out;
    json_t *params = json_pack("[i]", (int)msgid);

    buf_init(&out, MIB);
    write_request(&out, msgid, method, params);
    json_decref(params);
    push_buf(c, &out);
}

static void push_bytes(struct client *c, const char *p, size_t n)
{
    assert_true(client_push(c, p, n));
}
#define PUSH(c, text) push_bytes((c), text, sizeof(text) - 1)

/* The length of the first frame that came, or 0. */
static size_t frame_length(struct client *c)
{
    struct pack_limits limits = {256 * MIB, LIMIT_DEPTH, 10 * MIB};
    struct pack_scan scan;
    size_t n = 0;

    client_read(c);
    pack_scan_init(&scan, &limits);
    assert_int_equal(pack_scan(&scan, buf_slice(&c->in), &n, NULL), FAULT_OK);
    return n;
}

/* Waits for the next frame; the caller releases it. Bins are the test's own affair. */
static struct mprpc next_frame(struct client *c)
{
    struct mprpc m;
    size_t n;

    rig_until(c->r, (n = frame_length(c)) || client_ended(c));
    assert_true(n > 0);
    assert_int_equal(mprpc_read((struct slice){c->in.p, n}, &m, NULL), FAULT_OK);
    assert_true(m.bins.n == 0);
    buf_cut(&c->in, n);
    return m;
}

/* Waits for the answer with this msgid and no error. */
static void expect_result(struct client *c, uint32_t msgid)
{
    struct mprpc m = next_frame(c);

    assert_int_equal(m.type, MPRPC_ANSWER);
    assert_int_equal(m.msgid, msgid);
    assert_true(json_is_null(json_array_get(m.params, 0)));
    mprpc_done(&m);
}

/* Waits for the answer with this msgid and this error. */
static void expect_error(struct client *c, uint32_t msgid, const char *code)
{
    struct mprpc m = next_frame(c);
    const json_t *error = json_array_get(m.params, 0);

    assert_int_equal(m.type, MPRPC_ANSWER);
    assert_int_equal(m.msgid, msgid);
    assert_string_equal(json_string_value(json_object_get(error, "code")), code);
    assert_non_null(json_string_value(json_object_get(error, "message")));
    assert_non_null(json_string_value(json_object_get(error, "type")));
    assert_null(json_object_get(error, "param"));
    mprpc_done(&m);
}

/* Answers call number i. */
static void answer(struct rig *r, int i)
{
    struct front_peer *peer = front_peer_find(r->front, r->calls[i].peer);
    json_t *value = json_integer(r->calls[i].msgid);

    assert_non_null(peer);
    front_peer_result(peer, r->calls[i].msgid, value, NULL);
    json_decref(value);
}

/* ---- requests and answers ---- */

static void both_dialects_share_a_socket(void **state)
{
    /* The first byte of each connection decides. */
    struct rig *r = *state;
    rig_open(r);
    struct client rpc = client_open(r), http = client_open(r);

    ask(&rpc, 7, "echo");
    client_say(&http, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_result(&rpc, 7);
    client_expect(&http, "/a 0");
    client_close(&rpc);
    client_close(&http);
}

static void answers_come_in_any_order(void **state)
{
    /* Requests of one connection overlap, and an id finds the peer until it is gone. */
    struct rig *r = *state;
    rig_open(r);
    struct client c = client_open(r);

    for (uint32_t i = 0; i < 3; i++) {
        ask(&c, i, "hold");
    }
    rig_until(r, r->call_count == 3);
    assert_int_equal(front_in_flight(r->front), 3);
    uint64_t id = r->calls[0].peer;
    assert_null(front_req_find(r->front, id));
    front_peer_set(front_peer_find(r->front, id), r);
    assert_ptr_equal(front_peer_get(front_peer_find(r->front, id)), r);
    answer(r, 1);
    answer(r, 2);
    answer(r, 0);
    expect_result(&c, 1);
    expect_result(&c, 2);
    expect_result(&c, 0);
    assert_int_equal(front_in_flight(r->front), 0);
    client_close(&c);
    rig_until(r, r->peers_gone == 1);
    assert_null(front_peer_find(r->front, id));
}

static void frames_may_be_cut_and_joined_anywhere(void **state)
{
    /* A frame that comes byte by byte, and hundreds in one piece, with a cut frame at the end. */
    struct rig *r = *state;
    struct buf out;
    json_t *params = json_pack("[{s:[i,i,s]}]", "key", 1, 2, "text");
    rig_open(r);
    struct client c = client_open(r);

    buf_init(&out, MIB);
    write_request(&out, 1, "echo", params);
    for (size_t i = 0; i < out.n; i++) {
        assert_int_equal(client_try(&c, out.p + i, 1), 1);
        rig_pump(r);
    }
    expect_result(&c, 1);
    buf_reset(&out);
    for (uint32_t i = 0; i < 500; i++) {
        write_request(&out, i, "echo", params);
    }
    assert_true(client_push(&c, out.p, out.n - 5));
    for (uint32_t i = 0; i < 499; i++) {
        expect_result(&c, i);
    }
    rig_pump_a_while(r);
    assert_int_equal(frame_length(&c), 0);
    assert_true(client_push(&c, out.p + out.n - 5, 5));
    expect_result(&c, 499);
    json_decref(params);
    buf_done(&out);
    client_close(&c);
}

static void bins_go_both_ways(void **state)
{
    /* Bytes in a request reach the handler and come back, over several reads and writes. */
    struct rig *r = *state;
    size_t n = 3 * MIB;
    char *bytes = mem_new(n);
    struct buf out;
    struct mprpc m;
    size_t length;
    rig_open(r);
    struct client c = client_open(r);

    memset(bytes, 'x', n);
    buf_init(&out, 2 * n);
    pack_write_array(&out, 4);
    pack_write_int(&out, MPRPC_REQUEST);
    pack_write_int(&out, 5);
    pack_write_text(&out, slice_of("echo"));
    pack_write_array(&out, 1);
    pack_write_bin_head(&out, n);
    buf_add(&out, bytes, n);
    push_buf(&c, &out);
    rig_until(r, (length = frame_length(&c)));
    assert_int_equal(mprpc_read((struct slice){c.in.p, length}, &m, NULL), FAULT_OK);
    assert_int_equal(m.bins.n, 1);
    assert_int_equal(m.bins.items[0].n, n);
    assert_memory_equal(m.bins.items[0].p, bytes, n);
    mprpc_done(&m);
    free(bytes);
    client_close(&c);
}

static void notifications_and_answers_need_no_answer(void **state)
{
    /* A notification reaches the handler, an answer to nothing is dropped; neither is in flight. */
    struct rig *r = *state;
    rig_open(r);
    struct client c = client_open(r);

    PUSH(&c, "\x93\x02\xa4"
             "hint\x90"
             "\x94\x01\x07\xc0\xc0");
    ask(&c, 1, "echo");
    expect_result(&c, 1);
    assert_string_equal(r->trace.p, "hint;echo 1;");
    assert_int_equal(r->notes, 1);
    client_close(&c);
    rig_until(r, r->peers_gone == 1);
}

static void faults_have_code_type_and_message(void **state)
{
    /* A handler's fault is the error of the answer, with what it adds. */
    struct rig *r = *state;
    struct note note = {0};
    json_t *extra = json_pack("{s:s}", "id", "t-1");
    rig_open(r);
    struct client c = client_open(r);

    ask(&c, 9, "hold");
    rig_until(r, r->call_count == 1);
    note_set(&note, FAULT_BAD_VALUE, "no prompt");
    note_field(&note, "/prompt");
    front_peer_fault(front_peer_find(r->front, r->calls[0].peer), 9, FAULT_BAD_VALUE, &note, extra);
    json_decref(extra);
    struct mprpc m = next_frame(&c);
    char *text = json_dumps(json_array_get(m.params, 0), JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(
        text, "{\"code\":\"invalid_value\",\"id\":\"t-1\",\"message\":\"no prompt\",\"param\":\"/prompt\","
              "\"type\":\"invalid_request_error\"}");
    free(text);
    mprpc_done(&m);
    assert_int_equal(front_in_flight(r->front), 0);
    client_close(&c);
}

/* ---- wrong frames ---- */

static void bombs_are_refused_by_their_headers(void **state)
{
    /* Bytes that announce too much are answered when the msgid came before them, and end it all. */
    static const struct {
        const char *name, *p;
        size_t n;
        const char *code; /* NULL: nobody can be told */
    } cases[] = {
#define BOMB(name, text, code) {name, text, sizeof(text) - 1, code}
        BOMB("an array of 4 G", "\xdd\xff\xff\xff\xff", NULL),
        BOMB("params of 4 G", "\x94\x00\x07\xa1x\xdd\xff\xff\xff\xff", "too_many_elements"),
        BOMB("a map of 20000", "\x94\x00\x07\xa1x\x91\xde\x4e\x20", "too_many_elements"),
        BOMB("a text of 4 G", "\x94\x00\x07\xa1x\x91\xdb\xff\xff\xff\xff", "request_too_large"),
        BOMB("bytes of 8 MiB", "\x94\x00\x07\xa1x\x91\xc6\x00\x80\x00\x00", "request_too_large"),
        BOMB("a method of 4 G", "\x94\x00\x07\xdb\xff\xff\xff\xff", "request_too_large"),
        BOMB("no byte of the format", "\x94\x00\x07\xa1x\xc1", "invalid_request"),
        BOMB("33 arrays",
             "\x94\x00\x07\xa1x\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
             "\x91\x91\x91\x91\x91"
             "\x91\x91\x91\x91\x91\x91\x91\x91\x91",
             "nesting_too_deep"),
        BOMB("in a notification", "\x93\x02\xa1x\xdd\xff\xff\xff\xff", NULL),
#undef BOMB
    };
    struct rig *r = *state;
    rig_open(r);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct client c = client_open(r);
        print_message("%s\n", cases[i].name);
        push_bytes(&c, cases[i].p, cases[i].n);
        if (cases[i].code) {
            expect_error(&c, 7, cases[i].code);
        }
        client_expect_eof(&c);
        assert_int_equal(c.in.n, 0);
        client_close(&c);
    }
    assert_string_equal(r->trace.p, "");
}

static void a_refusal_is_readable_behind_what_follows(void **state)
{
    /* A client that sends megabytes behind a broken frame before it reads still finds its error. */
    struct rig *r = *state;
    char *zeros = mem_new(8 * MIB);
    rig_open(r);
    struct client c = client_open(r);

    PUSH(&c, "\x94\x00\x07\xa1x\xdb\xff\xff\xff\xff");
    assert_true(client_push(&c, zeros, 8 * MIB));
    expect_error(&c, 7, "request_too_large");
    client_expect_eof(&c);
    free(zeros);
    client_close(&c);
}

static void a_frame_to_nobody_ends_the_connection(void **state)
{
    /* What is no request, answer or notification can only be hung up on. */
    struct rig *r = *state;
    rig_open(r);
    struct client a = client_open(r), b = client_open(r);

    PUSH(&a, "\x94\x05\x07\xa1x\x90");
    client_expect_eof(&a);
    PUSH(&b, "\x90");
    client_expect_eof(&b);
    assert_int_equal(a.in.n + b.in.n, 0);
    client_close(&a);
    client_close(&b);
}

static void a_request_that_is_wrong_inside_fails_alone(void **state)
{
    /* An extension type or a forged "$bin" is that request's fault; the others of the connection go on. */
    struct rig *r = *state;
    rig_open(r);
    struct client c = client_open(r);

    ask(&c, 1, "hold");
    PUSH(&c, "\x94\x00\x02\xa4"
             "echo\x91\xd4\x01\x00");
    PUSH(&c, "\x94\x00\x03\xa4"
             "echo\x91\x81\xa4$bin\x00");
    expect_error(&c, 2, "invalid_request");
    expect_error(&c, 3, "invalid_request");
    answer(r, 0);
    expect_result(&c, 1);
    client_close(&c);
}

/* ---- limits ---- */

static void requests_in_flight_are_limited(void **state)
{
    /* One connection may have so many unanswered requests, and no more; answers make room. */
    struct rig *r = *state;
    rig_open(r);
    struct client c = client_open(r);

    for (uint32_t i = 0; i < LIMIT_RPC_IN_FLIGHT; i++) {
        ask(&c, i, "hold");
    }
    ask(&c, 9999, "hold");
    expect_error(&c, 9999, "too_many_in_flight");
    assert_int_equal(r->call_count, LIMIT_RPC_IN_FLIGHT);
    answer(r, 0);
    expect_result(&c, 0);
    ask(&c, 1000, "echo");
    expect_result(&c, 1000);
    client_close(&c);
    rig_until(r, r->peers_gone == 1);
    assert_int_equal(front_in_flight(r->front), 0);
}

static void a_listener_has_its_own_limit(void **state)
{
    /* The limit of the listener holds over connections and dialects. */
    struct rig *r = *state;
    r->limits.in_flight = 2;
    rig_open(r);
    struct client a = client_open(r), b = client_open(r), d = client_open(r);

    ask(&a, 1, "hold");
    client_say(&b, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_until(r, front_in_flight(r->front) == 2);
    ask(&d, 1, "echo");
    expect_error(&d, 1, "too_many_in_flight");
    client_close(&a);
    client_close(&b);
    client_close(&d);
}

static void too_many_connections_are_told_so(void **state)
{
    /* The first request over the limit of connections gets its error, then the end. */
    struct rig *r = *state;
    r->limits.connections = 1;
    rig_open(r);
    struct client a = client_open(r), b = client_open(r);

    ask(&a, 1, "echo");
    expect_result(&a, 1);
    ask(&b, 2, "echo");
    expect_error(&b, 2, "too_many_connections");
    client_expect_eof(&b);
    client_close(&a);
    client_close(&b);
}

static void a_front_without_calls_says_so(void **state)
{
    /* A handler that has no RPC members refuses the dialect in the dialect. */
    struct rig *r = *state;
    r->handler.call = NULL;
    r->handler.peer_gone = NULL;
    rig_open(r);
    struct client c = client_open(r);

    ask(&c, 1, "echo");
    expect_error(&c, 1, "unsupported_option");
    client_expect_eof(&c);
    client_close(&c);
}

static void half_frames_are_bounded_over_all_connections(void **state)
{
    /* Many connections that each hold back the end of a large frame: a few are refused, the rest served. */
    struct rig *r = *state;
    struct client c[10];
    int refused = 0;
    size_t n = 8000000;
    struct buf out;
    rig_open(r);

    buf_init(&out, 2 * n);
    pack_write_array(&out, 4);
    pack_write_int(&out, MPRPC_REQUEST);
    pack_write_int(&out, 1);
    pack_write_text(&out, slice_of("hold"));
    pack_write_array(&out, 1);
    pack_write_bin_head(&out, n);
    char *zeros = mem_new(n);
    buf_add(&out, zeros, n);
    free(zeros);
    for (int i = 0; i < 8; i++) { /* Those that leave make room. */
        c[i] = client_open(r);
        assert_true(client_push(&c[i], out.p, out.n - 1));
        rig_pump_a_while(r);
        client_close(&c[i]);
    }
    rig_until(r, front_connections(r->front) == 0);
    for (int i = 0; i < 10; i++) {
        c[i] = client_open(r);
        client_push(&c[i], out.p, out.n - 1);
        rig_pump_a_while(r);
    }
    for (int i = 0; i < 10; i++) {
        if (frame_length(&c[i])) {
            expect_error(&c[i], 1, "too_many_in_flight");
            refused++;
        } else {
            assert_true(client_push(&c[i], out.p + out.n - 1, 1));
        }
    }
    assert_int_equal(refused, 2); /* 8 times 8 MB are just below the limit */
    rig_until(r, r->call_count == 8);
    for (int i = 0; i < 10; i++) {
        client_close(&c[i]);
    }
    buf_done(&out);
}

static void a_frame_that_stops_is_timed_out(void **state)
{
    /* The rest of a frame must come in time, while a quiet connection has no deadline at all. */
    struct rig *r = *state;
    r->limits.body_idle_ms = r->limits.keepalive_ms = r->limits.header_ms = 100;
    rig_open(r);
    struct client c = client_open(r), quiet = client_open(r);

    ask(&quiet, 1, "echo");
    expect_result(&quiet, 1);
    PUSH(&c, "\x94\x00\x07\xa4"
             "echo\x91\xda\x01\x00half");
    expect_error(&c, 7, "request_timeout");
    client_expect_eof(&c);
    for (int i = 0; i < 5; i++) {
        rig_pump_a_while(r);
    }
    ask(&quiet, 2, "echo");
    expect_result(&quiet, 2);
    client_close(&c);
    client_close(&quiet);
}

/* ---- slow and leaving peers ---- */

static void a_peer_that_does_not_read_is_not_read(void **state)
{
    /* Requests are taken only while there is room for their answers; nothing is lost. */
    struct rig *r = *state;
    char text[4000];
    size_t sent = 0;
    uint32_t asked = 0;
    struct buf out;
    rig_open(r);
    struct client c = client_open(r);

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    json_t *params = json_pack("[s]", text);
    buf_init(&out, 64 * MIB);
    for (; asked < 4000; asked++) {
        write_request(&out, asked, "echo", params);
    }
    for (int idle = 0; idle < 50 && sent < out.n;) {
        ssize_t took = client_try(&c, out.p + sent, out.n - sent);
        sent += (size_t)took;
        idle = took ? 0 : idle + 1;
        rig_pump(r);
    }
    assert_true(sent < 2 * MIB);
    for (uint32_t i = 0; i < asked; i++) {
        if (sent < out.n) {
            sent += (size_t)client_try(&c, out.p + sent, out.n - sent);
        }
        expect_result(&c, i);
    }
    json_decref(params);
    buf_done(&out);
    client_close(&c);
}

static void requests_wait_for_room_without_another_byte(void **state)
{
    /* Requests that were read before the queue was full are taken when there is room, whatever comes. */
    struct rig *r = *state;
    struct buf out;
    json_t *params = json_array();
    rig_open(r);
    struct client c = client_open(r);

    buf_init(&out, MIB);
    for (uint32_t i = 0; i < 50; i++) {
        write_request(&out, i, "big", params);
    }
    json_decref(params);
    push_buf(&c, &out);
    rig_until(r, strstr(r->trace.p, "big 1;"));
    rig_pump_a_while(r);
    assert_null(strstr(r->trace.p, "big 20;"));
    for (uint32_t i = 0; i < 50; i++) {
        expect_result(&c, i);
    }
    client_close(&c);
}

static void notifications_are_dropped_when_nobody_reads(void **state)
{
    /* A full queue refuses notifications; what was queued arrives whole, and there is room again. */
    struct rig *r = *state;
    char text[1000];
    int queued = 0;
    rig_open(r);
    struct client c = client_open(r);

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    json_t *params = json_pack("[s]", text);
    ask(&c, 1, "hold");
    rig_until(r, r->call_count == 1);
    struct front_peer *peer = front_peer_find(r->front, r->calls[0].peer);
    while (front_peer_notify(peer, "task.event", params)) {
        queued++;
        assert_true(queued < 5000);
    }
    assert_true(queued > (int)(LIMIT_OUT_QUEUE_BYTES / 1100));
    for (int i = 0; i < queued; i++) {
        struct mprpc m = next_frame(&c);
        assert_int_equal(m.type, MPRPC_NOTIFY);
        assert_string_equal(m.method, "task.event");
        mprpc_done(&m);
    }
    assert_true(front_peer_notify(peer, "task.event", params));
    answer(r, 0);
    struct mprpc m = next_frame(&c);
    assert_int_equal(m.type, MPRPC_NOTIFY);
    mprpc_done(&m);
    expect_result(&c, 1);
    json_decref(params);
    client_close(&c);
}

static void a_half_closed_peer_gets_its_answers(void **state)
{
    /* shutdown(SHUT_WR) is no farewell while requests are in flight; after the last answer it is. */
    struct rig *r = *state;
    rig_open(r);
    struct client c = client_open(r);

    ask(&c, 1, "hold");
    ask(&c, 2, "hold");
    shutdown(c.fd, SHUT_WR);
    rig_until(r, r->call_count == 2);
    rig_pump_a_while(r);
    assert_int_equal(r->peers_gone, 0);
    answer(r, 1);
    expect_result(&c, 2);
    answer(r, 0);
    expect_result(&c, 1);
    client_expect_eof(&c);
    client_close(&c);
}

static void a_peer_that_leaves_is_noticed(void **state)
{
    /* With requests in flight, also after a half close. */
    struct rig *r = *state;
    rig_open(r);
    struct client a = client_open(r), b = client_open(r);

    ask(&a, 1, "hold");
    ask(&b, 1, "hold");
    shutdown(b.fd, SHUT_WR);
    rig_until(r, r->call_count == 2);
    rig_pump_a_while(r);
    client_close(&a);
    client_close(&b);
    rig_until(r, r->peers_gone == 2);
    assert_int_equal(front_in_flight(r->front), 0);
    assert_int_equal(front_connections(r->front), 0);
}

static void what_was_sent_before_leaving_counts(void **state)
{
    /* A client may notify and leave: nothing it sent is lost. */
    struct rig *r = *state;
    rig_open(r);
    struct client c = client_open(r);

    PUSH(&c, "\x93\x02\xa4"
             "hint\x90");
    client_close(&c);
    rig_until(r, r->peers_gone == 1);
    assert_string_equal(r->trace.p, "hint;peer gone;");
}

static void an_answer_that_is_too_large_is_a_fault(void **state)
{
    /* A result over LIMIT_OUT_BYTES becomes an error of its own, and the connection goes on. */
    struct rig *r = *state;
    struct pack_bins bins = {.n = 1};
    char *big = mem_new(LIMIT_OUT_BYTES);
    json_t *value = json_pack("{s:i}", "$bin", 0);
    rig_open(r);
    struct client c = client_open(r);

    ask(&c, 1, "hold");
    rig_until(r, r->call_count == 1);
    bins.items[0] = (struct slice){big, LIMIT_OUT_BYTES};
    front_peer_result(front_peer_find(r->front, r->calls[0].peer), 1, value, &bins);
    expect_error(&c, 1, "internal_error");
    ask(&c, 2, "echo");
    expect_result(&c, 2);
    json_decref(value);
    free(big);
    client_close(&c);
}

/* ---- the end of the front ---- */

static void drain_lets_answers_out(void **state)
{
    /* Quiet peers end, new requests are refused, those in flight are answered; then done comes. */
    struct rig *r = *state;
    rig_open(r);
    struct client quiet = client_open(r), busy = client_open(r);

    ask(&quiet, 1, "echo");
    expect_result(&quiet, 1);
    ask(&busy, 1, "hold");
    rig_until(r, r->call_count == 1);
    front_drain(r->front, rig_drained, r);
    client_expect_eof(&quiet);
    ask(&busy, 2, "echo");
    expect_error(&busy, 2, "draining");
    assert_int_equal(r->drained, 0);
    answer(r, 0);
    expect_result(&busy, 1);
    client_expect_eof(&busy);
    client_close(&quiet);
    client_close(&busy);
    rig_until(r, r->drained == 1);
    assert_int_equal(r->peers_gone, 2);
}

static void a_handler_may_close_the_front(void **state)
{
    /* Also inside a call whose params are read after that, with more frames behind it, held or not. */
    struct rig *r = *state;
    struct buf out;
    rig_open(r);
    struct client c = client_open(r);

    buf_init(&out, MIB);
    json_t *params = json_pack("[]");
    write_request(&out, 1, "close", params);
    write_request(&out, 2, "echo", params);
    json_decref(params);
    /* The first byte alone makes the front hold what comes. */
    assert_true(client_push(&c, out.p, 1));
    rig_pump_a_while(r);
    assert_true(client_push(&c, out.p + 1, out.n - 1));
    buf_done(&out);
    rig_until(r, !r->front);
    assert_string_equal(r->trace.p, "close 1;peer gone;");
    rig_until(r, client_ended(&c));
    client_close(&c);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(both_dialects_share_a_socket),
        T(answers_come_in_any_order),
        T(frames_may_be_cut_and_joined_anywhere),
        T(bins_go_both_ways),
        T(notifications_and_answers_need_no_answer),
        T(faults_have_code_type_and_message),
        T(bombs_are_refused_by_their_headers),
        T(a_refusal_is_readable_behind_what_follows),
        T(a_frame_to_nobody_ends_the_connection),
        T(a_request_that_is_wrong_inside_fails_alone),
        T(requests_in_flight_are_limited),
        T(a_listener_has_its_own_limit),
        T(too_many_connections_are_told_so),
        T(a_front_without_calls_says_so),
        T(half_frames_are_bounded_over_all_connections),
        T(a_frame_that_stops_is_timed_out),
        T(a_peer_that_does_not_read_is_not_read),
        T(requests_wait_for_room_without_another_byte),
        T(notifications_are_dropped_when_nobody_reads),
        T(a_half_closed_peer_gets_its_answers),
        T(a_peer_that_leaves_is_noticed),
        T(what_was_sent_before_leaving_counts),
        T(an_answer_that_is_too_large_is_a_fault),
        T(drain_lets_answers_out),
        T(a_handler_may_close_the_front),
    };

    return cmocka_run_group_tests_name("front_rpc", tests, NULL, NULL);
}
