/* test_front.c - HTTP on the front: answers, order, limits, deadlines, and clients that misbehave. */
#include "front_rig.h"

static int setup(void **state)
{
    *state = rig_new();
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    rig_free(r);
    return 0;
}

#define GET(path)        "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(path, text) "POST " path " HTTP/1.1\r\nHost: x\r\nContent-Length: " text

/* ---- answers ---- */

static void one_connection_serves_many_requests(void **state)
{
    /* Requests follow each other, each is told from head to gone, and answers have their length. */
    struct rig *r = *state;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, POST("/a", "5\r\n\r\nhello"));
    client_expect(&c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\n/a 5");
    client_say(&c, GET("/b"));
    client_expect(&c, "\r\n\r\n/b 0");
    rig_until(r, r->gones == 2);
    assert_string_equal(r->trace.p, "head /a;end;gone;head /b;end;gone;");
    assert_int_equal(c.in.n, 0);
    assert_int_equal(front_in_flight(r->front), 0);
    assert_int_equal(front_connections(r->front), 1);
    client_close(&c);
    rig_until(r, front_connections(r->front) == 0);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    /* The second request is not even told before the answer to the first is out. */
    struct rig *r = *state;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, GET("/hold") GET("/b") POST("/c", "3\r\n\r\nabc") GET("/hold"));
    rig_until(r, r->held_count == 1);
    rig_pump_a_while(r);
    assert_string_equal(r->trace.p, "head /hold;end;");
    front_reply(r->held[0], 200, NULL, 0, slice_of("first"));
    assert_int_equal(r->gones, 0); /* never from inside a call */
    client_expect(&c, "first");
    client_expect(&c, "/b 0");
    client_expect(&c, "/c 3");
    rig_until(r, r->held_count == 2);
    front_reply(r->held[1], 200, NULL, 0, slice_of("last"));
    client_expect(&c, "last");
    client_close(&c);
}

static void bytes_may_come_one_by_one(void **state)
{
    /* A request that arrives byte by byte, its body chunked, is the same request. */
    struct rig *r = *state;
    const char *text =
        "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    rig_open(r);
    struct client c = client_open(r);

    for (const char *p = text; *p; p++) {
        assert_int_equal(client_try(&c, p, 1), 1);
        rig_pump(r);
    }
    client_expect(&c, "/a 5");
    client_close(&c);
}

static void an_answer_may_come_from_any_callback(void **state)
{
    /* From head: body and end are not told, the small body is read over, the connection goes on. */
    struct rig *r = *state;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, POST("/now", "5\r\n\r\nhe"));
    client_expect(&c, "Content-Length: 3\r\n\r\nnow");
    rig_until(r, r->gones == 1);
    client_say(&c, "llo" GET("/b"));
    client_expect(&c, "/b 0");
    rig_until(r, r->gones == 2);
    assert_string_equal(r->trace.p, "head /now;gone;head /b;end;gone;");
    client_close(&c);
}

static void values_are_json_or_messagepack(void **state)
{
    /* A value is written as Accept asks, and a real keeps its digits. */
    struct rig *r = *state;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, GET("/value"));
    client_expect(&c, "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n");
    client_expect(&c, "{\"x\":0.1,\"s\":\"text\"}");
    client_say(&c, "GET /value HTTP/1.1\r\nHost: x\r\nAccept: application/msgpack\r\n\r\n");
    client_expect(&c, "Content-Type: application/msgpack\r\nContent-Length: 19\r\n\r\n\x82\xa1x\xcb");
    client_close(&c);
}

