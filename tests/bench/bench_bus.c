/* bench_bus.c - how much of a bare nats.c publisher's rate bus_publish keeps: both with Msg-Id, acks tracked,
 * event loop, one thread. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "../unit/natsd.h"
#include "base/clock.h"
#include "edge/bus.h"

#define WINDOW 1000
#define BATCH  64 /* published before the loop is given a turn */

struct run {
    long total, sent, done, bad;
    size_t size;
    char *payload;
    int64_t started_us;
    int64_t cpu_us; /* of this process at the start */
    struct loop *loop;
    struct bus *bus;
    struct timer turn;
};

/* What a run gave; a rate of 0: something failed. */
struct result {
    double rate;       /* messages a second */
    double cpu_us_per; /* client CPU for each, the library's threads included */
};

static int64_t cpu_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void run_begin(struct run *r)
{
    r->started_us = clock_mono_us();
    r->cpu_us = cpu_now_us();
}

static struct result run_result(const struct run *r)
{
    double n = (double)r->total;

    if (r->bad) {
        return (struct result){0};
    }
    return (struct result){n * 1e6 / (double)(clock_mono_us() - r->started_us),
                           (double)(cpu_now_us() - r->cpu_us) / n};
}

/* ---- ours ---- */

static void ours_fill(struct run *r);

static void ours_acked(void *arg, const struct bus_ack *ack)
{
    struct run *r = arg;

    r->bad += ack->fault != FAULT_OK;
    if (++r->done == r->total) {
        loop_stop(r->loop);
    }
}

static void ours_turn(struct timer *timer)
{
    ours_fill(container_of(timer, struct run, turn));
}

static void ours_fill(struct run *r)
{
    char id[32];
    struct bus_out out = {
        .subject = "bench.ours", .payload = {r->payload, r->size}, .msg_id = id, .expect_last_seq = -1};

    for (int i = 0; i < BATCH && r->sent < r->total && r->sent - r->done < WINDOW; i++) {
        snprintf(id, sizeof(id), "%" PRIx64 "-%lx", r->started_us, r->sent++);
        bus_publish(r->bus, &out, 60000, ours_acked, r);
    }
    if (r->sent < r->total) {
        timer_start(r->loop, &r->turn, r->sent - r->done < WINDOW ? 0 : 1, ours_turn);
    }
}

static void ours_state(void *arg, bool up)
{
    struct run *r = arg;

    if (up && !r->started_us) {
        run_begin(r);
        ours_fill(r);
    }
}

static struct result ours(const struct natsd *d, long total, size_t size, char *payload)
{
    struct run r = {.total = total, .size = size, .payload = payload, .loop = loop_new()};
    struct bus_options options = {.urls = d->url, .name = "bench"};
    struct note note = {0};

    if (bus_new(r.loop, NULL, &options, &r.bus, &note) != FAULT_OK) {
        fprintf(stderr, "%s\n", note.text);
        exit(2);
    }
    bus_watch(r.bus, ours_state, &r);
    loop_run(r.loop);
    struct result result = run_result(&r);
    bus_free(&r.bus);
    loop_free(&r.loop);
    return result;
}

/* ---- bare: the least that nats.c can do the same with ---- */

struct bare {
    int epoll, fd;
    uint32_t events;
};

static void bare_set(struct bare *b, uint32_t events)
{
    struct epoll_event e = {.events = events};

    epoll_ctl(b->epoll, b->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, b->fd, &e);
    b->events = events;
}

static natsStatus bare_attach(void **user, void *loop, natsConnection *nc, natsSock fd)
{
    struct bare *b = loop;

    (void)nc;
    b->fd = fd;
    *user = b;
    bare_set(b, EPOLLIN);
    return NATS_OK;
}

static natsStatus bare_read(void *user, bool add)
{
    struct bare *b = user;

    bare_set(b, add ? b->events | EPOLLIN : b->events & ~(uint32_t)EPOLLIN);
    return NATS_OK;
}

static natsStatus bare_write(void *user, bool add)
{
    struct bare *b = user;

    bare_set(b, add ? b->events | EPOLLOUT : b->events & ~(uint32_t)EPOLLOUT);
    return NATS_OK;
}

static natsStatus bare_detach(void *user)
{
    (void)user;
    return NATS_OK;
}

static void bare_publish(struct run *r, natsConnection *nc, const char *inbox)
{
    char id[32], reply[96];
    natsMsg *msg = NULL;

    for (int i = 0; i < BATCH && r->sent < r->total && r->sent - r->done < WINDOW; i++) {
        snprintf(reply, sizeof(reply), "%s.%lx", inbox, r->sent);
        snprintf(id, sizeof(id), "%" PRIx64 "-%lx", r->started_us, r->sent++);
        natsMsg_Create(&msg, "bench.bare", reply, r->payload, (int)r->size);
        natsMsgHeader_Set(msg, "Nats-Msg-Id", id);
        r->bad += natsConnection_PublishMsg(nc, msg) != NATS_OK;
        natsMsg_Destroy(msg);
    }
}

