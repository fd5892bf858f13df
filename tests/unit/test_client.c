/* test_client.c - the client of the agent's socket against a server that says what each test wants. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "edge/client.h"

/* Takes one connection: reads until what came ends with `until`, says `answer`, waits for the client to leave
 * when hold, closes. */
struct server {
    char path[108];
    int listener;
    const char *until, *answer;
    bool hold;
    struct buf got;
    pthread_t thread;
};

static bool has_all(const struct server *s)
{
    size_t n = strlen(s->until);

    return s->got.n >= n && !memcmp(s->got.p + s->got.n - n, s->until, n);
}

static void *serve(void *arg)
{
    struct server *s = arg;
    int fd = accept(s->listener, NULL, NULL);
    char piece[4096];
    ssize_t n = 1;

    while (n > 0 && !has_all(s)) {
        n = read(fd, piece, sizeof(piece));
        buf_add(&s->got, piece, n > 0 ? (size_t)n : 0);
    }
    if (s->answer) {
        assert_int_equal(send(fd, s->answer, strlen(s->answer), MSG_NOSIGNAL), strlen(s->answer));
    }
    while (s->hold && read(fd, piece, sizeof(piece)) > 0) {
    }
    close(fd);
    return NULL;
}

static void server_open(struct server *s)
{
    static int count;
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    buf_init(&s->got, 1 << 20);
    snprintf(s->path, sizeof(s->path), "/tmp/sluice-test-client-%d-%d", (int)getpid(), count++);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", s->path);
    s->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(s->listener, 1), 0);
}

static void server_start(struct server *s)
{
    server_open(s);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s)
{
    pthread_join(s->thread, NULL);
    close(s->listener);
    unlink(s->path);
    buf_done(&s->got);
}

#define HEAD_END "\r\n\r\n"

static void test_get(void **state)
{
    /* Proves: an answer's status, type, wish and bytes are all there, and the request is what was asked for.
     */
    static const char *const headers[] = {"X-One: 1", "Accept: text/plain", NULL};
    struct server s = {.until = HEAD_END,
                       .answer = "HTTP/1.1 503 no\r\nContent-Type: application/json\r\nRetry-After: "
                                 "7\r\nContent-Length: 4\r\n\r\nbody"};
    struct client_answer answer;
    struct note note = {0};

    (void)state;
    server_start(&s);
    struct client *c = client_new(s.path);
    const struct client_request r = {.method = "GET", .path = "/v1/a/../b?c=d%20e", .headers = headers};
    assert_int_equal(client_do(c, &r, &answer, &note), FAULT_OK);
    assert_int_equal(answer.status, 503);
    assert_string_equal(answer.type, "application/json");
    assert_int_equal(answer.later_ms, 7000);
    assert_true(slice_is(buf_slice(&answer.body), "body"));
    client_answer_done(&answer);
    client_free(&c);
    assert_null(c);
    client_free(&c);
    assert_true(slice_starts(buf_slice(&s.got), "GET /v1/a/../b?c=d%20e HTTP/1.1\r\n"));
    assert_non_null(strstr(s.got.p, "\r\nX-One: 1\r\n"));
    assert_non_null(strstr(s.got.p, "\r\nAccept: text/plain\r\n"));
    assert_null(strstr(s.got.p, "Content-Type"));
    server_stop(&s);
}