static void faults_are_envelopes(void **state)
{
    /* OpenAI's envelope; the SDKs are told not to repeat what cannot pass, and when to repeat what may. */
    struct rig *r = *state;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, GET("/refuse"));
    client_expect(&c, "HTTP/1.1 404 Not Found\r\n");
    client_expect(&c, "x-should-retry: false\r\n");
    client_expect(&c, "{\"error\":{\"message\":\"no \\\"such\\\" thing\",\"type\":\"invalid_request_error\","
                      "\"code\":\"not_found\",\"param\":null}}");
    client_say(&c, GET("/full"));
    client_expect(&c, "HTTP/1.1 503 Service Unavailable\r\n");
    rig_until(r, client_has(&c, "fleet_full"));
    assert_true(client_has(&c, "Retry-After: 1\r\n"));
    assert_false(client_has(&c, "x-should-retry"));
    client_say(&c, POST("/refuse-body", "1\r\n\r\nx"));
    client_expect(&c, "HTTP/1.1 400 Bad Request\r\n");
    client_expect(&c, "{\"error\":{\"message\":\"bad ? byte\",");
    client_expect(&c, "\"code\":\"invalid_value\",\"param\":\"/prompt\"}}");
    client_say(&c, "GET /refuse HTTP/1.1\r\nHost: x\r\nAccept: application/msgpack\r\n\r\n");
    client_expect(&c, "Content-Type: application/msgpack\r\n");
    client_expect(&c, "\xa5"
                      "error\x84");
    client_close(&c);
}

static void a_fault_may_carry_more(void **state)
{
    /* What the handler adds stands beside the rest; 504 must not be repeated by an SDK. */
    struct rig *r = *state;
    struct note note = {0};
    rig_open(r);
    struct client c = client_open(r);
    json_t *extra = json_pack("{s:s}", "id", "t-1");

    client_say(&c, GET("/hold"));
    rig_until(r, r->held_count == 1);
    front_reply_fault(r->held[0], FAULT_STILL_RUNNING, &note, extra);
    json_decref(extra);
    client_expect(&c, "HTTP/1.1 504 Gateway Timeout\r\n");
    client_expect(&c, "x-should-retry: false\r\n");
    client_expect(&c, "\"code\":\"still_running\",\"param\":null,\"id\":\"t-1\"}}");
    client_close(&c);
}

static void head_gets_no_body(void **state)
{
    /* HEAD has the length of the body but not the body, whole or streamed; 204 has neither. */
    struct rig *r = *state;
    r->to_stream = 100000;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, "HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n"
                   "HEAD /sized HTTP/1.1\r\nHost: x\r\n\r\n" GET("/204") GET("/b"));
    client_expect(&c, "Content-Length: 4\r\n\r\nHTTP/1.1 200 OK\r\n");
    client_expect(&c, "Content-Length: 100000\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n");
    client_expect(&c, "/b 0");
    client_close(&c);
}

static void http_1_0_ends_with_the_connection(void **state)
{
    /* No chunks and no keep-alive for HTTP/1.0: a streamed answer ends where the connection does. */
    struct rig *r = *state;
    r->to_stream = 300000;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, "GET /stream HTTP/1.0\r\n\r\n");
    client_expect(&c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n");
    client_expect_eof(&c);
    assert_int_equal(c.in.n, 300000);
    client_close(&c);
}

static void connection_close_is_obeyed(void **state)
{
    /* A client that asks for the end gets it, orderly, and is told. */
    struct rig *r = *state;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    client_expect(&c, "Connection: close\r\n\r\n/a 0");
    client_expect_eof(&c);
    client_close(&c);
    rig_until(r, front_connections(r->front) == 0);
}

static void requests_have_ids(void **state)
{
    /* An id finds its request until the answer is out, and nothing ever after. */
    struct rig *r = *state;
    rig_open(r);
    struct client a = client_open(r), b = client_open(r);

    client_say(&a, "GET /hold HTTP/1.1\r\nHost: x\r\nX-Name: value\r\n\r\n");
    rig_until(r, r->held_count == 1);
    client_say(&b, GET("/hold"));
    rig_until(r, r->held_count == 2);
    uint64_t id = front_req_id(r->held[0]), other = front_req_id(r->held[1]);
    assert_true(id != other);
    assert_ptr_equal(front_req_find(r->front, id), r->held[0]);
    assert_ptr_equal(front_req_find(r->front, other), r->held[1]);
    assert_null(front_peer_find(r->front, id));
    assert_true(slice_is(front_req_field(r->held[0], "x-name"), "value"));
    assert_null(front_req_field(r->held[0], "x-other").p);
    front_reply(r->held[0], 200, NULL, 0, slice_of("done"));
    rig_until(r, r->gones == 1);
    assert_null(front_req_find(r->front, id));
    assert_ptr_equal(front_req_find(r->front, other), r->held[1]);
    client_close(&a);
    client_close(&b);
    rig_until(r, r->gones == 2);
    assert_null(front_req_find(r->front, other));
}

