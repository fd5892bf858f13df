/* bench_load.c - loads a socket with one request, saturated or at a rate, and prints what it measured as
 * JSON.
 *
 * bench_load DIALECT ADDRESS CONNECTIONS COUNT RATE TARGET BODY
 *   DIALECT  rpc (MessagePack-RPC task.submit) or http (POST TARGET)
 *   ADDRESS  a Unix socket's path or 127.0.0.1:PORT
 *   RATE     0: each connection sends the next request when it has the answer (rpc: keeps 32 under way); else
 * an open loop of so many a second, latency counted from the moment a request was due BODY     a file with
 * JSON: the request's body, or the task for task.submit */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "wire/mprpc.h"

#define RPC_WINDOW 32
#define PENDING    4096 /* under way on one connection at most */

struct conn {
    int fd;
    struct buf out;
    struct buf in;
    struct pack_scan scan;
    int64_t due[PENDING]; /* of requests under way, by order (http) or msgid (rpc) */
    unsigned sent, done;
};

struct load {
    bool rpc;
    const char *address, *target;
    char *body;
    size_t body_n;
    json_t *task;
    struct conn *conns;
    int count_conns;
    long count, sent, done, errors;
    double rate;
    int64_t began_us;
    int64_t *latency;
    int ep;
};

static int connect_to(const char *address)
{
    int fd;

    if (address[0] == '/' || address[0] == '.') {
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        snprintf(a.sun_path, sizeof(a.sun_path), "%s", address);
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&a, sizeof(a))) {
            perror(address);
            exit(1);
        }
    } else {
        struct sockaddr_in a = {.sin_family = AF_INET};
        a.sin_addr.s_addr = inet_addr("127.0.0.1");
        a.sin_port = htons((uint16_t)strtol(strchr(address, ':') + 1, NULL, 10));
        fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&a, sizeof(a))) {
            perror(address);
            exit(1);
        }
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void conn_flush(struct load *l, struct conn *c)
{
    while (c->out.n) {
        ssize_t n = write(c->fd, c->out.p, c->out.n);
        if (n <= 0) {
            break;
        }
        buf_cut(&c->out, (size_t)n);
    }
    struct epoll_event e = {.events = EPOLLIN | (c->out.n ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(l->ep, EPOLL_CTL_MOD, c->fd, &e);
}

static void conn_send(struct load *l, struct conn *c, int64_t due_us)
{
    c->due[c->sent % PENDING] = due_us;
    if (l->rpc) {
        pack_write_array(&c->out, 4);
        buf_char(&c->out, 0);
        json_t *id = json_integer((json_int_t)c->sent);
        pack_write(&c->out, id, NULL);
        json_decref(id);
        pack_write_text(&c->out, slice_of("task.submit"));
        pack_write_array(&c->out, 1);
        pack_write(&c->out, l->task, NULL);
    } else {
        buf_printf(&c->out,
                   "POST %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sim-key\r\nContent-Type: "
                   "application/json\r\nContent-Length: %zu\r\n\r\n",
                   l->target, l->body_n);
        buf_add(&c->out, l->body, l->body_n);
    }
    c->sent++;
    l->sent++;
}

static void conn_done(struct load *l, struct conn *c, unsigned which, bool good)
{
    l->latency[l->done++] = clock_mono_us() - c->due[which % PENDING];
    l->errors += !good;
    c->done++;
}

/* The whole answers in c->in. */
static void conn_http(struct load *l, struct conn *c)
{
    for (;;) {
        char *end = c->in.n ? memmem(c->in.p, c->in.n, "\r\n\r\n", 4) : NULL;
        char *length = end ? strcasestr(c->in.p, "content-length:") : NULL;
        size_t body = length && length < end ? strtoul(length + 15, NULL, 10) : 0;
        if (!end || c->in.n < (size_t)(end + 4 - c->in.p) + body) {
            return;
        }
        conn_done(l, c, c->done, c->in.p[9] == '2');
        buf_cut(&c->in, (size_t)(end + 4 - c->in.p) + body);
    }
}

static void conn_rpc(struct load *l, struct conn *c)
{
    size_t at = 0, n;

    for (;;) {
        struct slice rest = {c->in.p + at, c->in.n - at};
        struct mprpc m = {0};
        pack_scan_init(&c->scan, &pack_default);
        if (rest.n == 0 || pack_scan(&c->scan, rest, &n, NULL) != FAULT_OK || n == 0) {
            break;
        }
        bool good = mprpc_read((struct slice){rest.p, n}, &m, NULL) == FAULT_OK &&
                    json_is_null(json_array_get(m.params, 0));
        conn_done(l, c, m.msgid, good);
        mprpc_done(&m);
        at += n;
    }
    buf_cut(&c->in, at);
}

static void conn_read(struct load *l, struct conn *c)
{
    char piece[65536];
    ssize_t n;

    while ((n = read(c->fd, piece, sizeof(piece))) > 0) {
        buf_add(&c->in, piece, (size_t)n);
    }
    if (n == 0) {
        fprintf(stderr, "the server closed a connection: %.*s\n", (int)c->in.n, c->in.p ? c->in.p : "");
        exit(1);
    }
    if (l->rpc) {
        conn_rpc(l, c);
    } else {
        conn_http(l, c);
    }
}

static void load_saturate(struct load *l)
{
    unsigned window = l->rpc ? RPC_WINDOW : 1;

    for (int i = 0; i < l->count_conns; i++) {
        struct conn *c = &l->conns[i];
        bool any = false;
        while (l->sent < l->count && c->sent - c->done < window) {
            conn_send(l, c, clock_mono_us());
            any = true;
        }
        if (any) {
            conn_flush(l, c);
        }
    }
}

/* What is due goes to the connections in turn; http connections carry one at a time, so a busy one is passed
 * over. */
static int64_t load_paced(struct load *l)
{
    int64_t now = clock_mono_us();

    while (l->sent < l->count) {
        int64_t due = l->began_us + (int64_t)((double)l->sent * 1e6 / l->rate);
        struct conn *c = NULL;
        if (due > now) {
            return due - now;
        }
        for (int i = 0; i < l->count_conns && !c; i++) {
            struct conn *k = &l->conns[(l->sent + i) % l->count_conns];
            c = l->rpc || k->sent == k->done ? k : NULL;
        }
        if (!c) {
            return 1000;
        }
        conn_send(l, c, due);
        conn_flush(l, c);
    }
    return 100000;
}

/* Sleeps to the microsecond: a client that spins would take a core from those that are measured. */
static void load_run(struct load *l)
{
    struct epoll_event events[64];

    l->began_us = clock_mono_us();
    while (l->done < l->count) {
        int64_t wait = 100000;
        if (l->rate > 0) {
            wait = load_paced(l);
        } else {
            load_saturate(l);
        }
        struct timespec sleep = {wait / 1000000, wait % 1000000 * 1000};
        int n = epoll_pwait2(l->ep, events, 64, &sleep, NULL);
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) {
                conn_flush(l, c);
            }
            conn_read(l, c);
        }
    }
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static void load_print(struct load *l)
{
    double seconds = (double)(clock_mono_us() - l->began_us) / 1e6;

    qsort(l->latency, (size_t)l->done, sizeof(*l->latency), by_value);
    printf("{\"rate\": %.1f, \"p50_us\": %" PRId64 ", \"p99_us\": %" PRId64
           ", \"errors\": %ld, \"count\": %ld}\n",
           (double)l->done / seconds, l->latency[l->done / 2], l->latency[l->done * 99 / 100], l->errors,
           l->done);
}

static void load_open(struct load *l, const char *body_file)
{
    FILE *f = fopen(body_file, "rb");

    if (!f) {
        perror(body_file);
        exit(1);
    }
    l->body = mem_new(1 << 20);
    l->body_n = fread(l->body, 1, (1 << 20) - 1, f);
    fclose(f);
    l->task = json_loads(l->body, 0, NULL);
    l->latency = mem_new((size_t)l->count * sizeof(*l->latency));
    l->conns = mem_new((size_t)l->count_conns * sizeof(*l->conns));
    l->ep = epoll_create1(0);
    for (int i = 0; i < l->count_conns; i++) {
        struct conn *c = &l->conns[i];
        c->fd = connect_to(l->address);
        buf_init(&c->out, 64u << 20);
        buf_init(&c->in, 64u << 20);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(l->ep, EPOLL_CTL_ADD, c->fd, &e);
    }
}

int main(int argc, char **argv)
{
    struct load l = {0};

    if (argc != 8) {
        fprintf(stderr, "usage: bench_load rpc|http ADDRESS CONNECTIONS COUNT RATE TARGET BODYFILE\n");
        return 2;
    }
    l.rpc = !strcmp(argv[1], "rpc");
    l.address = argv[2];
    l.count_conns = (int)strtol(argv[3], NULL, 10);
    l.count = strtol(argv[4], NULL, 10);
    l.rate = strtod(argv[5], NULL);
    l.target = argv[6];
    load_open(&l, argv[7]);
    load_run(&l);
    load_print(&l);
    return l.errors ? 1 : 0;
}