static void test_post(void **state)
{
    /* Proves: a body goes out with its length and type, an empty one without a type. */
    static const struct {
        struct client_request request;
        const char *until, *part, *absent;
    } rows[] = {
        {{.method = "POST", .path = "/a", .type = "application/json", .body = {"{}", 2}},
         "{}",
         "\r\nContent-Type: application/json\r\n",
         "Expect"},
        {{.method = "POST", .path = "/a"}, HEAD_END, "\r\nContent-Length: 0\r\n", "Content-Type"},
        {{.method = "DELETE", .path = "/a"}, HEAD_END, "DELETE /a HTTP/1.1\r\n", "Content-Type"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct server s = {.until = rows[i].until, .answer = "HTTP/1.1 204 ok\r\n\r\n"};
        struct client_answer answer;
        struct note note = {0};
        server_start(&s);
        struct client *c = client_new(s.path);
        assert_int_equal(client_do(c, &rows[i].request, &answer, &note), FAULT_OK);
        assert_int_equal(answer.status, 204);
        assert_string_equal(answer.type, "");
        assert_int_equal(answer.later_ms, -1);
        client_answer_done(&answer);
        client_free(&c);
        assert_non_null(strstr(s.got.p, rows[i].part));
        assert_null(strstr(s.got.p, rows[i].absent));
        server_stop(&s);
    }
}

static void test_file(void **state)
{
    /* Proves: a file is sent from where it stands with its length, a pipe in chunks. */
    struct client_answer answer;
    struct note note = {0};
    int ends[2];

    (void)state;
    for (int is_pipe = 0; is_pipe < 2; is_pipe++) {
        struct server s = {.until = is_pipe ? "\r\n0\r\n\r\n" : "world",
                           .answer = "HTTP/1.1 200 ok\r\nContent-Length: 0\r\n\r\n"};
        FILE *file = tmpfile();
        fputs("hello world", file);
        fseek(file, 6, SEEK_SET);
        if (is_pipe) {
            fclose(file);
            assert_int_equal(pipe(ends), 0);
            assert_int_equal(write(ends[1], "world", 5), 5);
            close(ends[1]);
            file = fdopen(ends[0], "r");
        }
        server_start(&s);
        struct client *c = client_new(s.path);
        const struct client_request r = {
            .method = "POST", .path = "/v1/media", .type = "image/png", .file = file};
        assert_int_equal(client_do(c, &r, &answer, &note), FAULT_OK);
        assert_int_equal(answer.status, 200);
        client_answer_done(&answer);
        client_free(&c);
        fclose(file);
        assert_non_null(
            strstr(s.got.p, is_pipe ? "\r\nTransfer-Encoding: chunked\r\n" : "\r\nContent-Length: 5\r\n"));
        assert_null(strstr(s.got.p, "hello"));
        server_stop(&s);
    }
}

struct sink {
    struct buf got;
    size_t enough;
};

static bool take(void *arg, struct slice bytes)
{
    struct sink *s = arg;

    buf_add(&s->got, bytes.p, bytes.n);
    return s->got.n < s->enough;
}

static void test_sink(void **state)
{
    /* Proves: good bytes go to the sink and not into the body, it can end the exchange, and a refusal is kept
     * as the body. */
    static const struct {
        const char *answer;
        size_t enough;
        enum fault fault;
        const char *got, *body;
    } rows[] = {
        {"HTTP/1.1 200 ok\r\nContent-Length: 5\r\n\r\nhello", 100, FAULT_OK, "hello", ""},
        {"HTTP/1.1 206 ok\r\nContent-Length: 5\r\n\r\nhello", 100, FAULT_OK, "hello", ""},
        {"HTTP/1.1 200 ok\r\nContent-Length: 5\r\n\r\nhello", 1, FAULT_CANCELLED, "hello", ""},
        {"HTTP/1.1 404 no\r\nContent-Length: 5\r\n\r\nhello", 1, FAULT_OK, "", "hello"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct server s = {.until = HEAD_END, .answer = rows[i].answer};
        struct sink sink = {.enough = rows[i].enough};
        struct client_answer answer;
        struct note note = {0};
        buf_init(&sink.got, 1024);
        server_start(&s);
        struct client *c = client_new(s.path);
        const struct client_request r = {.method = "GET", .path = "/", .data = take, .arg = &sink};
        assert_int_equal(client_do(c, &r, &answer, &note), rows[i].fault);
        assert_true(slice_is(buf_slice(&sink.got), rows[i].got));
        assert_true(slice_is(buf_slice(&answer.body), rows[i].body));
        client_answer_done(&answer);
        client_free(&c);
        buf_done(&sink.got);
        server_stop(&s);
    }
}

static bool refuse_to_wait(void *arg)
{
    return --*(int *)arg > 0;
}

static void test_tick(void **state)
{
    /* Proves: whoever waits can stop waiting, also for a server that says nothing. */
    struct server s = {.until = HEAD_END, .hold = true};
    struct client_answer answer;
    struct note note = {0};
    int ticks = 2;

    (void)state;
    server_start(&s);
    struct client *c = client_new(s.path);
    const struct client_request r = {.method = "GET", .path = "/", .tick = refuse_to_wait, .arg = &ticks};
    assert_int_equal(client_do(c, &r, &answer, &note), FAULT_CANCELLED);
    assert_int_equal(ticks, 0);
    client_answer_done(&answer);
    client_free(&c);
    server_stop(&s);
}

/* What becomes of a GET at path, with the note. */
static enum fault get_at(const char *path, int64_t timeout_ms, struct note *note)
{
    struct client_answer answer;
    struct client *c = client_new(path);
    const struct client_request r = {.method = "GET", .path = "/", .timeout_ms = timeout_ms};
    enum fault fault = client_do(c, &r, &answer, note);

    client_answer_done(&answer);
    client_free(&c);
    return fault;
}

static void test_nobody(void **state)
{
    /* Proves: no socket, a socket that nobody listens on, a silent one and a path that is too long are all
     * "nobody answers", with the reason. */
    struct server dead = {0}, silent = {.until = HEAD_END, .hold = true};
    struct note notes[4] = {{{0}, {0}}};
    char path[200];

    (void)state;
    assert_int_equal(get_at("/nonexistent/x", 0, &notes[0]), FAULT_NOT_FOUND);
    assert_non_null(strstr(notes[0].text, "no agent answers at /nonexistent/x: No such file or directory"));
    server_open(&dead);
    close(dead.listener);
    assert_int_equal(get_at(dead.path, 0, &notes[1]), FAULT_NOT_FOUND);
    assert_non_null(strstr(notes[1].text, "Connection refused"));
    unlink(dead.path);
    buf_done(&dead.got);
    server_start(&silent);
    assert_int_equal(get_at(silent.path, 100, &notes[2]), FAULT_NOT_FOUND);
    server_stop(&silent);
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(get_at(path, 0, &notes[3]), FAULT_NOT_FOUND);
}

static void test_broken(void **state)
{
    /* Proves: an exchange that ends too early is told as broken, whatever had come. */
    static const char *const answers[] = {
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 ok\r\nContent-Length: 5\r\n\r\nhel",
        "nonsense\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct server s = {.until = HEAD_END, .answer = answers[i]};
        struct note note = {0};
        server_start(&s);
        enum fault fault = get_at(s.path, 5000, &note);
        assert_int_equal(fault, FAULT_IO);
        assert_non_null(strstr(note.text, "broke off"));
        server_stop(&s);
    }
}

static void test_escape(void **state)
{
    /* Proves: a query's value is escaped whole. */
    (void)state;
    char *text = client_escape("a b&c=d/\xc3\xa9~");
    assert_string_equal(text, "a%20b%26c%3Dd%2F%C3%A9~");
    free(text);
    text = client_escape("");
    assert_string_equal(text, "");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),    cmocka_unit_test(test_post),   cmocka_unit_test(test_file),
        cmocka_unit_test(test_sink),   cmocka_unit_test(test_tick),   cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_broken), cmocka_unit_test(test_escape),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