/* ---- 100-continue ---- */

static void continue_is_said_once_the_head_is_accepted(void **state)
{
    /* "100 Continue" comes when the handler took the head, once, and not for a body that is there. */
    struct rig *r = *state;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    client_expect(&c, "HTTP/1.1 100 Continue\r\n\r\n");
    client_say(&c, "ab");
    rig_pump_a_while(r);
    client_say(&c, "cd");
    client_expect(&c, "HTTP/1.1 200 OK\r\n");
    client_expect(&c, "/a 4");
    client_say(&c, "POST /b HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nxy");
    rig_until(r, client_has(&c, "/b 2"));
    assert_false(client_has(&c, "100 Continue"));
    client_expect(&c, "/b 2");
    client_say(&c, "POST /c HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nx");
    rig_until(r, r->body_bytes == 1);
    client_say(&c, "y");
    rig_until(r, client_has(&c, "/c 2"));
    assert_false(client_has(&c, "100 Continue"));
    client_close(&c);
}

static void continue_is_not_said_to_a_refused_head(void **state)
{
    /* A refusal comes instead of "100 Continue", and ends the connection: the body may follow or not. */
    struct rig *r = *state;
    r->limits.http.body_bytes = 1000;
    rig_open(r);
    struct client c = client_open(r), d = client_open(r);

    client_say(&c, "POST /refuse HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    rig_until(r, client_has(&c, "not_found"));
    assert_false(client_has(&c, "100 Continue"));
    client_expect(&c, "Connection: close\r\n");
    client_expect_eof(&c);
    client_say(&d, "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n");
    rig_until(r, client_has(&d, "request_too_large"));
    assert_false(client_has(&d, "100 Continue"));
    client_close(&c);
    client_close(&d);
}

/* ---- limits ---- */

static void wrong_bytes_are_answered(void **state)
{
    /* What is not HTTP, or too much of it, gets its status and envelope, and the connection ends. */
    static const struct {
        const char *text, *status, *code;
    } cases[] = {
        {"hello\r\n\r\n", "400", "invalid_request"},
        {"GET / HTTP/1.1\r\n\r\n", "400", "invalid_request"},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", "400", "invalid_request"},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400",
         "invalid_request"},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n", "431", "headers_too_large"},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n", "413", "request_too_large"},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n80\r\n", "413",
         "request_too_large"},
    };
    struct rig *r = *state;
    r->limits.http.header_count = 4;
    r->limits.http.body_bytes = 100;
    rig_open(r);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct client c = client_open(r);
        char line[64];
        snprintf(line, sizeof(line), "HTTP/1.1 %s ", cases[i].status);
        client_say(&c, cases[i].text);
        client_expect(&c, line);
        client_expect(&c, "Connection: close\r\n");
        snprintf(line, sizeof(line), "\"code\":\"%s\"", cases[i].code);
        client_expect(&c, line);
        client_expect_eof(&c);
        client_close(&c);
    }
    rig_until(r, front_connections(r->front) == 0);
    assert_int_equal(front_in_flight(r->front), 0);
}

static void the_handler_may_change_the_body_limit(void **state)
{
    /* front_req_body_limit holds for this request and not for the next. */
    struct rig *r = *state;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c,
               POST("/tiny", "4\r\n\r\nabcd") POST("/a", "5\r\n\r\nabcde") POST("/tiny", "5\r\n\r\nabcde"));
    client_expect(&c, "/tiny 4");
    client_expect(&c, "/a 5");
    client_expect(&c, "HTTP/1.1 413 ");
    client_expect_eof(&c);
    client_close(&c);
}

