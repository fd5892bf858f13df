/* bench_front.c - how fast the front is by itself: an echo handler, and clients on a thread of their own.
 *
 * usage: bench_front [seconds]. What counts is the CPU time of the server's thread per request. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "edge/front.h"

#define CONNECTIONS 64
#define ANSWERS_MAX (4u << 20)

/* ---- the server ---- */

struct server {
    struct loop *loop;
    struct front *front;
    struct timer timer;
    struct buf body; /* one request at a time is enough: answers come at once */
    size_t to_stream;
    struct front_req *streaming;
    char piece[64 * 1024];
};

static void stream_more(void *arg)
{
    struct server *s = arg;

    while (s->to_stream) {
        size_t n = s->to_stream < sizeof(s->piece) ? s->to_stream : sizeof(s->piece);
        s->to_stream -= n;
        if (!front_add(s->streaming, (struct slice){s->piece, n})) {
            return;
        }
    }
    front_end(s->streaming);
}

static enum fault on_head(void *arg, struct front_req *req, const struct http_head *head, struct note *note)
{
    struct server *s = arg;

    (void)note;
    buf_reset(&s->body);
    if (slice_starts(head->path, "/download/")) {
        s->streaming = req;
        s->to_stream = strtoul(head->path.p + strlen("/download/"), NULL, 10);
        front_begin(req, 200, NULL, 0, (int64_t)s->to_stream, stream_more, s);
        stream_more(s);
    }
    front_req_body_limit(req, UINT64_MAX);
    return FAULT_OK;
}

static enum fault on_body(void *arg, struct front_req *req, struct slice bytes, struct note *note)
{
    struct server *s = arg;

    (void)req;
    (void)note;
    if (s->body.n < 1024) {
        buf_add(&s->body, bytes.p, bytes.n < 1024 ? bytes.n : 1024);
    }
    return FAULT_OK;
}

static enum fault on_end(void *arg, struct front_req *req, struct note *note)
{
    static const struct http_field type = {{"Content-Type", 12}, {"application/json", 16}};
    struct server *s = arg;

    (void)note;
    if (req != s->streaming) {
        front_reply(req, 202, &type, 1, buf_slice(&s->body));
    }
    return FAULT_OK;
}

static void on_gone(void *arg, struct front_req *req)
{
    struct server *s = arg;

    s->streaming = s->streaming == req ? NULL : s->streaming;
}

static void on_call(void *arg, struct front_peer *peer, const struct mprpc *m)
{
    (void)arg;
    front_peer_result(peer, m->msgid, m->params, NULL);
}

/* ---- the clients: each connection sends its request again when all answers to the last are there ---- */

struct client {
    const char *request;
    size_t request_n;
    size_t answers_n; /* bytes of the answers to it */
    size_t per_round; /* requests in it */
    const char *path;
    int64_t until_us;
    atomic_int_least64_t requests;
    atomic_int done;
    uint32_t *rounds_us; /* how long rounds took */
    size_t rounds, rounds_cap;
};

struct connection {
    int fd;
    size_t got;
    int64_t sent_us;
};

static void client_send(const struct client *c, struct connection *k)
{
    k->got = 0;
    k->sent_us = clock_mono_us();
    for (size_t at = 0; at < c->request_n;) {
        ssize_t n = send(k->fd, c->request + at, c->request_n - at, MSG_NOSIGNAL);
        if (n < 0) {
            perror("send");
            exit(1);
        }
        at += (size_t)n;
    }
}

static void client_open(const struct client *c, struct connection *k)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", c->path);
    k->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(k->fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        perror("connect");
        exit(1);
    }
}

static void client_read(struct client *c, struct connection *k)
{
    static char bytes[ANSWERS_MAX];
    ssize_t n = recv(k->fd, bytes, sizeof(bytes), 0);

    if (n <= 0) {
        fprintf(stderr, "the server hung up\n");
        exit(1);
    }
    k->got += (size_t)n;
    if (k->got < c->answers_n) {
        return;
    }
    atomic_fetch_add(&c->requests, (int64_t)c->per_round);
    if (c->rounds < c->rounds_cap) {
        c->rounds_us[c->rounds++] = (uint32_t)(clock_mono_us() - k->sent_us);
    }
    client_send(c, k);
}