static void bare_take_acks(struct run *r, natsSubscription *subscription, size_t prefix, char *seen)
{
    natsMsg *msg;

    while (natsSubscription_NextMsg(&msg, subscription, 0) == NATS_OK) {
        long i = strtol(natsMsg_GetSubject(msg) + prefix, NULL, 16);
        r->bad += seen[i] || strstr(natsMsg_GetData(msg), "error") != NULL;
        seen[i] = 1;
        r->done++;
        natsMsg_Destroy(msg);
    }
}

static struct result bare(const struct natsd *d, long total, size_t size, char *payload)
{
    struct run r = {.total = total, .size = size, .payload = payload};
    struct bare b = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
    char *seen = calloc((size_t)total, 1);
    const char *inbox = "_INBOX.bare";
    natsOptions *options = NULL;
    natsConnection *nc = NULL;
    natsSubscription *subscription = NULL;
    struct epoll_event e;

    natsOptions_Create(&options);
    natsOptions_SetURL(options, d->url);
    natsOptions_SetSendAsap(options, true);
    natsOptions_SetEventLoop(options, &b, bare_attach, bare_read, bare_write, bare_detach);
    if (natsConnection_Connect(&nc, options) != NATS_OK ||
        natsConnection_SubscribeSync(&subscription, nc, "_INBOX.bare.*") != NATS_OK) {
        exit(2);
    }
    natsSubscription_SetPendingLimits(subscription, -1, -1);
    run_begin(&r);
    while (r.done < r.total) {
        bare_publish(&r, nc, inbox);
        if (epoll_wait(b.epoll, &e, 1, r.sent < r.total && r.sent - r.done < WINDOW ? 0 : 100) != 1) {
            continue;
        }
        if (e.events & EPOLLIN) {
            natsConnection_ProcessReadEvent(nc);
        }
        if (e.events & EPOLLOUT) {
            natsConnection_ProcessWriteEvent(nc);
        }
        bare_take_acks(&r, subscription, strlen(inbox) + 1, seen);
    }
    struct result result = run_result(&r);
    natsOptions_Destroy(options);
    free(seen);
    return result;
}

/* ---- the stream, made with the bus ---- */

static void made(void *arg, enum fault fault, const json_t *answer)
{
    if (fault != FAULT_OK || json_object_get(answer, "error")) {
        fprintf(stderr, "the stream cannot be made\n");
        exit(2);
    }
    loop_stop(arg);
}

struct maker {
    struct loop *loop;
    struct bus *bus;
};

static void maker_state(void *arg, bool up)
{
    struct maker *m = arg;

    if (up) {
        json_t *config = json_pack("{s:s, s:[s], s:I}", "name", "BENCH", "subjects", "bench.>", "max_bytes",
                                   (json_int_t)256 << 20);
        bus_api(m->bus, "$JS.API.STREAM.CREATE.BENCH", config, 5000, made, m->loop);
        json_decref(config);
    }
}

static void make_stream(const struct natsd *d)
{
    struct maker m = {.loop = loop_new()};
    struct bus_options options = {.urls = d->url};

    if (bus_new(m.loop, NULL, &options, &m.bus, NULL) != FAULT_OK) {
        exit(2);
    }
    bus_watch(m.bus, maker_state, &m);
    loop_run(m.loop);
    bus_free(&m.bus);
    loop_free(&m.loop);
}

int main(int argc, char **argv)
{
    long total = argc > 1 ? strtol(argv[1], NULL, 10) : 100000;
    size_t size = argc > 2 ? strtoul(argv[2], NULL, 10) : 2048;
    int rounds = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 3;
    char *payload = calloc(1, size + 1);
    struct natsd d;

    if (!natsd_find()) {
        fprintf(stderr, "bench_bus: there is no nats-server\n");
        return 2;
    }
    natsd_prepare(&d, NULL); /* the store is memory: it is our side that is measured */
    natsd_start(&d);
    make_stream(&d);
    bare(&d, total / 10, size, payload); /* warms the server */
    for (int i = 0; i < rounds; i++) {
        struct result a = bare(&d, total, size, payload);
        struct result b = ours(&d, total, size, payload);
        printf("bus_publish, %zu bytes, window %d: bare %.0f/s (%.1f us CPU each), ours %.0f/s (%.1f us), "
               "ratio %.2f\n",
               size, WINDOW, a.rate, a.cpu_us_per, b.rate, b.cpu_us_per, b.rate / a.rate);
    }
    natsd_remove(&d);
    free(payload);
    return 0;
}