static void too_many_connections_are_told_so(void **state)
{
    /* Over the limit a request gets 503 and is not told to the handler; a free place is given again. */
    struct rig *r = *state;
    r->limits.connections = 2;
    rig_open(r);
    struct client a = client_open(r), b = client_open(r), d = client_open(r);

    rig_until(r, front_connections(r->front) == 2);
    client_say(&d, GET("/a"));
    client_expect(&d, "HTTP/1.1 503 ");
    client_expect(&d, "Retry-After: 1\r\n");
    client_expect(&d, "\"message\":\"2 connections are open");
    client_expect(&d, "\"code\":\"too_many_connections\"");
    client_expect_eof(&d);
    assert_int_equal(r->heads, 0);
    client_close(&a);
    rig_until(r, front_connections(r->front) == 1);
    struct client e = client_open(r);
    client_say(&e, GET("/e"));
    client_expect(&e, "/e 0");
    client_close(&b);
    client_close(&d);
    client_close(&e);
}

static void far_too_many_connections_are_closed(void **state)
{
    /* Those that wait to be refused are bounded too: beyond, a connection is closed at once. */
    struct rig *r = *state;
    struct client many[LIMIT_REFUSED_CONNECTIONS + 3];
    size_t n = sizeof(many) / sizeof(many[0]), ended = 0;
    r->limits.connections = 1;
    rig_open(r);

    for (size_t i = 0; i < n; i++) {
        many[i] = client_open(r);
    }
    rig_until(r, client_ended(&many[n - 1]));
    for (size_t i = 0; i < n; i++) {
        ended += client_ended(&many[i]);
        client_close(&many[i]);
    }
    assert_int_equal(ended, 2);
    assert_int_equal(front_connections(r->front), 1);
}

static void requests_in_flight_are_limited(void **state)
{
    /* Over the limit of unanswered requests a new one gets 503, on a connection that lives on. */
    struct rig *r = *state;
    r->limits.in_flight = 1;
    rig_open(r);
    struct client a = client_open(r), b = client_open(r);

    client_say(&a, GET("/hold"));
    rig_until(r, front_in_flight(r->front) == 1);
    client_say(&b, GET("/b"));
    client_expect(&b, "HTTP/1.1 503 ");
    client_expect(&b, "\"code\":\"too_many_in_flight\"");
    rig_until(r, r->held_count == 1);
    front_reply(r->held[0], 200, NULL, 0, slice_of("a"));
    rig_until(r, front_in_flight(r->front) == 0);
    client_say(&b, GET("/b"));
    client_expect(&b, "/b 0");
    client_close(&a);
    client_close(&b);
}

static void an_answer_that_is_too_large_is_a_fault(void **state)
{
    /* An answer over LIMIT_OUT_BYTES becomes a 500 instead of a torn answer. */
    struct rig *r = *state;
    char *big = mem_new(LIMIT_OUT_BYTES);
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, GET("/hold"));
    rig_until(r, r->held_count == 1);
    front_reply(r->held[0], 200, NULL, 0, (struct slice){big, LIMIT_OUT_BYTES});
    client_expect(&c, "HTTP/1.1 500 ");
    client_expect(&c, "internal_error");
    free(big);
    client_close(&c);
}

/* ---- deadlines ---- */

static void a_slow_head_gets_408(void **state)
{
    /* Slowloris: bytes that trickle do not prolong the deadline, which counts from the first. */
    struct rig *r = *state;
    r->limits.header_ms = 150;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, "GET /a HTTP/1.1\r\nHost: x\r\n");
    rig_until(r, (client_try(&c, "A: b\r\n", 6), client_has(&c, "\r\n\r\n")));
    client_expect(&c, "HTTP/1.1 408 Request Timeout\r\n");
    client_expect(&c, "\"code\":\"request_timeout\"");
    client_expect_eof(&c);
    assert_int_equal(r->heads, 0);
    client_close(&c);
    rig_until(r, front_connections(r->front) == 0);
}

static void a_body_that_stops_gets_408(void **state)
{
    /* A body may be slow but not stand still; its handler is told. */
    struct rig *r = *state;
    r->limits.body_idle_ms = 100;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, POST("/a", "1000000\r\n\r\nx"));
    client_expect(&c, "HTTP/1.1 408 Request Timeout\r\n");
    client_expect_eof(&c);
    assert_string_equal(r->trace.p, "head /a;gone;");
    client_close(&c);
}