static void *client_main(void *arg)
{
    struct client *c = arg;
    struct connection all[CONNECTIONS];
    struct epoll_event events[CONNECTIONS];
    int epoll = epoll_create1(0);

    for (int i = 0; i < CONNECTIONS; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        client_open(c, &all[i]);
        epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &event);
        client_send(c, &all[i]);
    }
    while (clock_mono_us() < c->until_us) {
        int n = epoll_wait(epoll, events, CONNECTIONS, 100);
        for (int i = 0; i < n; i++) {
            client_read(c, events[i].data.ptr);
        }
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        close(all[i].fd);
    }
    close(epoll);
    atomic_store(&c->done, 1);
    return NULL;
}

/* ---- measuring ---- */

static void on_timer(struct timer *timer)
{
    struct server *s = container_of(timer, struct server, timer);

    loop_stop(s->loop);
}

static int64_t thread_cpu_us(void)
{
    struct rusage u;

    getrusage(RUSAGE_THREAD, &u);
    return (int64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec +
           u.ru_stime.tv_usec;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void measure(struct server *s, struct client *c, const char *what, int seconds)
{
    pthread_t thread;
    int64_t began = clock_mono_us(), cpu = thread_cpu_us();

    c->until_us = began + seconds * 1000000ll;
    c->rounds_cap = 1000000;
    c->rounds_us = mem_new(c->rounds_cap * sizeof(*c->rounds_us));
    pthread_create(&thread, NULL, client_main, c);
    while (!atomic_load(&c->done)) {
        timer_start(s->loop, &s->timer, 20, on_timer);
        loop_run(s->loop);
    }
    pthread_join(thread, NULL);
    int64_t n = atomic_load(&c->requests);
    qsort(c->rounds_us, c->rounds, sizeof(*c->rounds_us), by_size);
    printf("%-34s %8.0f requests/s  server %5.2f us each (%.0f/s on a core)  p50 %u us  p99 %u us\n", what,
           (double)n * 1e6 / (double)(clock_mono_us() - began), (double)(thread_cpu_us() - cpu) / (double)n,
           (double)n * 1e6 / (double)(thread_cpu_us() - cpu), c->rounds ? c->rounds_us[c->rounds / 2] : 0,
           c->rounds ? c->rounds_us[c->rounds * 99 / 100] : 0);
    free(c->rounds_us);
}

static void bench_http(struct server *s, const char *path, int seconds, size_t depth)
{
    struct client c = {.path = path, .per_round = depth};
    struct buf one, request;
    char what[64];

    buf_init(&one, MIB);
    buf_init(&request, MIB);
    buf_text(&one, "POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n"
                   "Content-Type: application/json\r\nContent-Length: 250\r\n\r\n");
    for (int i = 0; i < 250; i++) {
        buf_char(&one, 'x');
    }
    for (size_t i = 0; i < depth; i++) {
        buf_add(&request, one.p, one.n);
    }
    c.request = request.p;
    c.request_n = request.n;
    buf_reset(&one);
    http_write_head(&one, 202, &(struct http_field){slice_of("Content-Type"), slice_of("application/json")},
                    1, 250, true);
    c.answers_n = depth * (one.n + 250);
    snprintf(what, sizeof(what), "HTTP, %zu at a time", depth);
    measure(s, &c, what, seconds);
    buf_done(&one);
    buf_done(&request);
}

static void bench_rpc(struct server *s, const char *path, int seconds, size_t depth)
{
    struct client c = {.path = path, .per_round = depth};
    struct buf request, answer;
    char what[64], text[201];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    json_t *params = json_pack("[{s:s,s:i}]", "prompt", text, "n", 1);
    buf_init(&request, MIB);
    buf_init(&answer, MIB);
    for (size_t i = 0; i < depth; i++) {
        pack_write_array(&request, 4);
        pack_write_int(&request, MPRPC_REQUEST);
        pack_write_int(&request, (int64_t)i);
        pack_write_text(&request, slice_of("task.submit"));
        pack_write(&request, params, NULL);
        mprpc_result(&answer, (uint32_t)i, params, NULL);
    }
    c.request = request.p;
    c.request_n = request.n;
    c.answers_n = answer.n;
    snprintf(what, sizeof(what), "MessagePack-RPC, %zu at a time", depth);
    measure(s, &c, what, seconds);
    json_decref(params);
    buf_done(&request);
    buf_done(&answer);
}

static long anonymous_kib(void)
{
    char line[128];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");

    while (f && fgets(line, sizeof(line), f)) {
        if (!strncmp(line, "RssAnon:", 8)) {
            kib = strtol(line + 8, NULL, 10);
        }
    }
    if (f) {
        fclose(f);
    }
    return kib;
}

/* What an idle connection costs that served one request. */
static void bench_idle(struct server *s, const char *path)
{
    struct client c = {.path = path};
    struct connection many[1000];
    long before = anonymous_kib();

    c.request = "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}";
    c.request_n = strlen(c.request);
    for (int i = 0; i < 1000; i++) {
        client_open(&c, &many[i]);
        client_send(&c, &many[i]);
        timer_start(s->loop, &s->timer, 0, on_timer);
        loop_run(s->loop);
    }
    timer_start(s->loop, &s->timer, 100, on_timer);
    loop_run(s->loop);
    printf("%-34s %8.2f KiB each (%zu open)\n", "idle connections",
           (double)(anonymous_kib() - before) / 1000.0, front_connections(s->front));
    for (int i = 0; i < 1000; i++) {
        close(many[i].fd);
    }
    timer_start(s->loop, &s->timer, 100, on_timer);
    loop_run(s->loop);
}

/* One large body each way. */
struct transfer {
    const char *path;
    bool up;
    size_t bytes;
    atomic_int done;
};

static void *transfer_main(void *arg)
{
    static char piece[64 * 1024];
    struct transfer *t = arg;
    struct client c = {.path = t->path};
    struct connection k;
    char head[256];

    client_open(&c, &k);
    snprintf(head, sizeof(head),
             t->up ? "POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n"
                   : "GET /download/%zu HTTP/1.1\r\nHost: x\r\n\r\n",
             t->bytes);
    c.request = head;
    c.request_n = strlen(head);
    client_send(&c, &k);
    for (size_t at = 0; at < t->bytes;) {
        ssize_t n = t->up ? send(k.fd, piece, t->bytes - at < sizeof(piece) ? t->bytes - at : sizeof(piece),
                                 MSG_NOSIGNAL)
                          : recv(k.fd, piece, sizeof(piece), 0);
        if (n <= 0) {
            fprintf(stderr, "the transfer broke\n");
            exit(1);
        }
        at += (size_t)n;
    }
    if (t->up && recv(k.fd, piece, sizeof(piece), 0) <= 0) {
        fprintf(stderr, "no answer\n");
        exit(1);
    }
    close(k.fd);
    atomic_store(&t->done, 1);
    return NULL;
}

static void bench_transfer(struct server *s, const char *path, bool up)
{
    struct transfer t = {.path = path, .up = up, .bytes = 1024 * (size_t)MIB};
    pthread_t thread;
    int64_t began = clock_mono_us(), cpu = thread_cpu_us();

    pthread_create(&thread, NULL, transfer_main, &t);
    while (!atomic_load(&t.done)) {
        timer_start(s->loop, &s->timer, 5, on_timer);
        loop_run(s->loop);
    }
    pthread_join(thread, NULL);
    printf("%-34s %8.0f MiB/s  server %.2f s CPU\n", up ? "upload of 1 GiB" : "download of 1 GiB",
           1024e6 / (double)(clock_mono_us() - began), (double)(thread_cpu_us() - cpu) / 1e6);
}

int main(int argc, char **argv)
{
    static const struct front_handler handler = {on_head, on_body, on_end, on_gone, on_call, NULL};
    int seconds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 3;
    struct server *s = mem_new(sizeof(*s));
    struct note note = {0};
    char path[64];

    signal(SIGPIPE, SIG_IGN);
    snprintf(path, sizeof(path), "/tmp/bench_front.%d", (int)getpid());
    buf_init(&s->body, 2 * MIB);
    s->loop = loop_new();
    if (front_open_unix(s->loop, NULL, path, 0600, &front_default, &handler, s, &s->front, &note)) {
        fprintf(stderr, "%s\n", note.text);
        return 1;
    }
    bench_idle(s, path);
    bench_http(s, path, seconds, 1);
    bench_http(s, path, seconds, 8);
    bench_rpc(s, path, seconds, 1);
    bench_rpc(s, path, seconds, 64);
    bench_transfer(s, path, true);
    bench_transfer(s, path, false);
    front_close(&s->front);
    loop_free(&s->loop);
    buf_done(&s->body);
    free(s);
    return 0;
}
