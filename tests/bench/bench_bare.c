/* bench_bare.c - what bare nats.c does: publishes with Msg-Id in event-loop mode, acks tracked; prints what
 * it measured as JSON.
 *
 * bench_bare URL COUNT WINDOW RATE BYTES: a work queue stream of its own on that server; RATE 0: WINDOW under
 * way; else an open loop, latency counted from the moment a message was due. The reference for "accept": no
 * socket, no journal, no checks. */
#include <inttypes.h>
#include <nats/nats.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

struct bare {
    int ep, fd;
    uint32_t events;
    pthread_mutex_t lock;
    natsConnection *nc;
    natsSubscription *sub;
    natsInbox *inbox;
    char *payload;
    int bytes;
    long count, window, sent, done, errors;
    double rate;
    int64_t began_us, *due, *latency;
};

static void bare_update(struct bare *b, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = b};

    epoll_ctl(b->ep, b->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, b->fd, &e);
    b->events = events;
}

static natsStatus on_attach(void **user, void *loop, natsConnection *nc, natsSock fd)
{
    struct bare *b = loop;

    pthread_mutex_lock(&b->lock);
    b->nc = nc;
    b->fd = fd;
    b->events = 0;
    bare_update(b, EPOLLIN);
    *user = b;
    pthread_mutex_unlock(&b->lock);
    return NATS_OK;
}

static natsStatus on_want(struct bare *b, uint32_t bit, bool add)
{
    pthread_mutex_lock(&b->lock);
    bare_update(b, add ? b->events | bit : b->events & ~bit);
    pthread_mutex_unlock(&b->lock);
    return NATS_OK;
}

static natsStatus on_read(void *user, bool add)
{
    return on_want(user, EPOLLIN, add);
}

static natsStatus on_write(void *user, bool add)
{
    return on_want(user, EPOLLOUT, add);
}

static natsStatus on_detach(void *user)
{
    (void)user;
    return NATS_OK;
}

static void bare_check(natsStatus s, const char *what)
{
    if (s != NATS_OK) {
        fprintf(stderr, "%s: %s\n", what, natsStatus_GetText(s));
        exit(1);
    }
}

static void bare_stream(const char *url)
{
    static const char config[] = "{\"name\":\"BENCH\",\"subjects\":[\"bench.>\"],\"retention\":\"workqueue\","
                                 "\"storage\":\"file\",\"duplicate_window\":120000000000}";
    natsConnection *nc = NULL;
    natsMsg *answer = NULL;

    bare_check(natsConnection_ConnectTo(&nc, url), "connect");
    natsConnection_RequestString(&answer, nc, "$JS.API.STREAM.DELETE.BENCH", "", 5000);
    natsMsg_Destroy(answer);
    answer = NULL;
    bare_check(natsConnection_RequestString(&answer, nc, "$JS.API.STREAM.CREATE.BENCH", config, 5000),
               "create");
    natsMsg_Destroy(answer);
    natsConnection_Destroy(nc);
}

static void bare_connect(struct bare *b, const char *url)
{
    natsOptions *o = NULL;
    char subject[128];

    bare_stream(url);
    pthread_mutex_init(&b->lock, NULL);
    b->ep = epoll_create1(0);
    bare_check(natsOptions_Create(&o), "options");
    natsOptions_SetURL(o, url);
    natsOptions_SetSendAsap(o, true);
    natsOptions_SetEventLoop(o, b, on_attach, on_read, on_write, on_detach);
    bare_check(natsConnection_Connect(&b->nc, o), "connect");
    natsOptions_Destroy(o);
    bare_check(natsInbox_Create(&b->inbox), "inbox");
    snprintf(subject, sizeof(subject), "%s.*", b->inbox);
    bare_check(natsConnection_SubscribeSync(&b->sub, b->nc, subject), "subscribe");
    natsSubscription_SetPendingLimits(b->sub, -1, -1);
}

static void bare_publish(struct bare *b, int64_t due_us)
{
    char reply[128], subject[64], id[64];
    natsMsg *m = NULL;

    snprintf(reply, sizeof(reply), "%s.%ld", b->inbox, b->sent);
    snprintf(subject, sizeof(subject), "bench.%ld", b->sent);
    snprintf(id, sizeof(id), "%" PRId64 "-%ld", b->began_us, b->sent);
    natsMsg_Create(&m, subject, reply, b->payload, b->bytes);
    natsMsgHeader_Set(m, "Nats-Msg-Id", id);
    b->due[b->sent++] = due_us;
    bare_check(natsConnection_PublishMsg(b->nc, m), "publish");
    natsMsg_Destroy(m);
}

/* How long to sleep, in us: a client that spins would take a core from those that are measured. */
static int64_t bare_send(struct bare *b)
{
    int64_t now = clock_mono_us();

    if (b->rate <= 0) {
        for (int i = 0; i < 64 && b->sent < b->count && b->sent - b->done < b->window; i++) {
            bare_publish(b, now);
        }
        return b->sent < b->count && b->sent - b->done < b->window ? 0 : 5000;
    }
    while (b->sent < b->count) {
        int64_t due = b->began_us + (int64_t)((double)b->sent * 1e6 / b->rate);
        if (due > now) {
            return due - now;
        }
        bare_publish(b, due);
    }
    return 100000;
}

static void bare_drain(struct bare *b)
{
    natsMsg *m = NULL;

    while (natsSubscription_NextMsg(&m, b->sub, 0) == NATS_OK) {
        long which = strtol(strrchr(natsMsg_GetSubject(m), '.') + 1, NULL, 10);
        b->errors += strstr(natsMsg_GetData(m), "\"error\"") != NULL;
        b->latency[b->done++] = clock_mono_us() - b->due[which];
        natsMsg_Destroy(m);
    }
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    struct bare b = {0};
    struct epoll_event events[8];

    if (argc != 6) {
        fprintf(stderr, "usage: bench_bare URL COUNT WINDOW RATE BYTES\n");
        return 2;
    }
    b.count = strtol(argv[2], NULL, 10);
    b.window = strtol(argv[3], NULL, 10);
    b.rate = strtod(argv[4], NULL);
    b.bytes = (int)strtol(argv[5], NULL, 10);
    b.payload = mem_new((size_t)b.bytes);
    b.due = mem_new((size_t)b.count * sizeof(*b.due));
    b.latency = mem_new((size_t)b.count * sizeof(*b.latency));
    bare_connect(&b, argv[1]);
    b.began_us = clock_mono_us();
    while (b.done < b.count) {
        int64_t us = bare_send(&b);
        struct timespec sleep = {us / 1000000, us % 1000000 * 1000};
        int n = epoll_pwait2(b.ep, events, 8, &sleep, NULL);
        for (int i = 0; i < n; i++) {
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
                natsConnection_ProcessReadEvent(b.nc);
            }
            if (events[i].events & EPOLLOUT) {
                natsConnection_ProcessWriteEvent(b.nc);
            }
        }
        bare_drain(&b);
    }
    double seconds = (double)(clock_mono_us() - b.began_us) / 1e6;
    qsort(b.latency, (size_t)b.done, sizeof(*b.latency), by_value);
    printf("{\"rate\": %.1f, \"p50_us\": %" PRId64 ", \"p99_us\": %" PRId64
           ", \"errors\": %ld, \"count\": %ld}\n",
           (double)b.done / seconds, b.latency[b.done / 2], b.latency[b.done * 99 / 100], b.errors, b.done);
    fflush(stdout);
    _exit(b.errors ? 1 : 0); /* the library's threads are not waited for */
}