static void an_idle_connection_is_closed(void **state)
{
    /* Without a request a connection ends silently, before the first one and after. */
    struct rig *r = *state;
    r->limits.keepalive_ms = 100;
    rig_open(r);
    struct client c = client_open(r), d = client_open(r);

    client_say(&c, GET("/a"));
    client_expect(&c, "/a 0");
    client_expect_eof(&c);
    client_expect_eof(&d);
    assert_int_equal(c.in.n + d.in.n, 0);
    client_close(&c);
    client_close(&d);
}

static void a_waiting_request_has_no_deadline(void **state)
{
    /* While the handler thinks, none of the client's deadlines runs. */
    struct rig *r = *state;
    r->limits.keepalive_ms = r->limits.body_idle_ms = r->limits.header_ms = r->limits.stall_ms = 50;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, GET("/hold"));
    rig_until(r, r->held_count == 1);
    for (int i = 0; i < 10; i++) {
        rig_pump_a_while(r);
    }
    assert_non_null(r->held[0]);
    front_reply(r->held[0], 200, NULL, 0, slice_of("late"));
    client_expect(&c, "late");
    client_close(&c);
}

static void a_client_that_takes_nothing_is_cut(void **state)
{
    /* An answer of which no byte is taken for stall_ms ends its connection. */
    struct rig *r = *state;
    r->limits.stall_ms = 100;
    r->to_stream = 8 * MIB;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, GET("/sized"));
    rig_until(r, r->gones == 1);
    assert_true(r->streamed < r->to_stream);
    rig_until(r, front_connections(r->front) == 0);
    client_close(&c);
}

/* ---- clients that end their side ---- */

static void half_closed_clients_get_their_answers(void **state)
{
    /* shutdown(SHUT_WR) after the request is no farewell: the answers come, then the end. */
    struct rig *r = *state;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, GET("/hold") GET("/b"));
    shutdown(c.fd, SHUT_WR);
    rig_until(r, r->held_count == 1);
    rig_pump_a_while(r);
    assert_int_equal(r->gones, 0);
    front_reply(r->held[0], 200, NULL, 0, slice_of("answer"));
    client_expect(&c, "answer");
    client_expect(&c, "/b 0");
    client_expect_eof(&c);
    client_close(&c);
    rig_until(r, front_connections(r->front) == 0);
}

static void half_a_request_is_answered(void **state)
{
    /* A client that ends its side inside a head or a body is told what is wrong. */
    struct rig *r = *state;
    rig_open(r);
    struct client c = client_open(r), d = client_open(r);

    client_say(&c, "GET /a HTTP/1.1\r\nHo");
    shutdown(c.fd, SHUT_WR);
    client_expect(&c, "HTTP/1.1 400 ");
    client_expect(&c, "ended inside the request\"");
    client_expect_eof(&c);
    client_say(&d, POST("/a", "10\r\n\r\nabc"));
    shutdown(d.fd, SHUT_WR);
    client_expect(&d, "ended inside the request body\"");
    client_expect_eof(&d);
    client_close(&c);
    client_close(&d);
}

static void a_client_that_leaves_is_noticed(void **state)
{
    /* While its request waits, after a half close, and behind more bytes than are read ahead. */
    struct rig *r = *state;
    struct client c[3];
    char more[1000] = {0};
    rig_open(r);

    for (int i = 0; i < 3; i++) {
        c[i] = client_open(r);
        client_say(&c[i], GET("/hold"));
    }
    rig_until(r, r->held_count == 3);
    shutdown(c[1].fd, SHUT_WR);
    for (int i = 0; i < 1000; i++) {
        client_try(&c[2], more, sizeof(more));
        rig_pump(r);
    }
    rig_pump_a_while(r);
    assert_int_equal(r->gones, 0);
    assert_int_equal(front_in_flight(r->front), 3);
    for (int i = 0; i < 3; i++) {
        client_close(&c[i]);
    }
    rig_until(r, r->gones == 3);
    assert_int_equal(front_in_flight(r->front), 0);
    assert_int_equal(front_connections(r->front), 0);
}

static void a_client_that_leaves_inside_a_body_is_noticed(void **state)
{
    /* A closed connection in the middle of a body is the end of the request. */
    struct rig *r = *state;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, POST("/a", "10\r\n\r\nabc"));
    rig_until(r, r->body_bytes == 3);
    client_close(&c);
    rig_until(r, r->gones == 1);
    assert_string_equal(r->trace.p, "head /a;gone;");
}

/* ---- much data ---- */

/* Pushes n bytes of body, which nobody needs. */
static bool push_zeros(struct client *c, size_t n)
{
    static const char zeros[65536];

    for (; n > sizeof(zeros); n -= sizeof(zeros)) {
        if (!client_push(c, zeros, sizeof(zeros))) {
            return false;
        }
    }
    return client_push(c, zeros, n);
}

static void an_early_fault_is_readable_behind_a_large_body(void **state)
{
    /* A client that sends all of its 20 MB before it reads finds its answer, not EPIPE or a reset. */
    struct rig *r = *state;
    rig_open(r);
    struct client c = client_open(r), d = client_open(r);

    client_say(&c, POST("/refuse", "20000000\r\n\r\n"));
    client_expect(&c, "HTTP/1.1 404 ");
    client_expect_eof(&c); /* It may know at once that this was all. */
    assert_int_equal(front_connections(r->front), 2);
    client_close(&c);
    c = client_open(r);
    client_say(&c, POST("/refuse", "20000000\r\n\r\n"));
    rig_until(r, r->gones == 2);
    assert_true(push_zeros(&c, 20000000));
    client_expect(&c, "HTTP/1.1 404 ");
    client_expect(&c, "\"param\":null}}");
    client_expect_eof(&c);
    client_say(&d, POST("/refuse-body", "20000000\r\n\r\n"));
    assert_true(push_zeros(&d, 20000000));
    client_expect(&d, "HTTP/1.1 400 ");
    client_expect_eof(&d);
    client_close(&c);
    client_close(&d);
}

static void a_refused_body_without_end_is_cut(void **state)
{
    /* What is read of a refused body is bounded. */
    struct rig *r = *state;
    r->limits.http.body_bytes = 1ull << 40;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, POST("/refuse", "1000000000000\r\n\r\n"));
    assert_false(push_zeros(&c, LIMIT_LINGER_BYTES + MIB));
    rig_until(r, front_connections(r->front) == 0);
    client_close(&c);
}

static void pipelined_bytes_are_bounded(void **state)
{
    /* While a request waits, no more is read ahead than one buffer; afterwards everything is served. */
    struct rig *r = *state;
    const char *more = GET("/b");
    size_t sent = 0, n = strlen(more);
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, GET("/hold"));
    rig_until(r, r->held_count == 1);
    for (int idle = 0; idle < 20;) {
        ssize_t took = client_try(&c, more + sent % n, n - sent % n);
        sent += (size_t)took;
        idle = took ? 0 : idle + 1;
        rig_pump(r);
    }
    assert_true(sent < 2 * MIB);
    front_reply(r->held[0], 200, NULL, 0, slice_of("first"));
    rig_until(r, (client_read(&c), r->gones == 1 + (int)(sent / n)));
    client_close(&c);
}

static void a_slow_reader_slows_the_source(void **state)
{
    /* No more waits for a client than the queue and a piece; in the end it has every byte. */
    struct rig *r = *state;
    r->to_stream = 8 * MIB;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, GET("/stream"));
    rig_until(r, r->streamed > LIMIT_OUT_QUEUE_BYTES);
    rig_pump_a_while(r);
    assert_true(r->streamed < 2 * MIB); /* the queue, and what the kernel takes */
    assert_int_equal(r->rooms, 1);
    rig_until(r, client_has(&c, "\r\n0\r\n\r\n"));
    assert_true(r->rooms > 1);
    client_expect(&c, "Transfer-Encoding: chunked\r\n\r\n2710\r\naaaa");
    client_close(&c);
    rig_until(r, r->gones == 1);
}

static void a_sized_stream_is_exact(void **state)
{
    /* A streamed answer with a length has just these bytes, and the connection serves on. */
    struct rig *r = *state;
    r->to_stream = 3 * MIB;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, GET("/sized") GET("/b"));
    client_expect(&c, "Content-Length: 3145728\r\n\r\n");
    rig_until(r, client_has(&c, "/b 0"));
    for (size_t i = 0; i < r->to_stream; i += 997) {
        assert_int_equal(c.in.p[i], 'a' + (int)(i / 10000 % 26));
    }
    client_expect(&c, "HTTP/1.1 200 OK");
    client_close(&c);
}

static void a_broken_promise_cuts_the_connection(void **state)
{
    /* Aborted, too short and too long answers: the client can tell, by the cut. */
    struct rig *r = *state;
    rig_open(r);

    for (int i = 0; i < 3; i++) {
        struct client c = client_open(r);
        client_say(&c, GET("/hold"));
        rig_until(r, r->held_count == i + 1);
        struct front_req *req = r->held[i];
        front_begin(req, 200, NULL, 0, i == 0 ? -1 : 10, NULL, NULL);
        if (i < 2) {
            assert_true(front_add(req, slice_of("part")));
        } else {
            assert_false(front_add(req, slice_of("more than ten")));
        }
        if (i == 0) {
            front_abort(req);
        } else {
            front_end(req);
        }
        assert_int_equal(r->gones, i);
        rig_until(r, r->gones == i + 1 && client_ended(&c));
        assert_false(client_has(&c, "\r\n0\r\n\r\n"));
        assert_int_equal(client_has(&c, "part"), i < 2);
        client_close(&c);
    }
}

static void an_aborted_request_hears_no_more(void **state)
{
    /* After front_abort in body neither more of it nor the end is told, only gone. */
    struct rig *r = *state;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, "POST /abort HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
    rig_until(r, client_ended(&c));
    assert_string_equal(r->trace.p, "head /abort;gone;");
    assert_int_equal(r->body_bytes, 1);
    client_close(&c);
}

static void a_client_may_leave_inside_its_answer(void **state)
{
    /* A client that reads a part and closes ends the request, and nothing else. */
    struct rig *r = *state;
    r->to_stream = 8 * MIB;
    rig_open(r);
    struct client c = client_open(r), d = client_open(r);

    client_say(&c, GET("/stream"));
    client_expect(&c, "aaaa");
    client_close(&c);
    rig_until(r, r->gones == 1);
    assert_true(r->streamed < r->to_stream);
    client_say(&d, GET("/d"));
    client_expect(&d, "/d 0");
    client_close(&d);
}

static void a_paused_body_waits_with_the_client(void **state)
{
    /* While paused no more is read than one buffer and no deadline runs; resumed, the whole body comes. */
    struct rig *r = *state;
    static const char zeros[65536];
    size_t sent = 0;
    r->limits.body_idle_ms = 50;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, POST("/pause", "8000000\r\n\r\n"));
    for (int idle = 0; idle < 200;) {
        ssize_t took = client_try(&c, zeros, sizeof(zeros));
        sent += (size_t)took;
        idle = took ? 0 : idle + 1;
        rig_pump(r);
        poll(NULL, 0, took ? 0 : 1);
    }
    assert_true(sent < 2 * MIB);
    assert_true(r->body_bytes <= 65536);
    assert_string_equal(r->trace.p, "head /pause;");
    front_req_resume(r->paused);
    assert_true(push_zeros(&c, 8000000 - sent));
    client_expect(&c, "/pause 8000000");
    client_close(&c);
}

/* ---- the end of the front ---- */

static void drain_lets_answers_out(void **state)
{
    /* Idle connections end, half-sent requests are refused, those under way answered; then it is done. */
    struct rig *r = *state;
    rig_open(r);
    struct client idle = client_open(r), half = client_open(r), busy = client_open(r), fresh = client_open(r);

    client_say(&idle, GET("/a"));
    client_expect(&idle, "/a 0");
    client_say(&half, "GET /a HTTP/1.1\r\n");
    client_say(&busy, GET("/hold"));
    rig_until(r, r->held_count == 1);
    front_drain(r->front, rig_drained, r);
    assert_int_not_equal(access(r->path, F_OK), 0);
    client_expect_eof(&idle);
    client_expect_eof(&fresh);
    client_expect(&half, "HTTP/1.1 503 ");
    client_expect(&half, "\"code\":\"draining\"");
    client_expect_eof(&half);
    rig_pump_a_while(r);
    assert_int_equal(r->drained, 0);
    front_reply(r->held[0], 200, NULL, 0, slice_of("last"));
    client_expect(&busy, "Connection: close\r\n\r\nlast");
    client_expect_eof(&busy);
    client_close(&idle);
    client_close(&half);
    client_close(&busy);
    client_close(&fresh);
    rig_until(r, r->drained == 1);
    assert_int_equal(front_connections(r->front), 0);
}

static void an_empty_drain_is_done_soon(void **state)
{
    /* Done comes also when there is nothing to wait for, but not from inside the call. */
    struct rig *r = *state;
    rig_open(r);

    front_drain(r->front, rig_drained, r);
    assert_int_equal(r->drained, 0);
    rig_until(r, r->drained == 1);
}

static void close_ends_everything_now(void **state)
{
    /* All that is told is taken back at once, and no callback comes later. */
    struct rig *r = *state;
    r->to_stream = 8 * MIB;
    rig_open(r);
    struct client a = client_open(r), b = client_open(r), d = client_open(r);

    client_say(&a, GET("/hold"));
    client_say(&b, GET("/stream"));
    client_say(&d, POST("/a", "10\r\n\r\nabc"));
    rig_until(r, r->heads == 3 && r->streamed > LIMIT_OUT_QUEUE_BYTES);
    front_close(&r->front);
    assert_null(r->front);
    assert_int_equal(r->gones, 3);
    rig_until(r, client_ended(&a) && client_ended(&b) && client_ended(&d));
    assert_int_equal(r->gones, 3);
    client_close(&a);
    client_close(&b);
    client_close(&d);
}

static void a_handler_may_close_the_front(void **state)
{
    /* Also from inside its own callback, with bytes left to be parsed. */
    struct rig *r = *state;
    rig_open(r);
    struct client c = client_open(r);

    client_say(&c, POST("/close", "3\r\n\r\nabc") GET("/b"));
    rig_until(r, !r->front);
    assert_string_equal(r->trace.p, "head /close;gone;");
    rig_until(r, client_ended(&c));
    client_close(&c);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(one_connection_serves_many_requests),
        T(pipelined_requests_are_answered_in_order),
        T(bytes_may_come_one_by_one),
        T(an_answer_may_come_from_any_callback),
        T(values_are_json_or_messagepack),
        T(faults_are_envelopes),
        T(a_fault_may_carry_more),
        T(head_gets_no_body),
        T(http_1_0_ends_with_the_connection),
        T(connection_close_is_obeyed),
        T(requests_have_ids),
        T(continue_is_said_once_the_head_is_accepted),
        T(continue_is_not_said_to_a_refused_head),
        T(wrong_bytes_are_answered),
        T(the_handler_may_change_the_body_limit),
        T(too_many_connections_are_told_so),
        T(far_too_many_connections_are_closed),
        T(requests_in_flight_are_limited),
        T(an_answer_that_is_too_large_is_a_fault),
        T(a_slow_head_gets_408),
        T(a_body_that_stops_gets_408),
        T(an_idle_connection_is_closed),
        T(a_waiting_request_has_no_deadline),
        T(a_client_that_takes_nothing_is_cut),
        T(half_closed_clients_get_their_answers),
        T(half_a_request_is_answered),
        T(a_client_that_leaves_is_noticed),
        T(a_client_that_leaves_inside_a_body_is_noticed),
        T(an_early_fault_is_readable_behind_a_large_body),
        T(a_refused_body_without_end_is_cut),
        T(pipelined_bytes_are_bounded),
        T(a_slow_reader_slows_the_source),
        T(a_sized_stream_is_exact),
        T(a_broken_promise_cuts_the_connection),
        T(an_aborted_request_hears_no_more),
        T(a_client_may_leave_inside_its_answer),
        T(a_paused_body_waits_with_the_client),
        T(drain_lets_answers_out),
        T(an_empty_drain_is_done_soon),
        T(close_ends_everything_now),
        T(a_handler_may_close_the_front),
    };

    return cmocka_run_group_tests_name("front", tests, NULL, NULL);
}
